//! Where the objects are: the file system, its room, the container around it, and whose folders they are.

use std::path::{Path, PathBuf};

use cohabit::Scope;
use cohabit_os::error::Cause;
use cohabit_os::health::{self, Filesystem, Medium};
use cohabit_os::mapping::{self, FileKind, FileStatus, Lasts, Space, status_of};
use cohabit_os::{Mechanism, accounts, mechanism, place};

use super::{Finding, bytes};

/// Below this, not even a small object may fit.
const ROOM_LEAST: u64 = 64 << 10;
/// What Docker gives a container, unless told otherwise.
const DOCKER_SIZE: u64 = 64 << 20;
/// Below this, a few objects of a megabyte fill it.
const ROOM_SMALL: u64 = 16 << 20;

pub(super) fn check(scope: &Scope) -> Vec<Finding> {
    let root = root_of(scope);
    let container = health::container();
    let found = health::filesystem(&root);
    let in_memory = mechanism() == Mechanism::Windows;
    let on_disk = !in_memory && matches!(&found, Ok(found) if found.medium != Medium::Memory);
    let mut findings = vec![where_it_is(scope, &root, found)];
    let lasts = if on_disk { Lasts::OnDisk } else { Lasts::WhileUsed };
    match mapping::space(&root, lasts) {
        Ok(space) if in_memory => findings.push(room_in_memory(space)),
        Ok(space) if on_disk => findings.push(room_on_disk(&root, space)),
        Ok(space) => findings.push(room(&root, space, container.as_deref())),
        Err(error) => findings.push(Finding::bad("room", format!("{}: {error}", root.display()))),
    }
    findings.push(in_container(container.as_deref()));
    findings.push(own_folder(scope, &root));
    if *scope == Scope::User {
        findings.push(strangers(&root));
    }
    findings
}

/// The folder whose file system holds the objects.
pub(super) fn root_of(scope: &Scope) -> PathBuf {
    match scope {
        Scope::Folder(folder) => folder.clone(),
        Scope::Machine(_) => place::machine_root(),
        _ => place::root(),
    }
}

fn where_it_is(
    scope: &Scope,
    root: &Path,
    found: Result<Filesystem, cohabit_os::Error>,
) -> Finding {
    let name = root.display();
    let set = std::env::var_os("COHABIT_DIR").filter(|dir| !dir.is_empty());
    let by = match set {
        Some(dir) if *scope == Scope::User && *dir == *root => ", by COHABIT_DIR",
        Some(_) if *scope == Scope::User => ", and COHABIT_DIR does not count in a set-id program",
        _ => "",
    };
    match found {
        Err(error) if error.cause() == Cause::Unsupported => Finding::ok(
            "place",
            format!("{name}{by}; what file system it is on is not known on this system"),
        ),
        Err(error) => Finding::bad("place", format!("{name}{by}: {error}"))
            .advise("Give a folder that is there (COHABIT_DIR, --folder)."),
        Ok(Filesystem { name: kind, medium }) => {
            let text = format!("{name} is on {kind}{by}");
            match medium {
                Medium::Network => Finding::bad("place", text)
                    .advise("Locks and shared maps must work as on this machine: use a local file system."),
                _ if mechanism() == Mechanism::Windows => Finding::ok("place", text)
                    .advise("It has a file for each name; the objects are in memory, but those of Keep::OnDisk."),
                Medium::Disk if *scope == Scope::User => Finding::warn("place", text)
                    .advise("Objects are written to the disk now and then: a tmpfs such as /dev/shm is quicker."),
                _ => Finding::ok("place", text),
            }
        }
    }
}

fn room_text(root: &Path, Space { total, free }: Space) -> String {
    match total {
        0 => "the file system has no limit of its own".to_owned(),
        _ => format!("{} of {} are free in {}", bytes(free), bytes(total), root.display()),
    }
}

/// Memory and page file, of which no folder has a part.
fn room_in_memory(Space { total, free }: Space) -> Finding {
    let text = format!("{} of {} of memory and page file are free", bytes(free), bytes(total));
    if free < ROOM_SMALL {
        let advice = "End programs, or let the page file grow.";
        return Finding::warn("room", text).advise(advice);
    }
    Finding::ok("room", text)
}

/// A disk is no memory: a tenth of it is plenty, and no container's option enlarges it.
fn room_on_disk(root: &Path, space: Space) -> Finding {
    let text = room_text(root, space);
    let advice = "Free some room on that disk; `cohabit gc` takes away what killed processes left.";
    match space.free {
        _ if space.total == 0 => Finding::ok("room", text),
        free if free < ROOM_LEAST => Finding::bad("room", text).advise(advice),
        free if free < ROOM_SMALL => Finding::warn("room", text).advise(advice),
        _ => Finding::ok("room", text),
    }
}

fn room(root: &Path, space: Space, container: Option<&str>) -> Finding {
    let Space { total, free } = space;
    let text = room_text(root, space);
    let enlarge = match container {
        Some(_) => {
            "Start the container with --shm-size=1g (Kubernetes: an emptyDir with medium: Memory)."
        }
        None => {
            "`cohabit gc` takes away what killed processes left; `mount -o remount,size=1g` enlarges a tmpfs."
        }
    };
    match total {
        0 => Finding::ok("room", text),
        _ if free < ROOM_LEAST => Finding::bad("room", text).advise(enlarge),
        _ if total <= DOCKER_SIZE || free < ROOM_SMALL || free < total / 10 => {
            Finding::warn("room", text).advise(enlarge)
        }
        _ => Finding::ok("room", text),
    }
}

fn in_container(container: Option<&str>) -> Finding {
    match container {
        None => Finding::ok("container", "none, as far as can be seen"),
        Some(name) => Finding::ok("container", format!("this is one ({name})")).advise(
            "Objects are shared with other containers and the host by one /dev/shm: --ipc=host or \
             --ipc=container:NAME.",
        ),
    }
}

fn own_folder(scope: &Scope, root: &Path) -> Finding {
    if *scope == Scope::User
        && let Ok(status) = status_of(root)
        && is_free_for_all(&status)
    {
        let mode = status.mode;
        let text =
            format!("anybody may remove your folder from {} (mode {mode:04o})", root.display());
        return Finding::bad("folder", text).advise("`chmod +t` it, or set COHABIT_DIR elsewhere.");
    }
    match cohabit::folder_of(scope) {
        Ok(Some(folder)) => Finding::ok("folder", format!("{} is as it must be", folder.display())),
        Ok(None) => Finding::ok("folder", "not made yet: the first object makes it"),
        Err(error) => Finding::refused("folder", &error),
    }
}

/// Whether others may rename and remove what is not theirs.
fn is_free_for_all(status: &FileStatus) -> bool {
    const STICKY: u32 = 0o1000;
    status.mode & 0o022 != 0 && status.mode & STICKY == 0
}

/// Folders that bear a user's name and belong to another one: that user finds no place for objects.
fn strangers(root: &Path) -> Finding {
    let names = mapping::list(root).unwrap_or_default();
    let mut taken: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let uid = name.strip_prefix("cohabit-")?.parse().ok()?;
            let status = status_of(&root.join(name)).ok()?;
            squatted(name, uid, &status)
        })
        .collect();
    taken.sort();
    match taken.as_slice() {
        [] => Finding::ok("squatting", "no user's folder is taken by another one"),
        taken => Finding::warn("squatting", taken.join("; "))
            .advise("Its owner or root must remove it; until then that user gets `other-owner`."),
    }
}

fn squatted(name: &str, uid: u32, status: &FileStatus) -> Option<String> {
    let who = |uid| accounts::user_name(uid).unwrap_or_else(|| format!("user {uid}"));
    if status.owner != uid {
        return Some(format!("{name} belongs to {}, not to {}", who(status.owner), who(uid)));
    }
    (status.kind != FileKind::Directory).then(|| format!("{name} is no folder"))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn level(total: u64, free: u64, container: Option<&str>) -> Level {
        room(Path::new("/dev/shm"), Space { total, free }, container).level
    }

    #[test]
    fn dockers_64_megabytes_are_a_warning_with_its_option() {
        let space = Space { total: 64 << 20, free: 60 << 20 };
        let found = room(Path::new("/dev/shm"), space, Some("docker"));
        assert_eq!(found.text, "60 MiB of 64 MiB are free in /dev/shm");
        assert_eq!(found.level, Level::Warn);
        assert!(found.advice.unwrap().contains("--shm-size=1g"));
    }

    #[test]
    fn memory_is_judged_by_what_is_left() {
        let found = |free| room_in_memory(Space { total: 8 << 30, free });
        assert_eq!(found(1 << 30).level, Level::Ok);
        assert_eq!(found(15 << 20).level, Level::Warn);
        assert_eq!(found(1 << 30).text, "1 GiB of 8 GiB of memory and page file are free");
    }

    #[test]
    fn a_disk_is_judged_by_what_is_left_and_not_by_its_size() {
        let found = |free| room_on_disk(Path::new("/data"), Space { total: 250 << 30, free });
        assert_eq!(found(14 << 30).level, Level::Ok);
        assert_eq!(found(15 << 20).level, Level::Warn);
        let full = found(4096);
        assert_eq!(full.level, Level::Bad);
        assert!(!full.advice.unwrap().contains("--shm-size"));
    }

    #[test]
    fn room_is_judged_by_what_is_left() {
        assert_eq!(level(8 << 30, 4 << 30, None), Level::Ok);
        assert_eq!(level(8 << 30, 100 << 20, None), Level::Warn);
        assert_eq!(level(100 << 20, 15 << 20, None), Level::Warn);
        assert_eq!(level(8 << 30, 4096, None), Level::Bad);
        assert_eq!(level(0, 0, None), Level::Ok);
    }

    #[test]
    fn a_folder_by_another_user_is_squatting() {
        let status = |owner, kind| FileStatus {
            id: mapping::FileId { device: 1, inode: 1 },
            size: 0,
            stored: 0,
            links: 2,
            owner,
            group: 0,
            mode: 0o700,
            kind,
            in_folder: true,
        };
        let taken =
            squatted("cohabit-4000123", 4_000_123, &status(0, FileKind::Directory)).unwrap();
        let [belongs, not_to] = ["cohabit-4000123 belongs to ", ", not to user 4000123"];
        assert!(taken.starts_with(belongs) && taken.ends_with(not_to), "{taken}");
        assert_eq!(squatted("cohabit-0", 0, &status(0, FileKind::Directory)), None);
        let file = squatted("cohabit-0", 0, &status(0, FileKind::Regular));
        assert_eq!(file.unwrap(), "cohabit-0 is no folder");
    }

    #[test]
    fn a_root_without_its_sticky_bit_is_free_for_all() {
        let mut status = status_of(Path::new("/")).unwrap();
        for (mode, expected) in [(0o777, true), (0o1777, false), (0o755, false), (0o775, true)] {
            status.mode = mode;
            assert_eq!(is_free_for_all(&status), expected, "{mode:o}");
        }
    }

    #[test]
    fn a_network_is_no_place_and_a_disk_is_one_with_a_warning() {
        let at = |scope: &Scope, medium| {
            let found = Filesystem { name: "x".into(), medium };
            where_it_is(scope, Path::new("/x"), Ok(found)).level
        };
        let folder = Scope::Folder("/x".into());
        assert_eq!(at(&Scope::User, Medium::Memory), Level::Ok);
        // Where objects are in memory, it is no matter what their folder is on.
        let in_memory = mechanism() == Mechanism::Windows;
        assert_eq!(at(&Scope::User, Medium::Disk) == Level::Ok, in_memory);
        assert_eq!(at(&folder, Medium::Disk), Level::Ok);
        assert_eq!(at(&folder, Medium::Network), Level::Bad);
    }
}
