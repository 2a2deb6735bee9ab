//! How a handle goes from one process of a test to another: over a socket, as the example does it, or on
//! Windows into the other one's hands.
//!
//! One [`Giver`] is at a path; whoever comes there by [`fetch`] is given what the giver sends.

use std::path::{Path, PathBuf};

use cohabit_os::handle::{AsFd, OwnedFd};

#[cfg(unix)]
#[path = "../../examples/handle/over_socket.rs"]
#[allow(dead_code, reason = "its main is another program's")]
pub(crate) mod example;

/// Who waits at a path for somebody to give to.
pub(crate) struct Giver {
    path: PathBuf,
    #[cfg(unix)]
    listener: std::os::unix::net::UnixListener,
}

#[cfg(unix)]
impl Giver {
    pub(crate) fn at(path: &str) -> Giver {
        let listener = std::os::unix::net::UnixListener::bind(path).expect("a socket");
        Giver { path: path.into(), listener }
    }

    /// Waits for somebody.
    pub(crate) fn meet(&self) -> Taker {
        Taker(self.listener.accept().expect("somebody connects").0)
    }
}

/// Who came.
#[cfg(unix)]
pub(crate) struct Taker(std::os::unix::net::UnixStream);

#[cfg(unix)]
impl Taker {
    pub(crate) fn give(&self, handle: impl AsFd) {
        example::send(&self.0, handle).expect("sent");
    }
}

/// The handle that is to be had at a path.
#[cfg(unix)]
pub(crate) fn fetch(path: &str) -> OwnedFd {
    let stream = std::os::unix::net::UnixStream::connect(path).expect("a socket");
    example::receive(&stream).expect("a descriptor")
}

#[cfg(windows)]
impl Giver {
    pub(crate) fn at(path: &str) -> Giver {
        Giver { path: path.into() }
    }

    /// Waits for somebody.
    pub(crate) fn meet(&self) -> Taker {
        Taker { pid: note(&self.path), answer: answer(&self.path) }
    }
}

/// Who came, and where what it was given is told to it.
#[cfg(windows)]
pub(crate) struct Taker {
    pid: u32,
    answer: PathBuf,
}

#[cfg(windows)]
impl Taker {
    pub(crate) fn give(&self, handle: impl AsFd) {
        let number = super::sys::give(self.pid, handle.as_fd());
        leave_note(&self.answer, u32::try_from(number).expect("a number of a handle"));
    }
}

/// The handle that is to be had at a path.
#[cfg(windows)]
pub(crate) fn fetch(path: &str) -> OwnedFd {
    let path = Path::new(path);
    leave_note(path, std::process::id());
    super::sys::given(note(&answer(path)) as usize)
}

#[cfg(windows)]
fn answer(path: &Path) -> PathBuf {
    path.with_extension("answer")
}

/// Leaves a number for somebody, who finds it whole or not at all.
#[cfg(windows)]
fn leave_note(path: &Path, number: u32) {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, number.to_string()).expect("a note");
    std::fs::rename(&unfinished, path).expect("a note");
}

/// Waits for somebody's number, and takes it away.
#[cfg(windows)]
fn note(path: &Path) -> u32 {
    super::until(|| path.exists());
    let text = std::fs::read_to_string(path).expect("a note");
    std::fs::remove_file(path).expect("a note");
    text.parse().expect("a number")
}

#[cfg(unix)]
impl Drop for Giver {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).expect("the socket");
    }
}
