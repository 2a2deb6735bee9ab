//! Every public operation that is killed, and on what stage.
//!
//! `cargo xtask tidy` compares [`OPERATIONS`], and [`PURE`](super::pure_list::PURE), with the source: a public operation that
//! stands in neither fails, and so does a name that no longer exists.
use super::lock_list::LOCKS;
use Effect::{Adds, All, Part, Reads};

/// Which oracle judges an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A call on a value.
    Value(Effect),
    /// A call on a lock.
    Locks,
    /// A call that begins, ends or asks about an object.
    Life,
    /// The same for an object without a name.
    Handle,
    /// A call on an atomic, a flag, or a cell without a lock.
    Cells(Touch),
}

/// Which fields of the object with parts an operation stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// None.
    Nothing,
    /// The atomic number.
    Atomic,
    /// The flag.
    Flag,
    /// A field in the middle of a word.
    Part,
    /// A part that begins and ends in words that it shares.
    Span,
    /// All of the loose part.
    All,
}

/// What an operation makes of the value, where it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it commits no version.
    Reads,
    /// The whole value is the new one.
    All,
    /// The first part is new, the rest stays.
    Part,
    /// Both numbers of the value grow by one: what was there before counts.
    Adds,
}

/// What there is before the victim begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// A value with its cast attached, and a waiter; for life: no object.
    Usual,
    /// Nobody waits for a commit, so that the paths without a wake-up run.
    Quiet,
    /// The lock is held by a user that is dead.
    DeadHolder,
    /// All pins are held by a user that is dead.
    DeadPins,
    /// The lock is held by a living user, who lets go when the victim waits for it.
    Held,
    /// The victim waits for a commit; it comes when it does.
    Waits,
    /// The victim takes the lock, and then the mate waits for it.
    Awaited,
    /// The same, and the mate has waited for so long that the lock is to be kept for it.
    LongAwaited,
    /// A holder panicked.
    Poisoned,
    /// The host uses the object.
    Host,
    /// The host is constructing the object, and is done when the victim waits for it.
    Builder,
    /// An object whose only user is dead.
    Orphan,
    /// An object whose builder died in the constructor.
    HalfBuilt,
    /// An object whose last user died while it ended it.
    HalfEnded,
    /// A kept object without users.
    Idle,
    /// The empty folder of an object that several users share, as whoever may not remove it leaves it.
    EmptyPlace,
    /// A lock file that the dead left alone.
    Stray,
    /// A kept object whose last user was killed before the machine stopped.
    Unverified,
}

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Realm {
    /// In a folder.
    Folder,
    /// Where several users share it, and some may only read it.
    Machine,
    /// In a folder on disk, where it outlasts the boot.
    Disk,
}

impl Realm {
    const ALL: [Realm; 3] = [Realm::Folder, Realm::Machine, Realm::Disk];

    /// What the names of its operations begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Realm::Folder => "",
            Realm::Machine => "machine_",
            Realm::Disk => "disk_",
        }
    }

    /// What stands in front of its folder, in the orders of children.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Realm::Folder => "",
            Realm::Machine => "machine:",
            Realm::Disk => "disk:",
        }
    }
}

/// One operation to be run under the stepper.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// Its name on the command line and to the victim. In a life operation, what follows `__` only
    /// tells scenes of one verb apart.
    pub(crate) name: &'static str,
    /// Who judges, and what the operation does.
    pub(crate) what: What,
    /// What there is before.
    pub(crate) scene: Scene,
    /// The public operations that it runs, as `Type::function`.
    pub(crate) covers: &'static [&'static str],
    /// Whether the victim may run a constructor.
    pub(crate) constructs: bool,
    /// Whether the victim may end an instance by the type's own end.
    pub(crate) ends: bool,
    /// Whether no name is left when nobody disturbs the operation.
    pub(crate) empties: bool,
    /// Whether the victim waits for an object, which the host then makes: if the host uses one, it
    /// leaves that first.
    pub(crate) awaits: bool,
    /// Whether the library's waiting thread takes part, which is not traced: which locks of the
    /// victim's own are found taken then differs from run to run.
    pub(crate) served: bool,
}

impl Operation {
    /// Where its object is.
    pub(crate) fn realm(&self) -> Realm {
        let is_of = |realm: &Realm| self.name.starts_with(realm.prefix());
        Realm::ALL.into_iter().rfind(is_of).unwrap_or(Realm::Folder)
    }

    /// What the victim does there.
    pub(crate) fn deed(&self) -> &'static str {
        self.name.strip_prefix(self.realm().prefix()).unwrap_or(self.name)
    }
}

const fn value(
    name: &'static str,
    effect: Effect,
    scene: Scene,
    covers: &'static [&'static str],
) -> Operation {
    let what = What::Value(effect);
    let (constructs, ends, empties, awaits, served) = (false, false, false, false, false);
    Operation { name, what, scene, covers, constructs, ends, empties, awaits, served }
}

/// An operation on a value that waits for a commit, with the waiting thread's help.
const fn served(name: &'static str, covers: &'static [&'static str]) -> Operation {
    Operation { served: true, ..value(name, Reads, Scene::Waits, covers) }
}

/// A call on a lock.
pub(super) const fn lock(
    name: &'static str,
    scene: Scene,
    covers: &'static [&'static str],
) -> Operation {
    Operation { what: What::Locks, ..value(name, Reads, scene, covers) }
}

const fn life(name: &'static str, scene: Scene, covers: &'static [&'static str]) -> Operation {
    Operation { what: What::Life, ..value(name, Reads, scene, covers) }
}

const fn cells(name: &'static str, touch: Touch, covers: &'static [&'static str]) -> Operation {
    Operation { what: What::Cells(touch), ..value(name, Reads, Scene::Usual, covers) }
}

const fn handle(name: &'static str, scene: Scene, covers: &'static [&'static str]) -> Operation {
    Operation { what: What::Handle, ..value(name, Reads, scene, covers) }
}

/// An operation whose victim may construct.
const fn builds(operation: Operation) -> Operation {
    Operation { constructs: true, ..operation }
}

/// An operation whose victim constructed, and may end.
const fn ends(operation: Operation) -> Operation {
    Operation { ends: true, ..empties(builds(operation)) }
}

/// An operation after which no name is left.
const fn empties(operation: Operation) -> Operation {
    Operation { empties: true, ..operation }
}

/// An operation that waits for an object.
const fn awaits(operation: Operation) -> Operation {
    Operation { awaits: true, ..operation }
}

/// All that is run.
pub(crate) const OPERATIONS: &[Operation] = &[
    value("get", Reads, Scene::Usual, &["Value::get"]),
    value("read", Reads, Scene::Usual, &["Value::read"]),
    value("get_into", Reads, Scene::Usual, &["Value::get_into"]),
    value("get_boxed", Reads, Scene::Usual, &["Value::get_boxed"]),
    value("get_part", Reads, Scene::Usual, &["Value::get_part"]),
    value("version", Reads, Scene::Usual, &["Value::version"]),
    value("pin", Reads, Scene::Usual, &["Value::pin", "Pinned::get_part", "Pinned::version"]),
    value("pin_dead", Reads, Scene::DeadPins, &["Value::pin"]),
    value("wait_changed", Reads, Scene::Waits, &["Value::wait_changed"]),
    value("wait_version", Reads, Scene::Waits, &["Value::wait_version"]),
    served("changed", &["Value::changed"]),
    served("changed_version", &["Value::changed_version"]),
    served("change_fd", &["Value::change_fd", "ChangeFd::rearm"]),
    value("set", All, Scene::Usual, &["Value::set"]),
    value("set_quiet", All, Scene::Quiet, &["Value::set"]),
    value("set_contended", All, Scene::Held, &["Value::set"]),
    value("set_takeover", All, Scene::DeadHolder, &["Value::set"]),
    value("try_set", All, Scene::Usual, &["Value::try_set"]),
    value("try_set_takeover", All, Scene::DeadHolder, &["Value::try_set"]),
    value("set_timeout", All, Scene::Usual, &["Value::set_timeout"]),
    value("set_from", All, Scene::Usual, &["Value::set_from"]),
    value("set_from_contended", All, Scene::Held, &["Value::set_from"]),
    value("set_from_takeover", All, Scene::DeadHolder, &["Value::set_from"]),
    value("try_set_from", All, Scene::Usual, &["Value::try_set_from"]),
    value("set_from_timeout", All, Scene::Usual, &["Value::set_from_timeout"]),
    value("set_part", Part, Scene::Usual, &["Value::set_part"]),
    value("set_part_takeover", Part, Scene::DeadHolder, &["Value::set_part"]),
    value("try_set_part", Part, Scene::Usual, &["Value::try_set_part"]),
    value("set_part_timeout", Part, Scene::Usual, &["Value::set_part_timeout"]),
    value("update", Adds, Scene::Usual, &["Value::update"]),
    value("update_takeover", Adds, Scene::DeadHolder, &["Value::update"]),
    value("update_panics", Reads, Scene::Usual, &["Value::update"]),
    value("try_update", Adds, Scene::Usual, &["Value::try_update"]),
    value("update_timeout", Adds, Scene::Usual, &["Value::update_timeout"]),
    value("untyped_read", Reads, Scene::Usual, &["Untyped::read", "Cell::read", "Cell::read_part"]),
    value(
        "untyped_wait_version",
        Reads,
        Scene::Waits,
        &["Untyped::wait_version", "Cell::wait_version"],
    ),
    value("untyped_update", All, Scene::Usual, &["Untyped::update", "Cell::update"]),
    value("untyped_update_takeover", All, Scene::DeadHolder, &["Untyped::update", "Cell::update"]),
    value("untyped_locks", Reads, Scene::Usual, &["Untyped::locks"]),
    value("view_get", Reads, Scene::Usual, &["SharedView::get", "View::get"]),
    value("view_read", Reads, Scene::Usual, &["SharedView::read", "View::read"]),
    value("view_get_into", Reads, Scene::Usual, &["SharedView::get_into", "View::get_into"]),
    value("view_get_boxed", Reads, Scene::Usual, &["SharedView::get_boxed", "View::get_boxed"]),
    value("view_get_part", Reads, Scene::Usual, &["SharedView::get_part", "View::get_part"]),
    value("view_version", Reads, Scene::Usual, &["SharedView::version", "View::version"]),
    value(
        "view_wait_changed",
        Reads,
        Scene::Waits,
        &["SharedView::wait_changed", "View::wait_changed"],
    ),
    value(
        "view_wait_version",
        Reads,
        Scene::Waits,
        &["SharedView::wait_version", "View::wait_version"],
    ),
    value("follow_next", Reads, Scene::Waits, &["Follow::next"]),
    value("follow_next_into", Reads, Scene::Waits, &["Follow::next_into"]),
    value("follow_user_next", Reads, Scene::Waits, &["Options::follow_as_user", "Follow::next"]),
    cells("flag_load", Touch::Nothing, &["Flag::load"]),
    cells("flag_store", Touch::Flag, &["Flag::store"]),
    cells("flag_swap", Touch::Flag, &["Flag::swap"]),
    cells("frozen_get", Touch::Nothing, &["Frozen::get"]),
    cells("frozen_get_into", Touch::Nothing, &["Frozen::get_into"]),
    cells("frozen_get_boxed", Touch::Nothing, &["Frozen::get_boxed"]),
    cells("frozen_get_part", Touch::Nothing, &["Frozen::get_part"]),
    cells("loose_load", Touch::Nothing, &["Loose::load"]),
    cells("loose_load_into", Touch::Nothing, &["Loose::load_into"]),
    cells("loose_load_part", Touch::Nothing, &["Loose::load_part"]),
    cells("loose_store", Touch::All, &["Loose::store"]),
    cells("loose_store_from", Touch::All, &["Loose::store_from"]),
    cells("loose_store_part", Touch::Part, &["Loose::store_part"]),
    cells("loose_store_span", Touch::Span, &["Loose::store_part"]),
    cells("cell_read", Touch::Nothing, &["Cell::read"]),
    cells("cell_update_loose", Touch::Part, &["Cell::update"]),
    cells("cell_update_flag", Touch::Flag, &["Cell::update"]),
    cells("cell_update_atomic", Touch::Atomic, &["Cell::update"]),
    cells("parts_load", Touch::Nothing, &["SharedView::view", "View::load"]),
    cells("parts_loose_load", Touch::Nothing, &["View::load"]),
    cells("parts_loose_load_into", Touch::Nothing, &["View::load_into"]),
    cells("parts_loose_load_part", Touch::Nothing, &["View::load_part"]),
    cells("parts_frozen_get", Touch::Nothing, &["View::get"]),
    cells("parts_frozen_get_into", Touch::Nothing, &["View::get_into"]),
    cells("parts_frozen_get_boxed", Touch::Nothing, &["View::get_boxed"]),
    cells("parts_frozen_get_part", Touch::Nothing, &["View::get_part"]),
    served("view_changed", &["SharedView::changed", "View::changed"]),
    served("view_changed_version", &["SharedView::changed_version", "View::changed_version"]),
    served("view_change_fd", &["SharedView::change_fd", "View::change_fd", "ChangeFd::rearm"]),
    builds(life("create", Scene::Usual, &["Shared::create", "Options::create"])),
    builds(life("create__over_orphan", Scene::Orphan, &["Options::create"])),
    life("open", Scene::Host, &["Shared::open", "Options::open"]),
    life("open_grown_with", Scene::Host, &["Options::open"]),
    life("open__waits", Scene::Builder, &["Options::open"]),
    builds(life(
        "open_or_create",
        Scene::Usual,
        &["Shared::open_or_create", "Options::open_or_create"],
    )),
    life("open_or_create__joins", Scene::Host, &["Options::open_or_create"]),
    life("open_or_create__waits", Scene::Builder, &["Options::open_or_create"]),
    builds(life("open_or_create__over_orphan", Scene::Orphan, &["Options::open_or_create"])),
    builds(life("open_or_create__half_built", Scene::HalfBuilt, &["Options::open_or_create"])),
    builds(life("open_or_create__half_ended", Scene::HalfEnded, &["Options::open_or_create"])),
    life("open_or_create_kept", Scene::Idle, &["Options::open_or_create"]),
    builds(life("open_or_create_with", Scene::Usual, &WITH)),
    builds(life("create_with", Scene::Usual, &["Shared::create_with", "Options::create_with"])),
    builds(life("create_in_place", Scene::Usual, &["Options::create_in_place", "Frozen::fill"])),
    builds(life("open_or_create_in_place", Scene::Usual, &["Options::open_or_create_in_place"])),
    builds(life(
        "create_by_schema_with",
        Scene::Usual,
        &["Untyped::options", "Options::create_by_schema", "NewCell::bytes"],
    )),
    life("open_read_only", Scene::Host, &["Shared::open_read_only", "Options::open_read_only"]),
    life("open_wait", Scene::Host, &["Shared::open_wait", "Options::open_wait"]),
    life("open_wait__builder", Scene::Builder, &["Options::open_wait"]),
    awaits(life("open_wait__absent", Scene::Usual, &["Options::open_wait"])),
    awaits(life("open_wait__orphan", Scene::Orphan, &["Options::open_wait"])),
    awaits(life("open_wait__half_built", Scene::HalfBuilt, &["Options::open_wait"])),
    awaits(life("open_wait__half_ended", Scene::HalfEnded, &["Options::open_wait"])),
    life("open_read_only_wait", Scene::Host, &READ_ONLY_WAIT),
    life("open_read_only_wait__builder", Scene::Builder, &READ_ONLY_WAIT),
    awaits(life("open_read_only_wait__absent", Scene::Usual, &READ_ONLY_WAIT)),
    awaits(life("open_read_only_wait__orphan", Scene::Orphan, &READ_ONLY_WAIT)),
    awaits(life("open_read_only_wait__half_built", Scene::HalfBuilt, &READ_ONLY_WAIT)),
    life("follow", Scene::Host, &["Shared::follow", "Options::follow", "Follow::next"]),
    awaits(life("follow__absent", Scene::Usual, &["Options::follow", "Follow::next"])),
    awaits(life("follow__orphan", Scene::Orphan, &["Options::follow", "Follow::next"])),
    awaits(life("follow_on", Scene::Host, &["Follow::next"])),
    life("follow_as_user", Scene::Host, &["Options::follow_as_user", "Follow::next"]),
    awaits(life("follow_as_user__orphan", Scene::Orphan, &["Options::follow_as_user"])),
    life("open_untyped", Scene::Host, &["Untyped::open"]),
    life("open_untyped_read_only", Scene::Host, &["Untyped::open_read_only"]),
    empties(life("build_fails", Scene::Usual, &["Options::open_or_create"])),
    empties(life("build_panics", Scene::Usual, &["Options::open_or_create"])),
    life("leave", Scene::Host, &[]),
    ends(life("leave_last", Scene::Usual, &[])),
    life("leave_kept", Scene::Idle, &[]),
    life("leave_view", Scene::Host, &[]),
    life("exit", Scene::Host, &[]),
    empties(builds(life("exit_last", Scene::Usual, &[]))),
    life("exit_kept", Scene::Idle, &[]),
    life("status", Scene::Host, &["Shared::standing", "Shared::status"]),
    life("users", Scene::Host, &["Shared::users"]),
    life("view_status", Scene::Host, &["SharedView::standing", "SharedView::status"]),
    life("view_users", Scene::Host, &["SharedView::users"]),
    life("untyped_status", Scene::Host, &["Untyped::standing", "Untyped::status"]),
    life("untyped_users", Scene::Host, &["Untyped::users"]),
    life("list", Scene::Host, &["cohabit::list"]),
    empties(life("remove", Scene::Orphan, &["cohabit::remove"])),
    empties(life("remove__idle", Scene::Idle, &[])),
    life("remove__in_use", Scene::Host, &[]),
    empties(life("remove_force", Scene::Host, &[])),
    empties(life("collect", Scene::Orphan, &["cohabit::collect"])),
    life("collect__in_use", Scene::Host, &[]),
    empties(life("collect__half_ended", Scene::HalfEnded, &[])),
    life("collect__idle", Scene::Idle, &[]),
    builds(handle("anonymous", Scene::Usual, &["Shared::anonymous", "Options::anonymous"])),
    builds(handle("anonymous_with", Scene::Usual, &["Options::anonymous_with"])),
    builds(handle("anonymous_in_place", Scene::Usual, &["Options::anonymous_in_place"])),
    handle("from_fd", Scene::Host, &["Shared::from_fd", "Options::from_fd"]),
    handle("from_fd__builder", Scene::Builder, &["Options::from_fd"]),
    handle("from_fd__orphan", Scene::Orphan, &["Options::from_fd"]),
    handle("view_from_fd", Scene::Host, &["SharedView::from_fd"]),
    handle("to_fd", Scene::Host, &["Shared::to_fd"]),
    handle("to_read_only_fd", Scene::Host, &["Shared::to_read_only_fd"]),
    handle("view_to_fd", Scene::Host, &["SharedView::to_fd"]),
    handle("forbid_new_writers", Scene::Host, &["Shared::forbid_new_writers"]),
    handle("leave_nameless", Scene::Host, &[]),
    ends(handle("leave_nameless_last", Scene::Usual, &[])),
    handle("exit_nameless", Scene::Host, &[]),
    builds(handle("exit_nameless_last", Scene::Usual, &[])),
    builds(life("machine_create", Scene::Usual, &["Options::create"])),
    builds(life("machine_create__over_orphan", Scene::Orphan, &[])),
    builds(life("machine_create__in_place", Scene::EmptyPlace, &[])),
    builds(life("machine_create__beside_stray", Scene::Stray, &[])),
    builds(life("machine_open_or_create", Scene::Usual, &["Options::open_or_create"])),
    builds(life("machine_open_or_create__over_orphan", Scene::Orphan, &[])),
    builds(life("machine_open_or_create__half_built", Scene::HalfBuilt, &[])),
    builds(life("machine_open_or_create__half_ended", Scene::HalfEnded, &[])),
    life("machine_open", Scene::Host, &["Options::open"]),
    life("machine_open__waits", Scene::Builder, &[]),
    life("machine_open_read_only", Scene::Host, &["Options::open_read_only"]),
    empties(life("machine_build_fails", Scene::Usual, &[])),
    life("machine_leave", Scene::Host, &[]),
    ends(life("machine_leave_last", Scene::Usual, &[])),
    life("machine_leave_kept", Scene::Idle, &[]),
    empties(builds(life("machine_exit_last", Scene::Usual, &[]))),
    life("machine_users", Scene::Host, &["Shared::users"]),
    life("machine_list", Scene::Host, &["cohabit::list"]),
    empties(life("machine_remove", Scene::Orphan, &["cohabit::remove"])),
    empties(life("machine_remove_force", Scene::Host, &[])),
    empties(life("machine_collect", Scene::Orphan, &["cohabit::collect"])),
    empties(life("machine_collect__stray", Scene::Stray, &[])),
    life("machine_collect__in_use", Scene::Host, &[]),
    builds(life("disk_create", Scene::Usual, &["Options::create"])),
    builds(life("disk_open_or_create__half_built", Scene::HalfBuilt, &[])),
    life("disk_open_or_create_kept", Scene::Idle, &["Options::open_or_create"]),
    life("disk_open_or_create_accepting", Scene::Unverified, &["Options::accept_unverified"]),
    life("disk_open_read_only", Scene::Idle, &["Options::open_read_only"]),
    life("disk_leave_kept", Scene::Idle, &[]),
    life("disk_exit_kept", Scene::Idle, &[]),
    empties(life("disk_remove__idle", Scene::Idle, &[])),
    life("disk_collect__idle", Scene::Idle, &[]),
];

const READ_ONLY_WAIT: [&str; 2] = ["Shared::open_read_only_wait", "Options::open_read_only_wait"];

const WITH: [&str; 3] =
    ["Shared::open_or_create_with", "Options::open_or_create_with", "Fill::put"];

/// Operations on values that are run on a value of run-time length too, where the same name is another
/// function.
pub(crate) const ON_SLICES: &[&str] = &[
    "get_into",
    "get_boxed",
    "get_part",
    "version",
    "pin",
    "pin_dead",
    "wait_version",
    "changed_version",
    "change_fd",
    "set_from",
    "set_from_contended",
    "set_from_takeover",
    "try_set_from",
    "set_from_timeout",
    "set_part",
    "set_part_takeover",
    "try_set_part",
    "set_part_timeout",
    "update",
    "update_takeover",
    "update_panics",
    "try_update",
    "update_timeout",
    "untyped_read",
    "untyped_wait_version",
    "untyped_update",
    "view_get_into",
    "view_get_boxed",
    "view_get_part",
    "view_version",
    "view_wait_version",
    "view_changed_version",
    "view_change_fd",
];

/// All operations.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().chain(LOCKS)
}

/// The operations on the life of objects, with or without a name, in their order.
pub(crate) fn of_life() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| matches!(operation.what, What::Life | What::Handle))
}

/// The operations on locks.
pub(crate) fn of_locks() -> impl Iterator<Item = &'static Operation> {
    LOCKS.iter()
}

/// The operations on values, each with its effect.
pub(crate) fn of_value() -> impl Iterator<Item = (&'static Operation, Effect)> {
    OPERATIONS.iter().filter_map(|operation| match operation.what {
        What::Value(effect) => Some((operation, effect)),
        What::Life | What::Handle | What::Locks | What::Cells(_) => None,
    })
}

/// The operations on cells without a lock, each with what it stores.
pub(crate) fn of_cells() -> impl Iterator<Item = (&'static Operation, Touch)> {
    OPERATIONS.iter().filter_map(|operation| match operation.what {
        What::Cells(touch) => Some((operation, touch)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ON_SLICES, What, all, of_value};

    #[test]
    fn what_is_run_on_slices_is_an_operation() {
        for name in ON_SLICES {
            assert!(of_value().any(|(operation, _)| operation.name == *name), "{name}");
        }
    }

    #[test]
    fn names_are_unique_within_their_oracle() {
        let oracle = |what| match what {
            What::Value(_) => 0,
            What::Locks => 1,
            What::Cells(_) => 3,
            What::Life | What::Handle => 2,
        };
        for (index, one) in all().enumerate() {
            let twice = all()
                .take(index)
                .any(|other| other.name == one.name && oracle(other.what) == oracle(one.what));
            assert!(!twice, "{}", one.name);
        }
    }
}
