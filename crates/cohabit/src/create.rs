//! Making a new instance: whole and reserved before it has a name, constructed after.
//!
//! Killed before the name is linked, nothing is left. Killed after it, the byte of slot 0 is free and
//! life is BUILDING: the next opener, or one that already waits, ends the instance and starts over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cohabit_os::error::Cause;
use cohabit_os::liveness::Anchor;
use cohabit_os::mapping::{self, Access, File};
use cohabit_os::process;
use cohabit_os::wait::{self, Deadline};

use crate::acting::Acting;
use crate::attach::{Plan, SECTION_PATIENCE, Wanted, boot, check_type, sign_row};
use crate::bytes::{self, Bytes, LockFile, has_readers};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{HEADER_SIZE, Header, SCHEMA_MAX};
use crate::look::map;
use crate::member::{Attachment, Member, Role, Seat};
use crate::options::{Keep, Scope};
use crate::place::Place;
use crate::registry;
use crate::segment::{Segment, mappable};
use crate::token::{Life, Row, RowState, Token};

/// Runs the user's constructor on zeroed memory.
pub(crate) type BuildFn<'a> = &'a mut dyn FnMut(&Segment) -> Result<()>;

/// Makes a new instance. `None`: the name was taken meanwhile, and no user code has run.
pub(crate) fn fresh(
    plan: &Plan<'_>,
    place: &Place,
    build: BuildFn<'_>,
) -> Result<Option<Arc<Attachment>>> {
    disk::check_folder(plan.name, plan.settings.keep, &place.folder)?;
    let made = first_user(plan, Some(place), |wanted, header| {
        let lasts = plan.settings.keep.lasts();
        let file = File::lasting(&place.folder, header.segment_size, 0o600, lasts)
            .map_err(|e| no_room(plan, wanted, place, header, e))?;
        if place.is_own() {
            file.grant(place.rights)
                .map_err(|e| place.not_permitted(plan.name, "letting others in", e))?;
        }
        Ok(file)
    });
    let member = match made {
        Err(_) if place.is_gone() => return Ok(None),
        made => made?,
    };
    if !publish(plan, place, &member.segment)? {
        return Ok(None);
    }
    bring_to_life(plan, member, build).map(Some)
}

/// Makes a new instance that never has a name.
pub(crate) fn fresh_nameless(plan: &Plan<'_>, build: BuildFn<'_>) -> Result<Arc<Attachment>> {
    if plan.settings.keep == Keep::OnDisk {
        let detail = "expected a folder on a local disk, found an object without a name";
        return Err(Error::new(ErrorKind::NotOnDisk, plan.name, detail));
    }
    let rights = match &plan.settings.scope {
        Scope::Machine(access) => Some(access.rights(plan.name)?),
        _ => None,
    };
    let member = first_user(plan, None, |wanted, header| {
        let file = File::anonymous(header.segment_size, 0o600)
            .map_err(|e| over_a_limit(plan, wanted, header, e))?;
        let granted = rights.map_or(Ok(()), |rights| file.grant(rights));
        granted.map_err(|e| Error::from_os(plan.name, "letting others in", e))?;
        Ok(file)
    })?;
    bring_to_life(plan, member, build)
}

/// Gives a new instance its name, last. False: the name is taken, or the place is gone.
fn publish(plan: &Plan<'_>, place: &Place, segment: &Segment) -> Result<bool> {
    let os = |e| Error::from_os(plan.name, "naming the new object", e);
    let path = place.object(plan.name);
    // Whole on the disk before its name can be: a name never stands for what is no object.
    disk::settle(segment)?;
    let lock = match &segment.bytes {
        Bytes::Beside(lock) => Some(lock),
        _ => None,
    };
    let named =
        lock.map_or(Ok(()), LockFile::publish).and_then(|()| segment.asker.file().publish(&path));
    // Where another folder took the place of ours, what was linked there is no object's name.
    let is_gone = place.is_gone();
    if named.is_ok() && !is_gone {
        if let Some(home) = place.home() {
            bytes::sweep(&home, plan.name);
        }
        return Ok(true);
    }
    if named.is_ok() {
        mapping::retire(&path, segment.id.file).map_err(os)?;
    }
    lock.map_or(Ok(()), LockFile::retire).map_err(os)?;
    match named {
        Err(e) if e.cause() != Cause::AlreadyExists && !is_gone => Err(os(e)),
        _ => Ok(false),
    }
}

/// A whole instance in the file that `make` makes, and its first user; nobody else can reach it yet.
fn first_user(
    plan: &Plan<'_>,
    place: Option<&Place>,
    make: impl FnOnce(&Wanted, &Header) -> Result<File>,
) -> Result<Member> {
    let wanted = plan.wanted.expect("creating has a type");
    let schema = wanted.schema().to_json();
    let has_lock_file = place.is_some_and(|place| has_readers(place.rights));
    let header = Header { has_lock_file, ..new_header(plan, wanted, schema.len())? };
    let os = |doing| move |e| Error::from_os(plan.name, doing, e);
    mappable(plan.name, header.segment_size)?;
    let file = make(wanted, &header)?;
    let status = file.status().map_err(os("looking at the new object"))?;
    let path = place.map(|place| place.object(plan.name));
    let mut segment = map(plan.name, path.as_deref(), file, &status, header, Access::ReadWrite)?;
    if let Some(place) = place {
        segment.home = place.home();
        if has_lock_file {
            let lock = LockFile::unnamed(place, segment.id, plan.settings.keep);
            segment.bytes = Bytes::Beside(lock.map_err(os("making the object's lock file"))?);
        }
    }
    write_head(&segment, &schema);
    let own =
        segment.judge()?.file().reopen(Access::ReadWrite).map_err(os("opening the new object"))?;
    let anchor =
        Anchor::take(own, Token::FIRST.user_byte()).map_err(os("locking the first slot"))?;
    let seat = Seat { token: Token::FIRST, _anchor: anchor };
    Member::seated(segment, Role::User, seat, true)
}

/// Runs the constructor of an instance that others may reach already.
fn bring_to_life(plan: &Plan<'_>, member: Member, build: BuildFn<'_>) -> Result<Arc<Attachment>> {
    let own = Attachment::new(member, plan.wanted.and_then(|wanted| wanted.end));
    // Entered before the constructor, whose calls on cells may have to ask for their member, and so
    // before LIVE: another thread that waits for LIVE then finds the creator's attachment.
    let attachment = registry::enter(Arc::clone(&own));
    construct(own.member(), build)?;
    check_type(plan, &attachment.member().segment)?;
    go_live(&attachment.member().segment)?;
    disk::settle_all(&attachment.member().segment)?;
    Ok(attachment)
}

/// The step from which on everybody may use the object.
fn go_live(segment: &Segment) -> Result<()> {
    let building = Life::Building(Token::FIRST).word();
    // Release: pairs with the Acquire in `Segment::life_now`: the constructor's writes come first.
    let stepped = segment.life().compare_exchange(
        building,
        Life::Live.word(),
        Ordering::Release,
        Ordering::Relaxed,
    );
    wait::wake_all(segment.life());
    stepped.map(drop).map_err(|_| {
        Error::new(
            ErrorKind::Ended,
            &segment.name,
            "the object was removed while it was constructed",
        )
    })
}

/// Runs the user's constructor; if it fails or panics, the new instance ends.
fn construct(member: &Arc<Member>, build: BuildFn<'_>) -> Result<()> {
    let mut abandon = Abandon { member, armed: true };
    let _acting = Acting::on(member.segment.id, &member.segment.name)?;
    let built = build(&member.segment);
    if !member.is_here() {
        // The constructor forked, and this is the child: the object is the parent's to finish.
        return Err(Error::new(
            ErrorKind::Forked,
            &member.segment.name,
            "the constructor was forked",
        ));
    }
    abandon.armed = built.is_err();
    built
}

/// Ends the new instance when dropped, unless disarmed.
struct Abandon<'a> {
    member: &'a Arc<Member>,
    armed: bool,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if self.armed && self.member.is_here() {
            let segment = &self.member.segment;
            if let Ok(Some(section)) = segment.enter(Deadline::after(SECTION_PATIENCE)) {
                // What cannot be removed is DEAD, and the next opener tidies.
                let _ = segment.end(section);
            }
        }
    }
}

fn new_header(plan: &Plan<'_>, wanted: &Wanted, schema_size: usize) -> Result<Header> {
    if schema_size > SCHEMA_MAX {
        return Err(Error::new(
            ErrorKind::Unsupported,
            plan.name,
            format!("the type's schema has {schema_size} bytes, expected at most {SCHEMA_MAX}"),
        ));
    }
    let object_size = object_size(plan, wanted)?;
    let mut instance = [0; 16];
    process::random(&mut instance)
        .map_err(|e| Error::from_os(plan.name, "asking for randomness", e))?;
    let header = Header {
        keep: plan.settings.keep,
        has_end: wanted.end.is_some(),
        has_lock_file: false,
        mechanism: cohabit_os::mechanism(),
        segment_size: 0,
        instance,
        fingerprint: wanted.fingerprint,
        max_users: plan.settings.max_users,
        schema_size: schema_size as u32,
        field_count: wanted.field_count,
        slots_at: 0,
        object_at: 0,
        object_size,
        struct_size: wanted.struct_size,
        tail_len: plan.settings.len,
        boot: boot(plan.name)?,
    };
    Ok(header.place())
}

/// Bytes of the object, with the length that was given for its tail, if it has one.
fn object_size(plan: &Plan<'_>, wanted: &Wanted) -> Result<u64> {
    let len = plan.settings.len;
    let refuse = |kind, detail: String| Err(Error::new(kind, plan.name, detail));
    match (wanted.what.has_tail(), len) {
        (true, 0) => refuse(
            ErrorKind::LengthMissing,
            "the type ends in a slice, and nobody said how long it is to be".into(),
        ),
        (false, 1..) => refuse(
            ErrorKind::LengthMismatch,
            format!("expected no length, since the type ends in no slice, found {len}"),
        ),
        _ => wanted.what.size_with_tail(len).map_or_else(
            || {
                let detail = format!("{len} elements do not fit any address space");
                refuse(ErrorKind::NoAddressSpace, detail)
            },
            Ok,
        ),
    }
}

/// Why the file could not be made: a full folder says how full.
fn no_room(
    plan: &Plan<'_>,
    wanted: &Wanted,
    place: &Place,
    header: &Header,
    error: cohabit_os::Error,
) -> Error {
    match error.cause() {
        Cause::NoSpace => {}
        Cause::PermissionDenied => {
            return place.not_permitted(plan.name, "making the new object", error);
        }
        Cause::Unsupported if plan.settings.keep == Keep::UntilReboot => {
            let detail = "this system keeps no memory that nobody uses: expected Keep::OnDisk, which keeps the \
                          object for longer, or Keep::WhileUsed and a program (a service) that has it open all \
                          the time, found Keep::UntilReboot";
            return Error::new(ErrorKind::Unsupported, plan.name, detail).with_source(error);
        }
        _ => return over_a_limit(plan, wanted, header, error),
    }
    let folder = &place.folder;
    let there = mapping::space(folder, plan.settings.keep.lasts()).map_or_else(
        |_| "an unknown amount".to_owned(),
        |space| format!("{} of {} bytes", space.free, space.total),
    );
    let size = header.segment_size;
    let detail = format!(
        "needs {size} bytes ({}) in {}, where {there} are free",
        wanted.what.sizes(header.tail_len),
        folder.display()
    );
    Error::new(ErrorKind::NoSpace, plan.name, detail)
}

/// The same where no folder is to blame.
fn over_a_limit(
    plan: &Plan<'_>,
    wanted: &Wanted,
    header: &Header,
    error: cohabit_os::Error,
) -> Error {
    let size = header.segment_size;
    let kind = match error.cause() {
        Cause::FileSizeLimit => {
            let detail =
                format!("needs a file of {size} bytes, which is over this process's limit");
            return Error::new(ErrorKind::FileSizeLimit, plan.name, detail);
        }
        Cause::NoSpace => ErrorKind::NoSpace,
        Cause::NoAddressSpace => ErrorKind::NoAddressSpace,
        _ => return Error::from_os(plan.name, "making the new object", error),
    };
    let sizes = wanted.what.sizes(header.tail_len);
    let detail = format!("needs {size} bytes ({sizes}) of memory: {error}");
    Error::new(kind, plan.name, detail).with_source(error)
}

/// Writes header, schema, the first row and BUILDING; nobody else can see the file yet.
fn write_head(segment: &Segment, schema: &str) {
    put_bytes(segment, 0, &segment.header.encode());
    put_bytes(segment, HEADER_SIZE, schema.as_bytes());
    segment.word(crate::format::CREATED_AT).store(process::clock_ns(), Ordering::Relaxed);
    sign_row(segment.row_display(0));
    let row = Row { generation: Token::FIRST.generation, state: RowState::User };
    segment.set_row(0, row);
    disk::begin(segment);
    // Relaxed: linkat publishes, a syscall on this thread after these stores.
    segment.life().store(Life::Building(Token::FIRST).word(), Ordering::Relaxed);
}

fn put_bytes(segment: &Segment, at: usize, bytes: &[u8]) {
    let words = segment.words(at, bytes.len().next_multiple_of(8));
    for (word, chunk) in words.iter().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
    }
}
