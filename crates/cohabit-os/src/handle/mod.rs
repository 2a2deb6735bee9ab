//! Descriptors that pass from one process to another: by inheritance, or over a socket.
//!
//! **Contract.**
//!
//! 1. [`rights`] changes nothing. What a descriptor allows never changes, and a seal is never broken:
//!    so what is true of a file once (its size is fixed, nobody new writes) stays true.
//! 2. A file whose size is fixed keeps every page that a map of it has, so that no access to such a
//!    map is answered by SIGBUS because a peer made the file shorter.
//! 3. What is given away is a description of its own, unless the system lets this process open none:
//!    then it holds no lock through the one that it shares. So nothing that the receiver does with it
//!    changes a lock of the giver.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod portable;
#[cfg(not(any(unix, windows)))]
mod stub;
#[cfg(all(test, unix))]
#[expect(dead_code, reason = "compiled to prove that it compiles")]
mod stub;
#[cfg(windows)]
mod windows;

use crate::mechanism::sys;

#[cfg(unix)]
pub use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(windows)]
pub use windows::{AsFd, BorrowedFd, OwnedFd};

#[cfg(not(any(unix, windows)))]
pub use none::{AsFd, BorrowedFd, OwnedFd};

use crate::error::{Cause, Result};
use crate::mapping::{Access, File};

/// What holds of a descriptor, whoever has it, and of its file, whoever reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Whether this descriptor lets its holder read.
    pub reads: bool,
    /// Whether this descriptor lets its holder write.
    pub writes: bool,
    /// Whether the file's size is fixed for ever, and its pages are ordinary memory.
    pub fixed_size: bool,
    /// Whether nobody who does not map the file writable already ever will.
    pub no_new_writers: bool,
}

/// Gives a type the descriptor of its field, under the name that std has for that: `AsFd`, or `AsHandle` on
/// Windows.
#[cfg(not(windows))]
#[macro_export]
macro_rules! has_descriptor {
    ($type:ty, $field:ident) => {
        impl $crate::handle::AsFd for $type {
            fn as_fd(&self) -> $crate::handle::BorrowedFd<'_> {
                $crate::handle::AsFd::as_fd(&*self.$field)
            }
        }
    };
}

/// Gives a type the descriptor of its field, under the name that std has for that: `AsFd`, or `AsHandle` on
/// Windows.
#[cfg(windows)]
#[macro_export]
macro_rules! has_descriptor {
    ($type:ty, $field:ident) => {
        impl std::os::windows::io::AsHandle for $type {
            fn as_handle(&self) -> $crate::handle::BorrowedFd<'_> {
                $crate::handle::AsFd::as_fd(&*self.$field)
            }
        }
    };
}

/// Says what a descriptor allows. One that is of a path only, without its file, allows nothing.
pub fn rights(file: &File) -> Result<Rights> {
    sys!(rights(file.handle()))
}

/// Another descriptor of the same description: it shares locks and position with the one given. A
/// number that is not open is [`Cause::NotOpen`].
pub fn another(descriptor: BorrowedFd<'_>) -> Result<File> {
    File::opened(|| sys!(another(descriptor)))
}

/// A descriptor to be given away, which allows no more than `access` (Invariant 3).
pub fn to_give(file: &File, access: Access) -> Result<OwnedFd> {
    match file.reopen(access) {
        // Another user's file, of which this process has only what it gives away again.
        Err(error) if error.cause() == Cause::PermissionDenied && allows(file, access)? => {
            sys!(give(file.handle()))
        }
        own => sys!(give(own?.handle())),
    }
}

/// Whether the descriptor allows what `access` asks for and no more.
fn allows(file: &File, access: Access) -> Result<bool> {
    let Rights { reads, writes, .. } = rights(file)?;
    Ok(reads && writes == (access == Access::ReadWrite))
}

/// Takes the right to write from everybody who does not map the file writable already, for ever.
pub fn forbid_new_writers(file: &File) -> Result<()> {
    sys!(forbid_new_writers(file.handle()))
}

/// What stands for descriptors where there are none: nothing that anybody could have.
#[cfg(not(any(unix, windows)))]
mod none {
    use std::marker::PhantomData;

    /// There is no descriptor.
    #[derive(Debug)]
    pub enum OwnedFd {}

    /// There is no descriptor to borrow.
    #[derive(Clone, Copy, Debug)]
    pub struct BorrowedFd<'a>(pub(super) std::convert::Infallible, PhantomData<&'a OwnedFd>);

    /// What has a descriptor: nothing.
    pub trait AsFd {
        /// Never called.
        fn as_fd(&self) -> BorrowedFd<'_>;
    }

    impl AsFd for OwnedFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match *self {}
        }
    }
}
