//! Saying how the type of an object differs from the caller's, and who holds it.

use crate::error::{Error, ErrorKind};
use crate::schema::{Schema, difference};
use crate::segment::Segment;

/// The error for an object whose fingerprint is not the caller's.
pub(crate) fn explain(segment: &Segment, mine: &Schema) -> Error {
    let lines = match segment.schema() {
        Ok(theirs) => difference(mine, &theirs),
        Err(error) => vec![error.detail().to_owned()],
    };
    let holders = match segment.users() {
        Ok(users) if users.is_empty() => {
            format!(
                "nobody: it is kept, and `cohabit rm {}` takes it away with its value",
                segment.name
            )
        }
        Ok(users) => users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Err(error) => error.detail().to_owned(),
    };
    let detail = format!("the object has another type: {}; held by {holders}", lines.join("; "));
    Error::new(ErrorKind::TypeMismatch, &segment.name, detail).of_instance(segment.id)
}
