//! The fingerprint: FNV-1a with 128 bits over what two programs must agree on.
//!
//! What counts: field names, order, kinds, offsets, lengths, sizes, alignments, copies and stride
//! of a `Value`, and whether there is a destructor. Names of types are labels and do not count.
//!
//! The bytes that are hashed, in this order (numbers are u64, little-endian):
//!
//! | what | bytes |
//! |---|---|
//! | start | 1 if there is a destructor, else 0 |
//! | scalar | a tag: 1 to 14 for u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, bool, u128, i128, char |
//! | text | tag 32, length |
//! | array | tag 33, length, the element |
//! | struct | tag 34 (35 if appendable), size, alignment, number of fields, and for each: length of its first name, that name in UTF-8, offset, the field's kind |
//! | enum | tag 36, the integer, number of variants, and for each: length of the name, the name in UTF-8, its number in 16 bytes |
//! | list | tag 37, length, the element |
//! | wide text | tag 38, length |
//! | tail | tag 39, the element |
//! | atomic | tag 48, the number |
//! | value | tag 49, copies, stride, what the value is |
//! | flag | tag 50 |
//! | frozen, loose | tag 51, 52, what it holds |
//! | mutex | tag 64, what it guards |
//! | condvar, event | tag 65, 66 |
//! | barrier | tag 69 |
//! | rwlock | tag 67, what it guards |
//! | semaphore | tag 68 |
//! | once | tag 70 |
//! | oncecell | tag 71, what it holds |
//!
//! A field that was renamed counts by the first name that it had.
//!
//! The fingerprint is no defence against forgery: the schema is checked whatever it says.

use super::tree::{FieldNode, Node, Scalar, Schema};
use crate::plain::{EnumKind, Kind, StructKind};

const TEXT: u8 = 32;
const ARRAY: u8 = 33;
const STRUCT: u8 = 34;
const APPENDABLE: u8 = 35;
const ENUM: u8 = 36;
const LIST: u8 = 37;
const WIDE_TEXT: u8 = 38;
const TAIL: u8 = 39;
const ATOMIC: u8 = 48;
const VALUE: u8 = 49;
const FLAG: u8 = 50;
const FROZEN: u8 = 51;
const LOOSE: u8 = 52;
const MUTEX: u8 = 64;
const RW_LOCK: u8 = 67;
const ONCE_CELL: u8 = 71;

/// The fingerprint of a type of this program; a constant.
pub const fn fingerprint(kind: &Kind, has_end: bool) -> [u8; 16] {
    Fnv::new(has_end).kind(kind).finish()
}

impl Schema {
    /// The fingerprint, which is that of every type with this schema.
    pub fn fingerprint(&self) -> [u8; 16] {
        Fnv::new(self.has_end).node(&self.root).finish()
    }
}

/// What tells the first so many fields of a struct from others, for each number of them; never 0.
pub(super) fn of_prefixes(fields: &[FieldNode]) -> Vec<u64> {
    let mut state = Fnv::new(false);
    let prefix = |field| {
        state = Fnv(state.0).field(field);
        state.0 as u64 | 1
    };
    fields.iter().map(prefix).collect()
}

const fn struct_tag(appendable: bool) -> u8 {
    if appendable { APPENDABLE } else { STRUCT }
}

/// The state of FNV-1a, passed along by value since it runs in constants.
struct Fnv(u128);

impl Fnv {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    const fn new(has_end: bool) -> Self {
        Self(Self::OFFSET).byte(has_end as u8)
    }

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u128).wrapping_mul(Self::PRIME))
    }

    const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self = self.byte(bytes[index]);
            index += 1;
        }
        self
    }

    const fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    const fn text(self, text: &str) -> Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    const fn scalar(self, scalar: Scalar) -> Self {
        self.byte(match scalar {
            Scalar::U8 => 1,
            Scalar::U16 => 2,
            Scalar::U32 => 3,
            Scalar::U64 => 4,
            Scalar::I8 => 5,
            Scalar::I16 => 6,
            Scalar::I32 => 7,
            Scalar::I64 => 8,
            Scalar::F32 => 9,
            Scalar::F64 => 10,
            Scalar::Bool => 11,
            Scalar::U128 => 12,
            Scalar::I128 => 13,
            Scalar::Char => 14,
        })
    }

    const fn kind(self, kind: &Kind) -> Self {
        match kind {
            Kind::Text { len } => self.byte(TEXT).number(*len as u64),
            Kind::Array { of, len } => self.byte(ARRAY).number(*len as u64).kind(of),
            Kind::WideText { len } => self.byte(WIDE_TEXT).number(*len as u64),
            Kind::List { of, len } => self.byte(LIST).number(*len as u64).kind(of),
            Kind::Tail { of } => self.byte(TAIL).kind(of),
            Kind::Struct(kind) => self.structure(kind),
            Kind::Enum(kind) => self.enumeration(kind),
            Kind::Flag => self.byte(FLAG),
            Kind::Frozen { of } => self.byte(FROZEN).kind(of),
            Kind::Loose { of } => self.byte(LOOSE).kind(of),
            Kind::OnceCell { of } => self.byte(ONCE_CELL).kind(of),
            Kind::Signal(signal) => self.byte(signal.tag()),
            Kind::Mutex { of } => self.byte(MUTEX).kind(of),
            Kind::RwLock { of } => self.byte(RW_LOCK).kind(of),
            Kind::Atomic { of } => self.byte(ATOMIC).kind(of),
            Kind::Value { copies, stride, of } => {
                self.byte(VALUE).number(*copies as u64).number(*stride as u64).kind(of)
            }
            scalar => match Scalar::of(scalar) {
                Some(scalar) => self.scalar(scalar),
                None => panic!("a kind without an encoding"),
            },
        }
    }

    const fn structure(self, kind: &StructKind) -> Self {
        let mut state = self.byte(struct_tag(kind.appendable)).number(kind.size as u64);
        state = state.number(kind.align as u64).number(kind.fields.len() as u64);
        let mut index = 0;
        while index < kind.fields.len() {
            let field = &kind.fields[index];
            let name = match field.was {
                Some(was) => was,
                None => field.name,
            };
            state = state.text(name).number(field.at as u64).kind(&field.kind);
            index += 1;
        }
        state
    }

    const fn enumeration(self, kind: &EnumKind) -> Self {
        let mut state = self.byte(ENUM).kind(kind.repr).number(kind.variants.len() as u64);
        let mut index = 0;
        while index < kind.variants.len() {
            let variant = &kind.variants[index];
            state = state.text(variant.name).bytes(&variant.value.to_le_bytes());
            index += 1;
        }
        state
    }

    fn field(self, field: &FieldNode) -> Self {
        self.text(field.first_name()).number(field.at).node(&field.node)
    }

    fn node(self, node: &Node) -> Self {
        match node {
            Node::Scalar(scalar) => self.scalar(*scalar),
            Node::Text { len } => self.byte(TEXT).number(*len),
            Node::WideText { len } => self.byte(WIDE_TEXT).number(*len),
            Node::List { of, len } => self.byte(LIST).number(*len).node(of),
            Node::Array { of, len } => self.byte(ARRAY).number(*len).node(of),
            Node::Tail { of } => self.byte(TAIL).node(of),
            Node::Struct(node) => {
                let state = self.byte(struct_tag(node.appendable)).number(node.size);
                let state = state.number(node.align).number(node.fields.len() as u64);
                node.fields.iter().fold(state, Self::field)
            }
            Node::Enum(node) => {
                let state = self.byte(ENUM).scalar(node.repr).number(node.variants.len() as u64);
                node.variants.iter().fold(state, |state, variant| {
                    state.text(&variant.name).bytes(&variant.value.to_le_bytes())
                })
            }
            Node::Flag => self.byte(FLAG),
            Node::Frozen { of } => self.byte(FROZEN).node(of),
            Node::Loose { of } => self.byte(LOOSE).node(of),
            Node::OnceCell { of } => self.byte(ONCE_CELL).node(of),
            Node::Signal(signal) => self.byte(signal.tag()),
            Node::Mutex { of } => self.byte(MUTEX).node(of),
            Node::RwLock { of } => self.byte(RW_LOCK).node(of),
            Node::Atomic(scalar) => self.byte(ATOMIC).scalar(*scalar),
            Node::Value { copies, stride, of } => {
                self.byte(VALUE).number(*copies).number(*stride).node(of)
            }
        }
    }

    const fn finish(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_with_128_bits() {
        // The published value for "foobar".
        let known = 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18_u128;
        assert_eq!(Fnv(Fnv::OFFSET).bytes(b"foobar").0, known);
    }

    #[test]
    fn a_destructor_counts() {
        const WITHOUT: [u8; 16] = fingerprint(&Kind::U8, false);
        assert_ne!(WITHOUT, fingerprint(&Kind::U8, true));
        assert_ne!(WITHOUT, fingerprint(&Kind::I8, false));
    }
}
