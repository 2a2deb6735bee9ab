//! Ends of boards and of their parts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cohabit::{LastOneOut, Shared, SharedValue, Value, shareable};

use crate::support::{Peer, World, world};

#[shareable]
struct Lamp {
    number: AtomicU64,
}

impl LastOneOut for Lamp {
    fn last_one_out(&self) {
        let number = self.number.load(Relaxed);
        world::log(&format!("lamp {number}"));
        assert_ne!(number, 13, "as the test asked");
    }
}

#[shareable]
struct Room {
    lamps: [Lamp; 2],
}

#[shareable]
struct House {
    first: Lamp,
    rooms: [Room; 2],
    visits: Value<u64>,
}

impl LastOneOut for House {
    fn last_one_out(&self) {
        let visits = self.visits.update(std::mem::take).expect("its own cell");
        // Another object can be made and used in here.
        let other = SharedValue::<u64>::create("other", || visits).expect("another object");
        world::log(&format!("house {}", other.get().expect("its value")));
    }
}

fn lamp(number: u64) -> Lamp {
    Lamp { number: AtomicU64::new(number) }
}

/// Creates a house with this number on its third lamp, and leaves it.
pub(crate) fn ender(peer: &mut Peer) {
    let third = peer.argument(0).parse().expect("a number");
    let rooms = [Room { lamps: [lamp(2), lamp(third)] }, Room { lamps: [lamp(4), lamp(5)] }];
    let house = || House { first: lamp(1), rooms, visits: Value::new(7) };
    let house = Shared::<House>::create("house", house).expect("a house");
    let left = catch_unwind(AssertUnwindSafe(|| drop(house)));
    peer.say(if left.is_ok() { "left" } else { "panicked" });
}

#[test]
fn the_end_of_the_whole_runs_before_those_of_its_parts_in_their_order() {
    let world = World::new();
    world.child_with("ender", &["3"]).expect_next("left");
    let order = ["house 7", "lamp 1", "lamp 2", "lamp 3", "lamp 4", "lamp 5"];
    assert_eq!(world.log_lines(), order);
    world.assert_empty();
}

#[test]
fn an_end_that_panics_stops_those_behind_it_and_the_object_ends() {
    let world = World::new();
    world.child_with("ender", &["13"]).expect_next("panicked");
    assert_eq!(world.log_lines(), ["house 7", "lamp 1", "lamp 2", "lamp 13"]);
    world.assert_empty();
}
