//! `explain`, `completions` and `man`: the texts that come with the program.

#[cfg(unix)]
use std::process::Command;
use std::process::Stdio;

use cohabit::ErrorKind;
use serde_json::Value as Json;

use crate::support::Place;
#[cfg(unix)]
use crate::support::Ran;

#[test]
fn every_code_is_explained_by_code_and_by_name() {
    let place = Place::new();
    let list: Json = serde_json::from_str(&place.run(&["explain", "--json"]).fine()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), ErrorKind::ALL.len());
    let all = place.run(&["explain"]).fine();
    for kind in ErrorKind::ALL {
        assert!(all.contains(&format!("\n{} ", kind.code())), "{}", kind.code());
    }
    let by_code = place.run(&["explain", "folder-unsafe"]).fine();
    assert_eq!(by_code, place.run(&["explain", "folderunsafe"]).fine());
    assert_eq!(
        by_code,
        "folder-unsafe (ErrorKind::FolderUnsafe)\n\n\
         Others may write the folder, so a name in it could be anyone's.\n\
         Use a folder that only you may write (chmod go-w).\n\n\
         Usual causes, and what to do:\n\n\
         - the folder was made under a umask that lets the group write\n  \
           `chmod go-w FOLDER`; for the user's own folder `chmod 700`.\n\n\
         - the folder is one for everybody, such as /tmp\n  \
           Make a folder of your own in it with mode 700, and use that.\n\n\
         - a shared object had other rights before, and something strange lies in its folder\n  \
           Look at what lies there, and take the folder away: `rm -r /dev/shm/cohabit.NAME`.\n\n\
         The command line ends with exit code 6.\n"
    );
}

#[test]
fn an_unknown_code_gets_the_nearest_ones() {
    let place = Place::new();
    let err = place.run(&["explain", "not-fuond"]).failed(2);
    assert_eq!(err, "error: there is no code `not-fuond`: did you mean not-found?\n");
    let err = place.run(&["explain", "zzzzzzzz"]).failed(2);
    assert_eq!(err, "error: there is no code `zzzzzzzz`: `cohabit explain` lists all codes\n");
}

#[test]
fn every_command_that_a_text_names_is_there() {
    let place = Place::new();
    let help = place.run(&["--help"]).fine();
    let texts =
        [place.run(&["explain", "--json"]).fine(), include_str!("../../../../docs/cli.md").into()];
    for text in &texts {
        for named in
            text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("cohabit "))
        {
            let verb = named.split_whitespace().next().unwrap();
            let is_there = verb.starts_with('-') || help.contains(&format!("\n  {verb} "));
            assert!(is_there, "`cohabit {named}`");
        }
    }
}

#[test]
fn every_command_and_exit_code_is_in_the_documentation() {
    let place = Place::new();
    let docs = include_str!("../../../../docs/cli.md");
    let help = place.run(&["--help"]).fine();
    for verb in commands(&help) {
        assert!(verb == "help" || docs.contains(&format!("\n| `cohabit {verb}")), "{verb}");
    }
    let codes = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    let codes: Vec<_> = codes.filter_map(|line| line.trim().split_once("  ")).collect();
    assert!(codes.len() >= 8, "{codes:?}");
    for (code, meaning) in codes {
        let row = docs.lines().find(|line| line.starts_with(&format!("| {code} | ")));
        let first = meaning.split([';', ',', ':']).next().unwrap();
        assert!(row.is_some_and(|row| row.contains(first)), "{code}: {meaning}");
    }
}

/// The commands that `--help` lists.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verb = |line: &'_ str| {
        line.strip_prefix("  ").and_then(|line| line.split(' ').next().map(str::len))
    };
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| Some(&line[2..2 + verb(line)?]))
        .filter(|verb| !verb.is_empty())
        .collect()
}

#[test]
fn completions_know_commands_and_codes() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).fine();
        assert!(script.contains("doctor"), "{shell}");
        // What is hidden is not offered in words.
        assert!(!script.contains("demo-process"), "{shell}");
    }
    let script = place.run(&["completions", "bash"]).fine();
    assert!(script.contains(" not-found "));
}

#[test]
#[cfg(unix)]
fn bash_completes_a_command() {
    let place = Place::new();
    let script = place.run(&["completions", "bash"]).fine();
    let asks = "COMP_WORDS=(cohabit expl); COMP_CWORD=1; _cohabit cohabit expl cohabit; echo \"${COMPREPLY[@]}\"";
    let completed =
        Command::new("bash").args(["-c", &format!("{script}\n{asks}")]).output().unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap(), "explain\n");
}

#[test]
fn each_command_has_a_manual_page() {
    let place = Place::new();
    assert!(place.run(&["man"]).fine().contains(".TH cohabit 1"));
    assert!(place.run(&["man", "show"]).fine().contains("cohabit\\-show"));
    let err = place.run(&["man", "dcotor"]).failed(2);
    assert!(err.contains("there is no command `dcotor`; did you mean doctor?"), "{err}");
    let pages = place.folder.join("pages");
    std::fs::create_dir(&pages).unwrap();
    place.run(&["man", "--out", pages.to_str().unwrap()]).fine();
    let help = place.run(&["--help"]).fine();
    let commands = commands(&help);
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands.into_iter().filter(|verb| *verb != "help") {
        let page = pages.join(format!("cohabit-{command}.1"));
        assert!(page.is_file(), "{}", page.display());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    for args in [&["explain"][..], &["completions", "bash"], &["man"], &["doctor"]] {
        let mut command = place.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
#[cfg(unix)]
fn nobody_to_write_to_from_the_start_is_no_panic() {
    let full = Ran::of(Command::new("sh").args([
        "-c",
        "\"$0\" explain >&-",
        env!("CARGO_BIN_EXE_cohabit"),
    ]));
    assert_ne!(full.code, Some(101), "{}", full.err);
}
