//! `FIELD=VALUE`: which part of an object an argument means, and the bytes for it.

use cohabit::schema::{Node, Schema};

use crate::bad_text::BadText;
use crate::dynamic::parse::{Patch, parse};
use crate::path::{Part, Start, kind_of, listed, walk};

/// What one argument says.
#[derive(Debug)]
pub(crate) struct Assignment {
    /// The bytes, and where they go.
    pub(crate) patches: Vec<Patch>,
    /// Where its value begins.
    pub(crate) value_at: usize,
}

/// Reads one of so many arguments for an object.
///
/// # Errors
/// Where it means no part, or no value of it.
pub(crate) fn assign(
    name: &str,
    schema: &Schema,
    text: &str,
    of_how_many: usize,
) -> Result<Assignment, BadText> {
    let whole = Part::whole(schema);
    let (part, place, value_at) = match split(whole.node, text, of_how_many) {
        Split::Whole { value_at } => (whole, name, value_at),
        Split::Field { equals } => {
            let part = walk(whole, text, 0..equals, Start::Bare)?;
            (part, &text[..equals], equals + 1)
        }
        Split::Nothing => {
            let what = format!("expected FIELD=VALUE, found no `=`{}", instead(whole.node));
            return Err(BadText::new(text, text.len()..text.len(), what));
        }
    };
    let patches = parse(part, place, &text[value_at..]).map_err(|no_value| {
        let (from, to) = (no_value.span.start, no_value.span.end);
        BadText::new(text, value_at + from..value_at + to, no_value.what)
    })?;
    Ok(Assignment { patches, value_at })
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
