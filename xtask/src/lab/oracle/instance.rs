//! Instances, as the laboratory sees them from outside: by tag, life word and held bytes.
//!
//! The offsets are FORMAT.md's. A tag is the number that a constructor writes into the object.
use super::super::remains::{self, Lock, Remains, SegmentBytes};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where a value's first copy begins: behind its head and that copy's stamp.
pub(super) const FIRST_COPY: usize = 64 + 8;

/// Where the header says at which offset the object starts.
const OBJECT_AT: usize = 88;
/// Where the life word stands; its bits 18 to 23 are the state.
const LIFE_AT: usize = 128;
const BUILDING: u64 = 1;
const LIVE: u64 = 2;
const DROPPING: u64 = 3;
/// The byte of a user is behind this one, and that of a guest behind the other.
const USERS: i64 = 1 << 61;
const GUESTS: i64 = 1 << 60;

/// In which boot an object on disk was used last, and whether it was closed.
const USED_BOOT_AT: u64 = 152;
const CLOSED_AT: u64 = 160;
const CLOSED: u64 = 1;

/// Does to an object on disk what a start of the machine does: from then on, it is another boot's.
pub(super) fn reboot(path: &Path) -> Result<(), String> {
    let word = header_word(path, USED_BOOT_AT)? ^ 1;
    let file = File::options().write(true).open(path);
    let written = file.and_then(|file| file.write_all_at(&word.to_le_bytes(), USED_BOOT_AT));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether the last one who left an object on disk wrote everything out.
pub(super) fn is_closed(path: &Path) -> Result<bool, String> {
    header_word(path, CLOSED_AT).map(|word| word == CLOSED)
}

fn header_word(path: &Path, at: u64) -> Result<u64, String> {
    let mut bytes = [0; 8];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut bytes, at));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// What a survivor found when it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// The instance.
    pub(super) tag: u64,
    /// What `created()` says.
    pub(super) created: bool,
}

impl Opened {
    /// Reads the answer `TAG CREATED`.
    pub(super) fn parse(answer: &str) -> Result<Self, String> {
        let mut words = answer.split_whitespace();
        let tag = words.next().and_then(|word| word.parse().ok());
        match (tag, words.next()) {
            (Some(tag), Some(created)) => Ok(Self { tag, created: created == "true" }),
            _ => Err(format!("an opener answered `{answer}`")),
        }
    }
}

/// What the segments said when the victim was killed.
#[derive(Debug, Default)]
pub(super) struct AtKill {
    /// Whether the victim, or the host, is where others must wait for it.
    pub(super) blocks: bool,
    /// Tags of the instances whose life word was LIVE.
    pub(super) live: Vec<u64>,
    /// The tag under the name, where that instance is LIVE and somebody's byte is held.
    pub(super) inhabited: Option<u64>,
    /// Number of names in the folder.
    pub(super) names: usize,
    /// What must not be, whoever dies.
    pub(super) wrong: Vec<String>,
}

impl AtKill {
    /// Looks at what is around a stopped victim; the tag stands `tag_at` bytes into the object,
    /// and the instances of `old` were left by the dead before the victim came.
    pub(super) fn read(
        victim: i32,
        remains: &mut Remains,
        folder: &Path,
        tag_at: usize,
        old: &[u64],
    ) -> Result<Self, String> {
        let in_words = |error: std::io::Error| format!("looking at the remains: {error}");
        remains.follow(victim).map_err(in_words)?;
        remains.follow_names().map_err(in_words)?;
        remains.look();
        let names = remains::files(folder).map_err(in_words)?;
        let names: Vec<_> = names.iter().filter(|(path, _)| remains::is_object(path)).collect();
        let all_locks = remains.locks().map_err(in_words)?;
        let mut at_kill = Self { names: names.len(), ..Self::default() };
        for (inode, bytes) in remains.segments().filter(|(_, bytes)| !bytes.is_lock_file()) {
            let named = names.iter().any(|name| name.1 == inode);
            let state = bytes.word(LIFE_AT) >> 18 & 0x3f;
            let beside = remains.segments().find(|(_, beside)| beside.is_lock_file_of(inode));
            let with_bytes = beside.map_or(inode, |(lock_file, _)| lock_file);
            // The life byte is the first one. Nobody else is inside while the victim stands still.
            let locks = || all_locks.iter().filter(|lock| lock.inode == with_bytes);
            let inside = locks().any(|lock| lock.first == 0);
            let held = locks().any(|lock| lock.first != 0);
            let half_way = state == BUILDING || state == DROPPING;
            let acts = half_way && locks().any(|lock| is_of(*lock, bytes.word(LIFE_AT)));
            at_kill.blocks |= named && (inside || acts);
            if named && half_way && !acts && !old.contains(&inode) {
                let text = "an instance is half way under its name, and its builder's byte is free";
                at_kill.wrong.push(text.to_owned());
            }
            if !named && (state == LIVE || state == DROPPING) {
                at_kill.wrong.push("the name went before the life word was DEAD".to_owned());
            }
            if state == LIVE && !old.contains(&inode) {
                let tag = tag_in(bytes, tag_at);
                at_kill.live.push(tag);
                if named && held {
                    at_kill.inhabited = Some(tag);
                }
            }
        }
        Ok(at_kill)
    }
}

/// Whether a lock is on the byte of whom a word names.
fn is_of(lock: Lock, word: u64) -> bool {
    let (slot, generation) = ((word & 0xffff).cast_signed() - 1, (word >> 32).cast_signed());
    let at = (generation << 16) + slot;
    slot >= 0
        && [USERS + at, GUESTS + at].iter().any(|byte| (lock.first..=lock.last).contains(byte))
}

/// What the memory of an object without a name said when the victim was killed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Whether somebody is where others must wait.
    pub(super) blocks: bool,
    /// The tag, if the life word was LIVE.
    pub(super) live: Option<u64>,
    /// Whether nothing says yet that it is an object.
    pub(super) is_raw: bool,
}

impl Memory {
    /// Looks at what a stopped victim maps.
    pub(super) fn read(victim: i32, remains: &mut Remains, tag_at: usize) -> Result<Self, String> {
        let in_words = |error: std::io::Error| format!("looking at the memory: {error}");
        remains.follow(victim).map_err(in_words)?;
        remains.look();
        let locks = remains.locks().map_err(in_words)?;
        let Some((_, bytes)) = remains.segments().next() else {
            return Ok(Self { is_raw: true, ..Self::default() });
        };
        let state = bytes.word(LIFE_AT) >> 18 & 0x3f;
        let inside = locks.iter().any(|lock| lock.first == 0);
        let held = locks.iter().any(|lock| lock.first != 0);
        let half_way = state == BUILDING || state == DROPPING;
        Ok(Self {
            blocks: inside || (half_way && held),
            live: (state == LIVE).then(|| tag_in(bytes, tag_at)),
            is_raw: state == 0,
        })
    }
}

/// The tag of the instance that a process maps. An observer cannot say so itself.
pub(super) fn mapped_tag(pid: i32, folder: &Path, tag_at: usize) -> Result<u64, String> {
    let mut remains = Remains::new(folder);
    remains.follow(pid).map_err(|error| error.to_string())?;
    let tag = remains.segments().next().map(|(_, bytes)| tag_in(bytes, tag_at));
    tag.ok_or_else(|| format!("process {pid} maps no object"))
}

fn tag_in(bytes: SegmentBytes<'_>, tag_at: usize) -> u64 {
    let object = usize::try_from(bytes.word(OBJECT_AT)).unwrap_or(0);
    bytes.word(object + tag_at)
}
