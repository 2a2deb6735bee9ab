//! Locks and signals as parts of objects.

use std::sync::atomic::Ordering;

use super::{Barrier, Condvar, Event, Once, run};
use crate::error::Result;
use crate::plain::{Kind, Signal};
use crate::shareable::Shareable;
use crate::views::View;

/// Declares a cell without data, and the word of it that its constructor gives; all others begin as 0.
macro_rules! signals {
    ($($cell:ident, $word:ident;)*) => {$(
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
                place.$word.store(self.$word.load(Ordering::Relaxed), Ordering::Relaxed);
            }

            fn settle(&self) -> Result<()> {
                Ok(())
            }

            fn only_shareable_may_implement() {}
        }
    )*};
}
signals! {
    Barrier, parties;
    Condvar, bell;
    Event, word;
    Once, word;
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
