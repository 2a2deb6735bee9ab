//! `#[shareable]`: structs of cells and atomics, which several processes may live in at once.

mod check;
mod expand;

use proc_macro2::TokenStream;

/// The struct with its `impl Shareable` and its view, or as it was written, with the errors.
pub(crate) fn shareable(arguments: &TokenStream, item: &syn::Item) -> TokenStream {
    match check::shareable(arguments, item) {
        Ok(input) => expand::shareable(&input),
        Err(error) => crate::check::refused(&error, item.clone()),
    }
}
