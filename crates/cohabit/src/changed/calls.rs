//! The calls that wait without blocking: on a value, on a view of one, and on an object that is one.

use super::wait::Who;
use super::{ChangeFd, Changed, ChangedVersion};
use crate::error::Result;
use crate::plain::Plain;
use crate::shareable::Shareable;
use crate::value::{Contents, Value, Version};
use crate::view::SharedView;
use crate::views::View;

impl<T: Plain> Value<T> {
    /// [`Value::wait_changed`] for asynchronous programs: resolves, once the version is not `seen` any
    /// more, to the value and its version. See [`changed`](crate::changed).
    ///
    /// ```no_run
    /// # async fn watch() -> cohabit::Result<()> {
    /// let rpm = cohabit::SharedValue::<u32>::open("rpm")?;
    /// let (mut now, mut seen) = rpm.read()?;
    /// while now < 9000 {
    ///     (now, seen) = rpm.changed(seen).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Of the future: `Ended` or `NameLost` when the instance is over; `System` when the waiting
    /// thread cannot be started; else as [`Value::get`].
    pub fn changed(&self, seen: Version) -> Changed<'_, T> {
        Changed::new(self, Who::User, seen)
    }
}

impl<T: Contents + ?Sized> Value<T> {
    /// [`Value::wait_version`] for asynchronous programs: resolves, once the version is not `seen` any
    /// more, to the version. For a large T or a slice, which is then read with `get_into`. See
    /// [`changed`](crate::changed).
    ///
    /// # Errors
    /// Of the future: as [`Value::changed`].
    pub fn changed_version(&self, seen: Version) -> ChangedVersion<'_> {
        ChangedVersion::new(self.commit_word(), Who::User, seen)
    }

    /// A descriptor that polls as readable once the version is not `seen` any more. See [`ChangeFd`].
    ///
    /// # Errors
    /// `Forked`, `NotShared`; `Ended` or `NameLost` when the instance is over; `NoDescriptors`,
    /// `System`; `Unsupported` where the system has no such descriptors.
    pub fn change_fd(&self, seen: Version) -> Result<ChangeFd> {
        ChangeFd::new(Who::User, self.commit_word(), seen)
    }
}

impl<'a, T: Plain> View<'a, Value<T>> {
    /// `wait_changed` for asynchronous programs: resolves, once the version is not `seen` any more, to
    /// the value and its version. See [`changed`](crate::changed).
    ///
    /// # Errors
    /// Of the future: as [`Value::changed`].
    pub fn changed(self, seen: Version) -> Changed<'a, T> {
        Changed::new(self.place(), Who::View(self.member()), seen)
    }
}

impl<'a, T: Contents + ?Sized> View<'a, Value<T>> {
    /// `wait_version` for asynchronous programs: resolves, once the version is not `seen` any more, to
    /// the version. See [`changed`](crate::changed).
    ///
    /// # Errors
    /// Of the future: as [`Value::changed`].
    pub fn changed_version(self, seen: Version) -> ChangedVersion<'a> {
        ChangedVersion::new(self.place().commit_word(), Who::View(self.member()), seen)
    }

    /// A descriptor that polls as readable once the version is not `seen` any more. See [`ChangeFd`].
    ///
    /// # Errors
    /// As [`Value::change_fd`].
    pub fn change_fd(self, seen: Version) -> Result<ChangeFd> {
        ChangeFd::new(Who::View(self.member()), self.place().commit_word(), seen)
    }
}

impl<T: Plain> SharedView<Value<T>> {
    /// [`SharedView::wait_changed`] for asynchronous programs: resolves, once the version is not `seen`
    /// any more, to the value and its version. See [`changed`](crate::changed).
    ///
    /// # Errors
    /// Of the future: as [`Value::changed`].
    pub fn changed(&self, seen: Version) -> Changed<'_, T> {
        View::new(self.object(), self.member()).changed(seen)
    }
}

impl<T: Contents + ?Sized> SharedView<Value<T>>
where
    Value<T>: Shareable,
{
    /// [`SharedView::wait_version`] for asynchronous programs. See [`changed`](crate::changed).
    ///
    /// # Errors
    /// Of the future: as [`Value::changed`].
    pub fn changed_version(&self, seen: Version) -> ChangedVersion<'_> {
        View::new(self.object(), self.member()).changed_version(seen)
    }

    /// A descriptor that polls as readable once the version is not `seen` any more. See [`ChangeFd`].
    ///
    /// # Errors
    /// As [`Value::change_fd`].
    pub fn change_fd(&self, seen: Version) -> Result<ChangeFd> {
        View::new(self.object(), self.member()).change_fd(seen)
    }
}
