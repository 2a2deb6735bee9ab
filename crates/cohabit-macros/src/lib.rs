//! The macros of cohabit. Use them through the crate `cohabit`, which re-exports them.

use proc_macro::TokenStream;

mod advice;
mod arguments;
mod check;
mod enumeration;
mod shareable;
mod structure;

use check::Input;

/// Makes a struct or an enum plain data, which may live in shared memory.
///
/// It implements `Plain`: how the type is copied, checked and described in the schema. It derives
/// nothing else, and the type needs neither `Copy` nor `Default`.
///
/// # Structs
///
/// A struct gets C's layout (`#[repr(C)]`), and for each field a constant under the field's name in
/// upper case, which names that part: `MyData::X` is a `Part<MyData, i32>`.
///
/// ```ignore
/// use cohabit::{Text, plain};
///
/// #[plain]
/// #[derive(Debug, Default)]
/// struct MyData {
///     x: i32,
///     text: Text<256>,
/// }
///
/// assert_eq!(MyData::TEXT.offset(), 4);
/// ```
///
/// A field may be an integer of 8 to 128 bits, a float, `bool`, `char`, `Text<N>`, `WideText<N>`, an
/// array, a `List<T, N>`, or another type with `#[plain]`.
///
/// # Enums
///
/// An enum without data needs an integer of fixed width as its `repr`. Whoever reads a number that is
/// none of its variants gets `BadBits`. A peer of another version may know more variants, so add them
/// in all programs at once: enums with other variants are other types.
///
/// ```ignore
/// #[plain]
/// #[repr(u8)]
/// #[derive(Debug, Clone, Copy, PartialEq)]
/// enum Mode { Off, Idle, Run = 7 }
/// ```
///
/// # A field gets another name
///
/// `#[plain(was = "old")]` on a field says what the field was called first. That name counts for the
/// programs that use the object, so that those with the old name and those with the new one go on
/// together.
///
/// ```ignore
/// #[plain]
/// struct Motor { #[plain(was = "speed")] rpm: u32 }
/// ```
///
/// # Fields are appended
///
/// Programs whose structs differ refuse each other, unless the struct says that it will grow:
///
/// ```ignore
/// #[plain(appendable)]
/// struct Status { rpm: u32, level: f32, /* newer: */ torque: f64, limit: Appended<u32> }
/// ```
///
/// Such a struct has room for more fields: 1024 bytes in all, or as many as `appendable = 4096` says.
/// Programs that know more fields at its end and programs that know fewer then use one object,
/// whoever made it. The rules:
/// - Fields are added at the end only; none is removed, moved or retyped. All programs append from one
///   definition: of two that append different fields to one older struct, the one that comes second is
///   refused.
/// - A program can know at most 64 fields more than the one that made the object.
/// - A field that nobody has written yet is zero. So zero must be a value of each field, or the field is
///   an `Appended<T>`, which then reads as `None`.
/// - A program that sets, updates or sets a part leaves what newer programs have in fields that it does
///   not know.
/// - The room is the same in all programs. It is a multiple of 16.
/// - Such a struct stands by itself in a `Value`, not inside of other plain data.
///
/// # What is refused
///
/// The error stands on the field and says what to use instead.
///
/// | field or type | instead |
/// |---|---|
/// | `String`, `&str` | `Text<N>` |
/// | `PathBuf`, `OsString` | `Text<N>`, or `WideText<N>` for Windows' UTF-16 |
/// | `Vec<T>`, `VecDeque<T>` | `List<T, N>` |
/// | `HashMap<K, V>` | a `List<T, N>` of structs |
/// | `Option<T>` | a `bool` beside the value |
/// | `usize`, `isize` | `u64`, `i64` |
/// | references, pointers, `Box` | the value itself |
/// | tuples | a struct with `#[plain]` |
/// | `Duration`, `Instant` | a number of nanoseconds |
/// | atomics | the number, and `update`; or an object of its own: `Shared::<AtomicU64>` |
/// | cells | the value itself |
/// | a struct without `#[plain]` | put `#[plain]` on it |
/// | a variant with data | the enum without data, and the data beside it in a struct |
/// | an enum without `repr`, or with `repr(C)` | `#[repr(u8)]`, or another integer of fixed width |
/// | tuple structs, structs without fields | fields with names, since others see them by name |
/// | generic structs | one struct for each use |
/// | unions | a struct with a field for each case |
/// | `repr(packed)`, `repr(align)` | C's own layout |
/// | structs with a destructor | none: it would run in one process while others use the data |
#[proc_macro_attribute]
pub fn plain(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::Item);
    match check::plain(&arguments.into(), &item) {
        Ok(Input::Struct(input)) => structure::expand(&input).into(),
        Ok(Input::Enum(input)) => enumeration::expand(&input).into(),
        Err(error) => check::refused(&error, item).into(),
    }
}

/// Makes a struct shareable: several processes may live in it at once, through `&T`.
///
/// Its fields are atomics of fixed width, `Flag`, cells (`Value`, `Frozen`, `Loose`, `Mutex`, `Event`, `Once` …), arrays of these,
/// and other structs with `#[shareable]`. It adds `#[repr(C)]`, and implements `Shareable`: how the
/// struct is built in its place and described in the schema. It derives nothing else.
///
/// ```ignore
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use cohabit::{Flag, Frozen, Shared, Value, shareable};
///
/// #[shareable]
/// struct Board {
///     hits: AtomicU64,
///     stop: Flag,
///     state: Value<State>,
///     limits: Frozen<Limits>,
/// }
///
/// let board = Shared::<Board>::open_or_create("board", || Board { .. })?;
/// board.hits.fetch_add(1, Relaxed);
/// let state = board.state.get()?;
/// ```
///
/// A constructor returns the struct by value, up to 256 KiB: a `Value` alone takes up to 16 KiB of
/// copies. A larger one is constructed in place: `open_or_create_in_place`.
///
/// # The view
///
/// It also makes `BoardView`, as visible as `Board`: what `SharedView<Board>::view` gives to those who
/// opened the object for reading only. It has a method for each field, as visible as the field, which
/// gives the view of that field: `view.hits().load()`, `view.state().get()?`.
///
/// # The tail
///
/// The last field may be as long as is said when the object is created (`Options::len`): a slice of
/// atomics or cells, `[AtomicU64]`, a `Value<[T]>`, or a struct that ends in one. Such an object is
/// constructed where it stands, by `Options::open_or_create_in_place`:
///
/// ```ignore
/// #[shareable]
/// struct Log { count: AtomicU64, samples: Value<[f32]> }
///
/// let log = Shared::<Log>::options().len(1000).open_or_create_in_place("log", |_| ())?;
/// ```
///
/// # The end
///
/// A struct with something to do when its last user has left implements `cohabit::LastOneOut`.
///
/// # What is refused
///
/// The error stands on the field and says what to use instead.
///
/// | field or struct | instead |
/// |---|---|
/// | `i32` and other plain data | `Value<i32>`, `Loose<i32>`, `Frozen<i32>`, or `AtomicI32` |
/// | `bool`, `AtomicBool` | `Flag` |
/// | `usize`, `AtomicUsize` | `AtomicU64` |
/// | references, pointers, `Box`, `AtomicPtr` | an index or an offset |
/// | `String`, `Vec` | `Value<Text<N>>`, an array of cells |
/// | locks of std | `cohabit::Mutex`, `RwLock`, `Condvar`, `Barrier`, `Once`, `OnceCell`; `Value`, and `update` |
/// | a slice that is not the last field | an array, or the last field |
/// | tuple structs, structs without fields | fields with names, since others see them by name |
/// | generic structs | one struct for each use |
/// | enums | plain data in a `Value` |
/// | `repr(packed)`, `repr(align)` | C's own layout |
/// | structs with a destructor | `LastOneOut` |
#[proc_macro_attribute]
pub fn shareable(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::Item);
    shareable::shareable(&arguments.into(), &item).into()
}
