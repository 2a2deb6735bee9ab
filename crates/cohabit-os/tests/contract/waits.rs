//! Waiting and waking between processes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use cohabit_os::mapping::{Access, File, Mapping};
use cohabit_os::wait::{Deadline, any_max, pause, wait, wait_any, wake_all, wake_one};

use crate::support::{Alone, Child, Folder, child, for_linux_only, portable, shared_word, word};

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(86_400);

/// Returns once the kernel says that the process waits for one word.
fn in_wait(process: &Child) {
    let call = format!("/proc/{}/syscall", process.pid());
    let number = if portable() { libc::SYS_clock_nanosleep } else { libc::SYS_futex };
    let number = format!("{number} ");
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
    waiters.iter().for_each(in_wait);
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
    waiters.iter().for_each(in_wait);
    word(&shared).store(1, Release);
    assert!(wake_one(word(&shared)), "somebody waits");
    assert!(waiters.into_iter().all(|waiter| waiter.code() == 0));
}

#[test]
fn a_wake_up_for_nobody_says_so() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    // Who looks again and again is not known to anybody, so there may have been one.
    assert_eq!(wake_one(word(&shared)), portable());
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

/// Returns once the kernel says that the process waits for several words.
fn in_waitv(process: &Child) {
    let call = format!("/proc/{}/syscall", process.pid());
    let number = if portable() { libc::SYS_clock_nanosleep } else { libc::SYS_futex_waitv };
    let number = format!("{number} ");
    while !std::fs::read_to_string(&call).is_ok_and(|text| text.starts_with(&number)) {
        std::thread::yield_now();
    }
}

/// So many words at the start of a mapping, as all processes see them.
fn words(mapping: &Mapping, count: usize) -> &[AtomicU64] {
    let first = mapping.base().as_ptr().cast::<AtomicU64>();
    assert!(count * 8 <= mapping.len());
    // SAFETY: the mapping starts at a page, is that long, lives as long as the reference, and every
    // test uses it as atomics only.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// What to wait for: that the words are all zero.
fn zeros(words: &[AtomicU64]) -> Vec<(&AtomicU64, u32)> {
    words.iter().map(|word| (word, 0)).collect()
}

#[test]
fn any_of_the_words_that_are_heard_wakes_across_processes() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    let all = words(&shared, 300);
    let heard = any_max();
    assert_eq!(heard, 128, "this kernel can wait for many words");
    for changed in [0, 1, heard / 2, heard - 1] {
        let waiter = child(|| {
            while all[changed].load(Acquire) == 0 {
                wait_any(&zeros(all), Deadline::after(LONG));
            }
            0
        });
        in_waitv(&waiter);
        all[changed].store(1 << 40 | 1, Release);
        wake_all(&all[changed]);
        assert_eq!(waiter.code(), 0);
        all[changed].store(0, Release);
    }
}

#[test]
fn words_that_are_not_heard_are_not_looked_at() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    let all = words(&shared, 300);
    all[any_max()].store(1, Release);
    // It would return at once if it looked at that word, and never if it had no deadline.
    let soon = Deadline::after(Duration::from_millis(10));
    wait_any(&zeros(all), soon);
    while !soon.has_passed() {
        wait_any(&zeros(all), soon);
    }
}

#[test]
fn several_words_are_waited_for_like_one() {
    let folder = Folder::new();
    let shared = shared_word(&folder);
    let all = words(&shared, 3);
    // One that is not as expected: it returns at once, or this test does not end.
    for (changed, expected) in [(0, [1, 0, 0]), (1, [0, 1, 0]), (2, [0, 0, 1])] {
        all[changed].store(0xdead_beef_0000_0000, Release);
        let waited: Vec<_> = all.iter().zip(expected).collect();
        wait_any(&waited, Deadline::after(LONG));
    }
    // Only the low halves are compared; deadlines hold, also those that have passed.
    let soon = Deadline::after(Duration::from_millis(10));
    while !soon.has_passed() {
        wait_any(&zeros(all), soon);
    }
    wait_any(&zeros(all), Deadline::in_past());
    wait_any(&zeros(&all[..1]), Deadline::in_past());
    wait_any(&[], Deadline::in_past());
    // A deadline that the kernel cannot count to is one that does not pass.
    wait_any(&[(&all[0], 0), (&all[1], 7)], Deadline::after(Duration::MAX));
}

/// A filter that answers ENOSYS to one system call of this process, from now on.
fn forbid(call: libc::c_long) {
    let number = u32::try_from(call).expect("a number");
    let step = |code: u32, jt, jf, k| libc::sock_filter {
        code: u16::try_from(code).expect("a code"),
        jt,
        jf,
        k,
    };
    let enosys = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let mut program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, enosys),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    let (one, none): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: it only takes a right from this process.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, none, none, none) }, 0);
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: the program and its steps live for the call, which copies them.
    let closed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(closed, 0, "a filter: {}", std::io::Error::last_os_error());
}

#[test]
fn without_the_call_one_word_is_heard() {
    if for_linux_only("the portable mechanism makes no such call") {
        return;
    }
    let folder = Folder::new();
    let shared = shared_word(&folder);
    let all = words(&shared, 3);
    let waiter = child(|| {
        assert_eq!(any_max(), 128);
        forbid(libc::SYS_futex_waitv);
        // It costs a pause, and is known from then on.
        wait_any(&zeros(all), Deadline::after(LONG));
        assert_eq!(any_max(), 1);
        while all[0].load(Acquire) == 0 {
            wait_any(&zeros(all), Deadline::after(LONG));
        }
        0
    });
    in_wait(&waiter);
    all[0].store(1, Release);
    wake_all(&all[0]);
    assert_eq!(waiter.code(), 0);
}
