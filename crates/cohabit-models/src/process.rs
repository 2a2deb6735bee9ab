//! Processes of a model: threads with a number of steps to live, and a kernel that says who is dead.

use std::cell::Cell;
use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::lock::Peers;
use crate::token::Token;

/// Steps of a process that is not killed.
pub(crate) const FOR_EVER: usize = usize::MAX;

loom::thread_local! {
    static STEPS: Cell<usize> = Cell::new(FOR_EVER);
    static DEATH: Cell<Option<Arc<AtomicBool>>> = Cell::new(None);
}

/// Uses up one step of this process; whether it was alive to do it.
pub(crate) fn step() -> bool {
    let left = STEPS.with(Cell::get);
    if left == FOR_EVER {
        return true;
    }
    if left == 0 {
        // Whoever is told that it is dead sees all that it did before: the kernel's word orders.
        if let Some(death) = DEATH.with(Cell::take) {
            death.store(true, Ordering::Release); // pairs with the load in `is_dead`
        }
        return false;
    }
    STEPS.with(|steps| steps.set(left - 1));
    true
}

/// Whether this process still has steps, without using one.
pub(crate) fn is_alive() -> bool {
    STEPS.with(Cell::get) != 0
}

/// What the kernel knows of the processes of one model, by slot.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    dead: Vec<Arc<AtomicBool>>,
}

impl Kernel {
    pub(crate) fn new(processes: usize) -> Self {
        Self { dead: (0..processes).map(|_| Arc::new(AtomicBool::new(false))).collect() }
    }

    /// The token of the process in `slot`.
    pub(crate) fn token(slot: u16) -> u64 {
        Token { slot, generation: 1 }.word()
    }

    /// Lets this thread be the process in `slot`, killed after so many steps; unless that
    /// is for ever, it is dead at its end.
    pub(crate) fn run<R>(&self, slot: u16, steps: usize, act: impl FnOnce() -> R) -> R {
        if steps == FOR_EVER {
            return act();
        }
        STEPS.with(|left| left.set(steps));
        DEATH.with(|death| death.set(Some(Arc::clone(&self.dead[usize::from(slot)]))));
        let result = act();
        STEPS.with(|left| left.set(0));
        step();
        result
    }
}

impl Peers for Kernel {
    fn is_dead(&self, token: Token) -> Result<bool> {
        // Acquire: pairs with the store in `step`.
        Ok(self.dead.get(usize::from(token.slot)).is_none_or(|dead| dead.load(Ordering::Acquire)))
    }

    fn describe(&self, token: Token) -> String {
        format!("process {}", token.slot)
    }

    fn are_one(&self, _word: usize, _other: usize) -> bool {
        false
    }
}
