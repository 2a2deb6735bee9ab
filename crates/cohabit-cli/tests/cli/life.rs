//! `rm` and `gc`: what is taken away, and what is not.

use cohabit::{Standing, Value};
use serde_json::{Value as Json, json};

use crate::support::{Place, kept, windows};

#[test]
fn what_is_in_use_is_removed_by_force_only() {
    let place = Place::new();
    let keeper = place.keeper("data");
    let err = place.run(&["rm", "data"]).failed(4);
    let pid = keeper.child.id();
    let start = format!("error: `data`: in use by pid {pid} (");
    assert!(err.starts_with(&start), "{err}");
    // Windows does not tell what a process was started with.
    assert!(err.contains("demo-process keep data") || windows(), "{err}");
    assert!(err.ends_with("With --force the name is taken from its users.\n"), "{err}");
    assert_eq!(place.files(), ["data"]);
    assert_eq!(place.run(&["rm", "data", "--force"]).fine(), "");
    assert_eq!(place.files(), [""; 0]);
    assert_eq!(keeper.end().fine(), "");
}

#[test]
fn holders_learn_that_the_instance_was_ended() {
    let place = Place::new();
    let data = place.sample("data");
    place.run(&["rm", "data", "--force"]).fine();
    assert_eq!(data.status().unwrap().standing, Standing::Ended);
    let _next = place.sample("data");
    assert_eq!(place.run(&["show", "data.x"]).fine(), "-5\n");
}

#[test]
fn an_idle_object_is_removed_without_force() {
    let place = Place::new();
    let options = place.options::<Value<u8>>().keep(kept());
    drop(options.create("idle", || 7).unwrap());
    assert_eq!(place.run(&["show", "idle"]).fine(), "7\n");
    assert_eq!(place.run(&["gc"]).fine(), "0 removed, 1 left\n");
    place.run(&["rm", "idle"]).fine();
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn an_orphan_is_shown_as_one_and_collected() {
    let place = Place::new();
    let _other = place.sample("other");
    let mut keeper = place.keeper("data");
    assert_eq!(
        place.run(&["show", "data"]).fine(),
        "{\n  \"x\": 255,\n  \"text\": \"Hello Shared World!\"\n}\n"
    );
    keeper.kill();
    let is_left = place.is_left_behind("data");
    for args in [["show", "data"], ["who", "data"]] {
        let err = place.run(&args).failed(3);
        let hint = "\nAll its users were killed: whoever opens it next starts anew.\n";
        assert_eq!(err.ends_with(hint), is_left, "{err}");
    }
    let err = place.run(&["show", "nix"]).failed(3);
    assert!(err.ends_with("[not-found]\nThere are: other\n"), "{err}");
    let removed = if is_left { "removed data\n1 removed, 1 left\n" } else { "0 removed, 1 left\n" };
    assert_eq!(place.run(&["gc"]).fine(), removed);
    assert_eq!(place.files(), ["other"]);
    let again: Json = serde_json::from_str(&place.run(&["gc", "--json"]).fine()).unwrap();
    assert_eq!(again, json!({"removed": [], "left": 1, "problems": []}));
}

#[test]
fn a_writer_killed_inside_an_update_changes_nothing() {
    let place = Place::new();
    let _keeper = place.keeper("data");
    let command = place.command(&["demo-process", "hold", "data", "--time=1s"]);
    let mut holder = crate::support::Talker::start(command);
    assert_eq!(holder.line(), "inside");
    holder.kill();
    assert_eq!(place.run(&["show", "data.x"]).fine(), "255\n");
    place.run(&["set", "data", "x=256", "--timeout=1h"]).fine();
    assert_eq!(place.run(&["show", "data.x"]).fine(), "256\n");
}
