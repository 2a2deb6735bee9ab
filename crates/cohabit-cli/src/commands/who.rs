//! `cohabit who`: who uses an object, who reads it, and who has its locks, or died with them.
//!
//! It takes no lock and disturbs nobody: a lock is looked at several times, and a hold that is the same
//! at each look has lasted at least from the first to the last.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use cohabit::untyped::Untyped;
use cohabit::{Holder, LockState, ProcessState, Scope, User, Verdict};
use cohabit_os::accounts;
use serde_json::{Value as Json, json};

use crate::cli::parse_time;
use crate::exit::{self, Failure, Outcome};
use crate::out;
use crate::path::{hint_at_names, joined};
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
    let locks = watch_locks(&object, args.time)?;
    let people = People { users: object.users()?, observers: Vec::new(), hidden: 0 };
    let people = match object.observers() {
        Ok(found) => People { observers: found.seen, hidden: found.hidden, ..people },
        Err(error) => {
            exit::say(&format!("warning: observers are not shown: {error}"));
            people
        }
    };
    if args.json {
        out::json(&document(object.name(), &people, &locks))?;
        return Ok(());
    }
    let mut out = out::stdout();
    out.write_all(people.table().as_bytes())?;
    match people.hidden {
        0 => {}
        1 => writeln!(out, "1 other process may not be looked at")?,
        hidden => writeln!(out, "{hidden} other processes may not be looked at")?,
    }
    for lock in &locks {
        writeln!(out, "{}", out::flat(&lock.sentence(object.name()).replace('\n', " ")))?;
    }
    out.flush()?;
    Ok(())
}

/// A lock, and for how long the same holders were seen to have it.
struct Seen {
    lock: LockState,
    /// `None` where nobody who lives has it.
    held_for: Option<Duration>,
}

/// Looks at the locks, and again while somebody has one.
fn watch_locks(object: &Untyped, time: Duration) -> cohabit::Result<Vec<Seen>> {
    let mut last = object.locks()?;
    let began = Instant::now();
    let mut held: Vec<_> = last.iter().filter(|lock| lock.is_held()).cloned().collect();
    let mut last_look = began;
    while !held.is_empty() && last_look - began < time {
        let left = time.saturating_sub(began.elapsed());
        std::thread::sleep(left.min(time / LOOKS));
        // The clock is read before the look: a hold is never told longer than it was.
        last_look = Instant::now();
        last = object.locks()?;
        held.retain(|lock| last.iter().any(|now| lock.is_same_hold(now)));
    }
    let told = |lock: LockState| match held.iter().any(|held| held.is_same_hold(&lock)) {
        true => Some(Seen { lock, held_for: Some(last_look - began) }),
        // Who takes it and lets go again and again has it in no way that is worth telling.
        false if lock.is_held() => None,
        false => Some(Seen { lock, held_for: None }),
    };
    Ok(last.into_iter().filter_map(told).collect())
}

impl Seen {
    fn sentence(&self, object: &str) -> String {
        let time = self.held_for.map_or(0, |time| time.as_millis());
        // Without commits, who lets go and comes again between two looks is not told apart.
        let lasted = match (self.held_for, self.lock.has_commits()) {
            (None, _) => String::new(),
            (Some(_), true) => format!("; for at least {time} ms"),
            (Some(_), false) => format!("; so at every look for {time} ms"),
        };
        format!("lock of {}: {}{lasted}", joined(object, &self.lock.path), self.lock)
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
                state(user),
                out::flat(&command.replace('\n', " ")),
            ]);
        }
        table.render()
    }
}

/// What is unusual about it.
fn state(user: &User) -> String {
    let state = if user.state == ProcessState::Running { "" } else { user.state.as_str() };
    match user.debugger {
        Some(pid) if state.is_empty() => format!("debugger: {pid}"),
        Some(pid) => format!("{state}, debugger: {pid}"),
        None => state.to_owned(),
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

fn document(name: &str, people: &People, locks: &[Seen]) -> Json {
    let person = |(user, role): (&User, &str)| {
        json!({
            "pid": user.pid,
            "role": role,
            "uid": user.uid,
            "user": accounts::user_name(user.uid),
            "started_ns": user.started_ns,
            "state": user.state.as_str(),
            "debugger": user.debugger,
            "command": user.command,
        })
    };
    json!({
        "name": name,
        "processes": people.all().map(person).collect::<Vec<_>>(),
        "not_visible": people.hidden,
        "locks": locks.iter().map(lock).collect::<Vec<_>>(),
    })
}

fn lock(Seen { lock, held_for }: &Seen) -> Json {
    let holder = |holder: &Holder| {
        let user = holder.user.as_ref();
        let is_live = holder.verdict != Verdict::Dead;
        json!({
            "verdict": holder.verdict.as_str(),
            "hold": holder.hold.as_str(),
            "pid": user.map(|user| user.pid),
            "state": user.filter(|_| is_live).map(|user| user.state.as_str()),
            "debugger": user.and_then(|user| user.debugger),
            "command": user.and_then(|user| user.command.as_deref()),
        })
    };
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    json!({
        "path": lock.path,
        "cell": lock.cell,
        "holders": lock.holders.iter().map(holder).collect::<Vec<_>>(),
        "awaited": lock.awaited,
        "owner_died": lock.owner_died,
        "poisoned": lock.poisoned,
        "came": lock.gathering.map(|round| round.came),
        "parties": lock.gathering.map(|round| round.parties),
        "certain": lock.has_commits(),
        "at_least_ns": held_for.map(ns),
    })
}
