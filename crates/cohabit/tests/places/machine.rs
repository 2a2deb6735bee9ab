//! Who may do what with an object of several users, and what stays after it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::{BOARD, MEMBER, OPS, OTHER, OWNER, user_as};
use crate::support::{World, is_root, world::set_mode};

/// Mode, owner and group of a path.
fn rights(path: &std::path::Path) -> (u32, u32, u32) {
    let about = fs::metadata(path).expect("it is there");
    (about.mode() & 0o7777, about.uid(), about.gid())
}

#[test]
fn one_user_shares_with_itself_and_leaves_nothing() {
    let world = World::new();
    for mode in [0o700, 0o755, 0o1777] {
        set_mode(world.root(), mode);
        let (mut first, mut second) = (world.child("user"), world.child("user"));
        first.expect("open_or_create rpm machine=o", "ok created=true");
        second.expect("open_or_create rpm machine=o", "ok created=false");
        first.expect("set 7", "ok");
        second.expect("get", "ok 7");
        assert_eq!(rights(&world.shared("rpm")).0, 0o700);
        assert_eq!(rights(&world.shared("rpm").join("rpm")).0, 0o600);
        first.leave();
        second.leave();
        assert_eq!(world.shared_names(), Vec::<String>::new());
    }
}

#[test]
fn rights_are_exact_whatever_the_umask() {
    let world = World::new();
    world.open_to_all();
    // The default of the group is the one of this process, which any user is a member of.
    let group = rights(world.root()).2;
    let cases = [
        ("o".to_owned(), 0o700, 0o600, None),
        (format!("g{group}:r"), 0o750, 0o640, Some(0o600)),
        (format!("g{group}:w"), 0o770, 0o660, None),
        ("e:r".to_owned(), 0o755, 0o644, Some(0o600)),
        ("e:w".to_owned(), 0o777, 0o666, None),
        (format!("e:r,g{group}:w"), 0o775, 0o664, Some(0o660)),
    ];
    for mask in [0o000, 0o022, 0o077, 0o777] {
        for (access, folder, file, lock) in &cases {
            let mut user = world.child("user");
            user.expect(format!("umask {mask:o}"), "ok");
            user.expect(format!("create rpm machine={access}"), "ok created=true");
            let home = world.shared("rpm");
            assert_eq!(rights(&home).0, *folder, "{access} under {mask:04o}");
            assert_eq!(rights(&home.join("rpm")).0, *file, "{access} under {mask:04o}");
            let locks: Vec<_> = world
                .shared_names()
                .into_iter()
                .filter(|name| name.contains("/.cohabit."))
                .map(|name| rights(&world.root().join(name)).0)
                .collect();
            assert_eq!(locks, lock.iter().copied().collect::<Vec<_>>(), "{access}");
            user.leave();
            assert_eq!(world.shared_names(), Vec::<String>::new(), "{access}");
        }
    }
}

#[test]
fn liveness_hidden_where_a_group_writes_and_everyone_reads() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut root = world.child("user");
    root.expect(format!("open_or_create rpm {BOARD}"), "ok created=true");
    assert_eq!(rights(&world.shared("rpm")), (0o775, 0, OPS));
    assert_eq!(rights(&world.shared("rpm").join("rpm")), (0o664, 0, OPS));
    let (mut member, mut other) = (user_as(&world, MEMBER), user_as(&world, OTHER));
    member.expect(format!("open rpm {BOARD}"), "ok created=false");
    member.expect("set 5", "ok");
    root.expect("get", "ok 5");
    other.expect(format!("view rpm {BOARD}"), "ok");
    other.expect("view_read", "ok 5@2");
    other.expect("view_status", "ok Unjudged");
    other.expect("view_users", "err liveness-hidden");
    let refused = other.expect(format!("open rpm {BOARD}"), "err permission-denied");
    assert!(refused.contains("use open_read_only"), "{refused}");
    assert!(refused.contains("belongs to root (0); group 4100 may read and write"), "{refused}");
    other.expect(format!("open_or_create rpm {BOARD}"), "err permission-denied");
    other.expect(format!("create rpm {BOARD}"), "err permission-denied");
    // A killed writer is dead for a member, and its value is whole for everyone.
    member.expect("view rpm machine=o", "ok");
    member.expect("view_status", "ok Live");
    root.kill();
    member.expect("update", "ok 6");
    other.expect("view_get", "ok 6");
    member.leave();
    other.expect("view_status", "ok Ended");
    other.leave();
    assert_eq!(world.shared_names(), ["cohabit.rpm"], "the place stays for the next one");
}

#[test]
fn who_may_not_take_the_place_away_uses_it_again() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut root = world.child("user");
    root.expect(format!("open_or_create rpm {BOARD}"), "ok created=true");
    let mut member = user_as(&world, MEMBER);
    member.expect("open rpm machine=o", "ok");
    let mut reader = user_as(&world, OTHER);
    reader.expect("view rpm machine=e:r", "ok");
    root.leave();
    member.expect("set 9", "ok");
    member.leave();
    // The object has ended, and its folder is root's: nobody else can remove it.
    assert_eq!(world.shared_names(), ["cohabit.rpm"]);
    reader.expect("view_get", "ok 9");
    reader.expect("view_status", "ok Ended");
    // The next one makes it anew there, with the rights that root gave.
    let mut next = user_as(&world, MEMBER);
    next.expect("open rpm machine=o", "err not-found");
    next.expect("open_or_create rpm machine=o", "ok created=true");
    assert_eq!(rights(&world.shared("rpm").join("rpm")), (0o664, MEMBER, OPS));
    next.expect("set 1", "ok");
    // Who saw the old one still sees that, and nothing of the new one.
    reader.expect("view_get", "ok 9");
    let mut fresh = user_as(&world, OTHER);
    fresh.expect("view rpm machine=e:r", "ok");
    fresh.expect("view_get", "ok 1");
    let mut root = world.child("user");
    root.expect("open rpm machine=o", "ok created=false");
    next.kill();
    // An orphan of another user's file in root's folder is the next member's to end.
    let mut heir = user_as(&world, MEMBER);
    root.leave();
    heir.expect("open_or_create rpm machine=o", "ok created=true");
    heir.leave();
    fresh.leave();
    reader.leave();
    let mut root = world.child("user");
    root.expect("open_or_create rpm machine=o", "ok created=true");
    assert_eq!(rights(&world.shared("rpm")), (0o700, 0, 0), "root's own rights count again");
    root.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}

#[test]
fn permission_denied_for_who_may_do_nothing() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut owner = user_as(&world, OWNER);
    let denied = owner.expect(format!("create rpm machine=g{OPS}:w"), "err permission-denied");
    assert!(denied.contains("only a member of a group, or root"), "{denied}");
    assert_eq!(world.shared_names(), Vec::<String>::new(), "nothing is left of it");
    owner.expect("create rpm machine=o", "ok created=true");
    let mut other = user_as(&world, OTHER);
    for word in ["open", "open_or_create", "view", "create"] {
        let access = format!("machine=e:w,t{OWNER}");
        let denied = other.expect(format!("{word} rpm {access}"), "err permission-denied");
        assert!(denied.contains("belongs to 4001; group 4001 may do nothing"), "{denied}");
    }
    other.leave();
    owner.leave();
}

#[test]
fn collect_and_list_do_what_they_may() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    for words in ["create mine machine=o", "create ours machine=e:w"] {
        let mut owner = user_as(&world, OWNER);
        owner.expect(words, "ok created=true");
        owner.kill();
    }
    let mut other = user_as(&world, OTHER);
    let trusting = format!("machine=e:r,t{OWNER}");
    let listed = other.expect(format!("list {trusting}"), "ok");
    assert_eq!(listed, "ok mine:unreadable:permission-denied ours:orphan");
    let listed = other.expect("list machine=o", "ok");
    assert_eq!(listed, "ok mine:unreadable:other-owner ours:unreadable:other-owner");
    other.expect(format!("collect {trusting}"), "ok ours / 1 left");
    // The folder is its owner's to remove, and empty.
    assert_eq!(world.shared_names(), ["cohabit.mine", "cohabit.mine/mine", "cohabit.ours"]);
    let mut owner = user_as(&world, OWNER);
    owner.expect("collect machine=o", "ok mine / 0 left");
    assert_eq!(world.shared_names(), Vec::<String>::new());
    other.leave();
    owner.leave();
}

#[test]
fn folder_unsafe_with_older_rights() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.open_to_all();
    let mut owner = user_as(&world, OWNER);
    owner.expect("create rpm machine=e:w", "ok created=true");
    let home = world.shared("rpm");
    let mut stranger = world.child("squatter");
    stranger.expect(format!("become {OTHER}"), "ok");
    stranger.expect(format!("file {}", home.join("kept").display()), "ok");
    // The object that is there is opened, with the rights that it has.
    let mut second = user_as(&world, OWNER);
    second.expect("open_or_create rpm machine=o", "ok created=false");
    second.leave();
    owner.expect("drop", "ok");
    assert_eq!(world.shared_names(), ["cohabit.rpm", "cohabit.rpm/kept"]);
    for word in ["create", "open_or_create"] {
        let refused = owner.expect(format!("{word} rpm machine=o"), "err folder-unsafe");
        assert!(refused.contains("expected mode 0700") && refused.contains("kept"), "{refused}");
    }
    owner.expect("create rpm machine=e:w", "ok created=true");
    owner.expect("drop", "ok");
    fs::remove_file(home.join("kept")).expect("a file");
    owner.expect("create rpm machine=o", "ok created=true");
    assert_eq!(rights(&home), (0o700, OWNER, OWNER));
    owner.leave();
    stranger.leave();
    assert_eq!(world.shared_names(), Vec::<String>::new());
}
