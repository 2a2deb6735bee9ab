//! Two processes in one case: the victim, and another one that was there before it.
use super::list::Operation;
use super::raw::{self, Waited};
use super::remains::Remains;
use super::step::Stage;
use super::trace::{Position, Victim};

/// Another process, which is in the middle of an operation of its own when the victim begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    /// What it does.
    pub(super) operation: &'static Operation,
    /// Where it was stopped.
    pub(super) position: Position,
    /// What becomes of it, and of the victim.
    pub(super) fate: Fate,
    /// What is not done as it should be, so that the oracle is tried.
    pub(super) cheat: Option<Cheat>,
}

/// What the laboratory itself can do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Cheat {
    /// The first one stands still, alive, where it should be dead.
    FirstLives,
    /// The victim dies where it should go on.
    VictimDies,
}

/// Who dies when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The first one dies before the victim begins: what the victim does, recovers what that one left.
    Before,
    /// Both are dead before anybody recovers.
    Together,
    /// The first one dies, and the victim only stands still, until the survivors are done or wait for it.
    Alone,
}

impl Fate {
    /// What it is, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Fate::Before => "then its recovery",
            Fate::Together => "two at once",
            Fate::Alone => "beside one that is stopped",
        }
    }
}

/// The first one, as a stage keeps it.
#[derive(Debug, Default)]
pub(super) struct Companion {
    /// Whether there is to be one, and where.
    pub(super) plan: Option<First>,
    /// Whether the victim is to do what a first one does, alone.
    pub(super) is_rehearsed: bool,
    /// While it stands still: it is killed when this is dropped.
    pub(super) stopped: Option<Victim>,
}

impl Companion {
    /// What becomes of it, if there is one.
    pub(super) fn fate(&self) -> Option<Fate> {
        self.plan.map(|first| first.fate)
    }

    /// Whether it is there, stopped and alive.
    pub(super) fn lives(&self) -> bool {
        self.stopped.is_some()
    }

    /// Keeps it where it is, or kills it, as planned.
    pub(super) fn keep(&mut self, victim: Victim) {
        match self.fate() {
            Some(Fate::Together | Fate::Alone) => self.stopped = Some(victim),
            _ => victim.kill(),
        }
    }

    /// Kills it, if it still lives.
    pub(super) fn dies(&mut self) {
        if !self.cheats(Cheat::FirstLives) {
            self.stopped = None;
        }
    }

    /// Kills it in any case: the case is over.
    pub(super) fn is_over(&mut self) {
        self.stopped = None;
    }

    /// The victim goes on to its end; what is wrong with that.
    pub(super) fn lets_go_on(
        &self,
        victim: &mut Victim,
        remains: &mut Remains,
    ) -> Result<(), String> {
        if self.cheats(Cheat::VictimDies) {
            raw::kill(victim.pid());
        }
        match victim.run_to_exit(remains) {
            Ok(Waited::Exited(0)) => Ok(()),
            end => Err(format!("the one that was stopped went on, and ended by {end:?}")),
        }
    }

    fn cheats(&self, how: Cheat) -> bool {
        self.plan.is_some_and(|first| first.cheat == Some(how))
    }
}

/// A stage on which a first one can come before the victim.
pub(super) trait Pairs: Stage {
    /// From now on each case begins with this one.
    fn precede(&mut self, first: First);
    /// The states of the first one itself are asked for: nobody comes before it who comes after it else.
    fn come_first(&mut self) {}
}
