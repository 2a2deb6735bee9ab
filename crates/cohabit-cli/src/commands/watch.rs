//! `cohabit watch`: a line for each change, until the object ends.
//!
//! It only reads: it keeps no object alive, and changes that follow each other closely may show as one.

use std::io::Write;
use std::time::{Duration, Instant};

use cohabit::untyped::Untyped;
use cohabit::{ErrorKind, Scope, Status, Version};

use crate::cli::{parse_count, parse_time};
use crate::commands::show::{Form, line};
use crate::dynamic::show::Layout;
use crate::dynamic::{has_versions, value_node};
use crate::exit::{self, Failure, Outcome};
use crate::out;
use crate::path::Target;

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
    let root = value_node(target.object.schema());
    let part = target.part(&root)?;
    let form = if args.json { Form::Json } else { Form::People(Layout::Compact) };
    let mut out = out::stdout();
    let mut last: Option<Vec<u8>> = None;
    let mut printed = 0;
    let mut still_since = Instant::now();
    loop {
        let (bytes, version) = target.object.read()?;
        if last.as_deref() != Some(&bytes[part.range()]) {
            line(&mut out, &target, part, &bytes, version, form)?;
            out.flush()?;
            last = Some(bytes[part.range()].to_vec());
            printed += 1;
            still_since = Instant::now();
        }
        if args.count.is_some_and(|count| printed >= count) {
            return Ok(());
        }
        let until = args.timeout.map(|timeout| still_since + timeout);
        match next(&target.object, scope, (&bytes, version), until)? {
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

/// A value that was read.
type Seen<'a> = (&'a [u8], Version);

/// Waits for the next change, or for the end.
fn next(
    object: &Untyped,
    scope: &Scope,
    seen: Seen<'_>,
    until: Option<Instant>,
) -> Result<Next, Failure> {
    loop {
        let left = until.map_or(PIECE, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ok(Next::Still);
        }
        let waited = if has_versions(object.schema()) {
            wait_for_version(object, seen.1, left.min(PIECE))?
        } else {
            look_again(object, seen.0, left.min(PIECE))?
        };
        match waited {
            Next::Still if is_over(object, scope)? => return Ok(Next::Ended),
            Next::Still => {}
            other => return Ok(other),
        }
    }
}

fn wait_for_version(object: &Untyped, seen: Version, time: Duration) -> cohabit::Result<Next> {
    match object.wait_version(seen, time) {
        Ok(_) => Ok(Next::Changed),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut => Ok(Next::Still),
            ErrorKind::Ended | ErrorKind::NameLost => Ok(Next::Ended),
            _ => Err(error),
        },
    }
}

/// Nobody tells that an atomic has changed: it is read again and again.
fn look_again(object: &Untyped, seen: &[u8], time: Duration) -> cohabit::Result<Next> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::thread::sleep(LOOK_AGAIN.min(time));
        if object.read()?.0 != seen {
            return Ok(Next::Changed);
        }
        if object.status()? != Status::Live {
            return Ok(Next::Ended);
        }
    }
    Ok(Next::Still)
}

/// Whether all users were killed, which leaves nobody to say that the object has ended.
fn is_over(object: &Untyped, scope: &Scope) -> Result<bool, Failure> {
    if !object.users()?.is_empty() {
        return Ok(false);
    }
    match Untyped::open_read_only(object.name(), scope) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}
