//! What objects there are, and tidying: what `cohabit ls`, `rm` and `gc` stand on.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cohabit_os::liveness::{Entered, LifeSection, Way};
use cohabit_os::mapping::{self, Access, File};
use cohabit_os::place::{shared_names, tidy_shared_root};
use cohabit_os::wait::Deadline;

use crate::attach::{is_over, not_found};
use crate::bytes;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::CREATED_AT;
use crate::look::look;
use crate::member::Role;
use crate::name::check_name;
use crate::options::{Keep, Scope};
use crate::place::Place;
use crate::schema::Node;
use crate::segment::Segment;
use crate::token::{Life, RowState};

/// How long tidying one object may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How an entry of a folder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryState {
    /// In use.
    Live,
    /// Its constructor runs.
    Building,
    /// Kept, and nobody uses it: the next opener finds the last value.
    Idle,
    /// All its users are dead: the next opener or [`collect`] takes it away.
    Orphan,
    /// Ended: the next opener or [`collect`] takes the name away.
    Ended,
    /// Kept on disk, and the machine stopped while it was in use: nobody knows whether it is whole.
    Unverified,
    /// This user may read it, and not see whether anybody uses it.
    Unjudged,
    /// No object that this program can read; see [`Entry::problem`].
    Unreadable,
}

impl EntryState {
    /// The state as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryState::Live => "live",
            EntryState::Building => "building",
            EntryState::Idle => "idle",
            EntryState::Orphan => "orphan",
            EntryState::Ended => "ended",
            EntryState::Unverified => "unverified",
            EntryState::Unjudged => "unjudged",
            EntryState::Unreadable => "unreadable",
        }
    }
}

/// One name in a scope's folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The object's name.
    pub name: String,
    /// How it stands.
    pub state: EntryState,
    /// Bytes of shared memory, all told; 0 if unreadable.
    pub size: u64,
    /// Users and guests that live, by the kernel's word.
    pub users: usize,
    /// How long it lives.
    pub keep: Option<Keep>,
    /// The label of its type, such as `MyData`.
    pub type_name: String,
    /// When it was created, in ns since 1970, by its creator's clock; 0 if unreadable.
    pub created_ns: u64,
    /// Why it cannot be read.
    pub problem: Option<Error>,
}

/// What [`collect`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Collected {
    /// Names of objects that were taken away: orphans, ended ones, those of an earlier boot.
    pub removed: Vec<String>,
    /// How many were left, since they are in use or kept.
    pub left: usize,
    /// Names that could not be judged, with the reason.
    pub problems: Vec<(String, Error)>,
}

/// The objects of a scope, by name. Disturbs nobody.
///
/// # Errors
/// The folder is not there, not safe, or cannot be read.
pub fn list(scope: &Scope) -> Result<Vec<Entry>> {
    let mut entries: Vec<_> = places(scope)?
        .into_iter()
        .filter_map(|(name, place)| {
            match place.and_then(|place| look(&place, &name, Role::Observer)) {
                Ok(Some(Some(segment))) => Some(describe(name, &segment)),
                Ok(_) => None,
                Err(problem) => Some(Entry::unreadable(name, problem)),
            }
        })
        .collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Takes a name away: of an object that nobody uses, or, with `force`, of any one: then its users get
/// `Ended` where they wait, and go on among themselves.
///
/// # Errors
/// `Busy` with the list of users, when there are some and `force` is false; `NotFound`.
pub fn remove(scope: &Scope, name: &str, force: bool) -> Result<()> {
    check_name(name)?;
    let not_found = |place| not_found(name, scope, place);
    let place = Place::find(scope, name, false)?.ok_or_else(|| not_found(None))?;
    loop {
        let segment = match look(&place, name, Role::User) {
            Ok(None) => return Err(not_found(Some(&place))),
            Ok(Some(None)) => continue,
            Ok(Some(Some(segment))) => segment,
            Err(error) if is_damage(&error) => {
                return remove_damaged(&place, name, force, error);
            }
            Err(error) => return Err(error),
        };
        let Some(section) = segment.enter(Deadline::after(PATIENCE))? else {
            continue;
        };
        if !force && !segment.live_tokens()?.is_empty() {
            // Described outside of the section: it reads /proc.
            drop(section);
            let users = segment.users()?;
            let users: Vec<_> = users.iter().map(ToString::to_string).collect();
            let detail = format!("in use by {}", users.join(", "));
            return Err(Error::new(ErrorKind::Busy, name, detail));
        }
        return segment.end(section);
    }
}

fn is_damage(error: &Error) -> bool {
    use ErrorKind::{FormatVersion, HeaderInvalid, LockFileInvalid, Oversized, Truncated};
    matches!(error.kind(), FormatVersion | HeaderInvalid | LockFileInvalid | Oversized | Truncated)
}

/// A file of ours that cannot be read: who uses it cannot be known, so only force takes it away.
fn remove_damaged(place: &Place, name: &str, force: bool, error: Error) -> Result<()> {
    if !force {
        return Err(error);
    }
    let path = &place.object(name);
    let os = |e| Error::from_os(name, "removing the damaged object", e);
    // Kept open, so that its inode number is not used again meanwhile.
    let file = File::open(path, Access::ReadOnly).map_err(os)?;
    let id = file.status().map_err(os)?.id;
    let patience = Deadline::after(PATIENCE);
    let entered = LifeSection::enter(Way::Name(path), id, Some(patience)).map_err(os)?;
    match entered {
        Entered::Yes(section) => {
            let retired = mapping::retire(path, id).map(drop).map_err(os);
            drop(section);
            if let Some(home) = place.home() {
                bytes::tidy(&home, name);
            }
            retired
        }
        Entered::Gone => Ok(()),
        Entered::Busy => {
            Err(Error::new(ErrorKind::Busy, name, "another process holds its life byte"))
        }
    }
}

/// Takes away what nobody can use any more: orphans, ended objects, those of an earlier boot.
///
/// Of [`Scope::Machine`], only what this user may write: what is another user's is left.
///
/// # Errors
/// The folder is not there, not safe, or cannot be read. Trouble with one object is in the result.
pub fn collect(scope: &Scope) -> Result<Collected> {
    let mut collected = Collected::default();
    for (name, place) in places(scope)? {
        match place.and_then(|place| collect_one(&place, &name)) {
            Ok(Some(true)) => collected.removed.push(name),
            Ok(Some(false)) => collected.left += 1,
            Ok(None) => {}
            Err(error) if is_anothers(scope, &error) => collected.left += 1,
            Err(error) => collected.problems.push((name, error)),
        }
    }
    if matches!(scope, Scope::Machine(_)) {
        tidy_shared_root();
    } else if let Some(place) = Place::find(scope, "", false)? {
        mapping::tidy(&place.folder);
    }
    collected.removed.sort();
    Ok(collected)
}

/// Whether an object of several users is not this user's to judge.
fn is_anothers(scope: &Scope, error: &Error) -> bool {
    matches!(scope, Scope::Machine(_))
        && matches!(error.kind(), ErrorKind::OtherOwner | ErrorKind::PermissionDenied)
}

fn collect_one(place: &Place, name: &str) -> Result<Option<bool>> {
    let Some(Some(segment)) = look(place, name, Role::User)? else {
        if let Some(home) = place.home() {
            bytes::tidy(&home, name);
        }
        return Ok(None);
    };
    let Some(section) = segment.enter(Deadline::after(PATIENCE))? else {
        return Ok(None);
    };
    let over = is_over(&segment)?;
    if over {
        segment.end(section)?;
    }
    Ok(Some(over))
}

/// The names of a scope that can be objects, not those of other programs' hidden files, and where each
/// is.
fn places(scope: &Scope) -> Result<Vec<(String, Result<Place>)>> {
    let os = |e| Error::from_os("", "listing the folder", e);
    let is_name = |name: &String| check_name(name).is_ok();
    if matches!(scope, Scope::Machine(_)) {
        let names = shared_names().map_err(os)?.into_iter().filter(is_name);
        let find = |name: String| {
            let place = Place::find(scope, &name, false).transpose()?;
            Some((name, place))
        };
        return Ok(names.filter_map(find).collect());
    }
    let Some(place) = Place::find(scope, "", false)? else { return Ok(Vec::new()) };
    let names = mapping::list(&place.folder).map_err(os)?.into_iter().filter(is_name);
    Ok(names.map(|name| (name, Ok(place.clone()))).collect())
}

fn describe(name: String, segment: &Segment) -> Entry {
    let live = segment.live_tokens();
    let users = live.as_ref().map_or(0, Vec::len);
    let counted = live.iter().flatten().any(|(_, state)| *state == RowState::User);
    let kept = !matches!(crate::attach::is_orphan(segment), Ok(true));
    let state = match segment.life_now() {
        Life::Dead => EntryState::Ended,
        Life::Live if matches!(disk::is_unverified(segment), Ok(true)) => EntryState::Unverified,
        _ if segment.is_hidden() => EntryState::Unjudged,
        Life::Building(actor) if matches!(segment.is_dead(actor), Ok(false)) => {
            EntryState::Building
        }
        Life::Live if counted => EntryState::Live,
        Life::Live if kept => EntryState::Idle,
        _ if counted => EntryState::Live,
        _ => EntryState::Orphan,
    };
    Entry {
        name,
        state,
        size: segment.header.segment_size,
        users,
        keep: Some(segment.header.keep),
        type_name: segment.schema().map_or_else(|_| String::new(), |schema| label(&schema.root)),
        created_ns: segment.word(CREATED_AT).load(Ordering::Relaxed),
        problem: live.err(),
    }
}

/// The label of an object's type: of a value, that of what is in it.
fn label(root: &Node) -> String {
    match root {
        Node::Value { of, .. } => of.type_name(),
        Node::Atomic(scalar) => format!("atomic {}", scalar.name()),
        other => other.type_name(),
    }
}

impl Entry {
    fn unreadable(name: String, problem: Error) -> Self {
        Entry {
            name,
            state: EntryState::Unreadable,
            size: 0,
            users: 0,
            keep: None,
            type_name: String::new(),
            created_ns: 0,
            problem: Some(problem),
        }
    }
}

/// The folder in which objects of a scope are, for messages; `None` if it does not exist yet. Of
/// [`Scope::Machine`], the one in which each object has its own.
///
/// # Errors
/// The folder is not safe.
pub fn folder_of(scope: &Scope) -> Result<Option<PathBuf>> {
    match scope {
        Scope::Machine(access) => Place::shared_root(access).map(Some),
        _ => Ok(Place::find(scope, "", false)?.map(|place| place.folder)),
    }
}
