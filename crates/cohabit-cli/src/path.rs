//! Paths: `NAME.field[i].sub`, and which part of an object they mean.
//!
//! A name may itself hold dots. **The rule: the longest beginning of the argument that is the name of
//! an object is the name, and the rest is the path.** It is cut at a dot or in front of a bracket only.
//! A field whose name holds `.`, `[` or `=` cannot be written as a path; it is seen in its struct, and
//! set by JSON.

use std::ops::Range;

use cohabit::schema::{Node, Schema};
use cohabit::untyped::{Cell, Untyped};
use cohabit::{EntryState, ErrorKind, Scope};

use crate::bad_text::BadText;
use crate::dynamic::image::contents;
use crate::exit::Failure;

/// How many fields or objects a message lists.
const LISTED_MAX: usize = 12;

/// A part of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// What it is. Of a cell as a whole it is what the cell holds.
    pub(crate) node: &'a Node,
    /// Where its bytes begin: in the contents of its cell, or, outside of any, in the object.
    pub(crate) at: u64,
    /// Where in the object the cell begins that it is in; none for a struct or array of cells.
    pub(crate) cell: Option<u64>,
}

impl<'a> Part<'a> {
    /// The whole of an object.
    pub(crate) fn whole(schema: &'a Schema) -> Self {
        Part::in_object(&schema.root, 0)
    }

    /// What stands at a byte of an object, outside of any other cell.
    fn in_object(node: &'a Node, at: u64) -> Self {
        match contents(node) {
            Some(node_inside) => Part { node: node_inside, at: 0, cell: Some(at) },
            None => Part { node, at, cell: None },
        }
    }

    /// The part `node` of this one, so many bytes behind its beginning.
    pub(crate) fn inner(self, node: &'a Node, behind: u64) -> Self {
        match self.cell {
            Some(_) => Part { node, at: self.at + behind, ..self },
            None => Part::in_object(node, self.at + behind),
        }
    }

    /// Where its bytes are in the contents of its cell.
    pub(crate) fn range(&self) -> Range<usize> {
        // Parts lie inside contents that were read into memory.
        self.at as usize..(self.at + self.node.size()) as usize
    }

    /// The cell that it is in, or that it is.
    pub(crate) fn cell_in(self, object: &Untyped) -> Option<Cell<'_>> {
        object.cell_at(self.cell?)
    }
}

/// An object opened for reading, and the path that follows its name in the argument.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) object: Untyped,
    argument: &'a str,
    path_at: usize,
}

impl<'a> Target<'a> {
    /// Finds the object that `argument` begins with.
    ///
    /// # Errors
    /// As [`Untyped::open_read_only`]; where there is no object, with a list of those there are.
    pub(crate) fn find(argument: &'a str, scope: &Scope) -> Result<Self, Failure> {
        let longest = argument.find('[').unwrap_or(argument.len());
        let mut end = longest;
        let mut first = None;
        loop {
            match Untyped::open_read_only(&argument[..end], scope) {
                Ok(object) => {
                    return Ok(Target { object, argument, path_at: end });
                }
                Err(error) if may_be_longer(error.kind()) => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error.into()),
            }
            match argument[..end].rfind('.') {
                Some(dot) if dot > 0 => end = dot,
                _ => break,
            }
        }
        let failure = first.map_or_else(|| Failure::Other("no name".into()), Failure::from);
        Err(hint_at_names(failure, scope))
    }

    /// What follows the name, without a leading dot; empty for the whole value.
    pub(crate) fn path(&self) -> &'a str {
        let path = &self.argument[self.path_at..];
        path.strip_prefix('.').unwrap_or(path)
    }

    /// The part of the object that the path means.
    ///
    /// # Errors
    /// Where it means none.
    pub(crate) fn part(&self) -> Result<Part<'_>, BadText> {
        let whole = Part::whole(self.object.schema());
        walk(whole, self.argument, self.path_at..self.argument.len(), Start::AfterName)
    }
}

/// Whether a shorter beginning may be a name where this one is none.
fn may_be_longer(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    matches!(
        kind,
        Kind::NotFound
            | Kind::NameTooLong
            | Kind::NameSpace
            | Kind::NameNotAscii
            | Kind::NameCharacter
            | Kind::NameReserved
    )
}

/// Adds to "not found" which objects there are, or that this one's users were killed.
pub(crate) fn hint_at_names(failure: Failure, scope: &Scope) -> Failure {
    let Failure::Object { error, .. } = &failure else {
        return failure;
    };
    if error.kind() != ErrorKind::NotFound {
        return failure;
    }
    let mut entries = cohabit::list(scope).unwrap_or_default();
    if entries.iter().any(|one| one.name == error.object() && one.state == EntryState::Orphan) {
        return failure.with_hint("All its users were killed: whoever opens it next starts anew.");
    }
    entries.retain(|entry| !matches!(entry.state, EntryState::Orphan | EntryState::Ended));
    if entries.is_empty() {
        return failure;
    }
    let names = entries.iter().map(|entry| entry.name.as_str());
    failure.with_hint(format!("There are: {}", listed(names)))
}

/// Adds to "belongs to another user" how that user is trusted here.
pub(crate) fn hint_at_trust(failure: Failure, scope: &Scope) -> Failure {
    match (failure.kind(), scope) {
        (Some(ErrorKind::OtherOwner), Scope::Machine(_)) => {
            failure.with_hint("On the command line: `--trust USER` behind `--machine`.")
        }
        _ => failure,
    }
}

/// What a path may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A dot or a bracket: a name stands before it.
    AfterName,
    /// A field or a bracket: nothing stands before it.
    Bare,
}

/// The part of `whole` that the path in `text[span]` means. Paths go into cells as into structs.
///
/// # Errors
/// Where it means none, with what there is instead.
pub(crate) fn walk<'n>(
    whole: Part<'n>,
    text: &str,
    span: Range<usize>,
    start: Start,
) -> Result<Part<'n>, BadText> {
    let mut part = whole;
    let mut here = span.start;
    while here < span.end {
        let rest = &text[here..span.end];
        let is_first = here == span.start;
        if rest.starts_with('[') {
            let close = rest.find(']').ok_or_else(|| {
                let what = "expected `]` after the index, found the end";
                BadText::new(text, span.end..span.end, what)
            })?;
            part = element(part, text, here + 1..here + close)?;
            here += close + 1;
        } else {
            let bare = is_first && start == Start::Bare;
            if !bare && !rest.starts_with('.') {
                let what = "expected `.field` or `[index]`";
                return Err(BadText::new(text, here..span.end, what));
            }
            let from = if bare { here } else { here + 1 };
            let length = text[from..span.end].find(['.', '[']);
            let to = length.map_or(span.end, |length| from + length);
            part = field(part, text, from..to)?;
            here = to;
        }
    }
    Ok(part)
}

fn field<'n>(part: Part<'n>, text: &str, span: Range<usize>) -> Result<Part<'n>, BadText> {
    let name = &text[span.clone()];
    let bad = |what: String| BadText::new(text, span.clone(), what);
    let Node::Struct(node) = part.node else {
        return Err(bad(format!("{} has no fields", kind_of(part.node))));
    };
    let fields = || listed(node.fields.iter().map(|field| field.name.as_str()));
    if name.is_empty() {
        let what = format!("expected a field of {}: {}", node.name, fields());
        return Err(bad(what));
    }
    match node.fields.iter().find(|field| field.name == name) {
        Some(field) => Ok(part.inner(&field.node, field.at)),
        None => Err(bad(format!("{} has no field `{name}`; there are: {}", node.name, fields()))),
    }
}

fn element<'n>(part: Part<'n>, text: &str, span: Range<usize>) -> Result<Part<'n>, BadText> {
    let bad = |what: String| BadText::new(text, span.clone(), what);
    let (of, len) = match part.node {
        Node::Array { of, len } => (of, *len),
        // How many there are, is known when it is read only, and what is behind them stays zero.
        Node::List { .. } => {
            let what = format!("{}, which is shown and set as a whole", kind_of(part.node));
            return Err(bad(what));
        }
        other => return Err(bad(format!("{} has no elements", kind_of(other)))),
    };
    let digits = &text[span.clone()];
    let last = len - 1;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(format!("expected an index from 0 to {last}")));
    }
    match digits.parse::<u64>() {
        Ok(index) if index < len => Ok(part.inner(of, index * of.size())),
        _ => Err(bad(format!("the index is out of range: there are {len} elements, 0 to {last}"))),
    }
}

/// What a node is, in words: the beginning of a sentence about it.
pub(crate) fn kind_of(node: &Node) -> String {
    match node {
        Node::Scalar(scalar) | Node::Atomic(scalar) => scalar.name().to_owned(),
        Node::Flag => "a flag".to_owned(),
        Node::Text { len } => format!("text of at most {} bytes", len - 1),
        Node::Array { of, len } => format!("a list of {len} × {}", kind_of(of)),
        Node::Struct(node) => format!("the struct {}", node.name),
        cell => match contents(cell) {
            Some(contents) => kind_of(contents),
            None => cell.type_name(),
        },
    }
}

/// A part of an object, as it can be typed: `board.log`, `hits[7]`.
pub(crate) fn joined(object: &str, path: &str) -> String {
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    format!("{object}{dot}{path}")
}

/// Names, as many as a message has room for.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut text: Vec<_> = names.clone().take(LISTED_MAX).collect();
    let more = names.count().saturating_sub(LISTED_MAX);
    let rest = format!("and {more} more");
    if more > 0 {
        text.push(&rest);
    }
    text.join(", ")
}
