//! Looking at what stands under a name, before anything of it is believed.
//!
//! The file is opened without following links and without creating; its kind, links and owner are
//! checked, its header is read into private memory and checked there, and only then is it mapped. Where
//! the object has a folder of its own, that must still be the folder that was checked: then what was
//! opened was in it.

use std::path::Path;

use cohabit_os::error::Cause;
use cohabit_os::mapping::{self, Access, File, FileKind, FileStatus};
use cohabit_os::mechanism;

use crate::asker::Asker;
use crate::bytes::{self, Bytes};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{BadHeader, HEADER_SIZE, Header, InstanceId};
use crate::member::Role;
use crate::place::{Place, who_is, who_may};
use crate::segment::{Segment, mappable};

/// Opens and maps what stands under the name. Outer `None`: nothing; inner `None`: look again.
pub(crate) fn look(place: &Place, name: &str, role: Role) -> Result<Option<Option<Segment>>> {
    let path = place.object(name);
    let access = match role {
        Role::Observer => Access::ReadOnly,
        _ => Access::ReadWrite,
    };
    let os = |doing| move |e| Error::from_os(name, doing, e);
    let opened = File::open(&path, access);
    if place.is_gone() {
        return Ok(None);
    }
    let file = match opened {
        Ok(file) => file,
        Err(e) if e.cause() == Cause::NotFound => return Ok(None),
        Err(e) => return Err(what_stands_there(place, name, &path, e)),
    };
    let status = file.status().map_err(os("looking at the file"))?;
    check_file(place, name, &path, &status)?;
    if status.links == 0 {
        return Ok(Some(None));
    }
    let refuse = |bad: BadHeader| {
        Error::new(bad.kind, name, format!("{} in {}", bad.detail, path.display()))
    };
    let header = header_of(name, &file, &status, refuse)?;
    check_room(place, &header).map_err(refuse)?;
    disk::check_folder(name, header.keep, &place.folder)?;
    let has_lock_file = header.has_lock_file;
    let mut segment = map(name, Some(&path), file, &status, header, access)?;
    segment.home = place.home();
    if has_lock_file {
        let Some(bytes) = bytes::find(name, place, segment.id, status.owner, role)? else {
            return Ok(Some(None));
        };
        segment.bytes = bytes;
    }
    Ok(Some(Some(segment)))
}

/// Reads the header into private memory and checks it there; `refuse` says in whose words it is none.
pub(crate) fn header_of(
    name: &str,
    file: &File,
    status: &FileStatus,
    refuse: impl FnOnce(BadHeader) -> Error,
) -> Result<Header> {
    let mut bytes = [0; HEADER_SIZE];
    let read = file.read_at(&mut bytes, 0);
    let read = read.map_err(|e| Error::from_os(name, "reading the header", e))?;
    Header::parse(&bytes[..read], status.size).and_then(check_mechanism).map_err(refuse)
}

/// Refuses an object whose users see each other live by other means than this process: it would take them
/// for dead.
fn check_mechanism(header: Header) -> Result<Header, BadHeader> {
    let mine = mechanism();
    if header.mechanism == mine {
        return Ok(header);
    }
    let (mine, its) = (mine.as_str(), header.mechanism.as_str());
    let detail = format!("expected an object of the mechanism {mine}, found one of {its}");
    Err(BadHeader { kind: ErrorKind::MechanismMismatch, detail })
}

/// From this size on, in bytes, it is asked whether an object can be so large: to join a smaller one costs
/// nobody much.
pub(crate) const LARGE: u64 = 1 << 30;

/// Refuses what is larger than its filesystem: a file with holes, of which every reader would take as much
/// memory as it reads. The pages of an object were reserved when it was made.
fn check_room(place: &Place, header: &Header) -> Result<(), BadHeader> {
    let size = header.segment_size;
    if size < LARGE {
        return Ok(());
    }
    // Some filesystems do not say how large they are.
    match mapping::space(&place.folder, header.keep.lasts()) {
        Ok(space) if space.total > 0 && size > space.total => Err(BadHeader {
            kind: ErrorKind::HeaderInvalid,
            detail: format!(
                "the header's segment size is {size}, and the filesystem has room for {} bytes",
                space.total
            ),
        }),
        _ => Ok(()),
    }
}

/// Maps the file that has this checked header.
pub(crate) fn map(
    name: &str,
    path: Option<&Path>,
    file: File,
    status: &FileStatus,
    header: Header,
    access: Access,
) -> Result<Segment> {
    let len = mappable(name, header.segment_size)?;
    let mapping = file.map(len, access).map_err(|e| match e.cause() {
        Cause::NoAddressSpace => {
            Error::new(ErrorKind::NoAddressSpace, name, format!("no room to map {len} bytes: {e}"))
        }
        _ => Error::from_os(name, "mapping the object", e),
    })?;
    let id = InstanceId { file: status.id, instance: header.instance };
    let asker = Asker::new(file, id.file, path.map(Path::to_owned));
    let (name, path) = (name.to_owned(), path.map(Path::to_owned));
    Ok(Segment { name, path, header, id, asker, bytes: Bytes::InObject, home: None, mapping })
}

/// Refuses what is no object of ours by its kind, links and owner.
fn check_file(place: &Place, name: &str, path: &Path, status: &FileStatus) -> Result<()> {
    let refuse = |kind, what: String| {
        Err(Error::new(
            kind,
            name,
            format!("expected an object at {}, found {what}", path.display()),
        ))
    };
    match status.kind {
        FileKind::Regular => {}
        FileKind::Directory => return refuse(ErrorKind::Directory, "a directory".into()),
        FileKind::Symlink => return refuse(ErrorKind::SymbolicLink, "a symbolic link".into()),
        FileKind::Other => return refuse(ErrorKind::NotAFile, "a fifo, socket or device".into()),
    }
    // Anybody who finds the file may be able to give it a second name elsewhere (proc_sys_fs(5),
    // protected_hardlinks). Where the object has its own folder, that must not stop its users.
    if status.links > 1 && !place.is_own() {
        return refuse(ErrorKind::HardLink, format!("a file with {} names", status.links));
    }
    if !place.believes(status) {
        return refuse(ErrorKind::OtherOwner, who_is(status.owner));
    }
    Ok(())
}

/// The file could not be opened: what it is says more than the error number.
fn what_stands_there(place: &Place, name: &str, path: &Path, error: cohabit_os::Error) -> Error {
    let seen = mapping::status_of(path);
    match seen.map(|status| (status, check_file(place, name, path, &status))) {
        Ok((_, Err(better))) => better,
        Ok((status, Ok(()))) if error.cause() == Cause::PermissionDenied => {
            not_permitted(name, path, &status, error)
        }
        _ => place.not_permitted(name, "opening the object", error),
    }
}

/// An object of a trusted owner that this process may not open as it wants to.
fn not_permitted(name: &str, path: &Path, status: &FileStatus, error: cohabit_os::Error) -> Error {
    let who = who_may(status);
    let may_read = File::open(path, Access::ReadOnly).is_ok();
    let detail = if may_read {
        format!("this process may read the object, and not write it: use open_read_only; {who}")
    } else {
        format!("this process may not open {}: {error}; {who}", path.display())
    };
    Error::new(ErrorKind::PermissionDenied, name, detail).with_source(error)
}
