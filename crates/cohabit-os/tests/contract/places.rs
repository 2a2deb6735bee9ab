//! Which folders are refused, and for what.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use cohabit_os::error::Cause;
use cohabit_os::mapping::{File, Rights};
use cohabit_os::place::{
    PlaceError, check_folder, make_shared_folder, remove_shared_folder, shared_folder,
    shared_names, tidy_shared_root, user_folder, user_folder_if_present,
};

use crate::support::{Folder, child, root};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn the_users_own_folder_is_made_private_and_stays_so() {
    let folder = Folder::new();
    let user = child(|| {
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var("COHABIT_DIR", folder.path()) };
        // SAFETY: umask(2) has no precondition.
        unsafe { libc::umask(0) };
        assert!(user_folder_if_present().expect("nothing there").is_none());
        let path = user_folder().expect("made");
        let uid = cohabit_os::process::effective_uid();
        assert_eq!(path, folder.join(&format!("cohabit-{uid}")));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o700);
        assert_eq!(user_folder().expect("again"), path);
        assert_eq!(user_folder_if_present().expect("now there"), Some(path.clone()));
        for mode in [0o701, 0o710, 0o755, 0o777, 0o1777] {
            set_mode(&path, mode);
            let refused = user_folder().expect_err("open to others");
            assert!(matches!(refused, PlaceError::OthersMayWrite { mode: m, .. } if m == mode));
            assert!(user_folder_if_present().is_err());
        }
        set_mode(&path, 0o700);
        if root("another owner") {
            chown(&path, Some(1), None).expect("chown");
            let refused = user_folder().expect_err("a stranger's");
            assert!(matches!(refused, PlaceError::OtherOwner { owner: 1, .. }));
        }
        fs::remove_dir(&path).expect("empty");
        let elsewhere = folder.join("elsewhere");
        fs::create_dir(&elsewhere).expect("a folder");
        set_mode(&elsewhere, 0o700);
        symlink(&elsewhere, &path).expect("a link");
        assert!(matches!(user_folder(), Err(PlaceError::NotAFolder { .. })));
        fs::remove_file(&path).expect("the link");
        fs::write(&path, b"").expect("a file");
        assert!(matches!(user_folder(), Err(PlaceError::NotAFolder { .. })));
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var("COHABIT_DIR", folder.join("missing")) };
        let Err(PlaceError::Os(error)) = user_folder() else { panic!("no root to make it in") };
        assert_eq!(error.cause(), Cause::NotFound);
        0
    });
    assert_eq!(user.code(), 0);
}

#[test]
fn a_folder_by_path_belongs_to_us_or_root_and_only_its_owner_writes_it() {
    let folder = Folder::new();
    let path = folder.join("place");
    fs::create_dir(&path).expect("a folder");
    for mode in [0o700, 0o755, 0o711, 0o1755] {
        set_mode(&path, mode);
        check_folder(&path).expect("others may look");
    }
    for mode in [0o777, 0o1777, 0o775, 0o1775, 0o702] {
        set_mode(&path, mode);
        let refused = check_folder(&path).expect_err("others may write");
        assert!(matches!(refused, PlaceError::OthersMayWrite { mode: m, .. } if m == mode));
    }
    set_mode(&path, 0o755);
    let (link, file) = (folder.join("link"), folder.join("file"));
    symlink(&path, &link).expect("a link");
    fs::write(&file, b"").expect("a file");
    for not in [link.as_path(), &link.join(""), &link.join("."), &file] {
        let refused = check_folder(not).expect_err("not a folder");
        assert!(matches!(refused, PlaceError::NotAFolder { .. }), "{}", not.display());
    }
    let Err(PlaceError::Os(error)) = check_folder(&folder.join("none")) else { panic!("none") };
    assert_eq!(error.cause(), Cause::NotFound);
    if root("another owner, and root's folder for an ordinary user") {
        let ordinary = child(|| {
            // SAFETY: changes this process only.
            assert_eq!(unsafe { libc::setuid(65534) }, 0);
            check_folder(&path).map_or(1, |()| 0)
        });
        assert_eq!(ordinary.code(), 0, "root's folder is good for anyone");
        chown(&path, Some(1), None).expect("chown");
        let refused = check_folder(&path).expect_err("a stranger's");
        assert!(matches!(refused, PlaceError::OtherOwner { owner: 1, .. }));
        let text = refused.to_string();
        assert!(text.contains("place") && text.contains("id 1"), "{text}");
    }
}

/// Runs `body` in a child for which this folder is the root of all places.
fn under(root: &Path, body: impl FnOnce()) {
    let user = child(|| {
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var("COHABIT_DIR", root) };
        body();
        0
    });
    assert_eq!(user.code(), 0);
}

fn umask(mask: u32) {
    // SAFETY: umask(2) has no precondition.
    unsafe { libc::umask(mask) };
}

/// Gives a folder a default access control list, by which uid 7 may do everything with what is made in
/// it: version 2, then tag, permission and id of each entry (acl(5)).
fn set_default_acl(folder: &Path) -> std::io::Result<()> {
    let none = u32::MAX;
    let entries = [(1u16, 7u16, none), (2, 7, 7), (4, 5, none), (0x10, 7, none), (0x20, 5, none)];
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permission.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let path = std::ffi::CString::new(folder.as_os_str().as_encoded_bytes()).expect("a path");
    let name = c"system.posix_acl_default";
    let (value, size) = (list.as_ptr().cast(), list.len());
    // SAFETY: two texts with an end and one buffer with its length.
    match unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value, size, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether a path has an access control list beyond its permission bits.
fn has_acl(path: &Path) -> bool {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    [c"system.posix_acl_access", c"system.posix_acl_default"].iter().any(|name| {
        // SAFETY: two texts with an end; a size of 0 asks for the length only.
        unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) > 0 }
    })
}

#[test]
fn a_shared_folder_has_exactly_its_rights() {
    let folder = Folder::new();
    set_mode(folder.path(), 0o1777);
    if let Err(error) = set_default_acl(folder.path()) {
        println!("without a default access control list, which this filesystem lacks: {error}");
    }
    let mine = Rights { mode: 0o775, group: None };
    for mask in [0, 0o022, 0o077, 0o777] {
        under(folder.path(), || {
            umask(mask);
            assert!(shared_folder("x", &|_| false).expect("nothing there").is_none());
            make_shared_folder("x", mine, &|_| false).expect("made");
            let found = shared_folder("x", &|_| false).expect("ours").expect("there");
            assert_eq!(found.path, folder.join("cohabit.x"));
            assert_eq!(found.status.mode & 0o7777, 0o775, "with umask {mask:04o}");
            assert!(!has_acl(&found.path), "a list of the folder above has no say");
            // What stands there stays.
            make_shared_folder("x", Rights { mode: 0o700, ..mine }, &|_| false).expect("there");
            assert_eq!(shared_folder("x", &|_| false).expect("ours"), Some(found.clone()));
            assert_eq!(shared_names().expect("a list"), ["x"]);
            let file = File::unnamed(&found.path, 100, 0o600).expect("an unnamed file");
            file.grant(Rights { mode: 0o664, group: None }).expect("granted");
            let path = found.path.join("file");
            file.publish(&path).expect("a free name");
            assert_eq!(file.status().expect("a status").mode, 0o664);
            assert!(!has_acl(&path));
            fs::remove_file(path).expect("a file");
            fs::remove_dir(&found.path).expect("empty");
        });
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
}

#[test]
fn what_stands_in_the_place_of_a_shared_folder_is_judged() {
    let folder = Folder::new();
    let rights = Rights { mode: 0o755, group: None };
    let look = |trusts: &dyn Fn(u32) -> bool| shared_folder("x", trusts);
    let nobody = |_| false;
    for mode in [0o777, 0o775, 0o707] {
        set_mode(folder.path(), mode);
        under(folder.path(), || {
            let refused = look(&nobody).expect_err("anybody could take the name away");
            assert!(matches!(refused, PlaceError::OthersMayWrite { mode: m, .. } if m == mode));
            assert!(make_shared_folder("x", rights, &nobody).is_err());
        });
    }
    set_mode(folder.path(), 0o1777);
    let path = folder.join("cohabit.x");
    under(folder.path(), || {
        fs::write(&path, b"").expect("a file");
        assert!(matches!(look(&nobody), Err(PlaceError::NotAFolder { .. })));
        make_shared_folder("x", rights, &nobody).expect("something stands there");
        fs::remove_file(&path).expect("a file");
        symlink(folder.path(), &path).expect("a link");
        assert!(matches!(look(&nobody), Err(PlaceError::NotAFolder { .. })));
        fs::remove_file(&path).expect("a link");
    });
    if !root("another owner") {
        return;
    }
    under(folder.path(), || {
        fs::create_dir(&path).expect("a folder");
        chown(&path, Some(1), None).expect("chown");
        let Err(PlaceError::OtherOwner { owner: 1, .. }) = look(&nobody) else {
            panic!("a stranger's")
        };
        assert!(look(&|owner| owner == 1).expect("trusted").is_some());
        chown(&path, Some(0), None).expect("chown");
        chown(folder.path(), Some(1), None).expect("chown");
        assert!(matches!(look(&nobody), Err(PlaceError::OtherOwner { owner: 1, .. })), "the root");
        assert!(look(&|owner| owner == 1).is_ok());
    });
}

#[test]
fn folders_that_were_left_half_made_are_taken_away() {
    let folder = Folder::new();
    set_mode(folder.path(), 0o1777);
    under(folder.path(), || {
        for name in [".cohabit.x-0000000000000001", ".cohabit.y-0000000000000002", ".other"] {
            fs::create_dir(folder.join(name)).expect("a folder");
        }
        fs::write(folder.join(".cohabit.x-0000000000000001").join("used"), b"").expect("a file");
        fs::create_dir(folder.join(".cohabit.x-3")).expect("a folder");
        make_shared_folder("x", Rights { mode: 0o700, group: None }, &|_| false).expect("made");
        let left = |expected: &[&str]| {
            let mut names = cohabit_os::mapping::list(folder.path()).expect("a list");
            names.sort();
            assert_eq!(names, expected);
        };
        let used = ".cohabit.x-0000000000000001";
        left(&[used, ".cohabit.y-0000000000000002", ".other", "cohabit.x"]);
        fs::create_dir(folder.join(".cohabit.x-4")).expect("a folder");
        assert!(remove_shared_folder(&folder.join("cohabit.x")).expect("an answer"));
        left(&[used, ".cohabit.y-0000000000000002", ".other"]);
        tidy_shared_root();
        left(&[used, ".other"]);
    });
}

#[test]
fn many_make_one_folder_and_none_fails() {
    let folder = Folder::new();
    set_mode(folder.path(), 0o1777);
    under(folder.path(), || {
        for _ in 0..20 {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let rights = Rights { mode: 0o755, group: None };
                        make_shared_folder("x", rights, &|_| false).expect("made, or there");
                        assert!(shared_folder("x", &|_| false).expect("ours").is_some());
                    });
                }
            });
            fs::remove_dir(folder.join("cohabit.x")).expect("empty");
        }
        tidy_shared_root();
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    });
}
