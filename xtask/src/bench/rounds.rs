//! Alternating rounds: every probe runs one short batch in each round, and medians are taken.
//!
//! A batch is short, so that most batches are not interrupted; the rounds are many, so that those
//! that are do not count. They run at several depths of the stack: a copy is several times slower where
//! the low 12 bits of its two addresses are near each other, and one depth would leave that to chance.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one batch takes, at least.
const BATCH: Duration = Duration::from_micros(100);

/// An operation that is measured in batches.
pub(super) struct Probe<'a> {
    run: Box<dyn FnMut(u64) + 'a>,
    times: u64,
}

impl<'a> Probe<'a> {
    /// The loop is compiled together with the operation; only the batch is called by pointer.
    pub(super) fn new(mut operation: impl FnMut() + 'a) -> Self {
        let run = move |times| {
            for _ in 0..times {
                operation();
            }
        };
        Self { run: Box::new(run), times: 1 }
    }

    fn batch(&mut self) -> Duration {
        let start = Instant::now();
        (self.run)(self.times);
        start.elapsed()
    }

    /// Warms up and finds how many times make a batch.
    fn calibrate(&mut self) {
        while self.batch() < BATCH {
            self.times *= 2;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a batch are small")]
    fn nanoseconds(&mut self) -> f64 {
        self.batch().as_secs_f64() * 1e9 / self.times as f64
    }
}

/// What the probes took, in nanoseconds: one row for each round, one column for each probe.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<f64>>,
}

impl Table {
    /// The median of one probe.
    pub(super) fn median(&self, probe: usize) -> f64 {
        median(self.rows.iter().map(|row| row[probe]))
    }

    /// The median over the rounds of one probe's time over another's.
    pub(super) fn ratio(&self, probe: usize, floor: usize) -> f64 {
        median(self.rows.iter().map(|row| row[probe] / row[floor]))
    }
}

/// Lets the probes take turns, each round beginning with another one.
pub(super) fn compare(rounds: usize, probes: &mut [Probe<'_>]) -> Table {
    for probe in &mut *probes {
        probe.calibrate();
    }
    let mut table = Table { rows: Vec::new() };
    for round in 0..rounds {
        at_depth(round % DEPTHS, &mut || table.rows.push(one_round(round, probes)));
    }
    table
}

/// How many depths, and how much of the stack lies between two of them: a page in all.
const DEPTHS: usize = 8;
const DEEPER: usize = 4096 / DEPTHS;

#[inline(never)]
fn at_depth(depth: usize, run: &mut dyn FnMut()) {
    let space = [0_u8; DEEPER];
    black_box(&space);
    if depth == 0 {
        run();
    } else {
        at_depth(depth - 1, run);
    }
    // Looked at again, so that the call above needs a frame of its own.
    black_box(&space);
}

fn one_round(round: usize, probes: &mut [Probe<'_>]) -> Vec<f64> {
    let count = probes.len();
    let mut row = vec![0.0; count];
    for turn in 0..count {
        let at = (round + turn) % count;
        row[at] = probes[at].nanoseconds();
    }
    row
}

/// The middle one of some numbers, at least one.
pub(super) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_count() {
        assert_eq!(median([3.0, 1.0, 1000.0, 2.0, 2.5]), 2.5);
        let rows = vec![vec![2.0, 1.0], vec![4.0, 2.0], vec![1000.0, 1.0]];
        let table = Table { rows };
        assert_eq!((table.median(0), table.ratio(0, 1)), (4.0, 2.0));
    }

    #[test]
    fn every_probe_runs_in_every_round() {
        let (mut first, mut second) = (0, 0);
        let pause = || std::thread::sleep(BATCH);
        let mut probes =
            [Probe::new(|| (first += 1, pause()).1), Probe::new(|| (second += 1, pause()).1)];
        let table = compare(5, &mut probes);
        drop(probes);
        assert_eq!(table.rows.len(), 5);
        assert_eq!((first, second), (6, 6));
    }
}
