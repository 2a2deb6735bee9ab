//! No mechanism: there is no place.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub(super) fn root() -> PathBuf {
    std::env::var_os("COHABIT_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

pub(super) fn make_private_folder(_path: &Path) -> Result<()> {
    Err(Error::unsupported("mkdir"))
}
