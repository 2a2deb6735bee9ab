//! Creating and opening: how a name comes to stand for one instance, constructed exactly once.
//!
//! ```text
//! create  unnamed file, reserved · header, row 0, BUILDING(slot 0) · byte of slot 0 · link the name
//!         · constructor · LIVE
//! open    open the name · header · map · life byte · orphan? end it · mismatch? say so
//!         · claim a slot, lock its byte · leave the life byte · wait for LIVE
//! ```
//!
//! Whoever loses the race for the name has run no user code. Killed before the link, nothing is left;
//! killed after it, the byte of slot 0 is free and the next opener ends the instance and starts over.
//!
//! Sources: open(2) on O_TMPFILE and linkat; systemd's rule that a lock on a file whose link count fell
//! to zero is worthless.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cohabit_os::error::Cause;
use cohabit_os::liveness::{self, LifeSection};
use cohabit_os::process;
use cohabit_os::wait::Deadline;

use crate::acting::Acting;
use crate::bytes;
use crate::create::{BuildFn, fresh};
use crate::described::Described;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Header, InstanceId};
use crate::growth;
use crate::look::look;
use crate::member::{Attachment, EndFn, Member, Role, Seat};
use crate::name::check_name;
use crate::options::{Keep, Scope, Settings};
use crate::place::{self, Place};
use crate::registry;
use crate::schema::Schema;
use crate::segment::Segment;
use crate::token::{Life, Row, RowState, Token};

/// The bound on waiting for the life byte, which is held for microseconds: beyond it, its holder is
/// stopped, and an error that names it helps more than patience.
pub(crate) const SECTION_PATIENCE: Duration = Duration::from_secs(10);
/// How long one wait for a builder or dropper lasts before the kernel is asked about it.
const LIFE_POLL: Duration = Duration::from_millis(10);

/// What the caller's type demands of an object; `None` in a plan means "whatever stands there".
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) fingerprint: [u8; 16],
    pub(crate) what: Described,
    pub(crate) struct_size: u64,
    pub(crate) field_count: u32,
    /// Whether another number of fields may do: an appendable struct is in it.
    pub(crate) has_room: bool,
    pub(crate) end: Option<EndFn>,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) wanted: Option<&'a Wanted>,
    pub(crate) role: Role,
}

/// Which of the three verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Open,
    OpenOrCreate,
}

/// What stands under a name.
enum Found {
    Attached(Arc<Attachment>),
    /// Something live that was not to be attached to.
    Occupied,
    Absent,
}

/// Creates or opens, as the verb says.
pub(crate) fn attach(plan: &Plan<'_>, verb: Verb, build: BuildFn<'_>) -> Result<Arc<Attachment>> {
    check_name(plan.name)?;
    let deadline = plan.settings.timeout.map(Deadline::after);
    let makes = verb != Verb::Open;
    for _ in 0..place::TRIES {
        let Some(place) = Place::find(&plan.settings.scope, plan.name, makes)? else {
            return Err(not_found(plan.name, &plan.settings.scope, None));
        };
        if plan.role != Role::Observer {
            try_liveness(plan, Some(&place.folder))?;
        }
        let done = attach_in(plan, &place, verb, build, deadline);
        if let (true, true, Some(home)) = (done.is_err(), makes, place.home()) {
            bytes::tidy(&home, plan.name);
        }
        if let Some(attachment) = done? {
            return Ok(attachment);
        }
    }
    Err(place::restless(plan.name))
}

/// Creates or opens in a place. `None`: the place was taken away meanwhile.
fn attach_in(
    plan: &Plan<'_>,
    place: &Place,
    verb: Verb,
    build: BuildFn<'_>,
    deadline: Option<Deadline>,
) -> Result<Option<Arc<Attachment>>> {
    loop {
        let looks = || look(place, plan.name, plan.role);
        match existing(plan, &looks, verb != Verb::Create, deadline)? {
            Found::Attached(attachment) => return Ok(Some(attachment)),
            Found::Occupied => {
                let folder = place.folder.display();
                let detail = format!("an object of this name is in use or kept in {folder}");
                return Err(Error::new(ErrorKind::AlreadyExists, plan.name, detail));
            }
            Found::Absent if place.is_gone() => return Ok(None),
            Found::Absent if verb == Verb::Open => {
                return Err(not_found(plan.name, &plan.settings.scope, Some(place)));
            }
            Found::Absent if !place.is_fit(plan.name)? => return Ok(None),
            Found::Absent => {}
        }
        if let Some(attachment) = fresh(plan, place, build)? {
            return Ok(Some(attachment));
        }
        if place.is_gone() {
            return Ok(None);
        }
    }
}

/// Tries once per process whether this kernel keeps a byte as long as an address space. Trouble of
/// another sort, such as a full disk, is for the call that meets it for its own sake.
pub(crate) fn try_liveness(plan: &Plan<'_>, folder: Option<&Path>) -> Result<()> {
    match liveness::anchors_work(folder) {
        Err(e) if e.cause() == Cause::Unsupported => {
            Err(Error::from_os(plan.name, "trying the liveness lock", e))
        }
        _ => Ok(()),
    }
}

/// Opens for reading only; nothing is written and nobody is disturbed.
pub(crate) fn observe(plan: &Plan<'_>) -> Result<Arc<Attachment>> {
    attach(plan, Verb::Open, &mut |_| Ok(()))
}

/// That there is no object of this name, and where it was looked for.
pub(crate) fn not_found(name: &str, scope: &Scope, place: Option<&Place>) -> Error {
    let detail = match (place, scope) {
        (Some(place), _) => format!("no object of this name in {}", place.folder.display()),
        (None, Scope::User) => "this user has no objects yet".to_owned(),
        (None, _) => {
            format!(
                "no object of this name for the machine's users in {}",
                place::root_of(scope).display()
            )
        }
    };
    Error::new(ErrorKind::NotFound, name, detail)
}

/// Attaches to the object that a descriptor of its own leads to.
pub(crate) fn attach_nameless(plan: &Plan<'_>, looks: Looks<'_>) -> Result<Arc<Attachment>> {
    if plan.role != Role::Observer {
        try_liveness(plan, None)?;
    }
    match existing(plan, looks, true, plan.settings.timeout.map(Deadline::after))? {
        Found::Attached(attachment) => Ok(attachment),
        Found::Occupied | Found::Absent => {
            let detail = "the last user of this object has left or was killed";
            Err(Error::new(ErrorKind::Ended, plan.name, detail))
        }
    }
}

/// Opens and maps what is there. Outer `None`: nothing; inner `None`: look again.
pub(crate) type Looks<'a> = &'a dyn Fn() -> Result<Option<Option<Segment>>>;

/// Looks what is there, and attaches if there is a living instance and `claim` says so.
fn existing(
    plan: &Plan<'_>,
    looks: Looks<'_>,
    claim: bool,
    deadline: Option<Deadline>,
) -> Result<Found> {
    loop {
        let Some(segment) = looks()? else {
            return Ok(Found::Absent);
        };
        let Some(segment) = segment else { continue };
        if Acting::is_on(segment.id) {
            let detail = "the constructor or end of this object opens it itself";
            return Err(Error::new(ErrorKind::ConstructorReentered, plan.name, detail));
        }
        let role = role_in(plan, &segment);
        if let Some(attachment) = attached_already(&segment, role, claim)? {
            // Its own header, not the one just read: a peer may have rewritten that since.
            check_type(plan, &attachment.member().segment)?;
            return Ok(Found::Attached(attachment));
        }
        let step = match role {
            Role::Observer => observe_one(plan, segment)?,
            _ => join(plan, segment, role, claim, deadline)?,
        };
        let attachment = match step {
            Step::Again => continue,
            Step::Occupied => return Ok(Found::Occupied),
            Step::Absent => return Ok(Found::Absent),
            Step::Joined(attachment) => attachment,
        };
        if wait_for_live(attachment.member(), deadline)? {
            // Another thread may have been first; then its attachment is the one to check.
            let attachment = registry::enter(attachment);
            check_type(plan, &attachment.member().segment)?;
            return Ok(Found::Attached(attachment));
        }
        // Ended before it lived: whoever has a constructor starts over.
    }
}

/// This process's attachment, if it has one that still serves. A view may outlive all users.
fn attached_already(segment: &Segment, role: Role, claim: bool) -> Result<Option<Arc<Attachment>>> {
    let known = registry::find(segment.id, role).filter(|_| claim);
    let serves = match known {
        Some(_) if segment.life_now() != Life::Live => false,
        Some(_) if role == Role::Observer => !is_over(segment)?,
        Some(_) => true,
        None => false,
    };
    Ok(known.filter(|_| serves))
}

/// As what to attach: who knows an object by its schema only, lacks the code of its end.
fn role_in(plan: &Plan<'_>, segment: &Segment) -> Role {
    match plan.role {
        Role::User if plan.wanted.is_none() && segment.header.has_end => Role::Guest,
        role => role,
    }
}

enum Step {
    Joined(Arc<Attachment>),
    Occupied,
    Absent,
    Again,
}

/// An observer takes no byte and writes nothing; it only sees whether anybody lives.
fn observe_one(plan: &Plan<'_>, segment: Segment) -> Result<Step> {
    check_observing(plan.name)?;
    // Also half built or half ended by somebody dead: those who wait there may be stopped, and until
    // one of them moves, an observer must not wait with them.
    if is_over(&segment)? {
        return Ok(Step::Absent);
    }
    check_type(plan, &segment)?;
    disk::verify(&segment, plan.settings)?;
    Ok(Step::Joined(Attachment::new(Member::observing(segment), None)))
}

/// Refuses observers on targets where they cannot be.
pub(crate) fn check_observing(name: &str) -> Result<()> {
    if cfg!(target_pointer_width = "64") {
        return Ok(());
    }
    let detail = "reading through a read-only mapping needs 64-bit loads, which this target does not \
                  promise";
    Err(Error::new(ErrorKind::Unsupported, name, detail))
}

/// Which instance stands under the name now, whatever its state.
pub(crate) fn standing(plan: &Plan<'_>) -> Result<Option<InstanceId>> {
    let Some(place) = Place::find(&plan.settings.scope, plan.name, false)? else {
        return Ok(None);
    };
    let found = look(&place, plan.name, Role::Observer)?;
    Ok(found.flatten().map(|segment| segment.id))
}

/// Whether nobody keeps the instance: no live user, and nothing else that would.
pub(crate) fn is_orphan(segment: &Segment) -> Result<bool> {
    let kept = match segment.header.keep {
        Keep::WhileUsed => false,
        Keep::UntilReboot => segment.header.boot == boot(&segment.name)?,
        Keep::OnDisk => true,
    };
    Ok(!kept && !segment.others_alive(None)?)
}

pub(crate) fn boot(name: &str) -> Result<u64> {
    process::boot_id().map_err(|e| match e.cause() {
        Cause::NotFound => {
            let detail = "the boot id is read from /proc, and /proc is not mounted here";
            Error::new(ErrorKind::Unsupported, name, detail).with_source(e)
        }
        _ => Error::from_os(name, "reading the boot id", e),
    })
}

/// A user's or guest's way in: under the life byte, what is left over is ended and a slot claimed.
fn join(
    plan: &Plan<'_>,
    segment: Segment,
    role: Role,
    claim: bool,
    deadline: Option<Deadline>,
) -> Result<Step> {
    let patience = Deadline::after(SECTION_PATIENCE);
    let patience = deadline.map_or(patience, |d| d.earlier(patience));
    // Outside of the section: it may read the schema.
    let fits = fits(plan, &segment);
    let Some(section) = segment.enter(patience)? else {
        return Ok(Step::Again);
    };
    if is_over(&segment)? {
        segment.end(section)?;
        return Ok(Step::Absent);
    }
    if !claim {
        return Ok(Step::Occupied);
    }
    if !fits {
        // Explained outside of the section: it reads the schema, and /proc for the holders.
        drop(section);
        return check_type(plan, &segment).map(|()| Step::Again);
    }
    disk::verify(&segment, plan.settings)?;
    disk::take_up(&segment, &section)?;
    let seat = claim_seat(&segment, &section, role)?;
    drop(section);
    disk::settle(&segment)?;
    let end = plan.wanted.and_then(|wanted| wanted.end);
    Ok(Step::Joined(Attachment::new(Member::seated(segment, role, seat, false)?, end)))
}

/// Whether the instance is to be ended by whoever holds the life byte: dead already, an orphan, or
/// half built or half ended by somebody dead. Who can judge nobody sees only what ended cleanly.
pub(crate) fn is_over(segment: &Segment) -> Result<bool> {
    if segment.is_hidden() {
        return Ok(segment.life_now() == Life::Dead);
    }
    let stopped_half_way = match segment.life_now() {
        Life::Dead => true,
        Life::Live => false,
        Life::Building(actor) | Life::Dropping(actor) => segment.is_dead(actor)?,
    };
    Ok(stopped_half_way || is_orphan(segment)?)
}

/// Takes the first free slot, else the first whose holder is dead: row first, then the byte, so that
/// whoever is killed in between leaves a row whose byte is free.
fn claim_seat(segment: &Segment, section: &LifeSection, role: Role) -> Result<Seat> {
    let state = if role == Role::Guest { RowState::Guest } else { RowState::User };
    let (slot, generation) = free_slot(segment)?;
    let token = Token { slot, generation };
    sign_row(segment.row_display(slot));
    segment.set_row(slot, Row { generation, state });
    let byte = if role == Role::Guest { token.guest_byte() } else { token.user_byte() };
    section.anchor(byte).map(|anchor| Seat { token, _anchor: anchor }).map_err(|e| {
        segment.set_row(slot, Row { generation, state: RowState::Free });
        Error::from_os(&segment.name, "locking a slot", e)
    })
}

/// A slot to take and the generation to take it in. Each row is looked at once: a peer may write it.
fn free_slot(segment: &Segment) -> Result<(u16, u32)> {
    let rows = segment.slots().map(|slot| (slot, segment.row_now(slot)));
    let mut held = Vec::new();
    for (slot, Row { generation, state }) in rows {
        match generation.checked_add(1) {
            None => {}
            Some(next) if state == RowState::Free => return Ok((slot, next)),
            Some(next) => held.push((Token { slot, generation }, next)),
        }
    }
    for (token, next) in held {
        if segment.is_dead(token)? {
            return Ok((token.slot, next));
        }
    }
    Err(Error::new(
        ErrorKind::SlotsFull,
        &segment.name,
        format!("all {} slots are taken by live users and guests", segment.header.max_users),
    ))
}

/// Writes who holds a row, for people only.
pub(crate) fn sign_row(display: &[AtomicU64]) {
    let me = process::identity();
    let words = [u64::from(me.pid) | u64::from(me.uid) << 32, me.start, me.pid_namespace];
    for (word, value) in display.iter().zip(words) {
        word.store(value, Ordering::Relaxed);
    }
}

/// Waits until the constructor is done: true, or the instance is over: false.
fn wait_for_live(member: &Arc<Member>, deadline: Option<Deadline>) -> Result<bool> {
    let segment = &member.segment;
    // Who cannot see whether the actor lives does not wait for ever for it.
    let unseen = segment.is_hidden().then(|| Deadline::after(SECTION_PATIENCE));
    let deadline = deadline.or(unseen);
    loop {
        let actor = match segment.life_now() {
            Life::Live => return Ok(true),
            Life::Dead => return Ok(false),
            Life::Building(actor) | Life::Dropping(actor) => actor,
        };
        if !segment.is_hidden() && segment.is_dead(actor)? {
            if member.token().is_none() {
                return Ok(false);
            }
            let patience = Deadline::after(SECTION_PATIENCE);
            let patience = deadline.map_or(patience, |d| d.earlier(patience));
            let Some(section) = segment.enter(patience)? else {
                return Ok(false);
            };
            if is_over(segment)? {
                segment.end(section)?;
            }
            continue;
        }
        if deadline.is_some_and(Deadline::has_passed) {
            let who = segment.pid_of(actor).map_or("a process".into(), |pid| format!("pid {pid}"));
            return Err(Error::new(
                ErrorKind::Busy,
                &segment.name,
                format!("{who} is still constructing or ending the object"),
            ));
        }
        let until = Deadline::after(LIFE_POLL);
        let until = deadline.map_or(until, |d| d.earlier(until));
        let seen = segment.life().load(Ordering::Relaxed);
        if !matches!(Life::of(seen), Life::Live | Life::Dead) {
            segment.wait(segment.life(), seen as u32, std::iter::once(actor), until);
        }
    }
}

/// Whether the object's type is the caller's, or one that differs in appended fields only; and its
/// length what the caller asks for, if so.
fn fits(plan: &Plan<'_>, segment: &Segment) -> bool {
    let header = &segment.header;
    plan.wanted.is_none_or(|wanted| {
        header.has_end == wanted.end.is_some()
            && wanted.is_of_size(header)
            && (plan.settings.len == 0 || plan.settings.len == header.tail_len)
            && (header.fingerprint == wanted.fingerprint
                || wanted.has_room && growth::has_grown(segment, &wanted.schema()))
    })
}

impl Wanted {
    /// The schema; only creating and refusing need it.
    pub(crate) fn schema(&self) -> Schema {
        self.what.schema(self.end.is_some())
    }

    /// Whether the object is as large as the type is with the object's tail.
    fn is_of_size(&self, header: &Header) -> bool {
        self.what.has_tail() == (header.tail_len > 0)
            && self.what.size_with_tail(header.tail_len) == Some(header.object_size)
    }
}

/// Compares the object's type with the caller's, and explains the difference; agrees on what is appended.
pub(crate) fn check_type(plan: &Plan<'_>, segment: &Segment) -> Result<()> {
    let Some(wanted) = plan.wanted else { return Ok(()) };
    let header = &segment.header;
    if fits(plan, segment) {
        if header.fingerprint == wanted.fingerprint {
            return Ok(());
        }
        return growth::agree(segment, plan.role, &wanted.schema());
    }
    if header.fingerprint != wanted.fingerprint {
        return Err(crate::mismatch::explain(segment, &wanted.schema()));
    }
    if wanted.is_of_size(header) {
        let detail =
            format!("expected a length of {}, found {}", plan.settings.len, header.tail_len);
        let error = Error::new(ErrorKind::LengthMismatch, plan.name, detail);
        return Err(error.of_instance(segment.id));
    }
    let expected = wanted.what.size_with_tail(header.tail_len);
    let detail = format!(
        "the fingerprint fits, but the object has {} bytes, expected {} for a length of {}",
        header.object_size,
        expected.map_or_else(|| "what fits an address space".to_owned(), |size| size.to_string()),
        header.tail_len
    );
    Err(Error::new(ErrorKind::HeaderInvalid, plan.name, detail).of_instance(segment.id))
}
