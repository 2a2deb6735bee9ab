//! Saying how the type of an object differs from the caller's, and who holds it.

use crate::error::{Error, ErrorKind};
use crate::schema::{Schema, difference};
use crate::segment::Segment;

/// What two appendable structs did not keep to.
const APPENDING: &str = "fields can only be appended, with the same room on both sides";

/// The error for an object whose fingerprint is not the caller's.
pub(crate) fn explain(segment: &Segment, mine: &Schema) -> Error {
    let lines = match segment.schema() {
        Ok(theirs) => {
            let mut lines = difference(mine, &theirs);
            if mine.has_room() && theirs.has_room() {
                lines.push(APPENDING.to_owned());
            }
            lines
        }
        Err(error) => vec![error.detail().to_owned()],
    };
    refusal(segment, &lines)
}

/// The error with these differences, and who holds the object.
pub(crate) fn refusal(segment: &Segment, lines: &[String]) -> Error {
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
