//! How a handle comes to another process, and that what arrives is the same object.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use cohabit::{SharedValue, Standing, Value};
use cohabit_os::handle::{AsFd, BorrowedFd};

use crate::support::user::Pair;
use crate::support::{Child, Peer, World, has_handles, sys, windows_since};

/// Where a test hands things over: a path of its own.
pub(crate) fn socket(world: &World) -> String {
    world.root().join("socket").display().to_string()
}

/// One gives, the other takes: the answers of both.
#[track_caller]
pub(crate) fn hand(world: &World, giver: &mut Child, taker: &mut Child, how: [&str; 2]) -> String {
    let socket = socket(world);
    giver.expect(format!("{} {socket}", how[0]), "listening");
    let taken = taker.ask(format!("{} {socket}", how[1]));
    giver.expect_next("ok given");
    taken
}

/// Starts a child that inherits a descriptor under a number that both know.
#[cfg(unix)]
pub(crate) fn heir_of(world: &World, role: &str, handle: impl AsFd) -> Child {
    use std::os::{fd::AsRawFd, unix::process::CommandExt};
    let mut command = heirs_command(world, role);
    let number = handle.as_fd().as_raw_fd();
    let inherit = move || {
        sys::duplicate(number, NUMBER);
        Ok(())
    };
    // SAFETY: it runs between fork and exec, and makes one system call.
    unsafe { command.pre_exec(inherit) };
    Child::start(command, role)
}

/// Starts a child that inherits a handle, and is told its number.
#[cfg(windows)]
pub(crate) fn heir_of(world: &World, role: &str, handle: impl AsFd) -> Child {
    use std::os::windows::io::AsRawHandle;
    let mut command = heirs_command(world, role);
    let inherited = sys::inheritable(handle.as_fd());
    command.env(NUMBER, inherited.as_raw_handle().addr().to_string());
    Child::start(command, role)
}

fn heirs_command(world: &World, role: &str) -> std::process::Command {
    let mut command = Child::command(role, &[]);
    command.env("COHABIT_DIR", world.root()).env("COHABIT_TEST_LOG", world.root().join("log"));
    command
}

/// The number under which a child inherits the descriptor.
#[cfg(unix)]
const NUMBER: i32 = 100;

/// Where a child finds the number of the handle that it inherited.
#[cfg(windows)]
const NUMBER: &str = "COHABIT_TEST_HANDLE";

/// The handle that a child inherited.
#[cfg(unix)]
pub(crate) fn inherited() -> BorrowedFd<'static> {
    // SAFETY: whoever started this process put the handle there, and nobody here closes it.
    unsafe { BorrowedFd::borrow_raw(NUMBER) }
}

/// The handle that a child inherited.
#[cfg(windows)]
pub(crate) fn inherited() -> BorrowedFd<'static> {
    let number = std::env::var(NUMBER).expect("a handle").parse().expect("its number");
    // SAFETY: whoever started this process put the handle there, and nobody here closes it.
    unsafe { BorrowedFd::borrow_raw(std::ptr::without_provenance_mut(number)) }
}

/// Joins by inheritance, adds one, and stays.
pub(crate) fn heir(peer: &mut Peer) {
    let object = SharedValue::<Pair>::from_fd(inherited()).expect("an object");
    let same = SharedValue::<Pair>::from_fd(inherited()).expect("an object");
    assert!(std::ptr::eq(&raw const *object, &raw const *same), "one attachment");
    let number = object.update(|pair| {
        *pair = Pair::of(pair.whole() + 1);
        pair.number
    });
    peer.say(format!("{} {}", object.created(), number.expect("an update")));
    peer.hear();
}

#[test]
fn a_child_inherits_the_object() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(6)).expect("an object");
    assert!(object.created());
    assert_eq!(object.name(), "anonymous");
    assert_eq!(object.standing().expect("a standing"), Standing::Live);
    let mut heir = heir_of(&world, "heir", object.to_fd().expect("a handle"));
    heir.expect_next("false 7");
    assert_eq!(object.get().expect("a value").whole(), 7);
    let pids: Vec<_> = object.users().expect("users").iter().map(|user| user.pid).collect();
    assert_eq!(pids, [std::process::id(), heir.pid()]);
    heir.leave();
    assert_eq!(object.users().expect("users").len(), 1);
    world.assert_empty();
}

/// Joins by what its standard input is, without any code of its own to carry it.
pub(crate) fn by_stdin(peer: &mut Peer) {
    let object = SharedValue::<Pair>::from_fd(std::io::stdin()).expect("an object");
    object.set(Pair::of(8)).expect("a set");
    peer.say("set");
}

#[test]
fn a_child_gets_the_object_as_its_standard_input() {
    if !has_handles() {
        return;
    }
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(6)).expect("an object");
    let mut command = Child::command("by-stdin", &[]);
    command.stdin(object.to_fd().expect("a handle")).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "> set"));
    assert!(child.wait().expect("a status").success());
    assert_eq!(object.get().expect("a value").whole(), 8);
}

#[test]
fn a_handle_goes_from_process_to_process_over_a_socket() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b, mut c] = [world.child("user"), world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    assert_eq!(hand(&world, &mut a, &mut b, ["give", "take"]), "ok created=false");
    b.expect("set 5", "ok 2");
    a.expect("get", "ok 5");
    a.expect("status", "ok Live");
    assert_eq!(a.ask("name"), "anonymous");
    // Whoever made it is not needed for more.
    a.kill();
    assert_eq!(hand(&world, &mut b, &mut c, ["give", "take"]), "ok created=false");
    c.expect("update", "ok 6");
    b.expect("get", "ok 6");
    let users = b.ask("users");
    assert_eq!(users, format!("ok {}:false {}:false", b.pid(), c.pid()));
    // By whichever access: once taken, an object of this process is the same.
    assert_eq!(hand(&world, &mut b, &mut c, ["give", "take"]), "ok created=false");
    assert_eq!(c.ask("users"), users);
    [b, c].into_iter().for_each(Child::leave);
    world.assert_empty();
}

#[test]
fn a_view_sees_and_hands_on_what_it_sees() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b, mut c] = [world.child("user"), world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    for how in ["give", "give_read_only"] {
        assert_eq!(hand(&world, &mut a, &mut b, [how, "take_view"]), "ok view");
        a.expect("set 5", "ok");
        b.expect("view_read", "ok 5");
        assert_eq!(hand(&world, &mut b, &mut c, ["give", "take_view"]), "ok view");
        c.expect("view_get", "ok 5");
        let refused = hand(&world, &mut b, &mut c, ["give", "take"]);
        assert!(refused.starts_with("err read-only-handle"), "{refused}");
    }
    assert_eq!(a.ask("users"), format!("ok {}:false", a.pid()));
    b.say("view_wait 60000");
    a.expect("set 6", "ok");
    b.expect_next("ok 6");
    a.kill();
    b.expect("view_status", "ok Orphan");
    b.expect("view_get", "ok 6");
    // Nobody keeps it: a handle that arrives now is one of an object that is over.
    let over = hand(&world, &mut b, &mut c, ["give", "take_view"]);
    assert!(over.starts_with("err ended"), "{over}");
}

#[test]
fn locks_of_a_killed_user_are_had_and_a_stopped_one_is_not_robbed() {
    if !has_handles() {
        return;
    }
    let world = World::new();
    let [mut a, mut b] = [world.child("user"), world.child("user")];
    a.expect("anonymous", "ok created=true");
    hand(&world, &mut a, &mut b, ["give", "take"]);
    a.expect("hold", "inside");
    a.stop();
    let busy = b.expect("set_timeout 4 30", "err busy");
    assert!(busy.contains("`anonymous`") && busy.contains(&a.pid().to_string()), "{busy}");
    a.kill();
    b.expect("set 4", "ok 2");
    b.expect("get", "ok 4");
}

#[test]
fn a_large_object_and_a_slice_are_built_in_place() {
    if !has_handles() {
        return;
    }
    let options = cohabit::Shared::<Value<[u64]>>::options().len(1000);
    let slice = options.anonymous_with(|fill| {
        (0..1000).for_each(|at| fill.put(cohabit::Part::element(at), at as u64));
    });
    let slice = slice.expect("an object");
    let same = cohabit::Shared::<Value<[u64]>>::from_fd(slice.to_fd().expect("a handle"));
    assert_eq!(same.expect("the same").get_boxed().expect("a value")[999], 999);
    let wrong = cohabit::Shared::<Value<[u64]>>::options().len(7);
    let refused = wrong.from_fd(slice.to_fd().expect("a handle")).expect_err("another length");
    assert_eq!(refused.code(), "length-mismatch");
    let counts = cohabit::Shared::<[std::sync::atomic::AtomicU64]>::options().len(5);
    let counts = counts.anonymous_in_place(|counts| {
        counts[4].store(9, std::sync::atomic::Ordering::Relaxed);
    });
    let counts = counts.expect("an object");
    let same = cohabit::Shared::<[std::sync::atomic::AtomicU64]>::from_fd(
        counts.to_fd().expect("a handle"),
    );
    let same = same.expect("the same");
    assert_eq!((same.len(), same[4].load(std::sync::atomic::Ordering::Relaxed)), (5, 9));
}

#[test]
fn an_object_with_a_name_has_no_handle() {
    let world = World::new();
    let options = SharedValue::<Pair>::options().scope(world.scope());
    let object = options.create("rpm", || Pair::of(1)).expect("an object");
    let view = options.open_read_only("rpm").expect("a view");
    for refused in [object.to_fd(), object.to_read_only_fd(), view.to_fd()] {
        assert_eq!(refused.expect_err("it has a name").code(), "unsupported");
    }
    assert_eq!(object.forbid_new_writers().expect_err("it has a name").code(), "unsupported");
}

#[test]
fn where_no_seal_keeps_writers_out_it_says_so_and_all_goes_on() {
    if !has_handles() || !windows_since("there are no seals") {
        return;
    }
    let object = SharedValue::<Pair>::anonymous(|| Pair::of(1)).expect("an object");
    let handle = object.to_fd().expect("a handle");
    assert_eq!(object.forbid_new_writers().expect_err("no seals").code(), "unsupported");
    let same = SharedValue::<Pair>::from_fd(&handle).expect("a user as any other");
    same.set(Pair::of(2)).expect("a set");
}
