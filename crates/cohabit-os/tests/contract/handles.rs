//! Files without a name: of fixed size, locked and reached again through descriptors alone.

use std::fs;
use std::io::pipe;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering::Relaxed;

use cohabit_os::error::Cause;
use cohabit_os::handle::{Rights, another, forbid_new_writers, rights, to_give};
use cohabit_os::liveness::{Anchor, Byte, Entered, LifeSection, Way, is_held};
use cohabit_os::mapping::{Access, File, FileKind};

use crate::support::{Alone, Folder, Line, child, for_linux_only, forever, word};

fn memory() -> File {
    File::anonymous(8192, 0o600).expect("memory without a name")
}

/// Whether this is the mechanism that has no such memory, which it says.
fn there_is_none() -> bool {
    if !for_linux_only("there is no memory without a name that nobody can cut") {
        return false;
    }
    let refused = File::anonymous(8192, 0o600).expect_err("none");
    assert_eq!(refused.cause(), Cause::Unsupported);
    true
}

/// The library's view of what a test has opened by itself.
fn file_of(descriptor: impl AsFd) -> File {
    another(descriptor.as_fd()).expect("an open descriptor")
}

#[test]
fn it_is_whole_has_no_name_and_keeps_its_size() {
    if there_is_none() {
        return;
    }
    let _alone = Alone::now();
    let file = memory();
    let status = file.status().expect("a status");
    assert_eq!((status.size, status.links, status.mode), (8192, 0, 0o600));
    assert_eq!(status.kind, FileKind::Regular);
    let given = fs::File::from(to_give(&file, Access::ReadWrite).expect("a descriptor"));
    for size in [0, 4096, 8191, 8193, 1 << 20] {
        let refused = given.set_len(size).expect_err("sealed");
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    }
    assert_eq!(file.status().expect("a status").size, 8192);
    assert_eq!(file.read_at(&mut [1; 16], 8184).expect("zeros"), 8);
}

#[test]
fn rights_are_what_the_kernel_says() {
    if there_is_none() {
        return;
    }
    let folder = Folder::new();
    let of = |file: &File| rights(file).expect("rights");
    let all = Rights { reads: true, writes: true, fixed_size: true, no_new_writers: false };
    let file = memory();
    assert_eq!(of(&file), all);
    let reads = file_of(to_give(&file, Access::ReadOnly).expect("a descriptor"));
    assert_eq!(of(&reads), Rights { writes: false, ..all });
    assert_eq!(reads.status().expect("a status").id, file.status().expect("a status").id);

    let path = folder.join("named");
    let open = |flags: i32| {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).custom_flags(flags).mode(0o600);
        file_of(options.open(&path).expect("a file"))
    };
    let named = Rights { fixed_size: false, ..all };
    assert_eq!(of(&open(0)), named);
    let writes = fs::OpenOptions::new().write(true).open(&path).expect("a file");
    assert_eq!(of(&file_of(writes)), Rights { reads: false, ..named });
    let path_only = open(libc::O_PATH);
    assert_eq!(of(&path_only), Rights { reads: false, writes: false, ..named });

    let (hear, tell) = pipe().expect("a pipe");
    assert!(of(&file_of(&hear)).reads && of(&file_of(&tell)).writes);
    assert_eq!(file_of(&hear).status().expect("a status").kind, FileKind::Other);
    // SAFETY: the number is above any that this process may open, so it stands for nothing.
    let closed = unsafe { BorrowedFd::borrow_raw(i32::MAX) };
    assert_eq!(another(closed).expect_err("not open").cause(), Cause::NotOpen);
}

#[test]
fn closed_to_new_writers_it_goes_on_for_those_who_write() {
    if there_is_none() {
        return;
    }
    let _alone = Alone::now();
    let file = memory();
    let mapping = file.map(8192, Access::ReadWrite).expect("a map");
    forbid_new_writers(&file).expect("a seal");
    assert!(rights(&file).expect("rights").no_new_writers);
    word(&mapping).store(7, Relaxed);
    let again = file.reopen(Access::ReadWrite).expect("it can be opened, for its locks");
    let refused = again.map(8192, Access::ReadWrite).expect_err("no new writer");
    assert_eq!(refused.cause(), Cause::PermissionDenied);
    let view = again.map(8192, Access::ReadOnly).expect("a view");
    assert_eq!(word(&view).load(Relaxed), 7);
    let id = file.status().expect("a status").id;
    assert!(matches!(LifeSection::try_enter(Way::Kept(&file), id), Ok(Entered::Yes(_))));
}

#[test]
fn an_anchor_and_a_section_need_no_name() {
    if there_is_none() {
        return;
    }
    let _alone = Alone::now();
    let file = memory();
    let id = file.status().expect("a status").id;
    let byte = Byte::user(0, 1);
    let inside = Line::new();
    let other = child(|| {
        let own = file.reopen(Access::ReadWrite).expect("a description of its own");
        let _anchor = Anchor::take(own, byte).expect("a free byte");
        let Ok(Entered::Yes(_section)) = LifeSection::try_enter(Way::Kept(&file), id) else {
            return 1;
        };
        inside.tell();
        forever()
    });
    inside.hear();
    assert!(is_held(&file, byte).expect("an answer"));
    assert!(matches!(LifeSection::try_enter(Way::Kept(&file), id), Ok(Entered::Busy)));
    other.kill();
    assert!(!is_held(&file, byte).expect("an answer"));
    assert!(matches!(LifeSection::try_enter(Way::Kept(&file), id), Ok(Entered::Yes(_))));
    // A descriptor that is another file's now leads nowhere.
    let stranger = memory();
    assert!(matches!(LifeSection::try_enter(Way::Kept(&stranger), id), Ok(Entered::Gone)));
}

#[test]
fn what_the_file_size_limit_forbids_is_an_error() {
    if there_is_none() {
        return;
    }
    let _alone = Alone::now();
    let limited = child(|| {
        let limit = libc::rlimit { rlim_cur: 4096, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: `limit` is ours for the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        let refused = File::anonymous(8192, 0o600).expect_err("over the limit");
        assert_eq!(refused.cause(), Cause::FileSizeLimit);
        0
    });
    assert_eq!(limited.code(), 0);
}
