//! `demo`: all steps hold, and nothing is left, in the user's own scope and in a folder.

use crate::support::{Place, Ran};

#[test]
fn every_step_holds_and_nothing_is_left() {
    let place = Place::new();
    let out = place.run(&["demo", "--time=200ms"]).fine();
    assert_eq!(out.matches("   ✓ ").count(), 5, "{out}");
    assert!(out.contains("\nAll 5 steps held, in "), "{out}");
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn it_runs_in_the_users_own_scope() {
    let place = Place::new();
    let out = Ran::of(&mut place.command_in_user_scope(&["demo", "--time=1ms"])).fine();
    assert!(out.contains("\nAll 5 steps held, in "), "{out}");
    let folder = place.folder.join(place.files().remove(0));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
