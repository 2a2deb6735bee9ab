//! `cohabit who`: who uses an object, who reads it, and who holds its locks.
//!
//! It takes no lock and disturbs nobody: a lock is looked at several times, and a hold that is the same
//! at each look has lasted at least from the first to the last.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use cohabit::untyped::Untyped;
use cohabit::{HeldLock, Scope, User};
use cohabit_os::accounts;
use serde_json::{Value as Json, json};

use crate::cli::parse_time;
use crate::exit::{self, Failure, Outcome};
use crate::out;
use crate::path::hint_at_names;
use crate::table::{Side, Table};

/// How often a held lock is looked at again.
const LOOKS: u32 = 10;

/// What can be typed behind `who`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: String,

    /// Print a JSON object with users, observers and locks
    #[arg(long)]
    json: bool,

    /// How long to look at locks that are held
    #[arg(long = "for", value_name = "TIME", default_value = "100ms", value_parser = parse_time)]
    time: Duration,
}

/// Prints who is there.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let object = Untyped::open_read_only(&args.name, scope)
        .map_err(|error| hint_at_names(Failure::from(error), scope))?;
    let holds = watch_locks(&object, args.time)?;
    let people = People { users: object.users()?, observers: Vec::new(), hidden: 0 };
    let people = match object.observers() {
        Ok(found) => People { observers: found.seen, hidden: found.hidden, ..people },
        Err(error) => {
            exit::say(&format!("warning: observers are not shown: {error}"));
            people
        }
    };
    if args.json {
        out::json(&document(object.name(), &people, &holds))?;
        return Ok(());
    }
    let mut out = out::stdout();
    out.write_all(people.table().as_bytes())?;
    match people.hidden {
        0 => {}
        1 => writeln!(out, "1 other process may not be looked at")?,
        hidden => writeln!(out, "{hidden} other processes may not be looked at")?,
    }
    for hold in &holds {
        writeln!(out, "{}", out::flat(&hold.sentence(object.name())))?;
    }
    out.flush()?;
    Ok(())
}

/// A lock that is held, and how long it was seen to be.
struct Hold {
    lock: HeldLock,
    seen_for: Duration,
}

/// Looks at the locks, and again at those that are held.
fn watch_locks(object: &Untyped, time: Duration) -> cohabit::Result<Vec<Hold>> {
    let first = object.held_locks()?;
    let began = Instant::now();
    let hold = |lock| Hold { lock, seen_for: Duration::ZERO };
    let mut holds: Vec<_> = first.into_iter().map(hold).collect();
    let mut last_look = began;
    while !holds.is_empty() && last_look - began < time {
        let left = time.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(time / LOOKS));
        // The clock is read before the look: a hold is never told longer than it was.
        last_look = Instant::now();
        let now = object.held_locks()?;
        holds.retain_mut(|hold| match now.iter().find(|lock| hold.lock.is_same_hold(lock)) {
            Some(lock) => {
                hold.lock = lock.clone();
                hold.seen_for = last_look - began;
                true
            }
            None => false,
        });
    }
    Ok(holds)
}

impl Hold {
    fn sentence(&self, object: &str) -> String {
        let HeldLock { path, holder, awaited, shared, .. } = &self.lock;
        let held = if *shared { "held for reading" } else { "held" };
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let who = match holder {
            Some(user) if user.stopped => format!("{user}, which is stopped"),
            Some(user) => user.to_string(),
            None => "a process that its row does not tell".to_owned(),
        };
        let waited = if *awaited { "; somebody waits for it" } else { "" };
        let time = self.seen_for.as_millis();
        // Without commits, who lets go and comes again between two looks is not told apart.
        let held = match self.lock.has_commits() {
            true => format!("{held} for at least {time} ms"),
            false => format!("{held} at every look for {time} ms"),
        };
        format!("lock of {object}{dot}{path}: {held} by {who}{waited}")
    }
}

/// Those who have the object.
struct People {
    users: Vec<User>,
    observers: Vec<User>,
    hidden: usize,
}

impl People {
    /// Everybody with the role.
    fn all(&self) -> impl Iterator<Item = (&User, &'static str)> {
        let role = |user: &User| if user.guest { "guest" } else { "user" };
        let users = self.users.iter().map(move |user| (user, role(user)));
        users.chain(self.observers.iter().map(|user| (user, "observer")))
    }

    fn table(&self) -> String {
        let mut table = Table::new([
            ("PID", Side::Right),
            ("ROLE", Side::Left),
            ("USER", Side::Left),
            ("STARTED", Side::Left),
            ("STATE", Side::Left),
            ("COMMAND", Side::Left),
        ]);
        for (user, role) in self.all() {
            let name = accounts::user_name(user.uid);
            let command = user.command.as_deref().unwrap_or("(cannot be seen from here)");
            table.row([
                user.pid.to_string(),
                role.to_owned(),
                name.unwrap_or_else(|| user.uid.to_string()),
                user.started_ns.map_or_else(String::new, ago),
                if user.stopped { "stopped" } else { "" }.to_owned(),
                out::flat(&command.replace('\n', " ")),
            ]);
        }
        table.render()
    }
}

/// How long ago that was, in its largest unit.
fn ago(ns: u64) -> String {
    let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(ns);
    let seconds = SystemTime::now().duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86400),
    }
}

fn document(name: &str, people: &People, holds: &[Hold]) -> Json {
    let person = |(user, role): (&User, &str)| {
        json!({
            "pid": user.pid,
            "role": role,
            "uid": user.uid,
            "user": accounts::user_name(user.uid),
            "started_ns": user.started_ns,
            "stopped": user.stopped,
            "command": user.command,
        })
    };
    let hold = |hold: &Hold| {
        json!({
            "path": hold.lock.path,
            "pid": hold.lock.holder.as_ref().map(|user| user.pid),
            "stopped": hold.lock.holder.as_ref().map(|user| user.stopped),
            "certain": hold.lock.has_commits(),
            "at_least_ns": u64::try_from(hold.seen_for.as_nanos()).unwrap_or(u64::MAX),
            "awaited": hold.lock.awaited,
            "shared": hold.lock.shared,
        })
    };
    json!({
        "name": name,
        "processes": people.all().map(person).collect::<Vec<_>>(),
        "not_visible": people.hidden,
        "locks": holds.iter().map(hold).collect::<Vec<_>>(),
    })
}
