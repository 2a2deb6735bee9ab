//! The macros of cohabit. Use them through the crate `cohabit`, which re-exports them.

use proc_macro::TokenStream;

mod check;
mod expand;

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
