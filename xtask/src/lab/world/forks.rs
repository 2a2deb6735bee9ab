//! Children of all sorts: of fork, vfork and clone, and what comes of exec.
//!
//! Where a child is to outlive its parent, it has the parent's end of the talk: it hears what the
//! scenario says, and it ends when nobody is there any more to say anything.

use super::board::{
    Board, NAME, Pair, board, dies_and_is_inherited, had, is_busy, is_inherited, options, says,
    take_over, well,
};
use super::stage::{Actor, Stage, Talk, Verdict, check, held, until};
use super::{child_command, kernel};
use cohabit::{ErrorKind, MutexGuard, Shared};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// What a child must be told by everything of its parent's, and that letting go does nothing.
fn is_told(talk: &Talk, board: Shared<Board>, guard: MutexGuard<'_, Pair>) -> Result<(), String> {
    let other = &*board;
    says("get", other.value.get(), ErrorKind::Forked)?;
    says("set", other.value.set(Pair::of(9)), ErrorKind::Forked)?;
    says("lock", other.mutex.lock().map_err(cohabit::Error::from), ErrorKind::Forked)?;
    says("set an event", other.auto.set(), ErrorKind::Forked)?;
    says("call_once", other.once.call_once(|| ()), ErrorKind::Forked)?;
    drop(guard);
    drop(board);
    talk.pause("the child let go")
}

/// A parent holds a lock and forks.
pub(super) fn locked(stage: &Stage) -> Result<Verdict, String> {
    holds_and_has_a_child(stage, kernel::fork)
}

/// A parent holds a lock and makes a child that no hook knows of.
pub(super) fn raw_clone(stage: &Stage) -> Result<Verdict, String> {
    holds_and_has_a_child(stage, kernel::raw_clone)
}

fn holds_and_has_a_child(
    stage: &Stage,
    fork: fn() -> Result<Option<i32>, String>,
) -> Result<Verdict, String> {
    let mut parent = stage.actor("the parent", |talk| {
        let board = board(stage)?;
        // A second handle, since the guard borrows the first one.
        let second = well("open", options(stage).open(NAME))?;
        let (guard, _) = had("lock", board.mutex.lock())?;
        match fork()? {
            None => is_told(talk, second, guard),
            Some(_) => kernel::wait_to_be_killed(),
        }
    })?;
    parent.expect("the child let go")?;
    dies_and_is_inherited(stage, &mut parent)?;
    parent.go()?;
    held("its lock was taken over while its child lived")
}

/// A child comes out of an update that its parent was in.
pub(super) fn updating(stage: &Stage) -> Result<Verdict, String> {
    let parent = stage.actor("the parent", |talk| {
        let board = board(stage)?;
        let mut child = Ok(None);
        let done = board.value.update(|pair| {
            *pair = Pair::of(1);
            child = kernel::fork();
            if matches!(child, Ok(None)) {
                *pair = Pair::of(666);
            }
        });
        if child?.is_none() {
            says("update", done, ErrorKind::Forked)?;
            return talk.say("the child was told");
        }
        well("update", done)?;
        talk.hear()?;
        let now = well("get", board.value.get())?;
        check(now == Pair::of(1), || format!("after both: {now:?}"))?;
        well("set", board.value.set(Pair::of(2))).map(drop)
    })?;
    parent.expect("the child was told")?;
    parent.go()?;
    parent.end()?;
    held("the parent committed, the child did not")
}

/// A process forks again and again while another thread of it attaches and leaves.
pub(super) fn threads(stage: &Stage) -> Result<Verdict, String> {
    let (mut parent, count) = forks_beside_an_attach(stage, kernel::fork)?;
    dies_and_is_inherited(stage, &mut parent)?;
    parent.talk.hang_up();
    is_opened_anew(stage)?;
    held(format!("{count} children beside a thread that attached and left"))
}

/// The same with children that no hook knows of. One that was made in the middle of an attach may have
/// what keeps its parent alive; it keeps it alive as long as it lives, and no longer.
pub(super) fn raw_in_threads(stage: &Stage) -> Result<Verdict, String> {
    let (mut parent, count) = forks_beside_an_attach(stage, kernel::raw_clone)?;
    is_inherited(stage, || {
        parent.kill()?;
        parent.talk.hang_up();
        Ok(())
    })?;
    is_opened_anew(stage)?;
    held(format!("{count} children beside a thread that attached and left"))
}

/// A process with children that wait for the end of the talk, and with the board's lock; how many they are.
fn forks_beside_an_attach(
    stage: &Stage,
    fork: fn() -> Result<Option<i32>, String>,
) -> Result<(Actor, usize), String> {
    let count = if stage.full { 300 } else { 60 };
    let parent = stage.actor("the parent", |talk| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    let made = options(stage).open_or_create("other", Board::new);
                    made.expect("the other object");
                }
            });
            for _ in 0..count {
                if fork()?.is_none() {
                    // Another thread may have been in the middle of anything: nothing but system calls.
                    kernel::ends_with(talk.number());
                }
            }
            stop.store(true, Relaxed);
            Ok::<(), String>(())
        })?;
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.say("holds")?;
        kernel::wait_to_be_killed()
    })?;
    parent.expect("holds")?;
    Ok((parent, count))
}

/// What a killed one may leave of the other object is an orphan, for whoever opens the name.
fn is_opened_anew(stage: &Stage) -> Result<(), String> {
    let next = stage.actor("the next", |_| {
        well("open_or_create", options(stage).open_or_create("other", Board::new)).map(drop)
    })?;
    next.end()
}

/// A child attaches anew, beside its parent.
pub(super) fn attach_anew(stage: &Stage) -> Result<Verdict, String> {
    let mut parent = stage.actor("the parent", |talk| {
        let old = board(stage)?;
        let _guard = had("lock", old.mutex.lock())?;
        if kernel::fork()?.is_some() {
            kernel::wait_to_be_killed();
        }
        let new = board(stage)?;
        says("the old handle", old.value.get(), ErrorKind::Forked)?;
        let users = well("users", new.users())?;
        check(users.len() == 2, || format!("users: {users:?}"))?;
        is_busy("try_lock", new.mutex.try_lock())?;
        talk.pause("attached")?;
        take_over(&new)?;
        let users = well("users", new.users())?;
        check(users.len() == 1, || format!("users, when the parent is dead: {users:?}"))?;
        talk.say("took over")
    })?;
    parent.expect("attached")?;
    parent.kill()?;
    parent.go()?;
    parent.expect("took over")?;
    // The child is nobody's any more: it is gone when its end of the talk is.
    until("gone", || Ok(parent.talk.hear().is_err()))?;
    held("two users, then one")
}

/// The program that waits, as an actor executes it, with the talk as its standard streams.
fn idle(talk: &Talk) -> Result<Command, String> {
    let mut command = child_command(&["world", "idle"])?;
    command.stdin(Stdio::from(kernel::copy(talk.number())?));
    command.stdout(Stdio::from(kernel::copy(talk.number())?));
    Ok(command)
}

/// A holder starts a program, and dies.
pub(super) fn spawned(stage: &Stage) -> Result<Verdict, String> {
    let mut parent = stage.actor("the parent", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        let _child = idle(talk)?.spawn().map_err(|error| format!("spawn: {error}"))?;
        kernel::wait_to_be_killed()
    })?;
    parent.expect("idle")?;
    dies_and_is_inherited(stage, &mut parent)?;
    parent.talk.hang_up();
    held("its lock was taken over while the program ran")
}

/// A holder executes another program: it has the same number, and holds nothing any more.
pub(super) fn executes(stage: &Stage) -> Result<Verdict, String> {
    let actor = stage.actor("the one that executes", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")?;
        let error = idle(talk)?.exec();
        Err(format!("exec: {error}"))
    })?;
    actor.expect("holds")?;
    let executes = || {
        actor.go()?;
        actor.expect("idle")
    };
    is_inherited(stage, executes)?;
    let lives = super::stage::state(actor.pid).is_some_and(|state| state != 'Z');
    check(lives, || "it ended too early".to_owned())?;
    actor.talk.hang_up();
    actor.end()?;
    held("its lock was taken over while it ran on as another program")
}

/// A child shares the address space, as after vfork. So long its parent counts as alive, also killed.
pub(super) fn shared(stage: &Stage) -> Result<Verdict, String> {
    let mut parent = stage.actor("the parent", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.say("holds")?;
        kernel::share_address_space()
    })?;
    parent.expect("holds")?;
    until("forked", || Ok(!kernel::children(parent.pid).is_empty()))?;
    let child = kernel::children(parent.pid)[0];
    parent.kill()?;
    let died = || {
        crate::lab::storm::fork::send(child, libc::SIGKILL);
        Ok(())
    };
    is_inherited(stage, died)?;
    held("alive as long as the address space, and no longer")
}
