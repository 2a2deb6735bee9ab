//! What the words of a segment mean, as FORMAT.md says, and what a hostile peer writes there.

use std::ops::Range;

use cohabit::Signal;
use cohabit::schema::Node;
use cohabit::untyped::Untyped;

use crate::vandal::Dice;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// One of the header that never changes, or is for display.
    Header,
    /// The life word.
    Life,
    /// A word of the schema's text.
    Schema,
    /// The first word of a row of the slot table, or another of it.
    Row,
    /// A lock word of a value, mutex, once or once cell.
    Lock,
    /// The commit word of a value, or the counting word of an event or a condition variable.
    Commit,
    /// A pin.
    Pin,
    /// A word in which somebody says that it waits, reads or has a permit.
    Seat,
    /// The stamp of a copy.
    Stamp,
    /// Bits of a value.
    Bits,
}

/// A word, and what it is.
pub(crate) type Place = (usize, Spot);

/// All words of a segment whose header these words are, frame first; and how many belong to the frame.
pub(crate) fn of_segment(words: &[u64], object: Option<&Untyped>) -> (Vec<Place>, usize) {
    // A header that was overwritten already says anything.
    let most = words.len() as u64 * 8;
    let number = |at: usize| words.get(at / 8).map_or(0, |word| (*word).min(most) as usize);
    let (schema, table, start) = (number(64), number(80), number(88));
    let all =
        |bytes: Range<usize>, spot| (bytes.start / 8..bytes.end / 8).map(move |at| (at, spot));
    let mut places: Vec<Place> = all(0..256, Spot::Header).collect();
    places[16].1 = Spot::Life;
    places.extend(all(schema..table, Spot::Schema));
    places.extend(all(table..start, Spot::Row));
    let frame = places.len();
    let end = (start + number(96)).min(most as usize);
    places.extend(all(start..end, Spot::Bits));
    for cell in object.into_iter().flat_map(Untyped::cells) {
        let first = frame + cell.offset() as usize / 8;
        let mut mark = |at: usize, spot| {
            if let Some(place) = places.get_mut(first + at / 8) {
                place.1 = spot;
            }
        };
        match cell.node() {
            Node::Value { copies, stride, .. } => {
                mark(0, Spot::Lock);
                mark(8, Spot::Commit);
                (2..8).for_each(|pin| mark(pin * 8, Spot::Pin));
                let stamps = (0..*copies as usize).map(|copy| 64 + copy * *stride as usize);
                stamps.for_each(|at| mark(at, Spot::Stamp));
            }
            Node::Signal(Signal::Event | Signal::Condvar) => mark(0, Spot::Commit),
            Node::Atomic(_) | Node::Flag | Node::Frozen { .. } | Node::Loose { .. } => {}
            // The words in front of what a lock guards; all of one that guards nothing.
            node => {
                let inside =
                    if !matches!(node, Node::Signal(_)) { cell.contents().size() } else { 0 };
                let head = (node.size() - inside).max(8) as usize / 8;
                mark(0, Spot::Lock);
                (1..head).for_each(|word| mark(word * 8, Spot::Seat));
            }
        }
    }
    places.retain(|(at, _)| *at < words.len());
    (places, frame.min(words.len()))
}

/// What goes into a word of this kind that holds `now`; `living` is a token of somebody who lives.
pub(crate) fn word(dice: &Dice, spot: Spot, now: u64, living: u64) -> u64 {
    let noise = dice.next();
    let small = dice.below(20);
    let token = match dice.below(4) {
        0 => living,
        1 => ((1 + small) << 32) | (1 + dice.below(70)),
        2 => noise,
        _ => (1 << 32) | (1 + dice.below(4)),
    };
    let spot = match spot {
        Spot::Seat => [Spot::Lock, Spot::Pin, Spot::Commit, Spot::Stamp][dice.at(4)],
        other => other,
    };
    match (spot, dice.below(8)) {
        (_, 0) => 0,
        (_, 1) => noise,
        (_, 2) => now.wrapping_add(dice.below(3)).wrapping_sub(1),
        (_, 3) => now ^ 1 << dice.below(64),
        (Spot::Header, 4) => u64::MAX >> dice.below(64),
        (Spot::Header, 5) => now << 32 | now >> 32,
        (Spot::Header, 6) => 1 << dice.below(64),
        (Spot::Header, _) => now.wrapping_mul(1 + small),
        (Spot::Life, 4) => dice.below(64) << 18,
        (Spot::Life, _) => token & !0xff_0000 | [1, 2, 3, 4][dice.at(4)] << 18,
        (Spot::Schema, 4) => u64::from_le_bytes(*b"{\"cell\":"),
        (Spot::Schema, 5) => u64::from_le_bytes(*b"[[[[[[[["),
        (Spot::Schema, 6) => now & noise,
        (Spot::Schema, _) => now & !0xff | u64::from(b"0123456789\"{}[],:"[dice.at(17)]),
        (Spot::Row, 4) => small << 32 | dice.below(6),
        (Spot::Row, 5) => u64::MAX << 32 | dice.below(6),
        (Spot::Row, _) => noise >> dice.below(64),
        (Spot::Lock, 4 | 5) => token | dice.below(256) << 16,
        (Spot::Lock, _) => token & !0xffff | noise << 32 & !0xffff | dice.below(64) << 16,
        (Spot::Commit, 4) => now.wrapping_add(dice.below(4) << 8),
        (Spot::Commit, _) => (now >> 8).wrapping_add(small) << 8 | noise & 0xff,
        (Spot::Pin, _) => (token >> 32) << 32 | (token & 0xffff) << 16 | dice.below(20),
        (Spot::Stamp, _) => now.wrapping_add(dice.below(5)).wrapping_sub(2),
        (Spot::Bits, 4) => u64::MAX,
        (Spot::Bits, 5) => 0x0202_0202_0202_0202,
        (Spot::Bits, 6) => now ^ 0xff << (8 * dice.below(8)),
        (Spot::Seat | Spot::Bits, _) => noise & 0x0303_0303_0303_0303,
    }
}
