//! Processes of a model: they die at one of their steps, and the kernel says so later.
//!
//! A step is an access to a word, a wait or a wake-up. What dies unwinds to its beginning, and whatever is
//! dropped on the way has no effect. That it died is known to nobody yet: that is the kernel's next
//! step, and others may come between.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread::JoinHandle;

use super::memory::{self, View};
use super::sleep;
use crate::error::Result;
use crate::lock::Peers;
use crate::token::Token;

shuttle::thread_local! {
    /// Steps that are left to this process; `None`: it is not killed.
    static LEFT: Cell<Option<usize>> = Cell::new(None);
    /// As which slot it locks.
    static SLOT: Cell<u16> = Cell::new(0);
}

thread_local! {
    static KERNEL: Kernel = Kernel::default();
}

/// What a process unwinds with.
struct Death;

/// A new schedule begins: everybody lives.
pub(crate) fn begin() {
    KERNEL.with(|kernel| kernel.dead().clear());
}

/// What the kernel knows of the processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kernel {
    /// Who is dead, and what it knew: whoever is told so sees all that it did.
    dead: Arc<Mutex<Vec<(u16, View)>>>,
}

impl Kernel {
    /// The kernel of this schedule.
    pub(crate) fn now() -> Kernel {
        KERNEL.with(Kernel::clone)
    }

    /// The token of the process in `slot`.
    pub(crate) fn token(slot: u16) -> u64 {
        Token { slot, generation: 1 }.word()
    }

    fn dead(&self) -> std::sync::MutexGuard<'_, Vec<(u16, View)>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers for Kernel {
    fn is_dead(&self, token: Token) -> Result<bool> {
        step();
        let view = self.dead().iter().find(|(slot, _)| *slot == token.slot).map(|(_, v)| v.clone());
        view.iter().for_each(memory::learn);
        Ok(view.is_some())
    }

    fn describe(&self, token: Token) -> String {
        format!("process {}", token.slot)
    }

    fn are_one(&self, _word: usize, _other: usize) -> bool {
        false
    }
}

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Process<T>(JoinHandle<(Option<T>, View)>);

impl<T> Process<T> {
    /// Waits until it is over: what came of it, if it was not killed. Its end orders what it did.
    pub(crate) fn join(self) -> Option<T> {
        let (result, view) = self.0.join().expect("a model's assertion, told already");
        memory::learn(&view);
        result
    }
}

/// Starts a process that is not killed.
pub(crate) fn start<T: Send + 'static>(
    slot: u16,
    act: impl FnOnce() -> T + Send + 'static,
) -> Process<T> {
    begun(slot, None, act)
}

/// Starts a process that is killed at one of its first `most` steps, or not at all.
pub(crate) fn start_mortal<T: Send + 'static>(
    slot: u16,
    most: usize,
    act: impl FnOnce() -> T + Send + 'static,
) -> Process<T> {
    begun(slot, Some(thread_rng().gen_range(0..=most)), act)
}

fn begun<T: Send + 'static>(
    slot: u16,
    left: Option<usize>,
    act: impl FnOnce() -> T + Send + 'static,
) -> Process<T> {
    let thread = memory::fork();
    Process(shuttle::thread::spawn(move || {
        memory::enter(thread);
        SLOT.with(|mine| mine.set(slot));
        LEFT.with(|steps| steps.set(left));
        let outcome = catch_unwind(AssertUnwindSafe(act));
        let result = match outcome {
            Ok(result) => Some(result),
            Err(panic) if panic.is::<Death>() => None,
            Err(panic) => resume_unwind(panic),
        };
        LEFT.with(|steps| steps.set(None));
        // What others do between the death and the kernel's word.
        switch();
        sleep::forget(thread);
        let view = memory::view();
        KERNEL.with(|kernel| kernel.dead().push((slot, view.clone())));
        (result, view)
    }))
}

/// As which slot this process locks.
pub(crate) fn slot() -> u16 {
    SLOT.with(Cell::get)
}

/// Uses up a step of this process, before which others may have had theirs. Whether it is alive: what is
/// dropped while a dead one unwinds goes on, without an effect.
pub(crate) fn step() -> bool {
    if std::thread::panicking() {
        return false;
    }
    switch();
    match LEFT.with(Cell::get) {
        None => {}
        Some(0) => resume_unwind(Box::new(Death)),
        Some(left) => LEFT.with(|steps| steps.set(Some(left - 1))),
    }
    true
}

/// Lets the schedule go on with another one.
fn switch() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}
