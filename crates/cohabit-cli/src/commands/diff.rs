//! `cohabit diff`: how the types of two objects differ, or that of an object from a type.

use std::path::PathBuf;

use cohabit::Scope;
use cohabit::schema::{Schema, difference};
use cohabit::untyped::Untyped;
use serde_json::json;

use crate::exit::{Failure, Outcome};
use crate::grammar;
use crate::out;
use crate::path::hint_at_names;

/// What can be typed behind `diff`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "cohabit diff [OPTIONS] <OBJECT> <OTHER|--type <TYPE>|--file <PATH>>",
    after_help = "Exit codes, as those of diff(1):\n  0  the types are the same, but for their names\n  \
                        1  they differ\n  2 and more  it could not be compared"
)]
pub(crate) struct Args {
    /// The object
    #[arg(value_name = "OBJECT")]
    name: String,

    #[command(flatten)]
    other: Other,

    /// Print a JSON object with the list of differences
    #[arg(long)]
    json: bool,
}

/// What it is compared with.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Other {
    /// Another object, which is "mine" in what is printed
    #[arg(value_name = "OTHER")]
    with: Option<String>,

    /// A type, as `cohabit schema` prints it
    #[arg(long = "type", value_name = "TYPE")]
    type_text: Option<String>,

    /// A file with a schema in JSON, as `cohabit schema --json` prints it
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

/// Prints the difference field by field; fails silently if there is one.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let theirs = schema_of(&args.name, scope)?;
    let mine = mine(&theirs, scope, &args.other)?;
    let lines = difference(&mine, &theirs);
    if args.json {
        out::json(&json!({"same": lines.is_empty(), "differences": lines}))?;
    } else if !lines.is_empty() {
        let given = || "the type that was given".to_owned();
        let mine = args.other.with.as_ref().map_or_else(given, |name| format!("`{name}`"));
        out::text(&format!(
            "mine is {mine}, the object is `{}`\n{}\n",
            args.name,
            lines.join("\n")
        ))?;
    }
    if lines.is_empty() { Ok(()) } else { Err(Failure::Differs) }
}

fn schema_of(name: &str, scope: &Scope) -> Result<Schema, Failure> {
    let object = Untyped::open_read_only(name, scope);
    let object = object.map_err(|error| hint_at_names(Failure::from(error), scope))?;
    Ok(object.declared().clone())
}

/// The other side. A text does not say whether there is a destructor: then it is as the object's.
fn mine(theirs: &Schema, scope: &Scope, other: &Other) -> Result<Schema, Failure> {
    if let Some(name) = &other.with {
        return schema_of(name, scope);
    }
    if let Some(text) = &other.type_text {
        let schema = grammar::types::object(text, "Type")?;
        return Ok(Schema { has_end: theirs.has_end, ..schema });
    }
    let path =
        other.file.as_ref().ok_or_else(|| Failure::Other("nothing to compare with".into()))?;
    let failed = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    Schema::parse(text.trim_ascii(), theirs.has_end).map_err(|error| failed(error.to_string()))
}
