//! A mapped segment: its words, its rows, and what the kernel says of their holders.
//!
//! Invariants:
//! 1. `header` satisfies format 1 to 4 and never changes: it is this process's private copy;
//! 2. the mapping is `header.segment_size` bytes long, at most `isize::MAX` ([`mappable`]), and lasts as long as the `Segment`;
//! 3. peers may write every byte of it at any time, so it is only ever touched as `&AtomicU64`, at
//!    multiples of 8, and no other reference to it is made here;
//! 4. the descriptor never takes a lock: it is only asked, so that closing or asking disturbs nobody.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use cohabit_os::error::Cause;
use cohabit_os::liveness::{Entered, LifeSection};
use cohabit_os::mapping::{self, Mapping};
use cohabit_os::wait::{self, Deadline};

use crate::asker::Asker;
use crate::bytes::{Bytes, is_named, tidy};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{ENTERED_AT, HEADER_SIZE, Header, InstanceId, LIFE_AT, ROW_SIZE};
use crate::schema::Schema;
use crate::token::{Life, Row, RowState, Token};

/// One instance, mapped into this process.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    /// Where the name stands; `None` for an object that only descriptors reach.
    pub(crate) path: Option<PathBuf>,
    pub(crate) header: Header,
    pub(crate) id: InstanceId,
    /// For questions about the object's file.
    pub(crate) asker: Asker,
    /// Where the bytes are that say who lives.
    pub(crate) bytes: Bytes,
    /// The object's own folder, where it has one.
    pub(crate) home: Option<PathBuf>,
    pub(crate) mapping: Mapping,
}

/// The size of a segment as a length in this process.
///
/// # Errors
/// `NoAddressSpace` where it is more than half of all addresses, which is the most that a slice may
/// span: a process of 32 bits maps no object of 2 GiB or more.
pub(crate) fn mappable(name: &str, size: u64) -> Result<usize> {
    isize::try_from(size).map(isize::cast_unsigned).map_err(|_| {
        let (bits, most) = (usize::BITS, isize::MAX);
        let detail = format!(
            "the object needs {size} bytes, and a process of {bits} bits maps at most {most} of them"
        );
        Error::new(ErrorKind::NoAddressSpace, name, detail)
    })
}

impl Segment {
    /// The word at a byte offset.
    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        assert!(
            at.is_multiple_of(8) && at + 8 <= self.mapping.len(),
            "offset {at} of our own making"
        );
        let word = self.mapping.base().as_ptr().wrapping_add(at).cast::<AtomicU64>();
        // SAFETY: invariant 2 and the assertion: mapped, aligned; invariant 3: only atomics touch it.
        unsafe { &*word }
    }

    /// The words of `[at, at + size)`, both multiples of 8.
    pub(crate) fn words(&self, at: usize, size: usize) -> &[AtomicU64] {
        assert!(at.is_multiple_of(8) && size.is_multiple_of(8), "words are whole");
        assert!(at <= self.mapping.len() && size <= self.mapping.len() - at, "words are inside");
        let first = self.mapping.base().as_ptr().wrapping_add(at).cast::<AtomicU64>();
        // SAFETY: invariant 2 and the assertions: mapped, aligned; invariant 3: only atomics touch it.
        unsafe { std::slice::from_raw_parts(first, size / 8) }
    }

    /// Where the object starts. The mapping's address is exposed: a value of run-time length makes
    /// pointers to its copies from the address of its head.
    pub(crate) fn object(&self) -> *mut u8 {
        let object = self.mapping.base().as_ptr().wrapping_add(self.header.object_at as usize);
        object.expose_provenance();
        object
    }

    /// How many elements the object's tail has; 0 without one. The object is mapped, so it fits.
    pub(crate) fn tail_len(&self) -> usize {
        self.header.tail_len as usize
    }

    pub(crate) fn life(&self) -> &AtomicU64 {
        self.word(LIFE_AT)
    }

    /// What the life word says now.
    pub(crate) fn life_now(&self) -> Life {
        // Relaxed load and Acquire fence, legal on read-only pages too. Acquire: pairs with the
        // Release of `create::go_live`: who sees LIVE sees what the constructor wrote.
        let word = self.life().load(Ordering::Relaxed);
        std::sync::atomic::fence(Ordering::Acquire);
        Life::of(word)
    }

    /// Whether it was ended: by its last user, or by force.
    pub(crate) fn has_ended(&self) -> bool {
        self.life_now() == Life::Dead
    }

    /// Ends the instance: first DEAD, then the name, then the waiters. The caller is in the section, and
    /// is not afterwards.
    ///
    /// Killed in between, the next opener finds DEAD under the name and takes the name away.
    pub(crate) fn end(&self, section: LifeSection) -> Result<()> {
        // Release: pairs with the Acquire in `life_now`: what was done before the end is seen.
        self.life().store(Life::Dead.word(), Ordering::Release);
        let retired = self.retire();
        wait::wake_all(self.life());
        drop(section);
        if let Some(home) = &self.home {
            tidy(home, &self.name);
        }
        retired.map_err(|e| Error::from_os(&self.name, "removing the ended object's name", e))
    }

    /// Takes the name away, then what only served this instance.
    fn retire(&self) -> cohabit_os::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        mapping::retire(path, self.id.file)?;
        if let Bytes::Beside(lock) = &self.bytes {
            lock.retire()?;
        }
        Ok(())
    }

    /// The descriptor that knows who lives.
    ///
    /// # Errors
    /// `LivenessHidden` where this process may not open the file with the bytes.
    pub(crate) fn judge(&self) -> Result<&Asker> {
        match &self.bytes {
            Bytes::InObject => Ok(&self.asker),
            Bytes::Beside(lock) => Ok(&lock.asker),
            Bytes::Hidden => {
                let detail =
                    "this process may read the object, but not the file that says who lives";
                Err(Error::new(ErrorKind::LivenessHidden, &self.name, detail))
            }
        }
    }

    /// Whether this process cannot judge anybody dead.
    pub(crate) fn is_hidden(&self) -> bool {
        matches!(self.bytes, Bytes::Hidden)
    }

    /// Takes the life byte, until `deadline`.
    pub(crate) fn enter(&self, deadline: Deadline) -> Result<Option<LifeSection>> {
        let judge = self.judge()?;
        let entered = match (judge.enter(deadline), &self.bytes) {
            // Somebody took the lock file's name away: those who have it open still meet there.
            (Ok(Entered::Gone), Bytes::Beside(_)) => judge.enter_kept(deadline),
            (entered, _) => entered,
        };
        match entered.map_err(|e| Error::from_os(&self.name, "entering the life section", e))? {
            // The lock file is the instance's; that the name still is, is seen under it.
            Entered::Yes(_) if self.has_lost_its_name() => Ok(None),
            Entered::Yes(section) => {
                self.word(ENTERED_AT)
                    .store(u64::from(cohabit_os::process::identity().pid), Ordering::Relaxed);
                Ok(Some(section))
            }
            Entered::Gone => Ok(None),
            Entered::Busy => Err(self.busy_section()),
        }
    }

    /// Whether a name that the life byte is not locked under stands for another file, or is gone.
    fn has_lost_its_name(&self) -> bool {
        match (&self.bytes, &self.path) {
            (Bytes::Beside(_), Some(path)) => !is_named(path, self.id.file),
            _ => false,
        }
    }

    /// Whether the name was moved away, or stands for another file: the file may have a name all the same.
    pub(crate) fn is_elsewhere(&self) -> bool {
        let Some(path) = &self.path else { return false };
        match mapping::status_of(path) {
            Ok(found) => found.id != self.id.file,
            // Who may not look does not know.
            Err(error) => error.cause() == Cause::NotFound,
        }
    }

    fn busy_section(&self) -> Error {
        let pid = self.word(ENTERED_AT).load(Ordering::Relaxed) as u32;
        let detail = format!(
            "another process is opening or leaving the object and does not get on; last seen there: \
             pid {pid} (is it stopped, in a debugger?)"
        );
        Error::new(ErrorKind::Busy, &self.name, detail)
    }

    pub(crate) fn row(&self, slot: u16) -> &AtomicU64 {
        self.word(self.header.slots_at as usize + usize::from(slot) * ROW_SIZE)
    }

    /// The display words of a row: pid and uid, start time, pid namespace.
    pub(crate) fn row_display(&self, slot: u16) -> &[AtomicU64] {
        self.words(self.header.slots_at as usize + usize::from(slot) * ROW_SIZE + 8, 24)
    }

    pub(crate) fn row_now(&self, slot: u16) -> Row {
        Row::of(self.row(slot).load(Ordering::Relaxed))
    }

    /// Rows are written and judged under the life byte, whose syscalls order them: relaxed will do.
    pub(crate) fn set_row(&self, slot: u16, row: Row) {
        self.row(slot).store(row.word(), Ordering::Relaxed);
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = u16> + '_ {
        0..self.header.max_users as u16
    }

    /// Whether the kernel says that nobody holds `token` any more.
    pub(crate) fn is_dead(&self, token: Token) -> Result<bool> {
        let bytes = [token.user_byte(), token.guest_byte()];
        let held = self.judge()?.is_any_held(&bytes);
        held.map(|held| !held).map_err(|error| error.about(&self.name))
    }

    /// Whether a user lives, apart from `me` and from those on their way out.
    pub(crate) fn others_alive(&self, me: Option<Token>) -> Result<bool> {
        for slot in self.slots() {
            let row = self.row_now(slot);
            let token = Token { slot, generation: row.generation };
            if row.state == RowState::User && Some(token) != me && !self.is_dead(token)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tokens of the users and guests that live.
    pub(crate) fn live_tokens(&self) -> Result<Vec<(Token, RowState)>> {
        let mut live = Vec::new();
        for slot in self.slots() {
            let row = self.row_now(slot);
            let token = Token { slot, generation: row.generation };
            if row.state != RowState::Free && !self.is_dead(token)? {
                live.push((token, row.state));
            }
        }
        Ok(live)
    }

    /// The schema that stands in the segment: hostile text, strictly parsed.
    pub(crate) fn schema(&self) -> Result<Schema> {
        let mut bytes = vec![0; self.header.schema_size as usize];
        let read = self
            .asker
            .file()
            .read_at(&mut bytes, HEADER_SIZE as u64)
            .map_err(|e| Error::from_os(&self.name, "reading the schema", e))?;
        bytes.truncate(read);
        Schema::parse(&bytes, self.header.has_end).map_err(|bad| {
            let detail = format!("the schema cannot be read: {bad}");
            Error::new(ErrorKind::HeaderInvalid, &self.name, detail)
        })
    }

    /// A schema with the length of this object's tail.
    ///
    /// # Errors
    /// `HeaderInvalid` where the two contradict each other.
    pub(crate) fn resolved(&self, declared: &Schema) -> Result<Schema> {
        declared.resolved(self.header.tail_len).map_err(|bad| {
            let detail = format!("the schema and the header contradict each other: {bad}");
            Error::new(ErrorKind::HeaderInvalid, &self.name, detail)
        })
    }

    /// Whether the instance is over, or its name taken away. Asks the kernel.
    pub(crate) fn check_alive(&self) -> Result<()> {
        let links = self.asker.status().map_err(|error| error.about(&self.name))?.links;
        if self.life_now() == Life::Dead {
            return Err(Error::new(ErrorKind::Ended, &self.name, "this instance has ended"));
        }
        if let (0, Some(path)) = (links, &self.path) {
            let detail = format!("the name was removed from {}", path.display());
            return Err(Error::new(ErrorKind::NameLost, &self.name, detail));
        }
        Ok(())
    }
}
