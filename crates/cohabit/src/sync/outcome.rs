//! What taking a lock may come to.

use std::fmt;

use super::word::OWNER_DIED;
use crate::error::{Error, ErrorKind};

/// What a lock says instead of simply giving a guard, in the manner of std's `LockResult`.
pub type LockResult<G> = Result<G, LockError<G>>;

/// Why a lock was not simply taken. In the first two cases it *was* taken, and the guard is inside.
///
/// `?` turns it into an [`Error`] and lets the lock go; what is told then stays for the next one.
///
/// ```no_run
/// use cohabit::{LockError, Mutex, Shared};
///
/// let total = Shared::<Mutex<[u64; 2]>>::open_or_create("total", || [0; 2])?;
/// let mut total = match total.lock() {
///     Ok(guard) => guard,
///     Err(LockError::OwnerDied(mut guard)) => {
///         guard[1] = guard[0]; // make whole what may be half done
///         guard.mark_consistent();
///         guard
///     }
///     Err(error) => return Err(error.into()),
/// };
/// total[0] += 1;
/// total[1] += 1;
/// # Ok::<(), cohabit::Error>(())
/// ```
pub enum LockError<G> {
    /// A holder died inside, so what the lock guards may be half done. Every later holder is told, too,
    /// until one says `mark_consistent`.
    OwnerDied(G),
    /// A holder panicked inside. Every later holder is told, too, until somebody says `clear_poison`.
    Poisoned(G),
    /// The lock was not taken, or the bits that it guards are no value.
    Failed(Error),
}

impl<G> LockError<G> {
    /// The guard, whatever is told with it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn into_inner(self) -> Result<G, Error> {
        match self {
            LockError::OwnerDied(guard) | LockError::Poisoned(guard) => Ok(guard),
            LockError::Failed(error) => Err(error),
        }
    }

    /// What kind of error it is as an [`Error`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            LockError::OwnerDied(_) => ErrorKind::OwnerDied,
            LockError::Poisoned(_) => ErrorKind::Poisoned,
            LockError::Failed(error) => error.kind(),
        }
    }

    /// What is given when the taker was told so.
    #[inline(always)]
    pub(super) fn unless_told(told: u64, guard: G) -> LockResult<G> {
        if told == 0 { Ok(guard) } else { Err(Self::of_news(told, guard)) }
    }

    #[cold]
    fn of_news(told: u64, guard: G) -> Self {
        if told & OWNER_DIED != 0 {
            LockError::OwnerDied(guard)
        } else {
            LockError::Poisoned(guard)
        }
    }

    /// The same with another guard.
    pub(super) fn map<H>(self, f: impl FnOnce(G) -> H) -> LockError<H> {
        match self {
            LockError::OwnerDied(guard) => LockError::OwnerDied(f(guard)),
            LockError::Poisoned(guard) => LockError::Poisoned(f(guard)),
            LockError::Failed(error) => LockError::Failed(error),
        }
    }
}

/// A guard, as far as an error's text needs it.
#[doc(hidden)]
pub trait Guard {
    /// Puts the object's name to an error.
    fn named(&self, error: Error) -> Error;
}

impl<G: Guard, W> Guard for (G, W) {
    fn named(&self, error: Error) -> Error {
        self.0.named(error)
    }
}

fn owner_died() -> Error {
    Error::new(ErrorKind::OwnerDied, "", "a holder of the lock died inside")
}

fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "", "a holder of the lock panicked inside")
}

impl<G> From<Error> for LockError<G> {
    fn from(error: Error) -> Self {
        LockError::Failed(error)
    }
}

impl<G: Guard> From<LockError<G>> for Error {
    fn from(error: LockError<G>) -> Self {
        match error {
            LockError::OwnerDied(guard) => guard.named(owner_died()),
            LockError::Poisoned(guard) => guard.named(poisoned()),
            LockError::Failed(error) => error,
        }
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::OwnerDied(_) => owner_died().fmt(f),
            LockError::Poisoned(_) => poisoned().fmt(f),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<G> fmt::Debug for LockError<G> {
    /// The text for people: `unwrap` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<G> std::error::Error for LockError<G> {}
