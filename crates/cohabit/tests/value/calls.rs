//! Every call of a value, in every form.

use std::time::Duration;

use cohabit::{SharedValue, Text, Value, Version, plain, text};

use crate::support::user::Pair;
use crate::support::{Peer, World};

const WAIT: Duration = Duration::from_secs(100);

/// All calls, one after the other, on one object.
pub(crate) fn forms(_peer: &mut Peer) {
    let object = SharedValue::<Pair>::create("forms", || Pair::of(0)).expect("an object");
    let view = SharedValue::<Pair>::open_read_only("forms").expect("a view");
    let mut expected = 1;
    let mut committed = |version: cohabit::Result<Version>, number: u64| {
        expected += 1;
        assert_eq!(version.expect("a commit").number(), expected);
        let (value, version) = object.read().expect("a value");
        assert_eq!((value, version.number()), (Pair::of(number), expected));
        assert_eq!(view.read().expect("a value"), (value, version));
    };
    let pair = Pair::of;
    committed(object.set(pair(1)), 1);
    committed(object.try_set(pair(2)), 2);
    committed(object.set_timeout(pair(3), WAIT), 3);
    committed(object.set_from(&pair(4)), 4);
    committed(object.try_set_from(&pair(5)), 5);
    committed(object.set_from_timeout(&pair(6), WAIT), 6);
    let six = |pair: &mut Pair| std::mem::replace(pair, Pair::of(pair.number + 1)).number;
    assert_eq!(object.update(six).expect("an update"), 6);
    assert_eq!(object.try_update(six).expect("an update"), 7);
    assert_eq!(object.update_timeout(six, WAIT).expect("an update"), 8);
    assert_eq!(object.get().expect("a value"), pair(9));
    let mut into = pair(0);
    assert_eq!(object.get_into(&mut into).expect("a value").number(), 10);
    assert_eq!(into, pair(9));
    assert_eq!(*object.get_boxed().expect("a value"), pair(9));
    assert_eq!(object.get_part(Pair::TWIN).expect("a part"), !9);
    assert_eq!(object.version().expect("a version").number(), 10);
    assert_eq!(view.get().expect("a value"), pair(9));
    assert_eq!(view.get_into(&mut into).expect("a value").number(), 10);
    assert_eq!(*view.get_boxed().expect("a value"), pair(9));
    assert_eq!(view.get_part(Pair::NUMBER).expect("a part"), 9);
    assert_eq!(view.version().number(), 10);
    let old = Version::NONE;
    assert_eq!(object.wait_changed(old, WAIT).expect("a change").0, pair(9));
    assert_eq!(object.wait_version(old, WAIT).expect("a change").number(), 10);
    assert_eq!(view.wait_changed(old, WAIT).expect("a change").0, pair(9));
    assert_eq!(view.wait_version(old, WAIT).expect("a change").number(), 10);
}

#[test]
fn every_call_in_every_form() {
    World::new().run("forms", &[]);
}

#[plain]
#[derive(Clone, Debug, PartialEq)]
struct Inner {
    on: bool,
    level: f64,
}

#[plain]
#[derive(Clone, Debug, PartialEq)]
struct Outer {
    id: u8,
    inner: [Inner; 3],
    name: Text<12>,
    last: u16,
}

fn outer() -> Outer {
    let inner = Inner { on: true, level: 0.5 };
    Outer { id: 1, inner: [inner.clone(), inner.clone(), inner], name: text!("abc"), last: 9 }
}

/// Parts are written alone, and the rest stays.
pub(crate) fn parts(_peer: &mut Peer) {
    let object = SharedValue::<Outer>::create("parts", outer).expect("an object");
    let level = Outer::INNER.at(1).then(Inner::LEVEL);
    object.set_part(level, 2.5).expect("a commit");
    object.try_set_part(Outer::NAME, text!("longer text")).expect("a commit");
    let last = object.set_part_timeout(Outer::LAST, 77, WAIT).expect("a commit");
    assert_eq!(last.number(), 4);
    let mut expected = outer();
    expected.inner[1].level = 2.5;
    expected.name = text!("longer text");
    expected.last = 77;
    assert_eq!(object.get().expect("a value"), expected);
    assert_eq!(object.get_part(level).expect("a part").to_bits(), 2.5_f64.to_bits());
    assert_eq!(object.get_part(Outer::INNER.at(2)).expect("a part"), expected.inner[2]);
    let pin = object.pin().expect("a pin");
    assert_eq!(pin.get_part(Outer::NAME).expect("a part"), text!("longer text"));
    assert_eq!(pin.version(), last);
    let filled = SharedValue::<Outer>::create_with("filled", |fill| {
        fill.put(Outer::ID, 3);
        fill.put_from(Outer::INNER.at(2).then(Inner::ON), &true);
    });
    let filled = filled.expect("an object").get().expect("a value");
    assert_eq!((filled.id, filled.inner[2].on, filled.inner[0].on), (3, true, false));
    assert_eq!((filled.name.as_str(), filled.last), (Ok(""), 0));
    let failed = SharedValue::<Outer>::create_with("failed", |_| Err::<(), _>(std::fmt::Error));
    assert_eq!(failed.expect_err("its error").code(), "constructor-failed");
}

#[test]
fn parts_are_written_alone() {
    World::new().run("parts", &[]);
}

/// A value outside of any object.
pub(crate) fn alone(_peer: &mut Peer) {
    let on_stack = Value::new(Pair::of(1));
    let _object = SharedValue::<Pair>::create("other", || Pair::of(0)).expect("an object");
    let in_box = Box::new(Value::new(Pair::of(1)));
    for value in [&on_stack, &in_box] {
        let codes = [
            value.get().unwrap_err().code(),
            value.set(Pair::of(2)).unwrap_err().code(),
            value.update(|pair| pair.number).unwrap_err().code(),
            value.pin().unwrap_err().code(),
            value.version().unwrap_err().code(),
            value.wait_version(Version::NONE, WAIT).unwrap_err().code(),
        ];
        assert_eq!(codes, ["not-shared"; 6]);
    }
    let whole = SharedValue::<Pair>::create("whole", || Value::new(Pair::of(7)));
    assert_eq!(whole.expect("a Value as contents").get().expect("a value").whole(), 7);
}

#[test]
fn a_value_outside_of_an_object_is_not_shared() {
    World::new().run("alone", &[]);
}

#[test]
fn what_one_process_sets_another_gets() {
    let world = World::new();
    let mut a = world.child("user");
    let mut b = world.child("user");
    a.expect("create rpm", "ok");
    b.expect("open rpm", "ok");
    b.expect("view rpm", "ok");
    for n in 0..50_u64 {
        let (writer, reader) = if n % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        writer.expect(format!("set {n}"), &format!("ok {}", n + 2));
        assert_eq!(reader.ask("read"), format!("ok {n}@{}", n + 2));
        assert_eq!(b.ask("view_read"), format!("ok {n}@{}", n + 2));
    }
}
