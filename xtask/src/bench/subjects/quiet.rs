//! Uncontended calls enter the kernel never and allocate nothing: a child under strace.
//!
//! The child marks the beginning and the end of its calls with `getppid`, and strace writes down what
//! lies between.

use std::hint::black_box;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::Command;

use cohabit::{Mutex, Value};

use super::{MyData, Setting, child_command, said, text_of, within};
use crate::bench::child::say;
use crate::bench::count::allocations;
use crate::bench::report::Figure;
use crate::tools::{self, Outcome};

const TIMES: u32 = 10_000;
const MARK: &str = "getppid";
const CALLS: &str =
    "get, get_into, read, version, get_part, set, set_from, set_part, update, pin, Mutex::lock";

pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let folder = setting.folder("quiet")?;
    let trace = folder.join("trace");
    let inner = child_command(["quiet", text_of(&folder)?])?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&trace).arg(inner.get_program()).args(inner.get_args());
    let kernel = Figure::new("calls of the kernel").note(format!("{TIMES} × each of {CALLS}"));
    let memory = Figure::new("allocations");
    let mut figures = match tools::quietly(strace) {
        Ok(_) => {
            let text = std::fs::read_to_string(&trace).map_err(|e| e.to_string())?;
            vec![judge(kernel, &between_marks(&text)?)]
        }
        Err(why) => vec![kernel.skipped(format!("{why}; strace is in the package strace"))],
    };
    let counted = tools::quietly(inner)?;
    let counted: f64 = counted.trim().parse().map_err(|e| format!("{counted}: {e}"))?;
    let memory = memory.measured(counted, "").at_most(0.0);
    figures.push(match counted {
        0.0 => memory,
        _ => memory.broken("an uncontended call allocated"),
    });
    Ok(figures)
}

fn judge(figure: Figure, calls: &[&str]) -> Figure {
    let figure = figure.measured(calls.len() as f64, "").at_most(0.0);
    if calls.is_empty() {
        return figure;
    }
    let first: Vec<&str> = calls.iter().take(5).copied().collect();
    figure.broken(format!("an uncontended call entered the kernel:\n{}", first.join("\n")))
}

/// The lines of a trace between the first mark and the last.
fn between_marks(trace: &str) -> Result<Vec<&str>, String> {
    let lines: Vec<&str> = trace.lines().collect();
    let is_mark = |line: &&str| line.contains(MARK);
    let (first, last) = (lines.iter().position(is_mark), lines.iter().rposition(is_mark));
    match (first, last) {
        (Some(first), Some(last)) if first < last => Ok(lines[first + 1..last].to_vec()),
        _ => Err(format!("the trace does not hold two marks:\n{trace}")),
    }
}

/// The child: all calls many times between two marks; then it says how often it allocated.
pub(in crate::bench) fn work(folder: &Path) -> Outcome {
    let options = within::<Value<MyData>>(folder);
    let data = options.open_or_create("quiet", MyData::default).map_err(said)?;
    let mutex = within::<Mutex<u64>>(folder).open_or_create("quiet-mutex", || Mutex::new(0));
    let mutex = mutex.map_err(said)?;
    let mut into = MyData::default();
    let mut once = |x| -> Result<(), cohabit::Error> {
        black_box(data.get()?);
        data.get_into(&mut into)?;
        black_box(data.read()?);
        black_box(data.version()?);
        black_box(data.get_part(MyData::X)?);
        data.set(MyData::example(x))?;
        data.set_from(&MyData::example(x))?;
        data.set_part(MyData::X, x)?;
        data.update(|d| d.x += 1)?;
        black_box(data.pin()?.get_part(MyData::X)?);
        *mutex.lock()? += 1;
        Ok(())
    };
    black_box(parent_id());
    let before = allocations();
    for x in 0..TIMES {
        once(x.cast_signed()).map_err(said)?;
    }
    let allocated = allocations() - before;
    black_box(parent_id());
    say(&allocated.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_counts() {
        let trace = "1 mmap()\n1 getppid() = 2\n1 futex()\n1 getppid() = 2\n1 exit()\n";
        assert_eq!(between_marks(trace), Ok(vec!["1 futex()"]));
        assert_eq!(between_marks("1 getppid()\n1 getppid()\n"), Ok(vec![]));
        assert!(between_marks("1 getppid() = 2\n").is_err());
    }
}
