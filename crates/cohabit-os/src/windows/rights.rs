//! Who may use an object of the kernel, a file or a folder: permission bits as a security descriptor, and back.
//!
//! The owner is always named, and the list is protected: nothing is inherited, and nobody has a right
//! who is not in it. The system may do everything, as it can anyhow. What others may use has a label of medium
//! integrity, whoever made it: so the programs of users get what the list says also where a service made it, and
//! programs of low integrity (sandboxes) can read at most. Without others there is no label, so that such a program
//! can have objects of its own.
//!
//! The bits of the group include what everybody may, as a list lets a member in by either entry.

use std::ffi::c_void;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::{fmt, ptr};

use windows_sys::Win32::Foundation::{GENERIC_ALL, GENERIC_READ, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT, SE_KERNEL_OBJECT, SE_OBJECT_TYPE,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE,
    LABEL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES, SetKernelObjectSecurity,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC,
    WRITE_OWNER,
};
use windows_sys::Win32::System::Memory::{SECTION_MAP_READ, SECTION_MAP_WRITE};
use windows_sys::Win32::System::SystemServices::{
    ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE,
    ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE, ACCESS_ALLOWED_OBJECT_ACE_TYPE,
};

use super::{refused, refused_by, sid, wide};
use crate::error::Result;
use crate::mapping::Rights;

/// Everybody.
const WORLD: &str = "S-1-1-0";
/// The system.
const SYSTEM: &str = "S-1-5-18";
/// The label of medium integrity: who has less does not write.
const MEDIUM: &str = "S:(ML;;NW;;;ME)";
/// To wait for an event (SYNCHRONIZE), to set and to unset it (EVENT_MODIFY_STATE).
pub(crate) const BELL: u32 = 0x10_0002;
/// FILE_GENERIC_READ and FILE_GENERIC_EXECUTE: to list a folder and find what is in it.
const READS_FOLDER: &str = "0x1200a9";
/// Beside that to make files and folders in it and to take any away, whosever they are.
const WRITES_FOLDER: &str = "0x1201ff";
/// With one of these somebody else than its owner can take a name in a folder away, or the folder itself.
const TAKES_AWAY: u32 = FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL;
/// Only a name's owner may take it away.
const STICKY: u32 = 0o1000;
/// Only the owner.
#[cfg(test)]
pub(crate) const OWN: Rights = Rights { mode: 0o600, group: None };

/// A security descriptor, for calls that make objects.
pub(crate) struct Descriptor {
    made: PSECURITY_DESCRIPTOR,
    attributes: SECURITY_ATTRIBUTES,
}

// SAFETY: what it points to is its own, and nobody changes it until it is dropped.
unsafe impl Send for Descriptor {}
// SAFETY: as for Send.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// What gives these rights to the owner, one group, and everybody.
    pub(crate) fn of(rights: Rights) -> Result<Descriptor> {
        Descriptor::parse(&text_of(rights, sid::own()?)?)
    }

    /// The same for a folder: who may write has the files in it, and may take them away.
    pub(crate) fn of_folder(rights: Rights) -> Result<Descriptor> {
        let word = |bits| match bits & 0o6 {
            0 | 0o2 => None,
            0o4 => Some(READS_FOLDER.to_owned()),
            _ => Some(WRITES_FOLDER.to_owned()),
        };
        Descriptor::parse(&text(rights, &[sid::own()?], "GA", word)?)
    }

    /// What lets those wait and wake who may write an object, and nobody else: who waits takes wake-ups away.
    pub(crate) fn of_writers(object: Found) -> Result<Descriptor> {
        Descriptor::parse(&text_of_bell(object, sid::own()?)?)
    }

    /// What lets nobody open the object: its maker has a handle, and its name says that it is there.
    pub(crate) fn of_nobody() -> Result<Descriptor> {
        Descriptor::parse(&format!("O:{}D:P", sid::own()?))
    }

    pub(super) fn parse(text: &str) -> Result<Descriptor> {
        let (text, mut made, unasked) = (wide(text), ptr::null_mut(), ptr::null_mut());
        // SAFETY: the text ends with zero, and `made` is ours.
        let parsed = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made,
                unasked,
            )
        };
        if parsed == 0 {
            return Err(refused("make a security descriptor"));
        }
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: made,
            bInheritHandle: 0,
        };
        Ok(Descriptor { made, attributes })
    }

    /// For a call that makes an object; it lives as long as this.
    pub(crate) fn attributes(&self) -> *const SECURITY_ATTRIBUTES {
        &raw const self.attributes
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor").finish_non_exhaustive()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: made by the system for LocalFree, and given back here only.
        unsafe { LocalFree(self.made) };
    }
}

/// The descriptor of a section or a file as text (SDDL).
pub(super) fn text_of(rights: Rights, owner: &str) -> Result<String> {
    let word = |bits| match bits & 0o6 {
        0 => None,
        0o2 => Some("GW".to_owned()),
        0o4 => Some("GR".to_owned()),
        _ => Some("GRGW".to_owned()),
    };
    text(rights, &[owner], "GA", word)
}

/// The descriptor of an event that those wait for who may write an object, as text.
pub(super) fn text_of_bell(object: Found, maker: &str) -> Result<String> {
    let owner = sid::of_number(object.owner).filter(|owner| owner != maker);
    let owners: Vec<&str> = [maker].into_iter().chain(owner.as_deref()).collect();
    let bell = format!("{BELL:#x}");
    let word = |bits: u32| (bits & 0o2 != 0).then(|| bell.clone());
    text(object.rights, &owners, &bell, word)
}

/// A descriptor as text: what is the first one's, and lets others in by a word for their permission bits.
fn text(
    rights: Rights,
    owners: &[&str],
    of_owners: &str,
    word: impl Fn(u32) -> Option<String>,
) -> Result<String> {
    let mut text = format!("O:{}D:P(A;;GA;;;{SYSTEM})", owners[0]);
    let mut allow = |bits: u32, who: &str| {
        let word = word(bits);
        text.extend(word.map(|word| format!("(A;;{word};;;{who})")));
    };
    if let Some(group) = rights.group {
        allow(rights.mode >> 3, &sid::required(group)?);
    }
    allow(rights.mode, WORLD);
    // Its own rights are named last, so that they stand beside the others in any listing.
    text.extend(owners.iter().map(|owner| format!("(A;;{of_owners};;;{owner})")));
    if is_shared(rights) {
        text.push_str(MEDIUM);
    }
    Ok(text)
}

/// Whether anybody but the owner has a right.
fn is_shared(rights: Rights) -> bool {
    rights.mode & 0o077 != 0
}

/// Gives an object other rights.
pub(crate) fn set(object: &impl AsHandle, rights: Rights, by: &Descriptor) -> Result<()> {
    let label = if is_shared(rights) { LABEL_SECURITY_INFORMATION } else { 0 };
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION | label;
    // SAFETY: the handle is open, and the descriptor lives for the call.
    match unsafe { SetKernelObjectSecurity(object.as_handle().as_raw_handle(), what, by.made) } {
        0 => Err(refused("set who may use an object")),
        _ => Ok(()),
    }
}

/// Whose an object is, and who may use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) owner: u32,
    pub(crate) rights: Rights,
}

/// What sort of object has rights: the same bit means another thing for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Section,
    File,
    Folder,
}

impl Kind {
    /// As the system calls it.
    fn code(self) -> SE_OBJECT_TYPE {
        match self {
            Kind::Section => SE_KERNEL_OBJECT,
            Kind::File | Kind::Folder => SE_FILE_OBJECT,
        }
    }

    /// What reads and what writes.
    fn bits(self) -> (u32, u32) {
        let (reads, writes) = match self {
            Kind::Section => (SECTION_MAP_READ, SECTION_MAP_WRITE),
            Kind::File => (FILE_READ_DATA, FILE_WRITE_DATA | FILE_APPEND_DATA),
            // Of a folder, the same bits list it, and make files and folders in it. Who may take those of others
            // away, or give himself the rest, writes it too.
            Kind::Folder => {
                let takes = FILE_DELETE_CHILD | WRITE_DAC | WRITE_OWNER;
                (FILE_READ_DATA, FILE_WRITE_DATA | FILE_APPEND_DATA | takes)
            }
        };
        (reads | GENERIC_READ | GENERIC_ALL, writes | GENERIC_WRITE | GENERIC_ALL)
    }

    /// The permission bits that an entry stands for; who may list a folder finds what is in it.
    fn mode(self, mask: u32) -> u32 {
        let (reads, writes) = self.bits();
        let (reads, writes) = (u32::from(mask & reads != 0), u32::from(mask & writes != 0));
        let finds = if self == Kind::Folder { reads } else { 0 };
        reads << 2 | writes << 1 | finds
    }
}

/// What the system says of an object's owner and rights. The handle has the right to ask (READ_CONTROL).
pub(crate) fn of(object: &impl AsHandle, kind: Kind) -> Result<Found> {
    let (mut owner, mut list, mut made) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    let (none, unasked) = (ptr::null_mut(), ptr::null_mut());
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    // SAFETY: the handle is open, and the pointers are to variables of ours, or null.
    let code = unsafe {
        GetSecurityInfo(
            object.as_handle().as_raw_handle(),
            kind.code(),
            what,
            &raw mut owner,
            none,
            &raw mut list,
            unasked,
            &raw mut made,
        )
    };
    if code != 0 {
        return Err(refused_by("ask who may use an object", code));
    }
    // SAFETY: both are null, or in the descriptor that the call made.
    let found = unsafe { read(owner, list, kind) };
    // SAFETY: made by the call, for LocalFree, and not used any more.
    unsafe { LocalFree(made) };
    Ok(found)
}

/// # Safety
/// The owner is null or an identifier, and the list is null or a list, for the length of the call.
unsafe fn read(owner: PSID, list: *const ACL, kind: Kind) -> Found {
    // SAFETY: the caller's contract.
    let owner = unsafe { sid::text(owner) };
    // An owner whom the system does not name is nobody whom anybody knows.
    let number = owner.as_deref().map_or(u32::MAX, sid::number);
    let mut rights = Rights { mode: 0, group: None };
    if list.is_null() {
        // Without a list, everybody may do everything.
        let mode = kind.mode(GENERIC_ALL) * 0o111;
        return Found { owner: number, rights: Rights { mode, group: None } };
    }
    let mut others = 0;
    // SAFETY: the caller's contract.
    let count = u32::from(unsafe { (*list).AceCount });
    for at in 0..count {
        // SAFETY: the caller's contract, and the entry is one of it.
        let Some((who, mask)) = (unsafe { entry(list, at) }) else { continue };
        let bits = kind.mode(mask);
        if Some(&who) == owner.as_ref() {
            rights.mode |= bits << 6;
        } else if who == WORLD {
            rights.mode |= bits << 3 | bits;
            others |= mask;
        } else if sid::number(&who) != 0 {
            rights.mode |= bits << 3;
            rights.group = Some(sid::number(&who));
            others |= mask;
        }
    }
    if kind == Kind::Folder && rights.mode & 0o022 != 0 && others & TAKES_AWAY == 0 {
        rights.mode |= STICKY;
    }
    Found { owner: number, rights }
}

/// Whom an entry of a list lets in, and to what; `None` for entries of other kinds.
///
/// # Safety
/// It is a list that lives for the call, with at least so many entries.
unsafe fn entry(list: *const ACL, at: u32) -> Option<(String, u32)> {
    let mut found: *mut c_void = ptr::null_mut();
    // SAFETY: the caller's contract; `found` is ours.
    if unsafe { GetAce(list, at, &raw mut found) } == 0 {
        return None;
    }
    // SAFETY: every entry begins with its header.
    let header = unsafe { found.cast::<ACE_HEADER>().read_unaligned() };
    // What is for those that will be made in it says nothing of a folder.
    if u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
        return None;
    }
    match u32::from(header.AceType) {
        // A condition may hold.
        ACCESS_ALLOWED_ACE_TYPE | ACCESS_ALLOWED_CALLBACK_ACE_TYPE => {}
        // It lets somebody in to something: taken for everybody and everything.
        ACCESS_ALLOWED_OBJECT_ACE_TYPE | ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE => {
            return Some((WORLD.to_owned(), GENERIC_ALL));
        }
        _ => return None,
    }
    let allowed = found.cast::<ACCESS_ALLOWED_ACE>();
    // SAFETY: an entry of either kind begins with this struct.
    let mask = unsafe { (*allowed).Mask };
    // SAFETY: as above; the identifier begins at this field and ends in the entry.
    let who = unsafe { sid::text((&raw mut (*allowed).SidStart).cast()) }?;
    Some((who, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_what_the_bits_say() {
        let of = |mode, group| text_of(Rights { mode, group }, "S-1-5-21-1-2-3-7").expect("a text");
        assert_eq!(
            of(0o600, None),
            "O:S-1-5-21-1-2-3-7D:P(A;;GA;;;S-1-5-18)(A;;GA;;;S-1-5-21-1-2-3-7)"
        );
        assert!(of(0o604, None).contains("(A;;GR;;;S-1-1-0)"));
        assert!(of(0o666, None).contains("(A;;GRGW;;;S-1-1-0)"));
        let group = sid::number("S-1-5-21-1-2-3-513");
        assert!(of(0o640, Some(group)).contains("(A;;GR;;;S-1-5-21-1-2-3-513)"));
        assert!(!of(0o600, Some(group)).contains("513"));
        assert!(text_of(Rights { mode: 0o660, group: Some(77) }, "S-1-5-7").is_err());
        assert!(of(0o644, None).ends_with(MEDIUM), "what others use has a label");
    }

    #[test]
    fn who_may_write_waits_and_wakes() {
        let owner = sid::number("S-1-5-21-1-2-3-8");
        let of = |mode, group| {
            let object = Found { owner, rights: Rights { mode, group } };
            text_of_bell(object, "S-1-5-21-1-2-3-7").expect("a text")
        };
        let own = "(A;;0x100002;;;S-1-5-21-1-2-3-7)(A;;0x100002;;;S-1-5-21-1-2-3-8)";
        assert_eq!(of(0o600, None), format!("O:S-1-5-21-1-2-3-7D:P(A;;GA;;;S-1-5-18){own}"));
        assert!(!of(0o644, None).contains("S-1-1-0"), "readers do not");
        assert!(of(0o666, None).contains("(A;;0x100002;;;S-1-1-0)"));
        let group = Some(sid::number("S-1-5-21-1-2-3-513"));
        assert!(of(0o664, group).contains("(A;;0x100002;;;S-1-5-21-1-2-3-513)"));
        assert!(!of(0o644, group).contains("513"));
    }

    /// What a list says of a folder.
    fn of_folder(list: &str) -> Found {
        use windows_sys::Win32::Security::GetSecurityDescriptorDacl;
        let descriptor = Descriptor::parse(&format!("O:S-1-5-21-1-2-3-7D:{list}")).expect("a list");
        let (mut has, mut list, mut default) = (0, ptr::null_mut(), 0);
        // SAFETY: the descriptor is whole, and the variables are ours.
        let got = unsafe {
            let made = descriptor.made;
            GetSecurityDescriptorDacl(made, &raw mut has, &raw mut list, &raw mut default)
        };
        assert!(got != 0 && has != 0);
        // SAFETY: the list lives as long as the descriptor; null stands for an owner whom nobody names.
        unsafe { read(ptr::null_mut(), list, Kind::Folder) }
    }

    #[test]
    fn who_may_take_a_folder_over_may_write_it() {
        for list in ["(A;;WD;;;WD)", "(A;;WO;;;WD)", "(A;;0x40;;;BU)"] {
            let found = of_folder(list).rights.mode;
            assert!(found & 0o022 != 0 && found & STICKY == 0, "{list}: {found:o}");
        }
        assert_eq!(of_folder("(A;;0x1200a9;;;WD)").rights.mode & 0o022, 0, "who only looks");
        assert_ne!(
            of_folder("(A;;0x1200af;;;WD)").rights.mode & STICKY,
            0,
            "as in a common folder"
        );
    }
}
