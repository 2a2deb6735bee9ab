//! The schema as an owned tree, from a type of this program or from a text in a segment.

use crate::plain::Kind;

/// A schema: the tree, and whether the type has a destructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// What the object is.
    pub root: Node,
    /// Whether the type has a destructor. It is not part of the text: the header says it.
    pub has_end: bool,
}

/// What a part of an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node {
    /// A number or a bool.
    Scalar(Scalar),
    /// Text in an array of bytes that ends at the first NUL, or at the end.
    Text {
        /// The bytes of the array.
        len: u64,
    },
    /// An array.
    Array {
        /// What its elements are.
        of: Box<Node>,
        /// How many there are.
        len: u64,
    },
    /// A struct.
    Struct(StructNode),
    /// An atomic of fixed width.
    Atomic(Scalar),
    /// A `Value`: the head of the cell and its copies.
    Value {
        /// How many copies there are.
        copies: u64,
        /// The distance of two copies, in bytes.
        stride: u64,
        /// What the value is.
        of: Box<Node>,
    },
}

/// A struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructNode {
    /// The name of the type: a label.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The alignment in bytes.
    pub align: u64,
    /// The fields, in the order of their offsets.
    pub fields: Vec<FieldNode>,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNode {
    /// The name.
    pub name: String,
    /// The offset in bytes.
    pub at: u64,
    /// What the field is.
    pub node: Node,
}

/// A number or a bool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scalar {
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
}

impl Scalar {
    /// All of them, with their names in the schema.
    pub(super) const ALL: [(Self, &'static str); 11] = [
        (Self::U8, "u8"),
        (Self::U16, "u16"),
        (Self::U32, "u32"),
        (Self::U64, "u64"),
        (Self::I8, "i8"),
        (Self::I16, "i16"),
        (Self::I32, "i32"),
        (Self::I64, "i64"),
        (Self::F32, "f32"),
        (Self::F64, "f64"),
        (Self::Bool, "bool"),
    ];

    /// The name in the schema, which is Rust's.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(scalar, _)| *scalar == self);
        found.map_or("unknown", |(_, name)| name)
    }

    /// The scalar of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(scalar, _)| *scalar)
    }

    /// The size in bytes, and the alignment.
    pub const fn size(self) -> u64 {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether it is an integer, of which there are atomics.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Bool)
    }

    /// The scalar of a kind that is one.
    pub(super) const fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::U8 => Self::U8,
            Kind::U16 => Self::U16,
            Kind::U32 => Self::U32,
            Kind::U64 => Self::U64,
            Kind::I8 => Self::I8,
            Kind::I16 => Self::I16,
            Kind::I32 => Self::I32,
            Kind::I64 => Self::I64,
            Kind::F32 => Self::F32,
            Kind::F64 => Self::F64,
            Kind::Bool => Self::Bool,
            _ => return None,
        })
    }
}

impl Schema {
    /// The schema of a type of this program.
    pub fn of(kind: &Kind, has_end: bool) -> Self {
        Self { root: Node::of(kind), has_end }
    }
}

impl Node {
    /// The tree of a kind.
    pub fn of(kind: &Kind) -> Self {
        if let Some(scalar) = Scalar::of(kind) {
            return Self::Scalar(scalar);
        }
        match *kind {
            Kind::Text { len } => Self::Text { len: len as u64 },
            Kind::Array { of, len } => Self::Array { of: Box::new(Self::of(of)), len: len as u64 },
            Kind::Struct(kind) => Self::Struct(StructNode {
                name: kind.name.to_owned(),
                size: kind.size as u64,
                align: kind.align as u64,
                fields: kind
                    .fields
                    .iter()
                    .map(|field| FieldNode {
                        name: field.name.to_owned(),
                        at: field.at as u64,
                        node: Self::of(&field.kind),
                    })
                    .collect(),
            }),
            Kind::Value { copies, stride, of } => Self::Value {
                copies: copies as u64,
                stride: stride as u64,
                of: Box::new(Self::of(of)),
            },
            // An atomic of anything but a scalar cannot be built; the kinds of scalars are above.
            Kind::Atomic { of } => Self::Atomic(Scalar::of(of).unwrap_or(Scalar::U64)),
            _ => Self::Scalar(Scalar::U8),
        }
    }

    /// The size in bytes.
    ///
    /// A tree that was parsed has been checked: the size of each part fits into 47 bits.
    pub fn size(&self) -> u64 {
        match self {
            Self::Scalar(scalar) | Self::Atomic(scalar) => scalar.size(),
            Self::Text { len } => *len,
            Self::Array { of, len } => of.size().saturating_mul(*len),
            Self::Struct(node) => node.size,
            Self::Value { copies, stride, .. } => {
                copies.saturating_mul(*stride).saturating_add(Kind::VALUE_HEAD as u64)
            }
        }
    }

    /// The alignment in bytes.
    pub fn align(&self) -> u64 {
        match self {
            Self::Scalar(scalar) | Self::Atomic(scalar) => scalar.size(),
            Self::Text { .. } => 1,
            Self::Array { of, .. } => of.align(),
            Self::Struct(node) => node.align,
            Self::Value { .. } => Kind::CELL_ALIGN as u64,
        }
    }

    /// Whether this is plain data: there is no atomic and no cell in it.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Text { .. } => true,
            Self::Array { of, .. } => of.is_plain(),
            Self::Struct(node) => node.fields.iter().all(|field| field.node.is_plain()),
            Self::Atomic(_) | Self::Value { .. } => false,
        }
    }
}
