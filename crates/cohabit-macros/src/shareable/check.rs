//! What `#[shareable]` accepts, and the advice it gives for what it does not.
//!
//! Only what can be seen in the text of the struct is judged here. The compiler judges the rest by the
//! bound `Shareable` on each field and by constant assertions.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Fields, Ident, Item, ItemStruct, Type, Visibility};

/// A struct that may be shareable.
pub(super) struct Input {
    pub(super) item: ItemStruct,
    /// Whether `#[repr(C)]` must be added.
    pub(super) needs_repr: bool,
    pub(super) fields: Vec<Field>,
}

/// A field.
pub(super) struct Field {
    pub(super) ident: Ident,
    /// The name in the schema.
    pub(super) label: String,
    pub(super) vis: Visibility,
    pub(super) ty: Type,
}

/// The input, or everything that is wrong with it.
pub(super) fn shareable(arguments: &TokenStream, item: &Item) -> Result<Input, Error> {
    if !arguments.is_empty() {
        let text = "#[shareable] takes no arguments; a type with an end implements \
                    `cohabit::LastOneOut`";
        return Err(Error::new(arguments.span(), text));
    }
    let item = expect_struct(item)?;
    let needs_repr = !has_repr_c(&item.attrs)?;
    if !item.generics.params.is_empty() {
        let text = "#[shareable] takes no generic structs: write one struct for each use";
        return Err(Error::new(item.generics.span(), text));
    }
    let Fields::Named(named) = &item.fields else {
        let text = "#[shareable] needs fields with names, since others see the fields by name: \
                    write `struct Name { field: Type }`";
        return Err(Error::new(item.ident.span(), text));
    };
    if named.named.is_empty() {
        let text = "a struct without fields has no bytes to share: give it at least one field";
        return Err(Error::new(item.ident.span(), text));
    }
    let mut fields = Vec::new();
    let mut errors: Option<Error> = None;
    for (index, field) in named.named.iter().enumerate() {
        let Some(ident) = &field.ident else { continue };
        let is_last = index + 1 == named.named.len();
        let early = (is_tail(&field.ty) && !is_last).then(|| {
            let written = written(&field.ty);
            format!("`{written}` has no length of its own, so it can be the last field only")
        });
        if let Some(text) = early.or_else(|| advice(&field.ty)) {
            let error = Error::new(field.ty.span(), text);
            match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            }
        }
        let label = syn::ext::IdentExt::unraw(ident).to_string();
        let (vis, ty) = (field.vis.clone(), field.ty.clone());
        fields.push(Field { ident: ident.clone(), label, vis, ty });
    }
    match errors {
        Some(errors) => Err(errors),
        None => Ok(Input { item: item.clone(), needs_repr, fields }),
    }
}

/// Whether the length of a field is given when an object is created, as far as its text tells.
fn is_tail(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) => true,
        Type::Group(group) => is_tail(&group.elem),
        Type::Paren(paren) => is_tail(&paren.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return false;
            };
            let of_slice =
                matches!(arguments.args.first(), Some(syn::GenericArgument::Type(Type::Slice(_))));
            of_slice && last.ident == "Value"
        }),
        _ => false,
    }
}

fn expect_struct(item: &Item) -> Result<&ItemStruct, Error> {
    let (at, text) = match item {
        Item::Struct(item) => return Ok(item),
        Item::Enum(item) => (
            item.enum_token.span(),
            "an enum cannot be used by several processes at once, since one of them may change which \
             case it is while another looks into it: make it #[plain] and put it into a `Value`",
        ),
        Item::Union(item) => (
            item.union_token.span(),
            "a union cannot be used by several processes at once: use a struct with a cell for each case",
        ),
        other => (other.span(), "#[shareable] stands on a struct"),
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
                    "#[shareable] gives the struct C's layout, and repr({}) would change it: remove it",
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

/// What to use instead of a type that several processes cannot live in, judged by its form or by its
/// last path segment. Names are those of std, so that another type of such a name is rare.
fn advice(ty: &Type) -> Option<String> {
    let text = written(ty);
    let instead = match ty {
        Type::Reference(_) | Type::Ptr(_) => {
            "it points into one process: store an index or an offset, in an `AtomicU64`"
        }
        Type::BareFn(_) => "a function has another address in another process: store a number",
        Type::Tuple(_) => "a tuple has no fixed layout: write a struct with #[shareable]",
        Type::Slice(slice) => {
            let element = advice(&slice.elem)?;
            let Some(atomic) = plain_by_name(&written(&slice.elem)) else {
                return Some(element);
            };
            let or = atomic.map_or_else(String::new, |atomic| format!(", or use `[{atomic}]`"));
            return Some(format!(
                "`{text}` is plain data, which another process may change while it is read: put it \
                 into `Value<{text}>`{or}"
            ));
        }
        Type::Array(array) => {
            let element = advice(&array.elem)?;
            let Some(atomic) = plain_by_name(&written(&array.elem)) else {
                return Some(element);
            };
            return Some(plain_advice(&text, &atomic.map(|atomic| array_of(atomic, array))));
        }
        Type::Group(group) => return advice(&group.elem),
        Type::Paren(paren) => return advice(&paren.elem),
        Type::Path(path) => {
            let name = path.path.segments.last()?.ident.to_string();
            if let Some(atomic) = plain_by_name(&name) {
                return Some(plain_advice(&text, &atomic.map(str::to_owned)));
            }
            match path.path.segments.first()?.ident == "std" {
                true => std_lock(&name).or_else(|| by_name(&name))?,
                false => by_name(&name)?,
            }
        }
        _ => return None,
    };
    Some(format!("several processes cannot live in `{text}`: {instead}"))
}

fn array_of(atomic: &str, array: &syn::TypeArray) -> String {
    format!("[{atomic}; {}]", array.len.to_token_stream())
}

/// What is said of plain data that stands by itself.
fn plain_advice(written: &str, atomic: &Option<String>) -> String {
    let or = atomic.as_ref().map_or_else(String::new, |atomic| format!(", or use `{atomic}`"));
    format!(
        "`{written}` is plain data, which another process may change while it is read: put it into \
         `Value<{written}>`, `Loose<{written}>` or, if it never changes, `Frozen<{written}>`{or}"
    )
}

/// The type as a programmer writes it.
fn written(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    [(" < ", "<"), (" >", ">"), (" ; ", "; "), (" :: ", "::"), (":: ", "::"), (" ,", ",")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Whether this is the name of plain data, and the atomic of the same number, if there is one.
fn plain_by_name(name: &str) -> Option<Option<&'static str>> {
    Some(match name {
        "u8" => Some("AtomicU8"),
        "u16" => Some("AtomicU16"),
        "u32" => Some("AtomicU32"),
        "u64" => Some("AtomicU64"),
        "i8" => Some("AtomicI8"),
        "i16" => Some("AtomicI16"),
        "i32" => Some("AtomicI32"),
        "i64" => Some("AtomicI64"),
        "bool" => Some("Flag"),
        "f32" | "f64" | "char" | "u128" | "i128" | "Text" | "WideText" | "List" => None,
        _ => return None,
    })
}

/// Advice by the name of a lock of std, which alone would be cohabit's.
fn std_lock(name: &str) -> Option<&'static str> {
    Some(match name {
        "Mutex" => {
            "std's locks one process only, and for ever once its holder has died; use `cohabit::Mutex`"
        }
        "Condvar" => "std's is of one process only; use `cohabit::Condvar`",
        "Once" => "std's is of one process only; use `cohabit::Once`",
        "OnceCell" => "std's is of one thread only; use `cohabit::OnceCell`",
        "Barrier" => "std's is of one process only; use `cohabit::Barrier`",
        "RwLock" => "std's is of one process only; use `cohabit::RwLock`",
        _ => return None,
    })
}

fn by_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "AtomicBool" => {
            "a peer may write a 2 there, which no bool is; use `cohabit::Flag`, which takes any byte"
        }
        "AtomicUsize" => "its width differs between processes; use `AtomicU64`",
        "AtomicIsize" => "its width differs between processes; use `AtomicI64`",
        "AtomicPtr" => "it points into one process: store an index or an offset, in an `AtomicU64`",
        "usize" => "its width differs between processes; use `AtomicU64`, or a cell of `u64`",
        "isize" => "its width differs between processes; use `AtomicI64`, or a cell of `i64`",
        "String" | "str" | "CString" | "OsString" | "PathBuf" => {
            "its text lies on one process's heap; use `Value<Text<N>>`, which holds N - 1 bytes"
        }
        "Vec" | "VecDeque" => {
            "its elements lie on one process's heap; use an array of atomics or cells, or \
             `Value<List<T, N>>`"
        }
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => {
            "its elements lie on one process's heap; use an array in a `Value`"
        }
        "Option" | "Result" => "its layout is the compiler's; use a `Flag` beside the cell",
        "Box" | "Rc" | "Arc" | "Cow" | "Weak" => "it points into one process; use the cell itself",
        "OnceLock" | "LazyLock" => {
            "it belongs to one process; use `cohabit::OnceCell`, which whoever comes first sets"
        }
        "Cell" | "RefCell" | "UnsafeCell" => {
            "another process may change it while it is used; use `Loose<T>`"
        }
        "Duration" | "Instant" | "SystemTime" => {
            "its layout is the compiler's; use a number of nanoseconds, in an `AtomicU64` or a cell"
        }
        "PhantomData" => "it has no bytes to share: leave it out",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(item: &str) -> Vec<String> {
        let item = syn::parse_str(item).expect("the test's own item");
        match shareable(&TokenStream::new(), &item) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn structs_of_cells_pass() {
        for item in [
            "struct A { x: AtomicU64, y: Value<[u8; 4]>, z: [Flag; 3] }",
            "#[repr(C)] struct A { x: cohabit::Frozen<Text<8>> }",
            "struct A { x: Flag, y: [AtomicU8] }",
            "struct A { y: cohabit::Value<[u8]> }",
            "pub(crate) struct A { pub r#type: Loose<B>, inner: other::B }",
            "struct A { x: Flag, y: [AtomicU8] }",
            "struct A { x: Flag, y: Value<[f32]> }",
            "struct A { x: Once, y: OnceCell<u8>, z: cohabit::Once }",
        ] {
            assert_eq!(messages(item), [""; 0], "{item}");
        }
    }

    #[test]
    fn each_refusal_says_what_to_use_instead() {
        for (item, advice) in [
            (
                "struct A { x: i32 }",
                "`Value<i32>`, `Loose<i32>` or, if it never changes, `Frozen<i32>`, or use `AtomicI32`",
            ),
            ("struct A { x: f64 }", "if it never changes, `Frozen<f64>`"),
            ("struct A { x: bool }", "or use `Flag`"),
            ("struct A { x: [u16; 4] }", "`Value<[u16; 4]>`"),
            ("struct A { x: [u16; 4] }", "or use `[AtomicU16; 4]`"),
            ("struct A { x: Text<16> }", "`Value<Text<16>>`"),
            ("struct A { x: [u16] }", "`Value<[u16]>`, or use `[AtomicU16]`"),
            ("struct A { x: [f64] }", "put it into `Value<[f64]>`"),
            ("struct A { x: [AtomicBool] }", "`cohabit::Flag`"),
            ("struct A { x: [Flag], y: Flag }", "the last field only"),
            ("struct A { x: Value<[u8]>, y: Flag }", "the last field only"),
            ("struct A { x: [Flag], y: cohabit::Value<[u8]> }", "the last field only"),
            ("struct A { x: AtomicBool }", "`cohabit::Flag`"),
            ("struct A { x: [AtomicBool; 2] }", "`cohabit::Flag`"),
            ("struct A { x: std::sync::atomic::AtomicUsize }", "use `AtomicU64`"),
            ("struct A { x: AtomicIsize }", "use `AtomicI64`"),
            ("struct A { x: AtomicPtr<u8> }", "an index or an offset"),
            ("struct A { x: usize }", "use `AtomicU64`"),
            ("struct A { x: isize }", "use `AtomicI64`"),
            ("struct A { x: String }", "`Value<Text<N>>`"),
            ("struct A { x: Vec<u8> }", "`Value<List<T, N>>`"),
            ("struct A { x: Option<Value<u8>> }", "a `Flag` beside"),
            ("struct A { x: Box<Value<u8>> }", "the cell itself"),
            ("struct A { x: [u8] }", "`Value<[u8]>`, or use `[AtomicU8]`"),
            ("struct A { x: [AtomicU8], y: Flag }", "the last field only"),
            ("struct A { x: Value<[u8]>, y: Flag }", "`Value<[u8]>` has no length of its own"),
            ("struct A { x: &'static AtomicU8 }", "an index or an offset"),
            ("struct A { x: *mut u8 }", "an index or an offset"),
            ("struct A { x: fn() }", "store a number"),
            ("struct A { x: (AtomicU8, AtomicU8) }", "a struct with #[shareable]"),
            ("struct A { x: std::sync::Mutex<u8> }", "use `cohabit::Mutex`"),
            ("struct A { x: std::sync::RwLock<u8> }", "use `cohabit::RwLock`"),
            ("struct A { x: std::sync::Once }", "use `cohabit::Once`"),
            ("struct A { x: std::sync::Barrier }", "use `cohabit::Barrier`"),
            ("struct A { x: std::cell::OnceCell<u8> }", "use `cohabit::OnceCell`"),
            ("struct A { x: OnceLock<u8> }", "use `cohabit::OnceCell`"),
            ("struct A { x: RefCell<u8> }", "`Loose<T>`"),
            ("struct A { x: Duration }", "nanoseconds"),
            ("struct A { x: PhantomData<u8> }", "leave it out"),
            ("struct A(AtomicU8);", "`struct Name { field: Type }`"),
            ("struct A;", "`struct Name { field: Type }`"),
            ("struct A {}", "at least one field"),
            ("struct A<T> { x: T }", "one struct for each use"),
            (
                "#[repr(C, packed)] struct A { x: AtomicU8 }",
                "repr(packed) would change it: remove it",
            ),
            (
                "#[repr(align(16))] struct A { x: AtomicU8 }",
                "repr(align) would change it: remove it",
            ),
            ("enum A { X, Y }", "put it into a `Value`"),
            ("union A { x: u8 }", "a cell for each case"),
            ("fn a() {}", "stands on a struct"),
        ] {
            let found = messages(item);
            assert_eq!(found.len(), 1, "{item}: {found:?}");
            assert!(found[0].contains(advice), "{item}: {}", found[0]);
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        assert_eq!(messages("struct A { x: u8, y: AtomicU8, z: usize }").len(), 2);
    }

    #[test]
    fn arguments_are_refused() {
        let item = syn::parse_str("struct A { x: AtomicU8 }").expect("the test's own item");
        let refused = shareable(&quote::quote!(last_one_out), &item).map(drop);
        assert!(refused.unwrap_err().to_string().contains("`cohabit::LastOneOut`"));
    }
}
