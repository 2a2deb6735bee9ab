//! The processes that `demo` starts: one role each, told by lines on the standard input.
//!
//! A role ends when its work is done, or when its input ends: also when whoever started it is gone.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use cohabit::{Scope, SharedValue, text};

use super::MyData;
use crate::cli::parse_time;
use crate::exit::Outcome;
use crate::out;

/// How many updates or reads are done between two looks at the clock.
const BATCH: u32 = 256;

/// What the hidden command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    role: Role,
    name: String,
    /// How long to write or read
    #[arg(long, value_parser = parse_time)]
    time: Duration,
}

/// What a process of the demo does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Creates the object, sets it, and keeps it alive.
    Keep,
    /// Gets the value once.
    Get,
    /// Adds 1 again and again.
    Write,
    /// Reads again and again and checks each value.
    Read,
    /// Stays inside an update.
    Hold,
}

impl Role {
    /// As it stands on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Role::Keep => "keep",
            Role::Get => "get",
            Role::Write => "write",
            Role::Read => "read",
            Role::Hold => "hold",
        }
    }
}

/// Plays a role.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let options = SharedValue::<MyData>::options().scope(scope.clone());
    match args.role {
        Role::Keep => keep(&options.open_or_create(&args.name, MyData::default)?),
        Role::Get => get(&options.open(&args.name)?),
        Role::Write => write(&options.open(&args.name)?, args.time),
        Role::Read => read(&options.open(&args.name)?, args.time),
        Role::Hold => hold(&options.open(&args.name)?),
    }
}

fn keep(data: &SharedValue<MyData>) -> Outcome {
    data.set(MyData { x: 255, text: text!("Hello Shared World!") })?;
    say("set")?;
    until_input_ends();
    Ok(())
}

fn get(data: &SharedValue<MyData>) -> Outcome {
    let now = data.get()?;
    say(&format!("x = {}, text = {:?}", now.x, now.text))
}

fn write(data: &SharedValue<MyData>, time: Duration) -> Outcome {
    say("ready")?;
    let Some(began) = at_the_sign() else {
        return Ok(());
    };
    let mut updates = 0_u64;
    while began.elapsed() < time {
        for _ in 0..BATCH {
            data.update(|data| *data = MyData::of(data.x.wrapping_add(1)))?;
        }
        updates += u64::from(BATCH);
    }
    say(&updates.to_string())
}

fn read(data: &SharedValue<MyData>, time: Duration) -> Outcome {
    say("ready")?;
    let Some(began) = at_the_sign() else {
        return Ok(());
    };
    let (mut reads, mut torn, mut backwards) = (0_u64, 0_u64, 0_u64);
    let mut last = None;
    while began.elapsed() < time {
        for _ in 0..BATCH {
            let (value, version) = data.read()?;
            torn += u64::from(!value.is_whole());
            backwards += u64::from(Some(version) < last);
            last = Some(version);
        }
        reads += u64::from(BATCH);
    }
    say(&format!("{reads} {torn} {backwards}"))
}

fn hold(data: &SharedValue<MyData>) -> Outcome {
    data.update(|data| {
        *data = MyData::of(-1);
        if say("inside").is_ok() {
            until_input_ends();
        }
    })?;
    Ok(())
}

/// Prints a line and sends it off.
fn say(line: &str) -> Outcome {
    let mut out = out::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Waits for the sign to begin; `None` if whoever gives it is gone.
fn at_the_sign() -> Option<Instant> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(length) if length > 0 => Some(Instant::now()),
        _ => None,
    }
}

fn until_input_ends() {
    // An input that cannot be read has ended, too.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
}
