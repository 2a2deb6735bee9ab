//! Descriptors that poll, threads of one's own, and values that a child begins anew.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;

use cohabit_os::event::Event;
use cohabit_os::fork::PerProcess;
use cohabit_os::thread;

use crate::support::{Alone, child, child_by, ways};

fn is_readable(event: &Event) -> bool {
    let mut polled =
        libc::pollfd { fd: event.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, which is ours for the call.
    let count = unsafe { libc::poll(&raw mut polled, 1, 0) };
    assert!(count >= 0, "poll");
    count == 1 && polled.revents == libc::POLLIN
}

#[test]
fn an_event_is_readable_from_raise_to_clear() {
    let _alone = Alone::now();
    let event = Event::new().expect("an event");
    assert!(!is_readable(&event));
    for _ in 0..2 {
        event.clear();
        assert!(!is_readable(&event));
        event.raise();
        event.raise();
        assert!(is_readable(&event));
        event.clear();
        assert!(!is_readable(&event));
    }
    // SAFETY: it asks for flags only.
    let flags = unsafe { libc::fcntl(event.as_fd().as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags, libc::FD_CLOEXEC);
}

/// The mask of blocked signals of this thread.
fn is_blocked(signal: i32) -> bool {
    let mut mask = std::mem::MaybeUninit::uninit();
    // SAFETY: without a new mask the call only writes the present one, which is ours.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr()) };
    // SAFETY: the call wrote it.
    let mask = unsafe { mask.assume_init() };
    // SAFETY: a set that the call wrote, and a number that is a signal.
    unsafe { libc::sigismember(&raw const mask, signal) == 1 }
}

#[test]
fn a_thread_takes_no_signals_of_the_process() {
    let _alone = Alone::now();
    let signals =
        [libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGALRM, libc::SIGSEGV, libc::SIGBUS];
    let before = signals.map(is_blocked);
    let (says, hears) = channel();
    thread::start("quiet", move || {
        let name = std::thread::current().name().map(str::to_owned);
        says.send((name, signals.map(is_blocked))).expect("the test hears");
    })
    .expect("a thread");
    let expected = [true, true, true, true, false, false];
    assert_eq!(hears.recv(), Ok((Some("quiet".to_owned()), expected)));
    assert_eq!(signals.map(is_blocked), before, "the mask of the one who starts it stays");
}

#[test]
fn every_process_has_a_value_of_its_own() {
    static VALUE: PerProcess<Mutex<u64>> = PerProcess::new();
    static MADE: AtomicU64 = AtomicU64::new(0);
    let make = || Mutex::new(MADE.fetch_add(1, Relaxed) + 1);
    let _alone = Alone::now();
    assert!(VALUE.get().is_none());
    let mine = VALUE.get_or_make(make).expect("a value");
    assert!(std::ptr::eq(mine, VALUE.get_or_make(make).expect("the same")));
    assert!(std::ptr::eq(mine, VALUE.get().expect("the same")));
    // The parent forks while its own is locked: for the child, that one is nowhere.
    let locked = mine.lock().expect("nobody panics");
    assert_eq!(*locked, 1);
    for by in ways().iter().copied() {
        let other = child_by(by, || {
            assert!(VALUE.get().is_none());
            let its = VALUE.get_or_make(make).expect("a value");
            assert!(!std::ptr::eq(its, mine));
            i32::try_from(*its.lock().expect("nobody panics")).expect("a small number")
        });
        assert_eq!(other.code(), 2);
    }
    assert!(std::ptr::eq(mine, VALUE.get().expect("the same")));
}

#[test]
fn threads_that_race_for_a_value_get_the_same_one() {
    let _alone = Alone::now();
    let racing = child(|| {
        static VALUE: PerProcess<u64> = PerProcess::new();
        let get = || std::ptr::from_ref(VALUE.get_or_make(|| 7).expect("a value")).addr();
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(get)).collect();
        let places: Vec<_> = threads.into_iter().map(|t| t.join().expect("an address")).collect();
        i32::from(places.iter().any(|place| *place != places[0]))
    });
    assert_eq!(racing.code(), 0);
}
