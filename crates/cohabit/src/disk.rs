//! Objects that outlast the machine's boot: what stands on the disk, and whether it is whole.
//!
//! While the machine runs, an object on disk is one in memory: the system keeps its pages for everyone,
//! and kills cost nothing. When the machine stops without warning, the disk has some pages of now and
//! some of before. So the header has two words, which are written under the life byte but for the last
//! step of closing:
//!
//! - *used boot*: in which boot somebody attached last;
//! - *closed*: [`OPEN`], [`CLOSED`], or the token of the last user, who is writing everything out.
//!
//! ```text
//! attach  verify · used boot = this one, closed = OPEN · sync these words · hand out
//! leave   last one: closed = my token · leave the life byte · sync everything
//!         · closed = CLOSED, if it still is my token · sync that
//! ```
//!
//! Every attachment syncs the words before its program can write anything, and what is OPEN when it
//! comes to the disk is never taken for whole. Everything is on the disk before CLOSED is, and CLOSED
//! is stored only if nobody attached since: whoever did has stored OPEN over the token, which is never
//! used again. So *closed in another boot* means whole; anything else in another boot is `Unverified`.
//!
//! In a new boot, the rows may be older than words of the object that name their holders. So that no
//! token of before is ever given out again, the first one to attach moves all rows ahead.

use std::path::Path;
use std::sync::atomic::Ordering;

use cohabit_os::health::{self, Medium};
use cohabit_os::liveness::LifeSection;

use crate::attach::boot;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{CLOSED_AT, USED_BOOT_AT};
use crate::options::{Keep, Settings};
use crate::segment::Segment;
use crate::token::{Row, RowState, Token};

/// Somebody is attached, or was when the machine stopped. Any token but this and CLOSED is closing.
const OPEN: u64 = 0;
/// Everything was written out, and nobody attached since. No token: its generation is 0.
const CLOSED: u64 = 1;
/// How far rows are moved ahead in a new boot: more than can be taken between two writings of a page.
const AHEAD: u32 = 1 << 16;

/// Refuses a folder that is on no disk of this machine, for an object that is to outlast its boot.
///
/// # Errors
/// `NotOnDisk`.
pub(crate) fn check_folder(name: &str, keep: Keep, folder: &Path) -> Result<()> {
    if keep != Keep::OnDisk {
        return Ok(());
    }
    let found = health::filesystem(folder)
        .map_err(|e| Error::from_os(name, "looking at the file system", e))?;
    let why = match found.medium {
        Medium::Disk => return Ok(()),
        Medium::Memory => "which ends with the boot",
        Medium::Network => "which other machines may write",
    };
    let (folder, kind) = (folder.display(), found.name);
    let detail = format!("expected a folder on a local disk, found {folder} on {kind}, {why}");
    Err(Error::new(ErrorKind::NotOnDisk, name, detail))
}

/// What a new object's words say before it has a name.
pub(crate) fn begin(segment: &Segment) {
    // Relaxed: linkat publishes, a syscall on this thread after these stores.
    segment.word(USED_BOOT_AT).store(segment.header.boot, Ordering::Relaxed);
    segment.word(CLOSED_AT).store(OPEN, Ordering::Relaxed);
}

/// Whether the machine stopped while somebody was attached, or after the last one was killed.
pub(crate) fn is_unverified(segment: &Segment) -> Result<bool> {
    Ok(is_of_another_boot(segment)? && segment.word(CLOSED_AT).load(Ordering::Relaxed) != CLOSED)
}

fn is_of_another_boot(segment: &Segment) -> Result<bool> {
    let used = segment.word(USED_BOOT_AT).load(Ordering::Relaxed);
    Ok(segment.header.keep == Keep::OnDisk && used != boot(&segment.name)?)
}

/// Refuses an object of which nobody knows whether it is whole, unless that was accepted.
pub(crate) fn verify(segment: &Segment, settings: &Settings) -> Result<()> {
    if settings.accepts_unverified || !is_unverified(segment)? {
        return Ok(());
    }
    let detail = "the machine stopped while the object was in use, or after its last user was killed: \
                  some of it may be older than the rest";
    Err(Error::new(ErrorKind::Unverified, &segment.name, detail))
}

/// Takes the object into use in this boot, before a slot is claimed.
pub(crate) fn take_up(segment: &Segment, _in_section: &LifeSection) -> Result<()> {
    if segment.header.keep != Keep::OnDisk {
        return Ok(());
    }
    if is_of_another_boot(segment)? {
        for slot in segment.slots() {
            let generation = segment.row_now(slot).generation.saturating_add(AHEAD);
            segment.set_row(slot, Row { generation, state: RowState::Free });
        }
        segment.word(USED_BOOT_AT).store(boot(&segment.name)?, Ordering::Relaxed);
    }
    segment.word(CLOSED_AT).store(OPEN, Ordering::Relaxed);
    Ok(())
}

/// Returns once the disk knows that the object is in use; before that, nobody may write to it.
pub(crate) fn settle(segment: &Segment) -> Result<()> {
    if segment.header.keep != Keep::OnDisk {
        return Ok(());
    }
    let head = segment.header.object_at as usize;
    let synced = segment.mapping.sync(head);
    synced.map_err(|e| Error::from_os(&segment.name, "writing the header to the disk", e))
}

/// Returns once all of a new object is on the disk, under its name.
pub(crate) fn settle_all(segment: &Segment) -> Result<()> {
    if segment.header.keep != Keep::OnDisk {
        return Ok(());
    }
    let folder = segment.path.as_deref().and_then(Path::parent);
    let synced = segment
        .mapping
        .sync(segment.mapping.len())
        .and_then(|()| folder.map_or(Ok(()), cohabit_os::mapping::sync_folder));
    synced.map_err(|e| Error::from_os(&segment.name, "writing the object to the disk", e))
}

/// A user or guest who is the last to leave, and writes everything out.
#[derive(Debug)]
#[must_use]
pub(crate) struct Closing(Token);

impl Closing {
    /// Begins, if `me` is the last one. The caller is in the section, and leaves it after.
    pub(crate) fn begin(
        segment: &Segment,
        me: Token,
        _in_section: &LifeSection,
    ) -> Option<Closing> {
        // Also guests store, and so may threads of a process that is on its way through `exit`.
        let is_last = segment.header.keep == Keep::OnDisk
            && segment.live_tokens().is_ok_and(|live| live.iter().all(|(token, _)| *token == me));
        is_last.then(|| {
            segment.word(CLOSED_AT).store(me.word(), Ordering::Relaxed);
            Closing(me)
        })
    }

    /// Writes everything out. What fails, fails as a kill would: the object stays OPEN.
    pub(crate) fn finish(self, segment: &Segment) {
        let Ok(()) = segment.mapping.sync(segment.mapping.len()) else { return };
        // Relaxed: what it must not overtake is a system call. Fails if somebody attached since.
        let closed = segment.word(CLOSED_AT).compare_exchange(
            self.0.word(),
            CLOSED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if closed.is_ok() {
            let _ = settle(segment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_open_or_closed() {
        let words = [Token::FIRST, Token { slot: 0, generation: u32::MAX }].map(Token::word);
        assert!(words.iter().all(|word| *word != OPEN && *word != CLOSED));
        assert_eq!(Token::named_by(CLOSED), Some(Token { slot: 0, generation: 0 }));
    }
}
