//! `cohabit watch`: a line for each change, until the object ends.
//!
//! It only reads: it keeps no object alive, and changes that follow each other closely may show as one.

use std::cell::{OnceCell, RefCell};
use std::io::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use cohabit::untyped::{Cell, Untyped};
use cohabit::{ErrorKind, Keep, Scope, Standing, Version};

use crate::cli::{parse_count, parse_time};
use crate::commands::show::{Form, line};
use crate::dynamic::image::Image;
use crate::dynamic::show::Layout;
use crate::exit::{self, Failure, Outcome};
use crate::grammar::check::{self, Check, Place};
use crate::grammar::condition;
use crate::out;
use crate::path::{Part, Start, Target, walk};

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

    /// Print until this holds of the object, such as 'x > 5 && text == "go"', and then stop
    ///
    /// A comparison without a left side, such as '> 5', is about the part that is watched. docs/cli.md
    /// has the whole grammar.
    #[arg(long, value_name = "CONDITION")]
    until: Option<String>,

    /// Give up when nothing changes for so long, such as 500ms or 2s; with --until, when the condition
    /// does not hold after so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timeout: Option<Duration>,
}

/// Prints the present value, then each change.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let target = Target::find(&args.target, scope)?;
    let part = target.part()?;
    let form = if args.json { Form::Json } else { Form::People(Layout::Compact) };
    let until = args.until.as_deref().map(|text| Until::new(&target, part, text)).transpose()?;
    let watched = Watched {
        object: &target.object,
        part,
        until: until.as_ref(),
        scope,
        is_kept: OnceCell::new(),
    };
    let mut out = out::stdout();
    let mut last: Option<Image> = None;
    let mut printed = 0;
    let mut since = Instant::now();
    loop {
        let seen = watched.read()?;
        if last.as_ref() != Some(&seen.line.0) {
            line(&mut out, &target, part, &seen.line, form)?;
            out.flush()?;
            last = Some(seen.line.0.clone());
            printed += 1;
            if until.is_none() {
                since = Instant::now();
            }
        }
        let holds = until.as_ref().is_some_and(|until| until.check.holds(&seen.cells));
        if holds || args.count.is_some_and(|count| printed >= count) {
            return Ok(());
        }
        let deadline = args.timeout.and_then(|timeout| since.checked_add(timeout));
        match watched.next(&seen, deadline)? {
            Next::Changed => {}
            Next::Still => return Err(Failure::TimedOut(watched.timed_out())),
            Next::Ended => return watched.ended(),
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

/// A condition that is waited for.
struct Until<'a> {
    text: &'a str,
    check: Check,
    /// The cells that it is about, by their offsets.
    cells: Vec<u64>,
}

impl<'a> Until<'a> {
    fn new(target: &Target<'_>, part: Part<'_>, text: &'a str) -> Result<Self, Failure> {
        let cells = RefCell::new(Vec::new());
        let place = |part: Part<'_>| {
            let mut cells = cells.borrow_mut();
            // What is in no cell is no value, which `fit` refuses.
            let offset = part.cell.unwrap_or(part.at);
            let known = cells.iter().position(|cell| *cell == offset);
            let cell = known.unwrap_or(cells.len());
            if known.is_none() {
                cells.push(offset);
            }
            Place { cell, at: part.range(), node: part.node.clone() }
        };
        let whole = Part::whole(target.object.schema());
        let find = |span: Range<usize>| walk(whole, text, span, Start::Bare).map(place);
        let condition = condition::parse(text)?;
        let check = check::fit(&condition, text, &place(part), &find)?;
        Ok(Until { text, check, cells: cells.into_inner() })
    }
}

/// What was read last.
struct Seen {
    /// What is printed.
    line: (Image, Option<Version>),
    /// The contents of the cells that the condition is about.
    cells: Vec<Vec<u8>>,
}

/// An object that is watched.
struct Watched<'a> {
    object: &'a Untyped,
    part: Part<'a>,
    until: Option<&'a Until<'a>>,
    scope: &'a Scope,
    /// Whether it lives on without users; asked when there are none for the first time.
    is_kept: OnceCell<bool>,
}

impl Watched<'_> {
    /// Reads the part, and what the condition is about: of one cell both at one moment.
    fn read(&self) -> Result<Seen, Failure> {
        let asked = self.until.map_or(&[][..], |until| &until.cells);
        let is_asked = |cell: &Cell<'_>| asked.contains(&cell.offset());
        let Some(cell) = self.part.cell_in(self.object).filter(is_asked) else {
            let line = Image::read(self.object, self.part)?;
            let cells = asked.iter().map(|offset| self.contents(*offset, &line.0));
            let cells = cells.collect::<Result<_, _>>()?;
            return Ok(Seen { line, cells });
        };
        let (bytes, version) = cell.read()?;
        let part = bytes.get(self.part.range()).unwrap_or_default();
        let image = Image::Part(part.to_vec());
        let cells = asked.iter().map(|offset| match *offset == cell.offset() {
            true => Ok(bytes.clone()),
            false => self.contents(*offset, &image),
        });
        let cells = cells.collect::<Result<_, _>>()?;
        Ok(Seen { line: (image, cell.has_versions().then_some(version)), cells })
    }

    /// The contents of a cell, as they were read for the line, or else as they are now.
    fn contents(&self, offset: u64, line: &Image) -> Result<Vec<u8>, Failure> {
        if let Image::Cells(cells) = line
            && let Some((_, bytes)) = cells.iter().find(|(cell, _)| *cell == offset)
        {
            return Ok(bytes.clone());
        }
        match self.object.cell_at(offset) {
            Some(cell) => Ok(cell.read()?.0),
            None => Ok(Vec::new()),
        }
    }

    /// The cell whose versions tell of every change, if there is one.
    fn only_cell(&self) -> Option<Cell<'_>> {
        let cell = self.part.cell_in(self.object)?;
        let asked = self.until.map_or(&[][..], |until| &until.cells);
        asked.iter().all(|offset| *offset == cell.offset()).then_some(cell)
    }

    fn timed_out(&self) -> String {
        let name = self.object.name();
        match self.until {
            None => format!("`{name}` did not change in time"),
            Some(until) => format!("`{name}`: `{}` did not hold in time", until.text),
        }
    }

    /// The object is over: that is the end of watching, but not what a condition was to be.
    fn ended(&self) -> Outcome {
        let name = self.object.name();
        let Some(until) = self.until else {
            exit::say(&format!("`{name}` has ended"));
            return Ok(());
        };
        Err(Failure::Ended(format!("`{name}` has ended, and `{}` did not hold", until.text)))
    }

    /// Waits for the next change, or for the end.
    fn next(&self, seen: &Seen, until: Option<Instant>) -> Result<Next, Failure> {
        loop {
            let left = until.map_or(PIECE, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(Next::Still);
            }
            let waited = match (seen.line.1, self.only_cell()) {
                (Some(version), Some(cell)) => wait_for_version(cell, version, left.min(PIECE))?,
                _ => self.look_again(seen, left.min(PIECE))?,
            };
            match waited {
                Next::Still if self.is_orphan()? => return Ok(Next::Ended),
                Next::Still => {}
                other => return Ok(other),
            }
        }
    }

    /// Nobody tells that an atomic, or one of several cells, has changed: it is read again and again.
    fn look_again(&self, seen: &Seen, time: Duration) -> Result<Next, Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            std::thread::sleep(LOOK_AGAIN.min(time));
            let now = self.read()?;
            if now.line.0 != seen.line.0 || now.cells != seen.cells {
                return Ok(Next::Changed);
            }
            if self.object.standing()? != Standing::Live {
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
