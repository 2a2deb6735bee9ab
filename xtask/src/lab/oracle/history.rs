//! What is known of a value: the values of all its versions, and the words of its cell.
//!
//! A value is known by its label, two numbers from which all its bytes follow. The history grows by
//! what the players report and by what the commit word says of the victim; every read is held
//! against it. The offsets are FORMAT.md's.
use super::super::list::Effect;
use super::super::remains::Remains;
use super::Findings;

/// Where the header of a segment says at which offset the object starts.
const OBJECT_AT: usize = 88;
/// The bits of a lock word that say who: slot and generation.
const WHO: u64 = 0xffff_ffff_0000_ffff;

/// The numbers from which all bytes of a value follow.
type Label = (u64, u64);

/// The values of all versions, from version 1 on.
#[derive(Debug, Default)]
pub(super) struct History {
    values: Vec<Label>,
}

impl History {
    /// The first version.
    pub(super) fn new() -> Self {
        Self { values: vec![(0, 0)] }
    }

    /// The newest version.
    pub(super) fn version(&self) -> u64 {
        self.values.len() as u64
    }

    /// One more version.
    pub(super) fn push(&mut self, value: Label) {
        self.values.push(value);
    }

    /// The version that an operation makes of the last value, if it makes one.
    pub(super) fn extend(&mut self, effect: Effect, number: u64) {
        let (part, rest) = self.values.last().copied().unwrap_or_default();
        self.values.extend(match effect {
            Effect::Reads => None,
            Effect::All => Some((number, number)),
            Effect::Part => Some((number, rest)),
            Effect::Adds => Some((part + 1, rest + 1)),
        });
    }

    /// Checks `VERSION PART REST`, or a value or a version alone, which is the last one.
    pub(super) fn check_read(&self, who: &str, read: &str, at_least: u64, findings: &mut Findings) {
        let words: Vec<&str> = read.split_whitespace().collect();
        let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let (version, label) = match numbers[..] {
            _ if numbers.len() != words.len() => {
                findings.texts.push(format!("{who} read a torn value: {read}"));
                return;
            }
            [version, part, rest] => (version, (part, rest)),
            [part, rest] => (self.version(), (part, rest)),
            [version] => {
                let last = self.version();
                findings.check(version == last, || format!("{who} is at {version}, not {last}"));
                return;
            }
            _ => return,
        };
        let expected = usize::try_from(version)
            .ok()
            .and_then(|version| self.values.get(version.checked_sub(1)?).copied());
        findings.check(version >= at_least, || {
            format!("{who} read version {version}; version {at_least} was committed before")
        });
        findings.check(expected == Some(label), || {
            format!("{who} read {label:?} as version {version}, which is {expected:?}")
        });
    }
}

/// Who holds the lock when the victim is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// Nobody.
    Nobody,
    /// The victim.
    Victim,
    /// Somebody who died before the victim came.
    Dead,
}

/// Who holds the lock, where `before` is its word before the victim began.
pub(super) fn holder(remains: &Remains, before: u64) -> Holder {
    match lock_word(remains) & WHO {
        0 => Holder::Nobody,
        who if who == before & WHO => Holder::Dead,
        _ => Holder::Victim,
    }
}

/// The word that commits: version, index, waiter bit.
pub(super) fn commit_word(remains: &Remains) -> u64 {
    object_word(remains, 8)
}

/// The word of the lock.
pub(super) fn lock_word(remains: &Remains) -> u64 {
    object_word(remains, 0)
}

/// A word of the object, in the only segment that there is.
pub(super) fn object_word(remains: &Remains, at: usize) -> u64 {
    remains.segments().next().map_or(0, |(_, bytes)| {
        let object = usize::try_from(bytes.word(OBJECT_AT)).unwrap_or(0);
        bytes.word(object + at)
    })
}
