//! Where a call on a cell comes from: as whom it locks, and whom it can ask about the others.
//!
//! The fast path needs the caller's token only, which [`table`] knows. Everything else (who is dead,
//! is the instance over, what is its name) is looked up when it is needed, in the registry.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::InstanceId;
use crate::lock::Peers;
use crate::member::{Attachment, Member, Role};
use crate::primitive::{AtomicU64, Deadline, wait};
use crate::token::Token;
use crate::{registry, table};

/// A cell's address and the token of this process there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    address: usize,
    me: u64,
}

impl Site {
    /// The site of a cell at `address`.
    ///
    /// # Errors
    /// `Forked` in a child that has not attached anew, `NotShared` outside of any object.
    #[inline(always)]
    pub(crate) fn of(address: usize) -> Result<Site> {
        let me = table::token_at(address);
        if me == 0 { Err(nobody(address)) } else { Ok(Site { address, me }) }
    }

    /// This process's token word.
    #[inline(always)]
    pub(crate) fn me(self) -> u64 {
        self.me
    }

    /// Whether this process still is who made the site: not so in a forked child.
    pub(crate) fn is_here(self) -> bool {
        table::token_at(self.address) == self.me
    }

    /// The member that the cell belongs to.
    pub(crate) fn member(self) -> Result<Arc<Member>> {
        registry::at(self.address).ok_or_else(|| nobody(self.address))
    }

    /// The attachment that the cell belongs to, held like one more handle.
    pub(crate) fn attachment(self) -> Result<Arc<Attachment>> {
        registry::attachment_at(self.address).ok_or_else(|| nobody(self.address))
    }

    /// Puts the object's name to an error.
    #[cold]
    pub(crate) fn name(self, error: Error) -> Error {
        match registry::at(self.address) {
            Some(member) => error.about(&member.segment.name),
            None => error,
        }
    }
}

#[cold]
#[inline(never)]
fn nobody(address: usize) -> Error {
    match registry::at(address) {
        Some(member) if member.key().1 != Role::Observer => Error::new(
            ErrorKind::Forked,
            &member.segment.name,
            "this process was forked from one that is attached, and is not attached itself",
        ),
        _ => Error::new(ErrorKind::NotShared, "", "this cell does not live in an attached object"),
    }
}

/// Which instance an address lies in, and where.
fn place_of(address: usize) -> Option<(InstanceId, usize)> {
    let member = registry::at(address)?;
    Some((member.segment.id, address - member.base()))
}

impl Peers for Site {
    fn is_dead(&self, token: Token) -> Result<bool> {
        self.member()?.segment.is_dead(token)
    }

    fn describe(&self, token: Token) -> String {
        let user = self.member().ok().and_then(|member| member.segment.user_of(token));
        user.map_or_else(|| "a process that is gone".to_owned(), |user| user.to_string())
    }

    fn wait(
        &self,
        word: &AtomicU64,
        expected: u32,
        whom: impl Iterator<Item = Token>,
        until: Deadline,
    ) {
        // Asked first: where nothing comes of it, nobody looks for the member.
        match wait::hears_deaths().then(|| self.member()) {
            Some(Ok(member)) => member.segment.wait(word, expected, whom, until),
            _ => wait::wait(word, expected, until),
        }
    }

    fn are_one(&self, word: usize, other: usize) -> bool {
        place_of(word).is_some_and(|place| Some(place) == place_of(other))
    }
}
