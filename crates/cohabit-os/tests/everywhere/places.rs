//! The user's own folder, and what this machine is.

use std::path::Path;

use cohabit_os::health::{filesystem, kernel};
use cohabit_os::place::{check_folder, root, user_folder, user_folder_if_present};

use crate::support::{Folder, start};

#[test]
fn the_users_folder_is_made_once() {
    if let Ok(folder) = std::env::var("COHABIT_DIR") {
        assert!(user_folder_if_present().expect("nothing there").is_none());
        let path = user_folder().expect("made");
        assert!(path.starts_with(Path::new(&folder)));
        assert_eq!(user_folder().expect("again"), path);
        assert_eq!(user_folder_if_present().expect("now there"), Some(path));
        return;
    }
    // The variable is a process's own.
    let folder = Folder::new();
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    command.args(["places::the_users_folder_is_made_once", "--exact", "--nocapture"]);
    command.env("COHABIT_DIR", folder.path()).stdout(std::process::Stdio::null());
    assert!(start(&mut command).wait().expect("its end").success());
}

#[test]
fn a_folder_by_path_is_looked_at() {
    let folder = Folder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), mode).expect("a mode");
    }
    check_folder(folder.path()).expect("ours");
    assert!(check_folder(&folder.join("none")).is_err());
    std::fs::write(folder.join("file"), b"x").expect("a file");
    assert!(check_folder(&folder.join("file")).is_err());
}

#[test]
fn the_machine_can_be_looked_at() {
    assert!(!kernel().release.is_empty());
    assert!(!filesystem(&root()).expect("a filesystem").name.is_empty());
}
