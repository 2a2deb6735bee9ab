//! What is measured: one file for each group of figures, each a function of the setting.

mod copies;
mod deref;
mod life;
mod many;
pub(super) mod mutex;
pub(super) mod quiet;
pub(super) mod race;
mod sizes;

use std::path::{Path, PathBuf};
use std::process::Command;

use cohabit::{Options, Scope, Shareable, Shared, Text, plain};

use super::report::Figure;
use crate::peer::Peer;
use crate::tools::Sandbox;

/// The struct of README: 260 bytes.
#[plain]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MyData {
    x: i32,
    text: Text<256>,
}

impl MyData {
    pub(super) fn example(x: i32) -> Self {
        Self { x, text: Text::truncated("Hello Shared World!") }
    }
}

/// Where and how much is measured.
pub(super) struct Setting {
    sandbox: Sandbox,
    quick: bool,
}

/// A group of figures; an error is what keeps it from being measured at all.
type Subject = (&'static str, fn(&Setting) -> Result<Vec<Figure>, String>);

const SUBJECTS: &[Subject] = &[
    ("deref", deref::measure),
    ("quiet", quiet::measure),
    ("copies", copies::measure),
    ("race", race::measure),
    ("mutex", mutex::measure),
    ("life", life::measure),
    ("many", many::measure),
    ("sizes", sizes::measure),
];

/// The subjects whose name contains one of these; all, without any.
pub(super) fn chosen(only: &[String]) -> Result<Vec<Subject>, String> {
    let is_meant =
        |name: &str| only.is_empty() || only.iter().any(|part| name.contains(part.as_str()));
    let chosen: Vec<Subject> =
        SUBJECTS.iter().copied().filter(|(name, _)| is_meant(name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = SUBJECTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("no subject is called so; there are {}", names.join(", ")));
    }
    Ok(chosen)
}

impl Setting {
    pub(super) fn new(quick: bool) -> Result<Self, String> {
        Ok(Self { sandbox: Sandbox::for_objects("bench")?, quick })
    }

    /// How many rounds of short batches.
    fn rounds(&self) -> usize {
        if self.quick { 101 } else { 1001 }
    }

    /// A folder of the subject's own, in shared memory; gone with the setting.
    fn folder(&self, subject: &str) -> Result<PathBuf, String> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = self.sandbox.path().join(subject);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(path)
    }
}

/// Options for objects in a folder.
pub(super) fn within<T: Shareable>(folder: &Path) -> Options<T> {
    Shared::<T>::options().scope(Scope::Folder(folder.to_owned()))
}

/// This program again, as a child of the benchmark.
fn child_command<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
    let mut command = Command::new(program);
    command.args(["bench", "--child"]).args(words);
    Ok(command)
}

fn child<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> Result<Peer, String> {
    Peer::start(name, child_command(words)?)
}

/// A process that is attached to an object until its handle here goes.
fn holder(folder: &Path, name: &str) -> Result<Peer, String> {
    let peer = child("a user", ["hold", text_of(folder)?, name])?;
    peer.expect("attached")?;
    Ok(peer)
}

fn text_of(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is no text", path.display()))
}

/// Why a call of cohabit failed, as a sentence.
fn said(error: cohabit::Error) -> String {
    error.to_string()
}
