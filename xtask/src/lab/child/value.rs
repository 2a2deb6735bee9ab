//! Children that use a value, of 8 or of 72 bytes.
//!
//! All bytes of a test value follow from two numbers, its label: `head` from the first, `rest` from
//! the second. A value in which they do not fit each other is torn.
use super::{Orders, answer, in_folder, in_words, kill_myself};
use crate::lab::trace;
use cohabit::untyped::Untyped;
use cohabit::{Error, Part, Plain, Shared, SharedValue, SharedView, Value, Version, plain};
use std::time::Duration;

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
const LONG: Duration = Duration::from_secs(60);

/// The small value: one word.
#[plain]
#[derive(Clone, Copy)]
pub(super) struct Eight {
    head: u32,
    rest: u32,
}

/// The large value: nine words.
#[plain]
#[derive(Clone, Copy)]
pub(super) struct Wide {
    head: u64,
    rest: [u64; 8],
}

/// What the laboratory asks of a value.
pub(super) trait Specimen: Plain + Copy {
    /// The type of the first part.
    type Head: Plain;
    /// The type of the other part.
    type Rest: Plain;
    /// The first part.
    const HEAD: Part<Self, Self::Head>;
    /// The other part.
    const REST: Part<Self, Self::Rest>;
    /// The first part of a value.
    fn head(number: u64) -> Self::Head;
    /// A value by its parts.
    fn join(head: Self::Head, rest: Self::Rest) -> Self;
    /// A value by its numbers.
    fn make(label: (u64, u64)) -> Self;
    /// The numbers of a value; nothing if it is torn.
    fn label(&self) -> Option<(u64, u64)>;
    /// The value's canonical bytes.
    fn bytes(&self) -> Vec<u8>;
}

/// A word that tells its number and its place: 24 bits of number, the others depend on both.
fn word(number: u64, place: u64) -> u64 {
    let mixed = (number << 8 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number & 0xff_ffff) | (mixed >> 24 << 24)
}

fn number(word_: u64, place: u64) -> Option<u64> {
    let number = word_ & 0xff_ffff;
    (word(number, place) == word_).then_some(number)
}

/// The same in 32 bits: 16 of number.
fn half(number: u64, place: u64) -> u32 {
    let check = word(number, place) >> 40 & 0xffff;
    u32::try_from(check << 16 | (number & 0xffff)).unwrap_or(0)
}

fn half_number(half_: u32, place: u64) -> Option<u64> {
    let number = u64::from(half_ & 0xffff);
    (half(number, place) == half_).then_some(number)
}

impl Specimen for Eight {
    type Head = u32;
    type Rest = u32;
    const HEAD: Part<Self, u32> = Self::HEAD;
    const REST: Part<Self, u32> = Self::REST;

    fn head(number: u64) -> u32 {
        half(number, 0)
    }

    fn join(head: u32, rest: u32) -> Self {
        Self { head, rest }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        Self { head: half(part, 0), rest: half(rest, 1) }
    }

    fn label(&self) -> Option<(u64, u64)> {
        Some((half_number(self.head, 0)?, half_number(self.rest, 1)?))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.to_le_bytes(), self.rest.to_le_bytes()].concat()
    }
}

impl Specimen for Wide {
    type Head = u64;
    type Rest = [u64; 8];
    const HEAD: Part<Self, u64> = Self::HEAD;
    const REST: Part<Self, [u64; 8]> = Self::REST;

    fn head(number: u64) -> u64 {
        word(number, 0)
    }

    fn join(head: u64, rest: [u64; 8]) -> Self {
        Self { head, rest }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        let places = [1, 2, 3, 4, 5, 6, 7, 8];
        Self { head: word(part, 0), rest: places.map(|place| word(rest, place)) }
    }

    fn label(&self) -> Option<(u64, u64)> {
        let first = number(self.rest[0], 1)?;
        let whole = (1..).zip(self.rest).all(|(place, word_)| number(word_, place) == Some(first));
        whole.then_some((number(self.head, 0)?, first))
    }

    fn bytes(&self) -> Vec<u8> {
        let words = [self.head].into_iter().chain(self.rest);
        words.flat_map(u64::to_le_bytes).collect()
    }
}

/// What an operation gave: a value, a version, both or nothing.
struct Outcome<T> {
    value: Option<T>,
    version: Option<Version>,
}

impl<T: Specimen> Outcome<T> {
    const NOTHING: Self = Self { value: None, version: None };

    fn value(value: T) -> Self {
        Self { value: Some(value), version: None }
    }

    fn version(version: Version) -> Self {
        Self { value: None, version: Some(version) }
    }

    fn both((value, version): (T, Version)) -> Self {
        Self { value: Some(value), version: Some(version) }
    }

    /// `VERSION PART REST`, what there is of it.
    fn text(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.version.map(|version| version.number().to_string()));
        words.extend(self.value.map(|value| match value.label() {
            Some((part, rest)) => format!("{part} {rest}"),
            None => "torn".to_owned(),
        }));
        words.join(" ")
    }
}

/// How a user reaches the object.
enum Hold<T: Specimen> {
    Nothing,
    User(SharedValue<T>),
    Observer(SharedView<Value<T>>),
}

/// Does one operation by its name in the laboratory's list.
fn act<T: Specimen>(
    object: &Value<T>,
    what: &str,
    number: u64,
    seen: Version,
) -> Result<Outcome<T>, Error> {
    let whole = T::make((number, number));
    let mut into = whole;
    let adds = |value: &mut T| {
        // A torn value stays torn, so that readers tell.
        if let Some((part, rest)) = value.label() {
            *value = T::make((part + 1, rest + 1));
        }
    };
    let head = || T::head(number);
    Ok(match what {
        "get" | "untyped_read" | "untyped_held_locks" => Outcome::value(object.get()?),
        "read" => Outcome::both(object.read()?),
        "get_into" => {
            let version = object.get_into(&mut into)?;
            Outcome::both((into, version))
        }
        "get_boxed" => Outcome::value(*object.get_boxed()?),
        "get_part" => Outcome::value(T::join(object.get_part(T::HEAD)?, object.get_part(T::REST)?)),
        "version" => Outcome::version(object.version()?),
        "pin" | "pin_dead" => {
            let pinned = object.pin()?;
            let value = T::join(pinned.get_part(T::HEAD)?, pinned.get_part(T::REST)?);
            Outcome::both((value, pinned.version()))
        }
        "wait_changed" => Outcome::both(object.wait_changed(seen, LONG)?),
        "wait_version" | "untyped_wait_version" => {
            Outcome::version(object.wait_version(seen, LONG)?)
        }
        "set"
        | "set_quiet"
        | "set_contended"
        | "set_takeover"
        | "untyped_update"
        | "untyped_update_takeover" => Outcome::version(object.set(whole)?),
        "try_set" | "try_set_takeover" => Outcome::version(object.try_set(whole)?),
        "set_timeout" => Outcome::version(object.set_timeout(whole, LONG)?),
        "set_from" => Outcome::version(object.set_from(&whole)?),
        "try_set_from" => Outcome::version(object.try_set_from(&whole)?),
        "set_from_timeout" => Outcome::version(object.set_from_timeout(&whole, LONG)?),
        "set_part" | "set_part_takeover" => Outcome::version(object.set_part(T::HEAD, head())?),
        "try_set_part" => Outcome::version(object.try_set_part(T::HEAD, head())?),
        "set_part_timeout" => Outcome::version(object.set_part_timeout(T::HEAD, head(), LONG)?),
        "update" | "update_takeover" => object.update(adds).map(|()| Outcome::NOTHING)?,
        "try_update" => object.try_update(adds).map(|()| Outcome::NOTHING)?,
        "update_timeout" => object.update_timeout(adds, LONG).map(|()| Outcome::NOTHING)?,
        "update_panics" => {
            let attempt = || object.update(|_| -> () { panic!("on purpose") });
            // The panic is what was wanted.
            let _panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt));
            Outcome::NOTHING
        }
        _ => unreachable!("no operation {what}"),
    })
}

/// The same for an observer.
fn watch<T: Specimen>(
    view: &SharedView<Value<T>>,
    what: &str,
    seen: Version,
) -> Result<Outcome<T>, Error> {
    let mut into = T::make((0, 0));
    Ok(match what {
        "view_get" => Outcome::value(view.get()?),
        "view_get_into" => {
            let version = view.get_into(&mut into)?;
            Outcome::both((into, version))
        }
        "view_get_boxed" => Outcome::value(*view.get_boxed()?),
        "view_get_part" => {
            Outcome::value(T::join(view.get_part(T::HEAD)?, view.get_part(T::REST)?))
        }
        "view_version" => Outcome::version(view.version()),
        "view_wait_changed" => Outcome::both(view.wait_changed(seen, LONG)?),
        "view_wait_version" => Outcome::version(view.wait_version(seen, LONG)?),
        _ => Outcome::both(view.read()?),
    })
}

/// The same for somebody who knows the type by its schema only.
fn by_schema<T: Specimen>(
    object: &Untyped,
    what: &str,
    bytes: &[u8],
    seen: Version,
) -> Result<Outcome<T>, Error> {
    match what {
        "untyped_read" => return object.read().map(|(_, version)| Outcome::version(version)),
        "untyped_held_locks" => return object.held_locks().map(|_locks| Outcome::NOTHING),
        "untyped_wait_version" => return object.wait_version(seen, LONG).map(Outcome::version),
        _ => {}
    }
    let all = |value: &mut [u8]| {
        value.copy_from_slice(bytes);
        Ok::<(), ()>(())
    };
    // The closure says Ok.
    object.update(LONG, all).map(|_said| Outcome::NOTHING)
}

/// The victim: opens, then does one operation under the eyes of the tracer.
pub(super) fn suffer<T: Specimen>(
    what: &str,
    folder: &str,
    name: &str,
    number: &str,
) -> Result<(), String> {
    let number = number.parse().map_err(|_| format!("no number: {number}"))?;
    let options = Shared::<Value<T>>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let done = if what.starts_with("untyped_") {
        let object = Untyped::open(name, &in_folder(folder)).map_err(failed)?;
        let bytes = T::make((number, number)).bytes();
        let (_, seen) = object.read().map_err(failed)?;
        trace::perform(|| by_schema::<T>(&object, what, &bytes, seen))
    } else if what.starts_with("follow_") {
        let follow = match what {
            "follow_user_next" => options.follow_as_user(name),
            _ => options.follow(name),
        };
        let mut follow = follow.map_err(failed)?;
        let (mut into, _) = follow.next(LONG).map_err(failed)?;
        trace::perform(|| match what {
            "follow_next_into" => follow.next_into(&mut into, LONG).map(Outcome::version),
            _ => follow.next(LONG).map(Outcome::both),
        })
    } else if what.starts_with("view_") {
        let view = options.open_read_only(name).map_err(failed)?;
        let seen = view.version();
        trace::perform(|| watch(&view, what, seen))
    } else {
        let object = options.open(name).map_err(failed)?;
        let seen = object.version().map_err(failed)?;
        trace::perform(|| act(&object, what, number, seen))
    };
    done.map_err(|error| error.to_string())?.map(drop).map_err(failed)
}

/// Dies while it holds the lock, or pins.
pub(super) fn die<T: Specimen>(deed: &str, folder: &str, name: &str) -> Result<(), String> {
    let options = Shared::<Value<T>>::options().scope(in_folder(folder));
    let object = options.open(name).map_err(|error| in_words(&error))?;
    if deed == "update" {
        let died = object.update(|value| {
            *value = T::make((7777, 7777));
            kill_myself()
        });
        return died.map_err(|error| in_words(&error));
    }
    let pins: Result<Vec<_>, _> = (0..6).map(|_| object.pin()).collect();
    let _held = pins.map_err(|error| in_words(&error))?;
    kill_myself()
}

/// A player: one order after the other.
pub(super) fn play<T: Specimen>() -> Result<(), String> {
    let mut orders = Orders::new();
    let mut hold = Hold::<T>::Nothing;
    while let Some(line) = orders.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let result = obey(&words, &mut hold, &mut orders);
        answer(result)?;
    }
    Ok(())
}

fn obey<T: Specimen>(
    words: &[&str],
    hold: &mut Hold<T>,
    orders: &mut Orders,
) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    let options = |folder| Shared::<Value<T>>::options().scope(in_folder(folder));
    match (words, &*hold) {
        (["create", folder, name], _) => {
            let made = options(folder).create(name, || T::make((0, 0))).map_err(failed)?;
            *hold = Hold::User(made);
        }
        (["open", folder, name], _) => {
            *hold = Hold::User(options(folder).open(name).map_err(failed)?);
        }
        (["view", folder, name], _) => {
            *hold = Hold::Observer(options(folder).open_read_only(name).map_err(failed)?);
        }
        (["leave"], _) => *hold = Hold::Nothing,
        (["read"], Hold::Observer(view)) => {
            return Ok(Outcome::both(view.read().map_err(failed)?).text());
        }
        (["read"], Hold::User(object)) => {
            return Ok(Outcome::both(object.read().map_err(failed)?).text());
        }
        (["do", what, _], Hold::Observer(view)) => {
            return Ok(watch(view, what, Version::NONE).map_err(failed)?.text());
        }
        (["do", what, number], Hold::User(object)) => {
            let number = number.parse().unwrap_or(0);
            return Ok(act(object, what, number, Version::NONE).map_err(failed)?.text());
        }
        (["wait", seen], Hold::User(object)) => return wait(object, seen),
        (["pins", count], Hold::User(object)) => return pins(object, count.parse().unwrap_or(0)),
        (["hold"], Hold::User(object)) => {
            let held = object.update(|value| {
                let (part, rest) = value.label().unwrap_or_default();
                *value = T::make((part + 1, rest + 1));
                let told = answer(Ok(String::new()));
                orders.pause();
                told
            });
            held.map_err(failed)??;
        }
        _ => return Err(format!("no such order: {words:?}")),
    }
    Ok(String::new())
}

/// Waits until the version is not the one that is given.
fn wait<T: Specimen>(object: &SharedValue<T>, seen: &str) -> Result<String, String> {
    let (value, now) = object.read().map_err(|error| in_words(&error))?;
    if now.number().to_string() != *seen {
        return Ok(Outcome::both((value, now)).text());
    }
    let waited = object.wait_changed(now, LONG).map_err(|error| in_words(&error))?;
    Ok(Outcome::both(waited).text())
}

/// Takes so many pins at once; what the last one shows.
fn pins<T: Specimen>(object: &SharedValue<T>, count: usize) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    let pins: Result<Vec<_>, _> = (0..count).map(|_| object.pin()).collect();
    let pins = pins.map_err(failed)?;
    let last = pins.last().ok_or("no pins")?;
    let value =
        T::join(last.get_part(T::HEAD).map_err(failed)?, last.get_part(T::REST).map_err(failed)?);
    Ok(Outcome::both((value, last.version())).text())
}
