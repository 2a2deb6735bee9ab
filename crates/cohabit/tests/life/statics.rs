//! Handles in statics: the object is left by `exit` and by the return from main, while other threads
//! still use it.

use std::sync::OnceLock;

use cohabit::SharedValue;

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, sys};

static OBJECT: OnceLock<SharedValue<Pair>> = OnceLock::new();

/// Keeps its handle in a static, and ends as the argument says.
pub(crate) fn keeper(peer: &mut Peer) {
    let object = SharedValue::<Pair>::open_or_create("static", || Pair::of(0)).expect("an object");
    let object = OBJECT.get_or_init(|| object);
    if peer.argument(1) == "busy" {
        let endless = |base: u64| {
            for n in base.. {
                // Ended under it: whatever it says, it must not crash.
                let _ = object.set(Pair::of(n));
            }
        };
        std::thread::spawn(move || endless(1));
        std::thread::spawn(move || endless(1 << 40));
        while object.version().expect("a version").number() < 100 {
            std::thread::yield_now();
        }
    }
    match peer.argument(0) {
        "exit" => std::process::exit(0),
        "main" => peer.on_to_main = true,
        "wait" => {
            peer.say("here");
            peer.hear();
        }
        other => panic!("no such end: {other}"),
    }
}

#[test]
fn a_static_handle_is_left_at_the_end_of_the_process() {
    let world = World::new();
    for end in ["exit", "main"] {
        world.run("static", &[end, "quiet"]);
        world.assert_empty();
    }
}

#[test]
fn an_exit_while_other_threads_set_leaves_nothing() {
    let world = World::new();
    for _ in 0..15 {
        world.run("static", &["exit", "busy"]);
        world.assert_empty();
    }
    world.run("static", &["main", "busy"]);
}

#[test]
fn of_several_processes_that_exit_the_last_one_leaves_nothing() {
    let (world, mut left_over) = (World::new(), 0);
    for _ in 0..5 {
        let mut keepers: Vec<_> =
            (0..4).map(|_| world.child_with("static", &["wait", "busy"])).collect();
        keepers.iter_mut().for_each(|keeper| drop(keeper.expect_next("here")));
        keepers.iter_mut().for_each(|keeper| keeper.say("go"));
        keepers.into_iter().for_each(crate::support::Child::finish);
        left_over += cohabit::collect(&world.scope()).expect("a tidy folder").removed.len();
        world.assert_empty();
    }
    // Who is kept from running for longer than the others try leaves as if killed: rarely.
    assert!(left_over <= 2, "{left_over} of 5 rounds left a file");
}

/// Leaves by `exit`, and is kept there by a hook that is older than the library's.
#[cfg(unix)] // Its exit is like a kill there: nothing runs.
pub(crate) fn late_leaver(peer: &mut Peer) {
    extern "C" fn linger() {
        Peer::say_late("left");
        let _told = std::io::stdin().read_line(&mut String::new());
    }
    sys::at_exit(linger);
    let object = SharedValue::<Pair>::open("rpm").expect("an object");
    OBJECT.get_or_init(|| object);
    peer.say("here");
    peer.hear();
    std::process::exit(0)
}

#[cfg(unix)] // Its exit is like a kill there: nothing runs.
#[test]
fn who_is_on_its_way_out_is_not_counted() {
    for in_vain in [false, true] {
        let world = World::new();
        let mut user = world.child("user");
        user.expect("create rpm", "ok created=true");
        let mut late = world.child("late-leaver");
        late.expect_next("here");
        let path = world.path("rpm");
        let inside = in_vain.then(|| {
            let mut inside = world.child_with("section", &[path.to_str().expect("a path")]);
            inside.expect_next("inside");
            inside
        });
        // Where it cannot have the life byte, it says so in its row all the same.
        late.expect("go", "left");
        inside.into_iter().for_each(Child::leave);
        user.expect("drop", "ok");
        world.assert_empty();
        late.say("go");
        late.finish();
    }
}
