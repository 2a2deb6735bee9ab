//! Tests of whom the kernel lets into an object, asked by somebody else than its owner: the list is made for
//! an owner who is not us, and a thread asks whose token has lost a group. See "Access Control" and
//! "Restricted Tokens".
//!
//! Wine checks lists as Windows does. What it does not check: integrity labels, and the privilege that
//! `Global\` takes.

use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    CreateRestrictedToken, DACL_SECURITY_INFORMATION, DuplicateTokenEx, GetKernelObjectSecurity,
    LABEL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, RevertToSelf,
    SACL_SECURITY_INFORMATION, SID_AND_ATTRIBUTES, SecurityImpersonation, TOKEN_ALL_ACCESS,
    TokenImpersonation,
};
use windows_sys::Win32::System::Memory::{CreateFileMappingW, PAGE_READWRITE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, GetCurrentProcess, OpenEventW, OpenProcessToken,
    SetThreadToken,
};

use super::names::open_section;
use super::rights::{BELL, Descriptor, Found, text_of, text_of_bell};
use super::{owned, refused, sid, wide};
use crate::error::Result;
use crate::mapping::{Access, File, Lasts, Rights};

/// The group of all who may log on, which every user is a member of.
const USERS: &str = "S-1-5-32-545";
/// Nobody.
const STRANGER: &str = "S-1-5-21-1-2-3-4711";

/// Who asks: not the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// A member of the group.
    Member,
    Other,
}

/// Does something as somebody else, on this thread.
fn as_asker<T>(asker: Asker, act: impl FnOnce() -> T) -> Result<T> {
    if asker == Asker::Member {
        return Ok(act());
    }
    let token = without(USERS)?;
    // SAFETY: null stands for this thread, and the token is open.
    if unsafe { SetThreadToken(ptr::null(), token.as_raw_handle()) } == 0 {
        return Err(refused("act as somebody else"));
    }
    let done = act();
    // SAFETY: the call has no precondition.
    if unsafe { RevertToSelf() } == 0 {
        return Err(refused("be oneself again"));
    }
    Ok(done)
}

/// This process's token without a group, for a thread.
fn without(group: &str) -> Result<OwnedHandle> {
    let (mut token, mut less, mut acting) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the call has no precondition.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle stands for this process; `token` is ours.
    unsafe { OpenProcessToken(process, TOKEN_ALL_ACCESS, &raw mut token) };
    // SAFETY: null, or a handle that nobody else has.
    let token = unsafe { owned(token) }.ok_or_else(|| refused("open the token"))?;
    sid::with(group, |sid| {
        let (lost, none) = (SID_AND_ATTRIBUTES { Sid: sid, Attributes: 0 }, ptr::null());
        let (token, lost) = (token.as_raw_handle(), &raw const lost);
        // SAFETY: the token is open, the identifier lives for the call, the other lists are empty.
        unsafe { CreateRestrictedToken(token, 0, 1, lost, 0, none, 0, ptr::null(), &raw mut less) }
    })?;
    // SAFETY: null, or a handle that nobody else has.
    let less = unsafe { owned(less) }.ok_or_else(|| refused("restrict a token"))?;
    let (level, kind) = (SecurityImpersonation, TokenImpersonation);
    let (less, right) = (less.as_raw_handle(), TOKEN_ALL_ACCESS);
    // SAFETY: the token is open, and `acting` is ours.
    unsafe { DuplicateTokenEx(less, right, ptr::null(), level, kind, &raw mut acting) };
    // SAFETY: null, or a handle that nobody else has.
    unsafe { owned(acting) }.ok_or_else(|| refused("duplicate a token"))
}

/// A section that somebody else has made, but for the owner's name: that would take a privilege.
fn section_of_a_stranger(name: &str, rights: Rights) -> Result<OwnedHandle> {
    let own = sid::own()?;
    let text = text_of(rights, STRANGER)?.replacen(STRANGER, own, 1);
    let (descriptor, name) = (Descriptor::parse(&text)?, wide(name));
    let (attributes, name) = (descriptor.attributes(), name.as_ptr());
    let file = INVALID_HANDLE_VALUE;
    // SAFETY: the descriptor and the name live for the call; the constant stands for the page file.
    let made = unsafe { CreateFileMappingW(file, attributes, PAGE_READWRITE, 0, 8, name) };
    // SAFETY: null, or a handle that nobody else has.
    unsafe { owned(made) }.ok_or_else(|| refused("make a section"))
}

/// The descriptor of an object, as the system writes it.
fn written(object: &OwnedHandle) -> String {
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION;
    let mut room = [0_u64; 256];
    let (size, mut used) = (size_of_val(&room) as u32, 0);
    // SAFETY: the handle is open, and the room is ours and as long as is said.
    let got = unsafe {
        let room = room.as_mut_ptr().cast();
        GetKernelObjectSecurity(object.as_raw_handle(), what, room, size, &raw mut used)
    };
    assert_ne!(got, 0, "the owner may ask: {}", refused("ask"));
    let mut text = ptr::null_mut();
    // SAFETY: the call before wrote a descriptor; `text` is ours.
    let got = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            room.as_mut_ptr().cast(),
            SDDL_REVISION_1,
            what | SACL_SECURITY_INFORMATION,
            &raw mut text,
            ptr::null_mut(),
        )
    };
    assert_ne!(got, 0, "a descriptor has a text: {}", refused("write"));
    // SAFETY: the call made a text that ends with zero.
    let said = unsafe { sid::read_wide(text) };
    // SAFETY: made by the call above, for LocalFree, and not used any more.
    unsafe { LocalFree(text.cast()) };
    said
}

/// Whether the system lets the asker in.
fn lets_in(asker: Asker, name: &str, access: Access) -> bool {
    let opened = as_asker(asker, || open_section(name, access).map(|found| found.is_some()));
    match opened.expect("a token of somebody else") {
        Ok(found) => {
            assert!(found, "the section is there");
            true
        }
        Err(error) => {
            let code = error.errno();
            assert_eq!(code, Some(ERROR_ACCESS_DENIED.cast_signed()), "{error}");
            false
        }
    }
}

#[test]
fn the_kernel_lets_in_whom_the_rights_name() {
    let group = Some(sid::number(USERS));
    let cases = [
        (0o600, None),
        (0o640, group),
        (0o660, group),
        (0o604, None),
        (0o606, None),
        (0o664, group),
        (0o646, group),
    ];
    for (mode, group) in cases {
        let name = format!(r"Local\cohabit-strangers-{}-{mode:o}", std::process::id());
        let section = section_of_a_stranger(&name, Rights { mode, group }).expect("a section");
        let text = written(&section);
        println!("rights {mode:o}: {text}");
        assert!(text.contains("D:P"), "nothing is inherited: {text}");
        assert_eq!(text.contains(";;;WD)"), mode & 0o006 != 0, "everybody: {text}");
        assert_eq!(text.contains(";;;BU)"), group.is_some(), "the group: {text}");
        // Wine writes the label without its kind, and the policy NW as another right of the same number.
        assert_eq!(text.contains(";;;ME)"), mode & 0o077 != 0, "the label: {text}");
        for (asker, bits) in [(Asker::Member, mode >> 3 | mode), (Asker::Other, mode)] {
            let reads = lets_in(asker, &name, Access::ReadOnly);
            assert_eq!(reads, bits & 0o4 != 0, "{asker:?} reads {mode:o}: {text}");
            let writes = lets_in(asker, &name, Access::ReadWrite);
            assert_eq!(writes, bits & 0o2 != 0, "{asker:?} writes {mode:o}: {text}");
        }
    }
}

/// Who may write an object waits and wakes at the events that another one made; who may only read it does neither.
#[test]
fn a_writer_waits_and_wakes_at_what_another_one_made() {
    let group = Some(sid::number(USERS));
    let owner = sid::number("S-1-5-21-1-2-3-4712");
    for (mode, group) in [(0o600, None), (0o644, None), (0o664, group), (0o666, None)] {
        let name = format!(r"Local\cohabit-strangers-bell-{}-{mode:o}", std::process::id());
        let object = Found { owner, rights: Rights { mode, group } };
        let text = text_of_bell(object, STRANGER).expect("a text");
        let text = text.replacen(STRANGER, sid::own().expect("a user"), 1);
        println!("rights {mode:o}: {text}");
        let (descriptor, name) = (Descriptor::parse(&text).expect("a descriptor"), wide(&name));
        // SAFETY: descriptor and name live for the call.
        let made = unsafe { CreateEventW(descriptor.attributes(), 0, 0, name.as_ptr()) };
        // SAFETY: null, or a handle that nobody else has.
        let _event = unsafe { owned(made) }.expect("an event");
        for (asker, bits) in [(Asker::Member, mode >> 3 | mode), (Asker::Other, mode)] {
            // To wait, and nothing else, Wine lets everybody, whatever the list says.
            for right in [EVENT_MODIFY_STATE, BELL] {
                // SAFETY: the name ends with zero and lives for the call.
                let opened = || unsafe { OpenEventW(right, 0, name.as_ptr()) };
                // SAFETY: null, or a handle that nobody else has.
                let opened = as_asker(asker, || unsafe { owned(opened()) }.is_some());
                let writes = bits & 0o2 != 0;
                assert_eq!(opened.expect("a token"), writes, "{asker:?} {right:#x}: {text}");
            }
        }
    }
}

/// An object's memory and its file have the list and the label that were granted last.
#[test]
fn what_is_granted_is_what_the_system_has() {
    let folder = std::env::temp_dir().join(format!("cohabit-granted-{}", std::process::id()));
    let _left = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder");
    for lasts in [Lasts::WhileUsed, Lasts::OnDisk] {
        let file = File::lasting(&folder, 64, 0o600, lasts).expect("a file");
        file.grant(Rights { mode: 0o644, group: None }).expect("granted");
        let status = file.status().expect("a status");
        assert_eq!((status.mode, status.owner), (0o644, sid::number(sid::own().expect("a user"))));
        // Wine's filesystem keeps neither list nor label, and gives what it makes of its own bits.
        if lasts == Lasts::WhileUsed {
            let text = written(file.handle().section());
            println!("{text}");
            let list = "D:P(A;;GA;;;SY)(A;;GR;;;WD)";
            assert!(text.contains(list) && text.ends_with(";;;ME)"), "{text}");
        }
    }
    std::fs::remove_dir_all(&folder).expect("the test's folder");
}
