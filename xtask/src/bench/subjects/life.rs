//! Attaching and detaching, creating and being the last one out, beside the bare system calls.

use std::path::Path;

use cohabit::Value;

use super::{MyData, Setting, holder, said, within};
use crate::bench::raw::{Map, Place};
use crate::bench::report::{Figure, Quantity};
use crate::bench::rounds::{Probe, compare};

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("life")?;
    Ok(vec![attach(setting, &folder)?, create(setting, &folder)?])
}

/// A second user, of an object that another process keeps alive.
fn attach(setting: &Setting, folder: &Path) -> Result<Figure, String> {
    let _other = holder(folder, "attached")?;
    let options = within::<Value<MyData>>(folder);
    let size = bytes_of(options.open("attached").map_err(said)?.size())?;
    drop(Map::of_path(&folder.join("attached.bytes"), size).map_err(|e| e.to_string())?);
    let place = Place::new(folder, "attached.bytes").map_err(|e| e.to_string())?;
    let table = compare(
        setting.rounds(),
        &mut [
            Probe::new(|| place.bare_attach(size).expect("the file is there")),
            Probe::new(|| drop(options.open("attached").expect("the object is kept"))),
        ],
    );
    let floor = Quantity(table.median(0) / 1000.0, "µs");
    Ok(Figure::new("attach + detach")
        .measured(table.median(1) / 1000.0, "µs")
        .floor("open, mmap, touch, undo", floor, table.ratio(1, 0))
        .at_most(4.5)
        .aim(3.5))
}

/// The only user, from nothing to nothing.
fn create(setting: &Setting, folder: &Path) -> Result<Figure, String> {
    let options = within::<Value<MyData>>(folder);
    let make = || options.create("created", MyData::default);
    let size = bytes_of(make().map_err(said)?.size())?;
    let place = Place::new(folder, "created.bytes").map_err(|e| e.to_string())?;
    let table = compare(
        setting.rounds(),
        &mut [
            Probe::new(|| place.bare_create(size).expect("there is room")),
            Probe::new(|| drop(make().expect("there is room"))),
        ],
    );
    let floor = Quantity(table.median(0) / 1000.0, "µs");
    Ok(Figure::new("create + last one out")
        .measured(table.median(1) / 1000.0, "µs")
        .floor("O_TMPFILE … linkat, undo", floor, table.ratio(1, 0))
        .at_most(2.0))
}

fn bytes_of(size: u64) -> Result<usize, String> {
    usize::try_from(size).map_err(|e| e.to_string())
}
