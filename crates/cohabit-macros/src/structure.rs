//! What `#[plain]` writes for a struct.
//!
//! All paths are absolute, so that nothing in the user's scope can change their meaning, and names of
//! our own begin with `__cohabit`, so that they hide nothing that a field's type is made of. Each use of a
//! field's type has the type's own span and the same form, `<Type as Plain>::…`: where the type is not
//! plain, the compiler then says the same thing at the same place, which it does once.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::arguments::Room;
use crate::check::{Part, StructInput};

/// The struct and its `impl Plain`.
pub(crate) fn expand(input: &StructInput) -> TokenStream {
    let item = &input.item;
    let repr = input.needs_repr.then(|| quote!(#[repr(C)]));
    let layout = layout(input);
    let unchanged = unchanged(input);
    let implementation = implementation(input);
    let parts = parts(input);
    let assertions = assertions(input);
    quote! {
        #repr
        #item

        #[doc(hidden)]
        #[allow(warnings, clippy::all, clippy::pedantic, reason = "generated, in a user's crate")]
        const _: () = {
            #layout
            #unchanged
            #implementation
            #parts
            #assertions
        };
    }
}

/// `<Type as Plain>`, with the span of the type.
fn as_plain(part: &Part) -> TokenStream {
    let ty = &part.ty;
    quote_spanned!(ty.span()=> <#ty as ::cohabit::__private::Plain>)
}

/// What each field contributes to a list, in order, with its number.
fn of_fields<'a>(
    input: &'a StructInput,
    one: impl Fn(usize, &'a Part, TokenStream) -> TokenStream + 'a,
) -> impl Iterator<Item = TokenStream> + 'a {
    let fields = input.fields.iter().enumerate();
    fields.map(move |(index, part)| one(index, part, as_plain(part)))
}

/// Where the fields lie, and how many bytes an image has.
fn layout(input: &StructInput) -> TokenStream {
    let count = input.fields.len();
    let kinds = of_fields(input, |_, part, plain| quote_spanned!(part.ty.span()=> #plain::KIND));
    let (size, align) = match &input.room {
        Some(Room { bytes, .. }) => {
            let bytes = usize_literal(*bytes);
            (quote!(#bytes), quote!(::cohabit::__private::ROOM_ALIGN))
        }
        None => (quote!(__COHABIT_LAYOUT.size), quote!(__COHABIT_LAYOUT.align)),
    };
    quote! {
        const __COHABIT_LAYOUT: ::cohabit::__private::Layout<#count> =
            ::cohabit::__private::Layout::of([#(#kinds,)*]);
        const __COHABIT_SIZE: usize = #size;
        const __COHABIT_ALIGN: usize = #align;
    }
}

fn usize_literal(bytes: u64) -> proc_macro2::Literal {
    proc_macro2::Literal::u64_unsuffixed(bytes)
}

/// Stops the compilation if another attribute adds, removes or retypes a field after us.
fn unchanged(input: &StructInput) -> TokenStream {
    let name = &input.item.ident;
    let fields = input.fields.iter().map(|part| (&part.field, &part.ty));
    as_seen(name, fields)
}

/// A function that compiles only if these are all fields of a struct. A field is bound to a name of our
/// own: its own may be that of a constant of the program, which a pattern would compare with.
pub(crate) fn as_seen<'a>(
    name: &Ident,
    fields: impl Iterator<Item = (&'a Ident, &'a Type)>,
) -> TokenStream {
    let (patterns, types): (Vec<_>, Vec<_>) = fields
        .enumerate()
        .map(|(index, (field, ty))| {
            let bound = format_ident!("__cohabit_{index}");
            (quote!(#field: #bound), quote!(let _: &#ty = #bound;))
        })
        .unzip();
    quote! {
        fn __cohabit_fields_are_as_seen(value: &#name) {
            let #name { #(#patterns,)* } = value;
            #(#types)*
        }
    }
}

/// The constants that name the parts.
fn parts(input: &StructInput) -> TokenStream {
    let name = &input.item.ident;
    let constants = input.fields.iter().enumerate().map(|(index, part)| {
        let Part { constant, label, vis, ty, .. } = part;
        let doc = format!("The field `{label}` as a part.");
        quote! {
            #[doc = #doc]
            #vis const #constant: ::cohabit::__private::Part<#name, #ty> = {
                // SAFETY: The canonical image has this field at this offset.
                unsafe { ::cohabit::__private::Part::at_offset(__COHABIT_LAYOUT.at[#index]) }
            };
        }
    });
    quote!(impl #name { #(#constants)* })
}

fn implementation(input: &StructInput) -> TokenStream {
    let name = &input.item.ident;
    let kind = kind(input);
    let flags = flags(input);
    let methods = methods(input);
    let copies = quote! {
        [
            ::cohabit::__private::CopyOf<<Self as ::cohabit::__private::Plain>::Stored>;
            ::cohabit::__private::copies(__COHABIT_SIZE)
        ]
    };
    let copies = match input.room {
        Some(_) => quote!(::cohabit::__private::Growing<#copies>),
        None => copies,
    };
    quote! {
        // SAFETY: `repr(C)`; each field's own implementation holds, and the constants compare the
        // type's own layout with the canonical one field by field.
        unsafe impl ::cohabit::__private::Plain for #name {
            type Stored = ::cohabit::__private::Image<__COHABIT_SIZE, __COHABIT_ALIGN>;
            type Copies = #copies;
            #kind
            #flags
            #methods
            fn only_derive_may_implement() {}
        }
    }
}

fn kind(input: &StructInput) -> TokenStream {
    let label = input.item.ident.unraw().to_string();
    let appendable = input.room.is_some();
    let fields = of_fields(input, |index, part, plain| {
        let name = &part.label;
        let was = match &part.was {
            Some(was) => quote!(::core::option::Option::Some(#was)),
            None => quote!(::core::option::Option::None),
        };
        quote! {
            ::cohabit::__private::Field {
                name: #name,
                was: #was,
                at: __COHABIT_LAYOUT.at[#index],
                kind: #plain::KIND,
            }
        }
    });
    quote! {
        const KIND: ::cohabit::__private::Kind =
            ::cohabit::__private::Kind::Struct(&::cohabit::__private::StructKind {
                name: #label,
                size: __COHABIT_SIZE,
                align: __COHABIT_ALIGN,
                appendable: #appendable,
                fields: &[#(#fields,)*],
            });
    }
}

fn flags(input: &StructInput) -> TokenStream {
    let same = of_fields(input, |index, part, plain| {
        let field = &part.field;
        quote! {
            && ::core::mem::offset_of!(Self, #field) == __COHABIT_LAYOUT.at[#index]
            && #plain::SAME_LAYOUT
        }
    });
    let dense = of_fields(input, |_, _, plain| quote!(&& #plain::DENSE));
    let any = of_fields(input, |_, _, plain| quote!(&& #plain::ANY_BITS));
    let zero = of_fields(input, |_, _, plain| quote!(&& #plain::ZERO_IS_VALUE));
    let sizes = input.fields.iter().map(|part| {
        let ty = &part.ty;
        quote!(+ ::core::mem::size_of::<#ty>())
    });
    let rest_from = match input.room {
        Some(_) => quote!(::core::option::Option::Some(__COHABIT_LAYOUT.end)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        const SAME_LAYOUT: bool = ::core::mem::size_of::<Self>() == __COHABIT_LAYOUT.size #(#same)*;
        const DENSE: bool = <Self as ::cohabit::__private::Plain>::SAME_LAYOUT
            && ::core::mem::size_of::<Self>() == 0 #(#sizes)*
            #(#dense)*;
        const ANY_BITS: bool = true #(#any)*;
        const ZERO_IS_VALUE: bool = true #(#zero)*;
        const REST_FROM: ::core::option::Option<usize> = #rest_from;
    }
}

fn methods(input: &StructInput) -> TokenStream {
    let stores = of_fields(input, |index, part, plain| {
        let field = &part.field;
        quote!(#plain::put(&self.#field, sink, at + __COHABIT_LAYOUT.at[#index]);)
    });
    let loads = of_fields(input, |index, part, plain| {
        let field = &part.field;
        quote! {
            // SAFETY: The caller's contract for the whole is that of its fields.
            unsafe { #plain::load(source, at + __COHABIT_LAYOUT.at[#index], &raw mut (*into).#field) };
        }
    });
    let checks = of_fields(input, |_, part, plain| {
        let (field, name) = (&part.field, &part.label);
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

/// What only the compiler knows of the types, said where they stand.
fn assertions(input: &StructInput) -> TokenStream {
    let name = &input.item.ident;
    let nested = of_fields(input, |_, part, plain| {
        let text = "an appendable struct is a value by itself, since what is appended to it would lie \
                    where the next field is: share it as a Value of its own";
        stop_unless(part.ty.span(), &quote!(!#plain::KIND.has_room()), text)
    });
    let nothing = of_fields(input, |_, part, plain| {
        let text = "what has room for nothing cannot be shared: give it room for at least one";
        stop_unless(part.ty.span(), &quote!(#plain::KIND.holds_something()), text)
    });
    let zeros = of_fields(input, |_, part, plain| {
        let text = "zero is no value of this field, and zero is what it reads as where nobody has \
                    written it yet: give its enum a variant with the number 0, or use Appended<T>";
        stop_unless(part.ty.span(), &quote!(#plain::ZERO_IS_VALUE), text)
    });
    let zeros = input.room.is_some().then(|| quote!(#(#zeros)*));
    let room = input.room.map(|Room { bytes, span }| {
        let text = format!(
            "the fields need more than the {bytes} bytes that an object of this struct has: write \
             `appendable = BYTES`, in all programs that share it"
        );
        stop_unless(span, &quote!(__COHABIT_LAYOUT.end <= __COHABIT_SIZE), &text)
    });
    let drop = "plain data is copied and must not need Drop: a destructor would run in one process \
                while others use the data";
    let drop = stop_unless(name.span(), &quote!(!::core::mem::needs_drop::<#name>()), drop);
    quote! {
        #(#nested)*
        #(#nothing)*
        #zeros
        #room
        #drop
        ::cohabit::__private::assert_described::<#name>();
    }
}

/// A constant assertion, with its error at `span`.
pub(crate) fn stop_unless(span: Span, condition: &TokenStream, text: &str) -> TokenStream {
    quote_spanned!(span=> const _: () = ::core::assert!(#condition, #text);)
}
