//! Words that say who: the token of a slot, the life word, and the state word of a slot's row.
//!
//! ```text
//! token    bits 0-15 slot + 1 (0 = nobody) · 16 WAITERS · 17 MARK · 18-23 state · 32-63 generation
//! life     a token whose state is BUILDING, LIVE, DROPPING or DEAD: who acts, and what is done
//! row      generation << 32 | state (0 free, 1 user, 2 guest, 3 left)
//! ```
//!
//! A token is never used twice: whoever takes a slot again takes the next generation. So "the byte
//! of (slot, generation) is free" means dead for ever, and no clean-up must run before a re-use.

use cohabit_os::liveness::Byte;

/// Somebody waits: the holder must wake when it lets go.
pub(crate) const WAITERS: u64 = 1 << 16;
/// What a lock says of itself, in its holder's name.
pub(crate) const MARK: u64 = 1 << 17;

const SLOT: u64 = 0xffff;
const STATE_SHIFT: u32 = 18;
const STATE: u64 = 0x3f << STATE_SHIFT;

/// One attachment, for as long as the instance lasts: a slot and the generation of its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) slot: u16,
    pub(crate) generation: u32,
}

impl Token {
    /// The slot and generation that a creator has.
    pub(crate) const FIRST: Token = Token { slot: 0, generation: 1 };

    /// The token as a word; never 0.
    pub(crate) const fn word(self) -> u64 {
        (self.generation as u64) << 32 | (self.slot as u64 + 1)
    }

    /// Whom a word names, if anybody. Flags and state are left aside.
    pub(crate) const fn named_by(word: u64) -> Option<Token> {
        match word & SLOT {
            0 => None,
            slot => Some(Token { slot: (slot - 1) as u16, generation: (word >> 32) as u32 }),
        }
    }

    /// The byte that a user with this token keeps locked.
    pub(crate) fn user_byte(self) -> Byte {
        Byte::user(self.slot, self.generation)
    }

    /// The byte that a guest with this token keeps locked.
    pub(crate) fn guest_byte(self) -> Byte {
        Byte::guest(self.slot, self.generation)
    }
}

/// Whether two words name the same attachment, whatever their flags.
pub(crate) const fn same_holder(a: u64, b: u64) -> bool {
    const WHO: u64 = 0xffff_ffff_0000_0000 | SLOT;
    a & WHO == b & WHO
}

/// What a life word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The constructor runs, in the process that is named.
    Building(Token),
    /// Constructed.
    Live,
    /// The last user ends the object; its `last_one_out` runs.
    Dropping(Token),
    /// Ended for good; the name, if it still stands, is to be taken away.
    Dead,
}

impl Life {
    pub(crate) const fn word(self) -> u64 {
        let (token, state) = match self {
            Life::Building(token) => (token.word(), 1),
            Life::Live => (0, 2),
            Life::Dropping(token) => (token.word(), 3),
            Life::Dead => (0, 4),
        };
        token | state << STATE_SHIFT
    }

    /// What `word` says. A word that nobody writes counts as dead: nothing is lost by starting over.
    pub(crate) const fn of(word: u64) -> Life {
        match ((word & STATE) >> STATE_SHIFT, Token::named_by(word)) {
            (1, Some(token)) => Life::Building(token),
            (2, _) => Life::Live,
            (3, Some(token)) => Life::Dropping(token),
            _ => Life::Dead,
        }
    }
}

/// What the row of a slot says of its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowState {
    Free,
    User,
    Guest,
    /// A user on its way through `exit`: its byte falls with the process.
    Left,
}

/// A row's state word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) generation: u32,
    pub(crate) state: RowState,
}

impl Row {
    pub(crate) const fn word(self) -> u64 {
        let state = match self.state {
            RowState::Free => 0,
            RowState::User => 1,
            RowState::Guest => 2,
            RowState::Left => 3,
        };
        (self.generation as u64) << 32 | state
    }

    /// What `word` says; a state that nobody writes counts as a user: then the kernel decides.
    pub(crate) const fn of(word: u64) -> Row {
        let state = match word as u32 {
            0 => RowState::Free,
            2 => RowState::Guest,
            3 => RowState::Left,
            _ => RowState::User,
        };
        Row { generation: (word >> 32) as u32, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for token in [Token::FIRST, Token { slot: 0xfffe, generation: u32::MAX }] {
            assert_eq!(Token::named_by(token.word() | WAITERS | STATE), Some(token));
            assert!(same_holder(token.word() | WAITERS, token.word()));
            for life in [Life::Building(token), Life::Live, Life::Dropping(token), Life::Dead] {
                assert_eq!(Life::of(life.word()), life);
            }
        }
        assert_eq!(Token::named_by(0), None);
        assert_eq!(Life::of(0), Life::Dead);
        for state in [RowState::Free, RowState::User, RowState::Guest, RowState::Left] {
            let row = Row { generation: 7, state };
            assert_eq!(Row::of(row.word()), row);
        }
    }
}
