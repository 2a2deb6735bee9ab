//! Life between real processes: who constructs, who ends, and what is left after any death.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod appearing;
mod birth;
mod ends;
mod following;
#[cfg(unix)] // It forks.
mod forks;
mod ghosts;
mod kills;
#[cfg(unix)] // It forks.
mod late_forks;
mod leaving;
mod slots;
mod statics;
mod stopped;
#[cfg(unix)] // It forks.
mod storm;
mod threads;

roles! {
    "user" => support::user::user,
    "racer" => birth::racer,
    "churner" => birth::churner,
    "constructors" => birth::constructors,
    "ender" => ends::ender,
    "guest" => ends::guest,
    "user-and-guest" => ends::user_and_guest,
    #[cfg(unix)]
    "forker" => forks::forker,
    #[cfg(unix)]
    "fork-last-handle" => forks::last_handle,
    #[cfg(unix)]
    "fork-inside-update" => forks::inside_update,
    #[cfg(unix)]
    "fork-inside-constructor" => forks::inside_constructor,
    #[cfg(unix)]
    "fork-inside-untyped-update" => forks::inside_untyped_update,
    #[cfg(unix)]
    "fork-with-pin" => forks::with_pin,
    #[cfg(unix)]
    "late-fork-value" => late_forks::value,
    #[cfg(unix)]
    "late-fork-atomic" => late_forks::atomic,
    #[cfg(unix)]
    "late-fork-in-place" => late_forks::in_place,
    #[cfg(unix)]
    "late-fork-fill" => late_forks::fill,
    "row-flipper" => slots::flipper,
    "row-opener" => slots::opener,
    "thread-end" => threads::thread_end,
    "mover" => leaving::mover,
    "other-type" => ghosts::other_type,
    "static" => statics::keeper,
    #[cfg(unix)]
    "late-leaver" => statics::late_leaver,
    "section" => stopped::section,
    "threads" => threads::same_name_twice,
    "losers" => threads::losers,
    "thread-race" => threads::race,
    "brief" => kills::brief,
    #[cfg(unix)]
    "storm" => storm::storm,
    "service" => following::service,
    #[cfg(unix)]
    "follow-forked" => following::forked,
    #[cfg(unix)]
    "follow-closer" => following::closer,
}
