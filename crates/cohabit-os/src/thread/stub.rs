//! No mechanism: a thread begins as the one that starts it.

pub(super) fn without_signals<R>(run: impl FnOnce() -> R) -> R {
    run()
}
