//! The operations on locks.

use super::list::{Operation, Scene, lock};

/// All that is run by `lab step locks`.
pub(crate) const LOCKS: &[Operation] = &[
    lock("mutex_lock", Scene::Usual, &["Mutex::lock"]),
    lock("mutex_lock_contended", Scene::Held, &["Mutex::lock"]),
    lock("mutex_lock_takeover", Scene::DeadHolder, &MENDS),
    lock("mutex_lock_awaited", Scene::Awaited, &["Mutex::lock"]),
    lock("mutex_lock_long_awaited", Scene::LongAwaited, &["Mutex::lock"]),
    lock("mutex_lock_poisoned", Scene::Poisoned, &["Mutex::lock", "Mutex::clear_poison"]),
    lock("mutex_lock_panics", Scene::Usual, &["Mutex::lock"]),
    lock("mutex_try_lock", Scene::Usual, &["Mutex::try_lock"]),
    lock("mutex_try_lock_takeover", Scene::DeadHolder, &["Mutex::try_lock"]),
    lock("mutex_lock_timeout", Scene::Usual, &["Mutex::lock_timeout"]),
    lock("mutex_lock_timeout_takeover", Scene::DeadHolder, &["Mutex::lock_timeout"]),
    lock("mutex_replace", Scene::Usual, &["Mutex::replace"]),
    lock("mutex_replace_takeover", Scene::DeadHolder, &["Mutex::replace"]),
    lock("mutex_replace_poisoned", Scene::Poisoned, &["Mutex::replace"]),
    lock("mutex_replace_timeout", Scene::Awaited, &["Mutex::replace_timeout"]),
    lock("mutex_clear_poison", Scene::Poisoned, &["Mutex::clear_poison"]),
    lock("mutex_is_poisoned", Scene::Poisoned, &["Mutex::is_poisoned"]),
    lock("mutex_peek", Scene::Usual, &["View::peek"]),
    lock("event_set", Scene::Usual, &["Event::set"]),
    lock("event_set_again", Scene::Host, &["Event::set"]),
    lock("event_set_awaited", Scene::Awaited, &["Event::set"]),
    lock("event_reset", Scene::Host, &["Event::reset"]),
    lock("event_is_set", Scene::Host, &["Event::is_set"]),
    lock("event_try_wait", Scene::Host, &["Event::try_wait"]),
    lock("event_wait", Scene::Waits, &["Event::wait"]),
    lock("event_wait_timeout", Scene::Waits, &["Event::wait_timeout"]),
    lock("event_view", Scene::Host, &["View::is_set"]),
    lock("manual_set", Scene::Usual, &["Event::set"]),
    lock("manual_set_awaited", Scene::Awaited, &["Event::set"]),
    lock("manual_reset", Scene::Host, &["Event::reset"]),
    lock("manual_try_wait", Scene::Host, &["Event::try_wait"]),
    lock("manual_wait", Scene::Waits, &["Event::wait"]),
    lock("condvar_notify_one", Scene::Usual, &["Condvar::notify_one"]),
    lock("condvar_notify_one_awaited", Scene::Awaited, &["Condvar::notify_one"]),
    lock("condvar_notify_all", Scene::Usual, &["Condvar::notify_all"]),
    lock("condvar_notify_all_awaited", Scene::Awaited, &["Condvar::notify_all"]),
    lock("condvar_wait", Scene::Waits, &["Condvar::wait"]),
    lock("condvar_wait_timeout", Scene::Waits, &["Condvar::wait_timeout"]),
];

const MENDS: [&str; 2] = ["Mutex::lock", "MutexGuard::mark_consistent"];
