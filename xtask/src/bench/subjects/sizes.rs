//! How much shared memory an object takes, all told.

use std::path::Path;

use cohabit::{Build, ErrorKind, Plain, Value, plain};

use super::{MyData, Setting, said, within};
use crate::bench::report::Figure;

#[plain]
#[derive(Clone, Copy, Debug)]
struct Of8 {
    bytes: [u8; 8],
}

#[plain]
#[derive(Clone, Copy, Debug)]
struct Of264 {
    bytes: [u8; 264],
}

#[plain]
#[derive(Clone, Copy, Debug)]
struct Of4096 {
    bytes: [u8; 4096],
}

const LARGE: usize = 64 << 20;

#[plain]
#[derive(Debug)]
struct OfLarge {
    bytes: [u8; LARGE],
}

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("sizes")?;
    Ok(vec![
        one(&folder, "8", Of8 { bytes: [0; 8] })?,
        one(&folder, "260 (MyData)", MyData::default())?,
        one(&folder, "264", Of264 { bytes: [0; 264] })?,
        one(&folder, "4096", Of4096 { bytes: [0; 4096] })?,
        large(&folder)?,
    ])
}

fn figure(size: &str) -> Figure {
    Figure::new(format!("segment for T of {size}"))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of objects are exact in a double")]
fn one<T: Plain>(folder: &Path, size: &str, value: T) -> Result<Figure, String>
where
    Value<T>: Build<T>,
{
    let object = within::<Value<T>>(folder).create("sized", || value).map_err(said)?;
    let pages = format!("{} pages of 4 KiB", object.size() as f64 / 4096.0);
    Ok(figure(size).measured(object.size() as f64, "bytes").note(pages))
}

/// The largest T that is promised. Its pages are reserved for a moment.
#[expect(clippy::cast_precision_loss, reason = "sizes of objects are exact in a double")]
fn large(folder: &Path) -> Result<Figure, String> {
    let figure = figure("64 MiB");
    match within::<Value<OfLarge>>(folder).create_with("large", |_| ()) {
        Ok(object) => {
            let mebibytes = object.size() as f64 / f64::from(1 << 20);
            let note = format!("{mebibytes:.3} MiB");
            Ok(figure.measured(object.size() as f64, "bytes").note(note))
        }
        Err(error) if error.kind() == ErrorKind::NoSpace => Ok(figure.skipped(error.to_string())),
        Err(error) => Err(said(error)),
    }
}
