//! `cohabit watch`: a line for each change, until the object ends.
//!
//! It only reads: it keeps no object alive, and changes that follow each other closely may show as one.

use std::cell::OnceCell;
use std::io::Write;
use std::time::{Duration, Instant};

use cohabit::untyped::{Cell, Untyped};
use cohabit::{ErrorKind, Keep, Scope, Status, Version};

use crate::cli::{parse_count, parse_time};
use crate::commands::show::{Form, line};
use crate::dynamic::image::Image;
use crate::dynamic::show::Layout;
use crate::exit::{self, Failure, Outcome};
use crate::out;
use crate::path::{Part, Target};

/// How long to wait in one piece, before asking whether any user is left.
const PIECE: Duration = Duration::from_millis(200);

/// How often an object without versions is read.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What can be typed behind `watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object, or a part of it: then only its own changes are printed
    #[arg(value_name = "NAME[.FIELD][[INDEX]]")]
    target: String,

    /// Print each line as a JSON object with name, path, version and value
    #[arg(long)]
    json: bool,

    /// Stop after so many lines
    #[arg(long, value_name = "N", value_parser = parse_count)]
    count: Option<u64>,

    /// Give up when nothing changes for so long, such as 500ms or 2s [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timeout: Option<Duration>,
}

/// Prints the present value, then each change.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let target = Target::find(&args.target, scope)?;
    let part = target.part()?;
    let form = if args.json { Form::Json } else { Form::People(Layout::Compact) };
    let watched = Watched { object: &target.object, part, scope, is_kept: OnceCell::new() };
    let mut out = out::stdout();
    let mut last: Option<Image> = None;
    let mut printed = 0;
    let mut still_since = Instant::now();
    loop {
        let seen = Image::read(&target.object, part)?;
        if last.as_ref() != Some(&seen.0) {
            line(&mut out, &target, part, &seen, form)?;
            out.flush()?;
            last = Some(seen.0.clone());
            printed += 1;
            still_since = Instant::now();
        }
        if args.count.is_some_and(|count| printed >= count) {
            return Ok(());
        }
        let until = args.timeout.and_then(|timeout| still_since.checked_add(timeout));
        match watched.next(&seen, until)? {
            Next::Changed => {}
            Next::Still => {
                let name = target.object.name();
                return Err(Failure::TimedOut(format!("`{name}` did not change in time")));
            }
            Next::Ended => {
                exit::say(&format!("`{}` has ended", target.object.name()));
                return Ok(());
            }
        }
    }
}

/// What came of waiting.
enum Next {
    /// The value may be another one.
    Changed,
    /// It is the same, and the time is over.
    Still,
    /// The object is over.
    Ended,
}

/// What was read last.
type Seen = (Image, Option<Version>);

/// An object that is watched.
struct Watched<'a> {
    object: &'a Untyped,
    part: Part<'a>,
    scope: &'a Scope,
    /// Whether it lives on without users; asked when there are none for the first time.
    is_kept: OnceCell<bool>,
}

impl Watched<'_> {
    /// Waits for the next change, or for the end.
    fn next(&self, seen: &Seen, until: Option<Instant>) -> Result<Next, Failure> {
        loop {
            let left = until.map_or(PIECE, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(Next::Still);
            }
            let waited = match (seen.1, self.part.cell_in(self.object)) {
                (Some(version), Some(cell)) => wait_for_version(cell, version, left.min(PIECE))?,
                _ => self.look_again(&seen.0, left.min(PIECE))?,
            };
            match waited {
                Next::Still if self.is_orphan()? => return Ok(Next::Ended),
                Next::Still => {}
                other => return Ok(other),
            }
        }
    }

    /// Nobody tells that an atomic, or one of several cells, has changed: it is read again and again.
    fn look_again(&self, seen: &Image, time: Duration) -> Result<Next, Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            std::thread::sleep(LOOK_AGAIN.min(time));
            if Image::read(self.object, self.part)?.0 != *seen {
                return Ok(Next::Changed);
            }
            if self.object.status()? != Status::Live {
                return Ok(Next::Ended);
            }
        }
        Ok(Next::Still)
    }

    /// Whether all users were killed, which leaves nobody to say that the object has ended.
    fn is_orphan(&self) -> cohabit::Result<bool> {
        if self.object.users()?.iter().any(|user| !user.guest) {
            return Ok(false);
        }
        if let Some(is_kept) = self.is_kept.get() {
            return Ok(!is_kept);
        }
        let entries = cohabit::list(self.scope)?;
        let entry = entries.iter().find(|entry| entry.name == self.object.name());
        let is_kept = entry.is_some_and(|entry| entry.keep != Some(Keep::WhileUsed));
        Ok(!self.is_kept.get_or_init(|| is_kept))
    }
}

fn wait_for_version(cell: Cell<'_>, seen: Version, time: Duration) -> cohabit::Result<Next> {
    match cell.wait_version(seen, time) {
        Ok(_) => Ok(Next::Changed),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut => Ok(Next::Still),
            ErrorKind::Ended | ErrorKind::NameLost => Ok(Next::Ended),
            _ => Err(error),
        },
    }
}
