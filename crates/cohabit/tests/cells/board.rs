//! One object with every kind of part, used by several processes at once.

use std::sync::atomic::{AtomicI16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::{
    Flag, Frozen, Loose, Shared, SharedView, Text, Value, Version, plain, shareable, text,
};

use crate::support::{Peer, World, line};

#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) x: i32,
    pub(crate) on: bool,
    pub(crate) name: Text<24>,
}

#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) most: f64,
    pub(crate) exact: bool,
}

#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dials {
    pub(crate) gear: u8,
    pub(crate) lamp: bool,
    pub(crate) trim: i16,
    pub(crate) speed: f32,
    pub(crate) distance: u64,
}

/// One side of a board: nested, twice.
#[shareable]
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) level: AtomicI16,
    pub(crate) alarm: Flag,
    pub(crate) state: Value<State>,
}

#[shareable]
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) stop: Flag,
    pub(crate) hits: AtomicU64,
    pub(crate) sides: [Side; 2],
    pub(crate) limits: Frozen<Limits>,
    pub(crate) dials: Loose<Dials>,
    pub(crate) counts: [AtomicU64; 5],
}

pub(crate) fn new() -> Board {
    Board {
        limits: Frozen::new(Limits { most: 2.5, exact: true }),
        dials: Loose::new(Dials { gear: 1, trim: -3, ..Dials::default() }),
        sides: [Side::default(), Side { level: AtomicI16::new(-7), ..Side::default() }],
        ..Board::default()
    }
}

/// Opens or creates the board, then does what the test says.
pub(crate) fn boarder(peer: &mut Peer) {
    let board = Shared::<Board>::open_or_create("board", new).expect("a board");
    peer.say("here");
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let number = |index: usize| words[index].parse::<i32>().expect("a number");
        let answer = match words[0] {
            "hit" => format!("ok {}", board.hits.fetch_add(1, Relaxed)),
            "stop" => format!("ok {}", board.stop.swap(true, Relaxed)),
            "level" => {
                board.sides[1].level.store(number(1) as i16, Relaxed);
                "ok".to_owned()
            }
            "set" => {
                let name = text!("port");
                line(board.sides[0].state.set(State { x: number(1), on: true, name }))
            }
            "add" => line(board.sides[0].state.update(|state| {
                state.x += number(1);
                state.x
            })),
            "gear" => line(board.dials.store_part(Dials::GEAR, number(1) as u8).map(|()| "")),
            "count" => {
                board.counts[number(1) as usize].store(number(2) as u64, Relaxed);
                "ok".to_owned()
            }
            "all" => all(&board),
            _ => return,
        };
        peer.say(answer);
    }
}

fn all(board: &Board) -> String {
    let counts: Vec<_> = board.counts.iter().map(|count| count.load(Relaxed)).collect();
    format!(
        "{} {} {} {:?} {:?} {:?} {:?}",
        board.stop.load(Relaxed),
        board.hits.load(Relaxed),
        board.sides[1].level.load(Relaxed),
        board.sides[0].state.get().expect("a state"),
        board.limits.get().expect("limits"),
        board.dials.load().expect("dials"),
        counts,
    )
}

/// Opens the board for reading only.
pub(crate) fn watcher(peer: &mut Peer) {
    let board = Shared::<Board>::open_read_only("board").expect("a view");
    peer.say("here");
    let mut seen = Version::NONE;
    loop {
        let answer = match &peer.hear()[..] {
            "all" => all_viewed(&board),
            "parts" => parts_viewed(&board),
            "wait" => {
                let state = board.view().sides().get(0).expect("a side").state();
                line(state.wait_changed(seen, Duration::MAX).map(|(state, now)| {
                    seen = now;
                    format!("{}@{now}", state.x)
                }))
            }
            _ => return,
        };
        peer.say(answer);
    }
}

fn all_viewed(board: &SharedView<Board>) -> String {
    let view = board.view();
    let counts: Vec<_> = view.counts().iter().map(|count| count.load()).collect();
    format!(
        "{} {} {} {:?} {:?} {:?} {:?}",
        view.stop().load(),
        view.hits().load(),
        view.sides().get(1).expect("a side").level().load(),
        view.sides().get(0).expect("a side").state().get().expect("a state"),
        view.limits().get().expect("limits"),
        view.dials().load().expect("dials"),
        counts,
    )
}

/// The reading calls that `all_viewed` leaves out.
fn parts_viewed(board: &SharedView<Board>) -> String {
    let view = board.view();
    let limits = view.limits();
    let mut whole = Limits::default();
    limits.get_into(&mut whole).expect("limits");
    assert_eq!(whole, *limits.get_boxed().expect("limits"));
    assert!(limits.get_part(Limits::EXACT).expect("a part"));
    let mut dials = Dials::default();
    view.dials().load_into(&mut dials).expect("dials");
    assert_eq!(view.dials().load_part(Dials::TRIM).expect("a part"), dials.trim);
    let state = view.sides().iter().next().expect("a side").state();
    let (value, version) = state.read().expect("a state");
    let mut into = State::default();
    assert_eq!(state.get_into(&mut into).expect("a state"), version);
    assert_eq!((&into, &*state.get_boxed().expect("a state")), (&value, &value));
    assert_eq!(state.get_part(State::X).expect("a part"), value.x);
    assert_eq!(state.version(), version);
    assert_eq!(state.wait_version(Version::NONE, Duration::ZERO).expect("a version"), version);
    assert!(view.counts().get(5).is_none() && view.counts().len() == 5);
    assert!(!view.counts().is_empty());
    format!("{} {:?} {:?}", value.x, dials.trim, view)
}

#[test]
fn everyone_uses_every_part() {
    let world = World::new();
    let mut one = world.child("boarder");
    one.expect_next("here");
    let mut two = world.child("boarder");
    two.expect_next("here");
    let mut watcher = world.child("watcher");
    watcher.expect_next("here");
    let fresh = r#"false 0 -7 State { x: 0, on: false, name: "" } Limits { most: 2.5, exact: true } Dials { gear: 1, lamp: false, trim: -3, speed: 0.0, distance: 0 } [0, 0, 0, 0, 0]"#;
    for who in [&mut one, &mut two, &mut watcher] {
        assert_eq!(who.ask("all"), fresh);
    }
    watcher.expect("wait", "ok 0@1");
    watcher.say("wait");
    one.expect("hit", "ok 0");
    two.expect("hit", "ok 1");
    one.expect("stop", "ok false");
    two.expect("stop", "ok true");
    two.expect("level 12", "ok");
    one.expect("set 40", "ok 2");
    watcher.expect_next("ok 40@2");
    two.expect("add 2", "ok 42");
    one.expect("gear 4", "ok");
    two.expect("count 3 99", "ok");
    let now = r#"true 2 12 State { x: 42, on: true, name: "port" } Limits { most: 2.5, exact: true } Dials { gear: 4, lamp: false, trim: -3, speed: 0.0, distance: 0 } [0, 0, 0, 99, 0]"#;
    for who in [&mut one, &mut two, &mut watcher] {
        assert_eq!(who.ask("all"), now);
    }
    watcher.expect("parts", "42 -3 BoardView");
    one.kill();
    assert_eq!(two.ask("all"), now);
    watcher.leave();
    two.leave();
    world.assert_empty();
}
