//! The steps of the demo but for the measuring: what is done, what is expected, what is found.

use std::time::{Duration, Instant};

use cohabit::ErrorKind;

use super::process::Role;
use super::team::Peer;
use super::{Broken, MyData, Stage, Story};

const WRITERS: u32 = 4;
const READERS: u32 = 2;

fn start(stage: &Stage<'_>, role: Role) -> Result<Peer, Broken> {
    Peer::start(role, &stage.name, stage.scope, stage.time)
}

fn started(stage: &Stage<'_>, role: Role, count: u32) -> Result<Vec<Peer>, Broken> {
    (0..count).map(|_| start(stage, role)).collect()
}

/// Step 1.
pub(super) fn set_and_get(stage: &mut Stage<'_>) -> Result<Story, Broken> {
    let keeper = start(stage, Role::Keep)?;
    keeper.expect("set")?;
    let getter = start(stage, Role::Get)?;
    let expected = "x = 255, text = \"Hello Shared World!\"";
    getter.expect(expected)?;
    let lines = vec![
        format!("pid {} sets {expected}", keeper.pid()),
        format!("pid {} gets {expected}", getter.pid()),
    ];
    getter.leave()?;
    stage.keeper = Some(keeper);
    Ok(Story { lines, held: "what one set, the other got".to_owned() })
}

/// Step 2.
pub(super) fn many(stage: &mut Stage<'_>) -> Result<Story, Broken> {
    let data = stage.open()?;
    data.set(MyData::of(0))?;
    let mut writers = started(stage, Role::Write, WRITERS)?;
    let mut readers = started(stage, Role::Read, READERS)?;
    for peer in writers.iter().chain(&readers) {
        peer.expect("ready")?;
    }
    for peer in writers.iter_mut().chain(&mut readers) {
        peer.go()?;
    }
    let mut updates = 0;
    for writer in &writers {
        updates += numbers::<1>(&writer.line()?)?[0];
    }
    let (mut reads, mut torn, mut backwards) = (0, 0, 0);
    for reader in &readers {
        let counts = numbers::<3>(&reader.line()?)?;
        reads += counts[0];
        torn += counts[1];
        backwards += counts[2];
    }
    for peer in writers.into_iter().chain(readers) {
        peer.leave()?;
    }
    let seconds = stage.time.as_secs_f64();
    let x = data.get()?.x;
    let expected = format!("no torn value, none older than the one before, and x = {updates}");
    if torn > 0 || backwards > 0 || i64::from(x) != updates as i64 {
        let found = format!("{torn} torn, {backwards} older, and x = {x}");
        return Err(Broken::new(expected, found));
    }
    let lines = vec![
        format!("{WRITERS} processes write and {READERS} read, for {seconds} s; text is made of x"),
        format!("{} updates, each adds 1 to x", grouped(updates)),
        format!("{} values read, each one checked", grouped(reads)),
    ];
    let held = format!("no value was torn, and x is exactly {}", grouped(updates));
    Ok(Story { lines, held })
}

/// The numbers of a line.
fn numbers<const N: usize>(line: &str) -> Result<[u64; N], Broken> {
    let numbers: Option<Vec<u64>> = line.split(' ').map(|word| word.parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| Broken::new(format!("{N} numbers"), format!("{line:?}")))
}

/// Step 3.
pub(super) fn kill(stage: &mut Stage<'_>) -> Result<Story, Broken> {
    let data = stage.open()?;
    let before = data.read()?;
    let mut victim = start(stage, Role::Hold)?;
    victim.expect("inside")?;
    let mut lines = vec![format!(
        "pid {} is inside an update: it has the lock, and has set its copy to x = -1",
        victim.pid()
    )];
    unchanged("while it is inside", &before, &data.read()?)?;
    lines.push(format!("others read on: x = {}", before.0.x));
    lines.push(format!("who would write is told: {}", refusal(&data.try_set(MyData::of(7)))?));

    let killed = Instant::now();
    victim.kill()?;
    let after = data.read()?;
    let next = data.set(MyData::of(7))?;
    let took = killed.elapsed();
    unchanged("after it was killed", &before, &after)?;
    let now = data.read()?;
    if next.number() != before.1.number() + 1 || now != (MyData::of(7), next) {
        let expected = format!("x = 7, version {}", before.1.number() + 1);
        let found = format!("x = {}, version {next}, read as {}", now.0.x, now.1);
        return Err(Broken::new(expected, found));
    }
    lines.push(format!("kill -9 {}: x = {} still", victim.pid(), after.0.x));
    lines.push(format!("the next set is done {} after the kill", shown(took)));
    let held = "nothing half done was seen, and nobody had to wait for the dead".to_owned();
    Ok(Story { lines, held })
}

/// The library's refusal to write now, without its advice.
fn refusal<T>(tried: &cohabit::Result<T>) -> Result<String, Broken> {
    let expected = "busy, since another process is inside an update";
    match tried {
        Err(error) if error.kind() == ErrorKind::Busy => Ok(error.detail().to_owned()),
        Err(error) => Err(Broken::new(expected, error.to_string())),
        Ok(_) => Err(Broken::new(expected, "a value was set")),
    }
}

type Read = (MyData, cohabit::Version);

fn unchanged(when: &str, before: &Read, now: &Read) -> Result<(), Broken> {
    if before == now {
        return Ok(());
    }
    let words = |read: &Read| format!("x = {}, version {}", read.0.x, read.1);
    Err(Broken::new(format!("{} {when}", words(before)), words(now)))
}

/// Step 5.
pub(super) fn nothing_left(stage: &mut Stage<'_>) -> Result<Story, Broken> {
    if let Some(keeper) = stage.keeper.take() {
        keeper.leave()?;
    }
    let Some(folder) = cohabit::folder_of(stage.scope)? else {
        return Err(Broken::new("the folder of the objects", "none"));
    };
    let mut left = Vec::new();
    for file in std::fs::read_dir(&folder)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.contains(&stage.name) {
            left.push(name);
        }
    }
    if !left.is_empty() {
        let expected = format!("no file of `{}` in {}", stage.name, folder.display());
        return Err(Broken::new(expected, left.join(", ")));
    }
    Ok(Story {
        lines: vec!["the last process has left".to_owned()],
        held: format!("no file of `{}` is in {}", stage.name, folder.display()),
    })
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time with a unit that fits.
fn shown(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        format!("{} µs", time.as_micros())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }
}
