//! Where an object of a scope is: which folder, whose files are believed there, and who may use a file
//! that is made there. And why a folder will not do.
//!
//! An object of [`Scope::Machine`] has a folder of its own, `cohabit.NAME` in the system's sticky
//! folder, and in it the object's file. The folder is the object's *place*: its owner and permission
//! bits say who may use the object, and outlast the single instance. So whoever may write can also
//! take an ended instance away and make a new one, which the sticky folder itself would forbid to
//! anyone but the file's owner.
//!
//! Rejected: using an ended file again for the next instance. Observers hold no byte, so nobody knows
//! whether one still maps it, and it would see another object in its memory.

use std::path::{Path, PathBuf};

use cohabit_os::accounts::{self, described};
use cohabit_os::error::Cause;
use cohabit_os::mapping::{self, FileKind, FileStatus, Rights, status_of};
use cohabit_os::place::{self, PlaceError, SharedFolder};
use cohabit_os::process::effective_uid;

use crate::access::Access;
use crate::bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Scope;

/// What only the user itself may use.
const PRIVATE: Rights = Rights { mode: 0o600, group: None };
/// Permission of others than the owner to write.
const WRITE_BY_OTHERS: u32 = 0o022;
/// How often a place is looked for anew that others make and take away meanwhile.
pub(crate) const TRIES: usize = 100;

/// Where an object is, checked.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder of the object's file.
    pub(crate) folder: PathBuf,
    /// Who may use a file that is made here.
    pub(crate) rights: Rights,
    /// The folder, where it is the object's own.
    own: Option<FileStatus>,
    /// The rights that the caller wants, where the folder is its own, has others, and is not empty.
    wanted: Option<Rights>,
}

impl Place {
    /// The place of an object. `None`: it does not exist yet, and `make` does not say to make it.
    pub(crate) fn find(scope: &Scope, name: &str, make: bool) -> Result<Option<Place>> {
        let found = match scope {
            Scope::Folder(path) => place::check_folder(path).map(|()| Some(path.clone())),
            Scope::User if make => place::user_folder().map(Some),
            Scope::User => place::user_folder_if_present(),
            Scope::Machine(access) if make => return Place::make_shared(access, name).map(Some),
            Scope::Machine(access) => return Place::find_shared(access, name),
        };
        let found = found.map_err(|error| refused(scope, name, error))?;
        Ok(found.map(|folder| Place {
            folder: absolute(&folder),
            rights: PRIVATE,
            own: None,
            wanted: None,
        }))
    }

    /// The folder in which the machine's users have their shared objects' folders.
    pub(crate) fn shared_root(access: &Access) -> Result<PathBuf> {
        let trust = access.trust("")?;
        let root = place::shared_root(&|user| trust.includes(user));
        root.map(|root| absolute(&root)).map_err(|error| refused_shared("", error))
    }

    fn find_shared(access: &Access, name: &str) -> Result<Option<Place>> {
        let trust = access.trust(name)?;
        let found = place::shared_folder(name, &|user| trust.includes(user));
        found.map(|folder| folder.map(Place::shared)).map_err(|error| refused_shared(name, error))
    }

    fn make_shared(access: &Access, name: &str) -> Result<Place> {
        let trust = access.trust(name)?;
        let trusts = |user| trust.includes(user);
        let rights = of_folder(access.rights(name)?);
        let refused = |error| refused_shared(name, error);
        for _ in 0..TRIES {
            match place::shared_folder(name, &trusts).map_err(refused)? {
                Some(folder) if !is_stale(&folder.status, rights) => {
                    return Ok(Place::shared(folder));
                }
                // Ours, and made when this program gave other rights. In use, it stays as it is.
                Some(folder) => {
                    bytes::tidy(&folder.path, name);
                    let place = Place { wanted: Some(rights), ..Place::shared(folder) };
                    if !place.is_gone() {
                        return Ok(place);
                    }
                }
                None => {}
            }
            place::make_shared_folder(name, rights, &trusts).map_err(refused)?;
        }
        Err(restless(name))
    }

    fn shared(folder: SharedFolder) -> Place {
        let SharedFolder { path, status } = folder;
        let mode = status.mode & 0o666;
        // Where the group may do what everyone may, it does not matter which one a file has.
        let group = (mode >> 3 & 0o7 != mode & 0o7).then_some(status.group);
        let rights = Rights { mode: mode | 0o600, group };
        Place { folder: absolute(&path), rights, own: Some(status), wanted: None }
    }

    /// Where the object's file is.
    pub(crate) fn object(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether this is the object's own folder.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether what stands here is believed: those who may put a file here are known. What is no file of the folder
    /// can be anybody's.
    pub(crate) fn believes(&self, status: &FileStatus) -> bool {
        let by_rights = |own: FileStatus| status.in_folder && own.mode & WRITE_BY_OTHERS != 0;
        status.owner == 0
            || status.owner == effective_uid()
            || self.own.is_some_and(|own| own.owner == status.owner || by_rights(own))
    }

    /// Whether it is not there any more, or another folder stands there.
    pub(crate) fn is_gone(&self) -> bool {
        let Some(own) = self.own else { return false };
        // The number alone may be that of a new folder, and rights may have changed.
        let is_it = |now: FileStatus| {
            (now.id, now.owner, now.group, now.mode) == (own.id, own.owner, own.group, own.mode)
        };
        !status_of(&self.folder).is_ok_and(is_it)
    }

    /// Whether a new object may be made here: not with rights that are not those the caller asks for.
    /// False: look again, since another process of this user just makes one.
    ///
    /// # Errors
    /// `FolderUnsafe`: something that is no object keeps the folder with its older rights.
    pub(crate) fn is_fit(&self, name: &str) -> Result<bool> {
        let (Some(own), Some(wanted)) = (self.own, self.wanted) else { return Ok(true) };
        let names = mapping::list(&self.folder);
        let names = names.map_err(|e| Error::from_os(name, "listing the object's folder", e))?;
        let strange = names.iter().find(|found| *found != name && !bytes::is_lock_file(found));
        let Some(strange) = strange else { return Ok(false) };
        let (folder, who) = (self.folder.display(), who_may(&own));
        let detail = format!(
            "expected mode {:04o} of {folder}, found {:04o} from an earlier object: {who}; it cannot be \
             made anew, since there is something in it that is no object: {strange:?}",
            wanted.mode, own.mode
        );
        Err(Error::new(ErrorKind::FolderUnsafe, name, detail))
    }

    /// The folder, where it is the object's own.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.own.map(|_| self.folder.clone())
    }

    /// What the system refused here; in an object's own folder, with who may do what.
    pub(crate) fn not_permitted(&self, name: &str, doing: &str, error: cohabit_os::Error) -> Error {
        match self.own {
            Some(own) if error.cause() == Cause::PermissionDenied => {
                let (folder, who) = (self.folder.display(), who_may(&own));
                let detail = format!("while {doing}: {error}; this is about {folder}: {who}");
                Error::new(ErrorKind::PermissionDenied, name, detail).with_source(error)
            }
            _ => Error::from_os(name, doing, error),
        }
    }
}

/// An owner who is not believed, for an error.
pub(crate) fn who_is(owner: u32) -> String {
    let me = effective_uid();
    let name = |user| described(accounts::user_name(user), user);
    format!("a file of user {}, while this process is user {}", name(owner), name(me))
}

/// Others kept making the place and taking it away.
#[cold]
pub(crate) fn restless(name: &str) -> Error {
    let detail = "the object's folder was made and taken away by others each time";
    Error::new(ErrorKind::Busy, name, detail)
}

/// Who owns a file or folder, and who else may read and write it: for an error.
pub(crate) fn who_may(status: &FileStatus) -> String {
    let owner = described(accounts::user_name(status.owner), status.owner);
    let group = described(accounts::group_name(status.group), status.group);
    let class = |shift: u32| match status.mode >> shift & 0o6 {
        0 | 0o2 => "do nothing",
        0o4 => "read",
        _ => "read and write",
    };
    format!("it belongs to {owner}; group {group} may {}, others may {}", class(3), class(0))
}

/// The rights of a folder for files with these rights: whoever may read a file finds it.
fn of_folder(rights: Rights) -> Rights {
    Rights { mode: rights.mode | (rights.mode & 0o444) >> 2, ..rights }
}

/// Whether a folder of ours was made with other rights.
fn is_stale(status: &FileStatus, rights: Rights) -> bool {
    status.owner == effective_uid()
        && (status.mode & 0o777 != rights.mode
            || rights.group.is_some_and(|group| group != status.group))
}

/// A folder that stays the same when the process changes its own.
fn absolute(folder: &Path) -> PathBuf {
    match std::path::absolute(folder) {
        Ok(absolute) if folder.is_relative() => absolute,
        _ => folder.to_owned(),
    }
}

/// The folder under which a scope's objects are.
pub(crate) fn root_of(scope: &Scope) -> PathBuf {
    match scope {
        Scope::User => place::root(),
        Scope::Folder(path) => path.clone(),
        Scope::Machine(_) => place::machine_root(),
    }
}

/// Says in our words why a folder will not do.
pub(crate) fn refused(scope: &Scope, name: &str, error: PlaceError) -> Error {
    // The system's own answers do not say which folder was looked for.
    let at = match scope {
        Scope::Folder(path) => format!(" {}", path.display()),
        _ => format!(" {} (COHABIT_DIR, if it is set)", root_of(scope).display()),
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

/// Says why what stands in a shared object's place is not believed, or why none can be made.
fn refused_shared(name: &str, error: PlaceError) -> Error {
    let me = effective_uid();
    let (path, what, kind) = match &error {
        PlaceError::OtherOwner { path, owner } => {
            let me = described(accounts::user_name(me), me);
            let owner = described(accounts::user_name(*owner), *owner);
            let what =
                format!("what belongs to {owner}, whom this process ({me}) was not told to trust");
            (path, what, ErrorKind::OtherOwner)
        }
        PlaceError::NotAFolder { path }
            if !name.is_empty() && path.ends_with(format!("cohabit.{name}")) =>
        {
            let (what, kind) = match status_of(path).map(|status| status.kind) {
                Ok(FileKind::Symlink) => ("a symbolic link", ErrorKind::SymbolicLink),
                Ok(FileKind::Other) => ("a fifo, socket or device", ErrorKind::NotAFile),
                _ => ("a file", ErrorKind::NotAnObject),
            };
            (path, what.to_owned(), kind)
        }
        PlaceError::Os(os) if os.step() == "fchown" => {
            let detail = "only a member of a group, or root, can make an object for it, and a user \
                          namespace knows only its own groups";
            return Error::new(ErrorKind::PermissionDenied, name, format!("{detail}: {os}"));
        }
        _ => return refused(&Scope::Machine(Access::owner()), name, error),
    };
    let detail = format!("expected the object's folder at {}, found {what}", path.display());
    Error::new(kind, name, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_is_believed_what_stands_in_the_folder_and_nothing_else() {
        let path = std::env::temp_dir();
        let status = status_of(&path).expect("a folder");
        let (owner, stranger) = (7, 4711);
        let own = FileStatus { owner, mode: 0o770, ..status };
        let place = Place::shared(SharedFolder { path, status: own });
        let of = |owner, in_folder| FileStatus { owner, in_folder, ..status };
        assert!(place.believes(&of(stranger, true)), "it is a member's file");
        assert!(!place.believes(&of(stranger, false)), "anybody may have made it");
        assert!(place.believes(&of(owner, false)) && place.believes(&of(0, false)));
    }

    #[test]
    fn another_folder_of_the_same_number_is_another() {
        let path = std::env::temp_dir();
        let status = status_of(&path).expect("a folder");
        let place = |status| Place::shared(SharedFolder { path: path.clone(), status });
        assert!(!place(status).is_gone());
        // As where a filesystem gives a number anew at once.
        assert!(place(FileStatus { owner: status.owner ^ 1, ..status }).is_gone());
        assert!(place(FileStatus { mode: status.mode ^ 0o022, ..status }).is_gone());
    }
}
