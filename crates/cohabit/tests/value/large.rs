//! Values of 64 MiB on a stack of 256 KiB: by reference, by box, by part and in place.

use cohabit::{SharedValue, plain};

use crate::support::{Peer, World};

const CELLS: usize = 8 << 20;

#[plain]
#[derive(Debug)]
struct Map {
    width: u64,
    cells: [u64; CELLS],
    sealed: bool,
}

/// Uses a large value with a small stack.
pub(crate) fn large(peer: &mut Peer) {
    let small = std::thread::Builder::new().stack_size(256 << 10);
    std::thread::scope(|scope| {
        small.spawn_scoped(scope, with_a_small_stack).expect("a thread").join().expect("no panic");
    });
    peer.say("done");
}

fn with_a_small_stack() {
    let built = SharedValue::<Map>::open_or_create_with("map", |fill| {
        fill.put(Map::WIDTH, 7);
        fill.put(Map::CELLS.at(CELLS - 1), 9);
    });
    let object = built.expect("an object");
    let mut map = object.get_boxed().expect("a value");
    assert_eq!((map.width, map.cells[0], map.cells[CELLS - 1], map.sealed), (7, 0, 9, false));
    map.cells[0] = 1;
    map.sealed = true;
    assert_eq!(object.set_from(&map).expect("a set").number(), 2);
    object.update(|map| map.cells[CELLS - 1] += 1).expect("an update");
    assert_eq!(object.set_part(Map::WIDTH, 8).expect("a set").number(), 4);
    assert_eq!(object.get_into(&mut map).expect("a value").number(), 4);
    assert_eq!((map.width, map.cells[0], map.cells[CELLS - 1], map.sealed), (8, 1, 10, true));
    assert_eq!(object.get_part(Map::CELLS.at(0)).expect("a part"), 1);
    let pin = object.pin().expect("a pin");
    assert!(object.pin().is_err(), "three copies leave one pin");
    assert_eq!(object.set_part(Map::WIDTH, 9).expect("a pin stops nobody").number(), 5);
    assert_eq!(pin.get_part(Map::WIDTH).expect("a part"), 8);
    let view = SharedValue::<Map>::open_read_only("map").expect("a view");
    assert_eq!(view.get_into(&mut map).expect("a value").number(), 5);
    assert_eq!(view.get_boxed().expect("a value").width, 9);
    drop(pin);
}

#[test]
fn a_value_of_64_mib_on_a_stack_of_256_kib() {
    let world = World::new();
    let mut child = world.child("large");
    child.expect_next("done");
    child.finish();
}
