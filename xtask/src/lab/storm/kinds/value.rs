//! An object of three values, used in every way at once: who adds, who sets, who sets a part, who reads,
//! pins, waits, observes, and a guest that knows the type by its schema only.
use super::sums::{ADDED, Sums};
use super::{Kind, role};
use crate::lab::storm::actor::{Actor, failed, mixed, unless};
use crate::lab::storm::truth::{Phase, SEATS, Truth};
use cohabit::untyped::Untyped;
use cohabit::{ErrorKind, Shared, Value, Version, plain, shareable};
use std::path::Path;
use std::time::Duration;

pub(super) const KIND: Kind = Kind {
    name: "value",
    roles: &[
        role("adder", 3, add_again_and_again),
        role("guest", 1, add_as_a_guest),
        role("setter", 3, set_again_and_again),
        role("reader", 2, read_again_and_again),
        role("one that pins", 2, pin_again_and_again),
        role("waiter", 2, wait_again_and_again),
        role("observer", 2, observe_again_and_again),
    ],
    begin,
    check: |_: &Truth, _: &Path| Ok(()),
    audit,
    cheats: &[
        ("forgets", "lost"),
        ("doubles", "lost"),
        ("tears", "torn"),
        ("repeats", "given twice"),
        ("invents", "nobody has set"),
        ("goes-back", "older"),
    ],
};

const NAME: &str = "board";
/// The tallies of whole values set, and of parts.
const SET: usize = 1;
const PARTS: usize = 2;

/// A value that says who set it, and the how many-eth of its seat it is; all else follows from that.
#[plain]
#[derive(Clone, Copy, Debug)]
struct Stamp {
    seat: u64,
    serial: u64,
    body: [u64; 14],
}

impl Stamp {
    fn new(seat: u64, serial: u64) -> Self {
        let body = std::array::from_fn(|at| mixed(seat << 48 ^ serial << 4 ^ at as u64));
        Self { seat, serial, body }
    }

    /// An error if it is torn, or was never set. Read before the truth is.
    fn check(&self, truth: &Truth) -> Result<(), String> {
        if self.body != Self::new(self.seat, self.serial).body {
            return Err(format!("torn: {self:?}"));
        }
        let seat = truth.seats.get(usize::try_from(self.seat).unwrap_or(SEATS));
        let most = seat.map_or(0, |seat| seat.tallies[SET].about());
        if self.serial > most {
            return Err(format!("nobody has set serial {} of seat {}", self.serial, self.seat));
        }
        Ok(())
    }
}

/// A part of its own for each seat.
#[plain]
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    count: u64,
    check: u64,
}

impl Row {
    fn new(count: u64) -> Self {
        Self { count, check: mixed(count) }
    }

    fn whole(self) -> Result<u64, String> {
        let is_whole = self.check == mixed(self.count);
        if is_whole { Ok(self.count) } else { Err(format!("torn: {self:?}")) }
    }
}

#[plain]
#[derive(Clone, Copy, Debug)]
struct Rows {
    rows: [Row; SEATS],
}

#[shareable]
struct Board {
    sums: Value<Sums>,
    last: Value<Stamp>,
    rows: Value<Rows>,
}

fn begin(actor: &Actor) -> Result<(), String> {
    let build = || Board {
        sums: Value::new(Sums::new()),
        last: Value::new(Stamp::new(0, 0)),
        rows: Value::new(Rows { rows: [Row::new(0); SEATS] }),
    };
    let made = actor.kept::<Board>().create(NAME, build).map_err(failed("create"))?;
    let first = made.last.version().map_err(failed("version"))?;
    actor.truth.common[FIRST].store(first.number(), std::sync::atomic::Ordering::SeqCst);
    Ok(())
}

/// Where the first version of the value that is set stands.
const FIRST: usize = 0;

fn open(actor: &Actor) -> Result<Shared<Board>, String> {
    let opened = actor.call(Phase::Comes, || actor.kept::<Board>().open(NAME));
    opened.map_err(failed("open"))
}

fn add_again_and_again(actor: &Actor) -> Result<(), String> {
    let board = open(actor)?;
    let tally = &actor.me().tallies[ADDED];
    let sums = actor.call(Phase::Acts, || board.sums.get()).map_err(failed("get"))?;
    tally.adopt(sums.columns[actor.seat])?;
    loop {
        tally.begin();
        let add = |sums: &mut Sums| sums.add(actor, ADDED);
        let added = actor.call(Phase::Acts, || match actor.dice.below(4) {
            0 => board.sums.try_update(add),
            1 => board.sums.update_timeout(add, Duration::from_millis(2)),
            _ => board.sums.update(add),
        });
        match unless(added, &[ErrorKind::Busy], "update")? {
            Some(added) => {
                added?;
                tally.end();
            }
            None => tally.cancel(),
        }
        actor.pause();
    }
}

/// The same by schema: the cell's bytes are words.
fn add_as_a_guest(actor: &Actor) -> Result<(), String> {
    let scope = actor.scope();
    let object =
        actor.call(Phase::Comes, || Untyped::open(NAME, &scope)).map_err(failed("open"))?;
    let cell = object.cells().next().filter(|cell| cell.path() == "sums");
    let cell = cell.ok_or("the schema has no sums")?;
    let tally = &actor.me().tallies[ADDED];
    let (bytes, _) = actor.call(Phase::Acts, || cell.read()).map_err(failed("read"))?;
    tally.adopt(of_bytes(&bytes).columns[actor.seat])?;
    loop {
        tally.begin();
        let add = |bytes: &mut [u8]| {
            let mut sums = of_bytes(bytes);
            sums.add(actor, ADDED)?;
            for (bytes, word) in bytes.chunks_exact_mut(8).zip(sums.to_words()) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            Ok::<(), String>(())
        };
        let added = actor.call(Phase::Acts, || cell.update(Duration::from_secs(60), add));
        added.map_err(failed("update"))??;
        tally.end();
        actor.pause();
    }
}

fn of_bytes(bytes: &[u8]) -> Sums {
    let words =
        bytes.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or([0; 8])));
    Sums::of_words(&words.collect::<Vec<u64>>())
}

fn set_again_and_again(actor: &Actor) -> Result<(), String> {
    let board = open(actor)?;
    let (sets, parts) = (&actor.me().tallies[SET], &actor.me().tallies[PARTS]);
    sets.forfeit();
    let mine = Rows::ROWS.at(actor.seat);
    let row = |what| actor.call(Phase::Acts, || board.rows.get_part(mine)).map_err(failed(what));
    parts.adopt(row("get_part")?.whole()?)?;
    loop {
        set_whole(actor, &board)?;
        let found = row("get_part")?.whole()?;
        if found != parts.done() {
            return Err(format!("lost: set the part {} times, found {found}", parts.done()));
        }
        let count = parts.begin();
        let count = if actor.cheats("forgets") { count - 1 } else { count };
        let set = actor.call(Phase::Acts, || board.rows.set_part(mine, Row::new(count)));
        set.map_err(failed("set_part"))?;
        parts.end();
        actor.pause();
    }
}

fn set_whole(actor: &Actor, board: &Board) -> Result<(), String> {
    let sets = &actor.me().tallies[SET];
    let serial = sets.begin() + if actor.cheats("invents") { 1_000_000 } else { 0 };
    let mut stamp = Stamp::new(actor.seat as u64, serial);
    if actor.cheats("tears") {
        stamp.body[7] ^= 1;
    }
    let set = actor.call(Phase::Acts, || match actor.dice.below(4) {
        0 => board.last.try_set(stamp),
        1 => board.last.set_timeout(stamp, Duration::from_millis(2)),
        2 => board.last.set_from(&stamp),
        _ => board.last.set(stamp),
    });
    let Some(version) = unless(set, &[ErrorKind::Busy], "set")? else {
        sets.cancel();
        return Ok(());
    };
    let number = version.number() - u64::from(actor.cheats("repeats"));
    actor.truth.claim(usize::try_from(number).unwrap_or(0), number)?;
    sets.end();
    Ok(())
}

/// What somebody has seen who looks again and again: versions do not get older.
#[derive(Debug, Default)]
struct Seen {
    sums: u64,
    last: u64,
}

fn no_older(seen: &mut u64, version: Version, actor: &Actor) -> Result<(), String> {
    let number = if actor.cheats("goes-back") { 0 } else { version.number() };
    if number < *seen {
        return Err(format!("version {number}, older than {seen}, which was read before"));
    }
    *seen = number;
    Ok(())
}

fn read_again_and_again(actor: &Actor) -> Result<(), String> {
    let board = open(actor)?;
    let mut seen = Seen::default();
    loop {
        let before = actor.truth.done(ADDED);
        let (sums, version) =
            actor.call(Phase::Acts, || board.sums.read()).map_err(failed("read"))?;
        sums.within(ADDED, &before, actor.truth)?;
        no_older(&mut seen.sums, version, actor)?;
        let (last, version) =
            actor.call(Phase::Acts, || board.last.read()).map_err(failed("read"))?;
        last.check(actor.truth)?;
        no_older(&mut seen.last, version, actor)?;
        rows_within(&board, actor)?;
        actor.pause();
    }
}

fn rows_within(board: &Board, actor: &Actor) -> Result<(), String> {
    let before = actor.truth.done(PARTS);
    let rows = actor.call(Phase::Acts, || board.rows.get()).map_err(failed("get"))?;
    let after = actor.truth.about(PARTS);
    for (seat, row) in rows.rows.iter().enumerate() {
        let (count, least, most) = (row.whole()?, before[seat], after[seat]);
        if !(least..=most).contains(&count) {
            return Err(format!("lost or made up: part {seat} is {count}, not {least} to {most}"));
        }
    }
    Ok(())
}

fn pin_again_and_again(actor: &Actor) -> Result<(), String> {
    let board = open(actor)?;
    loop {
        let pinned = actor.call(Phase::Acts, || board.last.pin());
        if let Some(pinned) = unless(pinned, &[ErrorKind::Busy], "pin")? {
            let part = |what| -> Result<Stamp, String> {
                let (seat, serial) = (pinned.get_part(Stamp::SEAT), pinned.get_part(Stamp::SERIAL));
                let body = pinned.get_part(Stamp::BODY).map_err(failed(what))?;
                let (seat, serial) = (seat.map_err(failed(what))?, serial.map_err(failed(what))?);
                Ok(Stamp { seat, serial, body })
            };
            let first = part("pinned part")?;
            first.check(actor.truth)?;
            actor.pause();
            let again = part("pinned part, again")?;
            if (first.seat, first.serial) != (again.seat, again.serial) {
                return Err(format!("a pinned value changed: {first:?}, then {again:?}"));
            }
            again.check(actor.truth)?;
        }
        actor.pause();
    }
}

fn wait_again_and_again(actor: &Actor) -> Result<(), String> {
    let board = open(actor)?;
    let mut seen = board.last.version().map_err(failed("version"))?;
    loop {
        let timeout = Duration::from_secs(60);
        let waited = actor.call(Phase::Acts, || board.last.wait_changed(seen, timeout));
        let (last, version) = waited.map_err(failed("wait_changed"))?;
        last.check(actor.truth)?;
        if version.number() <= seen.number() {
            return Err(format!("woken by version {version:?}, not later than {seen:?}"));
        }
        seen = version;
    }
}

fn observe_again_and_again(actor: &Actor) -> Result<(), String> {
    let mut seen = Seen::default();
    loop {
        let options = actor.kept::<Board>();
        let view = actor.call(Phase::Comes, || options.open_read_only(NAME));
        let view = view.map_err(failed("open_read_only"))?;
        for _ in 0..30 {
            let before = actor.truth.done(ADDED);
            let read = actor.call(Phase::Acts, || view.view().sums().read());
            if let Some((sums, version)) = unless(read, &[ErrorKind::Busy], "read")? {
                sums.within(ADDED, &before, actor.truth)?;
                no_older(&mut seen.sums, version, actor)?;
            }
            let read = actor.call(Phase::Acts, || view.view().last().read());
            if let Some((last, version)) = unless(read, &[ErrorKind::Busy], "read")? {
                last.check(actor.truth)?;
                no_older(&mut seen.last, version, actor)?;
            }
            actor.pause();
        }
    }
}

/// Everybody is dead: all that was done is there, once.
fn audit(actor: &Actor) -> Result<(), String> {
    let truth = actor.truth;
    let before = truth.done(ADDED);
    let board = actor.kept::<Board>().open(NAME).map_err(failed("open"))?;
    board.sums.get().map_err(failed("get"))?.within(ADDED, &before, truth)?;
    rows_within(&board, actor)?;
    let (last, version) = board.last.read().map_err(failed("read"))?;
    last.check(truth)?;
    let first = truth.common[FIRST].load(std::sync::atomic::Ordering::SeqCst);
    let tallies = || truth.seats.iter().map(|seat| &seat.tallies[SET]);
    let least: u64 = tallies().map(|tally| tally.done() - tally.lost()).sum();
    let most: u64 = tallies().map(super::super::truth::Tally::about).sum();
    let made = version.number() - first;
    if !(least..=most).contains(&made) {
        return Err(format!(
            "lost or made up: {made} versions, of {least} to {most} that were set"
        ));
    }
    board.last.set(Stamp::new(actor.seat as u64, 0)).map_err(failed("set"))?;
    drop(board);
    cohabit::remove(&actor.scope(), NAME, false).map_err(failed("remove"))
}
