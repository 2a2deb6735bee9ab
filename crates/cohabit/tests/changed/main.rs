//! Waiting without blocking, between real processes: futures in several executors, and a descriptor
//! that polls; one thread, whatever is awaited; ends, deaths, forks and wakers that misbehave.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod descriptors;
mod ends;
mod executor;
#[cfg(unix)] // It forks.
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
    #[cfg(unix)]
    "fork" => forks::forker,
    #[cfg(unix)]
    "fork-storm" => forks::storm,
    #[cfg(unix)]
    "fork-in-waker" => forks::inside_waker,
    "thousand" => one_thread::thousand,
    "first-use" => one_thread::first_use,
    "quiet" => one_thread::quiet,
    "goes-away" => one_thread::goes_away,
    "wakers" => wakers::wakers,
    #[cfg(unix)]
    "no-waitv" => limits::without_waitv,
    #[cfg(unix)]
    "no-threads" => limits::without_threads,
    "leaks" => limits::leaks,
}
