//! Which folders are refused, and for what.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use cohabit_os::error::Cause;
use cohabit_os::place::{PlaceError, check_folder, user_folder, user_folder_if_present};

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
