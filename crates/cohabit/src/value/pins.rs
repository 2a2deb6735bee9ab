//! The protocol of pins: a word says which copy somebody holds on to, so that no writer fills it.
//!
//! The order of publishing a pin and looking again is the heart of it; see the head of
//! [`super::cell`]. A pin names its holder, so that a dead reader's pin is found, by the kernel's word,
//! when pins run out. A pin never makes a writer wait: there are two copies more than pins.

use super::cell::{self, CellWords, Commit};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Peers;
use crate::primitive::{AtomicU64, Ordering};
use crate::site::Site;
use crate::token::Token;

/// How often the committed copy may change while it is being pinned.
const TRIES: u32 = 64;

/// A pin on one copy of a cell; dropping it lets go.
#[derive(Debug)]
pub(crate) struct PinnedCopy<'a> {
    pin: &'a AtomicU64,
    word: u64,
    commit: Commit,
    site: Site,
}

impl<'a> PinnedCopy<'a> {
    /// Pins what is committed.
    ///
    /// # Errors
    /// `Busy` when all pins are held by the living.
    pub(crate) fn take<C: CellWords + ?Sized>(cell: &'a C, site: Site) -> Result<PinnedCopy<'a>> {
        let mut commit = cell::committed(cell)?;
        let (pin, mut word) = claim(cell, site, commit)?;
        for _ in 0..TRIES {
            // SeqCst: orders this load behind the pin's store, against `cell::pick`.
            let now = Commit(cell.commit().load(Ordering::SeqCst));
            if now.index() == commit.index() {
                return Ok(PinnedCopy { pin, word, commit: now, site });
            }
            if now.index() >= cell.count() {
                pin.store(0, Ordering::Release); // pairs with the SeqCst load in `pick`
                return Err(cell::corrupt(now));
            }
            commit = now;
            word = pin_word(site, commit);
            // SeqCst: orders the pin before the next look at the commit word.
            pin.store(word, Ordering::SeqCst);
        }
        pin.store(0, Ordering::Release); // pairs with the SeqCst load in `pick`
        Err(Error::new(ErrorKind::Busy, "", "the value changed too fast to be pinned"))
    }

    /// As whom it was pinned.
    pub(crate) fn site(&self) -> Site {
        self.site
    }

    pub(crate) fn commit(&self) -> Commit {
        self.commit
    }

    pub(crate) fn index(&self) -> usize {
        self.commit.index()
    }

    pub(crate) fn version(&self) -> u64 {
        self.commit.version()
    }
}

impl Drop for PinnedCopy<'_> {
    fn drop(&mut self) {
        // In a forked child the pin is the parent's.
        if self.site.is_here() {
            // Release: pairs with the SeqCst load in `pick`: our reading is over before the copy is
            // filled again. A word that is not ours any more was taken by a peer that broke the rules.
            let _ = self.pin.compare_exchange(self.word, 0, Ordering::Release, Ordering::Relaxed);
        }
    }
}

fn pin_word(site: Site, commit: Commit) -> u64 {
    let token = Token::named_by(site.me()).expect("a site has a token");
    u64::from(token.generation) << 32 | u64::from(token.slot) << 16 | (commit.index() as u64 + 1)
}

fn pin_holder(word: u64) -> Token {
    Token { slot: (word >> 16) as u16, generation: (word >> 32) as u32 }
}

/// Takes a free pin word, after freeing those of the dead if there is none.
fn claim<C: CellWords + ?Sized>(cell: &C, site: Site, commit: Commit) -> Result<(&AtomicU64, u64)> {
    let pins = &cell.pins()[..cell::usable_pins(cell.count())];
    let word = pin_word(site, commit);
    let free = |pin: &&AtomicU64| {
        // SeqCst: orders the pin before the next look at the commit word.
        pin.compare_exchange(0, word, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    };
    if let Some(pin) = pins.iter().find(free) {
        return Ok((pin, word));
    }
    let me = Token::named_by(site.me());
    for pin in pins {
        let held = pin.load(Ordering::Relaxed);
        if held != 0 && Some(pin_holder(held)) != me && site.is_dead(pin_holder(held))? {
            // Exactly the dead one's word: a token is never used twice.
            let _ = pin.compare_exchange(held, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
    pins.iter().find(free).map(|pin| (pin, word)).ok_or_else(|| {
        Error::new(ErrorKind::Busy, "", format!("all {} pins are held by live readers", pins.len()))
    })
}
