//! One process, one mapping: the same name twice, and threads that open at once.

use std::cell::RefCell;
use std::sync::{Barrier, mpsc};

use cohabit::{SharedValue, SharedView, Value};

use crate::support::user::Pair;
use crate::support::{Peer, World};

fn address(object: &SharedValue<Pair>) -> usize {
    std::ptr::from_ref::<Value<Pair>>(object).addr()
}

/// Opens one name several times, in one process.
pub(crate) fn same_name_twice(_peer: &mut Peer) {
    let create = || SharedValue::<Pair>::open_or_create("rpm", || Pair::of(1)).expect("an object");
    let (first, second) = (create(), create());
    let third = SharedValue::<Pair>::open("rpm").expect("an object");
    for other in [&second, &third, &first.clone()] {
        assert_eq!(address(&first), address(other));
        assert_eq!(other.created(), first.created());
        assert_eq!(other.users().expect("users").len(), 1);
    }
    assert!(first.created());
    assert_eq!(
        SharedValue::<Pair>::create("rpm", || Pair::of(2)).unwrap_err().code(),
        "already-exists"
    );
    let mismatch = SharedValue::<u32>::open("rpm").expect_err("another type");
    assert_eq!(mismatch.code(), "type-mismatch");
    let view: SharedView<Value<Pair>> = SharedValue::open_read_only("rpm").expect("a view");
    assert_eq!(first.users().expect("users").len(), 1);
    drop((first, third));
    second.set(Pair::of(5)).expect("a set");
    assert_eq!(view.get().expect("a value").whole(), 5);
    drop(second);
    assert_eq!(SharedValue::<Pair>::open("rpm").unwrap_err().code(), "not-found");
    let anew = create();
    assert_eq!(anew.get().expect("a value").whole(), 1);
    assert_eq!(view.get().expect("the old one's last").whole(), 5);
}

#[test]
fn the_same_name_twice_is_the_same_attachment() {
    World::new().run("threads", &[]);
}

/// Threads open one name at the same moment, again and again.
pub(crate) fn race(peer: &mut Peer) {
    const THREADS: usize = 4;
    let rounds: usize = peer.argument(0).parse().expect("a number");
    for round in 0..rounds {
        let name = format!("rpm-{round}");
        let (start, opened) = (Barrier::new(THREADS), Barrier::new(THREADS));
        let open = || {
            start.wait();
            let object = SharedValue::<Pair>::open_or_create(&name, || Pair::of(1));
            let object = object.expect("an object");
            object.update(|pair| *pair = Pair::of(pair.whole() + 1)).expect("an update");
            opened.wait();
            assert_eq!(object.users().expect("users").len(), 1, "one process, one slot");
            assert_eq!(object.get().expect("a value").whole(), 1 + THREADS as u64);
            opened.wait();
            (address(&object), object.created())
        };
        let all = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().expect("a thread")).collect::<Vec<_>>()
        });
        assert!(all.iter().all(|one| *one == all[0] && one.1), "{all:?}");
    }
}

/// Threads lose the race for a name, with an object whose pages the heap then uses again.
pub(crate) fn losers(_peer: &mut Peer) {
    type Large = [u64; 4096];
    for round in 0..40 {
        let name = format!("rpm-{round}");
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    SharedValue::<Large>::open_or_create(&name, || [0; 4096]).expect("an object");
                });
            }
        });
        let heap: Vec<_> = (0..8).map(|_| Box::new(Value::<Large>::new([0; 4096]))).collect();
        for value in &heap {
            assert_eq!(value.version().expect_err("it is on the heap").code(), "not-shared");
        }
        // Kept: the allocator maps large pieces anew only as long as none was given back.
        std::mem::forget(heap);
    }
}

#[test]
fn losers_of_a_race_leave_nothing_in_the_address_table() {
    let world = World::new();
    world.run("losers", &[]);
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

#[test]
fn threads_that_open_at_once_share_one_attachment() {
    World::new().run("thread-race", &["60"]);
}

/// Opens when its thread has ended its work, and says what it read.
struct AtEnd(mpsc::Sender<u64>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        let found = SharedValue::<Pair>::open("rpm").expect("an object");
        let own = SharedValue::<Pair>::open_or_create("late", || {
            let inner = SharedValue::<Pair>::open("late").expect_err("its own name");
            assert_eq!(inner.code(), "constructor-reentered");
            found.get().expect("a value")
        });
        let own = own.expect("an object");
        own.update(|pair| *pair = Pair::of(pair.whole() + 1)).expect("an update");
        own.set(Pair::of(own.get().expect("a value").whole() + 1)).expect("a set");
        self.0.send(own.get().expect("a value").whole()).expect("somebody listens");
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// Opens in a destructor at the end of a thread: registered before what the library itself might have
/// there, it runs after that is gone. A panic there would abort the process.
pub(crate) fn thread_end(_peer: &mut Peer) {
    let rpm = SharedValue::<Pair>::create("rpm", || Pair::of(1)).expect("an object");
    for opens in [true, false] {
        let (sender, receiver) = mpsc::channel();
        let work = move || {
            AT_END.set(Some(AtEnd(sender)));
            if opens {
                let first = SharedValue::<Pair>::create("first", || Pair::of(0));
                first.expect("an object").update(|pair| *pair = Pair::of(2)).expect("an update");
            }
        };
        std::thread::spawn(work).join().expect("the thread ends well");
        assert_eq!(receiver.recv().expect("it has opened"), 3);
    }
    drop(rpm);
}

#[test]
fn a_thread_opens_at_its_end() {
    World::new().run("thread-end", &[]);
}
