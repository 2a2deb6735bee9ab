//! Pins: as many as there are, never in a writer's way, unchanged for as long as they are held.

use crate::support::World;

/// A pair has 16 copies, so the six pin words are the bound.
const PINS: usize = 6;

#[test]
fn pins_end_at_six_and_never_stop_a_writer() {
    let world = World::new();
    let mut reader = world.child("user");
    let mut writer = world.child("user");
    reader.expect("create rpm", "ok");
    writer.expect("open rpm", "ok");
    for n in 0..PINS {
        // Each on another copy.
        writer.expect(format!("set {}", 100 + n), &format!("ok {}", n + 2));
        reader.expect("pin", &format!("ok {}", n + 2));
    }
    let busy = reader.expect("pin", "err busy");
    assert!(busy.contains("rpm") && busy.contains("6 pins"), "{busy}");
    writer.expect("pin", "err busy");
    for n in 0..1_000 {
        writer.expect(format!("set {n}"), "ok");
    }
    reader.expect("get", "ok 999");
    for n in 0..PINS {
        assert_eq!(reader.ask(format!("pinned {n}")), format!("ok {}@{}", 100 + n, n + 2));
    }
    reader.expect("unpin 3", "ok");
    writer.expect("pin", "ok 1007");
    reader.expect("pin", "err busy");
    for n in 0..100 {
        writer.expect(format!("set {n}"), "ok");
    }
    assert_eq!(writer.ask("pinned 0"), "ok 999@1007");
    assert_eq!(reader.ask("pinned 5"), "ok 105@7");
}

#[test]
fn the_pins_of_the_dead_are_found() {
    let world = World::new();
    let mut dead = world.child("user");
    let mut live = world.child("user");
    dead.expect("create rpm", "ok");
    live.expect("open rpm", "ok");
    live.expect("pin", "ok 1");
    for _ in 1..PINS {
        dead.expect("pin", "ok 1");
    }
    live.expect("pin", "err busy");
    dead.stop();
    live.expect("pin", "err busy");
    dead.resume();
    dead.kill();
    for _ in 1..PINS {
        live.expect("pin", "ok 1");
    }
    live.expect("pin", "err busy");
    live.expect("set 5", "ok 2");
    assert_eq!(live.ask("pinned 0"), "ok 0@1");
}

#[test]
fn pins_of_an_earlier_user_of_the_slot_are_not_those_of_the_next() {
    let world = World::new();
    let mut keeper = world.child("user");
    keeper.expect("create rpm max=2", "ok");
    for _ in 0..3 {
        let mut dead = world.child("user");
        dead.expect("open rpm", "ok");
        for _ in 0..PINS {
            dead.expect("pin", "ok");
        }
        dead.kill();
    }
    // The slot is the same each time, and its pins were freed each time.
    keeper.expect("pin", "ok 1");
}
