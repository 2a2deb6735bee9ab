//! What a type is, as a constant tree: the source of schema and fingerprint.

use super::{Copies, Plain};

/// How deep kinds may be nested. Readers refuse a deeper schema, so `#[plain]` does too.
pub const MAX_DEPTH: usize = 32;

/// What a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An unsigned integer of 8 bits.
    U8,
    /// An unsigned integer of 16 bits.
    U16,
    /// An unsigned integer of 32 bits.
    U32,
    /// An unsigned integer of 64 bits.
    U64,
    /// A signed integer of 8 bits.
    I8,
    /// A signed integer of 16 bits.
    I16,
    /// A signed integer of 32 bits.
    I32,
    /// A signed integer of 64 bits.
    I64,
    /// A float of 32 bits.
    F32,
    /// A float of 64 bits.
    F64,
    /// A byte that is 0 or 1.
    Bool,
    /// Text in an array of bytes that ends at the first NUL, or at the end.
    Text {
        /// The bytes of the array.
        len: usize,
    },
    /// An array.
    Array {
        /// What its elements are.
        of: &'static Kind,
        /// How many there are.
        len: usize,
    },
    /// A struct.
    Struct(&'static StructKind),
    /// An atomic of fixed width.
    Atomic {
        /// The number in it.
        of: &'static Kind,
    },
    /// A `Value`: the head of the cell and its copies.
    Value {
        /// How many copies there are.
        copies: usize,
        /// The distance of two copies, in bytes.
        stride: usize,
        /// What the value is.
        of: &'static Kind,
    },
}

/// What a struct is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructKind {
    /// The name of the type: a label, which does not count in the fingerprint.
    pub name: &'static str,
    /// The canonical size in bytes.
    pub size: usize,
    /// The canonical alignment in bytes.
    pub align: usize,
    /// The fields, in the order of their offsets.
    pub fields: &'static [Field],
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The canonical offset in bytes.
    pub at: usize,
    /// What the field is.
    pub kind: Kind,
}

impl Kind {
    /// The head of a `Value`: lock, commit word and pins.
    pub const VALUE_HEAD: usize = 64;

    /// The alignment of a cell, so that no two cells share a cache line.
    pub const CELL_ALIGN: usize = 64;

    /// The kind of a `Value<T>`.
    pub const fn value_of<T: Plain>() -> Kind {
        Kind::Value {
            copies: <T::Copies as Copies<T::Stored>>::COUNT,
            stride: <T::Copies as Copies<T::Stored>>::STRIDE,
            of: const { &T::KIND },
        }
    }

    /// The canonical size in bytes.
    pub const fn size(&self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
            Kind::Text { len } => *len,
            Kind::Array { of, len } => of.size() * *len,
            Kind::Struct(kind) => kind.size,
            Kind::Atomic { of } => of.size(),
            Kind::Value { copies, stride, .. } => Self::VALUE_HEAD + *copies * *stride,
        }
    }

    /// The canonical alignment in bytes.
    pub const fn align(&self) -> usize {
        match self {
            Kind::Text { .. } => 1,
            Kind::Array { of, .. } => of.align(),
            Kind::Struct(kind) => kind.align,
            Kind::Value { .. } => Self::CELL_ALIGN,
            scalar => scalar.size(),
        }
    }

    /// How deep the tree is: 1 for a scalar.
    pub const fn depth(&self) -> usize {
        match self {
            Kind::Array { of, .. } | Kind::Value { of, .. } => 1 + of.depth(),
            Kind::Struct(kind) => {
                let mut deepest = 0;
                let mut index = 0;
                while index < kind.fields.len() {
                    let depth = kind.fields[index].kind.depth();
                    if depth > deepest {
                        deepest = depth;
                    }
                    index += 1;
                }
                1 + deepest
            }
            _ => 1,
        }
    }

    /// Stops the compilation if no peer could read a schema of this kind.
    #[doc(hidden)]
    pub const fn assert_shareable(&self) {
        assert!(self.size() > 0, "a type without any bytes cannot be shared");
        // One level is left for the cell around it.
        assert!(self.depth() < MAX_DEPTH, "structs and arrays are nested too deeply");
    }
}
