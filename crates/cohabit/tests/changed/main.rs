//! Waiting without blocking, between real processes: futures in several executors, and a descriptor
//! that polls; one thread, whatever is awaited; ends, deaths, forks and wakers that misbehave.

#[path = "../support/mod.rs"]
mod support;

mod descriptors;
mod ends;
mod executor;
mod forks;
mod futures;
mod limits;
mod one_thread;
mod runtimes;
mod wakers;

roles! {
    "user" => support::user::user,
    "echo" => futures::echo,
    "echo-tokio" => runtimes::echo,
    "echo-tokio-threads" => runtimes::echo_on_threads,
    "select" => runtimes::select,
    "poll" => descriptors::echo,
    "poll-many" => descriptors::many,
    "silent" => ends::silent,
    "writer" => ends::writer,
    "noise" => ends::noise,
    "fork" => forks::forker,
    "fork-storm" => forks::storm,
    "fork-in-waker" => forks::inside_waker,
    "thousand" => one_thread::thousand,
    "first-use" => one_thread::first_use,
    "quiet" => one_thread::quiet,
    "goes-away" => one_thread::goes_away,
    "wakers" => wakers::wakers,
    "no-waitv" => limits::without_waitv,
    "no-threads" => limits::without_threads,
    "leaks" => limits::leaks,
}
