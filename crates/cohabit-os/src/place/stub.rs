//! No mechanism: there is no place.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::mapping::Rights;

pub(super) fn root() -> PathBuf {
    std::env::var_os("COHABIT_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

pub(super) fn machine_root() -> PathBuf {
    root()
}

pub(super) fn make_folder(_draft: &Path, _path: &Path, _rights: Rights) -> Result<bool> {
    Err(Error::unsupported("mkdir"))
}
