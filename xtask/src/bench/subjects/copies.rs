//! What get and set cost beside a plain copy of the same bytes.

use std::hint::black_box;
use std::path::Path;

use cohabit::{Plain, SharedValue, Value};

use super::{MyData, Setting, said, within};
use crate::bench::raw::Map;
use crate::bench::report::{Figure, Quantity};
use crate::bench::rounds::{Probe, Table, compare};

const FLOOR_OUT: &str = "plain copy out";
const FLOOR_IN: &str = "plain copy in";

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("copies")?;
    let mut figures = small(setting, &folder)?;
    figures.extend(large::<4096>(setting, &folder, "4 KiB")?);
    figures.extend(large::<65_536>(setting, &folder, "64 KiB")?);
    figures.extend(large::<{ 1 << 20 }>(setting, &folder, "1 MiB")?);
    Ok(figures)
}

fn figure(name: String, table: &Table, probe: usize, floor: usize, what: &'static str) -> Figure {
    let least = Quantity(table.median(floor), "ns");
    Figure::new(name).measured(table.median(probe), "ns").floor(
        what,
        least,
        table.ratio(probe, floor),
    )
}

/// README's struct, by value. The floors copy as many bytes as it has, out of a mapping and into it.
fn small(setting: &Setting, folder: &Path) -> Result<Vec<Figure>, String> {
    const SIZE: usize = size_of::<MyData>();
    let data = within::<Value<MyData>>(folder).create("small", MyData::default).map_err(said)?;
    let map = Map::of_path(&folder.join("small.bytes"), SIZE).map_err(|e| e.to_string())?;
    let (from, mut into) = (Private::<SIZE>::boxed(), Private::<SIZE>::boxed());
    let value = MyData::example(7);
    let expected = "nobody else uses this object";
    let table = compare(
        setting.rounds(),
        &mut [
            Probe::new(|| {
                black_box(&map).copy_out(0, &mut into.bytes);
                black_box(&into);
            }),
            Probe::new(|| {
                black_box(&map).copy_in(0, black_box(&from.bytes));
                black_box(&map);
            }),
            Probe::new(|| {
                let got = black_box(&data).get();
                assert!(black_box(&got).is_ok(), "{expected}");
            }),
            Probe::new(|| {
                let value = black_box(&value);
                black_box(&data).set(*value).expect(expected);
            }),
            Probe::new(|| {
                black_box(&data).set_from(black_box(&value)).expect(expected);
            }),
            Probe::new(|| black_box(&data).update(|d| d.x += 1).expect(expected)),
            Probe::new(|| {
                black_box(black_box(&data).get_part(MyData::X)).expect(expected);
            }),
        ],
    );
    let of = |name: &str, probe, floor, what| {
        figure(format!("MyData {name}"), &table, probe, floor, what)
    };
    Ok(vec![
        of("get", 2, 0, FLOOR_OUT).at_most(2.5).aim(2.0),
        of("set", 3, 1, FLOOR_IN).at_most(4.0),
        of("set_from", 4, 1, FLOOR_IN).at_most(4.0),
        of("update", 5, 1, FLOOR_IN),
        of("get_part (x)", 6, 0, FLOOR_OUT),
    ])
}

/// Bytes in place: `memcpy` between a private buffer and a mapping is the floor.
fn large<const N: usize>(
    setting: &Setting,
    folder: &Path,
    size: &str,
) -> Result<Vec<Figure>, String>
where
    [u8; N]: Plain,
{
    let options = within::<Value<[u8; N]>>(folder);
    let data: SharedValue<[u8; N]> =
        options.create_with(&format!("large-{N}"), |_| ()).map_err(said)?;
    let map =
        Map::of_path(&folder.join(format!("large-{N}.bytes")), N).map_err(|e| e.to_string())?;
    let mut buffer = Private::<N>::boxed();
    let mut into = Private::<N>::boxed();
    let from = Private::<N>::boxed();
    let expected = "nobody else uses this object";
    let table = compare(
        setting.rounds().min(501),
        &mut [
            Probe::new(|| black_box(&map).copy_out(0, black_box(&mut buffer.bytes[..]))),
            Probe::new(|| black_box(&map).copy_in(0, black_box(&from.bytes[..]))),
            Probe::new(|| {
                black_box(&data).get_into(black_box(&mut into.bytes)).expect(expected);
            }),
            Probe::new(|| {
                black_box(&data).set_from(black_box(&from.bytes)).expect(expected);
            }),
        ],
    );
    let get = figure(format!("get_into {size}"), &table, 2, 0, FLOOR_OUT).at_most(1.3);
    let set = figure(format!("set_from {size}"), &table, 3, 1, FLOOR_IN).at_most(1.3);
    Ok(vec![get, set])
}

/// Private bytes at a place in their page that is far from where mapped bytes begin in theirs.
#[repr(C, align(4096))]
struct Private<const N: usize> {
    before: [u8; 2048],
    bytes: [u8; N],
}

impl<const N: usize> Private<N> {
    /// Made of zeros on the heap: a stack may be too small.
    fn boxed() -> Box<Self> {
        // SAFETY: zeros are bytes, and padding may be anything.
        unsafe { Box::<Self>::new_zeroed().assume_init() }
    }
}
