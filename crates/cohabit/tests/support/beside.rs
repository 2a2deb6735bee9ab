//! What a mechanism has beside the objects in their folder, in lists of what is there.

use std::path::Path;

const LIVE: &str = ".cohabit.live.";

/// Whether this is the name of a lock file of the portable mechanism.
pub(crate) fn is_lock_file(name: &str) -> bool {
    name.starts_with(LIVE)
}

/// Without the lock files that the portable mechanism has beside a file that is there: they are that one's, and
/// go with it. Where it is gone, they are left behind, and stay in the list.
#[cfg(unix)]
pub(crate) fn without_what_is_beside(folder: &Path, names: Vec<String>) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let number = |name: &String| {
        let status = std::fs::symlink_metadata(folder.join(name)).ok()?;
        (!is_lock_file(name)).then(|| format!("{:x}", status.ino()))
    };
    let there: Vec<String> = names.iter().filter_map(number).collect();
    let is_its_own = |name: &String| {
        name.strip_prefix(LIVE)
            .and_then(|rest| rest.split('.').next())
            .is_some_and(|number| there.iter().any(|there| there == number))
    };
    names.into_iter().filter(|name| !is_its_own(name)).collect()
}

/// Without the files of the index whose objects have ended by a kill: they are empty, are no objects, and go
/// when the next object is made there, or by `gc`.
#[cfg(windows)]
pub(crate) fn without_what_is_beside(folder: &Path, names: Vec<String>) -> Vec<String> {
    let is_there = |name: &String| cohabit_os::mapping::status_of(&folder.join(name)).is_ok();
    names.into_iter().filter(is_there).collect()
}
