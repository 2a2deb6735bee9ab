//! `cohabit show`: an object's value, or a part of it, read without disturbing anybody.

use std::io::Write;

use cohabit::{Scope, Version};

use crate::dynamic::image::Image;
use crate::dynamic::show::{Layout, json, plain, quoted};
use crate::exit::{self, Outcome};
use crate::out;
use crate::path::{Part, Target};

/// What can be typed behind `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object, or a part of it: `NAME`, `NAME.field`, `NAME.list[2].field`
    ///
    /// A name may hold dots: the longest beginning that is an object's name is the name. The cells of
    /// an object with parts are read one after the other: each is whole, but they are not of one moment.
    #[arg(value_name = "NAME[.FIELD][[INDEX]]")]
    target: String,

    /// Print one JSON object with name, path, value, and the version if it is of one value
    #[arg(long)]
    json: bool,
}

/// Prints the value. Control characters in a text are escaped.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let target = Target::find(&args.target, scope)?;
    let part = target.part()?;
    let read = Image::read(&target.object, part)?;
    let form = if args.json { Form::Json } else { Form::People(Layout::Lines) };
    if !args.json && Image::is_unlocked(&target.object, part) {
        exit::say(
            "note: what a lock guards is read without its lock, perhaps in the middle of a change",
        );
    }
    let mut out = out::stdout();
    line(&mut out, &target, part, &read, form)?;
    out.flush()?;
    Ok(())
}

/// For whom a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A number or text by itself, or JSON.
    People(Layout),
    /// One JSON object in one line.
    Json,
}

/// Writes a part of an object that was read, for `show` and for `watch`.
///
/// # Errors
/// Of the writer only.
pub(crate) fn line(
    out: &mut impl Write,
    target: &Target<'_>,
    part: Part<'_>,
    (image, version): &(Image, Option<Version>),
    form: Form,
) -> std::io::Result<()> {
    let source = image.source(part);
    match form {
        Form::People(layout) => plain(out, part.node, source, layout)?,
        Form::Json => {
            write!(out, "{{\"name\":{}", quoted(target.object.name()))?;
            if !target.path().is_empty() {
                write!(out, ",\"path\":{}", quoted(target.path()))?;
            }
            if let Some(version) = version {
                write!(out, ",\"version\":{version}")?;
            }
            if Image::is_unlocked(&target.object, part) {
                out.write_all(b",\"unsynchronised\":true")?;
            }
            out.write_all(b",\"value\":")?;
            json(out, part.node, source, Layout::Compact)?;
            out.write_all(b"}")?;
        }
    }
    out.write_all(b"\n")
}
