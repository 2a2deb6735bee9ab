//! `Flag`: a bool that any process may change, and that no bits can make invalid.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// A bool for several processes: an atomic byte that is false if it is 0 and true otherwise.
///
/// Why not `AtomicBool`: a peer may write a 2, and a bool that is 2 is undefined behaviour. A `Flag`
/// takes any byte; its own calls write 0 and 1.
///
/// It is a plain atomic: it works outside of an object and in a forked child too, and each call takes
/// an [`Ordering`], as `AtomicBool`'s do.
///
/// # If a peer dies
/// What it stored stays.
///
/// # Examples
/// ```
/// use cohabit::Flag;
/// use std::sync::atomic::Ordering;
///
/// let stop = Flag::new(false);
/// stop.store(true, Ordering::Release);
/// assert!(stop.load(Ordering::Acquire));
/// ```
#[repr(transparent)]
#[derive(Default)]
pub struct Flag(AtomicU8);

impl Flag {
    /// A flag with this value.
    pub const fn new(value: bool) -> Self {
        Self(AtomicU8::new(value as u8))
    }

    /// The value: true unless the byte is 0.
    ///
    /// # Panics
    /// If `order` is `Release` or `AcqRel`, as `AtomicBool::load`.
    #[inline]
    pub fn load(&self, order: Ordering) -> bool {
        self.0.load(order) != 0
    }

    /// Makes `value` the value.
    ///
    /// # Panics
    /// If `order` is `Acquire` or `AcqRel`, as `AtomicBool::store`.
    #[inline]
    pub fn store(&self, value: bool, order: Ordering) {
        self.0.store(u8::from(value), order);
    }

    /// Makes `value` the value, and says the one before: exactly one of those who swap in `true` finds
    /// `false`.
    #[inline]
    pub fn swap(&self, value: bool, order: Ordering) -> bool {
        self.0.swap(u8::from(value), order) != 0
    }
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load(Ordering::Relaxed).fmt(f)
    }
}
