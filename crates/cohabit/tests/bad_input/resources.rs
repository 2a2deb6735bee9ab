//! What runs out: room, sizes, descriptors, addresses, slots.

#[cfg(unix)]
use std::{fs::File, os::unix::fs::FileExt};

#[cfg(unix)]
use cohabit::{Part, SharedValue, untyped::Untyped};

use crate::case;
#[cfg(unix)]
use crate::case::Case;
use crate::case::NAME;
use crate::support::user::Pair;
#[cfg(unix)]
use crate::support::{Census, is_root, sys, world};

/// More descriptors than the opening or making of an object takes at once, by either mechanism.
#[cfg(unix)]
const MOST: u64 = 16;

#[cfg(unix)] // It mounts.
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

#[cfg(unix)] // It sets limits.
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

#[cfg(unix)] // It sets limits.
#[test]
fn no_descriptors() {
    case!(no_descriptors, |case| {
        let live = case.options().create("live", || Pair::of(0)).expect("an object");
        // Listing the descriptors takes one itself.
        let used = Census::now().handles as u64 - 1;
        let (mut created, mut opened) = (false, false);
        // From none to as many as it takes, so that each step runs out once.
        for spare in 0..MOST {
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
        assert!(created && opened, "so many are enough");
        live.set(Pair::of(1)).expect("a set");
    });
}

#[cfg(unix)] // It sets limits.
#[test]
fn no_descriptors_joining() {
    case!(no_descriptors_joining, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm", "ok");
        let used = Census::now().handles as u64 - 1;
        let mut worked = false;
        for spare in 0..MOST {
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
        assert!(worked, "so many are enough");
    });
}

#[cfg(unix)] // It sets limits.
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

/// An object with an honest header whose schema is about an array of so many bytes; all of it a hole.
#[cfg(unix)] // It makes a file with holes.
fn claim(case: &Case, name: &str, len: u64) -> u64 {
    const COPIES: u64 = 3;
    let stride = (8 + len).next_multiple_of(64);
    let array = format!(r#"{{"kind":"array","len":{len},"of":{{"kind":"u8"}}}}"#);
    let schema =
        format!(r#"{{"cell":"value","copies":{COPIES},"stride":{stride},"type":{array}}}"#);
    let object = 64 + COPIES * stride;
    let slots_at = (256 + schema.len() as u64).next_multiple_of(64);
    let object_at = (slots_at + 32).next_multiple_of(64);
    let size = (object_at + object).next_multiple_of(4096);
    let mut header = case.bytes()[..256].to_vec();
    let fields: [(usize, u64); 5] =
        [(16, size), (80, slots_at), (88, object_at), (96, object), (104, len)];
    for (at, field) in fields {
        header[at..at + 8].copy_from_slice(&field.to_le_bytes());
    }
    header[56..60].copy_from_slice(&1_u32.to_le_bytes());
    header[72..76].copy_from_slice(&(schema.len() as u32).to_le_bytes());
    let file = File::create(case.world.path(name)).expect("a file");
    file.set_len(size).expect("a hole");
    file.write_all_at(&header, 0).expect("a header");
    file.write_all_at(schema.as_bytes(), 256).expect("a schema");
    size
}

/// An object may be mapped while there is no memory for a copy of it, and most cannot even be mapped.
#[cfg(unix)] // It sets limits.
#[test]
fn no_address_space_for_a_copy() {
    case!(no_address_space_for_a_copy, |case| {
        let _user = case.kept();
        let now = world::status_kib("VmSize:") << 10;
        let size = claim(case, "large", 64 << 20);
        let limit = sys::limit(sys::RLIMIT_AS, (now + size + (32 << 20)).min(2 << 30));
        let words = ["`large`", "copy of 67108864 bytes"];
        let scope = case.world.scope();
        let view = || Untyped::open_read_only("large", &scope).expect("it can be mapped");
        case.refused("no-address-space", &words, || view().read());
        let user = Untyped::open("large", &scope).expect("it can be mapped");
        case.refused("no-address-space", &words, || user.read());
        let update = || user.update(std::time::Duration::MAX, |_| Ok::<(), ()>(()));
        case.refused("no-address-space", &words, update);
        // The lock was let go.
        case.refused("no-address-space", &words, update);
        drop(user);
        sys::limit(sys::RLIMIT_AS, (now + (512 << 20)).min(2 << 30));
        claim(case, "huge", 300 << 20);
        let open = || Untyped::open_read_only("huge", &scope);
        case.refused("no-address-space", &["`huge`", "map"], || open()?.read());
        let open = || Untyped::open("huge", &scope);
        case.refused("no-address-space", &["`huge`", "map"], || open()?.read());
        sys::limit(sys::RLIMIT_AS, limit);
        for name in ["large", "huge"] {
            case.world.remove_by_hand(name);
        }
        case.clear();
    });
}

/// Whoever creates a slice chooses its length; who has no memory for a copy of it is told, and not ended.
#[cfg(unix)] // It sets limits.
#[test]
fn no_address_space_for_a_slice() {
    case!(no_address_space_for_a_slice, |case| {
        // More than the 64 MiB of addresses that a C library may have put aside.
        const LEN: usize = 65;
        type Frame = [u64; 1 << 17];
        let options = || SharedValue::<[Frame]>::options().scope(case.world.scope());
        let made = options().len(LEN as u64).create_with("film", |_| ());
        let (film, view) = (made.expect("an object"), options().open_read_only("film"));
        let view = view.expect("a view");
        let now = world::status_kib("VmSize:") << 10;
        let limit = sys::limit(sys::RLIMIT_AS, now + (4 << 20));
        let words = ["`film`", "no memory for a private copy of 65 elements"];
        case.refused("no-address-space", &words, || film.get_boxed());
        case.refused("no-address-space", &words, || view.get_boxed());
        case.refused("no-address-space", &words, || film.update(|all| all.reverse()));
        // Without a copy, all goes on: nobody holds the lock.
        film.set_part(Part::element(LEN - 1).at(7), 7).expect("a set");
        assert_eq!(view.get_part(Part::element(LEN - 1).at(7)).expect("a part"), 7);
        sys::limit(sys::RLIMIT_AS, limit);
        assert_eq!(film.get_boxed().expect("a value")[LEN - 1][7], 7);
    });
}
