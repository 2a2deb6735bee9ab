//! What to use instead of a type that cannot be plain data, judged by its name.
//!
//! The compiler judges types by the bound `Plain`, which can give one advice for all of them. A macro
//! sees names only, so that it speaks where a name can hardly mean anything but std's type; a name
//! that programs give to their own types, such as `Event`, counts only with its path or its
//! parameters.

use quote::ToTokens;
use syn::{Path, PathArguments, Type};

/// What to use instead of a type that cannot be plain data.
pub(crate) fn advice(ty: &Type) -> Option<String> {
    let instead = match ty {
        Type::Reference(_) => "a reference means nothing in another process: store the value",
        Type::Ptr(_) => "a pointer means nothing in another process: store an index or an offset",
        Type::BareFn(_) => "a function has another address in another process: store a number",
        Type::TraitObject(_) | Type::ImplTrait(_) => {
            "its code has another address in another process: store an enum with #[plain]"
        }
        Type::Tuple(tuple) if tuple.elems.is_empty() => "it has no bytes: leave the field out",
        Type::Tuple(_) => "a tuple has no fixed layout: write a struct with #[plain]",
        Type::Slice(_) => "a slice has no fixed size: use `[T; N]`, or `List<T, N>`",
        Type::Never(_) => "it has no value: leave the field out",
        Type::Array(array) => return advice(&array.elem),
        Type::Group(group) => return advice(&group.elem),
        Type::Paren(paren) => return advice(&paren.elem),
        Type::Path(path) => of_path(&path.path)?,
        _ => return None,
    };
    Some(format!("`{}` cannot live in shared memory: {instead}", written(ty)))
}

/// The type as people write it.
fn written(ty: &Type) -> String {
    let mut text = ty.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ,", ","),
        (" ;", ";"),
        ("* ", "*"),
    ] {
        text = text.replace(from, to);
    }
    text
}

fn of_path(path: &Path) -> Option<&'static str> {
    let last = path.segments.last()?;
    let name = last.ident.to_string();
    let has_parameters = matches!(last.arguments, PathArguments::AngleBracketed(_));
    let crates = ["std", "core", "alloc", "cohabit"];
    let is_known = has_parameters
        || crates.iter().any(|name| path.segments.len() > 1 && path.segments[0].ident == name);
    of_name(&name).or_else(|| is_known.then(|| of_common_name(&name)).flatten())
}

/// Advice by a name that is std's.
fn of_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "String" | "str" | "CString" | "CStr" => {
            "its text lies on this process's heap; use `Text<N>`, which holds N - 1 bytes"
        }
        "OsString" | "OsStr" | "PathBuf" => {
            "its text lies on this process's heap; use `Text<N>`, or `WideText<N>` for Windows' UTF-16"
        }
        "Vec" | "VecDeque" | "BinaryHeap" | "LinkedList" => {
            "its elements lie on this process's heap; use `List<T, N>`, which has room for N"
        }
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => {
            "its elements lie on this process's heap; use a `List<T, N>` of structs"
        }
        "Option" => "its layout is the compiler's; use a `bool` beside the value",
        "Result" => "its layout is the compiler's; use an enum for the outcome beside the value",
        "Box" | "Rc" | "Arc" | "Cow" | "NonNull" => {
            "it points into this process; store the value itself"
        }
        "usize" => "its width differs between processes; use `u64` or `u32`",
        "isize" => "its width differs between processes; use `i64` or `i32`",
        "NonZero" | "NonZeroU8" | "NonZeroU16" | "NonZeroU32" | "NonZeroU64" | "NonZeroU128"
        | "NonZeroI8" | "NonZeroI16" | "NonZeroI32" | "NonZeroI64" | "NonZeroI128"
        | "NonZeroUsize" | "NonZeroIsize" => {
            "new objects begin with zero bytes; use the number itself, and `NonZero::new` on reading"
        }
        "Duration" => "its layout is the compiler's; use nanoseconds as `u64`",
        "Instant" | "SystemTime" => "its layout is the compiler's; use a number of nanoseconds",
        "PhantomData" => "it has no bytes: leave the field out",
        "AtomicBool" => {
            "plain data is copied; use a `bool` here and `update`, or an object of its own: \
             `Shared::<AtomicU8>`"
        }
        "AtomicUsize" | "AtomicIsize" | "AtomicPtr" | "AtomicU8" | "AtomicU16" | "AtomicU32"
        | "AtomicU64" | "AtomicI8" | "AtomicI16" | "AtomicI32" | "AtomicI64" => {
            "plain data is copied; use the number here and `update`, or an object of its own: \
             `Shared::<AtomicU64>`"
        }
        "RefCell" | "UnsafeCell" | "OnceCell" | "LazyCell" => {
            "plain data is copied; store the value itself"
        }
        "MaybeUninit" | "ManuallyDrop" => "every byte has a value there; store the value itself",
        "TcpStream" | "UdpSocket" | "OwnedFd" | "BorrowedFd" | "JoinHandle" => {
            "it belongs to this process: another one has to open its own"
        }
        _ => return None,
    })
}

/// Advice by a name that a program may as well have for a type of its own.
fn of_common_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "Value" | "Loose" | "Mutex" | "RwLock" | "Condvar" | "Event" | "Semaphore" | "Barrier"
        | "Once" | "OnceLock" | "Frozen" | "Flag" | "Shared" => {
            "plain data is copied, and a cell is not; store the value itself"
        }
        "Cell" => "plain data is copied; store the value itself",
        "Range" | "RangeInclusive" => "its layout is the compiler's; use two fields, start and end",
        "Wrapping" | "Saturating" => "use the number itself",
        "Ipv4Addr" | "Ipv6Addr" | "IpAddr" | "SocketAddr" => {
            "its layout is the compiler's; use the bytes of `octets()`, and a `u16` for the port"
        }
        "Path" => {
            "its text lies on this process's heap; use `Text<N>`, or `WideText<N>` for Windows' UTF-16"
        }
        "File" => "it belongs to this process: another one has to open its own",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ty: &str) -> Option<String> {
        advice(&syn::parse_str(ty).expect("the test's own type"))
    }

    #[test]
    fn a_type_is_written_as_people_do() {
        for ty in ["Vec<u8>", "std::string::String", "&'static str", "Result<u8, [u8; 4]>"] {
            assert_eq!(written(&syn::parse_str(ty).expect("a type")), ty);
        }
    }

    #[test]
    fn common_names_are_judged_with_their_path_or_parameters_only() {
        assert_eq!(of("Event"), None);
        assert_eq!(of("motor::Flag"), None);
        assert_eq!(of("Range"), None);
        for ty in ["cohabit::Event", "std::sync::Once", "Mutex<u8>", "Range<u32>", "std::fs::File"]
        {
            assert!(of(ty).is_some(), "{ty}");
        }
    }
}
