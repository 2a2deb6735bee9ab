//! The macros of cohabit. Use them through the crate `cohabit`, which re-exports them.

use proc_macro::TokenStream;

mod check;
mod expand;
mod shareable;

/// Makes a struct plain data, which may live in shared memory.
///
/// It adds `#[repr(C)]`, and implements `Plain`: how the struct is copied, checked and described
/// in the schema. It derives nothing else, and the struct needs neither `Copy` nor `Default`. For
/// each field it makes a constant under the field's name in upper case, which names that part:
/// `MyData::X` is a `Part<MyData, i32>`.
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
/// # What is refused
///
/// The error stands on the field and says what to use instead.
///
/// | field or struct | instead |
/// |---|---|
/// | `String`, `&str` | `Text<N>` |
/// | `Vec<T>` | `[T; N]`, and a field with the count |
/// | `Option<T>` | a `bool` beside the value |
/// | `usize`, `isize` | `u64`, `i64` |
/// | references, pointers, `Box` | the value itself |
/// | atomics | the number, and `update`; or an object of its own: `Shared::<AtomicU64>` |
/// | cells | the value itself |
/// | a struct without `#[plain]` | put `#[plain]` on it |
/// | tuple structs, structs without fields | fields with names, since others see them by name |
/// | generic structs, enums, unions, `char`, `u128` | these come later |
/// | `repr(packed)`, `repr(align)` | C's own layout |
/// | structs with a destructor | none: it would run in one process while others use the data |
#[proc_macro_attribute]
pub fn plain(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::Item);
    match check::plain(&arguments.into(), &item) {
        Ok(input) => expand::plain(&input).into(),
        Err(error) => expand::refused(&error, &item).into(),
    }
}

/// Makes a struct shareable: several processes may live in it at once, through `&T`.
///
/// Its fields are atomics of fixed width, `Flag`, cells (`Value`, `Frozen`, `Loose`), arrays of these,
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
/// # The view
///
/// It also makes `BoardView`, as visible as `Board`: what `SharedView<Board>::view` gives to those who
/// opened the object for reading only. It has a method for each field, as visible as the field, which
/// gives the view of that field: `view.hits().load()`, `view.state().get()?`.
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
/// | locks of std | `Value`, and `update` |
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
