//! Objects with parts between real processes: `#[shareable]` structs of atomics, flags and cells, their
//! views, their bytes, and what hostile bytes make of them.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod board;
mod built;
mod by_schema;
mod ends;
mod hostile;
#[cfg(target_pointer_width = "64")]
mod huge;
mod loose;
mod made;
mod outside;
mod tails;

roles! {
    "boarder" => board::boarder,
    "watcher" => board::watcher,
    "storer" => loose::storer,
    "halves" => loose::halves,
    #[cfg(target_pointer_width = "64")]
    "huge-counter" => huge::counter,
    #[cfg(target_pointer_width = "64")]
    "huge-viewer" => huge::viewer,
    #[cfg(target_pointer_width = "64")]
    "huge-adder" => huge::adder,
    "logger" => tails::logger,
    "ender" => ends::ender,
    #[cfg(unix)]
    "forked" => outside::forked,
    "maker" => made::maker,
    "rusher" => hostile::rusher,
    "vandal" => hostile::vandal,
}
