//! Every Unix: pthread_atfork(3), atexit(3).

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Has the C library call our hooks around every fork: before it, and after it in the parent and in the
/// child. It does not wait, since a fork may come while another thread is in here: two threads may both
/// register, which the hooks allow for.
pub(super) fn register_fork_hooks(
    before: extern "C" fn(),
    in_parent: extern "C" fn(),
    in_child: extern "C" fn(),
) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Relaxed) {
        return;
    }
    let hooks = [before, in_parent, in_child].map(|hook| Some(hook as unsafe extern "C" fn()));
    // SAFETY: the hooks are safe functions of this crate. They stay loaded as long as they may be
    // called: the C library forgets the hooks of a library that is unloaded.
    let refused = unsafe { libc::pthread_atfork(hooks[0], hooks[1], hooks[2]) };
    DONE.store(refused == 0, Relaxed);
}

pub(super) fn at_exit(hook: extern "C" fn()) {
    // SAFETY: a safe function without arguments may be called at any time, at exit too.
    let _ = unsafe { libc::atexit(hook) };
}
