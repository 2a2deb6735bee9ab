//! All scenarios of the world, by theme.

use super::stage::{Stage, Verdict};
use super::{descriptors, forks, stopped};

/// Something that happens around a process.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// What must hold, as `--list` prints it.
    pub(super) what: &'static str,
    pub(super) act: fn(&Stage) -> Result<Verdict, String>,
}

const fn of(
    name: &'static str,
    what: &'static str,
    act: fn(&Stage) -> Result<Verdict, String>,
) -> Scenario {
    Scenario { name, what, act }
}

pub(super) const ALL: &[Scenario] = &[
    of("stopped-holder", "a stopped holder of a mutex is not robbed", stopped::holder),
    of("stopped-writer", "a writer stopped in an update delays no reader", stopped::writer),
    of("stopped-bystander", "a stopped bystander delays no recovery", stopped::bystander),
    of("stopped-builder", "a stopped constructor is waited for, and ends well", stopped::builder),
    of(
        "stopped-runner",
        "one stopped in a Once or with a OnceCell keeps its turn",
        stopped::runner,
    ),
    of(
        "fork-while-locked",
        "a child has nothing of its parent's lock, nor keeps it",
        forks::locked,
    ),
    of("fork-in-update", "a child that comes out of an update commits nothing", forks::updating),
    of("fork-in-threads", "children forked during attaches keep nobody alive", forks::threads),
    of("fork-then-attach", "a child that attaches anew is a user of its own", forks::attach_anew),
    of("vfork-and-exec", "a program started by vfork keeps nothing of a dead one", forks::spawned),
    of("vfork-shares", "who shares an address space keeps it alive, and no longer", forks::shared),
    of("raw-clone", "a child by clone without hooks is no user", forks::raw_clone),
    of("exec-while-locked", "exec is a death, at once", forks::executes),
    of("close-all", "who closes all descriptors is not dead, and goes on", descriptors::closed),
    of("close-all-and-reuse", "numbers that were taken anew are left alone", descriptors::reused),
    of("dup-all", "copies of descriptors keep nobody alive", descriptors::copied),
    of("scm-rights", "descriptors that were sent away keep nobody alive", descriptors::sent),
    of("standard-streams", "no file of an object is a standard stream", descriptors::streams),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once() {
        let mut names: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
