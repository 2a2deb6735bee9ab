//! Windows: there are no signals to a process; what the console sends comes on a thread of its own.

pub(super) fn without_signals<R>(run: impl FnOnce() -> R) -> R {
    run()
}
