//! The kinds of arenas: what their actors do with which object, and what must hold.
//!
//! To add one, write a file with a `KIND`, and put it into [`ALL`].
mod barrier;
mod condvar;
mod critical;
mod event;
mod life;
mod mutex;
mod once;
mod rw_lock;
mod semaphore;
mod slice;
mod sums;
mod value;

use super::actor::Actor;
use super::truth::Truth;
use std::path::Path;

/// One kind of arena.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) roles: &'static [Role],
    /// Makes what there is before the actors come; by a process of its own.
    pub(crate) begin: fn(&Actor) -> Result<(), String>,
    /// What must hold whenever the dead are gone and their seats are empty, while the others go on.
    pub(crate) check: fn(&Truth, &Path) -> Result<(), String>,
    /// What must hold when all are dead; and takes away what is left. By a process of its own.
    pub(crate) audit: fn(&Actor) -> Result<(), String>,
    /// What its actors can be told to do wrong, and what the oracle must say then.
    pub(crate) cheats: &'static [(&'static str, &'static str)],
}

/// What some of the actors of an arena do, until they are killed. What is `Ok` may leave by itself.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    pub(crate) seats: usize,
    pub(crate) act: fn(&Actor) -> Result<(), String>,
}

const fn role(name: &'static str, seats: usize, act: fn(&Actor) -> Result<(), String>) -> Role {
    Role { name, seats, act }
}

/// All kinds.
pub(crate) const ALL: &[&Kind] = &[
    &value::KIND,
    &slice::KIND,
    &mutex::KIND,
    &rw_lock::KIND,
    &condvar::KIND,
    &event::KIND,
    &barrier::KIND,
    &semaphore::KIND,
    &once::KIND,
    &life::KIND,
];

/// The kind of this name.
pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::truth::SEATS;
    use super::*;

    #[test]
    fn seats_are_enough_and_one_is_left_for_the_audit() {
        for kind in ALL {
            let seats: usize = kind.roles.iter().map(|role| role.seats).sum();
            assert!(seats < SEATS, "{}", kind.name);
        }
    }
}
