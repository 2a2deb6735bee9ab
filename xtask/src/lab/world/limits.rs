//! Limits of a process and of a file system: what is lacking is named, nothing is left, and nothing dies.

use super::board::{
    Board, NAME, Pair, board, dies_and_is_inherited, had, in_words, options, says, scope, well,
};
use super::kernel::{self, is_root};
use super::stage::{Stage, Talk, Verdict, cannot, check, held, until};
use cohabit::{ErrorKind, Shared, SharedValue};
use rustix::process::Resource;

/// A limit for the length of files: the kernel kills who goes over it, and the library does not.
pub(super) fn file_size(stage: &Stage) -> Result<Verdict, String> {
    let mate = mate(stage)?;
    let actor = stage.actor("the limited one", |talk| {
        let size = well("open", options(stage).open(NAME))?.size();
        for limit in [0, 1, 4096, size - 1] {
            kernel::limit(Resource::Fsize, Some(limit))?;
            says("create", options(stage).create("new", Board::new), ErrorKind::FileSizeLimit)?;
            let nameless = Shared::<Board>::anonymous(Board::new);
            says("anonymous", nameless, ErrorKind::FileSizeLimit)?;
            // What is there already is used all the same.
            let board = well("open", options(stage).open(NAME))?;
            well("set", board.value.set(Pair::of(limit)))?;
        }
        kernel::limit(Resource::Fsize, Some(size))?;
        drop(well("create", options(stage).create("new", Board::new))?);
        talk.pause("done")
    })?;
    actor.expect("done")?;
    actor.go()?;
    actor.end()?;
    mate.go()?;
    mate.end()?;
    held("4 limits below the size, and one that is enough")
}

/// Somebody who only is there.
fn mate(stage: &Stage) -> Result<super::stage::Actor, String> {
    let mate = stage.actor("the mate", |talk| {
        let board = board(stage)?;
        talk.pause("attached")?;
        let users = well("users", board.users())?;
        check(users.len() == 1, || format!("users: {users:?}"))
    })?;
    mate.expect("attached")?;
    Ok(mate)
}

/// Descriptors run out at every place: no call leaves one behind, and locks are taken over without any.
pub(super) fn descriptors(stage: &Stage) -> Result<Verdict, String> {
    let mate = mate(stage)?;
    let actor = stage.actor("the limited one", |talk| {
        // Numbers below the limit are all that counts, so that no gap may be among those that are used.
        kernel::close_all_but(talk.number())?;
        let mut refused = 0;
        for limit in 4..24 {
            refused += all_calls(stage, limit)?;
        }
        check(all_calls(stage, ENOUGH)? == 0, || "it goes on with too few".to_owned())?;
        check(refused > 0, || "nothing was refused: the scenario is at fault".to_owned())?;
        talk.pause(&refused.to_string())
    })?;
    let refused = actor.hear()?;
    actor.go()?;
    actor.end()?;
    mate.go()?;
    mate.end()?;
    held(format!("20 limits, {refused} calls refused"))
}

/// More descriptors than anything here takes.
const ENOUGH: u64 = 1024;

/// Makes calls of all sorts under a limit; how many were refused for lack of a descriptor.
fn all_calls(stage: &Stage, limit: u64) -> Result<u32, String> {
    let calls: &[(&str, &dyn Fn() -> cohabit::Result<()>)] = &[
        ("create", &|| options(stage).create("new", Board::new).map(drop)),
        ("open", &|| options(stage).open(NAME).map(drop)),
        ("a view", &|| options(stage).open_read_only(NAME).map(drop)),
        ("anonymous", &|| Shared::<Board>::anonymous(Board::new).map(drop)),
        ("list", &|| cohabit::list(&scope(stage)).map(drop)),
        ("to_fd", &|| Shared::<Board>::anonymous(Board::new)?.to_fd().map(drop)),
        ("change_fd", &|| {
            let value = SharedValue::<u64>::anonymous(|| 1)?;
            let (_, seen) = value.read()?;
            value.change_fd(seen).map(drop)
        }),
    ];
    let mut refused = 0;
    for (what, call) in calls {
        let before = kernel::descriptors();
        kernel::limit(Resource::Nofile, Some(limit))?;
        let outcome = call();
        kernel::limit(Resource::Nofile, Some(ENOUGH))?;
        match outcome {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NoDescriptors => refused += 1,
            Err(error) => return Err(in_words(what, &error)),
        }
        // The waiting thread holds what it has just looked at, for one round.
        until("given back", || Ok(kernel::descriptors() == before)).map_err(|_| {
            format!("{what}: descriptors {:?}, before {before:?}", kernel::descriptors())
        })?;
    }
    // What a leave without a descriptor left is an orphan.
    well("collect", cohabit::collect(&scope(stage)))?;
    Ok(refused)
}

/// The address space runs out, and memory that may be locked is none.
pub(super) fn memory(stage: &Stage) -> Result<Verdict, String> {
    let mut actor = stage.actor("the limited one", |talk| {
        kernel::limit(Resource::Memlock, Some(0))?;
        let board = board(stage)?;
        kernel::limit(Resource::As, Some(256 << 20))?;
        let large = SharedValue::<[u64]>::options().scope(scope(stage)).len(1 << 27);
        let made = large.create_in_place("large", |_| ());
        says("create", made, ErrorKind::NoAddressSpace)?;
        let view = well("a view", options(stage).open_read_only(NAME))?;
        well("set", board.value.set(Pair::of(1)))?;
        let now = well("get", view.view().value().get())?;
        check(now == Pair::of(1), || format!("found {now:?}"))?;
        let _guard = had("lock", board.mutex.lock())?;
        talk.pause("holds")
    })?;
    actor.expect("holds")?;
    dies_and_is_inherited(stage, &mut actor)?;
    held("1 GiB refused in 256 MiB; the rest went on")
}

/// A user who may have no more threads: what needs one says so, all else goes on.
pub(super) fn threads(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot("needs root, to become a user without processes");
    }
    let actor = stage.actor("the limited one", |talk| {
        kernel::become_user(23_456)?;
        kernel::limit(Resource::Nproc, Some(1))?;
        let value = well("anonymous", SharedValue::<u64>::anonymous(|| 1))?;
        let (_, seen) = well("read", value.read())?;
        let refused = value.change_fd(seen).err().ok_or("a thread was had: at fault")?;
        check(refused.to_string().contains("os error 11"), || in_words("change_fd", &refused))?;
        let seen = well("set", value.set(2))?;
        well("update", value.update(|number| *number += 1))?;
        let (now, _) = well("wait_changed", value.wait_changed(seen, stage.stop()))?;
        check(now == 3, || format!("found {now}"))?;
        kernel::limit(Resource::Nproc, Some(100))?;
        well("change_fd", value.change_fd(seen))?;
        talk.pause("done")
    })?;
    actor.expect("done")?;
    actor.go()?;
    actor.end()?;
    held("the waiting thread was refused, and had later")
}

/// A small file system of every size up to what is enough.
pub(super) fn no_space(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot("needs root: a file system of its own");
    }
    let actor = stage.actor("the one on a small disk", |talk| {
        kernel::own_mounts()?;
        let (mut refused, mut fit) = (0, 0);
        for pages in 1..24_u32 {
            let full = !makes_in(stage, &format!("mode=700,size={}k", pages * 4))?;
            refused += u32::from(full);
            fit += u32::from(!full);
        }
        let none = !makes_in(stage, "mode=700,nr_inodes=1")?;
        check(refused > 0 && fit > 0 && none, || format!("{refused}, {fit}: at fault"))?;
        talk.pause(&format!("{refused} too small, {fit} large enough, one without inodes"))
    })?;
    let said = actor.hear()?;
    actor.go()?;
    actor.end()?;
    held(said)
}

/// Makes and uses an object in a file system of these options; whether there was room.
fn makes_in(stage: &Stage, mount: &str) -> Result<bool, String> {
    kernel::mount("tmpfs", &stage.folder, mount)?;
    let made = options(stage).create(NAME, Board::new);
    let fits = match made {
        Ok(board) => {
            // Every page is touched: one that was not reserved would be SIGBUS.
            for number in 0..100 {
                well("set", board.value.set(Pair::of(number)))?;
            }
            let (mut guard, _) = had("lock", board.mutex.lock())?;
            *guard = Pair::of(1);
            true
        }
        Err(error) if error.kind() == ErrorKind::NoSpace => false,
        Err(error) => return Err(in_words(&format!("create with {mount}"), &error)),
    };
    let left = stage.files();
    check(left.is_empty(), || format!("left behind with {mount}: {left:?}"))?;
    let space = rustix::fs::statvfs(&stage.folder).map_err(|error| error.to_string())?;
    let all_free = space.f_bfree == space.f_blocks;
    check(all_free, || format!("{} of {} blocks are free", space.f_bfree, space.f_blocks))?;
    kernel::unmount(&stage.folder)?;
    Ok(fits)
}

/// A file system that becomes read-only under an object.
pub(super) fn read_only(stage: &Stage) -> Result<Verdict, String> {
    if !is_root() {
        return cannot("needs root: a file system of its own");
    }
    let actor = stage.actor("the one on a disk", |talk| played_read_only(stage, talk))?;
    actor.expect("done")?;
    actor.go()?;
    actor.end()?;
    held("who would make or join is told; who looks, looks")
}

fn played_read_only(stage: &Stage, talk: &Talk) -> Result<(), String> {
    kernel::own_mounts()?;
    kernel::mount("tmpfs", &stage.folder, "mode=700,size=1m")?;
    let kept = options(stage).keep(cohabit::Keep::UntilReboot);
    let board = well("create", kept.create(NAME, Board::new))?;
    well("set", board.value.set(Pair::of(4)))?;
    drop(board);
    kernel::remount(&stage.folder, true)?;
    says("create", options(stage).create("new", Board::new), ErrorKind::ReadOnlyFilesystem)?;
    says("open", kept.open(NAME), ErrorKind::ReadOnlyFilesystem)?;
    let view = well("a view", kept.open_read_only(NAME))?;
    let now = well("get", view.view().value().get())?;
    check(now == Pair::of(4), || format!("found {now:?}"))?;
    drop(view);
    kernel::remount(&stage.folder, false)?;
    well("remove", cohabit::remove(&scope(stage), NAME, false))?;
    kernel::unmount(&stage.folder)?;
    talk.pause("done")
}
