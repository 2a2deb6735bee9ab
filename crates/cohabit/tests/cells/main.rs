//! Objects with parts between real processes: `#[shareable]` structs of atomics, flags and cells, their
//! views, their bytes, and what hostile bytes make of them.

#[path = "../support/mod.rs"]
mod support;

mod board;
mod built;
mod hostile;
mod loose;
mod outside;
mod tails;

roles! {
    "boarder" => board::boarder,
    "watcher" => board::watcher,
    "storer" => loose::storer,
    "halves" => loose::halves,
    "logger" => tails::logger,
    "forked" => outside::forked,
    "rusher" => hostile::rusher,
    "vandal" => hostile::vandal,
}
