//! Which two operations meet, and what becomes of the two processes.
use super::super::list::{self, Operation, What};
use super::super::oracle::life::LifeStage;
use super::super::oracle::locks::LocksStage;
use super::super::oracle::value::ValueStage;
use super::super::pair::{Fate, Pairs};
use Fate::{Alone, Before, Together};

/// Two operations that meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Which oracle judges.
    pub(super) oracle: Oracle,
    /// What the first one is in the middle of.
    first: &'static str,
    /// What the victim does.
    second: &'static str,
    /// What becomes of them.
    pub(super) fate: Fate,
}

/// An oracle, with the size of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oracle {
    Value(&'static str),
    Locks,
    Life,
}

const fn value(first: &'static str, second: &'static str, fate: Fate) -> Pair {
    Pair { oracle: Oracle::Value("72"), first, second, fate }
}

/// The same on a value that older programs know in part, or on a slice.
const fn sized(size: &'static str, first: &'static str, second: &'static str, fate: Fate) -> Pair {
    Pair { oracle: Oracle::Value(size), first, second, fate }
}

const fn lock(first: &'static str, second: &'static str, fate: Fate) -> Pair {
    Pair { oracle: Oracle::Locks, first, second, fate }
}

const fn life(first: &'static str, second: &'static str, fate: Fate) -> Pair {
    Pair { oracle: Oracle::Life, first, second, fate }
}

/// All pairs. Those of life have the scene of their first one; the others that of the victim.
pub(super) const PAIRS: &[Pair] = &[
    value("set", "set", Before),
    value("set_part", "set_from", Before),
    value("update", "update", Before),
    value("set_takeover", "set_takeover", Before),
    value("update_takeover", "set_part_takeover", Before),
    value("untyped_update", "untyped_update", Before),
    value("pin", "pin", Before),
    value("pin_dead", "pin_dead", Before),
    value("set", "set", Together),
    value("update", "set_part", Together),
    value("set_takeover", "set_takeover", Together),
    value("update_takeover", "untyped_update_takeover", Together),
    value("pin_dead", "pin_dead", Together),
    value("set", "set", Alone),
    value("update", "update", Alone),
    value("set_takeover", "set_takeover", Alone),
    value("update_takeover", "set_part_takeover", Alone),
    sized("128", "update", "update", Before),
    sized("128", "set_part", "set", Together),
    sized("slice", "update", "update", Before),
    sized("slice", "update_takeover", "update_takeover", Together),
    sized("slice", "update_takeover", "update_takeover", Alone),
    lock("mutex_lock", "mutex_lock", Before),
    lock("mutex_replace", "mutex_lock", Before),
    lock("mutex_lock_takeover", "mutex_lock_takeover", Before),
    lock("mutex_replace_takeover", "mutex_lock_takeover", Before),
    lock("mutex_lock", "mutex_lock", Together),
    lock("mutex_lock_takeover", "mutex_lock_takeover", Together),
    lock("mutex_lock_takeover", "mutex_replace_takeover", Together),
    lock("mutex_lock", "mutex_lock", Alone),
    lock("mutex_lock_takeover", "mutex_lock_takeover", Alone),
    lock("rw_write", "rw_write", Before),
    lock("rw_write", "rw_read", Before),
    lock("rw_read", "rw_write", Before),
    lock("rw_read", "rw_try_read", Before),
    lock("rw_write_takeover", "rw_write_takeover", Before),
    lock("rw_read_takeover", "rw_write_takeover", Before),
    lock("rw_write_dead_reader", "rw_write_dead_reader", Before),
    lock("rw_write", "rw_write", Together),
    lock("rw_read", "rw_write", Together),
    lock("rw_write_takeover", "rw_read_takeover", Together),
    lock("rw_write_dead_reader", "rw_write_dead_reader", Together),
    lock("rw_write", "rw_write", Alone),
    lock("rw_read", "rw_write", Alone),
    lock("rw_write", "rw_read", Alone),
    lock("rw_read_takeover", "rw_write_takeover", Alone),
    lock("rw_write_dead_reader", "rw_write_dead_reader", Alone),
    lock("semaphore_acquire", "semaphore_acquire", Before),
    lock("semaphore_forget", "semaphore_acquire", Before),
    lock("semaphore_acquire_takeover", "semaphore_acquire_takeover", Before),
    lock("semaphore_acquire_takeover", "semaphore_try_acquire_takeover", Before),
    lock("semaphore_acquire", "semaphore_acquire", Together),
    lock("semaphore_forget", "semaphore_add", Together),
    lock("semaphore_acquire_takeover", "semaphore_acquire_takeover", Together),
    lock("semaphore_acquire", "semaphore_acquire", Alone),
    lock("semaphore_acquire", "semaphore_forget", Alone),
    lock("semaphore_acquire_takeover", "semaphore_acquire_takeover", Alone),
    lock("once_call", "once_call", Before),
    lock("once_call_takeover", "once_call_takeover", Before),
    lock("once_call_takeover", "once_try_call_takeover", Before),
    lock("once_call", "once_call", Together),
    lock("once_call_takeover", "once_call_takeover", Together),
    lock("once_call", "once_call", Alone),
    lock("once_call_takeover", "once_call_takeover", Alone),
    lock("oncecell_init", "oncecell_set", Before),
    lock("oncecell_set_takeover", "oncecell_init_takeover", Before),
    lock("oncecell_set", "oncecell_init", Together),
    lock("oncecell_init_takeover", "oncecell_set_takeover", Together),
    lock("oncecell_init", "oncecell_init", Alone),
    lock("oncecell_init_takeover", "oncecell_set_takeover", Alone),
    lock("barrier_gives_up", "barrier_wait", Before),
    lock("barrier_gives_up_broken", "barrier_wait_broken", Before),
    lock("barrier_wait_last_broken", "barrier_wait_last_broken", Before),
    lock("barrier_gives_up", "barrier_wait", Together),
    lock("barrier_gives_up_broken", "barrier_wait_broken", Together),
    lock("barrier_wait_last_broken", "barrier_wait_last_broken", Together),
    lock("barrier_gives_up", "barrier_wait", Alone),
    lock("barrier_gives_up_broken", "barrier_wait_broken", Alone),
    lock("barrier_wait_last_broken", "barrier_wait_last_broken", Alone),
    life("create", "open_or_create", Before),
    life("open_or_create__over_orphan", "open_or_create", Before),
    life("open_or_create__half_built", "open_or_create", Before),
    life("open_or_create__half_ended", "open_or_create", Before),
    life("leave_last", "open_or_create", Before),
    life("exit_last", "open_or_create", Before),
    life("build_fails", "open_or_create", Before),
    life("collect", "open_or_create", Before),
    life("remove", "open_or_create", Before),
    life("machine_create", "machine_open_or_create", Before),
    life("machine_open_or_create__over_orphan", "machine_open_or_create", Before),
    life("machine_leave_last", "machine_open_or_create", Before),
    life("open_or_create", "open_or_create", Together),
    life("open_or_create__over_orphan", "open_or_create", Together),
    life("open_or_create__half_ended", "open_or_create", Together),
    life("leave_last", "open_or_create", Together),
    life("open_or_create", "open_or_create", Alone),
    life("open_or_create__over_orphan", "open_or_create", Alone),
    life("leave_last", "open_or_create", Alone),
];

impl Pair {
    /// Its name, which is unique.
    pub(super) fn name(&self) -> String {
        let size = match self.oracle {
            Oracle::Value("72") | Oracle::Locks | Oracle::Life => String::new(),
            Oracle::Value("slice") => " (slice)".to_owned(),
            Oracle::Value(size) => format!(" ({size} bytes)"),
        };
        format!("{} + {}{size}, {}", self.first, self.second, self.fate.name())
    }

    fn operation(&self, name: &str) -> Option<&'static Operation> {
        list::all().find(|operation| {
            operation.name == name
                && match operation.what {
                    What::Value(_) => matches!(self.oracle, Oracle::Value(_)),
                    What::Locks => self.oracle == Oracle::Locks,
                    What::Life => self.oracle == Oracle::Life,
                    _ => false,
                }
        })
    }

    /// What the first one does.
    pub(super) fn first(&self) -> Option<&'static Operation> {
        self.operation(self.first)
    }

    /// What the victim does.
    pub(super) fn second(&self) -> Option<&'static Operation> {
        self.operation(self.second)
    }

    /// A stage on which an operation of this oracle is run.
    pub(super) fn stage(
        &self,
        operation: &'static Operation,
        seed: u64,
    ) -> Result<Box<dyn Pairs>, String> {
        Ok(match (self.oracle, operation.what) {
            (Oracle::Value(size), What::Value(effect)) => {
                Box::new(ValueStage::new(operation, effect, size, seed)?)
            }
            (Oracle::Locks, _) => Box::new(LocksStage::new(operation)?),
            _ => Box::new(LifeStage::new(operation, seed)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::list::Realm;
    use super::*;

    #[test]
    fn pairs_are_of_operations_that_there_are_and_each_is_there_once() {
        for (index, pair) in PAIRS.iter().enumerate() {
            let (first, second) = (pair.first().unwrap(), pair.second().unwrap());
            assert_eq!(first.realm(), second.realm(), "{}", pair.name());
            assert!(first.realm() != Realm::Disk, "{}", pair.name());
            assert!(PAIRS.iter().take(index).all(|other| other.name() != pair.name()));
        }
    }
}
