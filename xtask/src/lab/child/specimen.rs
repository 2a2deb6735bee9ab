//! The values of the laboratory: of 8, of 72, and of 128 bytes.
//!
//! All bytes of a test value follow from two numbers, its label: `head` from the first, `rest` from
//! the second. A value in which they do not fit each other is torn.
//!
//! The one of 128 bytes is appendable. Victims have the older struct of it, survivors the newer one, in
//! which a field is appended that only they know, and which nobody ever changes: if a victim's write
//! changes it, the value is torn.
use cohabit::{Part, Plain, plain};

/// The small value: one word.
#[plain]
#[derive(Clone, Copy)]
pub(super) struct Eight {
    head: u32,
    rest: u32,
}

/// The large value: nine words.
#[plain]
#[derive(Clone, Copy)]
pub(super) struct Wide {
    head: u64,
    rest: [u64; 8],
}

impl Wide {
    /// The value as a slice of words.
    pub(super) fn words(self) -> [u64; 9] {
        let mut words = [self.head; 9];
        words[1..].copy_from_slice(&self.rest);
        words
    }

    /// The same, back.
    pub(super) fn of_words(words: &[u64; 9]) -> Self {
        let [head, rest @ ..] = *words;
        Self { head, rest }
    }
}

/// What the laboratory asks of a value.
pub(super) trait Specimen: Plain + Copy {
    /// The type of the first part.
    type Head: Plain;
    /// The type of the other part.
    type Rest: Plain;
    /// The first part.
    const HEAD: Part<Self, Self::Head>;
    /// The other part.
    const REST: Part<Self, Self::Rest>;
    /// The first part of a value.
    fn head(number: u64) -> Self::Head;
    /// A value by its parts.
    fn join(head: Self::Head, rest: Self::Rest) -> Self;
    /// A value by its numbers.
    fn make(label: (u64, u64)) -> Self;
    /// The numbers of a value; nothing if it is torn.
    fn label(&self) -> Option<(u64, u64)>;
    /// The value's canonical bytes.
    fn bytes(&self) -> Vec<u8>;
}

/// A word that tells its number and its place: 24 bits of number, the others depend on both.
fn word(number: u64, place: u64) -> u64 {
    let mixed = (number << 8 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number & 0xff_ffff) | (mixed >> 24 << 24)
}

fn number(word_: u64, place: u64) -> Option<u64> {
    let number = word_ & 0xff_ffff;
    (word(number, place) == word_).then_some(number)
}

/// The same in 32 bits: 16 of number.
fn half(number: u64, place: u64) -> u32 {
    let check = word(number, place) >> 40 & 0xffff;
    u32::try_from(check << 16 | (number & 0xffff)).unwrap_or(0)
}

fn half_number(half_: u32, place: u64) -> Option<u64> {
    let number = u64::from(half_ & 0xffff);
    (half(number, place) == half_).then_some(number)
}

impl Specimen for Eight {
    type Head = u32;
    type Rest = u32;
    const HEAD: Part<Self, u32> = Self::HEAD;
    const REST: Part<Self, u32> = Self::REST;

    fn head(number: u64) -> u32 {
        half(number, 0)
    }

    fn join(head: u32, rest: u32) -> Self {
        Self { head, rest }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        Self { head: half(part, 0), rest: half(rest, 1) }
    }

    fn label(&self) -> Option<(u64, u64)> {
        Some((half_number(self.head, 0)?, half_number(self.rest, 1)?))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.to_le_bytes(), self.rest.to_le_bytes()].concat()
    }
}

impl Specimen for Wide {
    type Head = u64;
    type Rest = [u64; 8];
    const HEAD: Part<Self, u64> = Self::HEAD;
    const REST: Part<Self, [u64; 8]> = Self::REST;

    fn head(number: u64) -> u64 {
        word(number, 0)
    }

    fn join(head: u64, rest: [u64; 8]) -> Self {
        Self { head, rest }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        let places = [1, 2, 3, 4, 5, 6, 7, 8];
        Self { head: word(part, 0), rest: places.map(|place| word(rest, place)) }
    }

    fn label(&self) -> Option<(u64, u64)> {
        let first = number(self.rest[0], 1)?;
        let whole = (1..).zip(self.rest).all(|(place, word_)| number(word_, place) == Some(first));
        whole.then_some((number(self.head, 0)?, first))
    }

    fn bytes(&self) -> Vec<u8> {
        let words = [self.head].into_iter().chain(self.rest);
        words.flat_map(u64::to_le_bytes).collect()
    }
}

/// What the appended field holds, always.
const APPENDED: u64 = 0xabcdef;

/// The older form of a value that grows.
#[plain(appendable = 128)]
#[derive(Clone, Copy)]
pub(super) struct First {
    head: u64,
    rest: [u32; 3],
}

/// The newer form.
#[plain(appendable = 128)]
#[derive(Clone, Copy)]
pub(super) struct Grown {
    head: u64,
    rest: [u32; 3],
    /// In the same word as the end of `rest`.
    near: u32,
    far: [u64; 2],
}

/// The parts that both forms have.
fn rest_of(number: u64) -> [u32; 3] {
    [1, 2, 3].map(|place| half(number, place))
}

fn label_of(head: u64, rest: [u32; 3]) -> Option<(u64, u64)> {
    let first = half_number(rest[0], 1)?;
    (rest == rest_of(first)).then_some((number(head, 0)?, first))
}

impl Specimen for First {
    type Head = u64;
    type Rest = [u32; 3];
    const HEAD: Part<Self, u64> = Self::HEAD;
    const REST: Part<Self, [u32; 3]> = Self::REST;

    fn head(number: u64) -> u64 {
        word(number, 0)
    }

    fn join(head: u64, rest: [u32; 3]) -> Self {
        Self { head, rest }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        Self { head: word(part, 0), rest: rest_of(rest) }
    }

    fn label(&self) -> Option<(u64, u64)> {
        label_of(self.head, self.rest)
    }

    /// Without what it does not know.
    fn bytes(&self) -> Vec<u8> {
        let rest = self.rest.iter().flat_map(|part| part.to_le_bytes());
        self.head.to_le_bytes().into_iter().chain(rest).collect()
    }
}

impl Specimen for Grown {
    type Head = u64;
    type Rest = [u32; 3];
    const HEAD: Part<Self, u64> = Self::HEAD;
    const REST: Part<Self, [u32; 3]> = Self::REST;

    fn head(number: u64) -> u64 {
        word(number, 0)
    }

    fn join(head: u64, rest: [u32; 3]) -> Self {
        Self { head, rest, ..Self::make((0, 0)) }
    }

    fn make((part, rest): (u64, u64)) -> Self {
        let far = [5, 6].map(|place| word(APPENDED, place));
        Self { head: word(part, 0), rest: rest_of(rest), near: half(APPENDED, 4), far }
    }

    fn label(&self) -> Option<(u64, u64)> {
        let whole = Self::make((0, 0));
        let kept = (self.near, self.far) == (whole.near, whole.far);
        kept.then(|| label_of(self.head, self.rest)).flatten()
    }

    fn bytes(&self) -> Vec<u8> {
        let near = self.rest.into_iter().chain([self.near]).flat_map(u32::to_le_bytes);
        let words = self.head.to_le_bytes().into_iter().chain(near);
        words.chain(self.far.into_iter().flat_map(u64::to_le_bytes)).collect()
    }
}
