//! `watch`: what it prints, and how it ends.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Place, Talker};

#[test]
fn changes_are_printed_until_the_object_ends() {
    let place = Place::new();
    let data = place.sample("data");
    let mut watching = Talker::start(place.command(&["watch", "data.list", "--json"]));
    let line = |version: u64, list: &str| {
        format!("{{\"name\":\"data\",\"path\":\"list\",\"version\":{version},\"value\":{list}}}")
    };
    assert_eq!(watching.line(), line(1, "[1,2,3]"));
    data.update(|data| data.list[0] = 9).unwrap();
    assert_eq!(watching.line(), line(2, "[9,2,3]"));
    // Another field's change is none of this part.
    data.update(|data| data.x = 9).unwrap();
    data.update(|data| data.list[0] = 10).unwrap();
    assert_eq!(watching.line(), line(4, "[10,2,3]"));
    drop(data);
    let ran = watching.end();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "`data` has ended\n"));
    assert_eq!(ran.out, "");
}

#[test]
fn structs_take_one_line_each() {
    let place = Place::new();
    let data = place.sample("data");
    let mut watching = Talker::start(place.command(&["watch", "data.inner[1]", "--count=2"]));
    assert_eq!(watching.line(), "{\"a\":2,\"b\":2}");
    data.update(|data| data.inner[1].a = 3).unwrap();
    assert_eq!(watching.end().fine(), "{\"a\":3,\"b\":2}\n");
}

#[test]
fn a_count_of_one_prints_the_present_value() {
    let place = Place::new();
    let _data = place.sample("data");
    assert_eq!(place.run(&["watch", "data.text", "--count", "1"]).fine(), "hello\n");
}

#[test]
fn no_change_in_time_is_exit_code_4() {
    let place = Place::new();
    let _data = place.sample("data");
    let ran = place.run(&["watch", "data.x", "--timeout=5ms"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), "-5\n"));
    assert_eq!(ran.err, "error: `data` did not change in time\n");
}

#[test]
fn an_atomic_is_watched_too() {
    let place = Place::new();
    let atomic = place.options::<AtomicU32>().create("a", || AtomicU32::new(1)).unwrap();
    let mut watching = Talker::start(place.command(&["watch", "a"]));
    assert_eq!(watching.line(), "1");
    atomic.store(2, Ordering::Relaxed);
    assert_eq!(watching.line(), "2");
    drop(atomic);
    assert_eq!(watching.end().err, "`a` has ended\n");
}

#[test]
fn the_death_of_the_last_user_is_the_end() {
    let place = Place::new();
    let mut keeper = place.keeper("data");
    let mut watching = Talker::start(place.command(&["watch", "data.x"]));
    assert_eq!(watching.line(), "255");
    keeper.kill();
    let ran = watching.end();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "`data` has ended\n"));
    let is_left = place.is_left_behind("data");
    let removed = if is_left { "removed data\n1 removed, 0 left\n" } else { "0 removed, 0 left\n" };
    assert_eq!(place.run(&["gc"]).fine(), removed);
}

#[test]
fn a_timeout_beyond_all_clocks_is_none() {
    const LONG: &str = "--timeout=2777777777777777h";
    let place = Place::new();
    let data = place.sample("data");
    assert_eq!(place.run(&["watch", "data.x", LONG, "--count=1"]).fine(), "-5\n");
    // With one line to come, it has to wait.
    let mut watching = Talker::start(place.command(&["watch", "data.x", LONG, "--count=2"]));
    assert_eq!(watching.line(), "-5");
    data.update(|data| data.x = 9).unwrap();
    assert_eq!(watching.end().fine(), "9\n");
}

#[test]
fn until_a_condition_holds_changes_are_printed() {
    let place = Place::new();
    let data = place.sample("data");
    let until = "--until=x >= 3 && text == \"go\" || !on";
    let mut watching = Talker::start(place.command(&["watch", "data.x", until]));
    assert_eq!(watching.line(), "-5");
    data.update(|data| data.x = 3).unwrap();
    assert_eq!(watching.line(), "3");
    // What is asked of, and not watched, ends it too, without a line of its own.
    data.update(|data| data.text = cohabit::text!("go")).unwrap();
    assert_eq!(watching.end().fine(), "");
}

#[test]
fn a_condition_that_holds_already_is_met_at_once() {
    let place = Place::new();
    let _data = place.sample("data");
    let ran = place.run(&["watch", "data.list[1]", "--until", "== 2"]);
    assert_eq!(ran.fine(), "2\n");
    let ran = place.run(&["watch", "data.big", "--json", "--until", "inner[0].b < ratio"]);
    assert_eq!(
        ran.fine(),
        format!("{{\"name\":\"data\",\"path\":\"big\",\"version\":1,\"value\":{}}}\n", u64::MAX)
    );
}

#[test]
fn a_condition_that_does_not_hold_in_time_is_exit_code_4() {
    let place = Place::new();
    let _data = place.sample("data");
    let ran = place.run(&["watch", "data.x", "--until", "x > 5", "--timeout=20ms"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), "-5\n"));
    assert_eq!(ran.err, "error: `data`: `x > 5` did not hold in time\n");
}

#[test]
fn an_object_that_ends_before_its_condition_is_exit_code_3() {
    let place = Place::new();
    let data = place.sample("data");
    let mut watching = Talker::start(place.command(&["watch", "data.x", "--until", "> 5"]));
    assert_eq!(watching.line(), "-5");
    drop(data);
    let ran = watching.end();
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    assert_eq!(ran.err, "error: `data` has ended, and `> 5` did not hold\n");
}

#[test]
fn a_condition_on_several_cells_is_asked_of_each() {
    let place = Place::new();
    let text = "hits: AtomicU64, on: Flag, state: Value<{ x: i32 }>";
    place.run(&["new", "board", text]).fine();
    let until = "--until=hits == 2 && on && state.x == 1";
    let mut watching = Talker::start(place.command(&["watch", "board.state", until]));
    assert_eq!(watching.line(), "{\"x\":0}");
    place.run(&["set", "board", "hits=2"]).fine();
    place.run(&["set", "board", "on=true"]).fine();
    place.run(&["set", "board", "state.x=1"]).fine();
    assert_eq!(watching.end().fine(), "{\"x\":1}\n");
    let whole = place.run(&["watch", "board", "--until", "state.x < hits"]).fine();
    assert_eq!(whole, "{\"hits\":2,\"on\":true,\"state\":{\"x\":1}}\n");
    place.run(&["rm", "board"]).fine();
}

#[test]
fn a_condition_that_means_nothing_is_exit_code_2() {
    let place = Place::new();
    let _data = place.sample("data");
    let err = place.run(&["watch", "data", "--until", "x = 5"]).failed(2);
    assert_eq!(err, "error: a condition compares with `==`\n  x = 5\n    ^\n");
    let err = place.run(&["watch", "data", "--until", "> 5"]).failed(2);
    assert!(err.starts_with("error: `it` is the struct Data, which cannot be compared"), "{err}");
    place.run(&["watch", "data", "--until", "y > 5"]).failed(2);
}
