//! Stopped processes: not dead, and nobody else's trouble.

use super::board::{Board, NAME, Pair, board, had, is_busy, options, says, take_over, well};
use super::stage::{Stage, Verdict, check, held};
use cohabit::ErrorKind;
use std::time::{Duration, Instant};

/// A short wait of those who are to be told `Busy`.
const SHORT: Duration = Duration::from_millis(50);

/// A holder is stopped, and others try to take its lock all that time.
pub(super) fn holder(stage: &Stage) -> Result<Verdict, String> {
    let owner = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let (mut guard, _) = had("lock", board.mutex.lock())?;
        guard.one += 1;
        talk.pause("holds")?;
        guard.two += 1;
        drop(guard);
        talk.pause("let go")
    })?;
    owner.expect("holds")?;
    owner.stop()?;
    let until = Instant::now() + stage.stop();
    let other = stage.actor("the other", |talk| {
        let board = board(stage)?;
        let mut tries = 0_u32;
        while Instant::now() < until {
            let said = is_busy("lock_timeout", board.mutex.lock_timeout(SHORT))?;
            check(said.contains("pid "), || format!("the holder is not named: {said}"))?;
            is_busy("try_lock", board.mutex.try_lock())?;
            tries += 2;
        }
        talk.say(tries)?;
        let (guard, died) = had("lock", board.mutex.lock())?;
        check(!died && *guard == Pair::of(1), || format!("died {died}, found {guard:?}"))
    })?;
    let tries = other.hear_within(stage.stop() + super::stage::PATIENCE)?;
    owner.resume();
    owner.go()?;
    owner.expect("let go")?;
    other.end()?;
    owner.go()?;
    owner.end()?;
    held(format!("stopped for {:?}, {tries} tries to take its lock", stage.stop()))
}

/// A writer is stopped inside of an update: readers have the value before it, writers are told.
pub(super) fn writer(stage: &Stage) -> Result<Verdict, String> {
    let writer = stage.actor("the writer", |talk| {
        let board = board(stage)?;
        let mut said = Ok(());
        let done = board.value.update(|pair| {
            pair.one += 1;
            said = talk.pause("inside");
            pair.two += 1;
        });
        said?;
        well("update", done)?;
        talk.pause("committed")
    })?;
    writer.expect("inside")?;
    writer.stop()?;
    let until = Instant::now() + stage.stop();
    let reader = stage.actor("the reader", |talk| {
        let board = board(stage)?;
        let view = well("a view", options(stage).open_read_only(NAME))?;
        let mut reads = 0_u32;
        while Instant::now() < until {
            let (mine, seen) = (well("get", board.value.get())?, view.view().value().get());
            let seen = well("a view's get", seen)?;
            check(mine == Pair::of(0) && seen == mine, || format!("read {mine:?}, {seen:?}"))?;
            says("set_timeout", board.value.set_timeout(Pair::of(9), SHORT), ErrorKind::Busy)?;
            reads += 2;
        }
        talk.pause(&reads.to_string())?;
        let now = well("get", board.value.get())?;
        check(now == Pair::of(1), || format!("after the commit: {now:?}"))
    })?;
    let reads = reader.hear_within(stage.stop() + super::stage::PATIENCE)?;
    writer.resume();
    writer.go()?;
    writer.expect("committed")?;
    reader.go()?;
    reader.end()?;
    writer.go()?;
    writer.end()?;
    held(format!("stopped for {:?}, {reads} reads meanwhile", stage.stop()))
}

/// While somebody who uses the object is stopped, others die, recover, come and go.
pub(super) fn bystander(stage: &Stage) -> Result<Verdict, String> {
    let stander = stage.actor("the bystander", |talk| {
        let board = board(stage)?;
        talk.pause("attached")?;
        well("get", board.value.get()).map(drop)
    })?;
    stander.expect("attached")?;
    stander.stop()?;
    let rounds = 20;
    for _ in 0..rounds {
        let mut victim = stage.actor("the victim", |talk| {
            let board = board(stage)?;
            let _guard = had("lock", board.mutex.lock())?;
            talk.pause("holds")
        })?;
        victim.expect("holds")?;
        let heir = stage.actor("the heir", |talk| {
            let board = board(stage)?;
            talk.say("waits")?;
            take_over(&board)
        })?;
        heir.expect("waits")?;
        victim.kill()?;
        heir.end()?;
    }
    stander.resume();
    stander.go()?;
    stander.end()?;
    held(format!("{rounds} deaths and recoveries beside it"))
}

/// A constructor is stopped: who opens waits, or is told at its deadline; nobody constructs again.
pub(super) fn builder(stage: &Stage) -> Result<Verdict, String> {
    let builder = stage.actor("the builder", |talk| {
        let mut said = Ok(());
        let board = options(stage).open_or_create(NAME, || {
            said = talk.pause("constructs");
            Board::new()
        });
        said?;
        let board = well("create", board)?;
        talk.pause("done")?;
        drop(board);
        Ok(())
    })?;
    builder.expect("constructs")?;
    builder.stop()?;
    let until = Instant::now() + stage.stop();
    let opener = stage.actor("the opener", |talk| {
        let brief = options(stage).timeout(SHORT);
        while Instant::now() < until {
            let refused = || -> Board { unreachable!("the object is being constructed") };
            says("open_or_create", brief.open_or_create(NAME, refused), ErrorKind::Busy)?;
            says("open", brief.open(NAME), ErrorKind::Busy)?;
        }
        talk.say("was told")?;
        let board = well("open", options(stage).open(NAME))?;
        check(!board.created(), || "it was constructed twice".to_owned())
    })?;
    let patience = stage.stop() + super::stage::PATIENCE;
    let said = opener.hear_within(patience)?;
    check(said == "was told", || said)?;
    builder.resume();
    builder.go()?;
    builder.expect("done")?;
    opener.end()?;
    builder.go()?;
    builder.end()?;
    held(format!("stopped for {:?} in its constructor", stage.stop()))
}

/// Who is at a `Once` or a `OnceCell` is stopped: nobody else runs, and its result is what counts.
pub(super) fn runner(stage: &Stage) -> Result<Verdict, String> {
    let runner = stage.actor("the runner", |talk| {
        let board = board(stage)?;
        let mut said = Ok(());
        well("call_once", board.once.call_once(|| said = talk.pause("runs")))?;
        said?;
        let mut said = Ok(());
        let value = board.cell.get_or_init(|| {
            said = talk.pause("makes");
            7
        });
        said?;
        check(matches!(value, Ok(7)), || format!("its own value: {value:?}"))?;
        talk.pause("done")
    })?;
    let other = stage.actor("the other", |talk| {
        talk.hear()?;
        let board = board(stage)?;
        let (mut ran, until) = (false, Instant::now() + stage.stop() / 2);
        while Instant::now() < until {
            let tried = board.once.call_once_timeout(|| ran = true, SHORT);
            says("call_once_timeout", tried, ErrorKind::Busy)?;
        }
        talk.pause("was told")?;
        well("call_once", board.once.call_once(|| ran = true))?;
        check(!ran, || "it was done twice".to_owned())?;
        let until = Instant::now() + stage.stop() / 2;
        while Instant::now() < until {
            says("set_timeout", board.cell.set_timeout(9, SHORT), ErrorKind::Busy)?;
        }
        talk.say("was told")?;
        let value = well("get_or_init", board.cell.get_or_init(|| 9))?;
        check(value == 7, || format!("the value of the one who was stopped is {value}"))
    })?;
    for step in ["runs", "makes"] {
        runner.expect(step)?;
        runner.stop()?;
        other.go()?;
        let said = other.hear_within(stage.stop() + super::stage::PATIENCE)?;
        check(said == "was told", || said)?;
        runner.resume();
        runner.go()?;
    }
    runner.expect("done")?;
    other.end()?;
    runner.go()?;
    runner.end()?;
    held("its turns were its own")
}
