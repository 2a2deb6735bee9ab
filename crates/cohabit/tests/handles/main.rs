//! Objects without a name, handed from process to process: by inheritance, and over Unix sockets or, on
//! Windows, into the hands of the other process.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod handing;
#[cfg(unix)] // About descriptors, forks and /proc.
mod lost;
#[cfg(unix)] // About seals, modes and /proc.
mod rights;

roles! {
    "user" => support::user::user,
    "heir" => handing::heir,
    "by-stdin" => handing::by_stdin,
    "ender" => ends::ender,
    "end-by-exit" => ends::by_exit,
    #[cfg(unix)]
    "forker" => lost::forker,
    #[cfg(unix)]
    "outsider" => rights::outsider,
    #[cfg(unix)]
    "without-proc" => lost::without_proc,
}
