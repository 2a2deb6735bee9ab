//! Waiting and waking between processes.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use cohabit_os::mapping::{Access, File};
use cohabit_os::wait::{Deadline, pause, wait, wake_all, wake_one};

use crate::support::{Alone, Child, Folder, child, shared_word, word};

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(86_400);

/// Returns once the kernel says that the process is in a futex call.
fn in_futex(process: &Child) {
    let call = format!("/proc/{}/syscall", process.pid());
    let number = format!("{} ", libc::SYS_futex);
    while !std::fs::read_to_string(&call).is_ok_and(|text| text.starts_with(&number)) {
        std::thread::yield_now();
    }
}

#[test]
fn a_wake_reaches_every_process_at_whatever_address() {
    let folder = Folder::new();
    let (path, file, _) = folder.file("name");
    let mine = file.map(4096, Access::ReadWrite).expect("a map");
    let waiters: Vec<Child> = (0..3)
        .map(|_| {
            child(|| {
                let its = File::open(&path, Access::ReadWrite).expect("open");
                let its = its.map(4096, Access::ReadWrite).expect("a map of its own");
                assert_ne!(its.base(), mine.base());
                while word(&its).load(Acquire) & 0xffff_ffff == 0 {
                    wait(word(&its), 0, Deadline::after(LONG));
                }
                0
            })
        })
        .collect();
    waiters.iter().for_each(in_futex);
    word(&mine).store(1, Release);
    wake_all(word(&mine));
    assert!(waiters.into_iter().all(|waiter| waiter.code() == 0));
}

#[test]
fn wake_one_wakes_one_after_another() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    let waiters: Vec<Child> = (0..3)
        .map(|_| {
            child(|| {
                while word(&shared).load(Acquire) == 0 {
                    wait(word(&shared), 0, Deadline::after(LONG));
                }
                wake_one(word(&shared)); // hands it on
                0
            })
        })
        .collect();
    waiters.iter().for_each(in_futex);
    word(&shared).store(1, Release);
    wake_one(word(&shared));
    assert!(waiters.into_iter().all(|waiter| waiter.code() == 0));
}

#[test]
fn only_the_low_half_is_compared() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    word(&shared).store(0xdead_beef_0000_0007, Release);
    // Returns at once, or this test does not end.
    wait(word(&shared), 8, Deadline::after(LONG));
    let soon = Deadline::after(Duration::from_millis(20));
    while !soon.has_passed() {
        wait(word(&shared), 7, soon);
    }
    wait(word(&shared), 7, Deadline::in_past());
}

#[test]
fn deadlines_are_moments() {
    let _alone = Alone::now();
    let (soon, late) = (Deadline::after(Duration::from_millis(5)), Deadline::after(LONG));
    assert!(soon < late && soon.earlier(late) == soon && late.earlier(soon) == soon);
    assert!(!late.has_passed() && late.remaining() > LONG / 2);
    pause(Duration::from_millis(5));
    assert!(soon.has_passed() && soon.remaining().is_zero());
    assert!(Deadline::in_past().has_passed());
    let never = Deadline::after(Duration::MAX);
    assert!(!never.has_passed() && never > late);
    // A deadline that the kernel cannot count to is one that does not pass.
    let folder_free_word = std::sync::atomic::AtomicU64::new(1);
    wait(&folder_free_word, 0, never);
}
