//! `cohabit ls`: the objects of a scope.

use std::io::Write;

use cohabit::{Entry, Keep, Scope};
use serde_json::{Value as Json, json};

use crate::exit::{self, Outcome};
use crate::out;
use crate::table::{Side, Table};

/// What can be typed behind `ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

/// Prints the objects there are, by name.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let entries = cohabit::list(scope)?;
    if args.json {
        out::json(&Json::Array(entries.iter().map(document).collect()))?;
        return Ok(());
    }
    let mut out = out::stdout();
    if entries.is_empty() {
        exit::say("no objects");
        return Ok(());
    }
    out.write_all(table(&entries).as_bytes())?;
    out.flush()?;
    for entry in &entries {
        if let Some(problem) = &entry.problem {
            exit::say(&format!("warning: {problem}"));
        }
    }
    Ok(())
}

fn table(entries: &[Entry]) -> String {
    let mut table = Table::new([
        ("NAME", Side::Left),
        ("TYPE", Side::Left),
        ("STATE", Side::Left),
        ("USERS", Side::Right),
        ("BYTES", Side::Right),
        ("KEPT", Side::Left),
    ]);
    for entry in entries {
        table.row([
            entry.name.clone(),
            entry.type_name.clone(),
            entry.state.as_str().to_owned(),
            entry.users.to_string(),
            entry.size.to_string(),
            keep_word(entry.keep).unwrap_or("").to_owned(),
        ]);
    }
    table.render()
}

fn document(entry: &Entry) -> Json {
    let problem = entry
        .problem
        .as_ref()
        .map(|problem| json!({"code": problem.code(), "text": problem.to_string()}));
    json!({
        "name": entry.name,
        "type": entry.type_name,
        "state": entry.state.as_str(),
        "users": entry.users,
        "bytes": entry.size,
        "kept": keep_word(entry.keep),
        "created_ns": entry.created_ns,
        "problem": problem,
    })
}

/// How long an object lives, as a word; `None` if that is not known.
fn keep_word(keep: Option<Keep>) -> Option<&'static str> {
    match keep? {
        Keep::WhileUsed => Some("while-used"),
        Keep::UntilReboot => Some("until-reboot"),
        Keep::OnDisk => Some("on-disk"),
        _ => None,
    }
}
