//! Descriptors that a program closes, copies, or sends away.

use super::board::{
    Board, NAME, Pair, board, dies_and_is_inherited, had, is_busy, options, take_over, well,
};
use super::kernel;
use super::stage::{Stage, Talk, Verdict, check, held};
use cohabit::Shared;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// All that a user does, after its descriptors are gone.
fn goes_on(board: &Shared<Board>) -> Result<(), String> {
    well("set", board.value.set(Pair::of(3)))?;
    let status = well("status", board.status())?;
    check(status.standing == cohabit::Standing::Live, || format!("status: {status:?}"))?;
    let users = well("users", board.users())?;
    check(users.len() == 2, || format!("users: {users:?}"))?;
    well("set an event", board.auto.set())?;
    well("wait for an event", board.auto.wait())
}

/// Who is left looks whether the other one has left, and not died.
fn left_alone(board: &Shared<Board>) -> Result<(), String> {
    let (guard, died) = had("lock", board.mutex.lock())?;
    check(!died && *guard == Pair::of(1), || format!("died {died}, found {guard:?}"))?;
    let users = well("users", board.users())?;
    check(users.len() == 1, || format!("users: {users:?}"))
}

/// A holder closes everything.
pub(super) fn closed(stage: &Stage) -> Result<Verdict, String> {
    closes(stage, &|talk: &Talk| kernel::close_all_but(talk.number()), &|_, ()| Ok(()))
}

/// A holder closes everything, and other files get the numbers.
pub(super) fn reused(stage: &Stage) -> Result<Verdict, String> {
    let close = |talk: &Talk| {
        let last = kernel::descriptors().last().map_or(0, |(number, _)| *number);
        kernel::close_all_but(talk.number())?;
        let mut files: Vec<OwnedFd> = Vec::new();
        while files.last().is_none_or(|file| file.as_raw_fd() <= last + 1) {
            let file = File::open("/dev/null").map_err(|error| error.to_string())?;
            files.push(file.into());
        }
        Ok(files)
    };
    let after = |_: &Talk, files: Vec<OwnedFd>| {
        let all = kernel::descriptors();
        for file in files {
            let number = file.as_raw_fd();
            let is = all.iter().find(|(open, _)| *open == number).map(|(_, path)| path.clone());
            let stands = is.as_deref().is_some_and(|path| path.ends_with("null"));
            // Not to be closed twice.
            std::mem::forget(file);
            check(stands, || format!("the program's descriptor {number} became {is:?}"))?;
        }
        Ok(())
    };
    closes(stage, &close, &after)
}

/// A holder loses its descriptors, is not robbed, goes on, and leaves; then comes what is after.
fn closes<T>(
    stage: &Stage,
    lose: &dyn Fn(&Talk) -> Result<T, String>,
    after: &dyn Fn(&Talk, T) -> Result<(), String>,
) -> Result<Verdict, String> {
    let other = stage.actor("the other", |talk| {
        let board = board(stage)?;
        talk.pause("attached")?;
        is_busy("try_lock", board.mutex.try_lock())?;
        talk.pause("was told")?;
        left_alone(&board)
    })?;
    other.expect("attached")?;
    let holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let (mut guard, _) = had("lock", board.mutex.lock())?;
        let kept = lose(talk)?;
        talk.pause("has lost all")?;
        goes_on(&board)?;
        *guard = Pair::of(1);
        drop(guard);
        drop(board);
        after(talk, kept)?;
        talk.pause("left")
    })?;
    holder.expect("has lost all")?;
    other.go()?;
    other.expect("was told")?;
    holder.go()?;
    holder.expect("left")?;
    other.go()?;
    other.end()?;
    holder.go()?;
    holder.end()?;
    held("not dead, and left as others do")
}

/// Copies of all descriptors, in the holder and in a child of it that outlives it.
pub(super) fn copied(stage: &Stage) -> Result<Verdict, String> {
    let mut holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let guard = had("lock", board.mutex.lock())?;
        let copies: Result<Vec<OwnedFd>, String> =
            kernel::descriptors().iter().map(|(number, _)| kernel::copy(*number)).collect();
        let copies = copies?;
        if kernel::fork()?.is_some() {
            kernel::wait_to_be_killed();
        }
        talk.pause("has copies")?;
        drop((guard, copies));
        Ok(())
    })?;
    holder.expect("has copies")?;
    dies_and_is_inherited(stage, &mut holder)?;
    holder.go()?;
    held("its lock was taken over while they were open")
}

/// All descriptors, and those that are given away, are sent to another process, which keeps them.
pub(super) fn sent(stage: &Stage) -> Result<Verdict, String> {
    let (one, two) = UnixStream::pair().map_err(|error| error.to_string())?;
    let keeper = stage.actor("the keeper", |talk| {
        let kept = kernel::receive(&two)?;
        let handle = kept.last().ok_or("nothing came")?;
        let nameless = well("from_fd", Shared::<Board>::from_fd(handle))?;
        is_busy("try_lock", nameless.mutex.try_lock())?;
        talk.pause(&format!("{} descriptors", kept.len()))?;
        take_over(&nameless)
    })?;
    let mut holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        let nameless = well("anonymous", Shared::<Board>::anonymous(Board::new))?;
        let _second = had("lock", nameless.mutex.lock())?;
        let folder = &stage.folder;
        let of_objects = kernel::descriptors().into_iter().filter(|(_, path)| {
            path.starts_with(folder) || path.to_string_lossy().contains("memfd")
        });
        let copies: Result<Vec<OwnedFd>, String> =
            of_objects.map(|(number, _)| kernel::copy(number)).collect();
        let mut copies = copies?;
        copies.push(well("to_fd", nameless.to_fd())?);
        let borrowed: Vec<_> = copies.iter().map(AsFd::as_fd).collect();
        kernel::send(&one, &borrowed)?;
        talk.say("sent")?;
        kernel::wait_to_be_killed()
    })?;
    holder.expect("sent")?;
    let count = keeper.hear()?;
    dies_and_is_inherited(stage, &mut holder)?;
    keeper.go()?;
    keeper.end()?;
    held(format!("{count} kept by another process; both locks were taken over"))
}

/// A program without standard streams opens an object.
pub(super) fn streams(stage: &Stage) -> Result<Verdict, String> {
    let actor = stage.actor("the daemon", |talk| {
        kernel::close(0, 2)?;
        let board = board(stage)?;
        let view = well("a view", options(stage).open_read_only(NAME))?;
        let nameless = well("anonymous", Shared::<Board>::anonymous(Board::new))?;
        for number in 0..3 {
            check(!kernel::is_open(number), || format!("descriptor {number} is open"))?;
        }
        goes_on_alone(&board)?;
        drop((view, nameless));
        talk.pause("attached")
    })?;
    actor.expect("attached")?;
    actor.go()?;
    actor.end()?;
    held("none of the three numbers was used")
}

fn goes_on_alone(board: &Shared<Board>) -> Result<(), String> {
    well("set", board.value.set(Pair::of(3)))?;
    let users = well("users", board.users())?;
    check(users.len() == 1, || format!("users: {users:?}"))
}
