//! The stepper, tried on small victims whose every state is known beforehand.
//!
//! The victims are forked, not executed, and use mmap, fcntl and unlink directly.
use super::remains::{self, Remains};
use super::step::{self, Stage, State, Verdict};
use super::trace::{self, Event, Method, Position, Victim};
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

/// One test at a time: a victim forked by another test would hold this test's descriptors.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A folder of its own for each test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        let name = format!("cohabit-lab-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}

/// What the victim of these tests does with its mapped page.
fn operation(words: &[AtomicU64], file: &File, name: &std::ffi::CStr) {
    words[0].store(1, Relaxed);
    words[0].store(1, Relaxed); // changes nothing, so it is no state
    words[3].store(2, Relaxed);
    // SAFETY: zero is a valid lock request: the byte is set below.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as i16;
    lock.l_start = 77;
    lock.l_len = 1;
    // SAFETY: reads and writes `lock` only.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) };
    words[0].fetch_add(4, Relaxed);
    // SAFETY: a path that ends with NUL.
    unsafe { libc::unlink(name.as_ptr()) };
    words[1].store(u64::MAX, Relaxed);
}

/// Forks a victim; the page and the path are made before, so that the child allocates nothing.
fn start(folder: &Path, method: Method) -> (Victim, Remains) {
    let path = folder.join("toy");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
    let file = file.unwrap();
    file.set_len(4096).unwrap();
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let (none, fd) = (std::ptr::null_mut(), file.as_raw_fd());
    // SAFETY: a new mapping at an address of the kernel's choice.
    let page = unsafe { libc::mmap(none, 4096, rights, libc::MAP_SHARED, fd, 0) };
    assert_ne!(page, libc::MAP_FAILED);
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the child uses nothing that another thread of this process could hold.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: a page of 512 words that stays mapped; the kernel aligned it.
        let words = unsafe { std::slice::from_raw_parts(page.cast::<AtomicU64>(), 512) };
        let _result = trace::perform(|| operation(words, &file, &name));
        // SAFETY: ends the child without running what belongs to its parent.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the mapping made above; the parent has no reference into it.
    unsafe { libc::munmap(page, 4096) };
    let mut remains = Remains::new(folder);
    (Victim::adopt(pid, &mut remains, method).unwrap(), remains)
}

struct Toy {
    folder: Folder,
    /// What the file held and what was locked and named, at each kill.
    seen: Vec<(Position, [u64; 4], usize, usize)>,
}

impl Stage for Toy {
    fn raise(&mut self, method: Method) -> Result<(Victim, Remains), String> {
        Ok(start(&self.folder.0, method))
    }

    fn passed(&mut self, _: &Event, _: &mut Remains) -> Result<(), String> {
        Ok(())
    }

    fn judge(
        &mut self,
        victim: Victim,
        remains: &mut Remains,
        state: &State,
    ) -> Result<Verdict, String> {
        remains.look();
        let locks = remains.locks().unwrap().len();
        let names = remains::names(&self.folder.0).unwrap().len();
        victim.kill();
        let bytes = remains.segments().next().unwrap().1;
        let words = [0, 8, 16, 24].map(|at| bytes.word(at));
        self.seen.push((state.position, words, locks, names));
        Ok(Verdict::default())
    }

    fn finished(&mut self, _: &Victim, _: &mut Remains) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn clear(&mut self, victim: Victim) -> Result<(), String> {
        victim.kill();
        Ok(())
    }
}

const fn at(call: usize, change: usize) -> Position {
    Position { call, change }
}

#[test]
fn every_state_of_a_known_operation_is_found_and_killed_in() {
    let _alone = alone();
    let mut toy = Toy { folder: Folder::new(), seen: Vec::new() };
    let record = step::record(&mut toy, Method::Faults).unwrap();
    let outcome = step::replay(&mut toy, &record).unwrap();
    assert_eq!((outcome.kills, outcome.missed.len()), (record.states.len(), 0));
    let expected = [
        (at(0, 0), [0, 0, 0, 0], 0, 1),
        (at(0, 1), [1, 0, 0, 0], 0, 1),
        (at(0, 2), [1, 0, 0, 2], 0, 1),
        (at(1, 0), [1, 0, 0, 2], 0, 1),
        (at(2, 0), [1, 0, 0, 2], 1, 1),
        (at(2, 1), [5, 0, 0, 2], 1, 1),
        (at(3, 0), [5, 0, 0, 2], 1, 1),
        (at(4, 0), [5, 0, 0, 2], 1, 0),
        (at(4, 1), [5, u64::MAX, 0, 2], 1, 0),
    ];
    assert_eq!(toy.seen, expected);
    assert_eq!(outcome.violations, [""; 0]);
}

#[test]
fn stepping_and_write_faults_find_the_same_states() {
    let _alone = alone();
    let mut toy = Toy { folder: Folder::new(), seen: Vec::new() };
    let names = |states: Vec<State>| {
        states.into_iter().map(|state| (state.position, state.label)).collect::<Vec<_>>()
    };
    let by_faults = names(step::record(&mut toy, Method::Faults).unwrap().states);
    let by_steps = names(step::record(&mut toy, Method::Steps).unwrap().states);
    assert_eq!(by_faults, by_steps);
}

#[test]
fn a_killed_victim_leaves_no_lock() {
    let _alone = alone();
    let folder = Folder::new();
    let (mut victim, mut remains) = start(&folder.0, Method::Faults);
    while victim.position() < at(2, 0) {
        victim.next(&mut remains).unwrap();
    }
    let locks: Vec<_> = remains.locks().unwrap().iter().map(|l| (l.first, l.last)).collect();
    assert_eq!(locks, [(77, 77)]);
    victim.kill();
    assert_eq!(remains.locks().unwrap(), []);
}
