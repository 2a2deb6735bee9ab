//! What `#[plain]` writes for an enum.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use crate::check::EnumInput;
use crate::structure::stop_unless;

/// The enum and its `impl Plain`.
pub(crate) fn expand(input: &EnumInput) -> TokenStream {
    let EnumInput { item, variants, .. } = input;
    let name = &item.ident;
    let implementation = implementation(input);
    let drop = "plain data is copied and must not need Drop: a destructor would run in one process \
                while others use the data";
    let drop = stop_unless(name.span(), &quote!(!::core::mem::needs_drop::<#name>()), drop);
    quote! {
        #item

        #[doc(hidden)]
        #[allow(warnings, clippy::all, clippy::pedantic, reason = "generated, in a user's crate")]
        const _: () = {
            // Stops the compilation if another attribute adds a variant after us.
            fn __cohabit_variants_are_as_seen(value: &#name) {
                match value {
                    #(#name::#variants => {})*
                }
            }
            #implementation
            #drop
        };
    }
}

fn implementation(input: &EnumInput) -> TokenStream {
    let EnumInput { item, repr, variants } = input;
    let name = &item.ident;
    let label = name.unraw().to_string();
    let labels = variants.iter().map(|variant| variant.unraw().to_string());
    let number = quote!(::core::primitive::#repr);
    let plain = quote!(<#number as ::cohabit::__private::Plain>);
    let methods = methods(&number, &plain);
    quote! {
        const __COHABIT_NUMBERS: &[#number] = &[#(#name::#variants as #number,)*];
        const __COHABIT_ENUM: &::cohabit::__private::EnumKind = &::cohabit::__private::EnumKind {
            name: #label,
            repr: &#plain::KIND,
            variants: &[#(::cohabit::__private::Variant {
                name: #labels,
                value: #name::#variants as #number as i128,
            },)*],
        };

        // SAFETY: an enum without data and with this `repr` has the layout of the integer, in which it
        // keeps its number; `check` accepts exactly the numbers of its variants.
        unsafe impl ::cohabit::__private::Plain for #name {
            type Stored = #plain::Stored;
            type Copies = #plain::Copies;
            const KIND: ::cohabit::__private::Kind = ::cohabit::__private::Kind::Enum(__COHABIT_ENUM);
            const SAME_LAYOUT: bool = #plain::SAME_LAYOUT;
            const DENSE: bool = #plain::DENSE;
            const ANY_BITS: bool = false;
            const ZERO_IS_VALUE: bool = ::cohabit::__private::has_zero(__COHABIT_ENUM);
            #methods
            fn only_derive_may_implement() {}
        }
    }
}

fn methods(number: &TokenStream, plain: &TokenStream) -> TokenStream {
    quote! {
        fn store(&self, sink: &mut ::cohabit::__private::WordSink<'_>, at: usize) {
            // SAFETY: an enum of this `repr` begins with its number.
            let number = unsafe { ::core::ptr::from_ref(self).cast::<#number>().read() };
            #plain::store(&number, sink, at);
        }

        unsafe fn load(
            source: &mut ::cohabit::__private::WordSource<'_>,
            at: usize,
            into: *mut Self,
        ) {
            // SAFETY: The caller's contract, for a place that is as large and aligned as the number.
            unsafe { #plain::load(source, at, into.cast()) };
        }

        unsafe fn check(
            value: *const Self,
        ) -> ::core::result::Result<(), ::cohabit::__private::BadBits> {
            // SAFETY: The caller's contract: initialised bytes, read as a number and not as the enum.
            let number = unsafe { value.cast::<#number>().read() };
            if __COHABIT_NUMBERS.contains(&number) {
                return ::core::result::Result::Ok(());
            }
            ::core::result::Result::Err(
                ::cohabit::__private::BadBits::no_variant(__COHABIT_ENUM, number as i128),
            )
        }
    }
}
