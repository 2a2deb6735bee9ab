//! Children that use a value: see `specimen`.
use super::executor::{begin, is_served, poll_for, wait_for};
use super::specimen::Specimen;
use super::{Orders, answer, in_folder, in_words, kill_myself};
use crate::lab::trace;
use cohabit::changed::ChangedVersion;
use cohabit::untyped::Untyped;
use cohabit::{Error, Options, Shareable, Shared, SharedView, Value, Version};
use std::time::Duration;

/// Longer than the watchdog: who waits in vain must not be saved by its own deadline.
pub(super) const LONG: Duration = Duration::from_secs(60);
/// Enough to ask the kernel about a holder, who lives.
pub(super) const BRIEF: Duration = Duration::from_millis(25);

/// A value that a child uses: single, or a slice.
pub(super) trait Subject: Shareable {
    /// What it holds, by value.
    type Contents: Specimen;
    /// Makes the object, with its first value.
    fn create(options: &Options<Self>, name: &str) -> Result<Shared<Self>, Error>;
    /// Does one operation by its name in the laboratory's list.
    fn act(&self, what: &str, number: u64, seen: Version)
    -> Result<Outcome<Self::Contents>, Error>;
    /// The same for an observer.
    fn watch(
        view: &SharedView<Self>,
        what: &str,
        seen: Version,
    ) -> Result<Outcome<Self::Contents>, Error>;
    /// Adds 1 to both numbers, and does something else inside of that update.
    fn add_and<R>(&self, then: impl FnOnce() -> R) -> Result<R, Error>;
    /// Takes so many pins at once and keeps them for something else; what the last one shows.
    fn pins<R>(
        &self,
        count: usize,
        then: impl FnOnce() -> R,
    ) -> Result<(Outcome<Self::Contents>, R), Error>;
    /// A wait for the next version, without blocking.
    fn awaited(&self, seen: Version) -> ChangedVersion<'_>;
    /// The same for an observer.
    fn awaited_in(view: &SharedView<Self>, seen: Version) -> ChangedVersion<'_>;
    /// The operations of a follower, if there can be one.
    fn follow(_: &Options<Self>, _name: &str, what: &str) -> Result<(), String> {
        Err(format!("nobody follows this value: {what}"))
    }
}

/// What an operation gave: a value, a version, both or nothing.
pub(super) struct Outcome<T> {
    value: Option<T>,
    version: Option<Version>,
}

impl<T: Specimen> Outcome<T> {
    pub(super) const NOTHING: Self = Self { value: None, version: None };

    pub(super) fn value(value: T) -> Self {
        Self { value: Some(value), version: None }
    }

    pub(super) fn version(version: Version) -> Self {
        Self { value: None, version: Some(version) }
    }

    pub(super) fn both((value, version): (T, Version)) -> Self {
        Self { value: Some(value), version: Some(version) }
    }

    /// The version, where the operation gave one.
    fn seen(&self) -> Version {
        self.version.unwrap_or_default()
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
enum Hold<S: Subject + ?Sized> {
    Nothing,
    User(Shared<S>),
    Observer(SharedView<S>),
}

impl<T: Specimen> Subject for Value<T> {
    type Contents = T;

    fn create(options: &Options<Self>, name: &str) -> Result<Shared<Self>, Error> {
        options.create(name, || T::make((0, 0)))
    }

    fn act(&self, what: &str, number: u64, seen: Version) -> Result<Outcome<T>, Error> {
        act(self, what, number, seen)
    }

    fn watch(view: &SharedView<Self>, what: &str, seen: Version) -> Result<Outcome<T>, Error> {
        watch(view, what, seen)
    }

    fn add_and<R>(&self, then: impl FnOnce() -> R) -> Result<R, Error> {
        self.update(|value| {
            let (part, rest) = value.label().unwrap_or_default();
            *value = T::make((part + 1, rest + 1));
            then()
        })
    }

    fn pins<R>(&self, count: usize, then: impl FnOnce() -> R) -> Result<(Outcome<T>, R), Error> {
        let pins: Result<Vec<_>, _> = (0..count).map(|_| self.pin()).collect();
        let pins = pins?;
        let last = pins.last().expect("one pin at least");
        let value = T::join(last.get_part(T::HEAD)?, last.get_part(T::REST)?);
        Ok((Outcome::both((value, last.version())), then()))
    }

    fn awaited(&self, seen: Version) -> ChangedVersion<'_> {
        self.changed_version(seen)
    }

    fn awaited_in(view: &SharedView<Self>, seen: Version) -> ChangedVersion<'_> {
        view.changed_version(seen)
    }

    fn follow(options: &Options<Self>, name: &str, what: &str) -> Result<(), String> {
        let failed = |error: Error| in_words(&error);
        let follow = match what {
            "follow_user_next" => options.follow_as_user(name),
            _ => options.follow(name),
        };
        let mut follow = follow.map_err(failed)?;
        let (mut into, _) = follow.next(LONG).map_err(failed)?;
        let done = trace::perform(|| match what {
            "follow_next_into" => follow.next_into(&mut into, LONG).map(Outcome::version),
            _ => follow.next(LONG).map(Outcome::both),
        });
        done.map_err(|error| error.to_string())?.map(drop).map_err(failed)
    }
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
        "get" | "untyped_read" | "untyped_locks" => Outcome::value(object.get()?),
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
        "changed" => Outcome::both(wait_for(object.changed(seen))?),
        "changed_version" => Outcome::version(wait_for(object.changed_version(seen))?),
        "change_fd" => Outcome::version(poll_for(object.change_fd(seen)?, seen)?),
        "set"
        | "set_quiet"
        | "set_contended"
        | "set_takeover"
        | "untyped_update"
        | "untyped_update_takeover" => Outcome::version(object.set(whole)?),
        "try_set" | "try_set_takeover" => Outcome::version(object.try_set(whole)?),
        "set_timeout" => Outcome::version(object.set_timeout(whole, LONG)?),
        "set_from" | "set_from_contended" | "set_from_takeover" => {
            Outcome::version(object.set_from(&whole)?)
        }
        "try_set_from" => Outcome::version(object.try_set_from(&whole)?),
        "set_from_timeout" => Outcome::version(object.set_from_timeout(&whole, LONG)?),
        "set_from_briefly" => Outcome::version(object.set_from_timeout(&whole, BRIEF)?),
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
        "view_changed" => Outcome::both(wait_for(view.changed(seen))?),
        "view_changed_version" => Outcome::version(wait_for(view.changed_version(seen))?),
        "view_change_fd" => Outcome::version(poll_for(view.change_fd(seen)?, seen)?),
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
        "untyped_locks" => return object.locks().map(|_locks| Outcome::NOTHING),
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
pub(super) fn suffer<S: Subject + ?Sized>(
    what: &str,
    folder: &str,
    name: &str,
    number: &str,
) -> Result<(), String> {
    let number = number.parse().map_err(|_| format!("no number: {number}"))?;
    let options = Shared::<S>::options().scope(in_folder(folder));
    let failed = |error: Error| in_words(&error);
    let done = if what.starts_with("untyped_") {
        let object = Untyped::open(name, &in_folder(folder)).map_err(failed)?;
        let bytes = S::Contents::make((number, number)).bytes();
        let (_, seen) = object.read().map_err(failed)?;
        trace::perform(|| by_schema::<S::Contents>(&object, what, &bytes, seen))
    } else if what.starts_with("follow_") {
        return S::follow(&options, name, what);
    } else if what.starts_with("view_") {
        let view = options.open_read_only(name).map_err(failed)?;
        let seen = S::watch(&view, "view_version", Version::NONE).map_err(failed)?.seen();
        let _waits = is_served(what).then(|| begin(S::awaited_in(&view, seen)));
        trace::perform(|| S::watch(&view, what, seen))
    } else {
        let object = options.open(name).map_err(failed)?;
        let seen = object.act("version", 0, Version::NONE).map_err(failed)?.seen();
        let _waits = is_served(what).then(|| begin(object.awaited(seen)));
        trace::perform(|| object.act(what, number, seen))
    };
    done.map_err(|error| error.to_string())?.map(drop).map_err(failed)
}

/// Dies while it holds the lock, or as many pins as there are.
pub(super) fn die<S: Subject + ?Sized>(
    deed: &str,
    pins: usize,
    folder: &str,
    name: &str,
) -> Result<(), String> {
    let options = Shared::<S>::options().scope(in_folder(folder));
    let object = options.open(name).map_err(|error| in_words(&error))?;
    let died = match deed {
        "update" => object.add_and(|| kill_myself()),
        _ => object.pins(pins, || kill_myself()).map(|(_, never)| never),
    };
    died.map_err(|error| in_words(&error))
}

/// A player: one order after the other.
pub(super) fn play<S: Subject + ?Sized>() -> Result<(), String> {
    let mut orders = Orders::new();
    let mut hold = Hold::<S>::Nothing;
    while let Some(line) = orders.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let result = obey(&words, &mut hold, &mut orders);
        answer(result)?;
    }
    Ok(())
}

fn obey<S: Subject + ?Sized>(
    words: &[&str],
    hold: &mut Hold<S>,
    orders: &mut Orders,
) -> Result<String, String> {
    let failed = |error: Error| in_words(&error);
    let options = |folder| Shared::<S>::options().scope(in_folder(folder));
    let done = match (words, &*hold) {
        (["create", folder, name], _) => {
            *hold = Hold::User(S::create(&options(folder), name).map_err(failed)?);
            return Ok(String::new());
        }
        (["open", folder, name], _) => {
            *hold = Hold::User(options(folder).open(name).map_err(failed)?);
            return Ok(String::new());
        }
        (["view", folder, name], _) => {
            *hold = Hold::Observer(options(folder).open_read_only(name).map_err(failed)?);
            return Ok(String::new());
        }
        (["leave"], _) => {
            *hold = Hold::Nothing;
            return Ok(String::new());
        }
        (["read"], Hold::Observer(view)) => S::watch(view, "read", Version::NONE),
        (["read"], Hold::User(object)) => object.act("read", 0, Version::NONE),
        (["do", what, _], Hold::Observer(view)) => S::watch(view, what, Version::NONE),
        (["do", what, number], Hold::User(object)) => {
            object.act(what, number.parse().unwrap_or(0), Version::NONE)
        }
        (["wait", seen], Hold::User(object)) => wait(&**object, seen),
        (["pins", count], Hold::User(object)) => {
            object.pins(count.parse().unwrap_or(1), || ()).map(|(last, ())| last)
        }
        (["hold"], Hold::User(object)) => {
            let held = object.add_and(|| {
                let told = answer(Ok(String::new()));
                orders.pause();
                told
            });
            held.map_err(failed)??;
            return Ok(String::new());
        }
        _ => return Err(format!("no such order: {words:?}")),
    };
    done.map(|outcome| outcome.text()).map_err(failed)
}

/// Waits until the version is not the one that is given.
fn wait<S: Subject + ?Sized>(object: &S, seen: &str) -> Result<Outcome<S::Contents>, Error> {
    let now = object.act("read", 0, Version::NONE)?;
    if now.seen().number().to_string() != *seen {
        return Ok(now);
    }
    object.act("wait_changed", 0, now.seen())
}
