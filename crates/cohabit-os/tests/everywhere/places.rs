//! The user's own folder, and what this machine is.

use std::path::Path;

use cohabit_os::health::{filesystem, kernel};
use cohabit_os::mapping::{File, FileKind, Rights, retire, status_of};
use cohabit_os::place::{
    check_folder, machine_root, make_shared_folder, remove_shared_folder, root, shared_folder,
    shared_names, user_folder, user_folder_if_present,
};
use cohabit_os::process::effective_uid;

use crate::support::{Folder, start};

/// Runs a test again with a root of its own, unless this is that run: the variable is a process's own.
fn has_a_root(test: &str) -> Option<String> {
    if let Ok(folder) = std::env::var("COHABIT_DIR") {
        return Some(folder);
    }
    let folder = Folder::new();
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    command.args([test, "--exact", "--nocapture"]).env("COHABIT_DIR", folder.path());
    let mut again = start(command.stdout(std::process::Stdio::null()));
    assert!(again.wait().expect("its end").success());
    None
}

#[test]
fn the_users_folder_is_made_once() {
    if let Some(folder) = has_a_root("places::the_users_folder_is_made_once") {
        assert!(user_folder_if_present().expect("nothing there").is_none());
        let path = user_folder().expect("made");
        assert!(path.starts_with(Path::new(&folder)));
        assert_eq!(user_folder().expect("again"), path);
        assert_eq!(user_folder_if_present().expect("now there"), Some(path));
    }
}

/// Its owner and its rights are the object's, and are what was asked for.
#[test]
fn the_folder_of_a_shared_object_has_the_rights_that_it_was_given() {
    let test = "places::the_folder_of_a_shared_object_has_the_rights_that_it_was_given";
    let Some(root) = has_a_root(test) else { return };
    let nobody = |_| false;
    let folder = || shared_folder("rpm", &nobody).expect("an answer");
    assert!(machine_root().starts_with(root));
    for mode in [0o700, 0o755, 0o777] {
        assert!(folder().is_none());
        let rights = Rights { mode, group: None };
        make_shared_folder("rpm", rights, &nobody).expect("made");
        make_shared_folder("rpm", rights, &nobody).expect("it is there");
        let found = folder().expect("it is there");
        assert_eq!(found.status.mode & 0o777, mode);
        assert_eq!((found.status.owner, found.status.kind), (effective_uid(), FileKind::Directory));
        assert_eq!(shared_names().expect("a list"), ["rpm"]);
        let file = File::unnamed(&found.path, 100, 0o600).expect("a file");
        file.grant(Rights { mode: mode & 0o666, group: None }).expect("granted");
        let path = found.path.join("rpm");
        file.publish(&path).expect("a free name");
        assert_eq!(status_of(&path).expect("a status").mode, mode & 0o666);
        assert!(!remove_shared_folder(&found.path).expect("an answer"), "something is in it");
        assert!(retire(&path, file.status().expect("a status").id).expect("an answer"));
        assert!(remove_shared_folder(&found.path).expect("an answer"));
    }
    assert!(shared_names().expect("a list").is_empty());
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
