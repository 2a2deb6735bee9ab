//! Which folder a scope means, checked, and why one will not do.

use std::path::{Path, PathBuf};

use cohabit_os::error::Cause;
use cohabit_os::place::{self, PlaceError};

use crate::error::{Error, ErrorKind, Result};
use crate::options::Scope;

/// The folder of a scope. `None`: it does not exist yet, and `make` does not say to make it.
pub(crate) fn folder(scope: &Scope, name: &str, make: bool) -> Result<Option<PathBuf>> {
    let found = match scope {
        Scope::Folder(path) => place::check_folder(path).map(|()| Some(path.clone())),
        Scope::User if make => place::user_folder().map(Some),
        Scope::User => place::user_folder_if_present(),
    };
    let found = found.map_err(|error| refused(scope, name, error))?;
    Ok(found.map(|folder| absolute(&folder)))
}

/// A folder that stays the same when the process changes its own.
fn absolute(folder: &Path) -> PathBuf {
    match std::path::absolute(folder) {
        Ok(absolute) if folder.is_relative() => absolute,
        _ => folder.to_owned(),
    }
}

/// Says in our words why a folder will not do.
fn refused(scope: &Scope, name: &str, error: PlaceError) -> Error {
    // The system's own answers do not say which folder was looked for.
    let at = match scope {
        Scope::Folder(path) => format!(" {}", path.display()),
        Scope::User => format!(" {} (COHABIT_DIR, if it is set)", place::root().display()),
    };
    let detail = error.to_string();
    let kind = match error {
        PlaceError::Os(os) if os.cause() == Cause::NotFound => {
            let detail = format!("expected a folder{at}, found nothing ({os})");
            return Error::new(ErrorKind::FolderMissing, name, detail).with_source(os);
        }
        PlaceError::Os(os) => return Error::from_os(name, &format!("finding the folder{at}"), os),
        PlaceError::NotAFolder { .. } => ErrorKind::FolderMissing,
        PlaceError::OtherOwner { .. } => ErrorKind::OtherOwner,
        PlaceError::OthersMayWrite { .. } => ErrorKind::FolderUnsafe,
        _ => ErrorKind::System,
    };
    Error::new(kind, name, detail)
}
