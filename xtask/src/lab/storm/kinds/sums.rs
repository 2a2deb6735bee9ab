//! A sum with a column for each seat: whose increments there are, and how many.
//!
//! Everybody adds to the column of the own seat only, and keeps the count of that in the truth. So each
//! column is known exactly, but for the one increment that a victim was in the middle of; the next one in
//! the seat finds out whether it counts ([`super::super::truth::Tally::adopt`]). Total and checksum fit the
//! columns, or the sums are torn.
use crate::lab::storm::actor::{Actor, mixed};
use crate::lab::storm::truth::{SEATS, Truth};
use cohabit::plain;

/// The tally of increments, where there are no others.
pub(super) const ADDED: usize = 0;

/// The sums.
#[plain]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) columns: [u64; SEATS],
    pub(super) total: u64,
    pub(super) check: u64,
}

impl Sums {
    /// Sums of zeros, with their checksum.
    pub(super) fn new() -> Self {
        let mut sums = Self::default();
        sums.seal();
        sums
    }

    /// Makes total and checksum fit the columns.
    pub(super) fn seal(&mut self) {
        self.total = self.columns.iter().sum();
        self.check = checksum(&self.columns);
    }

    /// An error if they do not.
    pub(super) fn whole(&self) -> Result<(), String> {
        let mut sealed = *self;
        sealed.seal();
        if (sealed.total, sealed.check) == (self.total, self.check) {
            return Ok(());
        }
        Err(format!(
            "torn: the columns are {:?}, their sum is {}, not {}; checksum {:#x}, not {:#x}",
            self.columns, sealed.total, self.total, sealed.check, self.check
        ))
    }

    /// The increment of an actor; an error if its column is not as it left it.
    pub(super) fn add(&mut self, actor: &Actor, tally: usize) -> Result<(), String> {
        self.add_honestly_or_not(actor, tally).map_err(|text| actor.says(text))
    }

    fn add_honestly_or_not(&mut self, actor: &Actor, tally: usize) -> Result<(), String> {
        self.whole()?;
        let (column, done) = (self.columns[actor.seat], actor.me().tallies[tally].done());
        if column != done {
            return Err(format!("lost: added {done} times, but the column says {column}"));
        }
        match () {
            () if actor.cheats("forgets") => return Ok(()),
            () if actor.cheats("doubles") => self.columns[actor.seat] += 2,
            () => self.columns[actor.seat] += 1,
        }
        self.seal();
        if actor.cheats("tears") {
            self.columns[actor.seat] ^= 1 << 40;
        }
        Ok(())
    }

    /// Holds the columns against what was known before they were read, and after.
    pub(super) fn within(
        &self,
        tally: usize,
        before: &[u64; SEATS],
        truth: &Truth,
    ) -> Result<(), String> {
        self.whole()?;
        let after = truth.about(tally);
        let off = (0..SEATS).find(|&s| !(before[s]..=after[s]).contains(&self.columns[s]));
        off.map_or(Ok(()), |seat| {
            let (least, most, found) = (before[seat], after[seat], self.columns[seat]);
            Err(format!("lost or made up: column {seat} says {found}, not {least} to {most}"))
        })
    }

    /// The same as words.
    pub(super) fn to_words(self) -> [u64; SEATS + 2] {
        std::array::from_fn(|at| match at {
            SEATS => self.total,
            at if at > SEATS => self.check,
            at => self.columns[at],
        })
    }

    /// The same, back; what is missing is zero.
    pub(super) fn of_words(words: &[u64]) -> Self {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        Self { columns: std::array::from_fn(word), total: word(SEATS), check: word(SEATS + 1) }
    }
}

fn checksum(columns: &[u64; SEATS]) -> u64 {
    columns.iter().fold(0x636f_6861, |sum, column| mixed(sum ^ column))
}
