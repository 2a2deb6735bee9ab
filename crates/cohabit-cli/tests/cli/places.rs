//! Where nothing is, or nothing that can be used: the exit codes, and what is said.

use std::fs;

#[cfg(unix)]
use crate::support::open_to_all;
use crate::support::{Place, Ran};

const EVERY: [&[&str]; 4] =
    [&["show", "nix"], &["set", "nix", "1"], &["watch", "nix"], &["rm", "nix"]];

#[test]
fn what_is_not_there_is_exit_code_3() {
    let place = Place::new();
    for args in EVERY {
        let err = place.run(args).failed(3);
        assert!(err.starts_with("error: `nix`: no object of this name"), "{err}");
        assert!(err.ends_with("[not-found]\n"), "{err}");
    }
    let _data = place.sample("data");
    for args in EVERY {
        let err = place.run(args).failed(3);
        assert!(err.ends_with("[not-found]\nThere are: data\n"), "{err}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_exit_code_3() {
    let place = Place::new();
    let missing = place.folder.join("missing");
    let missing = missing.to_str().unwrap();
    for args in EVERY.into_iter().chain([&["ls"][..], &["gc"]]) {
        let mut command = place.command_in_user_scope(args);
        let err = Ran::of(command.args(["--folder", missing])).failed(3);
        assert!(err.ends_with("[folder-missing]\n"), "{err}");
    }
}

#[test]
fn a_user_without_objects_has_none() {
    let place = Place::new();
    let ls = Ran::of(&mut place.command_in_user_scope(&["ls"]));
    assert_eq!((ls.code, ls.out.as_str(), ls.err.as_str()), (Some(0), "", "no objects\n"));
    let gc = Ran::of(&mut place.command_in_user_scope(&["gc"]));
    assert_eq!(gc.fine(), "0 removed, 0 left\n");
    Ran::of(&mut place.command_in_user_scope(&["show", "nix"])).failed(3);
}

#[test]
#[cfg(unix)]
fn a_folder_that_others_may_write_is_exit_code_6() {
    let place = Place::new();
    open_to_all(&place.folder);
    let err = place.run(&["ls"]).failed(6);
    assert!(err.ends_with("[folder-unsafe]\n"), "{err}");
}

#[test]
fn what_is_no_object_is_exit_code_5() {
    let place = Place::new();
    fs::write(place.folder.join("note"), "not an object").unwrap();
    fs::create_dir(place.folder.join("folder")).unwrap();
    for name in ["note", "folder"] {
        for verb in ["show", "watch", "rm"] {
            place.run(&[verb, name]).failed(5);
        }
    }
    let ls = place.run(&["ls"]);
    assert_eq!(ls.code, Some(0));
    assert_eq!(
        ls.out,
        "NAME    TYPE  STATE       USERS  BYTES  KEPT\n\
         folder        unreadable      0      0\n\
         note          unreadable      0      0\n"
    );
    assert_eq!(ls.err.lines().filter(|line| line.starts_with("warning: ")).count(), 2);
    let gc = place.run(&["gc"]);
    assert_eq!((gc.code, gc.out.as_str()), (Some(1), "0 removed, 0 left\n"));
    assert!(gc.err.ends_with("error: 2 names could not be judged\n"), "{}", gc.err);
    assert_eq!(place.files().len(), 2);
}
