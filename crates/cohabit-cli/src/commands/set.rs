//! `cohabit set`: changes a value, all of it or some fields, as one commit.

use std::time::Duration;

use cohabit::Scope;
use cohabit::schema::Node;
use cohabit::untyped::Untyped;

use crate::bad_text::BadText;
use crate::cli::parse_time;
use crate::dynamic::parse::{Patch, parse};
use crate::dynamic::value_node;
use crate::exit::{Failure, Outcome};
use crate::path::{Part, Start, hint_at_names, kind_of, listed, walk};

/// What can be typed behind `set`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: String,

    /// What to change: `FIELD=VALUE`, `LIST[2].FIELD=VALUE`, or `=VALUE` for the whole value
    ///
    /// Several make one commit, the later ones last. A text is taken as it is, without quotes; lists
    /// and structs are written as JSON, where members that are left out stay as they are. An object
    /// that is no struct is also set by its VALUE alone, and a struct by its JSON alone.
    #[arg(required = true, value_name = "FIELD=VALUE", allow_negative_numbers = true)]
    assignments: Vec<String>,

    /// How long to wait for another writer, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_time)]
    timeout: Duration,
}

/// Checks all that was typed, then commits it whole.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let object = Untyped::open(&args.name, scope)
        .map_err(|error| hint_at_names(Failure::from(error), scope))?;
    let root = value_node(object.schema());
    let mut patches = Vec::new();
    for assignment in &args.assignments {
        patches.extend(patches_of(&args.name, &root, assignment, args.assignments.len())?);
    }
    let applied = object.update(args.timeout, |bytes| {
        let size = bytes.len();
        for Patch { at, bytes: patch } in &patches {
            match bytes.get_mut(*at..at + patch.len()) {
                Some(place) => place.copy_from_slice(patch),
                None => return Err(size),
            }
        }
        Ok(size)
    })?;
    applied.map(drop).map_err(|size| {
        let what = format!("`{}` has {size} bytes only, unlike its schema", args.name);
        Failure::Other(what)
    })
}

/// What one argument changes.
fn patches_of(
    name: &str,
    root: &Node,
    assignment: &str,
    of_how_many: usize,
) -> Result<Vec<Patch>, BadText> {
    let whole = Part { node: root, at: 0 };
    let (part, place, value_at) = match split(root, assignment, of_how_many) {
        Split::Whole { value_at } => (whole, name, value_at),
        Split::Field { equals } => {
            let part = walk(root, assignment, 0..equals, Start::Bare)?;
            (part, &assignment[..equals], equals + 1)
        }
        Split::Nothing => {
            let what = format!("expected FIELD=VALUE, found no `=`{}", instead(root));
            return Err(BadText::new(assignment, assignment.len()..assignment.len(), what));
        }
    };
    parse(part, place, &assignment[value_at..]).map_err(|no_value| {
        let (from, to) = (no_value.span.start, no_value.span.end);
        BadText::new(assignment, value_at + from..value_at + to, no_value.what)
    })
}

/// Where the value begins in an argument.
enum Split {
    /// It is for the whole object.
    Whole { value_at: usize },
    /// A path stands before the `=`.
    Field { equals: usize },
    /// There is no value.
    Nothing,
}

/// An object without fields takes its value alone, and a struct or list its JSON alone.
fn split(root: &Node, assignment: &str, of_how_many: usize) -> Split {
    if assignment.starts_with('=') {
        return Split::Whole { value_at: 1 };
    }
    let alone = match root {
        Node::Struct(_) => assignment.starts_with('{'),
        Node::Array { .. } | Node::List { .. } => {
            assignment.starts_with('[') && !begins_with_index(assignment)
        }
        _ => true,
    };
    match assignment.find('=') {
        _ if alone && of_how_many == 1 => Split::Whole { value_at: 0 },
        Some(equals) => Split::Field { equals },
        None => Split::Nothing,
    }
}

/// Tells `[2]=7`, `[2].x=7` and `[2][0]=7` from the JSON `[2]` and `[[2], [0]]`.
fn begins_with_index(text: &str) -> bool {
    let digits = text[1..].trim_start_matches(|c: char| c.is_ascii_digit());
    digits.strip_prefix(']').is_some_and(|rest| rest.starts_with(['=', '.', '[']))
}

/// What could have been meant.
fn instead(root: &Node) -> String {
    match root {
        Node::Struct(node) => {
            let fields = listed(node.fields.iter().map(|field| field.name.as_str()));
            format!("; the fields of {} are: {fields}", node.name)
        }
        Node::Array { .. } => format!("; it is {}: [0]=VALUE, or JSON", kind_of(root)),
        _ => format!("; it is {}, which takes one value", kind_of(root)),
    }
}
