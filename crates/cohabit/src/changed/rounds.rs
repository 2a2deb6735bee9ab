//! The waiting thread: it looks, calls who is due, and sleeps until there may be more to see.
//!
//! It only reads shared memory, and holds a mapping for one round at most: looked at anew after 100 ms,
//! whatever happens, since a writer may be killed between its commit and its wake-up.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use cohabit_os::wait::{self, Deadline};

use super::watch::{Sight, Watch, Word};
use crate::member::{Member, Role};
use crate::value::cell::Commit;
use crate::value::wait::{LOOK_AGAIN, OBSERVER_FIRST, OBSERVER_LAST};

/// How often the kernel is asked whether an instance still has its name.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// The longest pause between two looks at a user's word that the kernel does not watch.
const UNHEARD_LAST: Duration = Duration::from_millis(10);
/// So many rounds may end for nothing, one after another, before each costs a pause: somebody then
/// changes words without making versions.
const RESTLESS: u32 = 16;

/// Serves the book of this process, for as long as the process lives.
pub(super) fn run(watch: &'static Watch) {
    let mut rest = Rest::FRESH;
    let mut ask_at = Deadline::after(ASK_AGAIN);
    let mut over = Vec::new();
    loop {
        let Sight { due, words, .. } = watch.look(&over);
        over.clear();
        if !due.is_empty() {
            drop(words);
            rest = Rest::FRESH;
            if !call(watch, due) {
                return;
            }
            continue;
        }
        if ask_at.has_passed() {
            over = without_a_name(&words);
            ask_at = Deadline::after(ASK_AGAIN);
        }
        if over.is_empty() {
            rest.sleep(watch, &words);
        }
    }
}

/// Calls each waker, whatever the others do; whether this still is the process that it was.
fn call(watch: &Watch, due: Vec<Waker>) -> bool {
    for waker in due {
        let called = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        if let Err(panic) = called {
            // The panic was reported by the program's own hook. What it carries may panic again.
            std::mem::forget(panic);
        }
        if !watch.is_here() {
            return false; // a child that was forked inside of it
        }
    }
    true
}

/// Members whose instance is over, or cannot be asked about: those who wait will find out.
fn without_a_name(words: &[Word]) -> Vec<Arc<Member>> {
    let members = words.iter().map(|word| (word.member.base(), &word.member));
    let members: BTreeMap<_, _> = members.collect();
    let is_over = |member: &&Arc<Member>| member.segment.check_alive().is_err();
    members.into_values().filter(is_over).map(Arc::clone).collect()
}

/// How the thread sleeps.
struct Rest {
    /// The next pause, where there is something to look at that the kernel does not watch.
    pause: Duration,
    /// Rounds in a row that a word ended, and nobody was due.
    for_nothing: u32,
}

impl Rest {
    /// Nothing is known yet, or everything is new.
    const FRESH: Rest = Rest { pause: OBSERVER_FIRST, for_nothing: 0 };

    /// Sleeps until somebody rings, a word has changed, or it is time to look anew.
    fn sleep(&mut self, watch: &Watch, words: &[Word]) {
        if self.for_nothing > RESTLESS {
            wait::pause(OBSERVER_FIRST);
        }
        let until = Deadline::after(if words.is_empty() { Duration::MAX } else { LOOK_AGAIN });
        let watched = Watched::new(watch, words);
        while watch.fall_asleep() {
            wait::wait_any(&watched.heard, until.earlier(self.next_look(&watched)));
            if !watch.wake_up() {
                break;
            }
            if watched.has_changed() {
                self.for_nothing = self.for_nothing.saturating_add(1);
                return;
            }
            if until.has_passed() {
                self.for_nothing = 0;
                return;
            }
        }
        // Somebody rang.
        *self = Rest::FRESH;
    }

    /// When to look at what the kernel does not watch: in pauses that grow.
    fn next_look(&mut self, watched: &Watched<'_>) -> Deadline {
        let Some(longest) = watched.longest_pause else {
            return Deadline::after(Duration::MAX);
        };
        let pause = self.pause.min(longest);
        self.pause = pause * 2;
        Deadline::after(pause)
    }
}

/// Words by how their change is noticed.
struct Watched<'a> {
    /// The bell, and words of users whose wake-up the kernel passes on; each with its low half.
    heard: Vec<(&'a AtomicU64, u32)>,
    /// Words to be looked at: of observers, and of users that there is no room for above.
    unheard: Vec<&'a Word>,
    /// How long those may go without a look; nothing if there are none.
    longest_pause: Option<Duration>,
}

impl<'a> Watched<'a> {
    fn new(watch: &'a Watch, words: &'a [Word]) -> Self {
        let mut watched =
            Watched { heard: vec![watch.bell()], unheard: Vec::new(), longest_pause: None };
        let room = wait::any_max();
        for word in words {
            let is_view = word.member.key().1 == Role::Observer;
            if !is_view && watched.heard.len() < room {
                watched.heard.push((word.get(), word.was as u32));
                continue;
            }
            watched.unheard.push(word);
            let pause = if is_view { OBSERVER_LAST } else { UNHEARD_LAST };
            let longest = watched.longest_pause.map_or(pause, |longest| longest.min(pause));
            watched.longest_pause = Some(longest);
        }
        watched
    }

    /// Whether another look at everything is worth while.
    fn has_changed(&self) -> bool {
        let is_other =
            |(word, was): &(&AtomicU64, u32)| word.load(Ordering::Relaxed) as u32 != *was;
        let is_newer = |word: &&Word| {
            let now = Commit(word.get().load(Ordering::Relaxed));
            now.version() != Commit(word.was).version()
        };
        self.heard[1..].iter().any(is_other) || self.unheard.iter().any(is_newer)
    }
}
