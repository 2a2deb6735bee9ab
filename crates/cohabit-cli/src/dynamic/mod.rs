//! Values without their types: canonical bytes to text and JSON by the schema, and back.
//!
//! How each kind is written, in both directions:
//!
//! | kind | JSON | as a text, after `field=` |
//! |---|---|---|
//! | integers | an exact number, also beyond 2^53; of 128 bits a string of digits | decimal, or `0x`, `0o`, `0b` |
//! | floats | the shortest number that is the same float; `"NaN"`, `"inf"`, `"-inf"` | the same, without quotes |
//! | bool, flag | `true`, `false`; a peer's other bits of a bool show as `{"invalid": 7}` | `true`, `false` |
//! | char | a string of one character; a peer's other bits show as for a bool | the character |
//! | enums | the variant's name; a number that no variant has, as it is | the name, or its number |
//! | text | a string; bytes that are no UTF-8 as `{"lossy": "a\u{FFFD}", "hex": "61ff"}` | the text itself, no quotes |
//! | wide text | as text; `"hex"` has the bytes of the units | the text itself, no quotes |
//! | arrays | a list, as long as the array | JSON |
//! | lists | a list, at most as long as there is room for; a length that cannot be as for a bool | JSON |
//! | structs | an object; when setting, members that are left out stay as they are, but not inside of lists | JSON |
//!
//! What a cell holds stands in its place: whether a field is a `Value` or an atomic cannot be seen here. A
//! `OnceCell` that is not set is `null`, and so is a cell without data, such as an `Event`.
//!
//! Showing never fails on what a peer wrote, and writes as it goes: a large object is not built up in
//! memory a second time.

pub(crate) mod image;
pub(crate) mod parse;
pub(crate) mod show;

use cohabit::Kind;
use cohabit::schema::{Node, Scalar};

/// An integer of any kind: its sign, and its distance from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) is_negative: bool,
    pub(crate) size: u128,
}

impl Whole {
    /// The integer in little-endian bytes.
    pub(crate) fn of(scalar: Scalar, bytes: &[u8]) -> Self {
        let mut whole = [0; 16];
        let len = bytes.len().min(16);
        whole[..len].copy_from_slice(&bytes[..len]);
        let bits = u128::from_le_bytes(whole);
        let unused = 128 - 8 * scalar.size() as u32;
        // The sign is the highest bit of those that there are.
        let signed = (bits << unused) as i128 >> unused;
        if is_signed(scalar) && signed < 0 {
            return Self { is_negative: true, size: signed.unsigned_abs() };
        }
        Self { is_negative: false, size: bits }
    }

    /// Its little-endian bytes, if the kind has it.
    pub(crate) fn to_bytes(self, scalar: Scalar) -> Option<Vec<u8>> {
        let (below, above) = range_of(scalar);
        let most = if self.is_negative { below } else { above };
        let bits = if self.is_negative { self.size.wrapping_neg() } else { self.size };
        (self.size <= most).then(|| bits.to_le_bytes()[..scalar.size() as usize].to_vec())
    }
}

impl From<i128> for Whole {
    fn from(number: i128) -> Self {
        Self { is_negative: number < 0, size: number.unsigned_abs() }
    }
}

impl std::fmt::Display for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad_integral(!self.is_negative, "", &self.size.to_string())
    }
}

fn is_signed(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128)
}

/// How far an integer kind goes below zero, and above.
pub(crate) fn range_of(scalar: Scalar) -> (u128, u128) {
    let bits = 8 * scalar.size() as u32;
    if is_signed(scalar) {
        return (1 << (bits - 1), (1 << (bits - 1)) - 1);
    }
    (0, u128::MAX >> (128 - bits))
}

/// Where the elements of a list start, behind its length.
pub(crate) fn items_at(of: &Node) -> u64 {
    of.align().max(Kind::LIST_LEN as u64)
}

/// How many elements a list has; `Err` with what stands there if there is no room for so many.
pub(crate) fn length_of(bytes: &[u8], most: u64) -> Result<usize, u32> {
    let mut len = [0; Kind::LIST_LEN];
    len.copy_from_slice(&bytes[..Kind::LIST_LEN]);
    let len = u32::from_le_bytes(len);
    if u64::from(len) <= most { Ok(len as usize) } else { Err(len) }
}
