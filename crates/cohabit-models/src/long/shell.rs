//! What stands around the protocols in the library, as thin as they need it.

/// Where a call comes from: the process of the model.
pub(crate) mod site {
    use super::super::process::{self, Kernel};
    use crate::error::{Error, Result};
    use crate::lock::Peers;
    use crate::token::Token;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Site {
        slot: u16,
    }

    impl Site {
        #[expect(clippy::unnecessary_wraps, reason = "the library's can fail")]
        pub(crate) fn of(_address: usize) -> Result<Site> {
            Ok(Site { slot: process::slot() })
        }

        pub(crate) fn me(self) -> u64 {
            Kernel::token(self.slot)
        }

        pub(crate) fn is_here(self) -> bool {
            process::slot() == self.slot
        }

        pub(crate) fn name(self, error: Error) -> Error {
            error
        }

        #[expect(clippy::unnecessary_wraps, reason = "the library's can fail")]
        pub(crate) fn member(self) -> Result<Member> {
            Ok(Member { segment: Segment })
        }
    }

    impl Peers for Site {
        fn is_dead(&self, token: Token) -> Result<bool> {
            Kernel::now().is_dead(token)
        }

        fn describe(&self, token: Token) -> String {
            Kernel::now().describe(token)
        }

        fn are_one(&self, _word: usize, _other: usize) -> bool {
            false
        }
    }

    /// The instance, which never ends.
    pub(crate) struct Member {
        pub(crate) segment: Segment,
    }

    pub(crate) struct Segment;

    impl Segment {
        #[expect(clippy::unnecessary_wraps, reason = "the library's can fail")]
        pub(crate) fn check_alive(&self) -> Result<()> {
            Ok(())
        }
    }
}

/// Plain data: whatever a model guards.
pub(crate) mod plain {
    pub trait Plain {}
    impl Plain for () {}
}

/// The mutex, over the library's word.
pub(crate) mod mutex {
    use std::marker::PhantomData;
    use std::time::Duration;

    use super::plain::Plain;
    use super::site::Site;
    use crate::lock::Patience;
    use crate::outcome::{LockError, LockResult};
    use crate::primitive::AtomicU64;
    use crate::word::{self, OWNER_DIED};

    #[derive(Debug)]
    pub struct Mutex<T: Plain> {
        pub(crate) word: AtomicU64,
        data: PhantomData<T>,
    }

    #[derive(Debug)]
    pub struct MutexGuard<'a, T: Plain> {
        mutex: &'a Mutex<T>,
        site: Site,
    }

    impl<T: Plain> Mutex<T> {
        pub(crate) fn new() -> Self {
            Self { word: AtomicU64::new(0), data: PhantomData }
        }

        fn lock_with(&self, patience: Patience) -> LockResult<MutexGuard<'_, T>> {
            let site = Site::of(0)?;
            let told = word::acquire(&self.word, site.me(), &site, patience)?;
            let guard = MutexGuard { mutex: self, site };
            match told {
                0 => Ok(guard),
                told if told & OWNER_DIED != 0 => Err(LockError::OwnerDied(guard)),
                _ => Err(LockError::Poisoned(guard)),
            }
        }

        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            self.lock_with(Patience::Forever)
        }

        pub(crate) fn lock_timeout(&self, timeout: Duration) -> LockResult<MutexGuard<'_, T>> {
            self.lock_with(Patience::timeout(timeout))
        }
    }

    impl<'a, T: Plain> MutexGuard<'a, T> {
        pub(crate) fn mutex(&self) -> &'a Mutex<T> {
            self.mutex
        }

        pub(crate) fn mark_consistent(&self) {
            self.mutex.word.fetch_and(!OWNER_DIED, crate::primitive::Ordering::Relaxed);
        }
    }

    impl<T: Plain> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            word::release(&self.mutex.word, self.site.me(), 0);
        }
    }
}
