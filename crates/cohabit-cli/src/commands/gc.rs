//! `cohabit gc`: takes away what nobody can use any more.

use std::io::Write;

use cohabit::{Collected, Scope};
use serde_json::{Value as Json, json};

use crate::exit::{self, Failure, Outcome};
use crate::out;

/// What can be typed behind `gc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a JSON object with the lists of what was removed and of what could not be judged
    #[arg(long)]
    json: bool,
}

/// Tidies, and says what was removed.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let collected = cohabit::collect(scope)?;
    if args.json {
        out::json(&document(&collected))?;
    } else {
        let mut out = out::stdout();
        for name in &collected.removed {
            writeln!(out, "removed {name}")?;
        }
        writeln!(out, "{} removed, {} left", collected.removed.len(), collected.left)?;
        out.flush()?;
    }
    for (_, problem) in &collected.problems {
        exit::say(&format!("warning: {problem}"));
    }
    match collected.problems.len() {
        0 => Ok(()),
        1 => Err(Failure::Other("1 name could not be judged".to_owned())),
        count => Err(Failure::Other(format!("{count} names could not be judged"))),
    }
}

fn document(collected: &Collected) -> Json {
    let problem = |(name, problem): &(String, cohabit::Error)| json!({"name": name, "code": problem.code(), "text": problem.to_string()});
    json!({
        "removed": collected.removed,
        "left": collected.left,
        "problems": collected.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}
