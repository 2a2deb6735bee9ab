//! Where the bytes are that say who lives: in the object's file, or in a file beside it.
//!
//! Who may read a file may also lock bytes of it for reading, and so keep others from locking them for
//! writing. So where some may only read an object, its bytes live in a *lock file*: a second file in the
//! object's folder, `.cohabit.` and the instance's id, which only those may open who may write the
//! object. It says which object it belongs to, so that nobody who may write one object can pass off the
//! lock file of another one as its own; and it belongs to whom the object belongs to, so that nobody can
//! make a second one for an object of somebody else, whose users would then all seem to be dead.
//!
//! ```text
//! make    both files without a name · the byte of slot 0 on the lock file · link the lock file's name
//!         · link the object's name
//! end     DEAD · unlink the object's name · unlink the lock file's name
//! ```
//!
//! So a lock file is there as long as the object's name is. Killed between the two, a lock file is left
//! alone, which is proved by its maker's byte being free *and* the object's name meaning another file:
//! whoever makes the name anew, and `collect`, takes it away.

use std::path::{Path, PathBuf};

use cohabit_os::error::Cause;
use cohabit_os::liveness::{Byte, Entered, LifeSection, Way, is_held};
use cohabit_os::mapping::{self, Access, File, FileId, FileKind, Rights, status_of};
use cohabit_os::place::remove_shared_folder;

use crate::asker::Asker;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{InstanceId, LOCK_FILE_SIZE, lock_file_bytes, lock_file_object};
use crate::member::Role;
use crate::options::Keep;
use crate::place::Place;
use crate::token::Token;

/// What the names of lock files begin with.
const PREFIX: &str = ".cohabit.";

/// Where an instance's bytes are, for this process.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// In the object's own file.
    InObject,
    /// In a lock file.
    Beside(LockFile),
    /// In a lock file that this process may not open: it can judge nobody.
    Hidden,
}

/// The file that has the bytes of one instance.
#[derive(Debug)]
pub(crate) struct LockFile {
    pub(crate) asker: Asker,
    path: PathBuf,
    id: FileId,
}

/// Whether files with these rights can be read by somebody who may not write them.
pub(crate) fn has_readers(rights: Rights) -> bool {
    [3, 0].iter().any(|class| rights.mode >> class & 0o6 == 0o4)
}

/// The rights of those who may write, without those who may only read.
fn of_writers(rights: Rights) -> Rights {
    let class = |shift: u32| match rights.mode >> shift & 0o2 {
        0 => 0,
        _ => 0o6 << shift,
    };
    Rights { mode: 0o600 | class(3) | class(0), ..rights }
}

/// Whether a name in an object's folder is one that lock files have.
pub(crate) fn is_lock_file(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn path_of(folder: &Path, instance: [u8; 16]) -> PathBuf {
    folder.join(format!("{PREFIX}{:032x}", u128::from_be_bytes(instance)))
}

impl LockFile {
    /// A lock file for a new instance; it has no name yet.
    pub(crate) fn unnamed(
        place: &Place,
        object: InstanceId,
        keep: Keep,
    ) -> cohabit_os::Result<LockFile> {
        let file = File::lasting(&place.folder, LOCK_FILE_SIZE as u64, 0o600, keep.lasts())?;
        file.write_at(&lock_file_bytes(object), 0)?;
        file.grant(of_writers(place.rights))?;
        let id = file.status()?.id;
        let path = path_of(&place.folder, object.instance);
        Ok(LockFile { asker: Asker::new(file, id, Some(path.clone())), path, id })
    }

    /// Gives it its name, which its maker's byte must precede.
    pub(crate) fn publish(&self) -> cohabit_os::Result<()> {
        self.asker.file().publish(&self.path)
    }

    /// Takes its name away.
    pub(crate) fn retire(&self) -> cohabit_os::Result<()> {
        mapping::retire(&self.path, self.id).map(drop)
    }
}

/// Finds the bytes of an object that keeps them in a lock file, which has the same `owner`, being made
/// by the same process. `None`: the object's name is going away, look again.
pub(crate) fn find(
    name: &str,
    place: &Place,
    object: InstanceId,
    owner: u32,
    role: Role,
) -> Result<Option<Bytes>> {
    let path = path_of(&place.folder, object.instance);
    let access = match role {
        Role::Observer => Access::ReadOnly,
        _ => Access::ReadWrite,
    };
    let os = |e| Error::from_os(name, "opening the object's lock file", e);
    let file = match File::open(&path, access) {
        Ok(file) => file,
        Err(e) if e.cause() == Cause::PermissionDenied && role == Role::Observer => {
            return Ok(Some(Bytes::Hidden));
        }
        Err(e) if e.cause() == Cause::NotFound => {
            return if is_named(&place.object(name), object.file) {
                let detail = format!("expected a lock file at {}, found nothing", path.display());
                Err(Error::new(ErrorKind::LockFileInvalid, name, detail))
            } else {
                Ok(None)
            };
        }
        Err(e) => return Err(os(e)),
    };
    let status = file.status().map_err(os)?;
    let mut bytes = [0; LOCK_FILE_SIZE];
    let read = file.read_at(&mut bytes, 0).map_err(os)?;
    let is_its_own = status.kind == FileKind::Regular
        && status.owner == owner
        && lock_file_object(&bytes[..read]) == Some((object.instance, object.file.inode));
    if !is_its_own {
        let detail =
            format!("expected this object's lock file at {}, found another", path.display());
        return Err(Error::new(ErrorKind::LockFileInvalid, name, detail));
    }
    let asker = Asker::new(file, status.id, Some(path.clone()));
    Ok(Some(Bytes::Beside(LockFile { asker, path, id: status.id })))
}

/// Whether a path names that file now.
pub(crate) fn is_named(path: &Path, id: FileId) -> bool {
    status_of(path).is_ok_and(|found| found.id == id)
}

/// Takes away lock files that makers and users of an object with a folder of its own left alone, being
/// killed. Not to be called inside of a life section.
pub(crate) fn sweep(home: &Path, name: &str) {
    let names = mapping::list(home).unwrap_or_default();
    for file in names.iter().filter(|name| is_lock_file(name)) {
        // One that cannot be judged or removed is looked at again next time.
        let _ = sweep_one(home, name, &home.join(file));
    }
}

/// Takes the folder of an object's own away, if nothing but what the dead left is in it. Who may not, or
/// finds the next instance there, leaves it to that one's last user.
pub(crate) fn tidy(home: &Path, name: &str) {
    if !remove_shared_folder(home).unwrap_or(true) {
        sweep(home, name);
        // What stays is empty and costs nothing, or is in use.
        let _ = remove_shared_folder(home);
    }
}

fn sweep_one(home: &Path, name: &str, path: &Path) -> cohabit_os::Result<()> {
    let asker = File::open(path, Access::ReadOnly)?;
    let status = asker.status()?;
    let mut bytes = [0; LOCK_FILE_SIZE];
    let read = asker.read_at(&mut bytes, 0)?;
    let Some((instance, inode)) = lock_file_object(&bytes[..read]) else { return Ok(()) };
    if path_of(home, instance) != path {
        return Ok(());
    }
    let object = FileId { inode, ..status.id };
    // The byte first: a maker that is gone by now has named the object before, or never will.
    let is_alone = || -> cohabit_os::Result<bool> {
        let maker = is_held(&asker, Token::FIRST.user_byte())? || is_held(&asker, Byte::LIFE)?;
        Ok(!maker && !is_named(&home.join(name), object))
    };
    if !is_alone()? {
        return Ok(());
    }
    let Entered::Yes(_section) = LifeSection::try_enter(Way::Name(path), status.id)? else {
        return Ok(());
    };
    if is_held(&asker, Token::FIRST.user_byte())? || is_named(&home.join(name), object) {
        return Ok(());
    }
    mapping::retire(path, status.id).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_for_writers() {
        let of = |mode| {
            let rights = Rights { mode, group: None };
            (has_readers(rights), of_writers(rights).mode)
        };
        assert_eq!(of(0o600), (false, 0o600));
        assert_eq!(of(0o640), (true, 0o600));
        assert_eq!(of(0o660), (false, 0o660));
        assert_eq!(of(0o644), (true, 0o600));
        assert_eq!(of(0o664), (true, 0o660));
        assert_eq!(of(0o666), (false, 0o666));
    }

    #[test]
    fn a_lock_file_is_named_by_its_instance() {
        let mut instance = [0; 16];
        instance[0] = 0xa1;
        instance[15] = 0x0b;
        let path = path_of(Path::new("/x"), instance);
        assert_eq!(path, Path::new("/x/.cohabit.a100000000000000000000000000000b"));
    }
}
