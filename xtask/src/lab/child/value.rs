//! Children that use a value: see `specimen`.
use super::specimen::Specimen;
use super::{Orders, answer, in_folder, in_words, kill_myself};
use crate::lab::trace;
use cohabit::untyped::Untyped;
use cohabit::{Error, Shared, SharedValue, SharedView, Value, Version};
use std::time::Duration;

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
const LONG: Duration = Duration::from_secs(60);

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
        value[..bytes.len()].copy_from_slice(bytes);
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
