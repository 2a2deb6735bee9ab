//! One of several processes of different word sizes that share objects of run-time length; driven by
//! `cargo xtask test-abi`.
//!
//! - `NAME create LEN` makes both objects, NAME-scan and NAME-cells, and stays until its standard input
//!   ends;
//! - `NAME add N` adds 1 to every number of both, N times;
//! - `NAME hold` is killed inside an update of the scan;
//! - `NAME get` prints one line of JSON;
//! - `NAME fill LEN` makes an object of so many words, writes its last one and stays;
//! - `NAME last` prints the last word of it, or the code and text of the error.

use std::io::Read;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};

use cohabit::{Flag, Options, Part, Shared, Value, plain, shareable};

/// An element that lies differently on 32 and 64 bits unless the layout is canonical.
#[plain]
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    on: bool,
    x: f64,
    n: u16,
    total: i64,
}

/// A value of run-time length, behind other parts.
#[shareable]
struct Scan {
    count: AtomicU8,
    hits: AtomicU64,
    points: Value<[Point]>,
}

/// An element of a tail of cells.
#[shareable]
struct Pair {
    small: AtomicU16,
    large: AtomicU64,
}

/// A tail that begins behind a byte.
#[shareable]
struct Cells {
    flag: Flag,
    pairs: [Pair],
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args[..] {
        [name, "create", len] => create(name, len.parse()?),
        [name, "add", times] => add(name, times.parse()?),
        [name, "hold"] => hold(name),
        [name, "get"] => get(name),
        [name, "fill", len] => fill(name, len.parse()?),
        [name, "last"] => last(name),
        _ => Err(format!("NAME and a verb, not {args:?}").into()),
    }
}

fn scan() -> Options<Scan> {
    Shared::<Scan>::options()
}

fn cells() -> Options<Cells> {
    Shared::<Cells>::options()
}

/// Stays until the standard input ends.
fn stay() -> std::io::Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn create(name: &str, len: u64) -> Outcome {
    let scan = scan().len(len).create_in_place(&format!("{name}-scan"), |scan| {
        let on = |n: u16| Point { on: true, x: 0.5, n, total: -1 };
        scan.points.set_from(&(0..len as u16).map(on).collect::<Vec<_>>())
    })?;
    let cells = cells().len(len).create_in_place(&format!("{name}-cells"), |cells| {
        cells.flag.store(true, Relaxed);
        cells.pairs.iter().for_each(|pair| pair.large.store(u64::MAX, Relaxed));
    })?;
    println!("created {} and {} bytes", scan.size(), cells.size());
    Ok(stay()?)
}

fn add(name: &str, times: u32) -> Outcome {
    let scan = scan().open(&format!("{name}-scan"))?;
    let cells = cells().open(&format!("{name}-cells"))?;
    for _ in 0..times {
        scan.points.update(|points| {
            for point in points {
                point.total += 1;
                point.x += 1.0;
            }
        })?;
        scan.hits.fetch_add(1, Relaxed);
        for pair in &cells.pairs {
            pair.small.fetch_add(1, Relaxed);
            pair.large.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

fn hold(name: &str) -> Outcome {
    let scan = scan().open(&format!("{name}-scan"))?;
    scan.points.update(|points| {
        points.fill(Point::default());
        println!("holding");
        stay()
    })??;
    Ok(())
}

fn get(name: &str) -> Outcome {
    let scan = scan().open(&format!("{name}-scan"))?;
    let cells = cells().open(&format!("{name}-cells"))?;
    let points = scan.points.get_boxed()?;
    let whole = points.iter().all(|point| point.on && point.total == points[0].total);
    let part = scan.points.get_part(Part::element(points.len() - 1).then(Point::N))?;
    let pinned = scan.points.pin()?.get_part(Part::element(0))?;
    let sum: u64 = cells.pairs.iter().map(|pair| u64::from(pair.small.load(Relaxed))).sum();
    let large = cells.pairs[cells.pairs.len() - 1].large.load(Relaxed);
    println!(
        "{{\"len\":{},\"counter\":{},\"x\":{},\"whole\":{whole},\"part\":{part},\"pinned\":{},\
         \"hits\":{},\"pairs\":{},\"sum\":{sum},\"large\":{large},\"sizes\":[{},{}]}}",
        points.len(),
        points[0].total,
        points[0].x,
        pinned.total,
        scan.hits.load(Relaxed),
        cells.pairs.len(),
        scan.size(),
        cells.size(),
    );
    Ok(())
}

/// What became of an attempt, as one line.
fn told(outcome: cohabit::Result<u64>) {
    match outcome {
        Ok(last) => println!("ok {last}"),
        Err(error) => println!("err {} {error}", error.code()),
    }
}

fn fill(name: &str, len: u64) -> Outcome {
    let made = Shared::<[AtomicU64]>::options().len(len).create_in_place(name, |words| {
        words[words.len() - 1].store(77, Relaxed);
    });
    match made {
        Ok(words) => {
            told(Ok(words[words.len() - 1].load(Relaxed)));
            stay()?;
        }
        Err(error) => told(Err(error)),
    }
    Ok(())
}

fn last(name: &str) -> Outcome {
    let opened = Shared::<[AtomicU64]>::open(name);
    told(opened.map(|words| words[words.len() - 1].load(Relaxed)));
    Ok(())
}
