//! All scenarios of the world, by theme.

use super::stage::{Stage, Verdict};
use super::{
    copies, cores, descriptors, forks, injected, limits, names, namespaces, signals, stopped,
};

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
    of(
        "raw-clones-in-threads",
        "made during attaches, they keep their parent alive no longer than they live",
        forks::raw_in_threads,
    ),
    of("fork-then-attach", "a child that attaches anew is a user of its own", forks::attach_anew),
    of("vfork-and-exec", "a program started by vfork keeps nothing of a dead one", forks::spawned),
    of("vfork-shares", "who shares an address space keeps it alive, and no longer", forks::shared),
    of("raw-clone", "a child by clone without hooks is no user", forks::raw_clone),
    of("exec-while-locked", "exec is a death, at once", forks::executes),
    of("two-copies", "two copies of the library in a process are two users", copies::two),
    of("close-all", "who closes all descriptors is not dead, and goes on", descriptors::closed),
    of("close-all-and-reuse", "numbers that were taken anew are left alone", descriptors::reused),
    of("dup-all", "copies of descriptors keep nobody alive", descriptors::copied),
    of("scm-rights", "descriptors that were sent away keep nobody alive", descriptors::sent),
    of("standard-streams", "no file of an object is a standard stream", descriptors::streams),
    of("signals-cut-short", "every wait goes on behind a signal", signals::cut_short),
    of("signals-made-again", "the same with SA_RESTART", signals::made_again),
    of("signals-and-deadlines", "no deadline comes early behind signals", signals::deadlines),
    of("signals-in-life", "objects are made and left under a fast timer", signals::life),
    of("namespaces-pid", "equal process numbers in two namespaces", namespaces::pids),
    of("namespaces-user", "a user namespace with equal ids", namespaces::users),
    of("namespaces-time", "clocks that are a day apart", namespaces::clocks),
    of("hidepid", "a /proc that hides the holder", namespaces::hidepid),
    of("without-proc", "no /proc at all", namespaces::without_proc),
    of("name-removed", "users go on, are told, and a new object is another one", names::removed),
    of("name-moved", "the same where the file has another name", names::moved),
    of("name-replaced", "what is no object is refused, and stays", names::replaced),
    of("folder-moved", "another folder is another place", names::folder),
    of("lock-file-gone", "the last one leaves nothing, without a lock file too", names::lock_file),
    of("name-and-descriptors", "who can ask nobody judges nobody dead", names::with_descriptors),
    of("limit-file-size", "told, and not killed by SIGXFSZ", limits::file_size),
    of("limit-descriptors", "told at every place, and none is lost", limits::descriptors),
    of("limit-memory", "too little address space, none to be locked", limits::memory),
    of("limit-threads", "no thread to be had", limits::threads),
    of("no-space", "a file system of each size, and one without inodes", limits::no_space),
    of("read-only-file-system", "who would write is told; who looks, looks", limits::read_only),
    of("core-dump", "a process that dumps core lives until the dump ends", cores::dump),
    of("refused-while-opening", "each call refused, in what makes and opens", injected::opening),
    of("refused-while-leaving", "each call refused, in what leaves and removes", injected::leaving),
    of("refused-while-waiting", "each call refused, in what locks and waits", injected::waiting),
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
