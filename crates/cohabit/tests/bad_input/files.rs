//! Things that stand in a name's place, and folders that will not do.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use cohabit::{Scope, SharedValue};

use crate::case;
use crate::case::{Case, NAME};
use crate::support::user::Pair;
use crate::support::windows_since;
#[cfg(unix)]
use crate::support::{is_root, sys, world};

#[cfg(unix)]
const STRANGER: u32 = 65_534;

#[test]
fn not_found() {
    case!(not_found, |case| {
        let folder = case.world.folder().to_str().expect("a path").to_owned();
        case.refused("not-found", &["`rpm`", &folder], || case.options().open(NAME));
        case.refused("not-found", &["`rpm`", &folder], || case.options().open_read_only(NAME));
    });
}

#[test]
fn already_exists() {
    case!(already_exists, |case| {
        let live = case.options().create(NAME, || Pair::of(1)).expect("an object");
        let create = || case.options().create(NAME, || Pair::of(2));
        case.refused("already-exists", &["`rpm`", "in use"], create);
        assert_eq!(live.get().expect("untouched"), Pair::of(1));
    });
}

#[cfg(unix)] // Wine makes no links.
#[test]
fn symbolic_link() {
    case!(symbolic_link, |case| {
        let target = case.world.path("target");
        let kept = case.options().create("target", || Pair::of(1)).expect("an object");
        for to in [&target, Path::new("nowhere"), Path::new("/dev/null")] {
            symlink(to, case.path()).expect("a link");
            case.refused_by_all("symbolic-link", &["expected", "found a symbolic link"]);
            assert!(fs::symlink_metadata(case.path()).expect("a link").is_symlink());
            case.remove_file();
        }
        drop(kept);
    });
}

#[test]
fn directory() {
    case!(directory, |case| {
        fs::create_dir(case.path()).expect("a folder");
        case.refused_by_all("directory", &["expected", "found a directory"]);
        case.clear();
    });
}

#[cfg(unix)] // There are no such things.
#[test]
fn not_a_file() {
    case!(not_a_file, |case| {
        sys::make_fifo(&case.path());
        case.refused_by_all("not-a-file", &["expected", "found a fifo"]);
        case.clear();
        std::os::unix::net::UnixListener::bind(case.path()).expect("a socket");
        case.refused_by_all("not-a-file", &["expected", "found a fifo, socket"]);
        case.clear();
    });
}

#[cfg(unix)] // Wine makes no links.
#[test]
fn hard_link() {
    case!(hard_link, |case| {
        let live = case.options().create(NAME, || Pair::of(1)).expect("an object");
        fs::hard_link(case.path(), case.world.path("second")).expect("a second name");
        case.refused_by_all("hard-link", &["expected", "2 names"]);
        fs::remove_file(case.world.path("second")).expect("the cure");
        case.options().open(NAME).expect("one name again");
        drop(live);
    });
}

#[cfg(unix)] // Owners and modes are those of Unix.
#[test]
fn other_owner() {
    case!(other_owner, |case| {
        if !is_root() {
            return;
        }
        let _user = case.kept();
        chown(case.path(), Some(STRANGER), None).expect("another owner");
        let found = STRANGER.to_string();
        case.refused_by_all("other-owner", &["expected", &found, "user root (0)"]);
        case.clear();
    });
}

#[cfg(unix)] // Owners and modes are those of Unix.
#[test]
fn other_owner_of_the_folder() {
    case!(other_owner_of_the_folder, |case| {
        if !is_root() {
            return;
        }
        chown(case.world.folder(), Some(STRANGER), None).expect("another owner");
        let found = STRANGER.to_string();
        case.refused_by_all("other-owner", &[&found]);
        let create = || case.options().create(NAME, || Pair::of(0));
        case.refused("other-owner", &["`rpm`", &found], create);
    });
}

#[cfg(unix)] // Owners and modes are those of Unix.
#[test]
fn folder_unsafe() {
    case!(folder_unsafe, |case| {
        for mode in [0o770, 0o707, 0o1777] {
            world::set_mode(case.world.folder(), mode);
            let folder = case.world.folder().to_str().expect("a path").to_owned();
            case.refused_by_all("folder-unsafe", &[&folder]);
            let create = || case.options().create(NAME, || Pair::of(0));
            case.refused("folder-unsafe", &["`rpm`"], create);
        }
        world::set_mode(case.world.folder(), 0o755);
        case.options().create(NAME, || Pair::of(0)).expect("others may look");
    });
}

fn elsewhere(case: &Case, code: &str, folder: &Path) {
    let options = SharedValue::<Pair>::options().scope(Scope::Folder(folder.to_owned()));
    let path = folder.to_str().expect("a path").trim_end_matches('/').to_owned();
    case.refused(code, &["`rpm`", &path], || options.open(NAME));
    case.refused(code, &["`rpm`", &path], || options.create(NAME, || Pair::of(0)));
    case.refused(code, &["`rpm`", &path], || options.open_read_only(NAME));
}

#[test]
fn folder_missing() {
    case!(folder_missing, |case| {
        elsewhere(case, "folder-missing", &case.world.root().join("nowhere"));
    });
}

#[test]
fn folder_missing_a_file_or_a_link() {
    case!(folder_missing_a_file_or_a_link, |case| {
        let file = case.world.root().join("file");
        fs::write(&file, "").expect("a file");
        elsewhere(case, "folder-missing", &file);
        #[cfg(unix)]
        {
            let link = case.world.root().join("link");
            symlink(case.world.folder(), &link).expect("a link");
            elsewhere(case, "folder-missing", &link);
            elsewhere(case, "folder-missing", Path::new(&format!("{}/", link.display())));
        }
    });
}

#[test]
fn system() {
    case!(system, |case| {
        let file = case.world.root().join("file");
        fs::write(&file, "").expect("a file");
        let below = SharedValue::<Pair>::options().scope(Scope::Folder(file.join("below")));
        if windows_since("what is below a file is a folder that is not there") {
            case.refused("folder-missing", &["`rpm`", "below"], || below.open(NAME));
        } else {
            let words = ["`rpm`", "file/below", "Not a directory"];
            case.refused("system", &words, || below.open(NAME));
        }
    });
}

#[cfg(unix)] // Owners and modes are those of Unix.
#[test]
fn permission_denied() {
    case!(permission_denied, |case| {
        if !is_root() {
            return;
        }
        let _user = case.kept();
        chown(case.world.folder(), Some(STRANGER), None).expect("another owner");
        world::set_mode(case.world.root(), 0o755);
        world::set_mode(case.world.folder(), 0o500);
        sys::become_user(STRANGER);
        // Root's file, which only root may open.
        case.refused_by_all("permission-denied", &["open", "Permission denied"]);
        // A folder that may be read and not be written.
        let create = || case.options().create("other", || Pair::of(0));
        case.refused("permission-denied", &["`other`", "Permission denied"], create);
        sys::become_user(0);
        case.clear();
    });
}

#[cfg(unix)] // It mounts.
#[test]
fn read_only_filesystem() {
    case!(read_only_filesystem, |case| {
        if !is_root() {
            return;
        }
        sys::private_mounts();
        let _mount = sys::mount_read_only(case.world.folder());
        let create = || case.options().open_or_create(NAME, || Pair::of(0));
        case.refused("read-only-filesystem", &["`rpm`", "Read-only"], create);
        case.refused("not-found", &["`rpm`"], || case.options().open(NAME));
    });
}
