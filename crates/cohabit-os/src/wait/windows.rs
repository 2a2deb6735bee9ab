//! Windows: two named events for each word that somebody waits for, made by who waits and gone with the
//! last one who does. WaitOnAddress does not reach other processes.
//!
//! One event lets one waiter go and is then unset by the system; the other lets all go, and is unset by
//! whoever begins to wait. Between that and the wait of another one, its being set may be lost to that one:
//! so each waits for [`AGAIN`] at most before it looks at the word itself, and returns once it changed. Who
//! wakes and finds no events knows that nobody waits. A word that is in no view has no name: it is looked at again and again.
//! So is one whose events a stranger made first. Else they let in who may write the object, and nobody who may only read
//! it: to wait for an event that lets one go takes it away from others.
//!
//! Beside the events a wait hears of processes, through handles that it opens and closes: a process's own is set
//! when it has ended, after the system has closed its handles, and so after its bytes are free. Such a handle
//! keeps nothing of the dead but its id. One call hears [`MAXIMUM_WAIT_OBJECTS`] handles; of more processes a wait
//! hears in turns of a millisecond.

use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, HANDLE, WAIT_FAILED};
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemServices::MAXIMUM_WAIT_OBJECTS;
use windows_sys::Win32::System::Threading::{
    CREATE_EVENT_MANUAL_RESET, CreateEventExW, EVENT_MODIFY_STATE, OpenEventW, PROCESS_SYNCHRONIZE,
    ResetEvent, SetEvent, WaitForMultipleObjects,
};

use crate::process::Identity;
use crate::windows::names::bell_name;
use crate::windows::processes::{self, Opened};
use crate::windows::rights::BELL;
use crate::windows::{last_error, maps, owned};

/// How long a wait trusts its events.
const AGAIN: Duration = Duration::from_millis(10);
/// How long where something is that it does not hear: a word without events, more processes than one call takes, one
/// that has ended already.
const SOON: Duration = Duration::from_millis(1);
/// An event that is unset by the system when it has let one go.
const LETS_ONE_GO: u32 = 0;
const ONE: &str = "one";
const ALL: &str = "all";

/// Of the machine, not of this process: locks have such times in their words. std's Instant does not say its own.
pub(super) fn monotonic_ns() -> u64 {
    static PER_SECOND: OnceLock<i64> = OnceLock::new();
    let per_second = *PER_SECOND.get_or_init(|| {
        let mut found = 0;
        // SAFETY: the number is ours. The call always succeeds since Windows XP, says its documentation.
        unsafe { QueryPerformanceFrequency(&raw mut found) };
        found.max(1)
    });
    let mut now = 0;
    // SAFETY: as above.
    unsafe { QueryPerformanceCounter(&raw mut now) };
    let ns = i128::from(now) * 1_000_000_000 / i128::from(per_second);
    u64::try_from(ns).unwrap_or(0).saturating_add(1)
}

pub(super) fn wait(word: &AtomicU64, expected_low: u32, deadline_ns: u64) {
    wait_any(&[(word, expected_low)], deadline_ns);
}

pub(super) fn hears_deaths() -> bool {
    true
}

pub(super) fn wait_or_death(
    word: &AtomicU64,
    expected_low: u32,
    whose: &[Identity],
    deadline_ns: u64,
) {
    wait_for(&[(word, expected_low)], &Mortals::of(whose), deadline_ns);
}

/// Two events for each word.
pub(super) fn any_max() -> usize {
    MAXIMUM_WAIT_OBJECTS as usize / 2
}

pub(super) fn wait_any(words: &[(&AtomicU64, u32)], deadline_ns: u64) {
    wait_for(words, &Mortals::NONE, deadline_ns);
}

fn wait_for(words: &[(&AtomicU64, u32)], mortals: &Mortals, deadline_ns: u64) {
    let bells: Vec<_> = words.iter().filter_map(|(word, _)| Bells::of(word)).collect();
    let bells: Vec<HANDLE> = bells.iter().flat_map(Bells::handles).collect();
    let room = MAXIMUM_WAIT_OBJECTS as usize - bells.len();
    let hears_all = bells.len() == 2 * words.len() && mortals.handles.len() <= room;
    let longest = if hears_all && !mortals.has_dead { AGAIN } else { SOON };
    for turn in 0.. {
        // SeqCst: orders the events' making, or their being unset, and the look at the words: who changes
        // a word and then finds no event has changed it before this look.
        let is_as_expected = |(word, low): &(&AtomicU64, u32)| word.load(SeqCst) as u32 == *low;
        let left = Duration::from_nanos(deadline_ns.saturating_sub(monotonic_ns()));
        if left.is_zero() || !words.iter().all(is_as_expected) {
            return;
        }
        let handles: Vec<_> = bells.iter().copied().chain(mortals.group(turn, room)).collect();
        if rang(&handles, left.min(longest)) || mortals.has_dead {
            return;
        }
    }
}

/// Waits for one of the handles; whether one was set.
fn rang(handles: &[HANDLE], longest: Duration) -> bool {
    if handles.is_empty() {
        std::thread::sleep(longest);
        return false;
    }
    // Rounded up: a wait of less than a millisecond would be none, and go round.
    let longest = u32::try_from(longest.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX - 1);
    let count = handles.len() as u32;
    // SAFETY: the handles are those of events and processes that live longer than the call.
    let answer = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, longest) };
    if answer == WAIT_FAILED {
        // Somebody closed what was not his: whoever waits looks again, and does not spin.
        std::thread::sleep(SOON.min(Duration::from_millis(longest.into())));
    }
    answer < count
}

pub(super) fn wake(word: &AtomicU64, count: i32) -> bool {
    let Some((key, offset)) = maps::find(word.as_ptr().addr()) else { return true };
    let bell = if count == 1 { ONE } else { ALL };
    let name = bell_name(key, offset, bell);
    // SAFETY: the name ends with zero and lives for the call.
    let opened = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    let code = last_error();
    // SAFETY: null, or a handle that nobody else has.
    let Some(event) = (unsafe { owned(opened) }) else { return code != ERROR_FILE_NOT_FOUND };
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
        let descriptor = maps::bells_at(word.as_ptr().addr())?;
        let make = |bell, kind| {
            let name = bell_name(key, offset, bell);
            // SAFETY: descriptor and name live for the call.
            let made =
                unsafe { CreateEventExW(descriptor.attributes(), name.as_ptr(), kind, BELL) };
            // SAFETY: null, or a handle that nobody else has.
            unsafe { owned(made) }
        };
        let (one, all) = (make(ONE, LETS_ONE_GO)?, make(ALL, CREATE_EVENT_MANUAL_RESET)?);
        // SAFETY: the handle is open.
        unsafe { ResetEvent(all.as_raw_handle()) };
        Some(Bells { one, all })
    }

    fn handles(&self) -> [HANDLE; 2] {
        [self.all.as_raw_handle(), self.one.as_raw_handle()]
    }
}

/// Processes whose end ends a wait, for the length of it.
struct Mortals {
    handles: Vec<OwnedHandle>,
    /// One had ended before. Who asked for the wait may not have known it, or it is a lie: so the wait is a short one.
    has_dead: bool,
}

impl Mortals {
    const NONE: Mortals = Mortals { handles: Vec::new(), has_dead: false };

    /// Those of them that this process may wait for.
    fn of(whose: &[Identity]) -> Mortals {
        let mut mortals = Mortals::NONE;
        let me = std::process::id();
        for who in whose.iter().filter(|who| who.pid != me) {
            match processes::open(who.pid, who.start, PROCESS_SYNCHRONIZE) {
                Opened::Yes(process) if !rang(&[process.as_raw_handle()], Duration::ZERO) => {
                    mortals.handles.push(process);
                }
                Opened::Yes(_) | Opened::Gone => mortals.has_dead = true,
                Opened::Hidden => {}
            }
        }
        mortals
    }

    /// Those whose turn it is, where one call has room for so many.
    fn group(&self, turn: usize, room: usize) -> impl Iterator<Item = HANDLE> {
        let room = room.max(1);
        let groups = self.handles.len().div_ceil(room).max(1);
        let group = self.handles.chunks(room).nth(turn % groups).unwrap_or_default();
        group.iter().map(AsRawHandle::as_raw_handle)
    }
}
