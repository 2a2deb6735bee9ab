//! `cargo xtask test-quickstart`: README's first program, built and run as a user would.
//!
//! The program is the first Rust block after the mark `<!-- quickstart -->` in README.md. It goes
//! into a package made by `cargo new` outside of the workspace, whose only dependency is cohabit.
//! It opens or creates an object, adds 1 to its field x, prints `x = N`, and waits for Enter; so
//! the second of two processes must print a number that is one more.

use crate::peer::Peer;
use crate::tools::{Outcome, Sandbox, cargo, openly, quietly, root, step, target_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MARK: &str = "<!-- quickstart -->";

/// Nothing to choose.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Makes, builds and runs the program.
pub(crate) fn run(_: Args) -> Outcome {
    let files = Sandbox::for_files("quickstart")?;
    let package = files.path().join("quickstart");
    step("cargo new", || make(&package))?;
    step("build", || build(&package))?;
    let program = target_dir().join("quickstart/debug/quickstart");
    step("run twice", || run_twice(&program))
}

fn make(package: &Path) -> Result<String, String> {
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).map_err(|e| format!("cannot read README.md: {e}"))?;
    let program = program(&text)?;
    let mut new = cargo();
    new.args(["new", "--quiet", "--vcs", "none", "--name", "quickstart"]).arg(package);
    quietly(new)?;
    let manifest = package.join("Cargo.toml");
    let cohabit = root().join("crates/cohabit");
    let old = fs::read_to_string(&manifest).map_err(|e| format!("cannot read a manifest: {e}"))?;
    let new = format!("{}\ncohabit = {{ path = {:?} }}\n", old.trim_end(), path_text(&cohabit)?);
    write(&manifest, &new)?;
    write(&package.join("src/main.rs"), program)?;
    // The versions that we test with; a user has those of the day.
    let lock = fs::read_to_string(root().join("Cargo.lock")).map_err(|e| e.to_string())?;
    write(&package.join("Cargo.lock"), &lock)?;
    Ok(format!("{} lines from README.md", program.lines().count()))
}

fn path_text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not Unicode", path.display()))
}

fn write(path: &PathBuf, text: &str) -> Outcome {
    fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// The program in the text of README.md.
fn program(readme: &str) -> Result<&str, String> {
    let (_, marked) = readme.split_once(MARK).ok_or_else(|| format!("README.md: no `{MARK}`"))?;
    let block = marked.trim_start().strip_prefix("```rust,no_run\n");
    let program = block.and_then(|block| block.split_once("\n```")).map(|(program, _)| program);
    program.ok_or_else(|| format!("README.md: no block of `rust,no_run` directly after `{MARK}`"))
}

fn build(package: &Path) -> Result<String, String> {
    let mut command = cargo();
    command.current_dir(package).args(["build", "--quiet", "--target-dir"]);
    command.arg(target_dir().join("quickstart"));
    openly(&mut command).map(|()| String::new())
}

fn run_twice(program: &Path) -> Result<String, String> {
    let sandbox = Sandbox::for_objects("quickstart")?;
    let start = |name| {
        let mut command = Command::new(program);
        command.env("COHABIT_DIR", sandbox.path());
        Peer::start(name, command)
    };
    let mut first = start("the first process")?;
    let one = number(&first.line()?)?;
    let mut second = start("the second process")?;
    let two = number(&second.line()?)?;
    if two != one + 1 {
        return Err(format!("the first process printed x = {one}, the second x = {two}"));
    }
    for peer in [&mut first, &mut second] {
        peer.enter()?;
    }
    first.finish()?;
    second.finish()?;
    match sandbox.files().as_slice() {
        [] => Ok(format!("x = {one}, then x = {two} in another process; nothing left behind")),
        [left, ..] => Err(format!("{} was left behind", left.display())),
    }
}

fn number(line: &str) -> Result<i64, String> {
    let number = line.strip_prefix("x = ").and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| format!("the program was to print `x = N`, and printed `{line}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_block_after_the_mark() {
        let text =
            "# a\n```rust\nno\n```\n<!-- quickstart -->\n```rust,no_run\nfn main() {}\n// b\n```\n";
        assert_eq!(program(text), Ok("fn main() {}\n// b"));
        assert!(program("```rust\nno\n```").unwrap_err().contains("no `<!--"));
        assert!(program("<!-- quickstart -->\ntext\n```rust\nno\n```").is_err());
    }

    #[test]
    fn the_line_of_the_program_is_read() {
        assert_eq!(number("x = 256"), Ok(256));
        assert!(number("y = 1").is_err() && number("x = one").is_err());
    }
}
