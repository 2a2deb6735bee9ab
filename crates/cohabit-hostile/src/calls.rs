//! Every call of a victim goes through here: it is counted, and it must come back.
//!
//! A call that has a deadline is given [`WAIT`]. A process that is in one call for [`PATIENCE`] says so
//! and ends: that is a hang, whatever the machine was busy with meanwhile.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cohabit::{ErrorKind, LockError, LockResult};

use crate::board::Sound;

/// The deadline of every call that has one.
pub(crate) const WAIT: Duration = Duration::from_millis(2);

/// Longer than any call takes, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

/// The call that this process is in, and since when.
static CURRENT: Mutex<Option<(&str, Instant)>> = Mutex::new(None);

fn current() -> MutexGuard<'static, Option<(&'static str, Instant)>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Count {
    fine: u64,
    refused: u64,
}

/// What this process did.
#[derive(Default)]
pub(crate) struct Calls {
    counts: RefCell<BTreeMap<&'static str, Count>>,
    kinds: RefCell<BTreeMap<&'static str, u64>>,
}

impl Calls {
    /// With the watchdog. A test of it has less patience: a cheat's.
    pub(crate) fn watched() -> Self {
        let told = std::env::var("COHABIT_HOSTILE_PATIENCE_MS").ok();
        let told = told.and_then(|text| text.parse().ok()).map(Duration::from_millis);
        let patience = told.unwrap_or(PATIENCE);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(patience / 8);
                let begun = *current();
                if let Some((name, since)) = begun
                    && since.elapsed() > patience
                {
                    eprintln!("hang: {} s in {name}", since.elapsed().as_secs());
                    std::process::abort();
                }
            }
        });
        Self::default()
    }

    /// Makes a call that cannot fail.
    pub(crate) fn did<R>(&self, name: &'static str, call: impl FnOnce() -> R) -> R {
        *current() = Some((name, Instant::now()));
        let result = call();
        *current() = None;
        self.counts.borrow_mut().entry(name).or_default().fine += 1;
        result
    }

    /// Makes a call, and looks at what it gave.
    pub(crate) fn call<R: Sound>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> cohabit::Result<R>,
    ) -> Option<R> {
        *current() = Some((name, Instant::now()));
        let result = call();
        *current() = None;
        match result {
            Ok(value) => {
                self.look_at(&value);
                self.counts.borrow_mut().entry(name).or_default().fine += 1;
                Some(value)
            }
            Err(error) => {
                self.refused(name, error.kind());
                // What is said to people is made of a peer's bytes too.
                drop(std::hint::black_box(error.to_string()));
                None
            }
        }
    }

    /// Ends this process if some bits of what a call gave are no value.
    pub(crate) fn look_at<R: Sound>(&self, value: &R) {
        if let Err(what) = value.sound() {
            eprintln!("bad bits: {what}");
            std::process::abort();
        }
    }

    /// Makes a call that takes a lock; the guard, whatever is told with it.
    pub(crate) fn lock<G>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> LockResult<G>,
    ) -> Option<G> {
        *current() = Some((name, Instant::now()));
        let result = call().or_else(LockError::into_inner);
        *current() = None;
        match result {
            Ok(guard) => {
                self.counts.borrow_mut().entry(name).or_default().fine += 1;
                Some(guard)
            }
            Err(error) => {
                self.refused(name, error.kind());
                None
            }
        }
    }

    fn refused(&self, name: &'static str, kind: ErrorKind) {
        self.counts.borrow_mut().entry(name).or_default().refused += 1;
        *self.kinds.borrow_mut().entry(kind.code()).or_default() += 1;
    }

    /// Prints what was counted.
    pub(crate) fn tell(&self) {
        let mut out = std::io::stdout().lock();
        for (name, Count { fine, refused }) in self.counts.borrow().iter() {
            let _gone = writeln!(out, "call {name} {fine} {refused}");
        }
        for (kind, count) in self.kinds.borrow().iter() {
            let _gone = writeln!(out, "kind {kind} {count}");
        }
    }
}

/// Says that this process is ready.
pub(crate) fn here() {
    println!("here");
    let _gone = std::io::stdout().flush();
}
