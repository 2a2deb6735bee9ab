//! Objects that are made of a schema: the same as those of the type, and whole whatever happens to
//! whoever makes them.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cohabit::schema::Schema;
use cohabit::untyped::{NewCell, Untyped};
use cohabit::{Appended, ErrorKind, Keep, List, Shareable, Shared, SharedValue, Text, plain};

use super::board::{Board, new};
use crate::support::{Peer, World, keeps_what_nobody_uses, sys};

fn schema() -> Schema {
    Schema::of(&Board::KIND, Board::HAS_END)
}

/// The cells of a board as its own constructor leaves them.
fn contents_of(world: &World) -> Vec<(u64, Vec<u8>)> {
    let options = Shared::<Board>::options().scope(world.scope());
    let _board = options.create("model", new).expect("a board");
    let object = Untyped::open_read_only("model", &world.scope()).expect("the same");
    object.cells().map(|cell| (cell.offset(), cell.read().expect("its bytes").0)).collect()
}

#[test]
fn an_object_that_is_made_of_a_schema_is_the_one_of_the_type() {
    let world = World::new();
    let contents = contents_of(&world);
    let fill = |mut cell: NewCell<'_>| {
        let found = contents.iter().find(|(offset, _)| *offset == cell.offset());
        cell.bytes().copy_from_slice(&found.expect("a cell of the board").1);
    };
    let made = Untyped::options().scope(world.scope()).create_by_schema("board", &schema(), fill);
    let made = made.expect("a board");
    for cell in made.cells() {
        let found = contents.iter().find(|(offset, _)| *offset == cell.offset());
        assert_eq!(cell.read().expect("its bytes").0, found.expect("the same cells").1);
    }
    let board = Shared::<Board>::options().scope(world.scope()).open("board").expect("the type");
    board.hits.store(5, Relaxed);
    drop(made);
    assert_eq!(board.hits.load(Relaxed), 5);
    let again =
        Untyped::options().scope(world.scope()).create_by_schema("board", &schema(), |_| ());
    assert_eq!(again.expect_err("it is in use").kind(), ErrorKind::AlreadyExists);
}

#[test]
fn all_is_zero_that_is_given_nothing() {
    if !keeps_what_nobody_uses() {
        return;
    }
    #[plain]
    #[derive(Debug, Clone, PartialEq)]
    struct Odd {
        a: u8,
        b: [u16; 3],
    }
    let world = World::new();
    let schema = Schema::of(&<cohabit::Value<Odd> as Shareable>::KIND, false);
    let options = Untyped::options().scope(world.scope()).keep(Keep::UntilReboot);
    drop(options.create_by_schema("odd", &schema, |_| ()).expect("an object"));
    let odd = cohabit::SharedValue::<Odd>::options().scope(world.scope()).open("odd");
    let (value, version) = odd.expect("it is kept").read().expect("a value");
    assert_eq!((value, version.to_string()), (Odd { a: 0, b: [0; 3] }, "1".to_owned()));
    cohabit::remove(&world.scope(), "odd", false).expect("nobody uses it");
}

/// Makes a board, and stays in front of its third cell.
pub(crate) fn maker(peer: &mut Peer) {
    let mut cells = 0;
    let made = Untyped::options().create_by_schema("board", &schema(), |_| {
        cells += 1;
        if cells == 3 {
            peer.say("inside");
            assert_eq!(peer.hear(), "go");
        }
    });
    peer.say(crate::support::line(made.map(|made| made.name().to_owned())));
    peer.hear();
}

#[test]
fn whoever_is_killed_while_it_makes_one_leaves_nothing() {
    let world = World::new();
    let mut victim = world.child("maker");
    assert_eq!(victim.hear(), "inside");
    victim.kill();
    let open = Shared::<Board>::options().scope(world.scope()).open("board");
    assert_eq!(open.expect_err("nothing was made").kind(), ErrorKind::NotFound);
    let mut next = world.child("maker");
    assert_eq!(next.hear(), "inside");
    // Others wait for it, and find what it made.
    let mut other = world.child("boarder");
    next.say("go");
    assert_eq!(next.hear(), "ok board");
    other.expect_next("here");
    other.expect("hit", "ok 0");
}

#[cfg(unix)] // It forks.
#[test]
fn a_child_that_was_forked_inside_finishes_nothing() {
    let world = World::new();
    let mut forked = None;
    let made = Untyped::options().scope(world.scope()).create_by_schema("board", &schema(), |_| {
        if forked.is_none() {
            forked = Some(sys::forked_into_both());
        }
    });
    match forked.expect("it was called") {
        None => {
            let is_refused = made.is_err_and(|error| error.kind() == ErrorKind::Forked);
            sys::leave_at_once(u8::from(!is_refused));
        }
        Some(child) => {
            assert_eq!(sys::code_of(child), 0);
            let made = made.expect("it is the parent's");
            assert!(made.cells().all(|cell| cell.read().is_ok()));
        }
    }
}

/// Every kind that has bits which are no value.
#[plain]
#[derive(Debug, Clone)]
struct Judged {
    on: bool,
    letter: char,
    mode: Mode,
    list: List<bool, 3>,
    inner: [Inner; 2],
    text: Text<4>,
    later: Appended<Mode>,
}

#[plain]
#[derive(Debug, Clone)]
struct Inner {
    number: f32,
    on: bool,
}

#[plain]
#[derive(Debug, Clone, Copy)]
#[repr(i16)]
enum Mode {
    Back = -1,
    Off = 0,
    On = 300,
}

#[test]
fn bytes_are_judged_by_a_schema_as_by_the_type() {
    let world = World::new();
    let options = SharedValue::<Judged>::options().scope(world.scope());
    let zero = || Judged {
        on: false,
        letter: 'a',
        mode: Mode::On,
        list: List::default(),
        inner: [Inner { number: 0.0, on: true }, Inner { number: 1.0, on: false }],
        text: Text::default(),
        later: Appended::from(Mode::Back),
    };
    let typed = options.create("judged", zero).expect("an object");
    let object = Untyped::open("judged", &world.scope()).expect("the same");
    let cell = object.cells().next().expect("one cell");
    let (valid, _) = cell.read().expect("its bytes");
    assert_eq!(cell.contents().check(&valid), Ok(()));
    assert!(cell.contents().check(&valid[1..]).is_err());
    let (mut bad, mut good) = (0, 0);
    for at in 0..valid.len() {
        for byte in [0, 1, 2, 3, 44, 0xd8, 0xff] {
            let mut bytes = valid.clone();
            bytes[at] = byte;
            let put = |all: &mut [u8]| {
                all.copy_from_slice(&bytes);
                Ok::<(), ()>(())
            };
            cell.update(Duration::from_secs(10), put).expect("nobody else").expect("as it said");
            let by_type = typed.get().map(drop).map_err(|error| error.detail().to_owned());
            let by_schema = cell.contents().check(&bytes).map_err(|bad| bad.to_string());
            match (by_type, by_schema) {
                (Ok(()), Ok(())) => good += 1,
                (Err(one), Err(other)) => {
                    assert!(one.contains(&other), "{one} / {other}");
                    bad += 1;
                }
                (one, other) => panic!("byte {at} = {byte}: {one:?}, {other:?}"),
            }
        }
    }
    assert!(bad > 30 && good > 30, "{bad} {good}");
}
