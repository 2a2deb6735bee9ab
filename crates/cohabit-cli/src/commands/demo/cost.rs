//! Step 4: what get and set cost here and now, beside a plain copy of the same struct.
//!
//! Rounds of the four calls alternate, and the median of each counts, so that a disturbance of the
//! machine meets all of them and decides nothing.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::{Broken, MyData, Stage, Story};

const ROUNDS: usize = 31;
const CALLS: u32 = 20_000;

/// Measures, and checks that the calls that were measured did what they are for.
pub(super) fn measure(stage: &mut Stage<'_>) -> Result<Story, Broken> {
    let data = stage.open()?;
    let source = Box::new(MyData::of(12_345));
    let first = data.set(MyData::of(12_345))?;
    let mut failed = false;
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        times[0].push(round(|| {
            black_box(black_box(&*source).clone());
        }));
        times[1].push(round(|| match black_box(&data.get()) {
            Ok(value) => _ = black_box(value),
            Err(_) => failed = true,
        }));
        times[2].push(round(|| failed |= data.set_from(black_box(&source)).is_err()));
        times[3].push(round(|| {
            failed |= data.update(|data| data.x = black_box(data.x)).is_err();
        }));
    }
    let (last, version) = data.read()?;
    let commits = (ROUNDS as u64) * u64::from(CALLS) * 2;
    if failed || last != *source || version.number() != first.number() + commits {
        let expected = format!("the same value, after {commits} more commits");
        let found = format!("x = {}, after {}", last.x, version.number() - first.number());
        return Err(Broken::new(expected, found));
    }
    Ok(Story {
        lines: lines(times),
        held: format!("medians of {ROUNDS} rounds of {CALLS} calls; every call was counted"),
    })
}

/// How long `CALLS` calls take.
fn round(mut call: impl FnMut()) -> Duration {
    let began = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    began.elapsed()
}

fn lines(times: [Vec<Duration>; 4]) -> Vec<String> {
    let names = ["plain copy", "get", "set", "update"];
    let ns = times.map(|mut rounds| {
        rounds.sort();
        rounds[rounds.len() / 2].as_secs_f64() * 1e9 / f64::from(CALLS)
    });
    let size = size_of::<MyData>();
    let line = |(name, ns_here): (&str, f64)| match name {
        "plain copy" => format!("{name:<10} {ns_here:>7.1} ns   of {size} bytes"),
        _ => format!("{name:<10} {ns_here:>7.1} ns   {:.1} × a plain copy", ns_here / ns[0]),
    };
    names.into_iter().zip(ns).map(line).collect()
}
