//! Everything of cohabit that is read from bytes, under libFuzzer: what `cargo xtask lab fuzz` builds with
//! coverage, AddressSanitizer, overflow checks and debug assertions, and runs.
//!
//! `COHABIT_FUZZ_TARGET` names what is fuzzed ([`TARGETS`]), `COHABIT_DIR` a folder of the run's own; the
//! rest of the command line is libFuzzer's. With `COHABIT_FUZZ_SEEDS`, seeds of the target are written into
//! that folder, made by the library itself, and nothing is fuzzed.
//!
//! - `attach`: a whole file under an object's name · `schema`: the text that stands in an object
//! - `text`: types, paths, assignments, conditions, times, names · `command`: whole command lines
//! - `cheat`: a careless reader, which must be found
//! - `cli`: the command line's own modules, compiled here, since it is a program and no library

#![no_main]

mod attach;
mod cheat;
#[allow(dead_code, reason = "some of the command line is not fuzzed: demo, doctor, watch")]
mod cli_root;
mod command;
mod schema;
mod text;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

// The command line's modules find each other as those of the root.
use cli_root::{
    assignment, bad_text, cli, commands, dynamic, exit, export, grammar, nearest, out, path, table,
};

use libfuzzer_sys::fuzz_target;

/// Something that is fuzzed.
struct Target {
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
const TARGETS: [Target; 5] = [
    Target { name: "attach", run: attach::run, seeds: attach::seeds },
    Target { name: "schema", run: schema::run, seeds: schema::seeds },
    Target { name: "text", run: text::run, seeds: text::seeds },
    Target { name: "command", run: command::run, seeds: command::seeds },
    Target { name: "cheat", run: cheat::run, seeds: || vec![b"none".to_vec()] },
];

/// The one that this process fuzzes.
static TARGET: OnceLock<&Target> = OnceLock::new();

fn begin() {
    let name = std::env::var("COHABIT_FUZZ_TARGET").unwrap_or_default();
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = TARGET.get_or_init(|| target.expect("COHABIT_FUZZ_TARGET names a target"));
    limit_files();
    if let Some(folder) = std::env::var_os("COHABIT_FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            let path = Path::new(&folder).join(format!("seed-{number:03}"));
            fs::write(path, seed).expect("a seed is written");
        }
        std::process::exit(0);
    }
}

/// No file of ours grows over this many bytes, whatever type somebody types.
const LARGEST_FILE: u64 = 4 << 20;

fn limit_files() {
    let limit = libc::rlimit { rlim_cur: LARGEST_FILE, rlim_max: LARGEST_FILE };
    // SAFETY: `limit` outlives the call, which only reads it.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
    assert_eq!(set, 0, "the limit of file sizes is set");
}

fuzz_target!(init: begin(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});
