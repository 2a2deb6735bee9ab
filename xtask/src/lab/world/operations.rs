//! The operations whose system calls are refused, and what there is before each.

use super::board::{Board, NAME, Pair, board, had, options, scope, well};
use super::stage::{Actor, Stage, check};
use cohabit::{Access, ErrorKind, Scope, Shared, SharedView};
use std::os::fd::OwnedFd;
use std::time::Duration;

type Prepare = fn(&Stage, &mut Things) -> Result<(), String>;
type Act = fn(&Stage, &mut Things) -> cohabit::Result<()>;

/// What a victim has.
#[derive(Default)]
pub(super) struct Things {
    board: Option<Shared<Board>>,
    view: Option<SharedView<Board>>,
    handle: Option<OwnedFd>,
}

/// Who else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Nobody.
    Alone,
    /// Another user.
    Mate,
    /// Another user of an object that everyone may read.
    ReadableMate,
    /// Another user, who holds each lock and is in an update.
    Holder,
    /// The same, who dies before the operation.
    DeadHolder,
    /// An object whose user is dead, under another name.
    Orphan,
}

/// The others of a scene.
pub(super) struct Others {
    scene: Scene,
    actors: Vec<Actor>,
}

impl Scene {
    /// Brings the others to where they are before the operation.
    pub(super) fn set(self, stage: &Stage) -> Result<Others, String> {
        let mut actors = Vec::new();
        match self {
            Scene::Alone => {}
            Scene::Mate | Scene::DeadHolder => actors.push(mate(stage, attached)?),
            Scene::ReadableMate => actors.push(mate(stage, attached_readable)?),
            Scene::Holder => actors.push(holder(stage)?),
            Scene::Orphan => {
                let mut dead = stage.actor("the dead one", |talk| {
                    let made = options(stage).open_or_create("orphan", Board::new);
                    let _orphan = well("create", made)?;
                    talk.pause("attached")
                })?;
                dead.expect("attached")?;
                dead.kill()?;
            }
        }
        if self == Scene::DeadHolder {
            actors.push(holder(stage)?);
        }
        Ok(Others { scene: self, actors })
    }
}

impl Others {
    /// Who is to die does so.
    pub(super) fn dies(&mut self) -> Result<(), String> {
        if self.scene == Scene::DeadHolder
            && let Some(mut holder) = self.actors.pop()
        {
            holder.kill()?;
        }
        Ok(())
    }

    /// What the others find when the operation is over; they leave.
    pub(super) fn after(self) -> Result<(), String> {
        for actor in self.actors {
            actor.go()?;
            actor.end()?;
        }
        Ok(())
    }
}

fn mate(stage: &Stage, attach: Prepare) -> Result<Actor, String> {
    let mate = stage.actor("the mate", |talk| {
        let mut things = Things::default();
        attach(stage, &mut things)?;
        let board = things.board.ok_or("it did not attach")?;
        talk.pause("attached")?;
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))?;
        let lock = board.mutex.lock_timeout(Duration::from_secs(5));
        had("lock", lock)?.0.mark_consistent();
        well("set", board.value.set(Pair::of(1))).map(drop)
    })?;
    mate.expect("attached")?;
    Ok(mate)
}

fn holder(stage: &Stage) -> Result<Actor, String> {
    let holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let (mut guard, _) = had("lock", board.mutex.lock())?;
        guard.one += 1;
        let _writer = had("write", board.read_write.write())?;
        let _permit = well("acquire", board.permit.acquire())?;
        let mut said = Ok(());
        well("update", board.value.update(|_| said = talk.pause("holds")))?;
        said?;
        let whole = *guard == Pair { one: 1, two: 0 };
        check(whole, || format!("somebody wrote under its lock: {guard:?}"))?;
        guard.one = 0;
        drop(guard);
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    holder.expect("holds")?;
    Ok(holder)
}

/// One operation.
pub(super) struct Op {
    pub(super) name: &'static str,
    pub(super) group: usize,
    pub(super) scene: Scene,
    pub(super) prepare: Prepare,
    pub(super) act: Act,
    /// What it says; nothing if it is to go well.
    pub(super) says: Option<ErrorKind>,
}

const fn op(name: &'static str, group: usize, scene: Scene, prepare: Prepare, act: Act) -> Op {
    Op { name, group, scene, prepare, act, says: None }
}

const SHORT: Duration = Duration::from_millis(20);

pub(super) const ALL: &[Op] = &[
    op("create", 0, Scene::Alone, nothing, open_or_create),
    op("create, which some only read", 0, Scene::Alone, nothing, open_or_create_readable),
    op("join", 0, Scene::Mate, nothing, open_or_create),
    op("join, which some only read", 0, Scene::ReadableMate, nothing, open_or_create_readable),
    op("look", 0, Scene::Mate, nothing, |stage, things| {
        things.view = Some(options(stage).open_read_only(NAME)?);
        Ok(())
    }),
    op("make one without a name", 0, Scene::Alone, nothing, |_, things| {
        things.board = Some(Shared::<Board>::anonymous(Board::new)?);
        Ok(())
    }),
    op("give it away and join", 0, Scene::Alone, nameless, |_, things| {
        if let Some(board) = &things.board {
            things.handle = Some(board.to_fd()?);
            let second = Shared::<Board>::from_fd(board.to_read_only_fd()?);
            second.map(drop).or_else(reads_only)?;
        }
        Ok(())
    }),
    op("leave as the last", 1, Scene::Alone, attached, leave),
    op("leave others behind", 1, Scene::Mate, attached, leave),
    op("leave what some only read", 1, Scene::Alone, attached_readable, leave),
    op("leave one without a name", 1, Scene::Alone, nameless, leave),
    op("stop looking", 1, Scene::Mate, looking, |_, things| {
        things.view = None;
        Ok(())
    }),
    op("list", 1, Scene::Orphan, attached, |stage, _| cohabit::list(&scope(stage)).map(drop)),
    op("collect", 1, Scene::Orphan, nothing, |stage, _| cohabit::collect(&scope(stage)).map(drop)),
    op("status and users", 1, Scene::Mate, attached, |_, things| {
        if let Some(board) = &things.board {
            board.status()?;
            board.users()?;
        }
        Ok(())
    }),
    op("take over a lock", 2, Scene::DeadHolder, attached, |_, things| {
        if let Some(board) = &things.board {
            match board.mutex.lock() {
                Ok(_) => {}
                Err(cohabit::LockError::OwnerDied(mut guard)) => guard.mark_consistent(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }),
    op("take over from a writer", 2, Scene::DeadHolder, attached, |_, things| {
        if let Some(board) = &things.board {
            match board.read_write.write() {
                Ok(_) => {}
                Err(cohabit::LockError::OwnerDied(mut guard)) => guard.mark_consistent(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }),
    op("take over a permit", 2, Scene::DeadHolder, attached, |_, things| {
        things.board.as_ref().map_or(Ok(()), |board| board.permit.acquire().map(drop))
    }),
    op("take over a value", 2, Scene::DeadHolder, attached, |_, things| {
        things.board.as_ref().map_or(Ok(()), |board| board.value.set(Pair::of(3)).map(drop))
    }),
    Op {
        says: Some(ErrorKind::Busy),
        ..op("wait for a lock", 2, Scene::Holder, attached, |_, things| {
            let lock = things.board.as_ref().map(|board| board.mutex.lock_timeout(SHORT).map(drop));
            lock.map_or(Ok(()), |lock| lock.map_err(cohabit::Error::from))
        })
    },
    Op {
        says: Some(ErrorKind::Busy),
        ..op("wait to read", 2, Scene::Holder, attached, |_, things| {
            let Some(board) = &things.board else { return Ok(()) };
            board.read_write.read_timeout(SHORT).map(drop).map_err(cohabit::Error::from)
        })
    },
    Op {
        says: Some(ErrorKind::Busy),
        ..op("wait for a permit", 2, Scene::Holder, attached, |_, things| {
            let Some(board) = &things.board else { return Ok(()) };
            board.permit.acquire_timeout(SHORT).map(drop)
        })
    },
    Op {
        says: Some(ErrorKind::TimedOut),
        ..op("wait at a barrier", 2, Scene::Mate, attached, |_, things| {
            let Some(board) = &things.board else { return Ok(()) };
            board.gate.wait_timeout(SHORT).map(drop)
        })
    },
    Op {
        says: Some(ErrorKind::Busy),
        ..op("wait for a writer", 2, Scene::Holder, attached, |_, things| {
            let board = things.board.as_ref();
            board.map_or(Ok(()), |board| board.value.set_timeout(Pair::of(3), SHORT).map(drop))
        })
    },
    Op {
        says: Some(ErrorKind::TimedOut),
        ..op("wait for a change", 2, Scene::Mate, attached, |_, things| {
            let Some(board) = &things.board else { return Ok(()) };
            let (_, seen) = board.value.read()?;
            board.value.wait_changed(seen, SHORT).map(drop)
        })
    },
    Op {
        says: Some(ErrorKind::TimedOut),
        ..op("wait for an event", 2, Scene::Mate, attached, |_, things| {
            things.board.as_ref().map_or(Ok(()), |board| board.auto.wait_timeout(SHORT))
        })
    },
    op("wait for an object", 2, Scene::Mate, nothing, |stage, things| {
        things.board = Some(options(stage).open_wait(NAME, Duration::from_secs(5))?);
        Ok(())
    }),
];

fn nothing(_: &Stage, _: &mut Things) -> Result<(), String> {
    Ok(())
}

fn attached(stage: &Stage, things: &mut Things) -> Result<(), String> {
    things.board = Some(board(stage)?);
    Ok(())
}

fn looking(stage: &Stage, things: &mut Things) -> Result<(), String> {
    things.view = Some(well("a view", options(stage).open_read_only(NAME))?);
    Ok(())
}

fn nameless(_: &Stage, things: &mut Things) -> Result<(), String> {
    things.board = Some(well("anonymous", Shared::<Board>::anonymous(Board::new))?);
    Ok(())
}

fn attached_readable(stage: &Stage, things: &mut Things) -> Result<(), String> {
    well("open_or_create", open_or_create_readable(stage, things))
}

fn open_or_create(stage: &Stage, things: &mut Things) -> cohabit::Result<()> {
    things.board = Some(options(stage).open_or_create(NAME, Board::new)?);
    Ok(())
}

/// An object that everyone may read, so that it has a folder of its own and a lock file.
fn open_or_create_readable(stage: &Stage, things: &mut Things) -> cohabit::Result<()> {
    // SAFETY: a victim has one thread, and nothing else of it reads the environment.
    unsafe { std::env::set_var("COHABIT_DIR", &stage.folder) };
    let scope = Scope::Machine(Access::everyone().reads());
    let options = Shared::<Board>::options().scope(scope);
    things.board = Some(options.open_or_create(NAME, Board::new)?);
    Ok(())
}

/// A handle for reading only cannot be joined by.
fn reads_only(error: cohabit::Error) -> cohabit::Result<()> {
    if error.kind() == ErrorKind::ReadOnlyHandle { Ok(()) } else { Err(error) }
}

fn leave(_: &Stage, things: &mut Things) -> cohabit::Result<()> {
    things.board = None;
    Ok(())
}
