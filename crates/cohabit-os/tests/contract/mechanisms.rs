//! The same suite for the other mechanism, and what chooses one.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use cohabit_os::{Mechanism, mechanism};

use crate::support::{Alone, child};

/// Runs tests of this program for another mechanism.
fn run(name: &str, tests: &[&str]) -> Output {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(tests).args(["--nocapture", "--test-threads=2"]).env("COHABIT_OS", name);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // To start a program takes the lock of the environment: a child that another test forks meanwhile would find
    // it taken for ever.
    let alone = Alone::now();
    let running = command.spawn().expect("it runs");
    drop(alone);
    running.wait_with_output().expect("it ends")
}

#[test]
fn the_portable_mechanism_keeps_the_contract() {
    if std::env::var_os("COHABIT_OS").is_some() {
        return; // This run is one of them.
    }
    let done = run("portable", &["--skip", "the_portable_mechanism_keeps_the_contract"]);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&done.stdout), said(&done.stderr));
    for line in out.lines().filter(|line| line.contains("not for the portable mechanism")) {
        println!("{line}");
    }
    assert!(done.status.success(), "{out}\n{err}");
    assert!(out.contains("the_name_of_a_mechanism_chooses_it"), "the suite was run: {out}");
}

#[test]
fn the_name_of_a_mechanism_chooses_it() {
    let chosen = std::env::var_os("COHABIT_OS");
    let expected = match chosen.as_deref().and_then(OsStr::to_str) {
        Some("portable") => Mechanism::Portable,
        _ => Mechanism::Linux,
    };
    assert_eq!(mechanism(), expected);
    let _alone = Alone::now();
    let child = child(|| {
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var("COHABIT_OS", "portable") };
        i32::from(mechanism() != expected)
    });
    assert_eq!(child.code(), 0, "what is chosen first stays, in children too");
}
