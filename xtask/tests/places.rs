//! `docs/places.md` says of each scope, on each system and for each way to keep an object, what it is: no cell is empty.

const DOC: &str = include_str!("../../docs/places.md");
const SYSTEMS: [&str; 3] = ["Linux", "macOS, FreeBSD", "Windows"];

/// The cells of a table's line.
fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn each_scope_is_told_on_each_system_and_for_each_keep() {
    let mut lines = DOC.lines().skip_while(|line| !line.starts_with("| `Scope` | system |"));
    let heads = cells(lines.next().expect("the table"));
    for (head, keep) in heads[2..].iter().zip(["WhileUsed", "UntilReboot", "OnDisk"]) {
        assert!(head.contains(keep), "{head}: {keep}");
    }
    let rows: Vec<_> = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect();
    let mut told = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), heads.len(), "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "an empty cell: {row:?}");
        let scope = if row[0].starts_with("no name") { "no name" } else { row[0] };
        told.push((scope, row[1]));
    }
    let scopes = ["`User`", "`Folder`", "`Machine`", "no name"];
    let all: Vec<_> =
        scopes.iter().flat_map(|scope| SYSTEMS.map(|system| (*scope, system))).collect();
    assert_eq!(told, all);
}
