//! `--machine`: the objects that several users share.

use crate::support::{Place, Ran, Talker, windows};

fn run(place: &Place, args: &[&str]) -> Ran {
    let mut command = place.command_in_user_scope(&["--machine"]);
    Ran::of(command.args(args))
}

#[test]
fn every_command_goes_to_the_machines_objects() {
    let place = Place::new();
    let keep = ["--machine", "demo-process", "keep", "data", "--time=1s"];
    let keeper = Talker::start(place.command_in_user_scope(&keep)).expecting("set");
    assert_eq!(place.files(), ["cohabit.data"]);
    let listed = run(&place, &["ls"]).fine();
    assert!(listed.contains("data") && listed.contains("live"), "{listed}");
    assert_eq!(run(&place, &["show", "data.x"]).fine(), "255\n");
    run(&place, &["set", "data", "x=7"]).fine();
    assert_eq!(run(&place, &["show", "data.x"]).fine(), "7\n");
    assert_eq!(run(&place, &["gc"]).fine(), "0 removed, 1 left\n");
    run(&place, &["rm", "data"]).failed(4);
    // The user's own objects are others.
    let own = Ran::of(&mut place.command_in_user_scope(&["ls"]));
    assert_eq!(own.err, "no objects\n");
    drop(keeper);
    let listed = run(&place, &["ls"]).out;
    assert_eq!(listed.contains("orphan"), !windows(), "{listed}");
    let removed =
        if windows() { "0 removed, 0 left\n" } else { "removed data\n1 removed, 0 left\n" };
    assert_eq!(run(&place, &["gc"]).fine(), removed);
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn demo_runs_for_all_users_too() {
    let place = Place::new();
    let out = run(&place, &["demo", "--time=1ms"]).fine();
    assert!(out.contains("\nAll 5 steps held, in "), "{out}");
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn what_cannot_be_meant_is_exit_code_2() {
    let place = Place::new();
    let ran = Ran::of(&mut place.command(&["--machine", "ls"]));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let ran = Ran::of(&mut place.command_in_user_scope(&["--trust", "root", "ls"]));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let err = run(&place, &["--trust", "no-such-user-here", "show", "data"]).failed(2);
    assert!(err.ends_with("[account-unknown]\n"), "{err}");
    run(&place, &["--trust", "root", "--trust", "0", "show", "data"]).failed(3);
}

#[test]
#[cfg(unix)]
fn a_strangers_object_is_trusted_by_name_and_the_error_says_how() {
    let place = Place::new();
    run(&place, &["new", "rpm", "u8"]).fine();
    let folder = place.folder.join("cohabit.rpm");
    if std::os::unix::fs::chown(&folder, Some(65_534), None).is_err() {
        // Only root can give a folder away.
        run(&place, &["rm", "rpm"]).fine();
        return;
    }
    let err = run(&place, &["show", "rpm"]).failed(6);
    let hint = "[other-owner]\nOn the command line: `--trust USER` behind `--machine`.\n";
    assert!(err.ends_with(hint), "{err}");
    std::os::unix::fs::chown(&folder, Some(0), None).unwrap();
    run(&place, &["rm", "rpm"]).fine();
    assert_eq!(place.files(), [""; 0]);
}

/// What the bits of a folder let others do. On Windows an object has a list of rights, with tests of its own.
#[cfg(unix)]
fn others_may(folder: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).unwrap().permissions().mode() & 0o077
}

#[test]
fn new_makes_an_object_for_others_too() {
    let place = Place::new();
    run(&place, &["new", "own", "u8"]).fine();
    run(&place, &["new", "all", "u8", "--reads", "everyone", "--set", "=7"]).fine();
    #[cfg(unix)]
    {
        assert_eq!(others_may(&place.folder.join("cohabit.own")), 0);
        assert_eq!(others_may(&place.folder.join("cohabit.all")) & 0o005, 0o005);
    }
    assert_eq!(run(&place, &["show", "all"]).fine(), "7\n");
    run(&place, &["new", "none", "u8", "--writes", "no-such-group-here"]).failed(2);
    let err = place.run(&["new", "none", "u8", "--reads", "everyone"]).failed(2);
    assert_eq!(err, "error: --reads and --writes are for objects of --machine\n");
    run(&place, &["rm", "own"]).fine();
    run(&place, &["rm", "all"]).fine();
    assert_eq!(place.files(), [""; 0]);
}
