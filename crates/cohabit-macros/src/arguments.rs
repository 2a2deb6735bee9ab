//! The arguments of `#[plain]`: on a struct, and on a field of it.

use proc_macro2::{Span, TokenStream};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Field, LitInt, LitStr};

/// How many bytes an appendable struct has room for, unless it says so.
const ROOM: u64 = 1024;
/// The most room, in bytes.
const ROOM_MAX: u64 = 1 << 30;
/// Rooms are multiples of the largest alignment of a field, so that every field can be appended.
const ROOM_STEP: u64 = 16;
/// The longest name, in bytes; readers of a schema refuse longer ones.
const NAME_MAX: usize = 256;

/// The room of an appendable struct.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    /// Where it is said.
    pub(crate) span: Span,
}

/// What stands in the brackets of `#[plain(…)]` on a struct or enum.
pub(crate) fn of_item(arguments: &TokenStream) -> Result<Option<Room>, Error> {
    let mut room = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("was") {
            let text = "`was` stands on the field that had another name: \
                        `#[plain(was = \"old\")] new: …`";
            return Err(meta.error(text));
        }
        if !meta.path.is_ident("appendable") {
            let text = "#[plain] knows `appendable` and `appendable = BYTES` on a struct, \
                        and `was = \"old\"` on a field";
            return Err(meta.error(text));
        }
        if room.is_some() {
            return Err(meta.error("`appendable` is said twice"));
        }
        let bytes = if meta.input.peek(syn::Token![=]) { bytes(meta.value()?)? } else { ROOM };
        room = Some(Room { bytes, span: meta.path.span() });
        Ok(())
    });
    parser.parse2(arguments.clone())?;
    Ok(room)
}

fn bytes(input: syn::parse::ParseStream<'_>) -> Result<u64, Error> {
    let number: LitInt = input.parse().map_err(|error| {
        let text = "expected a number of bytes, such as `appendable = 4096`";
        Error::new(error.span(), text)
    })?;
    match number.base10_parse::<u64>() {
        Ok(bytes) if bytes.is_multiple_of(ROOM_STEP) && (1..=ROOM_MAX).contains(&bytes) => {
            Ok(bytes)
        }
        _ => {
            let text =
                format!("expected a multiple of {ROOM_STEP} from {ROOM_STEP} to {ROOM_MAX} bytes");
            Err(Error::new(number.span(), text))
        }
    }
}

/// Whether an attribute is `#[plain(…)]`, however its path is written.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let is_cohabit = path.segments.len() == 2 && path.segments[0].ident == "cohabit";
    path.is_ident("plain") || is_cohabit && path.segments[1].ident == "plain"
}

/// The name that a field had before, by `#[plain(was = "…")]` on it.
pub(crate) fn of_field(field: &Field) -> Result<Option<LitStr>, Error> {
    let mut was: Option<LitStr> = None;
    for attribute in field.attrs.iter().filter(|attribute| is_ours(attribute)) {
        let text = "on a field, #[plain] knows `was = \"old\"` only: the name it had before";
        if !matches!(attribute.meta, syn::Meta::List(_)) {
            return Err(Error::new_spanned(attribute, text));
        }
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("was") {
                return Err(meta.error(text));
            }
            let name: LitStr = meta.value()?.parse()?;
            check_old_name(field, &name)?;
            if was.replace(name).is_some() {
                return Err(
                    meta.error("a field has one name in the fingerprint: `was` is said twice")
                );
            }
            Ok(())
        })?;
    }
    Ok(was)
}

fn check_old_name(field: &Field, was: &LitStr) -> Result<(), Error> {
    let name = was.value();
    let own = field.ident.as_ref().map(|ident| syn::ext::IdentExt::unraw(ident).to_string());
    let text = if name.is_empty() {
        "a name has at least one character: write the name that the field had before"
    } else if name.len() > NAME_MAX {
        "a name has at most 256 bytes"
    } else if Some(&name) == own.as_ref() {
        "this is the field's name already: leave `was` out"
    } else if syn::parse_str::<syn::Ident>(&name).is_err()
        && syn::parse_str::<syn::Ident>(&format!("r#{name}")).is_err()
    {
        "this is no name that a field can have had: write it as in the old struct, without `r#`"
    } else {
        return Ok(());
    };
    Err(Error::new(was.span(), text))
}
