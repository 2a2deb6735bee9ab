//! Forks in the middle of attaching, detaching and writing by other threads.

use std::sync::atomic::{AtomicBool, Ordering};

use cohabit::SharedValue;

use crate::support::user::Pair;
use crate::support::{Peer, World, sys};

/// Two threads attach and detach without pause while the main thread forks; every child attaches too.
pub(crate) fn storm(peer: &mut Peer) {
    let forks: usize = peer.argument(0).parse().expect("a number");
    let base = SharedValue::<Pair>::open_or_create("base", || Pair::of(0)).expect("an object");
    let done = AtomicBool::new(false);
    let attach_and_write = |name: &str| {
        let object = SharedValue::<Pair>::open_or_create(name, || Pair::of(0));
        object.expect("an object").update(|pair| *pair = Pair::of(pair.whole() + 1))
    };
    std::thread::scope(|scope| {
        for name in ["left", "right"] {
            let (done, attach_and_write) = (&done, &attach_and_write);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    attach_and_write(name).expect("an update");
                }
            });
        }
        for _ in 0..forks {
            let child = sys::forked(|| {
                assert_eq!(base.get().unwrap_err().code(), "forked");
                for name in ["base", "left", "right", "mine"] {
                    attach_and_write(name).expect("an update");
                }
                0
            });
            assert_eq!(sys::code_of(child), 0);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(base.get().expect("a value").whole(), forks as u64);
}

#[test]
fn children_forked_in_a_storm_of_attaching_attach_themselves() {
    let world = World::new();
    world.run("storm", &["150"]);
    // A child shares descriptions for a moment, so somebody may have left as if killed.
    cohabit::collect(&world.scope()).expect("a tidy folder");
}
