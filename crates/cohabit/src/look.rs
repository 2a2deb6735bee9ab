//! Looking at what stands under a name, before anything of it is believed.
//!
//! The file is opened without following links and without creating; its kind, links and owner are
//! checked, its header is read into private memory and checked there, and only then is it mapped.

use std::path::Path;

use cohabit_os::error::Cause;
use cohabit_os::mapping::{self, Access, File, FileKind, FileStatus};
use cohabit_os::process;

use crate::asker::Asker;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{BadHeader, HEADER_SIZE, Header, InstanceId};
use crate::member::Role;
use crate::segment::{Segment, mappable};

/// Opens and maps what stands under the path. Outer `None`: nothing; inner `None`: look again.
pub(crate) fn look(name: &str, path: &Path, role: Role) -> Result<Option<Option<Segment>>> {
    let access = match role {
        Role::Observer => Access::ReadOnly,
        _ => Access::ReadWrite,
    };
    let os = |doing| move |e| Error::from_os(name, doing, e);
    let file = match File::open(path, access) {
        Ok(file) => file,
        Err(e) if e.cause() == Cause::NotFound => return Ok(None),
        Err(e) => return Err(what_stands_there(name, path, e)),
    };
    let status = file.status().map_err(os("looking at the file"))?;
    check_file(name, path, &status)?;
    if status.links == 0 {
        return Ok(Some(None));
    }
    let refuse = |bad: BadHeader| {
        Error::new(bad.kind, name, format!("{} in {}", bad.detail, path.display()))
    };
    let header = header_of(name, &file, &status, refuse)?;
    map(name, Some(path), file, &status, header, access).map(|segment| Some(Some(segment)))
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
    Header::parse(&bytes[..read], status.size).map_err(refuse)
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
    Ok(Segment { name, path, header, id, asker, mapping })
}

/// Refuses what is no object of ours by its kind, links and owner.
fn check_file(name: &str, path: &Path, status: &FileStatus) -> Result<()> {
    let refuse = |kind, what: String| {
        Err(Error::new(
            kind,
            name,
            format!("expected an object at {}, found {what}", path.display()),
        ))
    };
    let me = process::effective_uid();
    match status.kind {
        FileKind::Regular => {}
        FileKind::Directory => return refuse(ErrorKind::Directory, "a directory".into()),
        FileKind::Symlink => return refuse(ErrorKind::SymbolicLink, "a symbolic link".into()),
        FileKind::Other => return refuse(ErrorKind::NotAFile, "a fifo, socket or device".into()),
    }
    if status.links > 1 {
        return refuse(ErrorKind::HardLink, format!("a file with {} names", status.links));
    }
    if status.owner != me && status.owner != 0 {
        let what = format!("a file of user {}, while this process is user {me}", status.owner);
        return refuse(ErrorKind::OtherOwner, what);
    }
    Ok(())
}

/// The file could not be opened: what it is says more than the error number.
fn what_stands_there(name: &str, path: &Path, error: cohabit_os::Error) -> Error {
    let seen = mapping::status_of(path);
    match seen.map(|status| check_file(name, path, &status)) {
        Ok(Err(better)) => better,
        _ => Error::from_os(name, "opening the object", error),
    }
}
