//! A child that was forked inside a constructor and comes out of it late: when the parent has finished
//! the object, and has written to it. Nothing of the child's gets into it.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::atomic::{AtomicU64, Ordering};

use cohabit::{Scope, Shareable, Shared, SharedValue, Value};

use crate::support::user::Pair;
use crate::support::{Peer, World, sys};

/// A fork whose child waits inside the constructor until it is told to come out.
struct Fork {
    child: Option<u32>,
    /// Both ends of a pipe: whoever reads, waits.
    reader: PipeReader,
    writer: Option<PipeWriter>,
}

impl Fork {
    fn new() -> Fork {
        let (reader, writer) = pipe().expect("a pipe");
        Fork { child: None, reader, writer: Some(writer) }
    }

    /// Forks; in the child, returns late. Says whether this is the child.
    fn here(&mut self) -> bool {
        self.child = sys::forked_into_both();
        if self.child.is_none() {
            self.writer = None;
            self.reader.read_exact(&mut [0]).expect("the parent says when");
        }
        self.child.is_none()
    }

    /// What came of creating: the child ends here, having been told that it is one.
    fn outcome<T: Shareable + ?Sized>(&self, created: cohabit::Result<Shared<T>>) -> Shared<T> {
        if self.child.is_some() {
            return created.expect("the parent's object");
        }
        let told = created.is_err_and(|error| error.code() == "forked");
        sys::leave_at_once(u8::from(!told))
    }

    /// Lets the child come out, and waits for its end.
    fn release(mut self) {
        let mut writer = self.writer.take().expect("the parent");
        writer.write_all(&[1]).expect("the child waits");
        assert_eq!(sys::code_of(self.child.expect("the parent")), 0, "the child is told");
    }
}

/// Writes as the parent, lets the child come out, and looks whether anything has changed.
fn nothing_changes(fork: Fork, object: &SharedValue<Pair>) {
    assert!(object.created());
    assert_eq!(object.read().expect("a value").0.whole(), 1);
    // More often than there are copies, so that the first one is in use again.
    for number in 2..=40 {
        object.set(Pair::of(number)).expect("a set");
    }
    let before = object.read().expect("a value");
    assert_eq!((before.0.whole(), before.1.number()), (40, 40));
    let folder = cohabit::folder_of(&Scope::User).expect("the folder").expect("it is there");
    let bytes = || std::fs::read(folder.join(object.name())).expect("the object");
    let all = bytes();
    fork.release();
    assert_eq!(object.read().expect("a value"), before);
    assert!(bytes() == all, "the child wrote something");
    object.set(Pair::of(41)).expect("a set");
    assert_eq!(object.read().expect("a value").1.number(), 41);
}

/// What a child's constructor leaves is not what the parent's does.
fn pair(is_child: bool) -> Pair {
    Pair::of(if is_child { 666 } else { 1 })
}

/// A value, by each form that a constructor may return.
pub(crate) fn value(_peer: &mut Peer) {
    let mut fork = Fork::new();
    let created = SharedValue::<Pair>::open_or_create("plain", || pair(fork.here()));
    let object = fork.outcome(created);
    nothing_changes(fork, &object);

    let mut fork = Fork::new();
    let created = SharedValue::<Pair>::create("boxed", || Box::new(pair(fork.here())));
    let object = fork.outcome(created);
    nothing_changes(fork, &object);

    let mut fork = Fork::new();
    let created = SharedValue::<Pair>::create("cell", || Value::new(pair(fork.here())));
    let object = fork.outcome(created);
    nothing_changes(fork, &object);

    let mut fork = Fork::new();
    let result = || match fork.here() {
        true => Err("the child fails"),
        false => Ok(pair(false)),
    };
    let created = SharedValue::<Pair>::create("result", result);
    // The child's own failure comes first, and ends nothing.
    if fork.child.is_none() {
        sys::leave_at_once(u8::from(created.is_ok()));
    }
    let object = fork.outcome(created);
    nothing_changes(fork, &object);
}

/// An atomic.
pub(crate) fn atomic(_peer: &mut Peer) {
    let mut fork = Fork::new();
    let create = || AtomicU64::new(if fork.here() { 666 } else { 1 });
    let created = Shared::<AtomicU64>::open_or_create("count", create);
    let object = fork.outcome(created);
    object.fetch_add(1000, Ordering::Relaxed);
    fork.release();
    assert_eq!(object.load(Ordering::Relaxed), 1001);
}

/// A filling constructor, between two parts.
pub(crate) fn fill(_peer: &mut Peer) {
    let mut fork = Fork::new();
    let created = SharedValue::<Pair>::create_with("filled", |fill| {
        fill.put(Pair::NUMBER, 1);
        let is_child = fork.here();
        fill.put(Pair::TWIN, pair(is_child).twin);
        fill.put_from(Pair::NUMBER, &pair(is_child).number);
    });
    let object = fork.outcome(created);
    nothing_changes(fork, &object);
}

/// A constructor in place, between two writes to a slice; in the child every call says what it is.
pub(crate) fn in_place(_peer: &mut Peer) {
    let mut fork = Fork::new();
    let options = SharedValue::<[u64]>::options().len(3);
    let created = options.create_in_place("slice", |slice| {
        slice.set_from(&[1, 1, 1]).expect("a set");
        if fork.here() {
            let refused = |code: &str| assert_eq!(code, "forked");
            refused(slice.set_from(&[666; 3]).expect_err("a child").code());
            refused(slice.update(|all| all.fill(666)).expect_err("a child").code());
            refused(slice.get_boxed().expect_err("a child").code());
        }
    });
    let object = fork.outcome(created);
    for number in 2..=9 {
        object.set_from(&[number; 3]).expect("a set");
    }
    fork.release();
    assert_eq!(&*object.get_boxed().expect("a value"), &[9; 3]);
    assert_eq!(object.set_from(&[10; 3]).expect("a set").number(), 10);
}

#[test]
fn a_child_that_leaves_a_constructor_in_place_late_writes_nothing() {
    World::new().run("late-fork-in-place", &[]);
}

#[test]
fn a_child_that_leaves_a_constructor_late_writes_no_value() {
    World::new().run("late-fork-value", &[]);
}

#[test]
fn a_child_that_leaves_a_constructor_late_writes_no_atomic() {
    World::new().run("late-fork-atomic", &[]);
}

#[test]
fn a_child_that_leaves_a_filling_constructor_late_writes_no_part() {
    World::new().run("late-fork-fill", &[]);
}
