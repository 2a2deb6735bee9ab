//! From a death to the next owner: how long others wait for what a victim held.
//!
//! One at a time, a victim takes the lock, two others come and sleep in the kernel, and some time later,
//! so that they are anywhere between two looks, the victim is killed. What is measured is the time from
//! the kill to the moment at which one of the two has the lock. It is done when the arenas are over: under
//! their load, it would measure how long a process waits for a processor.
use super::actor::{Actor, Dice, failed};
use super::fork;
use super::number;
use super::truth::{Phase, Truth};
use crate::lab::cast::{self, child_command};
use crate::lab::oracle::{Ground, in_futex};
use cohabit::{LockError, Mutex, Shared, Value, shareable};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// The waiters' seats, and the victims'.
const WAITERS: [usize; 2] = [0, 1];
const VICTIM: usize = 2;
/// Where in the common words the number stands of the victim that has the lock, and of the one that is
/// to be waited for, and when the lock was had.
const HELD: usize = 0;
const TURN: usize = 1;
const HAD_AT: usize = 2;
/// No answer for so long is a hang.
const WATCHDOG: Duration = Duration::from_secs(10);
const NAME: &str = "latency";
/// What is aimed at, for a victim that has little memory: the 99th of 100, and the longest.
const P99_MS: f64 = 20.0;
const MAX_MS: f64 = 200.0;

/// Which lock, how much memory a victim has, and how many victims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    pub(super) lock: Lock,
    pub(super) mib: u64,
    pub(super) count: u64,
}

/// What the victim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Mutex,
    Value,
}

impl Lock {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        if self == Lock::Mutex { "mutex" } else { "value" }
    }
}

#[shareable]
struct Both {
    mutex: Mutex<u64>,
    value: Value<u64>,
}

/// All series of a run.
pub(super) fn series(full: bool) -> Vec<Series> {
    let times = if full { 10 } else { 1 };
    let of =
        |lock| [(0, 200), (256, 20)].map(|(mib, count)| Series { lock, mib, count: count * times });
    [of(Lock::Mutex), of(Lock::Value)].concat()
}

/// Runs a series; what it showed. An error is a violation.
pub(super) fn measure(series: Series, seed: u64) -> Result<String, String> {
    let ground = Ground::new()?;
    let numbers = [series.mib, series.count, seed].map(|number| number.to_string());
    let [mib, count, seed] = numbers.each_ref().map(String::as_str);
    let (folder, parent) = (ground.folder().display().to_string(), std::process::id().to_string());
    let words = ["storm", "latency", series.lock.name(), mib, count, seed, &folder, &parent];
    let output = child_command(&words)?.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("a series does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("death to next owner, {}, of seed {seed}: {said}", series.lock.name()));
    }
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let samples = out.lines().filter_map(|line| line.strip_prefix("sample ")?.parse().ok());
    Ok(text(series, samples.collect()))
}

/// `lab child storm latency LOCK MIB COUNT SEED FOLDER PARENT`.
pub(super) fn child(words: &[&str]) -> Result<(), String> {
    let [lock, mib, count, seed, folder, parent] = words else {
        return Err(format!("a series takes six words, not {words:?}"));
    };
    fork::follow(u32::try_from(number(parent)?).unwrap_or(0));
    let lock = if *lock == "mutex" { Lock::Mutex } else { Lock::Value };
    let series = Series { lock, mib: number(mib)?, count: number(count)? };
    run(series, number(seed)?, PathBuf::from(folder))
}

/// Runs a series: prints `sample NANOSECONDS` for each victim.
fn run(series: Series, seed: u64, folder: PathBuf) -> Result<(), String> {
    let truth = Truth::map().map_err(|error| format!("cannot map the truth: {error}"))?;
    let stage = Stage { series, truth, folder, dice: Dice::new(seed) };
    let made = fork::reap(stage.start(VICTIM, make)?)?;
    if made != crate::lab::raw::Waited::Exited(0) {
        return Err(format!("the object is not made: {}", truth.seats[VICTIM].said()));
    }
    let wait = match series.lock {
        Lock::Mutex => wait_for_mutex,
        Lock::Value => wait_for_value,
    };
    let waiters = [stage.start(WAITERS[0], wait)?, stage.start(WAITERS[1], wait)?];
    let measured = (1..=series.count).try_for_each(|turn| stage.measure(turn, waiters));
    for pid in waiters {
        fork::send(pid, libc::SIGKILL);
        fork::reap(pid)?;
    }
    measured
}

struct Stage {
    series: Series,
    truth: &'static Truth,
    folder: PathBuf,
    dice: Dice,
}

impl Stage {
    fn start(&self, seat: usize, act: fn(&Actor) -> Result<(), String>) -> Result<i32, String> {
        let (truth, folder) = (self.truth, self.folder.clone());
        let dice = Dice::new(self.dice.next());
        fork::start(move || {
            let actor = Actor { truth, seat, life: 1, dice, folder, cheat: String::new() };
            act(&actor).map_or_else(
                |text| {
                    truth.seats[seat].say(&text);
                    fork::FOUND
                },
                |()| 0,
            )
        })
    }

    /// One victim.
    fn measure(&self, turn: u64, waiters: [i32; 2]) -> Result<(), String> {
        let common = &self.truth.common;
        let bytes = self.series.mib << 20;
        common[HAD_AT].store(0, SeqCst);
        // The victim of a series knows how much memory it is to have from its seat.
        self.truth.seats[VICTIM].words[0].store(bytes, SeqCst);
        self.truth.seats[VICTIM].words[1].store(turn, SeqCst);
        let hold = match self.series.lock {
            Lock::Mutex => hold_mutex,
            Lock::Value => hold_value,
        };
        let victim = self.start(VICTIM, hold)?;
        self.until("the victim has the lock", || common[HELD].load(SeqCst) == turn)?;
        common[TURN].store(turn, SeqCst);
        let waits = |&seat: &usize| {
            let pid = waiters[seat];
            let is_there = self.truth.seats[seat].phase() == Phase::Wants as usize;
            is_there && cast::sleeps(pid) && in_futex(pid)
        };
        self.until("two wait", || WAITERS.iter().all(waits))?;
        std::thread::sleep(Duration::from_micros(self.dice.below(25_000)));
        let killed_at = fork::now();
        fork::send(victim, libc::SIGKILL);
        fork::reap(victim)?;
        self.until("one has the lock", || common[HAD_AT].load(SeqCst) != 0)?;
        let had_at = common[HAD_AT].load(SeqCst);
        if had_at < killed_at {
            return Err("the lock was taken from a living holder".to_owned());
        }
        println!("sample {}", had_at - killed_at);
        let has_had = |&seat: &usize| self.truth.seats[seat].words[0].load(SeqCst) == turn;
        self.until("both had the lock", || WAITERS.iter().all(has_had))
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !is_so() {
            if start.elapsed() > WATCHDOG {
                let said: Vec<String> = self.truth.seats[..3].iter().map(|s| s.said()).collect();
                return Err(format!(
                    "{} s, and not yet so that {what}: {said:?}",
                    WATCHDOG.as_secs()
                ));
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        Ok(())
    }
}

fn make(actor: &Actor) -> Result<(), String> {
    let build = || Both { mutex: Mutex::new(0), value: Value::new(0) };
    actor.kept::<Both>().create(NAME, build).map(drop).map_err(failed("create"))
}

fn open(actor: &Actor) -> Result<Shared<Both>, String> {
    actor.kept::<Both>().open(NAME).map_err(failed("open"))
}

/// Has the memory of the series, and the lock, until it is killed.
fn hold(actor: &Actor) -> ! {
    let [bytes, turn] = [0, 1].map(|at| actor.me().words[at].load(SeqCst));
    let memory = vec![1_u8; usize::try_from(bytes).unwrap_or(0)];
    std::hint::black_box(&memory);
    actor.truth.common[HELD].store(turn, SeqCst);
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

fn hold_mutex(actor: &Actor) -> Result<(), String> {
    let both = open(actor)?;
    let _guard = match both.mutex.lock() {
        Ok(guard) => guard,
        Err(error) => return Err(format!("the victim's lock: {:?}", error.kind())),
    };
    hold(actor)
}

fn hold_value(actor: &Actor) -> Result<(), String> {
    let both = open(actor)?;
    both.value.update(|_| -> () { hold(actor) }).map_err(failed("the victim's update"))
}

/// Comes for the lock in each turn, and says when the first one had it.
fn wait_in_turn(
    actor: &Actor,
    mut lock: impl FnMut(&dyn Fn()) -> Result<(), String>,
) -> Result<(), String> {
    let common = &actor.truth.common;
    let had = || {
        let _only_the_first = common[HAD_AT].compare_exchange(0, fork::now(), SeqCst, SeqCst);
    };
    for turn in 1.. {
        while common[TURN].load(SeqCst) < turn {
            std::thread::sleep(Duration::from_micros(100));
        }
        actor.call(Phase::Wants, || lock(&had))?;
        actor.me().words[0].store(turn, SeqCst);
    }
    Ok(())
}

fn wait_for_mutex(actor: &Actor) -> Result<(), String> {
    let both = open(actor)?;
    wait_in_turn(actor, |had| match both.mutex.lock() {
        Ok(_guard) => {
            had();
            Ok(())
        }
        Err(LockError::OwnerDied(mut guard)) => {
            had();
            guard.mark_consistent();
            Ok(())
        }
        Err(error) => Err(format!("a waiter's lock: {:?}", error.kind())),
    })
}

fn wait_for_value(actor: &Actor) -> Result<(), String> {
    let both = open(actor)?;
    wait_in_turn(actor, |had| both.value.update(|_| had()).map_err(failed("a waiter's update")))
}

/// What the samples of a series say, for people; in milliseconds.
fn text(series: Series, mut samples_ns: Vec<u64>) -> String {
    samples_ns.sort_unstable();
    let ms = |ns: u64| ns as f64 / 1e6;
    // The least that so many of a hundred do not pass.
    let of_100 = |part: usize| {
        let rank = (samples_ns.len() * part).div_ceil(100).max(1);
        samples_ns.get(rank - 1).copied().map_or(0.0, ms)
    };
    let (p50, p99, most) = (of_100(50), of_100(99), of_100(100));
    let victim =
        if series.mib == 0 { "under 16 MiB".to_owned() } else { format!("{} MiB", series.mib) };
    let (name, count) = (series.lock.name(), samples_ns.len());
    let verdict = match () {
        () if series.mib > 0 => "",
        () if p99 <= P99_MS && most <= MAX_MS => "  PASS (p99 to 20 ms, max to 200 ms)",
        () => "  MISS (p99 to 20 ms, max to 200 ms)",
    };
    let mut text = format!(
        "{name}, victims of {victim}: {count} deaths to the next owner, ms: p50 {p50:.1}, p99 {p99:.1}, \
         max {most:.1}{verdict}\n   "
    );
    let mut before = 0;
    for limit in [1, 2, 5, 10, 20, 50, 100, 200] {
        let until = samples_ns.partition_point(|&ns| ns <= limit * 1_000_000);
        text.push_str(&format!(" ≤{limit}: {}", until - before));
        before = until;
    }
    text.push_str(&format!(" more: {}\n", samples_ns.len() - before));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_told_by_its_ranks_and_judged() {
        let small = Series { lock: Lock::Mutex, mib: 0, count: 100 };
        let text_of = |samples: Vec<u64>| text(small, samples);
        let fast = text_of((1..=100).map(|n| n * 100_000).collect());
        assert!(fast.contains("p50 5.0, p99 9.9, max 10.0") && fast.contains("PASS"), "{fast}");
        assert!(fast.contains("≤1: 10 ≤2: 10 ≤5: 30 ≤10: 50 ≤20: 0"), "{fast}");
        let late = text_of(vec![1_000_000, 201_000_000]);
        assert!(late.contains("MISS") && late.contains("more: 1"), "{late}");
        assert!(text_of(Vec::new()).contains("0 deaths"));
    }
}
