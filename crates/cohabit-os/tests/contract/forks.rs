//! What a child finds, and what a process says of itself.

use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32};

use cohabit_os::fork::{at_exit, child_zeroed, process_lock};
use cohabit_os::process::{boot_id, clock_ns, command_line, effective_uid, identity, random};

use crate::support::{Alone, Line, child, child_by, forever, ways};

const LEN: usize = 3 * 4096;

fn sum(pages: NonNull<u8>) -> u64 {
    // SAFETY: `child_zeroed` gave this many bytes, for ever, and only this thread uses them.
    let bytes = unsafe { std::slice::from_raw_parts(pages.as_ptr(), LEN) };
    bytes.iter().copied().map(u64::from).sum()
}

fn fill(pages: NonNull<u8>) {
    // SAFETY: as in `sum`.
    unsafe { pages.as_ptr().write_bytes(1, LEN) }
}

#[test]
fn pages_are_zero_in_every_child_and_stay_the_parents() {
    let _alone = Alone::now();
    let pages = child_zeroed(LEN).expect("pages");
    assert_eq!(sum(pages), 0);
    fill(pages);
    for by in ways().iter().copied() {
        let finds_zero = child_by(by, || {
            if sum(pages) != 0 {
                return 1;
            }
            fill(pages);
            // And again one generation on.
            i32::from(child_by(by, || i32::from(sum(pages) != 0)).code() != 0)
        });
        assert_eq!(finds_zero.code(), 0);
    }
    assert_eq!(sum(pages), LEN as u64);
}

#[test]
fn the_process_lock_is_free_in_a_child_whoever_held_it() {
    let _alone = Alone::now();
    let busy = child(|| {
        for _ in 0..3 {
            std::thread::spawn(|| {
                loop {
                    let _guard = process_lock();
                    std::hint::black_box((0..1000).sum::<u64>());
                }
            });
        }
        for _ in 0..100 {
            let takes_it = child(|| {
                drop(process_lock());
                drop(process_lock());
                0
            });
            assert_eq!(takes_it.code(), 0);
            drop(process_lock()); // and free again in the parent
        }
        0
    });
    assert_eq!(busy.code(), 0);
}

#[test]
fn a_fork_waits_for_the_process_lock() {
    let _alone = Alone::now();
    let (done, forker) = (AtomicBool::new(false), AtomicI32::new(0));
    let guard = process_lock();
    std::thread::scope(|scope| {
        let forks = scope.spawn(|| {
            // SAFETY: gettid(2) has no precondition.
            forker.store(unsafe { libc::gettid() }, Relaxed);
            // The child has a copy of the memory of the moment it was made.
            child(|| i32::from(!done.load(Relaxed))).code()
        });
        // Until it waits, for the lock as it should, or for a child that should not be there yet.
        let waits = [libc::SYS_futex, libc::SYS_wait4].map(|number| format!("{number} "));
        loop {
            let call = format!("/proc/self/task/{}/syscall", forker.load(Relaxed));
            let call = std::fs::read_to_string(call).unwrap_or_default();
            if waits.iter().any(|number| call.starts_with(number)) {
                break;
            }
            std::thread::yield_now();
        }
        done.store(true, Relaxed);
        drop(guard);
        assert_eq!(forks.join().expect("no panic"), 0, "forked while the lock was held");
    });
}

#[test]
fn a_panic_under_the_process_lock_poisons_nothing() {
    let _alone = Alone::now();
    let panicked = std::thread::spawn(|| {
        let _guard = process_lock();
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(panicked.join().is_err());
    drop(process_lock());
}

#[test]
fn the_exit_hook_runs_at_exit_and_only_then() {
    static TELL: AtomicI32 = AtomicI32::new(-1);
    extern "C" fn hook() {
        // SAFETY: the pipe's end is open and nobody else in this process uses it.
        let mut tell = unsafe { std::fs::File::from_raw_fd(TELL.load(Relaxed)) };
        tell.write_all(b"!").expect("somebody hears");
    }
    let _alone = Alone::now();
    for (ends_by_exit, told) in [(true, true), (false, false)] {
        let line = Line::new();
        TELL.store(line.tell_end().as_raw_fd(), Relaxed);
        let leaver = child(|| {
            at_exit(hook);
            if ends_by_exit { std::process::exit(7) } else { 7 }
        });
        assert_eq!(leaver.code(), 7);
        if told { line.hear() } else { line.hear_end() }
    }
}

#[test]
fn a_process_knows_who_it_is_and_so_does_its_child() {
    let _alone = Alone::now();
    let me = identity();
    assert_eq!((me.pid, me.uid), (std::process::id(), effective_uid()));
    assert!(me.start > 0 && me.pid_namespace > 0);
    assert_eq!(identity(), me);
    let line = command_line(me.pid, me.start).expect("it is us");
    let first = std::env::args().next().expect("a name");
    assert!(line.contains(&first), "{line}");
    assert_eq!(command_line(me.pid, me.start + 1), None);
    assert_eq!(command_line(u32::MAX, me.start), None);
    for by in ways().iter().copied() {
        let knows = child_by(by, || {
            let it = identity();
            i32::from(it.pid != std::process::id() || it.pid == me.pid || it.start < me.start)
        });
        assert_eq!(knows.code(), 0);
    }
    let other = child(|| forever());
    assert!(other.pid() != me.pid);
}

#[test]
fn one_boot_has_one_id_and_randomness_differs() {
    let _alone = Alone::now();
    let boot = boot_id().expect("a boot id");
    assert_eq!(boot_id().expect("a boot id"), boot);
    assert_ne!(boot, 0);
    assert_eq!(child(|| i32::from(boot_id().ok() != Some(boot))).code(), 0);
    let (mut one, mut two) = ([0; 300], [0; 300]);
    random(&mut one).expect("random");
    random(&mut two).expect("random");
    assert_ne!(one, two);
    assert!(clock_ns() > 1_600_000_000_000_000_000);
}
