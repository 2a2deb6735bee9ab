//! What goes wrong in constructors, and in use.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
#[cfg(unix)]
use std::{fs, os::fd::AsRawFd as _, os::unix::fs::MetadataExt as _};

use cohabit::schema::{EnumNode, FieldParts, Node, Scalar, Schema, StructNode, VariantNode};
use cohabit::untyped::Untyped;
use cohabit::{List, SharedValue, Value, Version, plain};

use crate::case;
use crate::case::NAME;
use crate::support::Census;
use crate::support::user::Pair;
#[cfg(unix)]
use crate::support::{Child, sys};

const WAIT: Duration = Duration::from_millis(5);

#[test]
fn constructor_failed() {
    case!(constructor_failed, |case| {
        let fails = || "".parse::<u64>().map(Pair::of);
        let create = || case.options().open_or_create(NAME, fails);
        let error = case.refused("constructor-failed", &["`rpm`", "empty string"], create);
        assert!(error.source().is_some_and(|source| source.is::<std::num::ParseIntError>()));
    });
}

#[test]
fn constructor_panics() {
    case!(constructor_panics, |case| {
        let before = (case.world.names(), Census::now());
        let panics = || -> Pair { std::panic::resume_unwind(Box::new("as the test asked")) };
        let create = AssertUnwindSafe(|| case.options().create(NAME, panics));
        let panic = catch_unwind(create).expect_err("the panic goes on");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"as the test asked"));
        assert_eq!(before, (case.world.names(), Census::now()));
    });
}

#[test]
fn constructor_reentered() {
    case!(constructor_reentered, |case| {
        let own = || {
            let words = ["`rpm`", "opens it itself"];
            let open = || case.options().open(NAME);
            case.refused("constructor-reentered", &words, open);
            Err::<Pair, _>("that was all")
        };
        case.refused("constructor-failed", &["that was all"], || case.options().create(NAME, own));
    });
}

/// Every kind of plain data has a value that is zero, so it takes a peer to leave other bits behind.
#[test]
fn constructor_incomplete() {
    case!(constructor_incomplete, |case| {
        let options = || SharedValue::<[bool; 4]>::options().scope(case.world.scope());
        options().create_with(NAME, |_| ()).expect("zero is a value of bool");
        let create = || {
            options().create_with(NAME, |_| {
                let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
                case.patch(at + 64 + 8 + 3, &[7]);
            })
        };
        case.refused("constructor-incomplete", &["`rpm`", "is no value"], create);
    });
}

#[test]
fn constructor_incomplete_by_schema() {
    case!(constructor_incomplete_by_schema, |case| {
        let variants =
            [("Off", -1), ("On", 7)].map(|(name, value)| VariantNode { name: name.into(), value });
        let (repr, variants) = (Scalar::I8, variants.to_vec());
        let mode = Node::Enum(EnumNode { name: "Mode".into(), repr, variants });
        let field = FieldParts { name: "mode".into(), was: None, node: mode };
        let rig = Node::Struct(StructNode::laid_out("Rig".into(), vec![field], None));
        let schema = Schema { root: rig.into_value(), has_end: false };
        let make = |mode: u8| {
            let options = Untyped::options().scope(case.world.scope());
            options.create_by_schema(NAME, &schema, |mut cell| cell.bytes()[0] = mode)
        };
        let words = ["`rpm`", "field `mode`: expected -1 (Off) or 7 (On) for Mode, found 0"];
        case.refused("constructor-incomplete", &words, || make(0));
        make(0xff).expect("Off");
    });
}

#[test]
fn schema_invalid() {
    case!(schema_invalid, |case| {
        let make = |root: Node, has_end: bool| {
            let options = Untyped::options().scope(case.world.scope());
            options.create_by_schema(NAME, &Schema { root, has_end }, |_| ())
        };
        let number = || Node::Scalar(Scalar::U8);
        let value = |stride| Node::Value { copies: 4, stride, of: Box::new(number()) };
        let words = ["`rpm`", "at `stride`: expected 64 for 1 bytes, found 128"];
        case.refused("schema-invalid", &words, || make(value(128), false));
        let words = ["`rpm`", "a type with an end"];
        case.refused("schema-invalid", &words, || make(value(64), true));
        let bad_tail = Node::Array { of: Box::new(Node::Tail { of: Box::new(number()) }), len: 2 };
        case.refused("schema-invalid", &["`rpm`", "tail"], || make(bad_tail.clone(), false));
        make(value(64), false).expect("an object");
    });
}

#[test]
fn busy() {
    case!(busy, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm", "ok");
        let object = case.options().open(NAME).expect("an object");
        user.expect("hold", "inside");
        let words = ["`rpm`", &format!("pid {}", user.pid())];
        case.refused("busy", &words, || object.try_set(Pair::of(1)));
        case.refused("busy", &words, || object.set_timeout(Pair::of(1), WAIT));
        user.expect("commit", "ok");
    });
}

#[test]
fn busy_builder() {
    case!(busy_builder, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm constructor=hold", "building");
        let words = ["`rpm`", &format!("pid {}", user.pid()), "constructing"];
        case.refused("busy", &words, || case.options().timeout(WAIT).open(NAME));
        user.expect("go", "ok");
    });
}

#[test]
fn timed_out() {
    case!(timed_out, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let seen = object.version().expect("a version");
        let words = ["`rpm`", "version 1", "5ms"];
        case.refused("timed-out", &words, || object.wait_changed(seen, WAIT));
    });
}

#[test]
fn timed_out_no_object() {
    case!(timed_out_no_object, |case| {
        let folder = case.world.folder().to_str().expect("a path").to_owned();
        let words = ["`rpm`", "no object came in 5ms", &folder];
        case.refused("timed-out", &words, || case.options().open_wait(NAME, WAIT));
        case.refused("timed-out", &words, || case.options().open_read_only_wait(NAME, WAIT));
        let mut follow = case.options().follow(NAME).expect("a name");
        case.refused("timed-out", &words, || follow.next(WAIT));
    });
}

#[test]
fn ended() {
    case!(ended, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        cohabit::remove(&case.world.scope(), NAME, true).expect("by force");
        let seen = object.version().expect("a version");
        case.refused("ended", &["`rpm`"], || object.wait_changed(seen, WAIT));
    });
}

#[test]
fn name_lost() {
    case!(name_lost, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        case.remove_file();
        let seen = object.version().expect("a version");
        let path = case.path().to_str().expect("a path").to_owned();
        let folder = path.strip_suffix("rpm").expect("the name").trim_end_matches(['/', '\\']);
        case.refused("name-lost", &["`rpm`", folder], || object.wait_changed(seen, WAIT));
    });
}

#[cfg(unix)] // It forks.
#[test]
fn forked() {
    case!(forked, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let child = sys::forked(|| {
            case.refused("forked", &["`rpm`", "forked"], || object.get());
            0
        });
        assert_eq!(sys::code_of(child), 0);
    });
}

#[test]
fn not_shared() {
    case!(not_shared, |case| {
        let value = Value::new(Pair::of(0));
        case.refused("not-shared", &["does not live in"], || value.get());
    });
}

#[test]
fn deadlock() {
    case!(deadlock, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let inner = |_: &mut Pair| {
            case.refused("deadlock", &["`rpm`", "update"], || object.set(Pair::of(1)));
        };
        object.update(inner).expect("the outer one");
    });
}

#[test]
fn bad_bits() {
    case!(bad_bits, |case| {
        let options = SharedValue::<[bool; 4]>::options().scope(case.world.scope());
        let object = options.create(NAME, || [true; 4]).expect("an object");
        let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
        case.patch(at + 64 + 8 + 2, &[7]);
        case.refused("bad-bits", &["`rpm`"], || object.get());
        case.refused("bad-bits", &["`rpm`"], || object.update(|_| ()));
        object.set([false; 4]).expect("the cure");
        assert_eq!(object.get().expect("a value"), [false; 4]);
    });
}

#[plain]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Off,
    Run = 7,
}

#[plain]
#[derive(Clone, Debug, PartialEq)]
struct Kinds {
    mode: Mode,
    letter: char,
    list: List<Mode, 2>,
}

#[test]
fn bad_bits_enum() {
    case!(bad_bits_enum, |case| {
        let options = || SharedValue::<Kinds>::options().scope(case.world.scope());
        let good = || Kinds { mode: Mode::Run, letter: 'a', list: List::new() };
        let object = options().create(NAME, good).expect("an object");
        let view = options().open_read_only(NAME).expect("a view");
        let first = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes")) + 64 + 8;
        for (at, bytes, said) in [
            (0, &[2][..], "field `mode`: expected 0 (Off) or 7 (Run) for Mode, found 2"),
            (4, &[0, 0xD8], "field `letter`: expected a Unicode scalar value for char"),
            (8, &[3], "field `list`: expected a length of at most 2 for the list, found 3"),
            (8, &[1, 0, 0, 0, 9], "field `list[0]`: expected 0 (Off)"),
        ] {
            let options = options();
            let object = options.open(NAME).expect("the object");
            object.set(good()).expect("a good value");
            let index = object.version().expect("a version").number() % 16;
            let copy = (index + 15) % 16;
            case.patch(first + copy * 64 + at, bytes);
            let words = ["`rpm`", said];
            case.refused("bad-bits", &words, || object.get());
            case.refused("bad-bits", &words, || object.get_boxed());
            case.refused("bad-bits", &words, || object.get_into(&mut good()));
            case.refused("bad-bits", &words, || object.update(|_| ()));
            case.refused("bad-bits", &words, || view.get());
        }
        object.set(good()).expect("the cure");
        assert_eq!(object.get().expect("a value"), good());
    });
}

#[test]
fn list_full() {
    case!(list_full, |case| {
        let words = ["the list needs 3 elements, and has room for 2"];
        let error = case.refused("list-full", &words, || Ok(List::<u8, 2>::try_from([1, 2, 3])?));
        assert_eq!(error.kind(), cohabit::ErrorKind::ListFull);
    });
}

#[test]
fn corrupt() {
    case!(corrupt, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let at = u64::from_le_bytes(case.bytes()[88..96].try_into().expect("8 bytes"));
        case.patch(at + 8, &[0xfe, 1, 0, 0, 0, 0, 0, 0]);
        let words = ["`rpm`", "copy 127"];
        case.refused("corrupt", &words, || object.get());
        case.refused("corrupt", &words, || object.set(Pair::of(1)));
        case.refused("corrupt", &words, || object.pin().map(drop));
    });
}

#[test]
fn unsupported() {
    case!(unsupported, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let raw = Untyped::open_read_only(NAME, &case.world.scope()).expect("a view");
        let update = || raw.update(WAIT, |_| Ok::<(), ()>(()));
        case.refused("unsupported", &["`rpm`", "reading only"], update);
        drop(object);
    });
}

#[cfg(unix)] // It closes a descriptor by its number.
#[test]
fn liveness_lost() {
    case!(liveness_lost, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        // The one of the object; by the portable mechanism, another one is of this user's lock file.
        let inode = fs::metadata(case.path()).expect("the object").ino();
        let is_ours = |entry: &fs::DirEntry| {
            fs::metadata(entry.path()).is_ok_and(|found| found.ino() == inode)
        };
        let entries = fs::read_dir("/proc/self/fd").expect("the descriptors");
        let ours: Vec<_> = entries.map(|entry| entry.expect("an entry")).filter(is_ours).collect();
        assert_eq!(ours.len(), 1);
        let number = ours[0].file_name().to_str().and_then(|text| text.parse().ok());
        let number = number.expect("a number");
        sys::close_behind_its_back(number);
        assert_eq!(object.users().expect("asked by name").len(), 1);
        // Another file gets the number. It knows of no locks, and is not ours to close.
        let stranger = fs::File::open("/dev/null").expect("a file");
        assert_eq!(stranger.as_raw_fd(), number);
        assert_eq!(object.users().expect("asked by name").len(), 1);
        fs::rename(case.path(), case.world.path("elsewhere")).expect("another name");
        case.refused("liveness-lost", &["`rpm`", "descriptor"], || object.users());
        object.set(Pair::of(1)).expect("what needs no kernel goes on");
        fs::rename(case.world.path("elsewhere"), case.path()).expect("its name again");
        assert_eq!(object.users().expect("asked by name").len(), 1);
        drop(object);
        assert!(stranger.metadata().is_ok(), "the stranger's descriptor was closed");
        case.world.assert_empty();
    });
}

/// A peer cuts the file: SIGBUS at the access, or an error; documented, and no undefined behaviour.
#[cfg(unix)] // A section is as long as it is.
#[test]
fn truncated_in_use() {
    case!(truncated_in_use, |case| {
        let mut user = case.world.child("user");
        user.expect("create rpm", "ok");
        let file = fs::OpenOptions::new().write(true).open(case.path()).expect("the object");
        file.set_len(0).expect("a cut");
        user.say("get");
        let status = Child::end(user);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(sys::SIGBUS));
        case.refused_by_all("not-an-object", &["found 0"]);
        case.clear();
    });
}

#[test]
fn view_waits_as_a_user_does() {
    case!(view_waits_as_a_user_does, |case| {
        let object = case.options().create(NAME, || Pair::of(0)).expect("an object");
        let view = case.options().open_read_only(NAME).expect("a view");
        case.refused("timed-out", &["`rpm`"], || view.wait_version(view.version(), WAIT));
        drop(object);
        case.refused("ended", &["`rpm`"], || view.wait_version(view.version(), WAIT));
        view.wait_version(Version::NONE, WAIT).expect("an older one");
    });
}
