//! One process's use of one instance, and how it ends.
//!
//! [`Member`] is what is mapped and held; [`Attachment`] is what handles count. They are two, since
//! `last_one_out` runs while the last handle goes, and the cells it uses must still find their member.
//!
//! Leaving never waits long: whoever cannot have the life byte within a few milliseconds leaves as if
//! killed, which costs nobody anything; the next opener or `gc` tidies.
//!
//! Invariant: a user's or guest's member is entered in the address table from before its first handle
//! to after its last; the table is zero in a forked child, so [`Member::is_here`] tells them apart.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};
use std::time::Duration;

use cohabit_os::fork::{at_exit, process_lock};
use cohabit_os::liveness::{Anchor, LifeSection};
use cohabit_os::process::is_only_thread;
use cohabit_os::wait::Deadline;

use crate::acting::Acting;
use crate::disk::Closing;
use crate::error::Result;
use crate::format::InstanceId;
use crate::options::Keep;
use crate::segment::Segment;
use crate::token::{Life, Row, RowState, Token};
use crate::{registry, table};

/// How long leaving tries to get the life byte.
const LEAVE_PATIENCE: Duration = Duration::from_millis(5);

/// As what a process takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Maps writable, has a slot, keeps a `WhileUsed` object alive.
    User,
    /// The same, without the destructor's code; not counted.
    Guest,
    /// Maps read-only, has no slot, is not counted.
    Observer,
}

/// What a member keeps to be seen alive.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) token: Token,
    /// Held until dropped, or until this address space ends.
    pub(crate) _anchor: Anchor,
}

/// The end that a type has: calls `last_one_out` on the object at an address, with its tail's length.
pub(crate) type EndFn = fn(*mut u8, usize);

/// What is mapped and held for one attachment.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) segment: Segment,
    role: Role,
    seat: Option<Seat>,
    pub(crate) created: bool,
}

impl Member {
    /// Makes a seated member known to its cells.
    pub(crate) fn seated(
        segment: Segment,
        role: Role,
        seat: Seat,
        created: bool,
    ) -> Result<Member> {
        static HOOK: Once = Once::new();
        {
            // Under the process lock, so that no child is forked while the once is half done.
            let _process = process_lock();
            HOOK.call_once(|| at_exit(leave_all));
        }
        let member = Member { segment, role, seat: Some(seat), created };
        table::set(member.base(), member.size(), member.token_word()).map_err(|e| {
            crate::Error::from_os(&member.segment.name, "making room in the address table", e)
        })?;
        Ok(member)
    }

    /// A member that only reads.
    pub(crate) fn observing(segment: Segment) -> Member {
        Member { segment, role: Role::Observer, seat: None, created: false }
    }

    pub(crate) fn key(&self) -> (InstanceId, Role) {
        (self.segment.id, self.role)
    }

    pub(crate) fn base(&self) -> usize {
        self.segment.mapping.base().as_ptr().addr()
    }

    pub(crate) fn size(&self) -> usize {
        self.segment.mapping.len()
    }

    pub(crate) fn token(&self) -> Option<Token> {
        self.seat.as_ref().map(|seat| seat.token)
    }

    fn token_word(&self) -> u64 {
        self.token().map_or(0, Token::word)
    }

    /// Whether this process made the attachment. A view is at home in a forked child too.
    pub(crate) fn is_here(&self) -> bool {
        self.seat.is_none() || table::token_at(self.base()) == self.token_word()
    }

    /// Whether this attachment makes the object, and its constructor still runs.
    pub(crate) fn is_building(&self) -> bool {
        let actor = match self.segment.life_now() {
            Life::Building(actor) => Some(actor),
            _ => None,
        };
        self.created && actor == self.token()
    }

    fn set_row(&self, state: RowState) {
        if let Some(Token { slot, generation }) = self.token() {
            self.segment.set_row(slot, Row { generation, state });
        }
    }

    /// Whether leaving now ends the instance. The caller is in the section.
    fn is_last(&self) -> bool {
        self.role == Role::User
            && self.segment.header.keep == Keep::WhileUsed
            && self.segment.life_now() != Life::Dead
            && matches!(self.segment.others_alive(self.token()), Ok(false))
    }

    fn enter_briefly(&self) -> Option<LifeSection> {
        self.segment.enter(Deadline::after(LEAVE_PATIENCE)).ok().flatten()
    }

    /// The life byte, for leaving. Where many leave at once, whoever has tried in vain says so in its
    /// row and tries once more: who is in the section after that does not count it any more, so that
    /// one of them finds itself the last.
    fn enter_to_leave(&self) -> Option<LifeSection> {
        self.enter_briefly().or_else(|| {
            self.set_row(RowState::Left);
            self.enter_briefly()
        })
    }

    /// The clean way out of a seat. Whatever fails, fails as a kill would.
    fn leave(&self, end: Option<EndFn>) {
        let Some(section) = self.enter_to_leave() else { return };
        if !self.is_last() {
            self.step_out(section, RowState::Free);
            return;
        }
        match (end, self.token()) {
            (Some(end), Some(token)) if self.segment.life_now() == Life::Live => {
                self.drop_object(section, token, end);
            }
            // A name that cannot be taken away names a DEAD instance: the next opener tidies.
            _ => drop(self.segment.end(section)),
        }
    }

    /// Leaves an object that goes on without this process; one on disk is closed by the last one.
    fn step_out(&self, section: LifeSection, state: RowState) {
        let closing = self.token().and_then(|me| Closing::begin(&self.segment, me, &section));
        self.set_row(state);
        drop(section);
        if let Some(closing) = closing {
            closing.finish(&self.segment);
        }
    }

    /// Runs the type's end, outside of the section, and ends the instance, whatever that did.
    fn drop_object(&self, section: LifeSection, token: Token, end: EndFn) {
        // Counted again, so that nobody takes the object for an orphan meanwhile.
        self.set_row(RowState::User);
        // Release: pairs with the Acquire in `life_now` of whoever waits for the end.
        self.segment.life().store(Life::Dropping(token).word(), Ordering::Release);
        drop(section);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let _acting = Acting::on(self.segment.id, &self.segment.name);
            end(self.segment.object(), self.segment.tail_len());
        }));
        if !self.is_here() {
            return; // a child that was forked inside of it
        }
        if let Some(section) = self.enter_to_leave() {
            // As above: what cannot be removed is DEAD.
            drop(self.segment.end(section));
        }
        if let (Err(panic), false) = (ended, std::thread::panicking()) {
            resume_unwind(panic);
        }
    }

    /// The way out at the end of the process: other threads may still be inside a set, so nothing is
    /// unmapped and the byte stays until the kernel takes it.
    fn leave_at_exit(&self) {
        let Some(section) = self.enter_to_leave() else { return };
        let last = self.is_last();
        if self.segment.header.keep == Keep::OnDisk && is_only_thread() {
            // Nobody of this process stores any more, so it may close, and be forgotten by who does.
            self.step_out(section, RowState::Free);
            return;
        }
        self.set_row(RowState::Left);
        if last {
            // As above: what cannot be removed is DEAD.
            let _ = self.segment.end(section);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.seat.is_some() {
            // Taking entries away makes no leaf, so it cannot fail. Then the byte falls, then the map.
            let _ = table::set(self.base(), self.size(), 0);
        }
    }
}

extern "C" fn leave_all() {
    for member in registry::all() {
        if member.role != Role::Observer && member.is_here() {
            member.leave_at_exit();
        }
    }
}

/// What the handles of one process count; its end is the leaving.
#[derive(Debug)]
pub(crate) struct Attachment {
    member: Option<Arc<Member>>,
    end: Option<EndFn>,
}

impl Attachment {
    pub(crate) fn new(member: Member, end: Option<EndFn>) -> Arc<Attachment> {
        Arc::new(Attachment { member: Some(Arc::new(member)), end })
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        self.member.as_ref().expect("taken only in drop")
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let Some(member) = self.member.take() else {
            return;
        };
        if !member.is_here() {
            // A forked child: the byte, the slot and the anchor's page are the parent's.
            std::mem::forget(member);
            return;
        }
        if member.seat.is_some() {
            let left = catch_unwind(AssertUnwindSafe(|| member.leave(self.end)));
            if !member.is_here() {
                std::mem::forget(member);
                return;
            }
            registry::forget(&member);
            drop(member);
            if let Err(panic) = left {
                resume_unwind(panic);
            }
        } else {
            registry::forget(&member);
        }
    }
}
