//! The oracle of two processes, tried: one that lives where it should be dead is found, and one that dies
//! where it should go on.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::process::Command;

/// Whether this run is another mechanism's than the laboratory's.
fn is_anothers() -> bool {
    let other = std::env::var_os("COHABIT_OS").is_some_and(|name| name == "portable");
    if other {
        println!("not for the portable mechanism: the laboratory watches byte locks and futexes");
    }
    other
}

fn recovery(pair: &str, cheat: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["lab", "recovery", "--seed", "7", "--pair", pair]).args(cheat);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_holder_that_is_only_stopped_is_told_from_a_dead_one() {
    if is_anothers() {
        return;
    }
    let (held, text) = recovery("mutex_lock + mutex_lock, beside", &["--cheat", "first-lives"]);
    assert!(!held && text.contains("hang: mate"), "{text}");
}

#[test]
fn one_that_was_stopped_and_does_not_go_on_is_found() {
    if is_anothers() {
        return;
    }
    for pair in [
        "set + set, beside",
        "mutex_lock + mutex_lock, beside",
        "rw_write + rw_read, beside",
        "semaphore_acquire + semaphore_acquire, beside",
        "once_call + once_call, beside",
        "barrier_gives_up + barrier_wait, beside",
        "open_or_create + open_or_create, beside",
    ] {
        let (held, text) = recovery(pair, &["--cheat", "victim-dies"]);
        assert!(!held && text.contains("went on, and ended by"), "{pair}: {text}");
        assert!(text.contains("lab recovery --seed 7"), "{text}");
    }
}
