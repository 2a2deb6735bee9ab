//! What runs out: room, sizes, descriptors, addresses, slots.

use cohabit::SharedValue;

use crate::case;
use crate::case::NAME;
use crate::support::user::Pair;
use crate::support::{Census, is_root, sys, world};

#[test]
fn no_space() {
    case!(no_space, |case| {
        if !is_root() {
            return;
        }
        sys::private_mounts();
        let _mount = sys::mount_tmpfs(case.world.folder(), "size=64k,mode=0700");
        let small = case.options().create("small", || Pair::of(0)).expect("there is room");
        // 4 copies of 64 KiB and the head.
        let large = || {
            let options = SharedValue::<[u64; 8192]>::options().scope(case.world.scope());
            options.create(NAME, || Box::new([0; 8192]))
        };
        let words =
            ["`rpm`", "needs 266240 bytes (4 copies of 65536 bytes", "of 65536 bytes are free"];
        case.refused("no-space", &words, large);
        small.set(Pair::of(1)).expect("its pages were reserved");
        assert_eq!(case.world.names(), ["small"]);
        drop(small);
        case.options().create(NAME, || Pair::of(0)).expect("there is room again");
        case.world.assert_empty();
    });
}

#[test]
fn file_size_limit() {
    case!(file_size_limit, |case| {
        let live = case.options().create("live", || Pair::of(0)).expect("an object");
        let before = sys::limit(sys::RLIMIT_FSIZE, live.size() - 1);
        let create = || case.options().create(NAME, || Pair::of(0));
        let needs = format!("{} bytes", live.size());
        case.refused("file-size-limit", &["`rpm`", &needs, "limit"], create);
        // What is there already can be opened and used.
        let again = case.options().open("live").expect("an object");
        again.set(Pair::of(1)).expect("a set");
        sys::limit(sys::RLIMIT_FSIZE, before);
    });
}

#[test]
fn no_descriptors() {
    case!(no_descriptors, |case| {
        let live = case.options().create("live", || Pair::of(0)).expect("an object");
        // Listing the descriptors takes one itself.
        let used = Census::now().descriptors as u64 - 1;
        let (mut created, mut opened) = (false, false);
        // From none to as many as it takes, so that each step runs out once.
        for spare in 0..8 {
            let before = Census::now();
            let names = case.world.names();
            let limit = sys::limit(sys::RLIMIT_NOFILE, used + spare);
            let create = case.options().create(NAME, || Pair::of(0));
            // Another access than the one that is there, so that it is opened anew.
            let open = case.options().open_read_only("live");
            let user = case.options().open("live");
            sys::limit(sys::RLIMIT_NOFILE, limit);
            let errors = [create.as_ref().err(), open.as_ref().err(), user.as_ref().err()];
            for error in errors.into_iter().flatten() {
                assert_eq!(error.code(), "no-descriptors", "{error}");
                let text = error.to_string();
                assert!(text.contains("Too many open files") && text.contains('`'), "{text}");
            }
            assert!(create.is_ok() || !created, "it worked with fewer");
            assert!(open.is_ok() || !opened, "it worked with fewer");
            (created, opened) = (create.is_ok(), open.is_ok());
            drop((create, open, user));
            assert_eq!((case.world.names(), Census::now()), (names, before), "with {spare} spare");
        }
        assert!(created && opened, "eight are enough");
        live.set(Pair::of(1)).expect("a set");
    });
}

#[test]
fn no_descriptors_joining() {
    case!(no_descriptors_joining, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm", "ok");
        let used = Census::now().descriptors as u64 - 1;
        let mut worked = false;
        for spare in 0..8 {
            let before = Census::now();
            let limit = sys::limit(sys::RLIMIT_NOFILE, used + spare);
            let open = case.options().open(NAME);
            sys::limit(sys::RLIMIT_NOFILE, limit);
            if let Err(error) = &open {
                assert_eq!(error.code(), "no-descriptors", "{error}");
            }
            assert!(open.is_ok() || !worked, "it worked with fewer");
            worked = open.is_ok();
            drop(open);
            assert_eq!(Census::now(), before, "with {spare} spare");
            assert_eq!(user.ask("users"), format!("ok {}:false", user.pid()));
        }
        assert!(worked, "eight are enough");
    });
}

#[test]
fn no_address_space() {
    case!(no_address_space, |case| {
        type Large = [u64; 1 << 20];
        let options = || SharedValue::<Large>::options().scope(case.world.scope());
        let fill = |_: &mut cohabit::Fill<'_, Large>| ();
        let now = world::status_kib("VmSize:") << 10;
        let limit = sys::limit(sys::RLIMIT_AS, now + (4 << 20));
        case.refused("no-address-space", &["`rpm`", "map"], || options().create_with(NAME, fill));
        sys::limit(sys::RLIMIT_AS, limit);
        let live = options().create_with("live", fill).expect("an object");
        let now = world::status_kib("VmSize:") << 10;
        let limit = sys::limit(sys::RLIMIT_AS, now + (4 << 20));
        case.refused("no-address-space", &["`live`", "map"], || options().open_read_only("live"));
        sys::limit(sys::RLIMIT_AS, limit);
        drop(live);
    });
}

#[test]
fn slots_full() {
    case!(slots_full, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm max=1", "ok");
        let words = ["`rpm`", "all 1 slots"];
        case.refused("slots-full", &words, || case.options().open(NAME));
        let create = || case.options().open_or_create(NAME, || Pair::of(0));
        case.refused("slots-full", &words, create);
        case.options().open_read_only(NAME).expect("an observer needs no slot");
    });
}
