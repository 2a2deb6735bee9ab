//! The lock files of the portable mechanism, in lists of what is in a folder of objects.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const LIVE: &str = ".cohabit.live.";

/// Whether this is the name of such a file.
pub(crate) fn is_lock_file(name: &str) -> bool {
    name.starts_with(LIVE)
}

/// Without the lock files that the portable mechanism has beside a file that is there: they are that one's, and
/// go with it. Where it is gone, they are left behind, and stay in the list.
pub(crate) fn without_lock_files(folder: &Path, names: Vec<String>) -> Vec<String> {
    let number = |name: &String| {
        let status = fs::symlink_metadata(folder.join(name)).ok()?;
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
