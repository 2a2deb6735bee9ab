//! The rule for names: the same on every system, so that a name that works here works everywhere.
//!
//! 1 to 200 bytes of ASCII letters, digits and `. _ - { } ( ) # @ + = ,`, not starting with a dot.
//! A name is a file's name, and part of a kernel object's name on Windows, hence no slashes, no dot at the end
//! and no devices; names that start with a dot are cohabit's own. Whether `Rpm` is `rpm` is the system's to say:
//! it is on Windows, and on the usual file systems of macOS.
//!
//! Devices: learn.microsoft.com, "Naming Files, Paths, and Namespaces".

use crate::error::{Error, ErrorKind, Result};

/// The longest name, in bytes. File names end at 255; the rest is room for prefixes.
pub const NAME_MAX: usize = 200;

/// Says whether `name` may name an object, and if not, why not and what to do.
///
/// # Errors
/// One of the `Name…` kinds of [`ErrorKind`].
///
/// ```
/// assert!(cohabit::check_name("Engine-{7b1c}.rpm").is_ok());
/// assert_eq!(cohabit::check_name("a/b").unwrap_err().code(), "name-slash");
/// ```
pub fn check_name(name: &str) -> Result<()> {
    let refuse = |kind, detail: String| Err(Error::new(kind, name, detail));
    if name.is_empty() {
        return refuse(ErrorKind::NameEmpty, "the name is empty".into());
    }
    if let Some(prefix) = ["Local\\", "Global\\"].into_iter().find(|p| name.starts_with(p)) {
        return refuse(ErrorKind::NameScopePrefix, format!("the name starts with {prefix}"));
    }
    if name.len() > NAME_MAX {
        return refuse(
            ErrorKind::NameTooLong,
            format!("the name has {} bytes, expected at most {NAME_MAX}", name.len()),
        );
    }
    if name.starts_with('.') {
        return refuse(ErrorKind::NameDot, "the name starts with a dot".into());
    }
    for (at, c) in name.char_indices() {
        let kind = match c {
            '/' | '\\' => ErrorKind::NameSlash,
            c if c.is_whitespace() => ErrorKind::NameSpace,
            c if !c.is_ascii() => ErrorKind::NameNotAscii,
            c if c.is_ascii_alphanumeric() || "._-{}()#@+=,".contains(c) => continue,
            _ => ErrorKind::NameCharacter,
        };
        return refuse(kind, format!("the name has {c:?} at byte {at}"));
    }
    let refuse = |detail| Err(Error::new(ErrorKind::NameReserved, name, detail));
    if name.ends_with('.') {
        return refuse("the name ends with a dot, which Windows leaves out".to_owned());
    }
    let first = name.split('.').next().unwrap_or_default();
    if is_device(first) {
        return refuse(format!("the name is that of a device on Windows, {first:?}"));
    }
    Ok(())
}

/// Whether Windows has a device of this name, in whatever case.
fn is_device(name: &str) -> bool {
    if ["con", "prn", "aux", "nul"].iter().any(|device| name.eq_ignore_ascii_case(device)) {
        return true;
    }
    let Some((kind, number)) = name.split_at_checked(3) else { return false };
    let has_ports = ["com", "lpt"].iter().any(|port| kind.eq_ignore_ascii_case(port));
    has_ports && number.len() == 1 && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> &'static str {
        check_name(name).expect_err(name).code()
    }

    #[test]
    fn good_names() {
        for name in ["a", "SharedDataName", "A.b_c-{d}(e)#@+=,9", &"x".repeat(NAME_MAX)] {
            check_name(name).expect(name);
        }
    }

    #[test]
    fn name_empty() {
        assert_eq!(code(""), "name-empty");
    }

    #[test]
    fn name_too_long() {
        assert_eq!(code(&"x".repeat(NAME_MAX + 1)), "name-too-long");
    }

    #[test]
    fn name_slash() {
        assert_eq!(code("a/b"), "name-slash");
        assert_eq!(code("a\\b"), "name-slash");
    }

    #[test]
    fn name_dot() {
        assert_eq!(code(".."), "name-dot");
        assert_eq!(code(".hidden"), "name-dot");
    }

    #[test]
    fn name_space() {
        assert_eq!(code("a b"), "name-space");
        assert_eq!(code("a\n"), "name-space");
    }

    #[test]
    fn name_not_ascii() {
        assert_eq!(code("größe"), "name-not-ascii");
    }

    #[test]
    fn name_character() {
        assert_eq!(code("a*"), "name-character");
        assert_eq!(code("a\0"), "name-character");
    }

    #[test]
    fn name_reserved() {
        for device in ["con", "NUL", "aux.rpm", "Com1", "lpt9.a.b", "rpm.", "a.."] {
            assert_eq!(code(device), "name-reserved");
        }
        for name in ["com", "com.example.rpm", "com10", "con-1", "rig.con", "lptx", "null"] {
            check_name(name).expect(name);
        }
    }

    #[test]
    fn name_scope_prefix() {
        assert_eq!(code("Local\\x"), "name-scope-prefix");
        assert_eq!(code("Global\\x"), "name-scope-prefix");
    }
}
