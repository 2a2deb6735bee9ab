//! Agreeing on what is appended: programs that know more fields than the maker of an object did say so
//! in the object, so that two that append different fields to one older struct refuse each other.
//!
//! Behind the copies of a value of an appendable struct is a word for each field that the maker did not
//! know, with the mark of the field: a number that depends on all fields up to it. How programs agree on
//! marks is in [`marks`].
//!
//! All of an object's values are looked at before the first is marked: a program that is refused leaves no
//! marks, which would bind others to fields that nobody uses. Only where another one marks in between, it may.
//!
//! The words only tell honest programs apart. A peer that breaks the rules may write what it likes
//! there: then an opener is refused, or is not refused and reads values that are not its own, checked as ever.

mod marks;

use std::sync::atomic::AtomicU64;

use crate::error::Result;
use crate::member::Role;
use crate::mismatch;
use crate::plain::APPENDED_MAX;
use crate::schema::{Grown, Schema};
use crate::segment::Segment;

/// Whether the object's schema has fewer or more fields than this program's, where it may. A schema that
/// cannot be read, or is not that of the fingerprint, is another type's.
pub(crate) fn has_grown(segment: &Segment, mine: &Schema) -> bool {
    segment.schema().is_ok_and(|theirs| {
        theirs.fingerprint() == segment.header.fingerprint && mine.goes_with(&theirs)
    })
}

/// Compares this program's marks with those in the object, and adds those that are missing, unless it
/// only observes.
///
/// # Errors
/// `TypeMismatch` where another program has appended something else, or too much was appended.
pub(crate) fn agree(segment: &Segment, role: Role, mine: &Schema) -> Result<()> {
    let theirs = segment.schema()?;
    let each = |role| {
        mine.each_grown(&theirs, segment.header.tail_len, &mut |grown| {
            let at = segment.header.object_at + grown.words_at;
            let words = segment.words(at as usize, APPENDED_MAX * size_of::<u64>());
            compare(words, role, grown).map_err(|line| mismatch::refusal(segment, &[line]))
        })
    };
    each(Role::Observer)?;
    if role == Role::Observer { Ok(()) } else { each(role) }
}

/// One value. The error is a line for people.
fn compare(words: &[AtomicU64], role: Role, grown: &Grown<'_>) -> Result<(), String> {
    let marks = grown.marks();
    let dot = if grown.path.is_empty() { "" } else { "." };
    let field = |index: usize| format!("{}{dot}{}", grown.path, grown.fields[index].name);
    if marks.len() > words.len() {
        let (last, most) = (field(grown.known + words.len()), words.len());
        return Err(format!(
            "field `{last}`: the object's maker knew {} fields, and at most {most} can be appended to \
             one object: make it anew",
            grown.known
        ));
    }
    marks::agree(words, &marks, role != Role::Observer).map_err(|index| {
        let name = field(grown.known + index);
        format!(
            "field `{name}`: another program has appended something else there; all programs append \
             from one definition"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::schema::{FieldNode, Node, Scalar};

    fn fields(names: &[&str]) -> Vec<FieldNode> {
        let of = |(at, name): (u64, &&str)| FieldNode {
            name: (*name).to_owned(),
            was: None,
            at,
            node: Node::Scalar(Scalar::U8),
        };
        (0..).zip(names).map(of).collect()
    }

    fn tried(words: &[AtomicU64], role: Role, names: &[&str]) -> Result<(), String> {
        let fields = fields(names);
        let path = "part".to_owned();
        compare(words, role, &Grown { path, words_at: 0, known: 1, fields: &fields })
    }

    #[test]
    fn the_first_is_right() {
        let words = [const { AtomicU64::new(0) }; 3];
        assert_eq!(tried(&words, Role::Observer, &["a", "b"]), Ok(()));
        assert_eq!(words[0].load(Ordering::Relaxed), 0, "who only looks marks nothing");
        assert_eq!(tried(&words, Role::User, &["a", "b", "c"]), Ok(()));
        assert_eq!(tried(&words, Role::User, &["a", "b"]), Ok(()));
        assert_eq!(tried(&words, Role::User, &["a", "b", "c", "d"]), Ok(()));
        for role in [Role::User, Role::Observer] {
            let error = tried(&words, role, &["a", "b", "x", "d"]).unwrap_err();
            assert!(error.starts_with("field `part.x`: another program"), "{error}");
            // Another field in front makes others of all behind it.
            assert!(tried(&words, role, &["a", "x", "c"]).unwrap_err().contains("`part.x`"));
        }
        let error = tried(&words, Role::User, &["a", "b", "c", "d", "e"]).unwrap_err();
        assert!(error.contains("`part.e`") && error.contains("at most 3"), "{error}");
    }

    /// Killed between two marks, a beginning is there: it binds those who have other fields in it only.
    #[test]
    fn a_beginning_is_true() {
        let words = [const { AtomicU64::new(0) }; 3];
        tried(&words, Role::User, &["a", "b"]).unwrap();
        let before = words[0].load(Ordering::Relaxed);
        assert_eq!(tried(&words, Role::User, &["a", "b", "x"]), Ok(()));
        assert!(tried(&words, Role::User, &["a", "b", "c"]).is_err());
        assert_eq!(words[0].load(Ordering::Relaxed), before);
    }
}
