//! Orphans of another type, and what a role of another type finds.

use cohabit::{Keep, SharedValue, plain};

use crate::support::{Child, Peer, World, keeps_what_nobody_uses};

#[plain]
#[derive(Debug)]
struct Other {
    a: [u32; 100],
    b: i8,
}

/// Creates `rpm` as another type, if the argument says that it can.
pub(crate) fn other_type(peer: &mut Peer) {
    let opened = SharedValue::<Other>::open_or_create("rpm", || Other { a: [1; 100], b: -1 });
    match (opened, peer.argument(0)) {
        (Ok(object), "true") => {
            assert!(object.created());
            assert_eq!(object.get().expect("a value").b, -1);
        }
        (Err(error), "false") => {
            assert_eq!(error.code(), "type-mismatch");
            let nobody = error.detail().contains("nobody: it is kept");
            assert!(nobody || error.detail().contains("held by pid"), "{error}");
        }
        (opened, _) => panic!("opened: {opened:?}"),
    }
}

#[test]
fn an_orphan_of_another_type_is_reclaimed() {
    let world = World::new();
    let mut users = [world.child("user"), world.child("user")];
    users.iter_mut().for_each(|user| drop(user.expect("open_or_create rpm", "ok")));
    world.run("other-type", &["false"]);
    let [a, b] = users;
    a.kill();
    world.run("other-type", &["false"]);
    b.kill();
    world.run("other-type", &["true"]);
}

#[test]
fn a_kept_object_of_another_type_is_refused() {
    if !keeps_what_nobody_uses() {
        return;
    }
    let world = World::new();
    let mut user = world.child("user");
    user.expect("open_or_create rpm keep=reboot", "ok");
    user.expect("drop", "ok");
    world.run("other-type", &["false"]);
    let options = SharedValue::<Other>::options().scope(world.scope()).keep(Keep::UntilReboot);
    let refused = options.open_read_only("rpm").expect_err("another type");
    assert_eq!(refused.code(), "type-mismatch");
    Child::leave(user);
    cohabit::remove(&world.scope(), "rpm", false).expect("nobody uses it");
}
