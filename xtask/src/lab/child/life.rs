//! Children that use an object whose type has a beginning and an end, both written down.
use super::{Orders, answer, handle, in_folder, in_words, kill_myself};
use crate::lab::list::Realm;
use crate::lab::trace;
use cohabit::schema::Schema;
use cohabit::untyped::Untyped;
use cohabit::{
    Error, Fill, Follow, Frozen, Keep, LastOneOut, Options, Shared, SharedValue, SharedView, Value,
    shareable,
};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// An object that tells which construction it comes from.
#[shareable]
pub(super) struct Tagged {
    tag: AtomicU64,
    /// The same, frozen by the constructor.
    frozen: Frozen<u64>,
}

impl Tagged {
    fn new(tag: u64) -> Tagged {
        Tagged { tag: AtomicU64::new(tag), frozen: Frozen::new(tag) }
    }

    /// Takes over the tag of another one.
    pub(super) fn copy_of(&self, other: &Tagged) {
        self.take(other.tag.load(Relaxed));
    }

    /// Where that fails, the tags differ.
    fn take(&self, tag: u64) {
        self.tag.store(tag, Relaxed);
        let _shows_as_a_difference = self.frozen.fill(tag);
    }

    /// The tag, or 0 where the two differ.
    fn told(&self) -> u64 {
        let tag = self.tag.load(Relaxed);
        if self.frozen.get().is_ok_and(|frozen| frozen == tag) { tag } else { 0 }
    }
}

impl LastOneOut for Tagged {
    fn last_one_out(&self) {
        if DIES_AT_THE_END.load(Relaxed) {
            kill_myself();
        }
        write_down('D', self.tag.load(Relaxed));
    }
}

/// Whether the end is to be the death of the process.
static DIES_AT_THE_END: AtomicBool = AtomicBool::new(false);
/// Open from the start, so that writing a line is one system call. Lines are appended whole.
static LOG: OnceLock<File> = OnceLock::new();

pub(super) fn open_log(path: &str) -> Result<(), String> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let file = opened.map_err(|error| format!("{path}: {error}"))?;
    LOG.set(file).map_err(|_| "the log is open already".to_owned())
}

/// A line that could not be written would show as a construction too few.
fn write_down(kind: char, tag: u64) {
    if let Some(mut log) = LOG.get() {
        let _missing_line = log.write_all(format!("{kind} {tag}\n").as_bytes());
    }
}

/// A number that no other construction of the case has.
fn new_tag() -> u64 {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    u64::from(std::process::id()) << 32 | u64::from(COUNT.fetch_add(1, Relaxed))
}

/// The constructor.
pub(super) fn construct() -> Tagged {
    let tag = new_tag();
    write_down('C', tag);
    Tagged::new(tag)
}

/// The constructor that uses the new object where it stands.
fn construct_there(object: &Tagged) {
    let tag = new_tag();
    write_down('C', tag);
    object.take(tag);
}

/// A value that tells the same, filled in place.
#[cohabit::plain(appendable = 32)]
#[derive(Clone, Copy)]
pub(super) struct Filled {
    tag: u64,
}

/// The same in a newer program.
#[cohabit::plain(appendable = 32)]
#[derive(Clone, Copy)]
pub(super) struct Grown {
    tag: u64,
    more: u32,
    most: u64,
}

/// The constructor that fills.
pub(super) fn fill(fill: &mut Fill<'_, Filled>) {
    let tag = new_tag();
    write_down('C', tag);
    fill.put(Filled::TAG, tag);
}

/// The same by the schema of that type alone.
fn by_schema(folder: &str, name: &str) -> Result<Untyped, Error> {
    let schema = Schema::of(&<Value<Filled> as cohabit::Shareable>::KIND, false);
    let options = Untyped::options().scope(in_folder(folder));
    options.create_by_schema(name, &schema, |mut cell| {
        let tag = new_tag();
        write_down('C', tag);
        // Behind the tag there is room for fields that others may append.
        cell.bytes()[..8].copy_from_slice(&tag.to_le_bytes());
    })
}

fn options(folder: &str) -> Options<Tagged> {
    let options = Shared::<Tagged>::options().scope(in_folder(folder));
    if is_on_disk(folder) { options.keep(Keep::OnDisk) } else { options }
}

fn is_on_disk(folder: &str) -> bool {
    folder.starts_with(Realm::Disk.word())
}

fn kept(folder: &str) -> Options<Tagged> {
    if is_on_disk(folder) { options(folder) } else { options(folder).keep(Keep::UntilReboot) }
}

/// What a process holds of the object.
pub(super) enum Hold {
    Nothing,
    User(Shared<Tagged>),
    Observer(SharedView<Tagged>),
    Filler(SharedValue<Filled>),
    Grown(SharedValue<Grown>),
    Watcher(SharedView<Value<Filled>>),
    Untyped(Untyped),
    Follower(Follow<Filled>),
}

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
const LONG: Duration = Duration::from_secs(60);
/// Enough to ask the kernel about a builder, who lives.
const BRIEF: Duration = Duration::from_millis(25);

/// Follows to the first value.
fn follow(follow: Result<Follow<Filled>, Error>) -> Result<Hold, Error> {
    let mut follow = follow?;
    follow.next(LONG)?;
    Ok(Hold::Follower(follow))
}

/// Opens by a verb.
fn come(verb: &str, folder: &str, name: &str) -> Result<Hold, Error> {
    let fills = SharedValue::<Filled>::options().scope(in_folder(folder));
    Ok(match verb {
        "create_with" => Hold::Filler(fills.create_with(name, fill)?),
        "open_or_create_with" => Hold::Filler(fills.open_or_create_with(name, fill)?),
        "create_by_schema_with" => Hold::Untyped(by_schema(folder, name)?),
        "create_in_place" => Hold::User(options(folder).create_in_place(name, construct_there)?),
        "open_or_create_in_place" => {
            Hold::User(options(folder).open_or_create_in_place(name, construct_there)?)
        }
        "open_untyped" => Hold::Untyped(Untyped::open(name, &in_folder(folder))?),
        "open_untyped_read_only" => {
            Hold::Untyped(Untyped::open_read_only(name, &in_folder(folder))?)
        }
        "open_with" => Hold::Filler(fills.open(name)?),
        "open_grown_with" => {
            let grown = SharedValue::<Grown>::options().scope(in_folder(folder));
            Hold::Grown(grown.open(name)?)
        }
        "open_read_only_with" => Hold::Watcher(fills.open_read_only(name)?),
        "create" => Hold::User(options(folder).create(name, construct)?),
        "open" => Hold::User(options(folder).open(name)?),
        "open_wait" => Hold::User(options(folder).open_wait(name, LONG)?),
        "open_read_only_wait" => Hold::Observer(options(folder).open_read_only_wait(name, LONG)?),
        "follow" => follow(fills.follow(name))?,
        "follow_as_user" => follow(fills.follow_as_user(name))?,
        "open_or_create" => Hold::User(options(folder).open_or_create(name, construct)?),
        "open_or_create_briefly" => {
            Hold::User(options(folder).timeout(BRIEF).open_or_create(name, construct)?)
        }
        "open_or_create_kept" => Hold::User(kept(folder).open_or_create(name, construct)?),
        "open_or_create_accepting" => {
            Hold::User(kept(folder).accept_unverified().open_or_create(name, construct)?)
        }
        _ => Hold::Observer(options(folder).open_read_only(name)?),
    })
}

/// Whether an operation begins with an object that the victim holds already, and how it came by it.
fn comes_before(what: &str) -> Option<&'static str> {
    match what {
        "leave" | "leave_last" | "exit" | "exit_last" | "status" | "users" => {
            Some("open_or_create")
        }
        "leave_kept" | "exit_kept" => Some("open_or_create_kept"),
        "leave_view" | "view_status" | "view_users" => Some("open_read_only"),
        "untyped_status" | "untyped_users" => Some("open_untyped"),
        "follow_on" => Some("follow"),
        _ => None,
    }
}

/// The victim.
pub(super) fn suffer(what: &str, folder: &str, name: &str, log: &str) -> Result<(), String> {
    open_log(log)?;
    let mut hold = Hold::Nothing;
    if let Some(verb) = comes_before(what) {
        hold = come(verb, folder, name).map_err(|error| in_words(&error))?;
    }
    let done = trace::perform(|| act(what, folder, name, &mut hold));
    done.map_err(|error| error.to_string())?.map_err(|error| in_words(&error))
}

fn act(what: &str, folder: &str, name: &str, hold: &mut Hold) -> Result<(), Error> {
    let verb = what.split_once("__").map_or(what, |(verb, _)| verb);
    match verb {
        "leave" | "leave_last" | "leave_kept" | "leave_view" => *hold = Hold::Nothing,
        "exit" | "exit_last" | "exit_kept" => std::process::exit(0),
        "status" | "users" | "view_status" | "view_users" | "untyped_status" | "untyped_users" => {
            ask(what, hold)?;
        }
        "remove" | "remove_force" => {
            // Refused where the object is in use, which is right.
            let _refused = cohabit::remove(&in_folder(folder), name, verb == "remove_force");
        }
        "follow_on" => {
            if let Hold::Follower(follow) = hold {
                follow.next(LONG)?;
            }
        }
        "collect" => drop(cohabit::collect(&in_folder(folder))?),
        "list" => drop(cohabit::list(&in_folder(folder))?),
        "build_fails" => {
            let fails = || Err::<Tagged, String>("on purpose".to_owned());
            // The error is what was wanted.
            let _error = options(folder).open_or_create(name, fails);
        }
        "build_panics" => {
            let panics = || -> Tagged { panic!("on purpose") };
            let attempt = || options(folder).open_or_create(name, panics);
            let _panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt));
        }
        _ => *hold = come(verb, folder, name)?,
    }
    Ok(())
}

/// Asks what asks the kernel.
fn ask(what: &str, hold: &Hold) -> Result<(), Error> {
    match (what, hold) {
        ("status", Hold::User(object)) => object.standing().and_then(|_| object.status()).map(drop),
        ("users", Hold::User(object)) => object.users().map(drop),
        ("view_status", Hold::Observer(view)) => {
            view.standing().and_then(|_| view.status()).map(drop)
        }
        ("view_users", Hold::Observer(view)) => view.users().map(drop),
        ("untyped_status", Hold::Untyped(object)) => {
            object.standing().and_then(|_| object.status()).map(drop)
        }
        ("untyped_users", Hold::Untyped(object)) => object.users().map(drop),
        _ => Ok(()),
    }
}

/// The folder of an object that several users share.
fn home(folder: &str, name: &str) -> Result<std::path::PathBuf, String> {
    let root = cohabit::folder_of(&in_folder(folder)).map_err(|error| in_words(&error))?;
    root.map(|root| root.join(format!("cohabit.{name}"))).ok_or("no root".to_owned())
}

/// Leaves behind what only a death can.
pub(super) fn die(deed: &str, folder: &str, name: &str, log: &str) -> Result<(), String> {
    open_log(log)?;
    let failed = |error: Error| in_words(&error);
    match deed {
        "used" => {
            let _held = options(folder).create(name, construct).map_err(failed)?;
            kill_myself()
        }
        "used_with" => {
            let fills = SharedValue::<Filled>::options().scope(in_folder(folder));
            let _held = fills.create_with(name, fill).map_err(failed)?;
            kill_myself()
        }
        "kept" => {
            let _held = kept(folder).create(name, construct).map_err(failed)?;
            kill_myself()
        }
        "place" => {
            // What whoever may not remove the folder leaves: made, left, and made again, empty.
            let held = options(folder).create(name, construct).map_err(failed)?;
            let home = home(folder, name)?;
            drop(held);
            std::fs::create_dir(&home).map_err(|error| error.to_string())?;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&home, mode).map_err(|error| error.to_string())?;
        }
        "stray" => {
            let _held = options(folder).create(name, construct).map_err(failed)?;
            let object = home(folder, name)?.join(name);
            std::fs::remove_file(object).map_err(|error| error.to_string())?;
        }
        "building" => {
            let dies = || -> Tagged { kill_myself() };
            drop(options(folder).create(name, dies).map_err(failed)?);
        }
        "ending" => {
            DIES_AT_THE_END.store(true, Relaxed);
            drop(options(folder).create(name, construct).map_err(failed)?);
        }
        _ => return Err(format!("no such deed: {deed}")),
    }
    kill_myself()
}

/// A constructor that tells its tag, and goes on when it is told to.
fn paused(orders: &mut Orders) -> Tagged {
    let tag = new_tag();
    // The orders come from whoever reads this answer: if it is gone, so are they.
    let _told = answer(Ok(tag.to_string()));
    orders.pause();
    write_down('C', tag);
    Tagged::new(tag)
}

/// A player.
pub(super) fn play(log: &str) -> Result<(), String> {
    open_log(log)?;
    let mut orders = Orders::new();
    let mut hold = Hold::Nothing;
    while let Some(line) = orders.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let result = match words[..] {
            ["leave"] => {
                hold = Hold::Nothing;
                Ok(String::new())
            }
            ["build", folder, name] => {
                let build = || paused(&mut orders);
                options(folder).open_or_create(name, build).map(|object| {
                    hold = Hold::User(object);
                    String::new()
                })
            }
            ["make_nameless"] => handle::make().map(|made| {
                hold = made;
                opened(&hold)
            }),
            ["build_nameless"] => {
                Shared::<Tagged>::anonymous(|| paused(&mut orders)).map(|object| {
                    hold = Hold::User(object);
                    String::new()
                })
            }
            [verb, path] => handle::come(verb, &handle::open(path)?).map(|came| {
                hold = came;
                opened(&hold)
            }),
            [verb, folder, name] => come(verb, folder, name).map(|came| {
                hold = came;
                opened(&hold)
            }),
            _ => return Err(format!("no such order: {line}")),
        };
        answer(result.map_err(|error| in_words(&error)))?;
    }
    Ok(())
}

/// `TAG CREATED`; an observer cannot look into an object that is no value, and says 0.
fn opened(hold: &Hold) -> String {
    let tag = |read: Result<Filled, Error>| read.map_or(0, |filled| filled.tag);
    match hold {
        Hold::User(object) => format!("{} {}", object.told(), object.created()),
        Hold::Filler(object) => format!("{} {}", tag(object.get()), object.created()),
        Hold::Grown(object) => {
            let tag = object.get().map_or(0, |grown| grown.tag);
            format!("{tag} {}", object.created())
        }
        Hold::Watcher(view) => format!("{} false", tag(view.get())),
        Hold::Untyped(object) => format!("0 {}", object.name().is_empty()),
        Hold::Observer(_) | Hold::Follower(_) | Hold::Nothing => "0 false".to_owned(),
    }
}
