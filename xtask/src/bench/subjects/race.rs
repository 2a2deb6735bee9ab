//! An endless writer and a reader, a process and a core each, beside a mutex of the C library around
//! the same copy.
//!
//! Rounds go by turns: a value, the mutex, a value whose tries are counted. The writer runs longer than
//! the reader at both ends, so that every read is beside a writer.

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use cohabit::__private::{BadBits, WordSink, WordSource};
use cohabit::{Kind, Plain, SharedValue, Value, plain};

use super::{Setting, child, said, text_of, within};
use crate::bench::child::{next_order, say};
use crate::bench::raw::{Robustness, SharedMutex, stay_on_core};
use crate::bench::report::{Figure, Quantity};
use crate::bench::rounds::median;
use crate::tools::Outcome;

const ROUND: Duration = Duration::from_millis(100);
/// By how much the writer outlasts the reader.
const LONGER: Duration = Duration::from_millis(20);
/// Operations between two looks at the clock.
const STRIDE: u64 = 256;
const SIZE: usize = size_of::<Pattern>();

/// As large as README's struct; whole exactly if all its bytes are equal.
#[plain]
#[derive(Clone, Copy, Debug)]
struct Pattern {
    number: u32,
    bytes: [u8; 256],
}

impl Pattern {
    fn of(byte: u8) -> Self {
        Self { number: u32::from_ne_bytes([byte; 4]), bytes: [byte; 256] }
    }

    fn is_whole(&self) -> bool {
        let first = self.bytes[0];
        self.number == u32::from_ne_bytes([first; 4]) && self.bytes == [first; 256]
    }
}

thread_local! {
    /// How often [`Counted`] was copied out of a cell.
    static TRIES: Cell<u64> = const { Cell::new(0) };
}

/// A [`Pattern`] that counts how often it is copied out of a cell: the tries of a read.
#[derive(Clone, Copy, Debug)]
struct Counted(Pattern);

// SAFETY: everything is what it is for `Pattern`, which it is laid out as, except that loads go by
// `load`, which hands on to that of `Pattern`; that is always allowed.
unsafe impl Plain for Counted {
    type Stored = <Pattern as Plain>::Stored;
    type Copies = <Pattern as Plain>::Copies;
    const KIND: Kind = Pattern::KIND;
    const SAME_LAYOUT: bool = false;
    const DENSE: bool = false;
    const ANY_BITS: bool = Pattern::ANY_BITS;
    const ZERO_IS_VALUE: bool = Pattern::ZERO_IS_VALUE;

    fn store(&self, sink: &mut WordSink<'_>, at: usize) {
        self.0.store(sink, at);
    }

    unsafe fn load(source: &mut WordSource<'_>, at: usize, into: *mut Self) {
        TRIES.set(TRIES.get() + 1);
        // SAFETY: the caller's contract; the pattern is the only field, so it is where its holder is.
        unsafe { Pattern::load(source, at, into.cast()) };
    }

    unsafe fn check(value: *const Self) -> Result<(), BadBits> {
        // SAFETY: as above.
        unsafe { Pattern::check(value.cast()) }
    }

    fn only_derive_may_implement() {}
}

/// What a round is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Value,
    Mutex,
    Tries,
}

const TURNS: [Turn; 3] = [Turn::Value, Turn::Mutex, Turn::Tries];

/// What one process did in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    operations: u64,
    nanoseconds: u64,
    torn: u64,
    /// The most tries that one read took.
    longest: u64,
    tries: u64,
}

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("race")?;
    // Kept here, so that a reader or writer that fails leaves an error and not an end.
    let _value = open(&folder)?;
    let _mutex = SharedMutex::create(&folder.join("mutex.bytes"), Robustness::Plain)
        .map_err(|e| e.to_string())?;
    let mut writer = child("the writer", ["write", text_of(&folder)?])?;
    let mut reader = child("the reader", ["read", text_of(&folder)?])?;
    let two_cores = writer.line()? == "on its core" && reader.line()? == "on its core";
    let mut rounds: Vec<(Turn, Done, Done)> = Vec::new();
    let count = if setting.quick { 4 } else { 20 };
    for turn in (0..count).flat_map(|_| TURNS) {
        writer.enter()?;
        writer.expect("writing")?;
        reader.enter()?;
        let read = Done::parse(&reader.line()?)?;
        rounds.push((turn, read, Done::parse(&writer.line()?)?));
    }
    reader.finish()?;
    writer.finish()?;
    if !two_cores {
        let figure = Figure::new("reads beside a writer");
        return Ok(vec![figure.skipped("this process may use one processor only")]);
    }
    Ok(figures(&rounds))
}

fn figures(rounds: &[(Turn, Done, Done)]) -> Vec<Figure> {
    let of = |turn| rounds.iter().filter(move |round| round.0 == turn);
    let rates = |turn, pick: fn(&(Turn, Done, Done)) -> Done| {
        of(turn).map(pick).map(Done::millions_a_second).collect::<Vec<_>>()
    };
    let compared = |name: &str, pick, least| {
        let (value, mutex) = (rates(Turn::Value, pick), rates(Turn::Mutex, pick));
        let ratio = median(value.iter().zip(&mutex).map(|(value, mutex)| value / mutex));
        let floor = Quantity(median(mutex), "M/s");
        Figure::new(name)
            .measured(median(value), "M/s")
            .floor("pthread mutex", floor, ratio)
            .at_least(least)
    };
    let torn: u64 = rounds.iter().map(|(_, read, _)| read.torn).sum();
    let checked: u64 = rounds.iter().map(|(_, read, _)| read.operations).sum();
    let whole = Figure::new("torn values").measured(torn as f64, "").at_most(0.0);
    let whole = whole.note(format!("{checked} reads were looked through"));
    let longest = of(Turn::Tries).map(|(_, read, _)| read.longest).max().unwrap_or(0);
    let mean =
        median(of(Turn::Tries).map(|(_, read, _)| read.tries as f64 / read.operations as f64));
    vec![
        compared("reads beside an endless writer", |round| round.1, 2.0),
        compared("writes beside an endless reader", |round| round.2, 1.0),
        if torn == 0 { whole } else { whole.broken("a reader was given a torn value") },
        Figure::new("longest run of tries")
            .measured(longest as f64, "tries")
            .note(format!("{mean:.3} tries a read; a user that lost 64 races pins and is done")),
    ]
}

impl Done {
    #[expect(clippy::cast_precision_loss, reason = "counts of a tenth of a second")]
    fn millions_a_second(self) -> f64 {
        self.operations as f64 * 1000.0 / self.nanoseconds as f64
    }

    fn line(self) -> String {
        let Done { operations, nanoseconds, torn, longest, tries } = self;
        format!("{operations} {nanoseconds} {torn} {longest} {tries}")
    }

    fn parse(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[operations, nanoseconds, torn, longest, tries]) => {
                Ok(Self { operations, nanoseconds, torn, longest, tries })
            }
            _ => Err(format!("not what a round ends with: {line}")),
        }
    }
}

fn open(folder: &Path) -> Result<SharedValue<Pattern>, String> {
    within::<Value<Pattern>>(folder).open_or_create("raced", || Pattern::of(0)).map_err(said)
}

/// Runs an operation for so long; it is given the number of the turn.
fn run_for(how_long: Duration, mut operation: impl FnMut(u64)) -> Done {
    let start = Instant::now();
    let mut done = Done::default();
    while start.elapsed() < how_long {
        for _ in 0..STRIDE {
            operation(done.operations);
            done.operations += 1;
        }
    }
    done.nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    done
}

/// The writing child.
pub(in crate::bench) fn write(folder: &Path) -> Outcome {
    const PATTERNS: u64 = 16;
    let value = open(folder)?;
    let mutex = SharedMutex::open(&folder.join("mutex.bytes")).map_err(|e| e.to_string())?;
    let patterns: Vec<Pattern> = (0..PATTERNS).map(|byte| Pattern::of(byte as u8)).collect();
    let bytes: Vec<[u8; SIZE]> = (0..PATTERNS).map(|byte| [byte as u8; SIZE]).collect();
    say(if stay_on_core(0) { "on its core" } else { "on any core" })?;
    for turn in TURNS.iter().cycle() {
        if !next_order()? {
            break;
        }
        say("writing")?;
        let at = |number: u64| (number % PATTERNS) as usize;
        let done = match turn {
            Turn::Mutex => run_for(ROUND + LONGER, |number| mutex.set(&bytes[at(number)])),
            Turn::Value | Turn::Tries => run_for(ROUND + LONGER, |number| {
                value.set_from(&patterns[at(number)]).expect("a writer that nobody disturbs");
            }),
        };
        say(&done.line())?;
    }
    Ok(())
}

/// The reading child.
pub(in crate::bench) fn read(folder: &Path) -> Outcome {
    let value = open(folder)?;
    let counted = within::<Value<Counted>>(folder).open("raced").map_err(said)?;
    let mutex = SharedMutex::open(&folder.join("mutex.bytes")).map_err(|e| e.to_string())?;
    let mut bytes = [0; SIZE];
    say(if stay_on_core(1) { "on its core" } else { "on any core" })?;
    for turn in TURNS.iter().cycle() {
        if !next_order()? {
            break;
        }
        let mut torn = 0;
        let done = match turn {
            Turn::Value => run_for(ROUND, |_| match &value.get() {
                Ok(found) => torn += u64::from(!black_box(found).is_whole()),
                Err(error) => panic!("a read beside a writer: {error}"),
            }),
            Turn::Mutex => run_for(ROUND, |_| {
                mutex.get(&mut bytes);
                torn += u64::from(*black_box(&bytes) != [bytes[0]; SIZE]);
            }),
            Turn::Tries => count_tries(&counted, &mut torn),
        };
        say(&Done { torn, ..done }.line())?;
    }
    Ok(())
}

fn count_tries(value: &SharedValue<Counted>, torn: &mut u64) -> Done {
    let (first, mut longest) = (TRIES.get(), 0);
    let done = run_for(ROUND, |_| {
        let before = TRIES.get();
        match &value.get() {
            Ok(found) => *torn += u64::from(!black_box(found).0.is_whole()),
            Err(error) => panic!("a read beside a writer: {error}"),
        }
        longest = longest.max(TRIES.get() - before);
    });
    Done { longest, tries: TRIES.get() - first, ..done }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_pattern_is_found() {
        let mut pattern = Pattern::of(7);
        assert!(pattern.is_whole());
        pattern.bytes[255] = 8;
        assert!(!pattern.is_whole());
        assert!(!Pattern { number: 1, ..Pattern::of(7) }.is_whole());
    }

    #[test]
    fn what_is_done_goes_through_a_line() {
        let done = Done { operations: 1, nanoseconds: 2, torn: 3, longest: 4, tries: 5 };
        assert_eq!(Done::parse(&done.line()).map(Done::line), Ok("1 2 3 4 5".into()));
        assert!(Done::parse("1 2 3").is_err());
    }
}
