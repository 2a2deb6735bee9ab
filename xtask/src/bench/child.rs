//! The processes that the benchmark starts: this program again, as `bench --child WORDS`.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use cohabit::Value;

use super::subjects::{MyData, mutex, quiet, race, within};
use crate::tools::Outcome;

/// Does what the words say.
pub(super) fn run(words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["hold", folder, name] => hold(Path::new(folder), name),
        ["quiet", folder] => quiet::work(Path::new(folder)),
        ["stepped", folder, which] => mutex::step_through(Path::new(folder), which),
        ["fight", folder, core] => mutex::fight(Path::new(folder), core),
        ["wait", folder] => mutex::wait(Path::new(folder)),
        ["overtake", folder, times] => mutex::overtake(Path::new(folder), times),
        ["write", folder] => race::write(Path::new(folder)),
        ["read", folder] => race::read(Path::new(folder)),
        _ => Err(format!("no such child: {words:?}")),
    }
}

/// Stays attached to an object until its standard input ends.
fn hold(folder: &Path, name: &str) -> Outcome {
    let options = within::<Value<MyData>>(folder);
    let held = options.open_or_create(name, MyData::default).map_err(|e| e.to_string())?;
    say("attached")?;
    for line in io::stdin().lines() {
        line.map_err(|e| e.to_string())?;
    }
    drop(held);
    Ok(())
}

/// Prints one line for whoever started this process.
pub(super) fn say(line: &str) -> Outcome {
    let mut out = io::stdout().lock();
    let said = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    said.map_err(|e| format!("nobody reads this process's output: {e}"))
}

/// Waits for Enter; false when whoever started this process is done with it.
pub(super) fn next_order() -> Result<bool, String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map(|bytes| bytes != 0).map_err(|e| e.to_string())
}
