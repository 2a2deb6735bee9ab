//! Children that use a value of run-time length: nine words, which hold what the large value does.
use super::executor::{poll_for, wait_for};
use super::specimen::{Specimen, Wide};
use super::value::{BRIEF, LONG, Outcome, Subject};
use cohabit::changed::ChangedVersion;
use cohabit::{Error, Options, Part, Shared, SharedView, Value, Version};

const LEN: usize = 9;

type Words = [u64; LEN];

fn wide(words: &[u64]) -> Wide {
    // One that is too long or too short is torn, as one of zeros is.
    Wide::of_words(words.try_into().unwrap_or(&[0; LEN]))
}

fn words(part: u64, rest: u64) -> Words {
    Wide::make((part, rest)).words()
}

/// Adds 1 to both numbers; a torn value stays torn, so that readers tell.
fn add(all: &mut [u64]) {
    if let Some((part, rest)) = wide(all).label() {
        all.copy_from_slice(&words(part + 1, rest + 1));
    }
}

/// A value of which each element is read by itself.
fn by_parts(mut get: impl FnMut(Part<[u64], u64>) -> Result<u64, Error>) -> Result<Wide, Error> {
    let mut all = [0; LEN];
    for (index, word) in all.iter_mut().enumerate() {
        *word = get(Part::element(index))?;
    }
    Ok(Wide::of_words(&all))
}

impl Subject for Value<[u64]> {
    type Contents = Wide;

    fn create(options: &Options<Self>, name: &str) -> Result<Shared<Self>, Error> {
        options.clone().len(LEN as u64).create(name, || words(0, 0).to_vec())
    }

    fn act(&self, what: &str, number: u64, seen: Version) -> Result<Outcome<Wide>, Error> {
        let (whole, head) = (words(number, number), words(number, 0)[0]);
        let first = Part::element(0);
        Ok(match what {
            "get_boxed" | "untyped_read" => Outcome::value(wide(&self.get_boxed()?)),
            "get_part" => Outcome::value(by_parts(|part| self.get_part(part))?),
            "version" => Outcome::version(self.version()?),
            "pin" | "pin_dead" => {
                let pinned = self.pin()?;
                let value = by_parts(|part| pinned.get_part(part))?;
                Outcome::both((value, pinned.version()))
            }
            "wait_changed" => {
                self.wait_version(seen, LONG)?;
                self.act("read", 0, seen)?
            }
            "wait_version" | "untyped_wait_version" => {
                Outcome::version(self.wait_version(seen, LONG)?)
            }
            "changed_version" => Outcome::version(wait_for(self.changed_version(seen))?),
            "change_fd" => Outcome::version(poll_for(self.change_fd(seen)?, seen)?),
            "set" | "set_from" | "set_from_contended" | "set_from_takeover" | "untyped_update" => {
                Outcome::version(self.set_from(&whole)?)
            }
            "try_set_from" => Outcome::version(self.try_set_from(&whole)?),
            "set_from_timeout" => Outcome::version(self.set_from_timeout(&whole, LONG)?),
            "set_from_briefly" => Outcome::version(self.set_from_timeout(&whole, BRIEF)?),
            "set_part" | "set_part_takeover" => Outcome::version(self.set_part(first, head)?),
            "try_set_part" => Outcome::version(self.try_set_part(first, head)?),
            "set_part_timeout" => Outcome::version(self.set_part_timeout(first, head, LONG)?),
            "update" | "update_takeover" => self.update(add).map(|()| Outcome::NOTHING)?,
            "try_update" => self.try_update(add).map(|()| Outcome::NOTHING)?,
            "update_timeout" => self.update_timeout(add, LONG).map(|()| Outcome::NOTHING)?,
            "update_panics" => {
                let attempt = || self.update(|_| -> () { panic!("on purpose") });
                // The panic is what was wanted.
                let _panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt));
                Outcome::NOTHING
            }
            "get_into" | "read" => {
                let mut into = [0; LEN];
                let version = self.get_into(&mut into)?;
                Outcome::both((Wide::of_words(&into), version))
            }
            _ => unreachable!("no operation {what}"),
        })
    }

    fn watch(view: &SharedView<Self>, what: &str, seen: Version) -> Result<Outcome<Wide>, Error> {
        Ok(match what {
            "view_get_boxed" => Outcome::value(wide(&view.get_boxed()?)),
            "view_get_part" => Outcome::value(by_parts(|part| view.get_part(part))?),
            "view_version" => Outcome::version(view.version()),
            "view_wait_version" => Outcome::version(view.wait_version(seen, LONG)?),
            "view_changed_version" => Outcome::version(wait_for(view.changed_version(seen))?),
            "view_change_fd" => Outcome::version(poll_for(view.change_fd(seen)?, seen)?),
            _ => {
                let mut into = [0; LEN];
                let version = view.get_into(&mut into)?;
                Outcome::both((Wide::of_words(&into), version))
            }
        })
    }

    fn add_and<R>(&self, then: impl FnOnce() -> R) -> Result<R, Error> {
        self.update(|all| {
            add(all);
            then()
        })
    }

    fn pins<R>(&self, count: usize, then: impl FnOnce() -> R) -> Result<(Outcome<Wide>, R), Error> {
        let pins: Result<Vec<_>, _> = (0..count).map(|_| self.pin()).collect();
        let pins = pins?;
        let last = pins.last().expect("one pin at least");
        let value = by_parts(|part| last.get_part(part))?;
        Ok((Outcome::both((value, last.version())), then()))
    }

    fn awaited(&self, seen: Version) -> ChangedVersion<'_> {
        self.changed_version(seen)
    }

    fn awaited_in(view: &SharedView<Self>, seen: Version) -> ChangedVersion<'_> {
        view.changed_version(seen)
    }
}
