//! Whom the words of a lock name: players, those who died before, the first one of two, the victim.
use super::{Cast, MATE, WHO};

const FRESH: u64 = 1 << 32 | 2;

/// Who is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Player,
    /// One who died in the scene, before anybody came.
    Dead,
    /// The first one of two; or, where nobody comes before the victim, one who died in the scene.
    First,
    Victim,
}

/// Who was named when.
#[derive(Debug, Default)]
pub(super) struct Names {
    scene: Vec<u64>,
    first: Vec<u64>,
}

impl Names {
    /// These words stand there before the first one of two comes.
    pub(super) fn before_the_first(&mut self, words: impl IntoIterator<Item = u64>) {
        self.scene = words.into_iter().map(|word| word & WHO).collect();
    }

    /// These words stand there before the victim begins.
    pub(super) fn before_the_victim(&mut self, words: impl IntoIterator<Item = u64>) {
        self.first = words.into_iter().map(|word| word & WHO).collect();
    }

    /// Whom a word names.
    pub(super) fn who(&self, word: u64) -> Who {
        match word & WHO {
            who if who & 0xffff == 0 => Who::Nobody,
            MATE | FRESH => Who::Player,
            who if self.scene.contains(&who) => Who::Dead,
            who if self.first.contains(&who) => Who::First,
            _ => Who::Victim,
        }
    }

    /// Whether a word names somebody who lives and stands still: the victim, or the first one.
    pub(super) fn is_stopped(&self, cast: &Cast, word: u64) -> bool {
        match self.who(word) {
            Who::Victim => true,
            Who::First => cast.companion.lives(),
            _ => false,
        }
    }

    /// Whether a word names somebody who is dead already.
    pub(super) fn is_dead(&self, cast: &Cast, word: u64) -> bool {
        match self.who(word) {
            Who::Dead => true,
            Who::First => !cast.companion.lives(),
            _ => false,
        }
    }
}
