//! What children do at a barrier.
use super::{LONG, kill_myself};
use crate::lab::oracle::in_futex;
use cohabit::{Barrier, BarrierWaitResult, Error, ErrorKind};
use std::sync::mpsc;
use std::time::Duration;

/// How many make a round.
pub(super) const PARTIES: usize = 3;

/// How a wait ended.
fn told(passed: Result<BarrierWaitResult, Error>) -> Result<String, Error> {
    let how = match passed {
        Ok(passed) if passed.is_leader() => "leader",
        Ok(_) => "other",
        Err(error) if error.kind() == ErrorKind::PeerDied => "died",
        Err(error) if error.kind() == ErrorKind::TimedOut => "late",
        Err(error) => return Err(error),
    };
    Ok(how.to_owned())
}

/// Does one operation, by its name in the laboratory's list; or `pair`, which waits in two threads.
pub(super) fn act(barrier: &Barrier, verb: &str) -> Result<String, Error> {
    match verb {
        "set_parties" => barrier.set_parties(PARTIES).map(|()| String::new()),
        "pair" => std::thread::scope(|scope| {
            let other = scope.spawn(|| told(barrier.wait()));
            let mine = told(barrier.wait())?;
            match other.join() {
                Ok(theirs) => Ok(format!("{mine} {}", theirs?)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }),
        "wait_timeout" => told(barrier.wait_timeout(LONG)),
        "gives_up" | "gives_up_broken" => told(barrier.wait_timeout(Duration::ZERO)),
        _ => told(barrier.wait()),
    }
}

/// Dies once one or two of its threads have arrived, and wait.
pub(super) fn die_in_there(barrier: &Barrier, how_many: &str) -> Result<(), String> {
    let (comes, come) = mpsc::channel();
    let threads = if how_many == "two" { 2 } else { 1 };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let comes = comes.clone();
            scope.spawn(move || {
                // SAFETY: it takes nothing, and cannot fail.
                let thread = unsafe { libc::gettid() };
                // Who would hear it is the thread that starts this one, and stays.
                let _heard = comes.send(thread);
                act(barrier, "wait")
            });
        }
        for thread in come.iter().take(threads) {
            while !in_futex(thread) {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        kill_myself()
    })
}
