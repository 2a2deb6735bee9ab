//! The examples, each run with its two sides.

mod support;

#[path = "../examples/follow.rs"]
#[allow(dead_code, reason = "its main is another program's")]
mod follow;

use crate::support::{Child, Peer, World, has_handles};

roles! {
    "follow-service" => follow_service,
    "follow-client" => follow_client,
    "handle-serve" => handle_serve,
    "handle-join" => handle_join,
}

fn follow_service(_: &mut Peer) {
    follow::service().expect("a service");
}

fn follow_client(_: &mut Peer) {
    follow::client().expect("a client");
}

/// Reads what an example prints, up to a line that has this text.
fn prints(child: &mut Child, text: &str) {
    while !child.hear_anything().contains(text) {}
}

#[test]
fn a_client_follows_a_service_from_life_to_life() {
    let world = World::new();
    let mut client = world.child("follow-client");
    for life in ["life 1", "life 2", "life 3"] {
        let service = world.child("follow-service");
        prints(&mut client, life);
        prints(&mut client, "rpm");
        service.kill();
    }
    client.kill();
    cohabit::collect(&world.scope()).expect("a tidy folder");
}

fn handle_serve(peer: &mut Peer) {
    support::handing::serve(peer.argument(0)).expect("somebody who serves");
}

fn handle_join(peer: &mut Peer) {
    support::handing::join(peer.argument(0)).expect("somebody who joins");
}

#[test]
fn a_handle_is_served_and_joined() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let socket = world.root().join("socket").display().to_string();
    let mut server = world.child_with("handle-serve", &[&socket]);
    prints(&mut server, "900 rpm");
    for joined in ["901 rpm, with 2 users", "902 rpm, with 2 users"] {
        let mut client = world.child_with("handle-join", &[&socket]);
        prints(&mut client, joined);
        client.finish();
    }
    server.kill();
    world.assert_empty();
}
