//! Objects of more than 4 GiB: one element is looked at and set, and nothing else is read. Run by
//! `cargo xtask test-large`, which looks whether there is room for them on disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cohabit::{Part, Shared, SharedValue};

use crate::support::Place;

const LINE: u64 = 4 << 30;

fn place() -> Place {
    let folder = std::env::var_os("COHABIT_LARGE_FOLDER").expect("run by `cargo xtask test-large`");
    Place::below(&PathBuf::from(folder))
}

#[test]
#[ignore = "reserves 5 GiB on disk: cargo xtask test-large"]
fn a_cell_behind_4_gib() {
    let place = place();
    let options = Shared::<[AtomicU64]>::options().scope(place.scope()).len(5 << 27);
    let behind = (LINE / 8) as usize;
    let hits = options.create_in_place("hits", |hits| hits[behind].store(77, Relaxed)).unwrap();
    assert_eq!(place.run(&["show", &format!("hits[{behind}]")]).fine(), "77\n");
    place.run(&["set", "hits", "[671088639]=9"]).fine();
    assert_eq!(hits[(5 << 27) - 1].load(Relaxed), 9);
    let failed = place.run(&["show", "hits"]).failed(1);
    assert!(failed.contains("name a part, such as hits[0]"), "{failed}");
    let failed = place.run(&["show", "hits[671088640]"]).failed(2);
    assert!(failed.contains("there are 671088640 elements"), "{failed}");
}

#[test]
#[ignore = "reserves 13 GiB on disk: cargo xtask test-large"]
fn a_part_of_a_value_behind_4_gib() {
    let place = place();
    let options = SharedValue::<[u8]>::options().scope(place.scope()).len(LINE + 100);
    let picture = options.create_with("picture", |fill| {
        fill.put(Part::element(LINE as usize), 5);
        fill.put(Part::element(LINE as usize + 99), 7);
    });
    let picture = picture.unwrap();
    // Less than a copy of the value would take, so that one would be refused.
    let limited = |argument: &str| {
        let mut shell = std::process::Command::new("sh");
        let script = "ulimit -v $1 && shift && exec \"$@\"";
        let most = (picture.size() + (1 << 30)) / 1024;
        shell.args(["-c", script, "sh", &most.to_string(), env!("CARGO_BIN_EXE_cohabit")]);
        shell.args(["show", argument, "--folder"]).arg(&place.folder);
        crate::support::Ran::of(&mut shell)
    };
    assert_eq!(limited("picture[4294967296]").fine(), "5\n");
    assert_eq!(limited("picture[4294967395]").fine(), "7\n");
    let failed = limited("picture");
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("no memory for a private copy of 4294967396 bytes"), "{failed:?}");
}
