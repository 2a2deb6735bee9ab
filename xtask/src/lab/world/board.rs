//! The object that the actors of a scenario share, and what they say of its calls.

use super::stage::{Actor, Stage, check};
use cohabit::{
    Barrier, Condvar, ErrorKind, Event, LockError, LockResult, Mutex, Once, OnceCell, Options,
    RwLock, Scope, Semaphore, Shared, Value, plain, shareable,
};
use std::sync::atomic::AtomicU64;

/// Two numbers that are equal whenever nobody is in between.
#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) one: u64,
    pub(super) two: u64,
}

impl Pair {
    /// Both are this number.
    pub(super) fn of(number: u64) -> Self {
        Self { one: number, two: number }
    }
}

/// One of everything that can be waited for.
#[shareable]
#[derive(Debug)]
pub(super) struct Board {
    pub(super) count: AtomicU64,
    pub(super) value: Value<Pair>,
    pub(super) mutex: Mutex<Pair>,
    pub(super) changed: Condvar,
    pub(super) auto: Event,
    pub(super) manual: Event,
    pub(super) once: Once,
    pub(super) cell: OnceCell<u64>,
    pub(super) read_write: RwLock<Pair>,
    pub(super) permit: Semaphore,
    pub(super) gate: Barrier,
}

impl Board {
    /// A new one: all is zero, nothing is set.
    pub(super) fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            value: Value::new(Pair::of(0)),
            mutex: Mutex::new(Pair::of(0)),
            changed: Condvar::new(),
            auto: Event::auto(),
            manual: Event::manual(),
            once: Once::new(),
            cell: OnceCell::new(),
            read_write: RwLock::new(Pair::of(0)),
            permit: Semaphore::new(1),
            gate: Barrier::new(2),
        }
    }
}

/// The name of the board.
pub(super) const NAME: &str = "board";

/// The stage's folder.
pub(super) fn scope(stage: &Stage) -> Scope {
    Scope::Folder(stage.folder.clone())
}

/// Options of objects in the stage's folder.
pub(super) fn options(stage: &Stage) -> Options<Board> {
    Shared::<Board>::options().scope(scope(stage))
}

/// The board, made by whoever comes first.
pub(super) fn board(stage: &Stage) -> Result<Shared<Board>, String> {
    options(stage).open_or_create(NAME, Board::new).map_err(|e| in_words("open_or_create", &e))
}

/// A call that failed, as a finding.
pub(super) fn in_words(what: &str, error: &cohabit::Error) -> String {
    format!("{what}: {:?}: {error}", error.kind())
}

/// A call that must go well.
pub(super) fn well<T>(what: &str, outcome: cohabit::Result<T>) -> Result<T, String> {
    outcome.map_err(|error| in_words(what, &error))
}

/// A call that must say this.
pub(super) fn says<T>(
    what: &str,
    outcome: cohabit::Result<T>,
    expected: ErrorKind,
) -> Result<cohabit::Error, String> {
    match outcome {
        Err(error) if error.kind() == expected => Ok(error),
        Err(error) => Err(format!("expected {expected:?} of {}", in_words(what, &error))),
        Ok(_) => Err(format!("{what}: expected {expected:?}, went well")),
    }
}

/// A lock that must be had; whether a death was told.
pub(super) fn had<G>(what: &str, outcome: LockResult<G>) -> Result<(G, bool), String> {
    match outcome {
        Ok(guard) => Ok((guard, false)),
        Err(LockError::OwnerDied(guard)) => Ok((guard, true)),
        Err(error) => Err(format!("{what}: {:?}: {error}", error.kind())),
    }
}

/// A lock that must be busy; what is said of its holder.
pub(super) fn is_busy<G>(what: &str, outcome: LockResult<G>) -> Result<String, String> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Busy => Ok(error.to_string()),
        Err(error) => Err(format!("{what}: expected Busy: {:?}: {error}", error.kind())),
        Ok(_) => Err(format!("{what}: a living holder was robbed")),
    }
}

/// Takes the mutex of somebody who died inside, which must be told, and makes it whole.
pub(super) fn take_over(board: &Board) -> Result<(), String> {
    let (mut guard, died) = had("taking over", board.mutex.lock())?;
    if !died {
        return Err("a death was not told".to_owned());
    }
    guard.mark_consistent();
    *guard = Pair::of(0);
    Ok(())
}

/// Somebody holds the mutex; another one is told so, and takes it over once `dies` was done.
pub(super) fn is_inherited(
    stage: &Stage,
    dies: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let heir = stage.actor("the heir", |talk| {
        let board = board(stage)?;
        is_busy("try_lock", board.mutex.try_lock())?;
        talk.pause("was told")?;
        take_over(&board)?;
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    heir.expect("was told")?;
    dies()?;
    heir.go()?;
    heir.end()
}

/// A holder of the mutex is killed, and another one takes it over.
pub(super) fn dies_and_is_inherited(stage: &Stage, holder: &mut Actor) -> Result<(), String> {
    is_inherited(stage, || holder.kill())
}
