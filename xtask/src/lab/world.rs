//! What a kill can leave behind: bytes of segments, names in the folder, byte locks.
//!
//! **Method.** The laboratory maps every file that the victim maps from the folder, by itself and
//! read-only, so that comparing costs no system call. Files without a name (just created, or
//! unlinked by another) are reached through the victim's `/proc` entries. Each [`Segment`] keeps the
//! bytes as they were at the last look; [`World::changes`] reports the ranges that differ now.
//! Names and locks change only inside system calls, so [`Outside`] is read only at their stops.
//!
//! Invariants:
//! 1. A segment is known by (device, inode), never by name: a name may move to another inode.
//! 2. The laboratory takes no lock and creates no name here: the world is the victim's alone.
use super::raw::ReadMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file mapped by the victim.
#[derive(Debug)]
pub(super) struct Segment {
    /// Inode number.
    pub(super) inode: u64,
    map: ReadMap,
    seen: Vec<u8>,
    now: Vec<u8>,
}

impl Segment {
    fn new(inode: u64, file: &File) -> io::Result<Self> {
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        let map = ReadMap::new(file.as_fd(), size)?;
        let mut seen = Vec::new();
        map.copy_to(&mut seen);
        Ok(Self { inode, map, now: seen.clone(), seen })
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
}

/// The world of one victim.
#[derive(Debug)]
pub(super) struct World {
    folder: PathBuf,
    segments: Vec<Segment>,
}

impl World {
    /// A world around the files of `folder`; nothing is looked at yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), segments: Vec::new() }
    }

    /// Reads the victim's mappings of the folder's files and follows those not yet followed.
    pub(super) fn follow(&mut self, pid: i32) -> io::Result<Vec<Mapping>> {
        let mappings = mappings(pid, &self.folder)?;
        for mapping in mappings.iter().filter(|mapping| mapping.readable) {
            if self.segments.iter().all(|segment| segment.inode != mapping.inode) {
                let file = open_mapped(pid, &self.folder, mapping)?;
                self.segments.push(Segment::new(mapping.inode, &file)?);
            }
        }
        Ok(mappings)
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
}

/// Names of the folder and byte locks on its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outside {
    /// (name, inode, number of links), ordered by name.
    pub(super) names: Vec<(String, u64, u64)>,
    /// (inode, first byte, last byte as the kernel prints it), ordered.
    pub(super) locks: Vec<(u64, u64, String)>,
}

impl Outside {
    /// Reads names and locks; `extra` are inodes without a name that count too.
    pub(super) fn read(folder: &Path, extra: &[u64]) -> io::Result<Self> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Ok(about) = entry.metadata() {
                let name = entry.file_name().to_string_lossy().into_owned();
                names.push((name, about.ino(), about.nlink()));
            }
        }
        names.sort();
        let device = fs::metadata(folder)?.dev();
        let ours = |inode| extra.contains(&inode) || names.iter().any(|name| name.1 == inode);
        let text = fs::read_to_string("/proc/locks")?;
        let rows = text.lines().filter_map(|line| lock_row(line, device));
        let mut locks: Vec<_> = rows.filter(|row| ours(row.0)).collect();
        locks.sort();
        // The kernel walks a list that changes meanwhile, and may print a row twice.
        locks.dedup();
        Ok(Self { names, locks })
    }
}

/// One line of /proc/locks: `1: OFDLCK ADVISORY  WRITE -1 00:1b:1234 0 0`.
fn lock_row(line: &str, device: u64) -> Option<(u64, u64, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, kind, _, _, _, file, first, last] = fields[..] else { return None };
    let mut parts = file.split(':');
    let major = u64::from_str_radix(parts.next()?, 16).ok()?;
    let minor = u64::from_str_radix(parts.next()?, 16).ok()?;
    let inode = parts.next()?.parse().ok()?;
    let same = (u64::from(libc::major(device)), u64::from(libc::minor(device))) == (major, minor);
    (kind == "OFDLCK" && same).then(|| Some((inode, first.parse().ok()?, last.to_owned())))?
}

/// Mappings of files of `folder` (by path, also unlinked ones) in a process.
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
    if !unnamed && !path.starts_with(folder) {
        return None;
    }
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        inode,
        readable: permissions.starts_with('r'),
        writable: permissions.as_bytes().get(1) == Some(&b'w'),
    })
}

/// Opens the file behind a victim's mapping: by name, by the victim's descriptors, or, which takes
/// a privilege, by the mapping itself.
fn open_mapped(pid: i32, folder: &Path, mapping: &Mapping) -> io::Result<File> {
    let by_map =
        PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end));
    let mut candidates = entries(folder);
    candidates.extend(entries(Path::new(&format!("/proc/{pid}/fd"))));
    candidates.push(by_map);
    let device = fs::metadata(folder)?.dev();
    let same = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|about| (about.dev(), about.ino()) == (device, mapping.inode))
    };
    let path = candidates.iter().find(|path| same(path));
    path.map_or_else(|| Err(io::Error::from(io::ErrorKind::NotFound)), File::open)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder).into_iter().flatten();
    list.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}
