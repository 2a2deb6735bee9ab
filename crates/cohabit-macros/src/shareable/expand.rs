//! What `#[shareable]` writes: the struct, its `impl Shareable`, and its view.
//!
//! All paths are absolute, so that nothing in the user's scope can change their meaning, and names of
//! our own begin with `__cohabit`, so that they hide nothing that a field's type is made of. Each field's
//! type carries its own span, so that the compiler's errors point at the field.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::check::{Field, Input};
use crate::structure::as_seen;

/// The struct, its `impl Shareable` and its view.
pub(super) fn shareable(input: &Input) -> TokenStream {
    let item = &input.item;
    let repr = input.needs_repr.then(|| quote!(#[repr(C)]));
    let name = &item.ident;
    let view_name = format_ident!("{}View", syn::ext::IdentExt::unraw(name), span = name.span());
    let view = view(input, &view_name);
    let unchanged = unchanged(input);
    let without_tail = without_tail(input);
    let implementation = implementation(input, &view_name);
    quote! {
        #repr
        #item

        #view

        #[doc(hidden)]
        #[allow(warnings, clippy::all, clippy::pedantic, reason = "generated, in a user's crate")]
        const _: () = {
            use ::cohabit::__private::{NoEnd as _, NoSize as _};
            #unchanged
            #without_tail
            #implementation
            ::core::assert!(
                !::core::mem::needs_drop::<#name>(),
                "what several processes live in must not need Drop, which would end it under the \
                 others: implement `cohabit::LastOneOut` instead",
            );
            <#name as ::cohabit::__private::Shareable>::KIND.assert_shareable();
        };
    }
}

/// `<Type as Shareable>`, with the span of the type.
fn as_shareable(field: &Field) -> TokenStream {
    let ty = &field.ty;
    quote_spanned!(ty.span()=> <#ty as ::cohabit::__private::Shareable>)
}

/// The view: a method for each field, as visible as the field.
fn view(input: &Input, view: &Ident) -> TokenStream {
    let (name, vis) = (&input.item.ident, &input.item.vis);
    let label = syn::ext::IdentExt::unraw(name).to_string();
    let doc = format!("A [`{label}`] for reading only: what `SharedView::view` gives.");
    let methods = input.fields.iter().map(|field| {
        let Field { ident, label, vis, .. } = field;
        let shareable = as_shareable(field);
        let doc = format!("The field `{label}`, for reading only.");
        quote! {
            #[doc = #doc]
            #[inline]
            #vis fn #ident(self) -> #shareable::View<'view> {
                // SAFETY: The closure picks a field of the struct.
                let part = unsafe { self.object.part(|object: &'view #name| &object.#ident) };
                #shareable::view(part)
            }
        }
    });
    let text = view.to_string();
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::marker::Copy)]
        #[allow(dead_code, unreachable_pub, reason = "generated, in a user's crate")]
        #vis struct #view<'view> {
            object: ::cohabit::View<'view, #name>,
        }

        #[allow(
            dead_code, unreachable_pub, clippy::wrong_self_convention,
            reason = "generated, in a user's crate",
        )]
        impl<'view> #view<'view> {
            #(#methods)*
        }

        impl ::core::fmt::Debug for #view<'_> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#text)
            }
        }
    }
}

/// Stops the compilation if another attribute adds, removes or retypes a field after us.
fn unchanged(input: &Input) -> TokenStream {
    as_seen(&input.item.ident, input.fields.iter().map(|field| (&field.ident, &field.ty)))
}

/// The same struct with its last field's tail, if it has one, left out: its layout is the struct's.
fn without_tail(input: &Input) -> TokenStream {
    let last = input.fields.len() - 1;
    let fields = input.fields.iter().enumerate().map(|(index, field)| {
        let (ident, ty, shareable) = (&field.ident, &field.ty, as_shareable(field));
        if index == last { quote!(#ident: #shareable::Head) } else { quote!(#ident: #ty) }
    });
    quote! {
        #[repr(C)]
        pub struct __CohabitWithoutTail { #(#fields,)* }
    }
}

/// How a pointer to the struct is made: the length counts where that of its last field does.
fn from_parts(input: &Input) -> TokenStream {
    let last = input.fields.last().map(as_shareable);
    quote! {
        type Head = __CohabitWithoutTail;
        const SIZE: ::core::option::Option<usize> =
            ::cohabit::__private::size_of_struct::<__CohabitWithoutTail>(
                ::cohabit::__private::SizeOf::<Self>::LAYOUT,
            );

        fn from_parts(base: *mut u8, len: usize) -> *mut Self {
            #last::from_parts(base, len) as *mut Self
        }
    }
}

fn implementation(input: &Input, view: &Ident) -> TokenStream {
    let name = &input.item.ident;
    let kind = kind(input);
    let (from_parts, end) = (from_parts(input), end(input));
    let plants = input.fields.iter().map(|field| {
        let (ident, shareable) = (&field.ident, as_shareable(field));
        quote! {
            // SAFETY: The caller's contract for the whole is that of its fields.
            unsafe { #shareable::plant(&self.#ident, &place.#ident) };
        }
    });
    let settles = input.fields.iter().map(|field| {
        let (ident, shareable) = (&field.ident, as_shareable(field));
        quote!(#shareable::settle(&self.#ident)?;)
    });
    quote! {
        // SAFETY: `repr(C)`, and only fields that are Shareable, of which each implementation holds;
        // the constants below take the layout from the struct itself.
        unsafe impl ::cohabit::__private::Shareable for #name {
            #kind
            type View<'view> = #view<'view>;
            #from_parts
            #end

            #[inline(always)]
            fn view<'view>(object: ::cohabit::View<'view, Self>) -> #view<'view> {
                #view { object }
            }

            unsafe fn plant(&self, place: &Self) {
                #(#plants)*
            }

            fn settle(&self) -> ::cohabit::Result<()> {
                #(#settles)*
                ::core::result::Result::Ok(())
            }

            fn only_shareable_may_implement() {}
        }
    }
}

fn kind(input: &Input) -> TokenStream {
    let label = syn::ext::IdentExt::unraw(&input.item.ident).to_string();
    let fields = input.fields.iter().map(|field| {
        let (ident, shareable, name) = (&field.ident, as_shareable(field), &field.label);
        quote! {
            ::cohabit::__private::Field {
                name: #name,
                was: ::core::option::Option::None,
                at: ::core::mem::offset_of!(__CohabitWithoutTail, #ident),
                kind: #shareable::KIND,
            }
        }
    });
    quote! {
        const KIND: ::cohabit::__private::Kind =
            ::cohabit::__private::Kind::Struct(&::cohabit::__private::StructKind {
                name: #label,
                size: ::core::mem::size_of::<__CohabitWithoutTail>(),
                align: ::core::mem::align_of::<__CohabitWithoutTail>(),
                appendable: false,
                fields: &[#(#fields,)*],
            });
    }
}

/// Whether there is an end, of the struct or of a field, and what runs it.
fn end(input: &Input) -> TokenStream {
    let have = input.fields.iter().map(|field| {
        let shareable = as_shareable(field);
        quote!(|| #shareable::HAS_END)
    });
    let run = input.fields.iter().map(|field| {
        let (ident, shareable) = (&field.ident, as_shareable(field));
        quote!(#shareable::run_end(&self.#ident);)
    });
    quote! {
        const HAS_END: bool = ::cohabit::__private::EndOf::<Self>::HAS_END #(#have)*;

        fn run_end(&self) {
            ::cohabit::__private::EndOf::<Self>::run(self);
            #(#run)*
        }
    }
}
