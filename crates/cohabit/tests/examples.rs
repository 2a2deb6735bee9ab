//! The examples, each run with its two sides.

mod support;

#[path = "../examples/child.rs"]
#[allow(dead_code, reason = "its main is another program's")]
mod child;

#[path = "../examples/follow.rs"]
#[allow(dead_code, reason = "its main is another program's")]
mod follow;

#[path = "../examples/service/main.rs"]
#[allow(dead_code, reason = "its main is another program's")]
mod service;

use crate::support::{Child, Peer, World, has_handles};
#[cfg(unix)]
use crate::support::{handing::example as handle, is_root, sys};

roles! {
    "follow-service" => follow_service,
    "follow-client" => follow_client,
    "child" => child_child,
    #[cfg(unix)]
    "handle-serve" => handle_serve,
    #[cfg(unix)]
    "handle-join" => handle_join,
    "heater-run" => heater_run,
    "heater-watch" => heater_watch,
    "heater-want" => heater_want,
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

fn child_child(_: &mut Peer) {
    child::child().expect("a child");
}

#[test]
fn a_child_is_given_an_object() {
    if has_handles() {
        child::parent(Child::command("child", &[])).expect("a parent");
    }
}

#[cfg(unix)]
fn handle_serve(peer: &mut Peer) {
    handle::serve(peer.argument(0)).expect("somebody who serves");
}

#[cfg(unix)]
fn handle_join(peer: &mut Peer) {
    handle::join(peer.argument(0)).expect("somebody who joins");
}

#[test]
#[cfg(unix)]
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

/// Whose members write the heater: any group that a program of this test is a member of.
fn group() -> String {
    if cfg!(windows) {
        return "Users".to_owned();
    }
    let said = std::process::Command::new("id").arg("-gn").output().expect("the name of a group");
    String::from_utf8(said.stdout).expect("a name").trim().to_owned()
}

fn heater_run(_: &mut Peer) {
    service::run(&group()).expect("a service");
}

/// Plays on as somebody who is in no group that matters.
#[cfg(unix)]
fn become_nobody(peer: &Peer) {
    if peer.argument(0) == "nobody" {
        sys::become_for_good(65534, 65534, &[]);
    }
}

/// Whether this test may play on as somebody else.
#[cfg(windows)]
fn is_root() -> bool {
    false
}

#[cfg(windows)]
fn become_nobody(_: &Peer) {}

fn heater_watch(peer: &mut Peer) {
    become_nobody(peer);
    service::heater::watch().expect("an end of the service");
}

fn heater_want(peer: &mut Peer) {
    become_nobody(peer);
    match service::heater::want(24.0) {
        Ok(()) => {}
        Err(error) => peer.say(error.code()),
    }
}

#[test]
fn a_service_is_read_by_everyone_and_written_by_a_group() {
    let world = World::new();
    #[cfg(unix)]
    world.open_to_all();
    let mut service = world.child("heater-run");
    prints(&mut service, "ready");
    let mut member = world.child_with("heater-want", &["member"]);
    prints(&mut member, "soon 24.00");
    member.finish();
    let reader = if is_root() { "nobody" } else { "member" };
    let mut watch = world.child_with("heater-watch", &[reader]);
    prints(&mut watch, "24.00 degrees");
    if is_root() {
        world.child_with("heater-want", &["nobody"]).expect_next("permission-denied");
    }
    service.end_input();
    prints(&mut watch, "the service has ended");
    watch.finish();
    service.finish();
}
