//! Names that somebody takes away, moves or replaces, by hand and behind everybody's back.

use super::board::{Board, NAME, Pair, board, had, options, says, take_over, well};
use super::kernel;
use super::stage::{Stage, Verdict, check, held};
use cohabit::{Access, ErrorKind, Scope, Shared, Standing};
use std::fs;
use std::path::{Path, PathBuf};

/// What somebody does to a file.
type Deed = fn(&Path) -> std::io::Result<()>;

fn moved_to(path: &Path) -> PathBuf {
    path.with_extension("moved")
}

fn remove(path: &Path) -> std::io::Result<()> {
    fs::remove_file(path)
}

fn move_away(path: &Path) -> std::io::Result<()> {
    fs::rename(path, moved_to(path))
}

/// Puts a file that is no object in its place.
fn replace(path: &Path) -> std::io::Result<()> {
    let other = moved_to(path);
    fs::write(&other, "not an object")?;
    fs::rename(other, path)
}

/// The object's file is removed.
pub(super) fn removed(stage: &Stage) -> Result<Verdict, String> {
    loses_its_name(stage, remove)
}

/// The object's file is moved away: it has a name, but not the object's.
pub(super) fn moved(stage: &Stage) -> Result<Verdict, String> {
    loses_its_name(stage, move_away)
}

/// Another file takes the place of the object's.
pub(super) fn replaced(stage: &Stage) -> Result<Verdict, String> {
    loses_its_name(stage, replace)
}

/// Users go on among themselves and are told; a new object is another one; nobody takes its name away.
fn loses_its_name(stage: &Stage, deed: Deed) -> Result<Verdict, String> {
    let path = stage.folder.join(NAME);
    let mut holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    holder.expect("holds")?;
    let other = stage.actor("the other", |talk| {
        let board = board(stage)?;
        let view = well("a view", options(stage).open_read_only(NAME))?;
        talk.pause("attached")?;
        for status in [well("status", board.standing())?, well("a view's status", view.standing())?]
        {
            check(status == Standing::NameLost, || format!("status: {status:?}"))?;
        }
        well("set", board.value.set(Pair::of(5)))?;
        talk.pause("is told")?;
        take_over(&board)?;
        talk.pause("took over")
    })?;
    other.expect("attached")?;
    deed(&path).map_err(|error| error.to_string())?;
    other.go()?;
    other.expect("is told")?;
    // What stands in the place, if it is no object, is refused and stays.
    let in_the_way = fs::read(&path).is_ok();
    let newcomer = stage.actor("the newcomer", |talk| {
        let made = options(stage).open_or_create(NAME, Board::new);
        if in_the_way {
            let error = made.err().ok_or("a file that is no object was believed")?;
            return talk.pause(error.code());
        }
        let board = well("open_or_create", made)?;
        let now = well("get", board.value.get())?;
        check(board.created() && now == Pair::of(0), || format!("it found the old one: {now:?}"))?;
        talk.pause("has a new one")?;
        let status = well("status", board.standing())?;
        check(status == Standing::Live, || format!("its status: {status:?}"))
    })?;
    let said = newcomer.hear()?;
    holder.kill()?;
    other.go()?;
    other.expect("took over")?;
    other.go()?;
    other.end()?;
    newcomer.go()?;
    newcomer.end()?;
    for left in stage.files() {
        fs::remove_file(left).map_err(|error| error.to_string())?;
    }
    held(format!("the old users went on; the newcomer {said}"))
}

/// The folder of the objects is moved, and another one takes its place.
pub(super) fn folder(stage: &Stage) -> Result<Verdict, String> {
    let home = stage.folder.join("home");
    let away = stage.folder.join("away");
    fs::create_dir(&home).map_err(|error| error.to_string())?;
    let inside = Stage::new(home.clone(), stage.full, stage.seed);
    let mut holder = inside.actor("the holder", |talk| {
        let board = board(&inside)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    holder.expect("holds")?;
    let other = inside.actor("the other", |talk| {
        let board = board(&inside)?;
        talk.pause("attached")?;
        let status = well("status", board.standing())?;
        check(status == Standing::NameLost, || format!("status: {status:?}"))?;
        take_over(&board)
    })?;
    other.expect("attached")?;
    fs::rename(&home, &away).map_err(|error| error.to_string())?;
    fs::create_dir(&home).map_err(|error| error.to_string())?;
    let newcomer = inside.actor("the newcomer", |talk| {
        let board = board(&inside)?;
        check(board.created(), || "it found the old one".to_owned())?;
        talk.pause("has a new one")
    })?;
    newcomer.expect("has a new one")?;
    holder.kill()?;
    other.go()?;
    other.end()?;
    newcomer.go()?;
    newcomer.end()?;
    check(inside.files().is_empty(), || format!("left behind: {:?}", inside.files()))?;
    for folder in [home, away] {
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    }
    held("two folders, two objects")
}

/// An object that everyone may read, whose bytes are in a lock file beside it.
fn read_by_all(stage: &Stage) -> Result<Shared<Board>, String> {
    // SAFETY: an actor has one thread, and nothing else of it reads the environment.
    unsafe { std::env::set_var("COHABIT_DIR", &stage.folder) };
    let scope = Scope::Machine(Access::everyone().reads());
    let options = Shared::<Board>::options().scope(scope);
    well("open_or_create", options.open_or_create(NAME, Board::new))
}

/// The lock file is removed, moved or replaced: the last one that leaves takes the object away all the same.
pub(super) fn lock_file(stage: &Stage) -> Result<Verdict, String> {
    let deeds: [(&str, Deed); 3] =
        [("removed", remove), ("moved", move_away), ("replaced", replace)];
    for (how, deed) in deeds {
        let home = stage.folder.join(format!("cohabit.{NAME}"));
        let user = stage.actor("the user", |talk| {
            let board = read_by_all(stage)?;
            talk.pause("attached")?;
            well("set", board.value.set(Pair::of(1)))?;
            well("lock", board.mutex.lock().map(drop).map_err(cohabit::Error::from))
        })?;
        user.expect("attached")?;
        let entries = fs::read_dir(&home).map_err(|error| error.to_string())?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let lock =
            names.filter_map(|name| name.into_string().ok()).find(|name| name.starts_with('.'));
        let lock = home.join(lock.ok_or("there is no lock file")?);
        deed(&lock).map_err(|error| error.to_string())?;
        user.go()?;
        user.end()?;
        let object = home.join(NAME);
        check(!object.exists(), || format!("lock file {how}: the object's file stays"))?;
        // What somebody put there or moved is not ours to take away.
        if home.exists() {
            fs::remove_dir_all(&home).map_err(|error| error.to_string())?;
        }
    }
    held("removed, moved and replaced; the object's name went with its user")
}

/// The name is removed while its users' descriptors are closed, too: nobody is judged dead.
pub(super) fn with_descriptors(stage: &Stage) -> Result<Verdict, String> {
    let mut holder = stage.actor("the holder", |talk| {
        let board = board(stage)?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    holder.expect("holds")?;
    let other = stage.actor("the other", |talk| {
        let board = board(stage)?;
        kernel::close_all_but(talk.number())?;
        talk.pause("attached")?;
        let refused = board.mutex.lock().map(drop).map_err(cohabit::Error::from);
        says("lock", refused, ErrorKind::LivenessLost)?;
        talk.say("is told")
    })?;
    other.expect("attached")?;
    remove(&stage.folder.join(NAME)).map_err(|error| error.to_string())?;
    other.go()?;
    other.expect("is told")?;
    other.end()?;
    holder.kill()?;
    held("who can ask nobody judges nobody")
}
