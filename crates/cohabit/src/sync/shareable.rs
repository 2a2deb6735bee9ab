//! Locks and signals as parts of objects.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Barrier, Condvar, Event, Once, Semaphore, run};
use crate::error::Result;
use crate::plain::{Kind, Signal};
use crate::shareable::Shareable;
use crate::views::View;

/// Declares a cell of atomic words without data; `plant` makes a new, zeroed one of one that was built.
macro_rules! signals {
    ($($cell:ident, $plant:expr;)*) => {$(
        // SAFETY: atomic words, of which any bits are a state of the cell.
        unsafe impl Shareable for $cell {
            const KIND: Kind = Kind::Signal(Signal::$cell);
            type View<'a> = View<'a, Self>;
            type Head = Self;
            const SIZE: Option<usize> = Some(size_of::<Self>());

            fn from_parts(base: *mut u8, _len: usize) -> *mut Self {
                base.cast()
            }

            #[inline(always)]
            fn view<'a>(object: View<'a, Self>) -> View<'a, Self> {
                object
            }

            unsafe fn plant(&self, place: &Self) {
                let plant: fn(&Self, &Self) = $plant;
                plant(self, place);
            }

            fn settle(&self) -> Result<()> {
                Ok(())
            }

            fn only_shareable_may_implement() {}
        }
    )*};
}
signals! {
    Barrier, |built, place| copy(&built.parties, &place.parties);
    Condvar, |built, place| copy(&built.bell, &place.bell);
    Event, |built, place| copy(&built.word, &place.word);
    Once, |built, place| copy(&built.word, &place.word);
    Semaphore, Semaphore::plant_into;
}

fn copy(from: &AtomicU64, to: &AtomicU64) {
    to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
}

impl View<'_, Semaphore> {
    /// How many permits are free now. It does not count what the dead held.
    pub fn available_permits(self) -> usize {
        self.place().free()
    }
}

impl View<'_, Once> {
    /// Whether it is done.
    pub fn is_completed(self) -> bool {
        run::is_done(&self.place().word)
    }
}

impl View<'_, Event> {
    /// Whether the event is set now; it takes nothing.
    pub fn is_set(self) -> bool {
        super::event::is_set(&self.place().word)
    }
}
