//! What a kill can leave behind: bytes of segments, names in the folder, byte locks.
//!
//! **Method.** The laboratory maps every file that the victim maps from the folder, by itself and
//! read-only, so that comparing costs no system call. Files without a name (just created, or
//! unlinked by another) are reached through the victim's `/proc` entries. Each [`Segment`] keeps
//! the bytes as they were at the last look; [`Remains::changes`] reports the ranges that differ now.
//! Names and locks change only inside system calls; they are read where a victim is judged. Locks
//! are asked for with F_OFD_GETLK, since /proc/locks may miss or repeat rows while others lock
//! elsewhere.
//!
//! Invariants:
//! 1. A segment is known by (device, inode), never by name: a name may move to another inode.
//! 2. The laboratory takes no lock and creates no name here: what remains is the victim's alone.
use super::raw::{self, ReadMap};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What /proc shows of an object without a name.
const NAMELESS: &str = "/memfd:cohabit";

/// A file mapped by the victim.
#[derive(Debug)]
pub(super) struct Segment {
    /// Inode number.
    pub(super) inode: u64,
    file: File,
    map: ReadMap,
    seen: Vec<u8>,
    now: Vec<u8>,
}

impl Segment {
    fn new(inode: u64, file: File) -> io::Result<Self> {
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        let map = ReadMap::new(file.as_fd(), size)?;
        let mut seen = Vec::new();
        map.copy_to(&mut seen);
        Ok(Self { inode, file, map, now: seen.clone(), seen })
    }
}

/// A range of bytes that differs from the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Inode number of the segment.
    pub(super) inode: u64,
    /// Offset of the first byte that differs.
    pub(super) at: usize,
    /// Number of bytes from the first that differs to the last.
    pub(super) size: usize,
}

/// A mapping of a folder's file in the victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// First address.
    pub(super) start: u64,
    /// Address behind the last.
    pub(super) end: u64,
    /// Inode number of the file.
    pub(super) inode: u64,
    /// Whether the victim may read there: not so where only a lock is anchored.
    pub(super) readable: bool,
    /// Whether the victim may write there.
    pub(super) writable: bool,
    /// Whether it is an object without a name, in no folder.
    pub(super) nameless: bool,
}

/// What one victim leaves.
#[derive(Debug)]
pub(super) struct Remains {
    folder: PathBuf,
    segments: Vec<Segment>,
}

impl Remains {
    /// What is found among the files of `folder`; nothing is looked at yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), segments: Vec::new() }
    }

    /// Reads the victim's mappings of the folder's files and follows those not yet followed.
    pub(super) fn follow(&mut self, pid: i32) -> io::Result<Vec<Mapping>> {
        let mappings = mappings(pid, &self.folder)?;
        for mapping in mappings.iter().filter(|mapping| mapping.readable) {
            if self.segments.iter().all(|segment| segment.inode != mapping.inode) {
                let file = open_mapped(pid, &self.folder, mapping)?;
                self.segments.push(Segment::new(mapping.inode, file)?);
            }
        }
        Ok(mappings)
    }

    /// Follows what stands in the folder under a name, mapped by the victim or not.
    pub(super) fn follow_names(&mut self) -> io::Result<()> {
        for (name, inode) in files(&self.folder)? {
            if self.segments.iter().all(|segment| segment.inode != inode) {
                let file = File::open(self.folder.join(name))?;
                self.segments.push(Segment::new(inode, file)?);
            }
        }
        Ok(())
    }

    /// The byte locks on all segments that are followed.
    pub(super) fn locks(&self) -> io::Result<Vec<Lock>> {
        let mut locks = Vec::new();
        for Segment { inode, file, .. } in &self.segments {
            // The kernel names any one lock of a range; what is left and right of it is asked anew.
            let mut ranges = vec![(0, i64::MAX - 1)];
            while let Some((first, last)) = ranges.pop() {
                let Some((start, end)) = raw::a_lock(file.as_fd(), first, last)? else { continue };
                locks.push(Lock { inode: *inode, first: start, last: end });
                ranges.extend((first < start).then(|| (first, start - 1)));
                ranges.extend((end < last).then(|| (end + 1, last)));
            }
        }
        locks.sort();
        Ok(locks)
    }

    /// Takes the bytes of now as those of the last look.
    pub(super) fn look(&mut self) {
        for segment in &mut self.segments {
            segment.map.copy_to(&mut segment.seen);
        }
    }

    /// The ranges that changed since the last look, which this look replaces.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        let mut found = Vec::new();
        for segment in &mut self.segments {
            segment.map.copy_to(&mut segment.now);
            if segment.now != segment.seen {
                let (old, new) = (&segment.seen, &segment.now);
                let differs = |&index: &usize| old[index] != new[index];
                let first = (0..old.len()).find(differs).unwrap_or(0);
                let last = (0..old.len()).rev().find(differs).unwrap_or(0);
                let size = last + 1 - first;
                found.push(Change { inode: segment.inode, at: first, size });
                std::mem::swap(&mut segment.seen, &mut segment.now);
            }
        }
        found
    }

    /// The files that the victim maps or mapped.
    pub(super) fn segments(&self) -> impl Iterator<Item = (u64, SegmentBytes<'_>)> {
        self.segments.iter().map(|segment| (segment.inode, SegmentBytes(&segment.seen)))
    }
}

/// The bytes of a segment at the last look, read as little-endian words.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentBytes<'a>(pub(super) &'a [u8]);

impl SegmentBytes<'_> {
    /// The u64 at an offset; zero behind the end.
    pub(super) fn word(&self, at: usize) -> u64 {
        let bytes = self.0.get(at..at + 8);
        bytes.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    /// Whether it is no object's file, but one that has the bytes of an object's users.
    pub(super) fn is_lock_file(&self) -> bool {
        self.0.starts_with(b"COHABITL")
    }

    /// Whether it is the lock file of the object in this file.
    pub(super) fn is_lock_file_of(&self, inode: u64) -> bool {
        self.is_lock_file() && self.word(32) == inode
    }
}

/// A byte lock on a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lock {
    /// Inode number of the segment.
    pub(super) inode: u64,
    /// First byte.
    pub(super) first: i64,
    /// Last byte.
    pub(super) last: i64,
}

/// The files in a folder, at any depth, each by its path from there, with its inode.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for (name, inode) in names(folder)? {
        let path = folder.join(&name);
        if path.is_dir() {
            let inner = self::files(&path)?.into_iter();
            files.extend(inner.map(|(inner, inode)| (format!("{name}/{inner}"), inode)));
        } else {
            files.push((name, inode));
        }
    }
    Ok(files)
}

/// Whether a file's path is that of an object, and not of what stands beside one.
pub(super) fn is_object(path: &str) -> bool {
    !path.rsplit('/').next().unwrap_or(path).starts_with('.')
}

/// The names in a folder, each with its inode.
pub(super) fn names(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        names.push((entry.file_name().to_string_lossy().into_owned(), entry.ino()));
    }
    names.sort();
    Ok(names)
}

/// Mappings of files of `folder` (by path, also unlinked ones), and of objects without a name.
pub(super) fn mappings(pid: i32, folder: &Path) -> io::Result<Vec<Mapping>> {
    let text = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    Ok(text.lines().filter_map(|line| mapping(line, folder)).collect())
}

/// One line of /proc/PID/maps, where it belongs to the folder or to an unnamed file on its disk.
fn mapping(line: &str, folder: &Path) -> Option<Mapping> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let permissions = fields.next()?;
    let _offset = fields.next()?;
    let _device = fields.next()?;
    let inode = fields.next()?.parse().ok()?;
    let path = Path::new(fields.next()?);
    // A file made with O_TMPFILE shows as `/#inode (deleted)` below the mount point.
    let name = path.file_name()?.to_string_lossy().into_owned();
    let unnamed = name.strip_prefix('#') == Some(&format!("{inode}"))
        && path.parent().is_some_and(|parent| folder.starts_with(parent));
    let nameless = path == Path::new(NAMELESS);
    if !unnamed && !nameless && !path.starts_with(folder) {
        return None;
    }
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        inode,
        readable: permissions.starts_with('r'),
        writable: permissions.as_bytes().get(1) == Some(&b'w'),
        nameless,
    })
}

/// Opens the file behind a victim's mapping: by name, by the victim's descriptors, or, which takes
/// a privilege, by the mapping itself.
fn open_mapped(pid: i32, folder: &Path, mapping: &Mapping) -> io::Result<File> {
    let by_map =
        PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end));
    let mut candidates: Vec<_> =
        files(folder)?.into_iter().map(|(name, _)| folder.join(name)).collect();
    candidates.extend(entries(Path::new(&format!("/proc/{pid}/fd"))));
    candidates.push(by_map);
    let device = fs::metadata(folder)?.dev();
    let same = |path: &PathBuf| {
        let about = fs::metadata(path).ok().filter(|about| about.ino() == mapping.inode);
        about.is_some_and(|about| match mapping.nameless {
            true => is_nameless(path),
            false => about.dev() == device,
        })
    };
    let path = candidates.iter().find(|path| same(path));
    path.map_or_else(|| Err(io::Error::from(io::ErrorKind::NotFound)), File::open)
}

/// Whether an entry of /proc leads to an object without a name.
fn is_nameless(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with(NAMELESS))
}

/// Opens the object without a name that a process has, if it has one; for writing, as a handle is.
pub(super) fn open_nameless(pid: i32) -> Option<File> {
    let mut found = entries(Path::new(&format!("/proc/{pid}/fd"))).into_iter();
    let path = found.find(|path| is_nameless(path))?;
    File::options().read(true).write(true).open(path).ok()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder).into_iter().flatten();
    list.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}
