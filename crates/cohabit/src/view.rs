//! `SharedView<T>`: an object by name, for reading only.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::member::{Attachment, Member};
use crate::plain::{Part, Plain};
use crate::shareable::Shareable;
use crate::status::{Standing, Status};
use crate::users::User;
use crate::value::{Value, Version};
use crate::views::View;

/// A read-only view of an object: the pages are mapped read-only, no slot is taken, nothing is written.
/// It can neither block, starve nor corrupt anybody, and keeps nothing alive.
///
/// It never derefs to `T`, since on a read-only page even a failing compare-exchange ends the process.
/// It goes on reading in a forked child.
///
/// # If a peer dies
/// Nothing changes: the last committed value stays readable, also when nobody is left.
pub struct SharedView<T: Shareable + ?Sized> {
    object: NonNull<T>,
    attachment: Arc<Attachment>,
}

// SAFETY: as for Shared: a pointer to memory that all threads may read.
unsafe impl<T: Shareable + ?Sized> Send for SharedView<T> {}
// SAFETY: as for Send.
unsafe impl<T: Shareable + ?Sized> Sync for SharedView<T> {}

impl<T: Shareable + ?Sized> Clone for SharedView<T> {
    fn clone(&self) -> Self {
        Self { object: self.object, attachment: Arc::clone(&self.attachment) }
    }
}

impl<T: Shareable + ?Sized> SharedView<T> {
    pub(crate) fn over(attachment: Arc<Attachment>) -> Self {
        let segment = &attachment.member().segment;
        let object = T::from_parts(segment.object(), segment.tail_len());
        let object = NonNull::new(object).expect("a mapping is not at address 0");
        Self { object, attachment }
    }

    pub(crate) fn member(&self) -> &Member {
        self.attachment.member()
    }

    /// Only for relaxed loads of at most 64 bits, which are legal on read-only pages.
    pub(crate) fn object(&self) -> &T {
        // SAFETY: the attachment keeps the mapping, the type was checked at the opening, and by the
        // contract of Shareable any bits are a T.
        unsafe { self.object.as_ref() }
    }

    /// The object's parts, for reading: of a struct with `#[shareable]`, a method for each field; of
    /// an array, its elements; of a cell or an atomic, its reading calls.
    ///
    /// ```no_run
    /// use std::sync::atomic::AtomicU64;
    ///
    /// use cohabit::{Shared, Value, shareable};
    ///
    /// #[shareable]
    /// struct Board { hits: AtomicU64, state: Value<f64> }
    ///
    /// let board = Shared::<Board>::open_read_only("board")?;
    /// let hits = board.view().hits().load();
    /// let state = board.view().state().get()?;
    /// # let _ = (hits, state);
    /// # Ok::<(), cohabit::Error>(())
    /// ```
    #[inline(always)]
    pub fn view(&self) -> T::View<'_> {
        T::view(View::new(self.object(), self.member()))
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.member().segment.name
    }

    /// Bytes of shared memory that the object takes, all told.
    pub fn size(&self) -> u64 {
        self.member().segment.header.segment_size
    }

    /// The users and guests that live. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn users(&self) -> Result<Vec<User>> {
        self.member().segment.users()
    }

    /// Whether the instance still lives under its name: what [`status`](SharedView::status) begins with, for
    /// programs that ask often. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    pub fn standing(&self) -> Result<Standing> {
        self.member().segment.standing()
    }

    /// How the instance stands, who uses it, and who has which lock: those who are stopped, debugged or
    /// dead are told as such. Nobody is disturbed, and nothing is taken or written: for logs and for
    /// people, since it may be old when it is told. Asks the kernel.
    ///
    /// # Errors
    /// `LivenessLost`.
    ///
    /// # If a peer dies
    /// What it left is told as left by a dead one, until somebody has taken it over.
    pub fn status(&self) -> Result<Status> {
        self.member().segment.status_as::<T>()
    }
}

impl<T: Plain> SharedView<Value<T>> {
    /// The value. See [`Value::get`].
    ///
    /// # Errors
    /// `BadBits`, `Corrupt`; `Busy` when writers outran this reader for 100 ms.
    #[inline(always)]
    pub fn get(&self) -> Result<T> {
        self.view().get()
    }

    /// The value and its version, taken together.
    ///
    /// # Errors
    /// As [`SharedView::get`].
    #[inline(always)]
    pub fn read(&self) -> Result<(T, Version)> {
        self.view().read()
    }

    /// Copies the value into `into` and says its version.
    ///
    /// # Errors
    /// As [`SharedView::get`]; `into` then holds some value of its type, which nobody may have written.
    pub fn get_into(&self, into: &mut T) -> Result<Version> {
        self.view().get_into(into)
    }

    /// The value on the heap, without a copy of it on the stack.
    ///
    /// # Errors
    /// As [`SharedView::get`].
    pub fn get_boxed(&self) -> Result<Box<T>> {
        self.view().get_boxed()
    }

    /// One part of the value.
    ///
    /// # Errors
    /// As [`SharedView::get`].
    pub fn get_part<F: Plain>(&self, part: Part<T, F>) -> Result<F> {
        self.view().get_part(part)
    }

    /// The version of the value now.
    pub fn version(&self) -> Version {
        self.view().version()
    }

    /// Waits until the version is not `seen` any more; then the value and its version. A view looks
    /// again every 1 to 20 ms, since it may not ask to be woken.
    ///
    /// # Errors
    /// `TimedOut`; `Ended` or `NameLost` when the instance is over; else as [`SharedView::get`].
    pub fn wait_changed(&self, seen: Version, timeout: Duration) -> Result<(T, Version)> {
        self.view().wait_changed(seen, timeout)
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// As [`SharedView::wait_changed`].
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        self.view().wait_version(seen, timeout)
    }
}

impl<T: Plain> SharedView<Value<[T]>> {
    /// Copies all elements into `into` and says their version.
    ///
    /// # Errors
    /// `LengthMismatch` when `into` is not as long as the value; else as [`SharedView::get`].
    pub fn get_into(&self, into: &mut [T]) -> Result<Version> {
        self.view().get_into(into)
    }

    /// All elements, on the heap.
    ///
    /// # Errors
    /// As [`SharedView::get`]; `NoAddressSpace` when there is no memory for so many.
    pub fn get_boxed(&self) -> Result<Box<[T]>> {
        self.view().get_boxed()
    }

    /// One element, [`Part::element`], or a part of one.
    ///
    /// # Errors
    /// `OutOfRange`; else as [`SharedView::get`].
    pub fn get_part<F: Plain>(&self, part: Part<[T], F>) -> Result<F> {
        self.view().get_part(part)
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are none; never so.
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// The version of the value now.
    pub fn version(&self) -> Version {
        self.view().version()
    }

    /// Waits until the version is not `seen` any more; then the version.
    ///
    /// # Errors
    /// As [`SharedView::wait_changed`].
    pub fn wait_version(&self, seen: Version, timeout: Duration) -> Result<Version> {
        self.view().wait_version(seen, timeout)
    }
}

macro_rules! atomic_views {
    ($($atomic:ident: $value:ty),*) => {$(
        impl SharedView<std::sync::atomic::$atomic> {
            /// The number now (relaxed).
            pub fn load(&self) -> $value {
                self.view().load()
            }
        }
    )*};
}
atomic_views!(
    AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64,
    AtomicI8: i8, AtomicI16: i16, AtomicI32: i32, AtomicI64: i64
);

impl<T: Shareable + ?Sized> fmt::Debug for SharedView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedView").field("name", &self.name()).finish_non_exhaustive()
    }
}
