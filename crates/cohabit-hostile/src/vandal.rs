//! The hostile peer: it overwrites whatever files there are in the round's folder, until it is told to stop.
//!
//! It maps them by itself and follows no rule. How it chooses is the mode of the round:
//! - `noise`: any word of any file, by nothing but dice
//! - `object` `frame` `all`: words of the object, of what stands before it, of both, each with what
//!   [`spots`](crate::spots) knows to be nearly right there
//! - `wipe`: whole files at once: zeros, ones, noise, another time's bytes
//! - `cut`: as `all`, and in the end the files are made shorter; then its users may be ended by SIGBUS
//!
//! In all of them it puts back now and then what was there before, the life word most often: what is
//! ended for good is no target any more.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cohabit::untyped::Untyped;

use crate::board::{BOARD, ROW};
use crate::calls::here;
use crate::spots::{self, Place, Spot};
use crate::{Round, is_over};

/// Files that are kept mapped at once.
const MOST: usize = 24;

/// Larger files than this are no objects of the round's.
const LARGE: u64 = 1 << 20;

/// Random numbers: SplitMix64, as the storm has it.
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    pub(crate) fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let z = self.0.get();
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn at(&self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
}

/// A file that is attacked.
struct Target {
    file: File,
    inode: u64,
    words: &'static [AtomicU64],
    before: Vec<u64>,
    places: Vec<Place>,
    /// How many of the places, from the first on, stand before the object.
    frame: usize,
}

pub(crate) fn run(round: &Round) {
    let dice = Dice(Cell::new(round.seed));
    let root = PathBuf::from(std::env::var_os("COHABIT_DIR").unwrap_or_default());
    let objects = [BOARD, ROW].map(|name| Untyped::open_read_only(name, &round.scope).ok());
    let mut targets = Vec::new();
    look(&root, &objects, &mut targets);
    assert!(!targets.is_empty(), "nothing to attack in {}", root.display());
    here();
    while !is_over() {
        for _ in 0..256 {
            let index = dice.at(targets.len());
            burst(&dice, &round.mode, &targets[index]);
        }
        look(&root, &objects, &mut targets);
    }
    if round.mode == "cut" {
        for target in &targets {
            let _cannot = target.file.set_len(dice.below(target.words.len() as u64 * 8));
        }
    }
}

/// Maps what is new in the folder, at any depth.
fn look(folder: &Path, objects: &[Option<Untyped>; 2], targets: &mut Vec<Target>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            look(&path, objects, targets);
        } else if kind.is_file() && targets.iter().all(|target| target.inode != entry_inode(&path))
        {
            targets.extend(Target::of(&path, objects));
        }
    }
    while targets.len() > MOST {
        // The first two are those that all victims use.
        targets.remove(2).unmap();
    }
}

fn entry_inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.ino())
}

impl Target {
    fn of(path: &Path, objects: &[Option<Untyped>; 2]) -> Option<Target> {
        let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let words = map(&file, metadata.len())?;
        let before: Vec<u64> = words.iter().map(|word| word.load(Relaxed)).collect();
        let name = path.file_name()?.to_string_lossy().into_owned();
        let object = objects.iter().flatten().find(|object| object.name() == name);
        let (places, frame) = spots::of_segment(&before, object);
        Some(Target { file, inode: metadata.ino(), words, before, places, frame })
    }

    fn unmap(self) {
        let start = self.words.as_ptr().cast_mut().cast();
        // SAFETY: `map` mapped exactly these words, and the only borrow of them ends with `self`.
        unsafe { libc::munmap(start, self.words.len() * 8) };
    }

    fn put(&self, at: usize, word: u64) {
        self.words[at].store(word, Relaxed);
    }

    fn restore(&self, at: usize) {
        self.put(at, self.before[at]);
    }
}

/// Maps a file as words. `None`: it is none of the round's, or empty.
fn map(file: &File, len: u64) -> Option<&'static [AtomicU64]> {
    if !(64..LARGE).contains(&len) {
        return None;
    }
    let len = len as usize / 8 * 8;
    let (rights, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let start =
        unsafe { libc::mmap(std::ptr::null_mut(), len, rights, shared, file.as_raw_fd(), 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the mapping begins at a page, has `len` bytes, stays until `unmap`, and any bits are atomics.
    Some(unsafe { std::slice::from_raw_parts(start.cast(), len / 8) })
}

/// Some writes into one file, after which things stay as they are for a moment.
fn burst(dice: &Dice, mode: &str, target: &Target) {
    match mode {
        "noise" => noise(dice, target),
        "object" => structure(dice, target, target.frame..target.places.len()),
        "frame" => structure(dice, target, 0..target.frame),
        "wipe" => wipe(dice, target),
        _ => structure(dice, target, 0..target.places.len()),
    }
    if dice.below(3) != 0 && target.words.len() > 16 {
        target.restore(16);
    }
    if dice.below(8) == 0 {
        (0..target.frame.min(target.words.len())).for_each(|at| target.restore(at));
    }
    if dice.below(2) == 0 {
        std::thread::sleep(Duration::from_micros(dice.below(400)));
    }
}

fn noise(dice: &Dice, target: &Target) {
    for _ in 0..=dice.below(16) {
        let at = dice.at(target.words.len());
        let word = match dice.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => target.words[dice.at(target.words.len())].load(Relaxed),
            3 => target.before[at],
            4 => dice.next() >> dice.below(64),
            _ => dice.next(),
        };
        target.put(at, word);
    }
}

fn structure(dice: &Dice, target: &Target, places: std::ops::Range<usize>) {
    if places.is_empty() {
        return noise(dice, target);
    }
    for _ in 0..=dice.below(8) {
        let (mut at, mut spot) = target.places[places.start + dice.at(places.len())];
        // Words that say something are few among so many bits.
        for _ in 0..6 {
            if matches!(spot, Spot::Bits | Spot::Schema) {
                (at, spot) = target.places[places.start + dice.at(places.len())];
            }
        }
        let now = target.words[at].load(Relaxed);
        let word = match dice.below(4) {
            0 => target.before[at],
            _ => spots::word(dice, spot, now, living(dice, target)),
        };
        target.put(at, word);
    }
}

/// The token of somebody who attached, if the table still says so.
fn living(dice: &Dice, target: &Target) -> u64 {
    let slot = dice.below(6);
    let row = target.before.get(10).map_or(0, |table| *table as usize / 8) + slot as usize * 4;
    let generation = target.words.get(row).map_or(1, |word| word.load(Relaxed) >> 32);
    (generation << 32) | (slot + 1)
}

fn wipe(dice: &Dice, target: &Target) {
    let from = dice.at(target.words.len());
    let word = [0, u64::MAX, dice.next(), 0x0101_0101_0101_0101][dice.at(4)];
    let random = dice.below(2) == 0;
    for at in from..target.words.len() {
        target.put(at, if random { dice.next() } else { word });
    }
    std::thread::sleep(Duration::from_micros(dice.below(500)));
    (0..target.words.len()).for_each(|at| target.restore(at));
    std::thread::sleep(Duration::from_micros(dice.below(2_000)));
}
