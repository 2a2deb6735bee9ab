//! What `#[plain]` writes.
//!
//! All paths are absolute, so that nothing in the user's scope can change their meaning, and each
//! field's type carries its own span, so that the compiler's errors point at the field.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Item};

use crate::check::{Input, Part};

/// The item as it was written, and the errors.
///
/// The item stays, so that its other uses do not bring more errors.
pub(crate) fn refused(error: &Error, item: &Item) -> TokenStream {
    let mut tokens = item.to_token_stream();
    tokens.extend(error.to_compile_error());
    tokens
}

/// The struct and its `impl Plain`.
pub(crate) fn plain(input: &Input) -> TokenStream {
    let item = &input.item;
    let repr = input.needs_repr.then(|| quote!(#[repr(C)]));
    let stored = format_ident!("__CohabitStored{}", syn::ext::IdentExt::unraw(&item.ident));
    let twin = twin(input, &stored);
    let parts = parts(input, &stored);
    let unchanged = unchanged(input);
    let implementation = implementation(input, &stored);
    let name = &item.ident;
    quote! {
        #repr
        #item

        #[doc(hidden)]
        #[allow(warnings, clippy::all, clippy::pedantic, reason = "generated, in a user's crate")]
        const _: () = {
            #twin
            #unchanged
            #implementation
            #parts
            ::core::assert!(
                !::core::mem::needs_drop::<#name>(),
                "plain data is copied and must not need Drop: a destructor would run in one \
                 process while others use the data",
            );
            <#name as ::cohabit::__private::Plain>::KIND.assert_shareable();
        };
    }
}

/// `<Type as Plain>`, with the span of the type.
fn as_plain(part: &Part) -> TokenStream {
    let ty = &part.ty;
    quote_spanned!(ty.span()=> <#ty as ::cohabit::__private::Plain>)
}

/// The stored twin: the same fields as their own twins, by C's rules.
fn twin(input: &Input, stored: &syn::Ident) -> TokenStream {
    let fields = input.fields.iter().map(|part| {
        let (field, plain) = (&part.field, as_plain(part));
        quote!(#field: #plain::Stored)
    });
    quote! {
        #[repr(C)]
        pub struct #stored { #(#fields,)* }
    }
}

/// Stops the compilation if another attribute adds, removes or retypes a field after us.
fn unchanged(input: &Input) -> TokenStream {
    let name = &input.item.ident;
    let fields = input.fields.iter().map(|part| &part.field);
    let types = input.fields.iter().map(|part| {
        let (field, ty) = (&part.field, &part.ty);
        quote!(let _: &#ty = #field;)
    });
    quote! {
        fn fields_are_as_seen(value: &#name) {
            let #name { #(#fields,)* } = value;
            #(#types)*
        }
    }
}

/// The constants that name the parts.
fn parts(input: &Input, stored: &syn::Ident) -> TokenStream {
    let name = &input.item.ident;
    let constants = input.fields.iter().map(|part| {
        let Part { field, constant, label, vis, ty } = part;
        let doc = format!("The field `{label}` as a part.");
        quote! {
            #[doc = #doc]
            #vis const #constant: ::cohabit::__private::Part<#name, #ty> = {
                // SAFETY: The canonical image has this field at this offset.
                unsafe {
                    ::cohabit::__private::Part::at_offset(::core::mem::offset_of!(#stored, #field))
                }
            };
        }
    });
    quote!(impl #name { #(#constants)* })
}

fn implementation(input: &Input, stored: &syn::Ident) -> TokenStream {
    let name = &input.item.ident;
    let kind = kind(input, stored);
    let flags = flags(input, stored);
    let methods = methods(input, stored);
    quote! {
        // SAFETY: `repr(C)` on both types; each field's own implementation holds, and the
        // constants compare the two layouts field by field.
        unsafe impl ::cohabit::__private::Plain for #name {
            type Stored = #stored;
            type Copies = [
                ::cohabit::__private::CopyOf<#stored>;
                ::cohabit::__private::copies(::core::mem::size_of::<#stored>())
            ];
            #kind
            #flags
            #methods
            fn only_derive_may_implement() {}
        }
    }
}

fn kind(input: &Input, stored: &syn::Ident) -> TokenStream {
    let label = syn::ext::IdentExt::unraw(&input.item.ident).to_string();
    let fields = input.fields.iter().map(|part| {
        let (field, plain, name) = (&part.field, as_plain(part), &part.label);
        quote! {
            ::cohabit::__private::Field {
                name: #name,
                was: ::core::option::Option::None,
                at: ::core::mem::offset_of!(#stored, #field),
                kind: #plain::KIND,
            }
        }
    });
    quote! {
        const KIND: ::cohabit::__private::Kind =
            ::cohabit::__private::Kind::Struct(&::cohabit::__private::StructKind {
                name: #label,
                size: ::core::mem::size_of::<#stored>(),
                align: ::core::mem::align_of::<#stored>(),
                appendable: false,
                fields: &[#(#fields,)*],
            });
    }
}

fn flags(input: &Input, stored: &syn::Ident) -> TokenStream {
    let same = input.fields.iter().map(|part| {
        let (field, plain) = (&part.field, as_plain(part));
        quote! {
            && ::core::mem::offset_of!(Self, #field) == ::core::mem::offset_of!(#stored, #field)
            && #plain::SAME_LAYOUT
        }
    });
    let dense = input.fields.iter().map(|part| {
        let plain = as_plain(part);
        quote!(&& #plain::DENSE)
    });
    let sizes = input.fields.iter().map(|part| {
        let ty = &part.ty;
        quote!(+ ::core::mem::size_of::<#ty>())
    });
    let any = input.fields.iter().map(|part| {
        let plain = as_plain(part);
        quote!(&& #plain::ANY_BITS)
    });
    quote! {
        const SAME_LAYOUT: bool =
            ::core::mem::size_of::<Self>() == ::core::mem::size_of::<#stored>() #(#same)*;
        const DENSE: bool = <Self as ::cohabit::__private::Plain>::SAME_LAYOUT
            && ::core::mem::size_of::<Self>() == 0 #(#sizes)*
            #(#dense)*;
        const ANY_BITS: bool = true #(#any)*;
    }
}

fn methods(input: &Input, stored: &syn::Ident) -> TokenStream {
    let stores = input.fields.iter().map(|part| {
        let field = &part.field;
        quote! {
            ::cohabit::__private::put(
                &self.#field, sink, at + ::core::mem::offset_of!(#stored, #field),
            );
        }
    });
    let loads = input.fields.iter().map(|part| {
        let (field, plain) = (&part.field, as_plain(part));
        quote! {
            // SAFETY: The caller's contract for the whole is that of its fields.
            unsafe {
                #plain::load(
                    source,
                    at + ::core::mem::offset_of!(#stored, #field),
                    &raw mut (*into).#field,
                );
            }
        }
    });
    let checks = input.fields.iter().map(|part| {
        let (field, plain, name) = (&part.field, as_plain(part), &part.label);
        quote! {
            if !#plain::ANY_BITS {
                // SAFETY: The caller's contract for the whole is that of its fields.
                let checked = unsafe { #plain::check(&raw const (*value).#field) };
                if let ::core::result::Result::Err(bad) = checked {
                    return ::core::result::Result::Err(
                        ::cohabit::__private::BadBits::in_field(bad, #name),
                    );
                }
            }
        }
    });
    quote! {
        fn store(&self, sink: &mut ::cohabit::__private::WordSink<'_>, at: usize) {
            #(#stores)*
        }

        unsafe fn load(
            source: &mut ::cohabit::__private::WordSource<'_>,
            at: usize,
            into: *mut Self,
        ) {
            #(#loads)*
        }

        unsafe fn check(
            value: *const Self,
        ) -> ::core::result::Result<(), ::cohabit::__private::BadBits> {
            #(#checks)*
            ::core::result::Result::Ok(())
        }
    }
}
