//! `cohabit set`: changes an object, all of it or some fields: one commit for each cell.

use std::time::Duration;

use cohabit::Scope;
use cohabit::schema::Node;
use cohabit::untyped::{Cell, Untyped};

use crate::assignment::{Assignment, assign};
use crate::bad_text::BadText;
use crate::cli::parse_time;
use crate::dynamic::parse::Patch;
use crate::exit::{self, Failure, Outcome};
use crate::path::hint_at_names;

/// What can be typed behind `set`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: String,

    /// What to change: `FIELD=VALUE`, `LIST[2].FIELD=VALUE`, or `=VALUE` for all of it
    ///
    /// Several for one value make one commit, the later ones last; of an object with parts, each cell
    /// gets a commit of its own, in the order in which they are named. A text is taken as it is,
    /// without quotes; lists and structs are written as JSON, where members that are left out stay as
    /// they are. An object that is no struct is also set by its VALUE alone, and a struct by its JSON
    /// alone.
    #[arg(required = true, value_name = "FIELD=VALUE", allow_negative_numbers = true)]
    assignments: Vec<String>,

    /// How long to wait for another writer, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_time)]
    timeout: Duration,
}

/// Checks all that was typed, then commits it, cell by cell.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let object = Untyped::open(&args.name, scope)
        .map_err(|error| hint_at_names(Failure::from(error), scope))?;
    let mut commits: Vec<Commit<'_>> = Vec::new();
    for assignment in &args.assignments {
        for patch in patches_of(&args.name, &object, assignment, args.assignments.len())? {
            let known = commits.iter_mut().find(|commit| commit.cell.offset() == patch.cell);
            match known {
                Some(commit) => commit.patches.push(patch),
                None => commits.extend(Commit::of(&object, patch)),
            }
        }
    }
    for (index, commit) in commits.iter().enumerate() {
        if let Err(failure) = commit.make(args.timeout) {
            let done = commits[..index].iter().map(|commit| commit.cell.path()).collect::<Vec<_>>();
            if !done.is_empty() {
                exit::say(&format!("set already: {}", done.join(", ")));
            }
            return Err(failure);
        }
    }
    Ok(())
}

/// What is to be changed in one cell.
struct Commit<'a> {
    cell: Cell<'a>,
    patches: Vec<Patch>,
}

impl<'a> Commit<'a> {
    fn of(object: &'a Untyped, patch: Patch) -> Option<Self> {
        let cell = object.cell_at(patch.cell)?;
        Some(Commit { cell, patches: vec![patch] })
    }

    fn make(&self, timeout: Duration) -> Outcome {
        let applied = self.cell.update(timeout, |bytes| {
            let size = bytes.len();
            for Patch { at, bytes: patch, .. } in &self.patches {
                match bytes.get_mut(*at..at + patch.len()) {
                    Some(place) => place.copy_from_slice(patch),
                    None => return Err(size),
                }
            }
            Ok(size)
        })?;
        applied.map(drop).map_err(|size| {
            let what = format!("`{}` has {size} bytes only, unlike its schema", self.cell.path());
            Failure::Other(what)
        })
    }
}

/// What one argument changes. What is frozen cannot be changed.
fn patches_of(
    name: &str,
    object: &Untyped,
    text: &str,
    of_how_many: usize,
) -> Result<Vec<Patch>, BadText> {
    let Assignment { patches, value_at } = assign(name, object.schema(), text, of_how_many)?;
    let cells = patches.iter().filter_map(|patch| object.cell_at(patch.cell));
    match cells.into_iter().find(|cell| matches!(cell.node(), Node::Frozen { .. })) {
        Some(frozen) => {
            let path = frozen.path();
            let place = if path.is_empty() { name } else { &path };
            let what = format!("`{place}` is frozen: only the constructor of the object wrote it");
            Err(BadText::new(text, 0..value_at, what))
        }
        None => Ok(patches),
    }
}
