//! Many objects in one folder, and many users of one object.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use cohabit::{ErrorKind, Keep, Options, Scope, Value};

use super::{MyData, Setting, holder, said, within};
use crate::bench::report::{Figure, Quantity};
use crate::bench::rounds::{Probe, Table, compare, median};
use crate::peer::Peer;

const OBJECTS: usize = 10_000;
const USERS: usize = 50;
/// What a ratio of 1 is allowed to be off by, where the promise is "not slower".
const NOT_SLOWER: f64 = 1.1;

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let mut figures = objects(setting)?;
    figures.push(users(setting)?);
    Ok(figures)
}

fn kept(folder: &Path) -> Options<AtomicU64> {
    within::<AtomicU64>(folder).keep(Keep::UntilReboot)
}

fn objects(setting: &Setting) -> Result<Vec<Figure>, String> {
    let (few, many) = (setting.folder("few")?, setting.folder("many")?);
    let listing = Figure::new("list of 10,000 objects");
    drop(kept(&few).create("object-0", || AtomicU64::new(0)).map_err(said)?);
    for number in 0..OBJECTS {
        let made = kept(&many).create(&format!("object-{number}"), || AtomicU64::new(0));
        match made {
            Ok(object) => drop(object),
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                return Ok(vec![listing.skipped(error.to_string())]);
            }
            Err(error) => return Err(said(error)),
        }
    }
    let scope = Scope::Folder(many.clone());
    let mut seconds = Vec::new();
    for _ in 0..if setting.quick { 1 } else { 5 } {
        let start = Instant::now();
        let found = cohabit::list(&scope).map_err(said)?.len();
        seconds.push(start.elapsed().as_secs_f64());
        if found != OBJECTS {
            return Err(format!("{OBJECTS} objects were made, and {found} are listed"));
        }
    }
    let listing = listing.measured(median(seconds), "s").at_most(1.0);
    Ok(vec![listing, attach_among_many(setting, &few, &many)])
}

/// Another object each time, all over the folder.
fn attach_among_many(setting: &Setting, few: &Path, many: &Path) -> Figure {
    const STEP: usize = 7919;
    let (few, many) = (kept(few), kept(many));
    let names: Vec<String> = (0..OBJECTS).map(|number| format!("object-{number}")).collect();
    let mut at = 0;
    let expected = "the object is kept";
    let table = compare(
        setting.rounds(),
        &mut [
            Probe::new(|| drop(few.open("object-0").expect(expected))),
            Probe::new(|| {
                at = (at + STEP) % OBJECTS;
                drop(many.open(&names[at]).expect(expected));
            }),
        ],
    );
    beside("attach among 10,000 objects", "with 1 object", &table).at_most(NOT_SLOWER)
}

/// One more user of an object that has many, and of one that has one.
fn users(setting: &Setting) -> Result<Figure, String> {
    let folder = setting.folder("users")?;
    let _one = holder(&folder, "one")?;
    let many: Result<Vec<Peer>, String> = (0..USERS).map(|_| holder(&folder, "many")).collect();
    let _many = many?;
    let options = within::<Value<MyData>>(&folder);
    let attach = |name| drop(options.open(name).expect("the object is kept"));
    let table = compare(
        setting.rounds(),
        &mut [Probe::new(|| attach("one")), Probe::new(|| attach("many"))],
    );
    let found = options.open("many").and_then(|object| object.users()).map_err(said)?.len();
    if found != USERS + 1 {
        return Err(format!("{} processes use the object, and {found} are counted", USERS + 1));
    }
    Ok(beside("attach + detach beside 50 users", "beside 1 user", &table).at_most(1.2))
}

fn beside(name: &str, what: &'static str, table: &Table) -> Figure {
    let floor = Quantity(table.median(0) / 1000.0, "µs");
    Figure::new(name).measured(table.median(1) / 1000.0, "µs").floor(what, floor, table.ratio(1, 0))
}
