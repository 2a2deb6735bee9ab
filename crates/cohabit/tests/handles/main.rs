//! Objects without a name, handed from process to process: by inheritance, and over Unix sockets.

#[path = "../support/mod.rs"]
mod support;

mod ends;
mod handing;
mod lost;
mod rights;

roles! {
    "user" => support::user::user,
    "heir" => handing::heir,
    "by-stdin" => handing::by_stdin,
    "ender" => ends::ender,
    "end-by-exit" => ends::by_exit,
    "forker" => lost::forker,
    "outsider" => rights::outsider,
    "without-proc" => lost::without_proc,
}
