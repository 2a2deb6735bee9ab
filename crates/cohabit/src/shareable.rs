//! What may be lived in by several processes at once, and how it is built.

use std::error::Error as StdError;
use std::mem::MaybeUninit;
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

use crate::attach::Wanted;
use crate::error::{Error, ErrorKind, Result};
use crate::plain::{Kind, Plain, copies_of_slice};
use crate::schema;
use crate::segment::Segment;
use crate::table;
use crate::token::Token;
use crate::value::fill::Filled;
use crate::value::{Contents, Value, fill, slice};

/// A type that several processes may use at once, through `&T`, where it stands.
///
/// Shareable is to [`Plain`] as `Sync` is to `Send`: atomics of fixed width and cells, such as
/// [`Value`], are Shareable; plain data is put into a cell.
///
/// # Safety
/// - Every bit pattern of the bytes is a valid `Self`, and every byte may change at any time: the type
///   consists of atomics of fixed width and of cells of this crate, with `repr(C)`.
/// - [`Shareable::KIND`] describes exactly its layout, which is the same on every target.
/// - It needs no `Drop`, and refers to nothing outside its own bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be lived in by several processes at once",
    label = "not shareable",
    note = "plain data goes into a value: `SharedValue<{Self}>`, which is `Shared<Value<{Self}>>`"
)]
pub unsafe trait Shareable: FromParts + Send + Sync + 'static {
    /// What it is, for schema and fingerprint.
    const KIND: Kind;

    /// Whether [`Shareable::last_one_out`] is to be run. It counts in the fingerprint.
    const HAS_END: bool = false;

    /// Run at most once, by the last user that leaves cleanly a `WhileUsed` object; never for an
    /// orphan, at process exit, or for a kept object.
    fn last_one_out(&self) {}

    /// Run by the creator when the constructor is done: makes canonical what a move may have lost
    /// (a move need not keep padding), and the first version of a value that nobody has set.
    ///
    /// # Errors
    /// `ConstructorIncomplete` where what was left at zero is no value of its type.
    #[doc(hidden)]
    fn settle(&self) -> Result<()> {
        Ok(())
    }
}

/// A type whose pointer is made of an address and a length, which counts only where the type ends in
/// a slice.
///
/// # Safety
/// - `from_parts` returns a pointer to `base` itself.
/// - `SIZE` is the size of the type, if that does not depend on a length.
#[doc(hidden)]
pub unsafe trait FromParts {
    /// The size in bytes, without a slice at the end.
    const SIZE: Option<usize>;

    /// The pointer to a `Self` at `base`.
    fn from_parts(base: *mut u8, len: usize) -> *mut Self;
}

// SAFETY: the cast keeps the address; a sized type has one size.
unsafe impl<T> FromParts for T {
    const SIZE: Option<usize> = Some(size_of::<T>());

    fn from_parts(base: *mut u8, _len: usize) -> *mut Self {
        base.cast()
    }
}

// SAFETY: the slice starts at `base`; its size depends on the length.
unsafe impl<T> FromParts for [T] {
    const SIZE: Option<usize> = None;

    fn from_parts(base: *mut u8, len: usize) -> *mut Self {
        std::ptr::slice_from_raw_parts_mut(base.cast(), len)
    }
}

// SAFETY: shareable elements, one behind the other, of which any number may be there.
unsafe impl<T: Shareable> Shareable for [T] {
    const KIND: Kind = Kind::Tail { of: &T::KIND };

    fn settle(&self) -> Result<()> {
        self.iter().try_for_each(T::settle)
    }
}

macro_rules! atomics {
    ($($atomic:ty: $kind:ident),*) => {$(
        // SAFETY: an atomic of fixed width: any bits are a value, and it is made to be changed.
        unsafe impl Shareable for $atomic {
            const KIND: Kind = Kind::Atomic { of: &Kind::$kind };
        }
    )*};
}
atomics!(
    AtomicU8: U8, AtomicU16: U16, AtomicU32: U32, AtomicU64: U64,
    AtomicI8: I8, AtomicI16: I16, AtomicI32: I32, AtomicI64: I64
);

// SAFETY: its bytes are only accessed as atomic words (invariant 2 of `crate::value`).
unsafe impl<T: Plain> Shareable for Value<T> {
    const KIND: Kind = Kind::value_of::<T>();

    fn settle(&self) -> Result<()> {
        fill::settle(self)
    }
}

// SAFETY: as for a single value; its copies lie behind it (invariant 1 of `crate::value::slice`).
unsafe impl<T: Plain> Shareable for Value<[T]> {
    const KIND: Kind = Kind::Value { copies: 0, stride: 0, of: &Kind::Tail { of: &T::KIND } };

    fn settle(&self) -> Result<()> {
        fill::settle_slice(self)
    }
}

/// Demands of an object of type `T`, as constants.
pub(crate) struct WantedOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: Shareable + ?Sized> WantedOf<T> {
    /// What opening compares with.
    pub(crate) const WANTED: &'static Wanted = &Wanted {
        fingerprint: schema::fingerprint(&T::KIND, T::HAS_END),
        kind: {
            assert!(T::KIND.align() <= 64, "an object's alignment is at most 64");
            assert!(!std::mem::needs_drop::<T>(), "use last_one_out instead of Drop");
            match T::SIZE {
                Some(size) => {
                    assert!(size > 0, "an object has at least one byte");
                    assert!(size == T::KIND.size(), "KIND must describe the type");
                    assert!(!T::KIND.has_tail(), "a tail has no size of its own");
                }
                None => assert!(T::KIND.has_tail(), "what has no size of its own ends in a tail"),
            }
            &T::KIND
        },
        struct_size: struct_of(&T::KIND).0,
        field_count: struct_of(&T::KIND).1,
        end: if T::HAS_END { Some(run_end::<T>) } else { None },
        schema: || schema::Schema::of(&T::KIND, T::HAS_END),
        sizes: |len| sizes(&T::KIND, len),
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

fn sizes(kind: &Kind, len: u64) -> String {
    match kind {
        Kind::Value { of, .. } if of.has_tail() => {
            let size = of.size_with_tail(len).unwrap_or(u64::MAX);
            format!("{} copies of {size} bytes, and the head", copies_of_slice(size))
        }
        Kind::Value { copies, of, .. } => {
            format!("{copies} copies of {} bytes, and the head", of.size())
        }
        other => {
            format!("{} bytes, and the head", other.size_with_tail(len).unwrap_or(u64::MAX))
        }
    }
}

fn run_end<T: Shareable + ?Sized>(object: *mut u8, len: usize) {
    // SAFETY: `object` is where a T with a tail of `len` was constructed in a mapping that the caller
    // holds; by the trait's contract any bits are a T, which may be used through `&T` at any time.
    let object = unsafe { &*T::from_parts(object, len) };
    object.last_one_out();
}

/// What a constructor may return for a `Self`: the object, for a [`Value`] its contents, either of
/// them in a `Box`, or a `Result` of any of these.
///
/// A [`Place`] is borrowed while the object is built, and cannot be kept for later:
///
/// ```compile_fail,E0521
/// # use std::cell::RefCell;
/// # use std::sync::atomic::AtomicU64;
/// # use cohabit::{Build, Place, Result};
/// thread_local! {
///     static KEPT: RefCell<Option<Place<'static, AtomicU64>>> = const { RefCell::new(None) };
/// }
/// struct Mine;
/// impl Build<Mine> for AtomicU64 {
///     fn build(_: Mine, place: Place<'_, Self>) -> Result<()> {
///         KEPT.set(Some(place)); // without this line it compiles
///         Ok(())
///     }
/// }
/// ```
pub trait Build<I>: Shareable {
    /// Puts what the constructor returned into the new, zeroed object.
    #[doc(hidden)]
    fn build(input: I, place: Place<'_, Self>) -> Result<()>;
}

/// Where a new object is to be built; zeroed, and used by nobody who follows the protocol. It cannot
/// be kept: the borrow ends with the building.
#[derive(Debug)]
pub struct Place<'a, T: ?Sized> {
    object: *mut T,
    segment: &'a Segment,
}

impl<'a, T: Shareable + ?Sized> Place<'a, T> {
    pub(crate) fn in_segment(segment: &'a Segment) -> Self {
        Self { object: T::from_parts(segment.object(), segment.tail_len()), segment }
    }

    /// Refuses a child that was forked inside the constructor: the object is its parent's to finish.
    fn check_here(&self) -> Result<()> {
        if is_creator(self.object.addr()) {
            return Ok(());
        }
        let detail =
            "the constructor forked, and this is the child: the parent finishes the object";
        Err(Error::new(ErrorKind::Forked, &self.segment.name, detail))
    }

    /// The new object, for cells that are written through atomics.
    pub(crate) fn cell(&self) -> Result<&T> {
        self.check_here()?;
        // SAFETY: the creator's mapping holds a whole T here, as long as `segment` is borrowed; any
        // bits are a T (contract of Shareable).
        Ok(unsafe { &*self.object })
    }

    /// Builds by `build`, which uses the new, zeroed object as everyone will.
    pub(crate) fn in_place<R: Filled>(self, build: impl FnOnce(&T) -> R) -> Result<()> {
        let outcome = build(self.cell()?).outcome();
        let object = self.cell()?;
        outcome.map_err(fill::failed)?;
        object.settle()
    }
}

impl<T: Shareable> Place<'_, T> {
    /// Copies a whole T in. Bytes go as volatile bytes: a peer that breaks the rules may write here
    /// already, and then no ordinary store would be allowed. Padding stays what it is.
    fn write(&self, value: &T) -> Result<()> {
        self.check_here()?;
        let from = std::ptr::from_ref(value).cast::<MaybeUninit<u8>>();
        for at in 0..size_of::<T>() {
            // SAFETY: `at` is inside the T.
            let from = unsafe { from.add(at) };
            // SAFETY: a MaybeUninit byte of the T may be read, whatever it is.
            let byte = unsafe { from.read() };
            let to = self.object.cast::<MaybeUninit<u8>>().wrapping_add(at);
            // SAFETY: `at` is inside the new object, which is mapped writable.
            unsafe { to.write_volatile(byte) };
        }
        self.cell()?.settle()
    }
}

/// Whether this process is the one that creates the object at an address, not a child of it.
pub(crate) fn is_creator(object: usize) -> bool {
    table::token_at(object) == Token::FIRST.word()
}

impl<T: Shareable> Build<T> for T {
    fn build(input: T, place: Place<'_, T>) -> Result<()> {
        place.write(&input)
    }
}

impl<T: Shareable> Build<Box<T>> for T {
    fn build(input: Box<T>, place: Place<'_, T>) -> Result<()> {
        place.write(&input)
    }
}

impl<T: Plain> Build<T> for Value<T> {
    fn build(input: T, place: Place<'_, Self>) -> Result<()> {
        crate::value::assert_small::<T>();
        fill::from_value(place.cell()?, &input);
        Ok(())
    }
}

impl<T: Plain> Build<Box<T>> for Value<T> {
    fn build(input: Box<T>, place: Place<'_, Self>) -> Result<()> {
        fill::from_value(place.cell()?, &*input);
        Ok(())
    }
}

impl<T: Plain> Build<Vec<T>> for Value<[T]> {
    fn build(input: Vec<T>, place: Place<'_, Self>) -> Result<()> {
        Self::build(input.into_boxed_slice(), place)
    }
}

impl<T: Plain> Build<Box<[T]>> for Value<[T]> {
    fn build(input: Box<[T]>, place: Place<'_, Self>) -> Result<()> {
        let cell = place.cell()?;
        slice::fill_from(cell, &input)?;
        cell.settle()
    }
}

impl<T, I, E> Build<Result<I, E>> for T
where
    T: Build<I> + ?Sized,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn build(input: Result<I, E>, place: Place<'_, T>) -> Result<()> {
        T::build(input.map_err(|error| fill::failed(error.into()))?, place)
    }
}

/// Runs a filling constructor in place.
pub(crate) fn build_in_place<T: Contents + ?Sized, R: Filled>(
    fill: impl FnOnce(&mut fill::Fill<'_, T>) -> R,
    place: Place<'_, Value<T>>,
) -> Result<()>
where
    Value<T>: Shareable,
{
    let outcome = fill::parts(place.cell()?, fill);
    let cell = place.cell()?;
    outcome?;
    cell.settle()
}
