//! What a stranger can do, and cannot.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, chown, symlink};
use std::path::Path;

use super::{BOARD, MEMBER, OTHER, OWNER, user_as};
use crate::support::{Peer, World, is_root, portable_since, sys, world::set_mode};

/// Does harm with the means of the user it becomes: `become UID`, then a deed and a path.
pub(crate) fn squatter(peer: &mut Peer) {
    loop {
        let said = peer.hear();
        let words: Vec<_> = said.split(' ').collect();
        let done = match words[..] {
            ["become", uid] => {
                let uid = uid.parse().expect("an id");
                sys::become_for_good(uid, uid, &[]);
                sys::set_umask(0);
                Ok(())
            }
            ["leave"] => return,
            ["folder", path] => fs::DirBuilder::new().mode(0o777).create(path),
            ["file", path] => fs::write(path, b"no object"),
            ["link", path, to] => symlink(to, path),
            ["hard", path, to] => fs::hard_link(to, path),
            ["fifo", path] => {
                sys::make_fifo(Path::new(path));
                Ok(())
            }
            ["remove", path] => fs::remove_file(path),
            ["rename", path, to] => fs::rename(path, to),
            ["write", path] => fs::OpenOptions::new().write(true).open(path).map(drop),
            ["lock", path] => fs::File::open(path).and_then(|file| {
                sys::lock_all_for_reading(file.as_raw_fd())?;
                // As long as this process lives.
                std::mem::forget(file);
                Ok(())
            }),
            _ => panic!("no such deed: {said}"),
        };
        peer.say(match done {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("err {:?}", error.kind()),
        });
    }
}

#[test]
fn other_owner_of_a_free_name() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let path = world.shared("rpm").display().to_string();
    let mut squatter = world.child("squatter");
    squatter.expect(format!("become {OTHER}"), "ok");
    for deed in ["folder", "file", "fifo", "link"] {
        let target = if deed == "link" { " /etc/passwd" } else { "" };
        squatter.expect(format!("{deed} {path}{target}"), "ok");
        for uid in [0, OWNER] {
            let mut user = user_as(&world, uid);
            for word in ["open", "open_or_create", "create", "view"] {
                let refused = user.expect(format!("{word} rpm {BOARD}"), "err other-owner");
                assert!(refused.contains("belongs to 4003"), "{refused}");
                assert!(refused.contains(&path), "{refused}");
            }
            user.leave();
        }
        // Whom it trusts by name may keep a place for it.
        let mut trusting = user_as(&world, OWNER);
        let words = format!("open_or_create rpm machine=e:w,t{OTHER}");
        match deed {
            "folder" => {
                trusting.expect(&words, "ok created=true");
                trusting.expect("drop", "ok");
            }
            "link" => drop(trusting.expect(&words, "err symbolic-link")),
            "fifo" => drop(trusting.expect(&words, "err not-a-file")),
            _ => drop(trusting.expect(&words, "err not-an-object")),
        }
        trusting.leave();
        match deed {
            "folder" => fs::remove_dir(&path).expect("empty"),
            _ => fs::remove_file(&path).expect("a file"),
        }
    }
    squatter.leave();
}

#[test]
fn a_reader_cannot_write_lock_block_or_squat_a_live_name() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut root = world.child("user");
    root.expect(format!("open_or_create rpm {BOARD}"), "ok created=true");
    let home = world.shared("rpm");
    let object = home.join("rpm");
    let lock = world.shared_names().into_iter().find(|name| name.contains("/.cohabit."));
    let lock = world.root().join(lock.expect("a lock file"));
    let mut nobody = world.child("squatter");
    nobody.expect("become 65534", "ok");
    let elsewhere = world.root().join("elsewhere");
    for deed in [
        format!("write {}", object.display()),
        format!("write {}", lock.display()),
        format!("lock {}", lock.display()),
        format!("remove {}", object.display()),
        format!("remove {}", lock.display()),
        format!("rename {} {}", object.display(), elsewhere.display()),
        format!("rename {} {}", home.display(), elsewhere.display()),
        format!("file {}", home.join("other").display()),
        format!("file {}", home.display()),
        format!("folder {}", home.display()),
    ] {
        nobody.expect(&deed, "err");
    }
    // It may lock what it may read: every byte of the object's file, for reading.
    nobody.expect(format!("lock {}", object.display()), "ok");
    let mut member = user_as(&world, MEMBER);
    member.expect(format!("open rpm {BOARD}"), "ok created=false");
    member.expect("set 3", "ok");
    root.expect("update", "ok 4");
    root.expect("users", "ok");
    let mut reader = user_as(&world, OTHER);
    reader.expect(format!("view rpm {BOARD}"), "ok");
    reader.expect("view_get", "ok 4");
    // A dead writer's lock can be had, and a dead user's slot.
    root.say("hold");
    root.expect_next("inside");
    root.kill();
    member.expect("update", "ok 5");
    member.leave();
    let mut next = user_as(&world, MEMBER);
    next.expect(format!("open_or_create rpm {BOARD}"), "ok created=true");
    next.leave();
    reader.leave();
    nobody.leave();
    fs::remove_dir(&home).expect("empty");
}

#[test]
fn a_second_name_elsewhere_stops_nobody() {
    let world = World::new();
    world.open_to_all();
    let mut first = world.child("user");
    first.expect("open_or_create rpm machine=e:w", "ok created=true");
    let object = world.shared("rpm").join("rpm");
    // Where protected_hardlinks is off, anybody can do this.
    let elsewhere = world.root().join("elsewhere");
    fs::hard_link(&object, &elsewhere).expect("a second name");
    let mut second = world.child("user");
    second.expect("open rpm machine=o", "ok created=false");
    first.leave();
    second.expect("update", "ok 1");
    second.leave();
    fs::remove_file(&elsewhere).expect("a file");
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn a_reader_cannot_have_an_object_ended_by_giving_it_another_name() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let (mut first, mut second) = (world.child("user"), world.child("user"));
    first.expect("create secret machine=e:r", "ok created=true");
    second.expect("create rpm machine=e:w", "ok created=true");
    let home = world.shared("rpm");
    // Where protected_hardlinks is off, a reader can do this in a folder that it may write. It knows
    // the instance from the object's header.
    let secret = world.shared("secret");
    fs::hard_link(secret.join("secret"), home.join("linked")).expect("a second name");
    fs::rename(home.join("linked"), home.join("rpm")).expect("in the place of rpm");
    let names = world.shared_names();
    let lock = names.iter().find_map(|name| name.strip_prefix("cohabit.secret/.cohabit."));
    let lock = format!(".cohabit.{}", lock.expect("a lock file"));
    fs::copy(secret.join(&lock), home.join(&lock)).expect("a lock file with nobody's bytes");
    chown(home.join(&lock), Some(OTHER), Some(OTHER)).expect("the reader's own");
    let mut victim = world.child("user");
    victim.expect("open_or_create rpm machine=e:w", "err lock-file-invalid");
    victim.expect("remove rpm machine=e:w", "err lock-file-invalid");
    first.expect("status", "ok Live");
    first.expect("update", "ok 1");
    victim.expect("remove_force rpm machine=e:w", "ok");
    first.expect("status", "ok Live");
    second.leave();
    first.leave();
    victim.leave();
    if portable_since("a copy has no index, so nobody is judged dead by it, and it is left alone") {
        let copy = format!("cohabit.rpm/{lock}");
        assert_eq!(world.shared_names(), ["cohabit.rpm", copy.as_str()]);
        return;
    }
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn a_trusted_owner_cannot_have_names_taken_away_elsewhere() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let (home, elsewhere) = (world.shared("rpm"), world.root().join("elsewhere"));
    let mut owner = world.child("squatter");
    owner.expect(format!("become {OWNER}"), "ok");
    owner.expect(format!("folder {}", home.display()), "ok");
    let mut root = world.child("user");
    root.expect(format!("open_or_create rpm machine=e:w,t{OWNER}"), "ok created=true");
    owner.expect(format!("rename {} {}", home.display(), elsewhere.display()), "ok");
    owner.expect(format!("link {} {}", home.display(), elsewhere.display()), "ok");
    root.leave();
    assert!(elsewhere.join("rpm").exists(), "it is not followed to where a link leads");
    owner.leave();
    fs::remove_file(&home).expect("a link");
}

#[test]
fn folder_unsafe_where_anybody_may_take_names_away() {
    let world = World::new();
    set_mode(world.root(), 0o777);
    let mut user = world.child("user");
    let refused = user.expect("open_or_create rpm machine=o", "err folder-unsafe");
    assert!(refused.contains("open to other users (mode 0777)"), "{refused}");
    user.leave();
    set_mode(world.root(), 0o700);
}
