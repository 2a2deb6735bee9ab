//! What may be lived in by several processes at once.

use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
};

use crate::attach::Wanted;
use crate::cells::{Flag, Frozen, Loose};
use crate::described::Described;
use crate::error::Result;
use crate::plain::{Kind, Plain};
use crate::schema;
use crate::sync::{Mutex, OnceCell, RwLock};
use crate::value::{Value, ValueHead, fill, slice};
use crate::views::View;

/// A type that several processes may use at once, through `&T`, where it stands.
///
/// Shareable is to [`Plain`] as `Sync` is to `Send`. Shareable are
/// - the atomics of fixed width of std, and [`Flag`](crate::Flag) for a bool;
/// - cells of plain data: [`Value`], [`Frozen`](crate::Frozen), [`Loose`](crate::Loose), [`Mutex`],
///   [`RwLock`], [`OnceCell`];
/// - structs of these with [`#[shareable]`](macro@crate::shareable), and arrays of these, nested;
/// - slices of these, and `Value<[T]>`, as the last thing of an object: see
///   [`Options::len`](crate::Options::len).
///
/// # Safety
/// Only `#[shareable]` and this crate implement it.
/// - Every bit pattern of the bytes is a valid `Self`, and every byte may change at any time: the type
///   consists of atomics of fixed width and of cells of this crate, with `repr(C)`.
/// - [`Shareable::KIND`] describes exactly its layout, which is the same on every target.
/// - It needs no `Drop`, and refers to nothing outside its own bytes.
/// - `from_parts` returns a pointer to `base` itself, and `SIZE` is the type's.
/// - The view of a read-only mapping only loads, relaxed and at most 64 bits at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be lived in by several processes at once",
    label = "not shareable",
    note = "plain data goes into a cell: `Value<{Self}>`, `Frozen<{Self}>` or `Loose<{Self}>`",
    note = "your own struct of cells and atomics: put `#[cohabit::shareable]` on it"
)]
pub unsafe trait Shareable: Send + Sync + 'static {
    /// What it is, for schema and fingerprint.
    const KIND: Kind;

    /// What [`SharedView::view`](crate::SharedView::view) gives: the same parts, for reading only.
    type View<'a>;

    /// The same without its tail, where it has one: what its layout is taken from.
    #[doc(hidden)]
    type Head: 'static;

    /// The size in bytes; none where it ends in a slice, whose length counts.
    #[doc(hidden)]
    const SIZE: Option<usize>;

    /// The pointer to a `Self` at `base`. The length counts only where it ends in a slice.
    #[doc(hidden)]
    fn from_parts(base: *mut u8, len: usize) -> *mut Self;

    /// Whether it, or a part of it, is [`LastOneOut`]. It counts in the fingerprint.
    #[doc(hidden)]
    const HAS_END: bool = false;

    /// Its own end, then those of its parts, in their order.
    #[doc(hidden)]
    fn run_end(&self) {}

    /// Its view. The object may stand on read-only pages.
    #[doc(hidden)]
    fn view<'a>(object: View<'a, Self>) -> Self::View<'a>;

    /// Copies what was built in private memory into its new, zeroed place: everything but padding,
    /// which a move need not keep and which stays zero.
    ///
    /// # Safety
    /// - `self` stands in private memory, and `place` in a new object that is zero and that nobody who
    ///   follows the protocol uses yet.
    #[doc(hidden)]
    unsafe fn plant(&self, place: &Self);

    /// Makes whole what a constructor has built in place: checks the bits of what it left, and makes
    /// the first version of each value that it has not set.
    ///
    /// # Errors
    /// `ConstructorIncomplete` where what was left at zero is no value of its type.
    #[doc(hidden)]
    fn settle(&self) -> Result<()>;

    /// Nobody else can name this, so nobody else can implement the trait by hand in good faith.
    #[doc(hidden)]
    fn only_shareable_may_implement();
}

/// A type whose objects have an end: something to do once, when the last user has left.
///
/// It is what a destructor is to an object of one process. It is never called `Drop`, since an object
/// may go without it: by a kill, at `exit`, at the end of the machine. What is in an object owns nothing
/// outside of it, so nothing is lost then; but what the end wanted to tell, is not told.
///
/// It runs **at most once**, in the last user that leaves a [`Keep::WhileUsed`](crate::Keep::WhileUsed)
/// object cleanly, while that drops its last handle. It does not run
/// - for an object whose users were killed, or go by `exit` with a handle in a `static`,
/// - for a kept object, or one that was removed with `--force`,
/// - in a guest: whoever knows the object by its schema only, as the `cohabit` command does. Guests do
///   not count: while only they are left, the object has ended.
///
/// Where a part of an object has an end too, it runs after that of the whole, in the order of the
/// parts. A panic in an end goes to whoever dropped the handle; the object ends nevertheless, and what
/// comes after in the same end does not run.
///
/// # Examples
/// ```no_run
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use cohabit::{LastOneOut, shareable};
///
/// #[shareable]
/// #[derive(Default)]
/// struct Board { hits: AtomicU64 }
///
/// impl LastOneOut for Board {
///     fn last_one_out(&self) {
///         println!("{} hits in all", self.hits.load(Relaxed));
///     }
/// }
/// ```
pub trait LastOneOut: Shareable {
    /// What there is to do. The cells of the object can be used; opening its name is an error.
    fn last_one_out(&self);
}

/// Tells, for the code that `#[shareable]` writes, whether a type implements [`LastOneOut`]: then the
/// constant and the function of its own count, else those of [`NoEnd`].
#[derive(Debug)]
pub struct EndOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: LastOneOut + ?Sized> EndOf<T> {
    /// It has an end.
    pub const HAS_END: bool = true;

    /// Runs it.
    pub fn run(object: &T) {
        object.last_one_out();
    }
}

/// What [`EndOf`] says of a type without an end.
pub trait NoEnd<T: ?Sized> {
    /// It has none.
    const HAS_END: bool = false;

    /// Does nothing.
    fn run(_object: &T) {}
}

impl<T: ?Sized> NoEnd<T> for EndOf<T> {}

/// Tells, for the code that `#[shareable]` writes, how large a type is: these constants count where it
/// has a size, else those of [`NoSize`].
#[derive(Debug)]
pub struct SizeOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T> SizeOf<T> {
    /// Its size and alignment.
    pub const LAYOUT: Option<(usize, usize)> = Some((size_of::<T>(), align_of::<T>()));
}

/// What [`SizeOf`] says of a type that ends in a slice.
pub trait NoSize {
    /// It depends on the length.
    const LAYOUT: Option<(usize, usize)> = None;
}

impl<T: ?Sized> NoSize for SizeOf<T> {}

/// The size of a struct, as `#[shareable]` found it; none where it ends in a slice.
///
/// Stops the compilation where another attribute has changed the layout behind ours.
pub const fn size_of_struct<Head>(layout: Option<(usize, usize)>) -> Option<usize> {
    let Some((size, align)) = layout else { return None };
    assert!(
        size == size_of::<Head>() && align == align_of::<Head>(),
        "another attribute changes the layout: #[shareable] gives the struct C's"
    );
    Some(size)
}

macro_rules! atomics {
    ($($atomic:ty: $kind:ident),*) => {$(
        // SAFETY: an atomic of fixed width: any bits are a value, and it is made to be changed.
        unsafe impl Shareable for $atomic {
            const KIND: Kind = Kind::Atomic { of: &Kind::$kind };
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
                place.store(self.load(Ordering::Relaxed), Ordering::Relaxed);
            }

            fn settle(&self) -> Result<()> {
                Ok(())
            }

            fn only_shareable_may_implement() {}
        }
    )*};
}
atomics!(
    AtomicU8: U8, AtomicU16: U16, AtomicU32: U32, AtomicU64: U64,
    AtomicI8: I8, AtomicI16: I16, AtomicI32: I32, AtomicI64: I64
);

// SAFETY: one atomic byte, of which any value is a bool to it.
unsafe impl Shareable for Flag {
    const KIND: Kind = Kind::Flag;
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
        place.store(self.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn only_shareable_may_implement() {}
}

/// Declares a cell of plain data: how one in private memory is planted, and one in place settled.
macro_rules! cells {
    ($($cell:ident, $kind:expr, $plant:path, $settle:path;)*) => {$(
        // SAFETY: its bytes are only accessed as atomic words (invariant 2 of its module), or under its
        // lock (invariant 3 of `sync::in_place`), and what comes out is checked before it is a T.
        unsafe impl<T: Plain> Shareable for $cell<T> {
            const KIND: Kind = $kind;
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
                // SAFETY: the caller's contract.
                unsafe { $plant(place, self) };
            }

            fn settle(&self) -> Result<()> {
                $settle(self)
            }

            fn only_shareable_may_implement() {}
        }
    )*};
}
cells! {
    Value, Kind::value_of::<T>(), fill::from_cell, fill::settle;
    Frozen, Kind::Frozen { of: Kind::fixed::<T>() }, Frozen::plant_from, Frozen::settled;
    Loose, Kind::Loose { of: Kind::fixed::<T>() }, Loose::plant_from, Loose::settled;
    Mutex, Kind::Mutex { of: Kind::fixed::<T>() }, Mutex::plant_from, Mutex::settled;
    RwLock, Kind::RwLock { of: Kind::fixed::<T>() }, RwLock::plant_from, RwLock::settled;
    OnceCell, Kind::OnceCell { of: Kind::fixed::<T>() }, OnceCell::plant_from, OnceCell::settled;
}

// SAFETY: as for a single value; its copies lie behind it (invariant 1 of `crate::value::slice`).
unsafe impl<T: Plain> Shareable for Value<[T]> {
    const KIND: Kind = Kind::value_of_slice::<T>();
    type View<'a> = View<'a, Self>;
    type Head = ValueHead;
    const SIZE: Option<usize> = None;

    fn from_parts(base: *mut u8, len: usize) -> *mut Self {
        slice::from_parts(base, len)
    }

    #[inline(always)]
    fn view<'a>(object: View<'a, Self>) -> View<'a, Self> {
        object
    }

    /// Without a size, it never stands in private memory.
    unsafe fn plant(&self, _place: &Self) {}

    fn settle(&self) -> Result<()> {
        fill::settle_slice(self)
    }

    fn only_shareable_may_implement() {}
}

// SAFETY: C puts the elements of an array one behind the other without padding of its own, so what
// holds of the element holds of the array.
unsafe impl<C: Shareable, const N: usize> Shareable for [C; N] {
    const KIND: Kind = {
        assert!(N > 0, "an array of nothing cannot be shared: give it at least one element");
        Kind::Array { of: &C::KIND, len: N }
    };
    type View<'a> = View<'a, [C]>;
    const HAS_END: bool = C::HAS_END;
    type Head = Self;
    const SIZE: Option<usize> = Some(size_of::<Self>());

    fn from_parts(base: *mut u8, _len: usize) -> *mut Self {
        base.cast()
    }

    fn run_end(&self) {
        self.as_slice().run_end();
    }

    #[inline(always)]
    fn view<'a>(object: View<'a, Self>) -> View<'a, [C]> {
        // SAFETY: the elements are all there is of the array.
        unsafe { object.part(|array| array.as_slice()) }
    }

    unsafe fn plant(&self, place: &Self) {
        // SAFETY: the caller's contract.
        unsafe { self.as_slice().plant(place) };
    }

    fn settle(&self) -> Result<()> {
        self.as_slice().settle()
    }

    fn only_shareable_may_implement() {}
}

// SAFETY: as for an array, of any length.
unsafe impl<C: Shareable> Shareable for [C] {
    const KIND: Kind = Kind::Tail { of: &C::KIND };
    type View<'a> = View<'a, Self>;
    const HAS_END: bool = C::HAS_END;
    type Head = [C; 0];
    const SIZE: Option<usize> = None;

    fn from_parts(base: *mut u8, len: usize) -> *mut Self {
        std::ptr::slice_from_raw_parts_mut(base.cast(), len)
    }

    fn run_end(&self) {
        self.iter().for_each(C::run_end);
    }

    #[inline(always)]
    fn view<'a>(object: View<'a, Self>) -> View<'a, Self> {
        object
    }

    unsafe fn plant(&self, place: &Self) {
        for (built, place) in self.iter().zip(place) {
            // SAFETY: the caller's contract for the whole is that of its elements.
            unsafe { built.plant(place) };
        }
    }

    fn settle(&self) -> Result<()> {
        // There may be billions of elements.
        if C::KIND.needs_settling() { self.iter().try_for_each(C::settle) } else { Ok(()) }
    }

    fn only_shareable_may_implement() {}
}

/// Demands of an object of type `T`, as constants.
pub(crate) struct WantedOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: Shareable + ?Sized> WantedOf<T> {
    /// What opening compares with.
    pub(crate) const WANTED: &'static Wanted = &Wanted {
        fingerprint: schema::fingerprint(&T::KIND, T::HAS_END),
        what: Described::Kind({
            assert!(T::KIND.align() <= 64, "an object's alignment is at most 64");
            assert!(!std::mem::needs_drop::<T>(), "implement LastOneOut instead of Drop");
            match T::SIZE {
                Some(size) => {
                    assert!(size > 0, "an object has at least one byte");
                    assert!(size == T::KIND.size(), "KIND must describe the type");
                    assert!(!T::KIND.has_tail(), "a tail has no size of its own");
                }
                None => assert!(T::KIND.tail_element() > 0, "an element has at least one byte"),
            }
            &T::KIND
        }),
        struct_size: struct_of(&T::KIND).0,
        field_count: struct_of(&T::KIND).1,
        has_room: T::KIND.has_room(),
        end: if T::HAS_END { Some(run_end::<T>) } else { None },
    };
}

/// Size and number of fields of the struct that an object is about.
const fn struct_of(kind: &Kind) -> (u64, u32) {
    match kind {
        Kind::Value { of, .. } => struct_of(of),
        Kind::Struct(kind) => (kind.size as u64, kind.fields.len() as u32),
        other => (other.size() as u64, 0),
    }
}

fn run_end<T: Shareable + ?Sized>(object: *mut u8, len: usize) {
    // SAFETY: `object` is where a T with a tail of `len` was constructed in a mapping that the caller
    // holds; by the trait's contract any bits are a T, which may be used through `&T` at any time.
    let object = unsafe { &*T::from_parts(object, len) };
    object.run_end();
}
