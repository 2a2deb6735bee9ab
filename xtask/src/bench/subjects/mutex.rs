//! A mutex beside a robust one of the C library: alone, and fought over by two processes; what a waiter
//! costs while it waits, and how often others overtake one that has waited for 10 ms.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use cohabit::{Mutex, Shared, plain};

use super::{Setting, child, child_command, said, text_of, within};
use crate::bench::child::{next_order, say};
use crate::bench::raw::{Robustness, SharedMutex, processor_time, stay_on_core};
use crate::bench::report::{Figure, Quantity};
use crate::bench::rounds::{Probe, compare, median};
use crate::bench::stepped;
use crate::peer::Peer;
use crate::tools::Outcome;

const FLOOR: &str = "pthread robust mutex";
const FILE: &str = "mutex.bytes";
const ROUND: Duration = Duration::from_millis(100);
/// Turns between two looks at the clock.
const STRIDE: u64 = 256;
/// How many instructions a turn of the loop that takes a free lock and lets it go may take: 84 do, by rustc 1.95.0.
const BUDGET: f64 = 100.0;

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("mutex")?;
    let mutex = open(&folder)?;
    let floor =
        SharedMutex::create(&folder.join(FILE), Robustness::Robust).map_err(|e| e.to_string())?;
    let mut figures = vec![alone(setting, &mutex, &floor), instructions(&folder)?];
    figures.push(fought_over(setting, &folder, &mutex, &floor)?);
    figures.push(waiting(setting, &folder, &mutex)?);
    figures.push(overtaking(setting, &folder)?);
    Ok(figures)
}

fn open(folder: &Path) -> Result<Shared<Mutex<u64>>, String> {
    within::<Mutex<u64>>(folder).open_or_create("mutex", || Mutex::new(0)).map_err(said)
}

fn one_more(mutex: &Shared<Mutex<u64>>) {
    *mutex.lock().expect("a lock that nobody dies with") += 1;
}

/// Both around one increment, and nobody else there.
fn alone(setting: &Setting, mutex: &Shared<Mutex<u64>>, floor: &SharedMutex) -> Figure {
    let table = compare(
        setting.rounds(),
        &mut [
            Probe::new(|| one_more(black_box(mutex))),
            Probe::new(|| black_box(floor).one_more()),
        ],
    );
    Figure::new("Mutex lock + unlock")
        .measured(table.median(0), "ns")
        .floor(FLOOR, Quantity(table.median(1), "ns"), table.ratio(0, 1))
        .at_most(0.9)
}

/// The same in instructions, which no other load of the machine changes: over the budget is a fault.
fn instructions(folder: &Path) -> Result<Figure, String> {
    let figure = Figure::new("Mutex lock + unlock, stepped");
    let of = |which| stepped::count(child_command(["stepped", text_of(folder)?, which])?);
    let (mutex, floor) = match of("mutex").and_then(|mutex| Ok((mutex, of("floor")?))) {
        Ok(counts) => counts,
        Err(why) => return Ok(figure.skipped(why)),
    };
    let figure = figure
        .measured(mutex, "instructions")
        .floor(FLOOR, Quantity(floor, "instructions"), mutex / floor)
        .note(format!("an increment and a loop included; budget {BUDGET}"));
    Ok(if mutex <= BUDGET { figure.held() } else { figure.broken("it is over its budget") })
}

/// The child that is stepped.
pub(in crate::bench) fn step_through(folder: &Path, which: &str) -> Outcome {
    let mutex = open(folder)?;
    let floor = SharedMutex::open(&folder.join(FILE)).map_err(|e| e.to_string())?;
    match which {
        "mutex" => stepped::here(|| one_more(black_box(&mutex))),
        _ => stepped::here(|| black_box(&floor).one_more()),
    }
    Ok(())
}

/// Two processes, a core each, that take it again and again; rounds go by turns.
fn fought_over(
    setting: &Setting,
    folder: &Path,
    mutex: &Shared<Mutex<u64>>,
    floor: &SharedMutex,
) -> Result<Figure, String> {
    let mut fighters = Vec::new();
    for core in ["0", "1"] {
        fighters.push(child("a fighter", ["fight", text_of(folder)?, core])?);
    }
    let mut on_core = true;
    for fighter in &fighters {
        on_core &= fighter.line()? == "on its core";
    }
    let before = (*mutex.lock().map_err(|e| e.to_string())?, floor.count());
    let (mut rates, mut sums) = ([Vec::new(), Vec::new()], [0, 0]);
    for round in 0..if setting.quick { 10 } else { 60 } {
        let (turns, rate) = one_round(&mut fighters)?;
        rates[round % 2].push(rate);
        sums[round % 2] += turns;
    }
    for fighter in fighters {
        fighter.finish()?;
    }
    let after = (*mutex.lock().map_err(|e| e.to_string())?, floor.count());
    let figure = Figure::new("Mutex, two processes fight for it");
    if (after.0 - before.0, after.1 - before.1) != (sums[0], sums[1]) {
        return Ok(figure.broken(format!("{sums:?} turns, and {before:?} became {after:?}")));
    }
    if !on_core {
        return Ok(figure.skipped("this process may use one processor only"));
    }
    let [own, other] = &rates;
    let ratio = median(own.iter().zip(other).map(|(own, other)| own / other));
    let floor = Quantity(median(other.iter().copied()), "M/s");
    Ok(figure.measured(median(own.iter().copied()), "M/s").floor(FLOOR, floor, ratio).at_least(1.0))
}

/// Turns of both in one round, and how many millions of them a second.
#[expect(clippy::cast_precision_loss, reason = "counts of a tenth of a second")]
fn one_round(fighters: &mut [Peer]) -> Result<(u64, f64), String> {
    for fighter in &mut *fighters {
        fighter.enter()?;
    }
    let (mut turns, mut rate) = (0, 0.0);
    for fighter in fighters {
        let [count, ns] = numbers(&fighter.line()?)?;
        turns += count;
        rate += count as f64 * 1000.0 / ns as f64;
    }
    Ok((turns, rate))
}

/// A fighting child.
pub(in crate::bench) fn fight(folder: &Path, core: &str) -> Outcome {
    let mutex = open(folder)?;
    let floor = SharedMutex::open(&folder.join(FILE)).map_err(|e| e.to_string())?;
    let core = core.parse().map_err(|e| format!("{core}: {e}"))?;
    say(if stay_on_core(core) { "on its core" } else { "on any core" })?;
    let turns: [&dyn Fn(); 2] = [&|| (0..STRIDE).for_each(|_| one_more(&mutex)), &|| {
        (0..STRIDE).for_each(|_| floor.one_more())
    }];
    for take in turns.iter().cycle() {
        if !next_order()? {
            break;
        }
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < ROUND {
            take();
            count += STRIDE;
        }
        say(&format!("{count} {}", began.elapsed().as_nanos()))?;
    }
    Ok(())
}

/// What a process costs while it waits for a lock that another one holds.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a minute")]
fn waiting(setting: &Setting, folder: &Path, mutex: &Shared<Mutex<u64>>) -> Result<Figure, String> {
    let held_for = Duration::from_secs(if setting.quick { 5 } else { 60 });
    let guard = mutex.lock().map_err(|e| e.to_string())?;
    let mut waiter = child("the waiter", ["wait", text_of(folder)?])?;
    waiter.expect("here")?;
    waiter.enter()?;
    waiter.expect("waiting")?;
    std::thread::sleep(held_for);
    drop(guard);
    let [used, waited] = numbers(&waiter.line()?)?;
    waiter.finish()?;
    let figure =
        Figure::new("waiter of a Mutex").measured(used as f64 / waited as f64 * 100.0, "%");
    let note = format!("of a core, {:.1} s long", waited as f64 / 1e9);
    Ok(figure.at_most(0.5).note(note))
}

/// The waiting child: how much of a processor it used, and how long it waited, in ns.
pub(in crate::bench) fn wait(folder: &Path) -> Outcome {
    let mutex = open(folder)?;
    say("here")?;
    next_order()?;
    say("waiting")?;
    let (began, before) = (Instant::now(), processor_time());
    drop(mutex.lock().map_err(|e| e.to_string())?);
    let used = processor_time().saturating_sub(before);
    say(&format!("{} {}", used.as_nanos(), began.elapsed().as_nanos()))
}

/// How many turns are remembered.
const KEPT: usize = 4096;

/// When each of the last turns began, in ns of the machine's monotonic clock.
#[plain]
struct Turns {
    count: u64,
    began_ns: [u64; KEPT],
}

fn open_turns(folder: &Path) -> Result<Shared<Mutex<Turns>>, String> {
    let none = || Turns { count: 0, began_ns: [0; KEPT] };
    within::<Mutex<Turns>>(folder).open_or_create("turns", none).map_err(said)
}

/// Four processes that hold the lock nearly all the time: how many turns of others began, at most, when
/// one had waited for 10 ms already.
fn overtaking(setting: &Setting, folder: &Path) -> Result<Figure, String> {
    let _kept = open_turns(folder)?;
    let times = if setting.quick { "300" } else { "3000" };
    let start = || child("a taker", ["overtake", text_of(folder)?, times]);
    let mut takers = (0..4).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
    takers.iter().try_for_each(|taker| taker.expect("here"))?;
    takers.iter_mut().try_for_each(Peer::enter)?;
    let (mut most, mut long) = (0, 0);
    for taker in takers {
        let [overtook, waits] = numbers(&taker.line()?)?;
        most = most.max(overtook);
        long += waits;
        taker.finish()?;
    }
    let note =
        format!("turns that others got while one waited, after its first 10 ms; {long} such waits");
    Ok(Figure::new("largest overtaking").measured(most as f64, "turns").note(note))
}

/// The taking child.
pub(in crate::bench) fn overtake(folder: &Path, times: &str) -> Outcome {
    const HOLD: Duration = Duration::from_micros(700);
    let turns = open_turns(folder)?;
    let times: u32 = times.parse().map_err(|e| format!("{times}: {e}"))?;
    say("here")?;
    next_order()?;
    let (mut most, mut long) = (0, 0);
    for _ in 0..times {
        let aged_ns = monotonic_ns() + 10_000_000;
        let mut turns = turns.lock().map_err(|e| e.to_string())?;
        let now_ns = monotonic_ns();
        if now_ns > aged_ns {
            long += 1;
            most = most.max(turns.began_ns.iter().filter(|began| **began > aged_ns).count());
        }
        let at = (turns.count % KEPT as u64) as usize;
        turns.began_ns[at] = now_ns;
        turns.count += 1;
        while monotonic_ns() < now_ns + HOLD.as_nanos() as u64 {
            std::hint::spin_loop();
        }
    }
    say(&format!("{most} {long}"))
}

fn monotonic_ns() -> u64 {
    crate::bench::raw::clock(libc::CLOCK_MONOTONIC).as_nanos() as u64
}

fn numbers<const N: usize>(line: &str) -> Result<[u64; N], String> {
    let found: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
    let found = found.map_err(|e| format!("{line}: {e}"))?;
    found.try_into().map_err(|_| format!("expected {N} numbers, found: {line}"))
}
