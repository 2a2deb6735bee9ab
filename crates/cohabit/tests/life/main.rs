//! Life between real processes: who constructs, who ends, and what is left after any death.

#[path = "../support/mod.rs"]
mod support;

mod appearing;
mod birth;
mod ends;
mod following;
mod forks;
mod ghosts;
mod kills;
mod late_forks;
mod leaving;
mod slots;
mod statics;
mod stopped;
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
    "forker" => forks::forker,
    "fork-last-handle" => forks::last_handle,
    "fork-inside-update" => forks::inside_update,
    "fork-inside-constructor" => forks::inside_constructor,
    "fork-inside-untyped-update" => forks::inside_untyped_update,
    "fork-with-pin" => forks::with_pin,
    "late-fork-value" => late_forks::value,
    "late-fork-atomic" => late_forks::atomic,
    "late-fork-in-place" => late_forks::in_place,
    "late-fork-fill" => late_forks::fill,
    "row-flipper" => slots::flipper,
    "row-opener" => slots::opener,
    "thread-end" => threads::thread_end,
    "mover" => leaving::mover,
    "other-type" => ghosts::other_type,
    "static" => statics::keeper,
    "late-leaver" => statics::late_leaver,
    "section" => stopped::section,
    "threads" => threads::same_name_twice,
    "losers" => threads::losers,
    "thread-race" => threads::race,
    "brief" => kills::brief,
    "storm" => storm::storm,
    "service" => following::service,
    "follow-forked" => following::forked,
    "follow-closer" => following::closer,
}
