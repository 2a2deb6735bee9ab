//! A section that one may be inside at a time, and what is told of those who died there.
//!
//! The truth has a place for who is inside: written behind the lock, cleared before it is let go. So
//! 1. who enters finds the place empty, or a victim's name in it; then it must be told of the death;
//! 2. who leaves finds its own name there;
//! 3. a death that is told without a name there is that of a victim which was about to enter, or to leave:
//!    there are no more of these than such victims.
use crate::lab::storm::actor::{Actor, failed};
use crate::lab::storm::fork;
use crate::lab::storm::truth::{Phase, Truth};
use cohabit::{ErrorKind, LockError, LockResult};
use std::sync::atomic::Ordering::SeqCst;

/// Where in the common words the name stands of who is inside, and how often a death was told without one.
const INSIDE: usize = 0;
const TOLD_OF_NOBODY: usize = 1;
/// Where among its own an actor notes whose name it found.
const FOUND: usize = 0;

/// What whoever enters was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    OwnerDied,
    Poisoned,
}

/// The name of an actor: its life and seat, from one on.
fn name(actor: &Actor) -> u64 {
    actor.life << 8 | (actor.seat as u64 + 1)
}

/// Takes the lock. Nothing, if it is busy.
pub(super) fn enter<G>(
    actor: &Actor,
    lock: impl FnOnce() -> LockResult<G>,
) -> Result<Option<(G, Told)>, String> {
    let me = actor.me();
    me.set_phase(Phase::Wants);
    me.began.store(fork::now(), SeqCst);
    let outcome = lock();
    let entered = match outcome {
        Err(LockError::Failed(error)) if error.kind() == ErrorKind::Busy => {
            me.set_phase(Phase::Idle);
            None
        }
        Err(LockError::Failed(error)) => return Err(failed("lock")(error)),
        Ok(guard) => Some((guard, Told::Nothing)),
        Err(LockError::OwnerDied(guard)) => Some((guard, Told::OwnerDied)),
        Err(LockError::Poisoned(guard)) => Some((guard, Told::Poisoned)),
    };
    let Some((guard, told)) = entered else {
        me.began.store(0, SeqCst);
        return Ok(None);
    };
    let told = match told {
        Told::OwnerDied if actor.cheat == "hides" => Told::Nothing,
        Told::Nothing if actor.cheats("cries") => Told::OwnerDied,
        told => told,
    };
    arrive(actor, told)?;
    Ok(Some((guard, told)))
}

/// Lets the lock go for a wait, at whose end it is had again. Nothing, if it is busy then.
pub(super) fn wait<G>(
    actor: &Actor,
    wait: impl FnOnce() -> LockResult<G>,
) -> Result<Option<(G, Told)>, String> {
    take_away_the_name(actor)?;
    enter(actor, wait)
}

/// Puts the own name into the place, behind the lock.
fn arrive(actor: &Actor, told: Told) -> Result<(), String> {
    let (me, common) = (actor.me(), &actor.truth.common);
    let before = common[INSIDE].swap(name(actor), SeqCst);
    me.set_phase(Phase::Inside);
    me.began.store(0, SeqCst);
    match (before, told) {
        (0, Told::OwnerDied) => {
            common[TOLD_OF_NOBODY].fetch_add(1, SeqCst);
        }
        (0, _) => {}
        (name, Told::OwnerDied) => found(actor, name),
        (found, _) => {
            return Err(format!("two inside, or a death that is not told: found {found:#x}"));
        }
    }
    Ok(())
}

/// Takes the own name away and lets the lock go.
pub(super) fn leave(actor: &Actor, let_go: impl FnOnce()) -> Result<(), String> {
    take_away_the_name(actor)?;
    let me = actor.me();
    me.began.store(fork::now(), SeqCst);
    let_go();
    me.began.store(0, SeqCst);
    me.set_phase(Phase::Idle);
    me.rounds.fetch_add(1, SeqCst);
    Ok(())
}

fn take_away_the_name(actor: &Actor) -> Result<(), String> {
    actor.me().set_phase(Phase::Leaves);
    let cleared = actor.truth.common[INSIDE].compare_exchange(name(actor), 0, SeqCst, SeqCst);
    let other = "two inside: somebody came, or left, meanwhile: found";
    cleared.map(drop).map_err(|found| format!("{other} {found:#x}"))
}

/// The name of who is inside, or of who died there; zero if there is none.
pub(super) fn name_inside(truth: &Truth) -> u64 {
    truth.common[INSIDE].load(SeqCst)
}

/// Notes that an actor was told of the death of this one.
pub(super) fn found(actor: &Actor, name: u64) {
    actor.me().words[FOUND].store(name, SeqCst);
}

/// Does as if the lock were had.
pub(super) fn rob(actor: &Actor) {
    actor.truth.common[INSIDE].store(name(actor), SeqCst);
}

/// What must hold while nobody is dying and the seats of the dead are empty.
pub(super) fn check(truth: &Truth) -> Result<(), String> {
    for seat in &truth.seats {
        let found = seat.words[FOUND].load(SeqCst);
        let (life, of) = (found >> 8, usize::try_from(found & 0xff).unwrap_or(0));
        let Some(of) = of.checked_sub(1) else { continue };
        // Who sits there now is another one, or nobody yet: deaths of this life were counted.
        let now = truth.seats[of].life.load(SeqCst);
        if life == now && !truth.seats[of].is_empty() {
            return Err(format!("the death of who sits in seat {of} was told, and it lives"));
        }
    }
    let told = truth.common[TOLD_OF_NOBODY].load(SeqCst);
    // Read after what was told.
    let most = about_to_enter_or_leave(truth);
    if told > most {
        return Err(format!("{told} deaths were told of at most {most} victims"));
    }
    Ok(())
}

/// How many victims may have had the lock without a name in the place.
pub(super) fn about_to_enter_or_leave(truth: &Truth) -> u64 {
    let of = [Phase::Wants, Phase::Leaves];
    of.iter().map(|&phase| truth.deaths[phase as usize].load(SeqCst)).sum()
}
