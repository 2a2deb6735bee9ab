//! The oracles of the storm, tried: actors that cheat are found, and those that do not are not.
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

fn storm(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.args(["lab", "storm", "--seed", "7"]).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The lines of `--list`: each kind, and behind it what its actors can do wrong.
fn kinds() -> Vec<(String, Vec<(String, String)>)> {
    let mut kinds: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in storm(&["--list"]).1.lines() {
        match line.trim().strip_prefix("--cheat ") {
            Some(cheat) => {
                let (how, found) = cheat.split_once(" is found: ").unwrap();
                kinds.last_mut().unwrap().1.push((how.trim().to_owned(), found.to_owned()));
            }
            None => kinds.push((line.split(' ').next().unwrap().to_owned(), Vec::new())),
        }
    }
    kinds
}

#[test]
fn every_cheat_is_found_by_the_oracle_that_is_meant_to() {
    if is_anothers() {
        return;
    }
    for (kind, cheats) in kinds() {
        assert!(!cheats.is_empty(), "nobody has tried the oracle of {kind}");
        for (cheat, found) in cheats {
            let (held, text) = storm(&["--arena", &kind, "--cheat", &cheat, "--kills", "20000"]);
            assert!(!held && text.contains(&found), "{kind}, {cheat}: no `{found}` in:\n{text}");
            let repeat = format!("lab storm --seed 7 --kills 20000 --arena {kind}");
            assert!(text.contains(&repeat), "{text}");
        }
    }
}

#[test]
fn honest_actors_are_found_honest() {
    if is_anothers() {
        return;
    }
    let (held, text) = storm(&["--kills", "600"]);
    assert!(held, "{text}");
    assert!(text.contains(" 0 violations"), "{text}");
}
