//! `cohabit demo`: everything that is promised, done by real processes and checked.
//!
//! This process starts others of the same program ([`process`]), which share one object with it and
//! talk to it by lines on pipes. No step waits by sleeping: each waits for a line or for the object.

mod cost;
pub(crate) mod process;
mod steps;
mod team;

use std::io::Write;
use std::time::{Duration, Instant};

use cohabit::{Scope, SharedValue, Text, plain};

use crate::cli::parse_time;
use crate::exit::{Failure, Outcome};
use crate::out;

/// What can be typed behind `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long the writers and readers of step 2 run, at most 10s
    #[arg(long, value_name = "TIME", default_value = "1.5s", value_parser = parse_time)]
    time: Duration,
}

/// The longest time of step 2: the whole is to stay under 20 seconds.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What the processes share.
#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
struct MyData {
    x: i32,
    text: Text<256>,
}

impl MyData {
    /// The value whose text is that of its number, in all its bytes: a torn one is found out.
    fn of(x: i32) -> Self {
        let number = x.to_string();
        let mut text = String::with_capacity(256 + number.len());
        while text.len() < 255 {
            text.push_str(&number);
            text.push(' ');
        }
        let text = Text::truncated(&text);
        MyData { x, text }
    }

    fn is_whole(&self) -> bool {
        *self == MyData::of(self.x)
    }
}

/// Why a step did not hold.
#[derive(Debug)]
struct Broken {
    expected: String,
    found: String,
}

impl Broken {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

impl From<cohabit::Error> for Broken {
    fn from(error: cohabit::Error) -> Self {
        Broken::new("no error of the library", error.to_string())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Broken::new("processes and pipes that work", error.to_string())
    }
}

/// What a step says: lines about what happened, and what held.
struct Story {
    lines: Vec<String>,
    held: String,
}

/// What the steps work with.
struct Stage<'a> {
    scope: &'a Scope,
    name: String,
    time: Duration,
    /// The process of step 1, which keeps the object alive from then on.
    keeper: Option<team::Peer>,
}

impl Stage<'_> {
    /// This process's own handle.
    fn open(&self) -> cohabit::Result<SharedValue<MyData>> {
        SharedValue::<MyData>::options().scope(self.scope.clone()).open(&self.name)
    }
}

type Step = (&'static str, fn(&mut Stage<'_>) -> Result<Story, Broken>);

const STEPS: &[Step] = &[
    ("Set in one process, Get in another", steps::set_and_get),
    ("Many writers and readers, and no torn value", steps::many),
    ("kill -9 inside an update, and the others go on", steps::kill),
    ("What it costs, in this process, with nobody else at it", cost::measure),
    ("Nothing is left behind", steps::nothing_left),
];

/// Runs the steps and prints them; fails unless all hold.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let began = Instant::now();
    let mut stage = Stage {
        scope,
        name: format!("cohabit-demo-{}", std::process::id()),
        time: args.time.min(TIME_MAX),
        keeper: None,
    };
    let mut out = out::stdout();
    writeln!(out, "Real processes share one object, `{}`.", stage.name)?;
    let mut broken = 0;
    for (number, (title, step)) in (1..).zip(STEPS) {
        writeln!(out, "\n{number}. {title}")?;
        out.flush()?;
        match step(&mut stage) {
            Ok(story) => {
                for line in story.lines {
                    writeln!(out, "   {line}")?;
                }
                writeln!(out, "   ✓ {}", story.held)?;
            }
            Err(Broken { expected, found }) => {
                broken += 1;
                writeln!(out, "   ✗ expected {expected}\n     found {found}")?;
            }
        }
        out.flush()?;
    }
    let steps = STEPS.len();
    if broken > 0 {
        let what = format!("{broken} of {steps} steps did not hold");
        return Err(Failure::Other(what));
    }
    let seconds = began.elapsed().as_secs_f64();
    writeln!(out, "\nAll {steps} steps held, in {seconds:.1} s.")?;
    out.flush()?;
    Ok(())
}
