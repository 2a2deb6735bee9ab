//! What somebody may have meant who mistyped a word.

/// The known words that are nearest to `typed`, at most three, the nearest first; none if none is near.
pub(crate) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let most = match typed.chars().count() {
        0..3 => 1,
        3..9 => 2,
        length => length / 3,
    };
    let mut near: Vec<_> =
        known.filter_map(|word| Some((rank(&typed, word, most)?, word))).collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, word)| word).collect()
}

/// How far away a word is, if it is near: typed as a part of it, or with few edits.
fn rank(typed: &str, word: &str, most: usize) -> Option<usize> {
    let edits = edits(typed, &word.to_lowercase());
    let is_part = typed.chars().count() > 2 && word.to_lowercase().contains(typed);
    (edits <= most || is_part).then_some(if is_part { edits.min(most) } else { edits })
}

/// How many characters must be inserted, removed or replaced: the Levenshtein distance.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (number, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("same", "same"), 0);
    }

    #[test]
    fn near_words_come_nearest_first() {
        let known = ["not-found", "no-space", "not-shared", "busy"];
        assert_eq!(nearest("not-fuond", known.into_iter()), ["not-found"]);
        assert_eq!(nearest("shared", known.into_iter()), ["not-shared"]);
        assert_eq!(nearest("xyzxyz", known.into_iter()), [""; 0]);
    }
}
