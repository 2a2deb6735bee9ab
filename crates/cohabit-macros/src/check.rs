//! What `#[plain]` accepts, and what it says of what it does not.
//!
//! Only what can be seen in the text of the item is judged here. The compiler judges the rest by the
//! bound `Plain` on each field and by constant assertions.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::{
    Attribute, Error, Field, Fields, Generics, Ident, Item, ItemEnum, ItemStruct, LitStr, Type,
    Visibility,
};

use crate::advice::advice;
use crate::arguments::{self, Room};

/// What may be plain data.
pub(crate) enum Input {
    Struct(StructInput),
    Enum(EnumInput),
}

/// A struct that may be plain data.
pub(crate) struct StructInput {
    /// The struct as it was written, without our attributes on its fields.
    pub(crate) item: ItemStruct,
    /// Whether `#[repr(C)]` must be added.
    pub(crate) needs_repr: bool,
    pub(crate) room: Option<Room>,
    pub(crate) fields: Vec<Part>,
}

/// A field, and the name of the constant that names it as a part.
pub(crate) struct Part {
    pub(crate) field: Ident,
    pub(crate) constant: Ident,
    /// The name in the schema.
    pub(crate) label: String,
    /// The name that it had before, which counts in the fingerprint.
    pub(crate) was: Option<LitStr>,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
}

impl Part {
    fn of(field: &Field) -> Result<Option<Self>, Error> {
        let Some(ident) = &field.ident else { return Ok(None) };
        refuse_cfg(&field.attrs, "field")?;
        if let Some(text) = advice(&field.ty) {
            return Err(Error::new_spanned(&field.ty, text));
        }
        let label = ident.unraw().to_string();
        let constant = format_ident!("{}", label.to_uppercase(), span = ident.span());
        let was = arguments::of_field(field)?;
        let (vis, ty) = (field.vis.clone(), field.ty.clone());
        Ok(Some(Self { field: ident.clone(), constant, label, was, vis, ty }))
    }

    /// The name that counts in the fingerprint, and where it stands.
    fn lasting_name(&self) -> (String, Span) {
        match &self.was {
            Some(was) => (was.value(), was.span()),
            None => (self.label.clone(), self.field.span()),
        }
    }

    /// What two fields of one struct may not have in common.
    fn clash(&self, other: &Self) -> Option<Error> {
        let (label, before) = (&self.label, &other.label);
        if self.constant == other.constant {
            let constant = &self.constant;
            let text = format!("`{label}` and `{before}` would both be the part `{constant}`");
            return Some(Error::new(self.field.span(), text));
        }
        let ((name, span), (other_name, other_span)) = (self.lasting_name(), other.lasting_name());
        let span = if self.was.is_some() { span } else { other_span };
        (name == other_name).then(|| {
            let text = format!(
                "to older programs, `{label}` and `{before}` would both be the field `{name}`"
            );
            Error::new(span, text)
        })
    }
}

/// An enum that may be plain data.
pub(crate) struct EnumInput {
    pub(crate) item: ItemEnum,
    /// The integer of its `repr`.
    pub(crate) repr: Ident,
    pub(crate) variants: Vec<Ident>,
}

/// The input, or everything that is wrong with it.
pub(crate) fn plain(arguments: &TokenStream, item: &Item) -> Result<Input, Error> {
    let room = arguments::of_item(arguments)?;
    let (at, text) = match item {
        Item::Struct(item) => return structure(item, room).map(Input::Struct),
        Item::Enum(item) => return enumeration(item, room).map(Input::Enum),
        Item::Union(item) => (
            item.ident.to_token_stream(),
            "#[plain] takes no union, since nothing says which of its fields holds: use a struct \
             with a field for each case",
        ),
        other => (other.to_token_stream(), "#[plain] stands on a struct or an enum"),
    };
    Err(Error::new_spanned(at, text))
}

fn structure(item: &ItemStruct, room: Option<Room>) -> Result<StructInput, Error> {
    let needs_repr = !has_repr_c(&item.attrs)?;
    refuse_generics(&item.generics)?;
    let Fields::Named(named) = &item.fields else {
        let text = "#[plain] needs fields with names, since others see the fields by name: \
                    write `struct Name { field: Type }`";
        return Err(Error::new(item.ident.span(), text));
    };
    if named.named.is_empty() {
        let text = "a struct without fields has no bytes to share: give it at least one field";
        return Err(Error::new(item.ident.span(), text));
    }
    let mut errors = Errors::default();
    let mut fields: Vec<Part> = Vec::new();
    for field in &named.named {
        let Some(part) = errors.keep(Part::of(field)).flatten() else { continue };
        if let Some(clash) = fields.iter().find_map(|other| part.clash(other)) {
            errors.push(clash);
        }
        fields.push(part);
    }
    errors.finish()?;
    Ok(StructInput { item: without_our_attributes(item), needs_repr, room, fields })
}

fn enumeration(item: &ItemEnum, room: Option<Room>) -> Result<EnumInput, Error> {
    if let Some(room) = room {
        let text = "an enum has one number and cannot be appended to: `appendable` is for structs";
        return Err(Error::new(room.span, text));
    }
    refuse_generics(&item.generics)?;
    if item.variants.is_empty() {
        let text = "an enum without variants has no value to share: give it at least one variant";
        return Err(Error::new(item.ident.span(), text));
    }
    let mut errors = Errors::default();
    for variant in &item.variants {
        errors.keep(refuse_cfg(&variant.attrs, "variant"));
        if !matches!(variant.fields, Fields::Unit) {
            let text = "a variant with data has the compiler's layout: write `NAME` alone, and a \
                        struct that has this enum as a field and the data beside it";
            let text = text.replace("NAME", &variant.ident.to_string());
            errors.push(Error::new_spanned(variant, text));
        }
    }
    let repr = errors.keep(integer_repr(item));
    errors.finish()?;
    let repr = repr.expect("what is missing was an error");
    let variants = item.variants.iter().map(|variant| variant.ident.clone()).collect();
    Ok(EnumInput { item: item.clone(), repr, variants })
}

/// Errors of several fields, which are told at once.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn keep<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|error| self.push(error)).ok()
    }

    fn finish(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The item as it was written, and the errors.
///
/// The item stays, so that its other uses do not bring more errors.
pub(crate) fn refused(error: &Error, item: Item) -> TokenStream {
    let item = match item {
        Item::Struct(item) => Item::Struct(without_our_attributes(&item)),
        other => other,
    };
    let mut tokens = item.to_token_stream();
    tokens.extend(error.to_compile_error());
    tokens
}

/// The struct without `#[plain(…)]` on its fields, which only we understand.
fn without_our_attributes(item: &ItemStruct) -> ItemStruct {
    let mut item = item.clone();
    for field in &mut item.fields {
        field.attrs.retain(|attribute| !arguments::is_ours(attribute));
    }
    item
}

fn refuse_generics(generics: &Generics) -> Result<(), Error> {
    if generics.params.is_empty() {
        return Ok(());
    }
    let text = if generics.lifetimes().next().is_some() {
        "#[plain] takes no lifetimes: what is borrowed means nothing in another process; store the \
         value itself"
    } else {
        "#[plain] takes no generic types yet: write one struct for each use"
    };
    Err(Error::new_spanned(&generics.params, text))
}

/// `#[plain]` sees fields that `cfg` takes away later.
fn refuse_cfg(attributes: &[Attribute], what: &str) -> Result<(), Error> {
    let Some(cfg) = attributes.iter().find(|attribute| attribute.path().is_ident("cfg")) else {
        return Ok(());
    };
    let text = format!(
        "the {what} would be there in some programs only, and they could not share: remove the \
         `cfg`, or write it on the whole type, once for each form"
    );
    Err(Error::new_spanned(cfg, text))
}

/// Whether there is a `#[repr(C)]`. Any other representation is an error.
fn has_repr_c(attributes: &[Attribute]) -> Result<bool, Error> {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("C") {
                let text = format!(
                    "#[plain] gives the struct C's layout, and repr({}) would change it: remove it",
                    meta.path.to_token_stream()
                );
                return Err(Error::new_spanned(&meta.path, text));
            }
            found = true;
            Ok(())
        })?;
    }
    Ok(found)
}

/// The integers of fixed width that an enum can be.
const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

fn integer_repr(item: &ItemEnum) -> Result<Ident, Error> {
    let mut repr = None;
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            let found = meta.path.get_ident().filter(|ident| INTEGERS.iter().any(|name| ident == name));
            if found.is_none() {
                let text = format!(
                    "repr({}) has no fixed width: write one of u8, u16, u32, u64, i8, i16, i32, i64",
                    meta.path.to_token_stream()
                );
                return Err(Error::new_spanned(&meta.path, text));
            }
            repr = found.cloned();
            Ok(())
        })?;
    }
    repr.ok_or_else(|| {
        let text = "the compiler chooses how many bytes this enum has: write `#[repr(u8)]` above \
                    it, or another integer of fixed width";
        Error::new(item.ident.span(), text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(arguments: &str, item: &str) -> Vec<String> {
        let item = syn::parse_str(item).expect("the test's own item");
        match plain(&arguments.parse().expect("tokens"), &item) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn what_can_be_shared_passes() {
        for item in [
            "struct A { x: i32, text: Text<256> }",
            "#[repr(C)] struct A { x: [u8; 4] }",
            "pub(crate) struct A { pub r#type: u8, inner: other::B, event: Event }",
            "struct A { #[plain(was = \"speed\")] rpm: u32, #[cohabit::plain(was = \"type\")] kind: u8 }",
            "struct A { #[plain(was = \"b\")] a: u32, #[plain(was = \"a\")] b: u32 }",
            "#[repr(u8)] enum A { X, Y = 7 }",
            "#[repr(i64)] enum A { #[doc = \"\"] X = -1 }",
        ] {
            assert_eq!(messages("", item), [""; 0], "{item}");
        }
        for arguments in ["appendable", "appendable = 64", "appendable = 0x1000"] {
            assert_eq!(messages(arguments, "struct A { x: u8 }"), [""; 0], "{arguments}");
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        assert_eq!(messages("", "struct A { x: String, y: u8, z: usize }").len(), 2);
        assert_eq!(messages("", "enum A { X(u8), Y, Z { z: u8 } }").len(), 3);
    }
}
