//! Signals that come while a process waits: each wait goes on, and ends for its own reason only.

use super::board::{Board, NAME, Pair, board, had, options, says, well};
use super::stage::{Stage, Talk, Verdict, check, held};
use super::{board, kernel};
use crate::lab::storm::fork;
use cohabit::{ErrorKind, Shared, SharedValue};
use std::time::{Duration, Instant};

/// Nobody waits for so long.
const LONG: Duration = Duration::from_secs(60);

type Done = Result<(), String>;

/// One way to wait.
struct Wait {
    name: &'static str,
    /// Prepares, pauses, and brings what is waited for.
    other: fn(&Stage, &Shared<Board>, &Talk) -> Done,
    waiter: fn(&Stage, &Shared<Board>) -> Done,
    /// Whether what is brought is another object, which stays until the waiter has it.
    stays: bool,
}

const fn wait_for(
    name: &'static str,
    other: fn(&Stage, &Shared<Board>, &Talk) -> Done,
    waiter: fn(&Stage, &Shared<Board>) -> Done,
) -> Wait {
    Wait { name, other, waiter, stays: true }
}

const fn wait(
    name: &'static str,
    other: fn(&Stage, &Shared<Board>, &Talk) -> Done,
    waiter: fn(&Stage, &Shared<Board>) -> Done,
) -> Wait {
    Wait { name, other, waiter, stays: false }
}

const WAITS: &[Wait] = &[
    wait("lock", holds, |_, board| had("lock", board.mutex.lock()).map(drop)),
    wait("lock_timeout", holds, |_, board| had("lock", board.mutex.lock_timeout(LONG)).map(drop)),
    wait("replace", holds, |_, board| well("replace", board.mutex.replace(Pair::of(1)))),
    wait("read, beside a writer", writes, |_, board| {
        had("read", board.read_write.read()).map(drop)
    }),
    wait("write, beside a writer", writes, |_, board| {
        had("write", board.read_write.write()).map(drop)
    }),
    wait("write, beside a reader", reads, |_, board| {
        had("write", board.read_write.write_timeout(LONG)).map(drop)
    }),
    wait("acquire", acquires, |_, board| well("acquire", board.permit.acquire()).map(drop)),
    wait("acquire_timeout", acquires, |_, board| {
        well("acquire_timeout", board.permit.acquire_timeout(LONG)).map(drop)
    }),
    wait("wait at a barrier", arrives, |_, board| well("wait", board.gate.wait()).map(drop)),
    wait("set", updates, |_, board| well("set", board.value.set(Pair::of(2))).map(drop)),
    wait("update", updates, |_, board| {
        well("update", board.value.update(|pair| *pair = Pair::of(2))).map(drop)
    }),
    wait("wait_changed", commits, |_, board| {
        let (_, seen) = well("read", board.value.read())?;
        well("wait_changed", board.value.wait_changed(seen, LONG)).map(drop)
    }),
    wait("wait_changed on a view", commits, |stage, _| {
        let view = well("a view", options(stage).open_read_only(NAME))?;
        let (_, seen) = well("read", view.view().value().read())?;
        well("wait_changed", view.view().value().wait_changed(seen, LONG)).map(drop)
    }),
    wait("wait for an event", sets, |_, board| well("wait", board.auto.wait())),
    wait("wait_timeout for an event", sets, |_, board| {
        well("wait_timeout", board.auto.wait_timeout(LONG))
    }),
    wait("wait for a condition", notifies, |_, board| {
        let (mut guard, _) = had("lock", board.mutex.lock())?;
        while guard.one == 0 {
            guard = had("wait", board.changed.wait(guard))?.0;
        }
        Ok(())
    }),
    wait("call_once", runs, |_, board| {
        let mut ran = false;
        well("call_once", board.once.call_once(|| ran = true))?;
        check(!ran, || "it was done twice".to_owned())
    }),
    wait("wait for a Once", runs, |_, board| well("wait", board.once.wait())),
    wait("get_or_init", makes, |_, board| {
        let value = well("get_or_init", board.cell.get_or_init(|| 9))?;
        check(value == 7, || format!("found {value}"))
    }),
    wait("wait for a OnceCell", makes, |_, board| well("wait", board.cell.wait()).map(drop)),
    wait_for("open_wait", appears, |stage, _| {
        well("open_wait", options(stage).open_wait("late", LONG)).map(drop)
    }),
    wait_for("open, while it is constructed", constructs, |stage, _| {
        well("open", options(stage).open("late")).map(drop)
    }),
    wait_for("follow", follows, |stage, _| {
        let options = SharedValue::<Pair>::options().scope(board::scope(stage));
        let mut follow = well("follow", options.follow("late"))?;
        well("next", follow.next(LONG)).map(drop)
    }),
];

fn holds(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let _guard = had("lock", board.mutex.lock())?;
    talk.pause("ready")
}

fn writes(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let _guard = had("write", board.read_write.write())?;
    talk.pause("ready")
}

fn reads(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let _guard = had("read", board.read_write.read())?;
    talk.pause("ready")
}

fn acquires(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let _permit = well("acquire", board.permit.acquire())?;
    talk.pause("ready")
}

fn arrives(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    well("wait", board.gate.wait()).map(drop)
}

fn updates(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let mut said = Ok(());
    well("update", board.value.update(|_| said = talk.pause("ready")))?;
    said
}

fn commits(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    well("set", board.value.set(Pair::of(1))).map(drop)
}

fn sets(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    well("set", board.auto.set())
}

fn notifies(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    let (mut guard, _) = had("lock", board.mutex.lock())?;
    *guard = Pair::of(1);
    drop(guard);
    well("notify_one", board.changed.notify_one())
}

fn runs(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let mut said = Ok(());
    well("call_once", board.once.call_once(|| said = talk.pause("ready")))?;
    said
}

fn makes(_: &Stage, board: &Shared<Board>, talk: &Talk) -> Done {
    let mut said = Ok(());
    let make = || {
        said = talk.pause("ready");
        7
    };
    well("get_or_init", board.cell.get_or_init(make))?;
    said
}

fn appears(stage: &Stage, _: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    let _late = well("create", options(stage).create("late", Board::new))?;
    talk.pause("brought")
}

fn constructs(stage: &Stage, _: &Shared<Board>, talk: &Talk) -> Done {
    let mut said = Ok(());
    let made = options(stage).create("late", || {
        said = talk.pause("ready");
        Board::new()
    });
    said?;
    let _late = well("create", made)?;
    talk.pause("brought")
}

fn follows(stage: &Stage, _: &Shared<Board>, talk: &Talk) -> Done {
    talk.pause("ready")?;
    let options = SharedValue::<Pair>::options().scope(board::scope(stage));
    let _late = well("create", options.create("late", || Pair::of(1)))?;
    talk.pause("brought")
}

/// Calls that a signal cuts short are not made again by the kernel.
pub(super) fn cut_short(stage: &Stage) -> Result<Verdict, String> {
    in_every_wait(stage, false)
}

/// Calls that a signal cuts short are made again by the kernel, where it does that.
pub(super) fn made_again(stage: &Stage) -> Result<Verdict, String> {
    in_every_wait(stage, true)
}

fn in_every_wait(stage: &Stage, restart: bool) -> Result<Verdict, String> {
    let mut handled = 0;
    for wait in WAITS {
        handled += in_one_wait(stage, wait, restart)
            .map_err(|text| format!("in `{}`: {text}", wait.name))?;
    }
    held(format!("{} waits, {handled} signals handled in them", WAITS.len()))
}

/// Signals come while somebody waits; how many were handled.
fn in_one_wait(stage: &Stage, wait: &Wait, restart: bool) -> Result<u64, String> {
    let other = stage.actor("the other", |talk| {
        let board = board(stage)?;
        (wait.other)(stage, &board, talk)?;
        talk.pause("brought")
    })?;
    other.expect("ready")?;
    let waiter = stage.actor("the waiter", |talk| {
        kernel::count_signals(libc::SIGUSR1, restart)?;
        let board = board(stage)?;
        talk.say("waits")?;
        (wait.waiter)(stage, &board)?;
        talk.pause(&format!("handled {}", kernel::signals()))
    })?;
    waiter.expect("waits")?;
    for _ in 0..if stage.full { 200 } else { 10 } {
        waiter.until_it_waits()?;
        fork::send(waiter.pid, libc::SIGUSR1);
        std::thread::sleep(Duration::from_micros(200));
    }
    waiter.until_it_waits()?;
    check(!waiter.has_said()?, || format!("a signal ended it: {:?}", waiter.hear()))?;
    other.go()?;
    let said = waiter.hear()?;
    let handled = said.strip_prefix("handled ").and_then(|number| number.parse().ok());
    let handled: u64 = handled.ok_or(said)?;
    check(handled > 0, || "no signal was handled: the scenario is at fault".to_owned())?;
    waiter.go()?;
    waiter.end()?;
    // Those that brought something which stays pause twice.
    other.expect("brought")?;
    other.go()?;
    if wait.stays {
        other.expect("brought")?;
        other.go()?;
    }
    other.end()?;
    Ok(handled)
}

/// Waits that end at their deadline do so, and not before, however many signals come.
pub(super) fn deadlines(stage: &Stage) -> Result<Verdict, String> {
    let actor = stage.actor("the waiter", |talk| {
        let board = board(stage)?;
        let (_, seen) = well("read", board.value.read())?;
        kernel::count_signals(libc::SIGALRM, false)?;
        kernel::alarm_every(Duration::from_micros(500))?;
        let time = Duration::from_millis(if stage.full { 2_000 } else { 200 });
        let began = Instant::now();
        let over = |what, outcome: cohabit::Result<()>, count: u32| {
            says(what, outcome, ErrorKind::TimedOut)?;
            check(began.elapsed() >= time * count, || format!("{what}: over too early"))
        };
        over("wait_changed", board.value.wait_changed(seen, time).map(drop), 1)?;
        over("wait_version", board.value.wait_version(seen, time).map(drop), 2)?;
        over("wait for an event", board.manual.wait_timeout(time), 3)?;
        over("open_wait", options(stage).open_wait("never", time).map(drop), 4)?;
        says("acquire_timeout", two_permits(&board, time), ErrorKind::Busy)?;
        check(began.elapsed() >= time * 5, || "acquire_timeout: over too early".to_owned())?;
        over("wait at a barrier", board.gate.wait_timeout(time).map(drop), 6)?;
        let (guard, _) = had("lock", board.mutex.lock())?;
        let (_guard, out) = board.changed.wait_timeout(guard, time).map_err(|e| e.to_string())?;
        check(out.timed_out() || began.elapsed() < time * 7, || "woken late".to_owned())?;
        kernel::alarm_every(Duration::ZERO)?;
        talk.pause(&kernel::signals().to_string())
    })?;
    let signals = actor.hear()?;
    actor.go()?;
    actor.end()?;
    held(format!("7 deadlines kept under {signals} signals"))
}

/// One more permit than there is.
fn two_permits(board: &Board, time: Duration) -> cohabit::Result<()> {
    let _one = board.permit.acquire()?;
    board.permit.acquire_timeout(time).map(drop)
}

/// Objects are made, opened, listed and left while a timer cuts every long call short.
pub(super) fn life(stage: &Stage) -> Result<Verdict, String> {
    let rounds = if stage.full { 2_000 } else { 100 };
    let actor = stage.actor("the one with a timer", |talk| {
        kernel::count_signals(libc::SIGALRM, false)?;
        kernel::alarm_every(Duration::from_micros(100))?;
        let large = SharedValue::<[u64]>::options().scope(board::scope(stage)).len(1 << 18);
        for _ in 0..rounds {
            let mine = board(stage)?;
            let view = well("a view", options(stage).open_read_only(NAME))?;
            well("set", mine.value.set(Pair::of(1)))?;
            well("list", cohabit::list(&board::scope(stage)))?;
            well("users", view.users())?;
            drop((view, mine));
            let whole = large.create_in_place("large", |_| ());
            drop(well("a large one", whole)?);
            let none = stage.files();
            check(none.is_empty(), || format!("left behind: {none:?}"))?;
        }
        kernel::alarm_every(Duration::ZERO)?;
        talk.pause(&kernel::signals().to_string())
    })?;
    let signals = actor.hear_within(Duration::from_secs(600))?;
    actor.go()?;
    actor.end()?;
    held(format!("{rounds} lives under {signals} signals"))
}
