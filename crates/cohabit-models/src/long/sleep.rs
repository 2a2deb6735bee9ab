//! The kernel's queues of those who wait on a word, and the clock.
//!
//! A wake-up takes the first one out of the queue, also if it is dying: then it is lost. Where time
//! passes, a sleep may end by itself at any step, and the clock then says that its end has come; where it
//! stands still, who is not woken sleeps for ever, and shuttle says so.

use std::cell::RefCell;
use std::collections::VecDeque;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::thread::{self, Thread};

/// Whether a sleep ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Time {
    #[default]
    Passes,
    StandsStill,
}

/// How likely a sleep ends at a step, where time passes.
const ENDS: f64 = 0.2;

#[derive(Debug, Default)]
struct Kernel {
    time: Time,
    /// Milliseconds.
    clock: u64,
    next: usize,
    /// Who sleeps on which address, in the order in which they came.
    asleep: VecDeque<Sleeper>,
}

#[derive(Debug)]
struct Sleeper {
    number: usize,
    on: usize,
    thread: Thread,
    /// The thread's number in the memory.
    who: usize,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::new(Kernel::default());
}

/// A new schedule begins.
pub(crate) fn begin(time: Time) {
    KERNEL.set(Kernel { time, clock: 1_000, ..Kernel::default() });
}

/// The clock, in milliseconds.
pub(crate) fn now() -> u64 {
    KERNEL.with_borrow(|kernel| kernel.clock)
}

/// Sleeps on an address until it is woken, or until that moment. Its word was compared before, in the same
/// step. `step` is called as long as it sleeps.
pub(crate) fn sleep(on: usize, until: u64, who: usize, step: impl Fn() -> bool) {
    let (number, time) = KERNEL.with_borrow_mut(|kernel| {
        kernel.next += 1;
        let thread = thread::current();
        kernel.asleep.push_back(Sleeper { number: kernel.next, on, thread, who });
        (kernel.next, kernel.time)
    });
    let is_asleep = || KERNEL.with_borrow(|k| k.asleep.iter().any(|one| one.number == number));
    while is_asleep() {
        match time {
            Time::StandsStill => thread::park(),
            Time::Passes if thread_rng().gen_bool(ENDS) => {
                KERNEL.with_borrow_mut(|kernel| {
                    kernel.clock = kernel.clock.max(until);
                    kernel.asleep.retain(|one| one.number != number);
                });
            }
            Time::Passes => {
                thread::yield_now();
                step();
            }
        }
    }
}

/// Takes some out of the queue; how many there were.
pub(crate) fn wake(on: usize, most: usize) -> usize {
    let woken: Vec<Thread> = KERNEL.with_borrow_mut(|kernel| {
        let chosen: Vec<usize> = kernel
            .asleep
            .iter()
            .filter(|one| one.on == on)
            .map(|one| one.number)
            .take(most)
            .collect();
        let (woken, asleep) =
            kernel.asleep.drain(..).partition::<Vec<_>, _>(|one| chosen.contains(&one.number));
        kernel.asleep = asleep.into();
        woken.into_iter().map(|one| one.thread).collect()
    });
    woken.iter().for_each(Thread::unpark);
    woken.len()
}

/// The kernel takes one that is dead out of its queues.
pub(crate) fn forget(who: usize) {
    KERNEL.with_borrow_mut(|kernel| kernel.asleep.retain(|one| one.who != who));
}
