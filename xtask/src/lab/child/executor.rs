//! The smallest executor and the smallest loop that polls, for victims that wait without blocking.
//!
//! The library's waiting thread is not traced: it only reads the segment. What a wait writes, it writes
//! on the victim's own thread, step by step under the tracer's eyes.
use cohabit::changed::ChangeFd;
use cohabit::{Error, Version};
use std::future::Future;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::lab::{list, raw};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
pub(super) fn wait_for<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Polls a descriptor until the version is not `seen` any more.
pub(super) fn poll_for(mut fd: ChangeFd, seen: Version) -> Result<Version, Error> {
    loop {
        // An error is looked at again, as a signal is: the watchdog ends what does not end.
        let _interrupted = raw::readable(fd.as_fd(), -1);
        let now = fd.rearm(seen)?;
        if now != seen {
            return Ok(now);
        }
    }
}

/// Whether the waiting thread takes part in an operation on a value.
pub(super) fn is_served(what: &str) -> bool {
    list::of_value().any(|(operation, _)| operation.served && operation.name == what)
}

/// Begins to wait, and returns once the waiting thread has seen it and sleeps. Where it wakes and locks
/// is private to the victim, but what follows would differ from run to run.
pub(super) fn begin<F: Future + Unpin>(mut future: F) -> F {
    let waits = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(waits.is_pending(), "nothing has changed yet");
    while !others_wait().unwrap_or(false) {
        std::thread::yield_now();
    }
    future
}

/// Whether every other thread of this process waits for words to change.
fn others_wait() -> std::io::Result<bool> {
    let me = std::process::id().to_string();
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?;
        let call = std::fs::read_to_string(task.path().join("syscall"))?;
        let number = call.split(' ').next().and_then(|number| number.parse().ok());
        let waits = matches!(number, Some(libc::SYS_futex | libc::SYS_futex_waitv));
        if task.file_name() != *me && !waits {
            return Ok(false);
        }
    }
    Ok(true)
}
