//! What `#[plain]` accepts, and the advice it gives for what it does not.
//!
//! Only what can be seen in the text of the struct is judged here. The compiler judges the rest
//! by the bound `Plain` on each field and by constant assertions.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Fields, Ident, Item, ItemStruct, Type, Visibility};

/// A struct that may be plain data.
pub(crate) struct Input {
    pub(crate) item: ItemStruct,
    /// Whether `#[repr(C)]` must be added.
    pub(crate) needs_repr: bool,
    pub(crate) fields: Vec<Part>,
}

/// A field, and the name of the constant that names it as a part.
pub(crate) struct Part {
    pub(crate) field: Ident,
    pub(crate) constant: Ident,
    /// The name in the schema.
    pub(crate) label: String,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
}

/// The input, or everything that is wrong with it.
pub(crate) fn plain(arguments: &TokenStream, item: &Item) -> Result<Input, Error> {
    if !arguments.is_empty() {
        return Err(Error::new(arguments.span(), "#[plain] takes no arguments"));
    }
    let item = expect_struct(item)?;
    let needs_repr = !has_repr_c(&item.attrs)?;
    if !item.generics.params.is_empty() {
        let text = "#[plain] takes no generic structs yet: write one struct for each use";
        return Err(Error::new(item.generics.span(), text));
    }
    let Fields::Named(named) = &item.fields else {
        let text = "#[plain] needs fields with names, since others see the fields by name: \
                    write `struct Name { field: Type }`";
        return Err(Error::new(item.ident.span(), text));
    };
    if named.named.is_empty() {
        let text = "a struct without fields has no bytes to share: give it at least one field";
        return Err(Error::new(item.ident.span(), text));
    }
    let mut fields = Vec::new();
    let mut errors: Option<Error> = None;
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        let label = syn::ext::IdentExt::unraw(ident).to_string();
        let constant = format_ident!("{}", label.to_uppercase(), span = ident.span());
        let clash = fields.iter().find(|other: &&Part| other.constant == constant);
        let error = match (clash, advice(&field.ty)) {
            (Some(other), _) => {
                let other = &other.label;
                let text = format!("`{label}` and `{other}` would both be the part `{constant}`");
                Some(Error::new(ident.span(), text))
            }
            (_, Some(text)) => Some(Error::new(field.ty.span(), text)),
            _ => None,
        };
        match (&mut errors, error) {
            (Some(errors), Some(error)) => errors.combine(error),
            (None, Some(error)) => errors = Some(error),
            _ => {}
        }
        let (vis, ty) = (field.vis.clone(), field.ty.clone());
        fields.push(Part { field: ident.clone(), constant, label, vis, ty });
    }
    match errors {
        Some(errors) => Err(errors),
        None => Ok(Input { item: item.clone(), needs_repr, fields }),
    }
}

fn expect_struct(item: &Item) -> Result<&ItemStruct, Error> {
    let (at, text) = match item {
        Item::Struct(item) => return Ok(item),
        Item::Enum(item) => (
            item.enum_token.span(),
            "#[plain] on an enum comes later: use an integer of fixed width, and constants",
        ),
        Item::Union(item) => (
            item.union_token.span(),
            "#[plain] on a union comes later: use a struct with a field for each case",
        ),
        other => (other.span(), "#[plain] stands on a struct"),
    };
    Err(Error::new(at, text))
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
                return Err(Error::new(meta.path.span(), text));
            }
            found = true;
            Ok(())
        })?;
    }
    Ok(found)
}

/// What to use instead of a type that cannot be plain data, judged by its last path segment.
///
/// A type that only has such a name, but is plain data, would be refused as well. Such names are
/// those of std, so that this is rare, and better than the advice the compiler can give.
fn advice(ty: &Type) -> Option<String> {
    let instead = match ty {
        Type::Reference(_) => "a reference means nothing in another process: store the value",
        Type::Ptr(_) => "a pointer means nothing in another process: store an index or an offset",
        Type::BareFn(_) => "a function has another address in another process: store a number",
        Type::Tuple(_) => "a tuple has no fixed layout: write a struct with #[plain]",
        Type::Slice(_) => "a slice has no fixed size: use `[T; N]`",
        Type::Array(array) => return advice(&array.elem),
        Type::Group(group) => return advice(&group.elem),
        Type::Paren(paren) => return advice(&paren.elem),
        Type::Path(path) => by_name(&path.path.segments.last()?.ident.to_string())?,
        _ => return None,
    };
    let written = ty.to_token_stream().to_string();
    Some(format!("`{written}` cannot live in shared memory: {instead}"))
}

fn by_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "String" | "str" | "CString" | "OsString" | "PathBuf" => {
            "its text lies on this process's heap; use `Text<N>`, which holds N - 1 bytes"
        }
        "Vec" | "VecDeque" => {
            "its elements lie on this process's heap; use `[T; N]`, and a field with the count"
        }
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => {
            "its elements lie on this process's heap; use an array of structs"
        }
        "Option" => "its layout is the compiler's; use a `bool` beside the value",
        "Result" => "its layout is the compiler's; use a number for the outcome beside the value",
        "Box" | "Rc" | "Arc" | "Cow" => "it points into this process; store the value itself",
        "usize" => "its width differs between processes; use `u64` or `u32`",
        "isize" => "its width differs between processes; use `i64` or `i32`",
        "char" => "it comes later; use `u32` and `char::from_u32`",
        "u128" | "i128" => "it comes later; use two `u64`, or `[u8; 16]`",
        "Duration" => "its layout is the compiler's; use nanoseconds as `u64`",
        "Instant" | "SystemTime" => "its layout is the compiler's; use a number of nanoseconds",
        "AtomicBool" | "AtomicUsize" | "AtomicIsize" | "AtomicPtr" | "AtomicU8" | "AtomicU16"
        | "AtomicU32" | "AtomicU64" | "AtomicI8" | "AtomicI16" | "AtomicI32" | "AtomicI64" => {
            "plain data is copied; use the number here and `update`, or an object of its own: \
             `Shared::<AtomicU64>`"
        }
        "Value" | "Loose" | "Mutex" | "RwLock" | "Condvar" | "Event" | "Semaphore" | "Barrier"
        | "Once" | "Frozen" | "Flag" => {
            "plain data is copied, and a cell is not; store the value itself"
        }
        "Cell" | "RefCell" | "UnsafeCell" => "plain data is copied; store the value itself",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(item: &str) -> Vec<String> {
        let item = syn::parse_str(item).expect("the test's own item");
        match plain(&TokenStream::new(), &item) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn plain_structs_pass() {
        for item in [
            "struct A { x: i32, text: Text<256> }",
            "#[repr(C)] struct A { x: [u8; 4] }",
            "pub(crate) struct A { pub r#type: u8, inner: other::B }",
        ] {
            assert_eq!(messages(item), [""; 0], "{item}");
        }
    }

    #[test]
    fn each_refusal_says_what_to_use_instead() {
        for (item, advice) in [
            ("struct A { x: String }", "`Text<N>`"),
            ("struct A { x: std::string::String }", "`Text<N>`"),
            ("struct A { x: [String; 4] }", "`Text<N>`"),
            ("struct A { x: Vec<u8> }", "`[T; N]`"),
            ("struct A { x: Option<u8> }", "a `bool` beside"),
            ("struct A { x: Box<u8> }", "the value itself"),
            ("struct A { x: &'static u8 }", "the value"),
            ("struct A { x: *const u8 }", "an index or an offset"),
            ("struct A { x: usize }", "`u64`"),
            ("struct A { x: isize }", "`i64`"),
            ("struct A { x: char }", "`u32`"),
            ("struct A { x: (u8, u8) }", "a struct with #[plain]"),
            ("struct A { x: AtomicBool }", "`Shared::<AtomicU64>`"),
            ("struct A { x: Mutex<u8> }", "the value itself"),
            ("struct A(u8);", "`struct Name { field: Type }`"),
            ("struct A;", "`struct Name { field: Type }`"),
            ("struct A {}", "at least one field"),
            ("struct A<T> { x: T }", "one struct for each use"),
            ("#[repr(C, packed)] struct A { x: u8 }", "repr(packed) would change it: remove it"),
            ("#[repr(align(16))] struct A { x: u8 }", "repr(align) would change it: remove it"),
            ("#[repr(transparent)] struct A { x: u8 }", "remove it"),
            ("enum A { X, Y }", "comes later: use an integer"),
            ("union A { x: u8 }", "comes later: use a struct"),
            ("fn a() {}", "stands on a struct"),
            ("struct A { a: u8, A: u8 }", "would both be the part `A`"),
        ] {
            let found = messages(item);
            assert_eq!(found.len(), 1, "{item}: {found:?}");
            assert!(found[0].contains(advice), "{item}: {}", found[0]);
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        assert_eq!(messages("struct A { x: String, y: u8, z: usize }").len(), 2);
    }
}
