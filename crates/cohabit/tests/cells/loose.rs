//! `Loose`: fields are whole, and what one stores never sets back what another stores beside it.

use cohabit::{Loose, Part, Plain, Shared, plain};

use crate::support::{Peer, World};

/// Fields of all widths, several in each word.
#[plain]
#[derive(Clone, Copy, Default)]
struct Crowd {
    a: u8,
    b: u8,
    c: u16,
    d: u32,
    e: u16,
    f: u8,
    g: [u8; 3],
    h: u16,
    i: u64,
    j: i32,
    k: u8,
}

/// Enough for some milliseconds side by side: with a store of a part that is not one step, it fails.
const ROUNDS: u32 = 300_000;

fn crowd() -> Shared<Loose<Crowd>> {
    Shared::open_or_create("crowd", Loose::<Crowd>::default).expect("a crowd")
}

/// The only writer of one field: it always finds what it stored last.
pub(crate) fn storer(peer: &mut Peer) {
    let crowd = crowd();
    peer.say("here");
    peer.hear();
    match peer.argument(0) {
        "a" => own(&crowd, Crowd::A, |n| n as u8),
        "b" => own(&crowd, Crowd::B, |n| n as u8),
        "c" => own(&crowd, Crowd::C, |n| n as u16),
        "d" => own(&crowd, Crowd::D, |n| n.wrapping_mul(0x9e37_79b9)),
        "e" => own(&crowd, Crowd::E, |n| n as u16),
        "f" => own(&crowd, Crowd::F, |n| n as u8),
        "g" => own(&crowd, Crowd::G, |n| [n as u8, (n >> 8) as u8, 7]),
        "h" => own(&crowd, Crowd::H, |n| n as u16),
        "j" => own(&crowd, Crowd::J, |n| n as i32),
        _ => own(&crowd, Crowd::K, |n| n as u8),
    }
    peer.say("done");
}

fn own<F: Plain + PartialEq + Copy + std::fmt::Debug>(
    crowd: &Loose<Crowd>,
    part: Part<Crowd, F>,
    value: impl Fn(u32) -> F,
) {
    for round in 0..ROUNDS {
        crowd.store_part(part, value(round)).expect("a store");
        for _ in 0..2 {
            let found = crowd.load_part(part).expect("a load");
            assert_eq!(found, value(round), "somebody set it back");
        }
    }
}

/// Stores a 64-bit field whose halves are equal, or looks that they are, with all that is around it.
pub(crate) fn halves(peer: &mut Peer) {
    let crowd = crowd();
    peer.say("here");
    peer.hear();
    for round in 0..ROUNDS {
        let number = u64::from(round) << 32 | u64::from(round);
        let is_whole = |number: u64| number >> 32 == number & 0xffff_ffff;
        match peer.argument(0) {
            "store" => crowd.store_part(Crowd::I, number).expect("a store"),
            _ => {
                assert!(is_whole(crowd.load_part(Crowd::I).expect("a load")), "torn");
                assert!(is_whole(crowd.load().expect("a load").i), "torn");
            }
        }
    }
    peer.say("done");
}

#[test]
fn neighbours_in_one_word_are_never_set_back() {
    let world = World::new();
    // So that the object lives from before the first to after the last.
    let mut host = world.child_with("halves", &["load"]);
    host.expect_next("here");
    for fields in [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "k"], ["j", "a", "g"]] {
        let mut storers = fields.map(|field| world.child_with("storer", &[field]));
        storers.iter_mut().for_each(|storer| drop(storer.expect_next("here")));
        storers.iter_mut().for_each(|storer| storer.say("go"));
        storers.iter_mut().for_each(|storer| drop(storer.expect_next("done")));
    }
}

#[test]
fn a_field_of_a_word_is_never_torn() {
    let world = World::new();
    let mut all = ["store", "store", "load"].map(|what| world.child_with("halves", &[what]));
    all.iter_mut().for_each(|one| drop(one.expect_next("here")));
    all.iter_mut().for_each(|one| one.say("go"));
    all.iter_mut().for_each(|one| drop(one.expect_next("done")));
}
