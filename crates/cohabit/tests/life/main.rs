//! Life between real processes: who constructs, who ends, and what is left after any death.

#[path = "../support/mod.rs"]
mod support;

mod birth;
mod ends;
mod forks;
mod ghosts;
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
    "forker" => forks::forker,
    "fork-inside-update" => forks::inside_update,
    "fork-inside-constructor" => forks::inside_constructor,
    "other-type" => ghosts::other_type,
    "static" => statics::keeper,
    "section" => stopped::section,
    "threads" => threads::same_name_twice,
    "losers" => threads::losers,
    "thread-race" => threads::race,
    "storm" => storm::storm,
}
