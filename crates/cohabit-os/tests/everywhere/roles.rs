//! What peers do, by the name of the role. Each begins with what it is told.

use std::path::PathBuf;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use cohabit_os::error::Cause;
use cohabit_os::liveness::{Anchor, Byte, Entered, LifeSection, Way};
use cohabit_os::mapping::{Access, File, retire, status_of};
use cohabit_os::process::{boot_id, identity};
use cohabit_os::wait::{Deadline, monotonic_ms, wait, wait_any, wake_all, wake_one};

use crate::support::{LONG, kind_of, map, say, told, word};

/// Not a test: what a peer runs. Without a role it has nothing to do.
#[test]
fn play() {
    let Ok(role) = std::env::var("COHABIT_OS_ROLE") else { return };
    match role.as_str() {
        "hold" => hold(),
        "be inside" => be_inside(),
        "add inside" => add_inside(),
        "stay" => stay(),
        "wait" => wait_for(0),
        "wake" => wake(),
        "wait for many" => wait_for_many(),
        "publish" => publish(),
        #[cfg(windows)]
        "publish as anybody" => {
            give_up_privileges();
            publish();
        }
        "look" => look(),
        "clock" => say(&monotonic_ms().to_string()),
        other => panic!("no role {other:?}"),
    }
}

fn path() -> PathBuf {
    told().into()
}

/// Says who it is, and stays until the end.
fn stay() {
    let me = identity();
    say(&format!("{} {}", me.pid, me.start));
    told();
}

/// Holds the byte of slot 0 until the end.
fn hold() {
    let file = File::open(&path(), Access::ReadWrite).expect("an open file");
    let _anchor = Anchor::take(file, Byte::user(0, 1)).expect("a free byte");
    say("held");
    told();
}

fn be_inside() {
    let path = path();
    let id = status_of(&path).expect("a file").id;
    let Ok(Entered::Yes(section)) = LifeSection::try_enter(Way::Name(&path), id) else {
        panic!("it is free");
    };
    say("inside");
    told();
    drop(section);
    say("left");
    told();
}

/// Adds in two steps, which others may not come between.
fn add_inside() {
    let path = path();
    let id = status_of(&path).expect("a file").id;
    let map = map(&path);
    for _ in 0..100 {
        let entered = LifeSection::enter(Way::Name(&path), id, None).expect("an answer");
        let Entered::Yes(_section) = entered else { panic!("{entered:?}") };
        let seen = word(&map, 0).load(Relaxed);
        std::thread::yield_now();
        word(&map, 0).store(seen + 1, Relaxed);
    }
    say("added");
}

/// Waits until a word is not 0, says so in word 1 while it waits, and hands a wake-up on.
fn wait_for(at: usize) {
    let map = map(&path());
    word(&map, 1).fetch_add(1, Relaxed);
    say("waits");
    while word(&map, at).load(Acquire) == 0 {
        wait(word(&map, at), 0, Deadline::after(LONG));
    }
    wake_one(word(&map, at));
    say("woken");
}

/// Changes word 0, and wakes all who wait for it.
fn wake() {
    let map = map(&path());
    word(&map, 0).store(1, Release);
    wake_all(word(&map, 0));
    say("woke");
}

/// Waits until one of the words from 8 on is not 0.
fn wait_for_many() {
    let map = map(&path());
    let count: usize = told().parse().expect("a number");
    let words: Vec<_> = (8..8 + count).map(|at| (word(&map, at), 0)).collect();
    say("waits");
    while words.iter().all(|(word, _)| word.load(Acquire) == 0) {
        wait_any(&words, Deadline::after(LONG));
    }
    say("woken");
}

/// Publishes when it is told to, and says whether it was the first; keeps it until the end, or takes the name away first.
fn publish() {
    let (path, lasts) = (path(), kind_of(&told()));
    let folder = path.parent().expect("a folder");
    let file = File::lasting(folder, 4096, 0o600, lasts).expect("a file");
    file.write_at(b"made", 0).expect("written");
    say("ready");
    told();
    match file.publish(&path) {
        Ok(()) => say("won"),
        Err(error) if error.cause() == Cause::AlreadyExists => say("lost"),
        Err(error) => panic!("{error}"),
    }
    if told() == "retire" {
        let id = file.status().expect("a status").id;
        assert!(retire(&path, id).expect("an answer"), "it had the name");
        say("retired");
    }
}

/// Says what stands in word 0, and the number of this boot; then changes the word.
fn look() {
    let map = map(&path());
    say(&word(&map, 0).load(Acquire).to_string());
    say(&boot_id().expect("a boot id").to_string());
    word(&map, 0).store(2, Release);
    say("changed");
}

/// Lets go of what this process may do beyond what lists of rights say.
#[cfg(windows)]
fn give_up_privileges() {
    use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
    use std::ptr;
    use windows_sys::Win32::Security::{AdjustTokenPrivileges, TOKEN_ADJUST_PRIVILEGES};
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
    let mut token = ptr::null_mut();
    // SAFETY: the call has no precondition.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle stands for this process; `token` is ours.
    let opened = unsafe { OpenProcessToken(process, TOKEN_ADJUST_PRIVILEGES, &raw mut token) };
    assert_ne!(opened, 0, "our own token");
    // SAFETY: a handle that nobody else has.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let (all, none) = (1, ptr::null_mut());
    // SAFETY: the token is open, and there is neither a list of privileges nor room for the old ones.
    let done = unsafe {
        AdjustTokenPrivileges(token.as_raw_handle(), all, ptr::null(), 0, none, ptr::null_mut())
    };
    assert_ne!(done, 0, "without privileges");
}
