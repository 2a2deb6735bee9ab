//! Windows: two named events for each word that somebody waits for, made by who waits and gone with the
//! last one who does. WaitOnAddress does not reach other processes.
//!
//! One event lets one waiter go and is then unset by the system; the other lets all go, and is unset by
//! whoever begins to wait. Between that and the wait of another one, its being set may be lost to that one:
//! so each waits for [`AGAIN`] at most before it looks at the word itself, and returns once it changed. Who
//! wakes and finds no events knows that nobody waits. A word that is in no view has no name: it is looked at again and again.

use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::SystemServices::MAXIMUM_WAIT_OBJECTS;
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, OpenEventW, ResetEvent, SetEvent, WaitForMultipleObjects,
};

use crate::windows::names::bell_name;
use crate::windows::rights::{Descriptor, OWN};
use crate::windows::{maps, owned};

/// How long a wait trusts its events.
const AGAIN: Duration = Duration::from_millis(10);
const ONE: &str = "one";
const ALL: &str = "all";

pub(super) fn monotonic_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let since = ORIGIN.get_or_init(Instant::now).elapsed().as_nanos();
    u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
}

pub(super) fn wait(word: &AtomicU64, expected_low: u32, deadline_ns: u64) {
    wait_any(&[(word, expected_low)], deadline_ns);
}

/// Two events for each word.
pub(super) fn any_max() -> usize {
    MAXIMUM_WAIT_OBJECTS as usize / 2
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    let bells: Vec<_> = words.iter().filter_map(|(word, _)| Bells::of(word)).collect();
    let handles: Vec<HANDLE> = bells.iter().flat_map(Bells::handles).collect();
    loop {
        // SeqCst: orders the events' making, or their being unset, and the look at the words: who changes
        // a word and then finds no event has changed it before this look.
        let is_as_expected = |(word, low): &(&AtomicU64, u32)| word.load(SeqCst) as u32 == *low;
        let left = Duration::from_nanos(deadline_ns.saturating_sub(monotonic_ns()));
        if left.is_zero() || !words.iter().all(is_as_expected) {
            return;
        }
        if handles.len() < 2 * words.len() {
            // Somebody has no events: nobody can wake us there.
            std::thread::sleep(left.min(Duration::from_millis(1)));
        } else if rang(&handles, left.min(AGAIN)) {
            return;
        }
    }
}

/// Waits for one of the events; whether one was set.
fn rang(handles: &[HANDLE], longest: Duration) -> bool {
    // Rounded up: a wait of less than a millisecond would be none, and go round.
    let longest = u32::try_from(longest.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX - 1);
    let count = handles.len() as u32;
    // SAFETY: the handles are those of events that live longer than the call.
    let answer = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, longest) };
    answer < count
}

pub(super) fn wake(word: &AtomicU64, count: i32) -> bool {
    let Some((key, offset)) = maps::find(word.as_ptr().addr()) else { return true };
    let bell = if count == 1 { ONE } else { ALL };
    let name = bell_name(key, offset, bell);
    // SAFETY: the name ends with zero and lives for the call.
    let opened = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    // SAFETY: null, or a handle that nobody else has.
    let Some(event) = (unsafe { owned(opened) }) else { return false };
    // SAFETY: the handle is open.
    unsafe { SetEvent(event.as_raw_handle()) };
    true
}

/// The events of one word, while this process waits for it.
struct Bells {
    one: OwnedHandle,
    all: OwnedHandle,
}

impl Bells {
    /// `None`: the word is in no view of ours, or the events cannot be had.
    fn of(word: &AtomicU64) -> Option<Bells> {
        let (key, offset) = maps::find(word.as_ptr().addr())?;
        let descriptor = Descriptor::of(OWN).ok()?;
        let make = |bell, stays_set| {
            let name = bell_name(key, offset, bell);
            // SAFETY: descriptor and name live for the call.
            let made = unsafe {
                CreateEventW(descriptor.attributes(), i32::from(stays_set), 0, name.as_ptr())
            };
            // SAFETY: null, or a handle that nobody else has.
            unsafe { owned(made) }
        };
        let (one, all) = (make(ONE, false)?, make(ALL, true)?);
        // SAFETY: the handle is open.
        unsafe { ResetEvent(all.as_raw_handle()) };
        Some(Bells { one, all })
    }

    fn handles(&self) -> [HANDLE; 2] {
        [self.all.as_raw_handle(), self.one.as_raw_handle()]
    }
}
