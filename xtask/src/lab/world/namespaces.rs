//! Processes of other namespaces, with equal numbers for different processes and users, other clocks,
//! and a /proc that shows less or nothing.

use super::board;
use super::board::{
    Board, NAME, Pair, board, dies_and_is_inherited, had, is_busy, options, take_over, well,
};
use super::kernel::{self, Space, is_root};
use super::stage::{Actor, Stage, Talk, Verdict, cannot, check, held};
use cohabit::untyped::Untyped;
use cohabit::{Access, ErrorKind, Scope, Shared};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NOT_ROOT: &str = "needs root: namespaces and mounts of its own";

/// Starts an actor in namespaces of its own.
fn apart(
    stage: &Stage,
    space: Space,
    name: &'static str,
    act: impl FnOnce(&Talk) -> Result<(), String>,
) -> Result<Actor, String> {
    space.leave()?;
    if matches!(space, Space::Time) {
        // A day ahead of everybody else.
        let offsets = "monotonic 86400 0\nboottime 86400 0\n";
        std::fs::write("/proc/self/timens_offsets", offsets).map_err(|e| e.to_string())?;
    }
    let actor = stage.actor(name, act);
    space.stay()?;
    actor
}

/// A holder, and one who waits: both have the same number, each in a namespace of its own.
pub(super) fn pids(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot(NOT_ROOT);
    }
    let mut holder = apart(stage, Space::Pid, "the holder", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause(&format!("holds as {}", std::process::id()))
    })?;
    holder.expect("holds as 1")?;
    let other = apart(stage, Space::Pid, "the other", |talk| {
        check(std::process::id() == 1, || "the numbers differ".to_owned())?;
        let board = board(stage)?;
        is_busy("try_lock", board.mutex.try_lock())?;
        let users = well("users", board.users())?;
        check(users.len() == 2, || format!("users: {users:?}"))?;
        talk.pause("was told")?;
        take_over(&board)?;
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    other.expect("was told")?;
    nobody_looks(stage)?;
    // Stopped, it still is not dead, though nobody in the other's namespace can see it.
    holder.stop()?;
    let third = stage.actor("the third", |_| {
        let board = board(stage)?;
        is_busy("try_lock", board.mutex.try_lock()).map(drop)
    })?;
    third.end()?;
    holder.kill()?;
    other.go()?;
    other.end()?;
    held("both are number 1; neither was taken for the other")
}

/// Who only looks, in a namespace of its own with the /proc of another one, is not told of itself.
fn nobody_looks(stage: &Stage) -> Result<(), String> {
    let looker = apart(stage, Space::Pid, "the observer", |_| {
        let object = well("open", Untyped::open_read_only(NAME, &board::scope(stage)))?;
        let found = well("observers", object.observers())?;
        check(found.seen.is_empty(), || format!("told as observers: {:?}", found.seen))
    })?;
    looker.end()
}

/// A user that is root in a user namespace of its own, and the root of the machine.
pub(super) fn users(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot(NOT_ROOT);
    }
    let mut holder = stage.actor("the holder", |talk| {
        Space::User.leave()?;
        for (file, text) in [("uid_map", "0 0 1"), ("setgroups", "deny"), ("gid_map", "0 0 1")] {
            let path = Path::new("/proc/self").join(file);
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.say("holds")?;
        kernel::wait_to_be_killed()
    })?;
    holder.expect("holds")?;
    dies_and_is_inherited(stage, &mut holder)?;
    held("a holder in a user namespace was seen alive, and dead")
}

/// Two processes whose clocks differ by a day fight for a lock, and one dies.
pub(super) fn clocks(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot(NOT_ROOT);
    }
    let rounds = if stage.full { 200_000 } else { 20_000 };
    let fight = |talk: &Talk| {
        let board = board(stage)?;
        talk.pause("attached")?;
        for _ in 0..rounds {
            let (mut guard, died) = had("lock", board.mutex.lock())?;
            let whole = !died && guard.one == guard.two;
            check(whole, || format!("died {died}, found {guard:?}"))?;
            guard.one += 1;
            guard.two += 1;
        }
        well("update", board.value.update(|pair| pair.one += 1))?;
        let (_guard, _) = had("lock", board.mutex.lock())?;
        talk.pause("is done")
    };
    let shifted = apart(stage, Space::Time, "the one of tomorrow", fight)?;
    let usual = stage.actor("the one of today", fight)?;
    let judge = stage.actor("the judge", |talk| {
        let board = board(stage)?;
        talk.pause("attached")?;
        let (guard, died) = had("lock", board.mutex.lock())?;
        let sum = *guard;
        check(!died && sum == Pair::of(2 * rounds), || format!("died {died}, sum {sum:?}"))
    });
    let judge = judge?;
    judge.expect("attached")?;
    for actor in [&shifted, &usual] {
        actor.expect("attached")?;
    }
    for actor in [&shifted, &usual] {
        actor.go()?;
    }
    // Whoever is done first holds the lock until it may go on.
    let (first, second) =
        if first_of(&shifted, &usual)? { (shifted, usual) } else { (usual, shifted) };
    first.expect("is done")?;
    first.go()?;
    first.end()?;
    second.expect("is done")?;
    second.go()?;
    second.end()?;
    judge.go()?;
    judge.end()?;
    let mut holder = apart(stage, Space::Time, "the holder of tomorrow", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.say("holds")?;
        kernel::wait_to_be_killed()
    })?;
    holder.expect("holds")?;
    dies_and_is_inherited(stage, &mut holder)?;
    held(format!("{rounds} rounds each, a day apart; then a death"))
}

/// Which of two says something first.
fn first_of(one: &Actor, other: &Actor) -> Result<bool, String> {
    let mut first = None;
    super::stage::until("either done", || Ok(one.has_said()? || other.has_said()?))?;
    if one.has_said()? {
        first = Some(true);
    }
    Ok(first.unwrap_or(false))
}

/// Another user, from whom /proc hides the holder.
pub(super) fn hidepid(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot(NOT_ROOT);
    }
    let open = std::fs::Permissions::from_mode(0o1777);
    std::fs::set_permissions(&stage.folder, open).map_err(|error| error.to_string())?;
    let_through(&stage.folder)?;
    let mut holder = stage.actor("the holder", |talk| {
        let board = of_everyone(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    holder.expect("holds")?;
    let other = stage.actor("the other", |talk| {
        kernel::own_mounts()?;
        kernel::mount("proc", Path::new("/proc"), "hidepid=2")?;
        kernel::become_user(12_345)?;
        let unseen = std::fs::read_dir("/proc/1").is_err();
        check(unseen, || "/proc hides nobody: the scenario is at fault".to_owned())?;
        let board = of_everyone(stage)?;
        let said = is_busy("try_lock", board.mutex.try_lock())?;
        check(said.contains("pid "), || said)?;
        talk.pause("was told")?;
        take_over(&board)?;
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    other.expect("was told")?;
    holder.kill()?;
    other.go()?;
    other.end()?;
    // The other one, being the last, may not take away a folder of root's in a sticky one.
    let root = stage.actor("root", |_| {
        drop(of_everyone(stage)?);
        Ok(())
    })?;
    root.end()?;
    held("a hidden holder was seen alive, and dead")
}

/// Lets others go through the folders above the stage's.
fn let_through(folder: &Path) -> Result<(), String> {
    let above = folder.parent().ok_or("no folder above")?;
    let through = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(above, through).map_err(|error| error.to_string())
}

/// A board that everyone may write.
fn of_everyone(stage: &Stage) -> Result<Shared<Board>, String> {
    // SAFETY: an actor has one thread, and nothing else of it reads the environment.
    unsafe { std::env::set_var("COHABIT_DIR", &stage.folder) };
    let access = Access::everyone().writes().trust_user(0).trust_user(12_345);
    let options = Shared::<Board>::options().scope(Scope::Machine(access));
    well("open_or_create", options.open_or_create(NAME, Board::new))
}

/// A process without /proc: it is told what it lacks, or goes on without.
pub(super) fn without_proc(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot(NOT_ROOT);
    }
    let first = stage.actor("the first", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    first.expect("holds")?;
    let other = stage.actor("the one without", |talk| {
        kernel::own_mounts()?;
        kernel::mount("tmpfs", Path::new("/proc"), "size=4k")?;
        let refused = options(stage).create("new", Board::new);
        let error = refused.err().ok_or("it creates without /proc")?;
        let text = error.to_string();
        let told = error.kind() == ErrorKind::Unsupported && text.contains("/proc");
        check(told, || format!("create says {:?}: {text}", error.kind()))?;
        let board = board(stage)?;
        is_busy("try_lock", board.mutex.try_lock())?;
        talk.pause("was told")?;
        let (guard, died) = had("lock", board.mutex.lock())?;
        check(!died, || "a living holder was taken for dead".to_owned())?;
        drop(guard);
        well("set", board.value.set(Pair::of(2))).map(drop)
    })?;
    other.expect("was told")?;
    first.go()?;
    first.end()?;
    other.go()?;
    other.end()?;
    held("it joins and judges; who would create is told what is missing")
}
