//! `cargo xtask test-readme`: every command that README shows is run and must end with 0.
//!
//! Commands are the lines of its `sh` blocks; where a block has lines that begin with `$ `, only
//! these, since the others show output. A line with `# not run` is listed as not run. Each is run
//! from the workspace's folder, with `cohabit` in the path and the shared objects in a sandbox.

use crate::tools::{Outcome, Sandbox, cargo, openly, quietly, root, step, target_dir};
use std::fs;
use std::process::Command;

const NOT_RUN: &str = "# not run";
/// Set for the commands, so that one that tests README again is refused.
const INSIDE: &str = "COHABIT_TEST_README";

/// How long one command may take.
const SECONDS_MAX: &str = "900";

/// What was run before.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A command that was run already and is not run again; may be given several times
    #[arg(long, value_name = "COMMAND")]
    ran: Vec<String>,
    /// Print the commands and run none
    #[arg(long)]
    list: bool,
}

/// Runs the commands in their order; the first failure ends it.
pub(crate) fn run(args: Args) -> Outcome {
    if std::env::var_os(INSIDE).is_some() {
        return Err(format!("README shows a command that tests README: mark it `{NOT_RUN}`"));
    }
    let text = fs::read_to_string(root().join("README.md"))
        .map_err(|e| format!("cannot read README.md: {e}"))?;
    let commands = commands(&text);
    if commands.is_empty() {
        return Err("README.md has no command in a block marked sh".into());
    }
    if args.list {
        commands.iter().for_each(|command| println!("{command}"));
        return Ok(());
    }
    step("build cohabit", || build().map(|()| String::new()))?;
    let sandbox = Sandbox::for_objects("readme")?;
    for command in &commands {
        if command.contains(NOT_RUN) {
            println!("not run: {command}");
        } else if args.ran.contains(command) {
            println!("run before: {command}");
        } else {
            step(command, || run_one(command, &sandbox))?;
        }
    }
    Ok(())
}

fn build() -> Outcome {
    let mut command = cargo();
    openly(command.args(["build", "--quiet", "--release", "--package", "cohabit-cli"]))
}

fn run_one(text: &str, sandbox: &Sandbox) -> Result<String, String> {
    let mut folders = vec![target_dir().join("release")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(folders).map_err(|e| format!("cannot set PATH: {e}"))?;
    // A command that waits for ever is to be a failure with a name.
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", SECONDS_MAX]);
    command.args(["bash", "-euo", "pipefail", "-c", text]);
    command.current_dir(root());
    command.env("PATH", path).env("COHABIT_DIR", sandbox.path()).env(INSIDE, "1");
    quietly(command).map(|_| String::new())
}

/// The commands of all `sh` blocks, in their order.
fn commands(readme: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut block: Option<Vec<&str>> = None;
    for line in readme.lines() {
        match (&mut block, line.trim_end()) {
            (None, "```sh") => block = Some(Vec::new()),
            (Some(lines), "```") => {
                all.extend(commands_of(lines));
                block = None;
            }
            (Some(lines), line) => lines.push(line),
            (None, _) => {}
        }
    }
    all
}

fn commands_of(lines: &[&str]) -> Vec<String> {
    let has_output = lines.iter().any(|line| line.starts_with("$ "));
    let mut commands = Vec::new();
    let mut open = String::new();
    for line in lines {
        // The rest of a command that the line above broke off with a backslash.
        let text = if !open.is_empty() {
            line.trim_start()
        } else if has_output {
            let Some(command) = line.strip_prefix("$ ") else {
                continue;
            };
            command
        } else {
            line.trim_start()
        };
        if open.is_empty() && (text.is_empty() || text.starts_with('#')) {
            continue;
        }
        if let Some(part) = text.strip_suffix('\\') {
            open.push_str(part);
            continue;
        }
        commands.push(std::mem::take(&mut open) + text);
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_commands_and_comments_are_not() {
        let text = "```sh\ncargo test\n\n# a remark\ncargo add x   # not run\n```\n```\nno\n```\n";
        assert_eq!(commands(text), ["cargo test", "cargo add x   # not run"]);
    }

    #[test]
    fn lines_with_a_dollar_are_commands_and_the_others_output() {
        let text = "```sh\n$ cohabit ls\nname users\n$ cohabit \\\n    show x\n{ }\n```\n";
        assert_eq!(commands(text), ["cohabit ls", "cohabit show x"]);
    }

    #[test]
    fn blocks_of_other_languages_are_left_alone() {
        assert_eq!(commands("```rust\na\n```\n```text\nb\n```\n"), Vec::<String>::new());
    }
}
