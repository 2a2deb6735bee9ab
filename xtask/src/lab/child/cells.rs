//! Children that use an object with parts: an atomic, a flag, and cells without a lock.
//!
//! A field that holds the number n has n in each of its bytes, so that a torn one shows.
use super::{Orders, answer, in_folder, in_words};
use crate::lab::trace;
use cohabit::untyped::{Cell, Untyped};
use cohabit::{Error, Flag, Frozen, Loose, Options, Shared, SharedView, plain, shareable};
use std::mem::size_of;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
/// What the frozen part holds.
const FROZEN: u8 = 7;

/// Fields that share words with their neighbours; `g` begins and ends inside of a word.
#[plain]
#[derive(Clone, Copy, PartialEq)]
struct Mixed {
    a: u8,
    b: u8,
    c: u16,
    d: u32,
    e: u64,
    f: u16,
    g: [u16; 9],
    h: u16,
    i: u16,
}

/// The object.
#[shareable]
struct Bench {
    hits: AtomicU64,
    flag: Flag,
    frozen: Frozen<Mixed>,
    mixed: Loose<Mixed>,
}

/// A number in each byte of eight.
fn bytes(n: u8) -> u64 {
    u64::from_le_bytes([n; 8])
}

fn half(n: u8) -> u16 {
    u16::from_le_bytes([n; 2])
}

fn mixed(n: u8) -> Mixed {
    let d = u32::from_le_bytes([n; 4]);
    let (half, e) = (half(n), bytes(n));
    Mixed { a: n, b: n, c: half, d, e, f: half, g: [half; 9], h: half, i: half }
}

fn bench() -> Bench {
    Bench {
        hits: AtomicU64::new(bytes(1)),
        flag: Flag::new(true),
        frozen: Frozen::new(mixed(FROZEN)),
        mixed: Loose::new(mixed(1)),
    }
}

/// The number in a field of so many bytes.
fn number(field: u64, size: usize) -> String {
    let n = field as u8;
    let whole = bytes(n) >> (64 - 8 * size);
    if whole == field { n.to_string() } else { format!("torn:{field:#x}") }
}

/// All fields, in the order in which the oracle knows them.
fn text(hits: u64, flag: bool, mixed: Mixed) -> String {
    let of = |value: u16| number(value.into(), 2);
    let Mixed { a, b, c, d, e, f, g, h, i } = mixed;
    let mut fields = vec![number(hits, 8), u8::from(flag).to_string()];
    fields.extend([number(a.into(), 1), number(b.into(), 1), of(c), number(d.into(), 4)]);
    fields.extend([number(e, 8), of(f)]);
    fields.extend(g.map(of));
    fields.extend([of(h), of(i)]);
    fields.join(" ")
}

/// What somebody found who read a frozen part, or a loose one that nobody changes.
fn expect<T: PartialEq>(found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err("another value than was written".to_owned()) }
}

fn options(folder: &str) -> Options<Bench> {
    Shared::<Bench>::options().scope(in_folder(folder))
}

/// The part of a user's object that is not read by [`text`].
fn check_frozen(frozen: Result<Mixed, Error>) -> Result<(), String> {
    expect(frozen.map_err(|error| in_words(&error))?, mixed(FROZEN))
}

fn read(object: &Bench) -> Result<String, String> {
    check_frozen(object.frozen.get())?;
    let mixed = object.mixed.load().map_err(|error| in_words(&error))?;
    Ok(text(object.hits.load(Relaxed), object.flag.load(Relaxed), mixed))
}

fn read_view(view: &SharedView<Bench>) -> Result<String, String> {
    let parts = view.view();
    check_frozen(parts.frozen().get())?;
    let mixed = parts.mixed().load().map_err(|error| in_words(&error))?;
    Ok(text(parts.hits().load(), parts.flag().load(), mixed))
}

/// Does one operation as a user.
fn act(object: &Bench, what: &str, n: u8) -> Result<(), Error> {
    let (frozen, loose) = (&object.frozen, &object.mixed);
    let mut into = mixed(0);
    match what {
        "flag_load" => drop(object.flag.load(Relaxed)),
        "flag_store" => object.flag.store(n % 2 == 1, Relaxed),
        "flag_swap" => drop(object.flag.swap(n % 2 == 1, Relaxed)),
        "frozen_get" => drop(frozen.get()?),
        "frozen_get_into" => frozen.get_into(&mut into)?,
        "frozen_get_boxed" => drop(frozen.get_boxed()?),
        "frozen_get_part" => drop(frozen.get_part(Mixed::E)?),
        "loose_load" => drop(loose.load()?),
        "loose_load_into" => loose.load_into(&mut into)?,
        "loose_load_part" => drop(loose.load_part(Mixed::G)?),
        "loose_store" => loose.store(mixed(n))?,
        "loose_store_from" => loose.store_from(&mixed(n))?,
        "loose_store_span" => loose.store_part(Mixed::G, [half(n); 9])?,
        "loose_store_part" | "cell_update_loose" => loose.store_part(Mixed::C, half(n))?,
        _ => drop(loose.load()?),
    }
    Ok(())
}

/// The same as an observer.
fn watch(view: &SharedView<Bench>, what: &str) -> Result<(), Error> {
    let (frozen, loose) = (view.view().frozen(), view.view().mixed());
    let mut into = mixed(0);
    match what {
        "parts_frozen_get" => drop(frozen.get()?),
        "parts_frozen_get_into" => frozen.get_into(&mut into)?,
        "parts_frozen_get_boxed" => drop(frozen.get_boxed()?),
        "parts_frozen_get_part" => drop(frozen.get_part(Mixed::E)?),
        "parts_loose_load_into" => loose.load_into(&mut into)?,
        "parts_loose_load_part" => drop(loose.load_part(Mixed::G)?),
        "parts_load" => drop((view.view().hits().load(), view.view().flag().load())),
        _ => drop(loose.load()?),
    }
    Ok(())
}

/// The same by the schema.
fn by_schema(cell: Cell<'_>, what: &str, n: u8) -> Result<(), Error> {
    let change = |bytes: &mut [u8]| {
        match what {
            "cell_update_loose" => bytes[2..2 + size_of::<u16>()].fill(n),
            "cell_update_flag" => bytes.fill(n % 2),
            _ => bytes.fill(n),
        }
        Ok::<(), ()>(())
    };
    match what {
        "cell_read" => cell.read().map(drop),
        // The closure says Ok.
        _ => cell.update(LONG, change).map(drop),
    }
}

/// Which cell an operation by schema is about.
fn cell_of(what: &str) -> &'static str {
    match what {
        "cell_update_flag" => "flag",
        "cell_update_atomic" => "hits",
        _ => "mixed",
    }
}

/// The victim.
pub(super) fn suffer(what: &str, folder: &str, name: &str, number: &str) -> Result<(), String> {
    let n = number.parse().map_err(|_| format!("no number: {number}"))?;
    let failed = |error: Error| in_words(&error);
    let done = if what.starts_with("cell_") {
        let object = Untyped::open(name, &in_folder(folder)).map_err(failed)?;
        let cell = object.cells().find(|cell| cell.path() == cell_of(what)).ok_or("no cell")?;
        trace::perform(|| by_schema(cell, what, n))
    } else if what.starts_with("parts_") {
        let view = options(folder).open_read_only(name).map_err(failed)?;
        trace::perform(|| watch(&view, what))
    } else {
        let object = options(folder).open(name).map_err(failed)?;
        trace::perform(|| act(&object, what, n))
    };
    done.map_err(|error| error.to_string())?.map_err(failed)
}

/// What a player holds.
enum Hold {
    Nothing,
    User(Shared<Bench>),
    Observer(SharedView<Bench>),
}

/// A player.
pub(super) fn play() -> Result<(), String> {
    let mut orders = Orders::new();
    let mut hold = Hold::Nothing;
    while let Some(line) = orders.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        answer(obey(&words, &mut hold))?;
    }
    Ok(())
}

fn obey(words: &[&str], hold: &mut Hold) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    match (words, &*hold) {
        (["create", folder, name], _) => {
            *hold = Hold::User(options(folder).create(name, bench).map_err(failed)?);
        }
        (["open", folder, name], _) => {
            *hold = Hold::User(options(folder).open(name).map_err(failed)?);
        }
        (["view", folder, name], _) => {
            *hold = Hold::Observer(options(folder).open_read_only(name).map_err(failed)?);
        }
        (["leave"], _) => *hold = Hold::Nothing,
        (["read"], Hold::User(object)) => return read(object),
        (["read"], Hold::Observer(view)) => return read_view(view),
        (["beside", number], Hold::User(object)) => {
            let n = number.parse().map_err(|_| format!("no number: {number}"))?;
            return beside(object, n).map(|()| String::new());
        }
        (["do", what, number], Hold::User(object)) => {
            let n = number.parse().map_err(|_| format!("no number: {number}"))?;
            do_as_the_victim(object, what, n)?;
        }
        _ => return Err(format!("no such order: {words:?}")),
    }
    Ok(String::new())
}

/// Stores the fields that stand beside those of the victim, in the same words; each must be there then.
fn beside(object: &Bench, n: u8) -> Result<(), String> {
    let (loose, value) = (&object.mixed, mixed(n));
    let failed = |error: Error| in_words(&error);
    loose.store_part(Mixed::A, value.a).map_err(failed)?;
    loose.store_part(Mixed::B, value.b).map_err(failed)?;
    loose.store_part(Mixed::D, value.d).map_err(failed)?;
    loose.store_part(Mixed::F, value.f).map_err(failed)?;
    loose.store_part(Mixed::H, value.h).map_err(failed)?;
    loose.store_part(Mixed::I, value.i).map_err(failed)?;
    let found = loose.load().map_err(failed)?;
    let stored = (found.a, found.b, found.d, found.f, found.h, found.i);
    expect(stored, (value.a, value.b, value.d, value.f, value.h, value.i))
}

/// What the victim does, by whoever survives it.
fn do_as_the_victim(object: &Shared<Bench>, what: &str, n: u8) -> Result<(), String> {
    let failed = |error: Error| in_words(&error);
    match what {
        "cell_update_atomic" => object.hits.store(bytes(n), Relaxed),
        "cell_update_flag" => act(object, "flag_store", n).map_err(failed)?,
        _ => act(object, what, n).map_err(failed)?,
    }
    Ok(())
}
