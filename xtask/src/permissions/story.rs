//! The story: root publishes an object that everyone reads and a group writes. Nobody reads it, and can
//! do nothing else: not write, lock, block, or take the live name. And the sticky bit.

use super::Report;
use super::people::{People, Person, paths, rights};
use crate::tools::Outcome;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const NAME: &str = "board";
const BOARD: &str = "everyone+r,group+w";

/// Asks, and checks how the answer begins.
fn check(report: &mut Report, person: &Person, order: &str, must: &str) -> Outcome {
    let answer = person.ask(order)?;
    report.check(answer.starts_with(must), || {
        format!("{}: {order}: expected `{must}`, found `{answer}`", person.who.name)
    });
    Ok(())
}

/// Everybody whom the story needs.
struct Cast<'a> {
    root: Person,
    member: &'a Person,
    reader: &'a Person,
    nobody: &'a Person,
}

fn cast<'a>(
    people: &'a People,
    report: &mut Report,
    story: &str,
) -> Result<Option<Cast<'a>>, String> {
    let names = ["group", "other", "nobody"].map(|name| people.actor(name));
    let ([Some(member), Some(reader), Some(nobody)], Some(root)) = (names, people.another("root"))
    else {
        report.skip(format!("{story}: it needs root, a member, a reader and nobody"));
        return Ok(None);
    };
    Ok(Some(Cast { root: root?, member, reader, nobody }))
}

/// Runs it.
pub(super) fn run(people: &People, report: &mut Report) -> Outcome {
    if let Some(mut cast) = cast(people, report, "nobody's attempts")? {
        report.cells += 1;
        publishes(people, report, &cast)?;
        nobody_meddles(people, report, &cast)?;
        others_go_on(people, report, &mut cast)?;
        people.clear()?;
    }
    for mode in [0o1777, 0o1755, 0o755, 0o777] {
        sticky_bit(people, report, mode)?;
    }
    Ok(())
}

fn publishes(people: &People, report: &mut Report, cast: &Cast<'_>) -> Outcome {
    let order = |verb: &str| format!("{verb} {NAME} {BOARD}");
    check(report, &cast.root, &order("open_or_create"), "ok created=true")?;
    check(report, cast.member, &order("open"), "ok created=false")?;
    check(report, cast.member, "set 3", "ok")?;
    check(report, cast.nobody, &order("open"), "err permission-denied")?;
    check(report, cast.nobody, &order("open_or_create"), "err permission-denied")?;
    check(report, cast.nobody, &order("create"), "err permission-denied")?;
    check(report, cast.nobody, &order("open_read_only"), "ok view")?;
    check(report, cast.nobody, "get", "ok 3")?;
    let (folder, object, lock) = paths(people.root(), NAME);
    let lock = lock.ok_or("no lock file")?;
    let modes =
        [folder, object, lock].map(|path| rights(&path).map(|(mode, owner, _)| (mode, owner)));
    let expected = [0o775, 0o664, 0o660].map(|mode| Some((mode, 0)));
    report.check(modes == expected, || format!("what root published: {modes:?}"));
    Ok(())
}

fn nobody_meddles(people: &People, report: &mut Report, cast: &Cast<'_>) -> Outcome {
    let (folder, object, lock) = paths(people.root(), NAME);
    let (folder, object) = (folder.display(), object.display());
    let lock = lock.ok_or("no lock file")?;
    let (lock, elsewhere) = (lock.display(), people.root().join("elsewhere"));
    let elsewhere = elsewhere.display();
    for deed in [
        format!("write {object}"),
        format!("write {lock}"),
        format!("lock {lock}"),
        format!("remove {object}"),
        format!("remove {lock}"),
        format!("rename {object} {elsewhere}"),
        format!("rename {lock} {elsewhere}"),
        format!("rename {folder} {elsewhere}"),
        format!("file {folder}/other"),
        format!("folder {folder}/other"),
        format!("fifo {folder}/other"),
        format!("link {folder}/other /etc/passwd"),
        format!("file {folder}"),
        format!("folder {folder}"),
        format!("fifo {folder}"),
        format!("link {folder} /etc/passwd"),
    ] {
        check(report, cast.nobody, &deed, "err")?;
    }
    // What it may read, it may lock for reading: all of it, and for as long as it likes.
    check(report, cast.nobody, &format!("lock {object}"), "ok")
}

/// While nobody holds its locks: writing, opening, taking over from the dead, ending, making anew.
fn others_go_on(people: &People, report: &mut Report, cast: &mut Cast<'_>) -> Outcome {
    let order = |verb: &str| format!("{verb} {NAME} {BOARD}");
    check(report, cast.member, "set 4", "ok")?;
    check(report, cast.reader, &order("open_read_only"), "ok view")?;
    check(report, cast.reader, "get", "ok 4")?;
    check(report, cast.member, "leave", "ok")?;
    check(report, cast.member, &order("open"), "ok created=false")?;
    check(report, &cast.root, "hold", "ok inside")?;
    cast.root.kill(people.root())?;
    check(report, cast.member, "set 5", "ok")?;
    check(report, cast.reader, "get", "ok 5")?;
    check(report, cast.nobody, "get", "ok 5")?;
    check(report, cast.member, "leave", "ok")?;
    // The object has ended, its folder is root's, and the next member makes it anew there.
    let left = people.names();
    report.check(left == [format!("cohabit.{NAME}")], || format!("after the end: {left:?}"));
    check(report, cast.member, &order("open"), "err not-found")?;
    check(report, cast.nobody, &order("open_or_create"), "err permission-denied")?;
    check(report, cast.member, &order("open_or_create"), "ok created=true")?;
    check(report, cast.member, "set 6", "ok")?;
    check(report, cast.reader, "leave", "ok")?;
    check(report, cast.reader, &order("open_read_only"), "ok view")?;
    check(report, cast.reader, "get", "ok 6")?;
    check(report, &cast.root, &order("open"), "ok created=false")?;
    for person in [cast.member, cast.reader, cast.nobody, &cast.root] {
        check(report, person, "leave", "ok")?;
    }
    let left = people.names();
    report.check(left.is_empty(), || format!("after root left last: {left:?}"));
    Ok(())
}

/// What a second name does, which the kernel lets anybody give to a file, or not.
pub(super) fn second_names(people: &People, report: &mut Report) -> Outcome {
    let Some(cast) = cast(people, report, "second names")? else { return Ok(()) };
    let order = |verb: &str| format!("{verb} {NAME} {BOARD}");
    check(report, &cast.root, &order("open_or_create"), "ok created=true")?;
    let (_, object, _) = paths(people.root(), NAME);
    let elsewhere = people.root().join("elsewhere");
    // Whichever the kernel answers, nobody is stopped by it.
    let _ = cast.nobody.ask(&format!("hard {} {}", elsewhere.display(), object.display()))?;
    check(report, cast.member, &order("open"), "ok created=false")?;
    check(report, cast.member, "set 7", "ok")?;
    check(report, cast.reader, &order("open_read_only"), "ok view")?;
    check(report, cast.reader, "get", "ok 7")?;
    for person in [cast.member, cast.reader, cast.nobody, &cast.root] {
        check(report, person, "leave", "ok")?;
    }
    people.clear()
}

/// The folder of all objects: whether it is sticky changes nothing, but that where others write, it must
/// be.
fn sticky_bit(people: &People, report: &mut Report, mode: u32) -> Outcome {
    let set = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(people.root(), mode).map_err(|e| e.to_string())
    };
    let Some(root) = people.actor("root") else { return Ok(()) };
    set(mode)?;
    report.cells += 1;
    let must = if mode == 0o777 { "err folder-unsafe" } else { "ok created=true" };
    check(report, root, &format!("open_or_create {NAME} everyone+w"), must)?;
    if let (Some(other), false) = (people.actor("other"), mode == 0o777) {
        check(report, other, &format!("open {NAME} owner"), "ok created=false")?;
        check(report, other, "leave", "ok")?;
    }
    check(report, root, "leave", "ok")?;
    let left = people.names();
    report.check(left.is_empty(), || format!("with mode {mode:04o}: {left:?}"));
    set(0o1777)
}
