//! The children of the laboratory: victims, players, and those that die by their own hand.
//!
//! They are this program, run again as `lab child …`, and use the public interface of cohabit only.
//! A *player* obeys one line of text at a time and answers `ok …` or `err KIND text`. A *victim*
//! does one operation between the marks of [`super::trace::perform`]. A *suicide* brings an object
//! into a state that only a death can make.
mod cells;
mod executor;
mod handle;
mod life;
mod locks;
mod slice;
mod specimen;
mod value;

use super::list::Realm;
use super::raw;
use cohabit::{Error, Value};
use specimen::{Eight, First, Grown, Wide};
use std::io::{self, Write};
use std::path::PathBuf;

/// Does what the words say.
pub(super) fn run(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["storm", rest @ ..] = &words[..] {
        return super::storm::child(rest);
    }
    if let ["world", rest @ ..] = &words[..] {
        return super::world::child(rest);
    }
    // A constructor that panics does so on purpose, and a victim's message would reach the
    // terminal.
    std::panic::set_hook(Box::new(|_| ()));
    match words[..] {
        ["player", "value", "8"] => value::play::<Value<Eight>>(),
        ["player", "value", "72"] => value::play::<Value<Wide>>(),
        ["player", "value", "128"] => value::play::<Value<Grown>>(),
        ["player", "value", "slice"] => value::play::<Value<[u64]>>(),
        ["victim", "value", what, size, folder, name, number] => {
            let suffer = match size {
                "8" => value::suffer::<Value<Eight>>,
                "72" => value::suffer::<Value<Wide>>,
                "128" => value::suffer::<Value<First>>,
                _ => value::suffer::<Value<[u64]>>,
            };
            suffer(what, folder, name, number)
        }
        ["suicide", "value", deed, size, folder, name] => {
            let pins = super::oracle::value::pins_of(size);
            let die = match size {
                "8" => value::die::<Value<Eight>>,
                "72" => value::die::<Value<Wide>>,
                "128" => value::die::<Value<First>>,
                _ => value::die::<Value<[u64]>>,
            };
            die(deed, pins, folder, name)
        }
        ["player", "cells"] => cells::play(),
        ["victim", "cells", what, folder, name, number] => {
            cells::suffer(what, folder, name, number)
        }
        ["player", "locks"] => locks::play(),
        ["victim", "locks", what, folder, name] => locks::suffer(what, folder, name),
        ["suicide", "locks", deed, folder, name] => locks::die(deed, folder, name),
        ["player", "life", log] => life::play(log),
        ["victim", "life", what, folder, name, log] => life::suffer(what, folder, name, log),
        ["victim", "handle", what, path, log] => handle::suffer(what, path, log),
        ["suicide", "life", deed, folder, name, log] => life::die(deed, folder, name, log),
        _ => Err(format!("no such child: {words:?}")),
    }
}

/// The orders that a player gets.
struct Orders {
    lines: io::Lines<io::StdinLock<'static>>,
}

impl Orders {
    fn new() -> Self {
        Self { lines: io::stdin().lines() }
    }

    /// The next line; none when whoever orders is gone.
    fn next(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// Waits for the line that ends a pause.
    fn pause(&mut self) {
        if self.next().is_none() {
            std::process::exit(0);
        }
    }
}

/// Sends one line to whoever orders.
fn answer(result: Result<String, String>) -> Result<(), String> {
    let line = match result {
        Ok(text) => format!("ok {text}\n"),
        Err(text) => format!("err {}\n", text.replace('\n', " ")),
    };
    let mut out = io::stdout().lock();
    let sent = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    sent.map_err(|error| error.to_string())
}

/// An error as one line: its kind first, so that an oracle can tell `Busy` from the rest.
fn in_words(error: &Error) -> String {
    format!("{:?} {error}", error.kind())
}

/// The scope of all objects of the laboratory: what stands in front of the folder's path says how it is
/// meant.
fn in_folder(folder: &str) -> cohabit::Scope {
    let Some(root) = folder.strip_prefix(Realm::Machine.word()) else {
        let path = folder.strip_prefix(Realm::Disk.word()).unwrap_or(folder);
        return cohabit::Scope::Folder(PathBuf::from(path));
    };
    // SAFETY: a child of the laboratory has one thread, and nothing else of it reads the environment.
    unsafe { std::env::set_var("COHABIT_DIR", root) };
    cohabit::Scope::Machine(cohabit::Access::everyone().reads())
}

/// Ends this process as kill -9 does.
fn kill_myself() -> ! {
    raw::kill(std::process::id().cast_signed());
    std::process::abort();
}
