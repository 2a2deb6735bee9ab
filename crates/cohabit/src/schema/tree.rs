//! The schema as an owned tree, from a type of this program or from a text in a segment.

use crate::plain::{APPENDED_MAX, EnumKind, Field, Kind, Signal, StructKind, Variant};

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
    /// UTF-16 text in an array of 16-bit units that ends at the first 0, or at the end.
    WideText {
        /// The units of the array.
        len: u64,
    },
    /// A fieldless enum.
    Enum(EnumNode),
    /// So many elements, of which the first count: a length of 4 bytes, then the elements.
    List {
        /// What its elements are.
        of: Box<Node>,
        /// How many there is room for.
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
        /// How many copies there are; 0 before a tail in it is resolved.
        copies: u64,
        /// The distance of two copies, in bytes; 0 before a tail in it is resolved.
        stride: u64,
        /// What the value is.
        of: Box<Node>,
    },
    /// A `Flag`: a byte, true unless it is 0.
    Flag,
    /// A `Frozen`: plain data that only the constructor writes.
    Frozen {
        /// What it holds.
        of: Box<Node>,
    },
    /// A `Loose`: plain data without synchronisation between its fields.
    Loose {
        /// What it holds.
        of: Box<Node>,
    },
    /// A `Mutex`: a lock word, then what it guards.
    Mutex {
        /// What it guards.
        of: Box<Node>,
    },
    /// A `RwLock`: a lock word, 31 words of readers, then what it guards.
    RwLock {
        /// What it guards.
        of: Box<Node>,
    },
    /// A `OnceCell`: a word, then what is set once.
    OnceCell {
        /// What it holds, once it is set.
        of: Box<Node>,
    },
    /// A cell without data, such as an `Event`.
    Signal(Signal),
    /// An array whose length stands in the header of the object: see [`Schema::resolved`].
    Tail {
        /// What its elements are.
        of: Box<Node>,
    },
}

/// A fieldless enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumNode {
    /// The name of the type: a label.
    pub name: String,
    /// The integer that it is kept in.
    pub repr: Scalar,
    /// The values.
    pub variants: Vec<VariantNode>,
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantNode {
    /// The name.
    pub name: String,
    /// The number that stands for it.
    pub value: i128,
}

/// A struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructNode {
    /// The name of the type: a label.
    pub name: String,
    /// The size in bytes; of an appendable struct its room; with a tail, without elements.
    pub size: u64,
    /// The alignment in bytes.
    pub align: u64,
    /// Whether there is room behind the fields, in which newer programs may have more.
    pub appendable: bool,
    /// The fields, in the order of their offsets.
    pub fields: Vec<FieldNode>,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNode {
    /// The name.
    pub name: String,
    /// The name that it had first, if it was renamed.
    pub was: Option<String>,
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
    /// An unsigned integer of 128 bits.
    U128,
    /// A signed integer of 128 bits.
    I128,
    /// A float of 32 bits.
    F32,
    /// A float of 64 bits.
    F64,
    /// A byte that is 0 or 1.
    Bool,
    /// A Unicode scalar value in 32 bits.
    Char,
}

impl Scalar {
    /// All of them, with their names in the schema.
    pub(super) const ALL: [(Self, &'static str); 14] = [
        (Self::U8, "u8"),
        (Self::U16, "u16"),
        (Self::U32, "u32"),
        (Self::U64, "u64"),
        (Self::I8, "i8"),
        (Self::I16, "i16"),
        (Self::I32, "i32"),
        (Self::I64, "i64"),
        (Self::U128, "u128"),
        (Self::I128, "i128"),
        (Self::F32, "f32"),
        (Self::F64, "f64"),
        (Self::Bool, "bool"),
        (Self::Char, "char"),
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
            Self::U32 | Self::I32 | Self::F32 | Self::Char => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::U128 | Self::I128 => 16,
        }
    }

    /// Whether it is an integer.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Bool | Self::Char)
    }

    /// Whether it is an integer of at most 64 bits: of these there are atomics and enums.
    pub const fn fits_a_word(self) -> bool {
        self.is_integer() && self.size() <= 8
    }

    /// The least and the greatest value of an integer that fits a word.
    pub const fn word_range(self) -> (i128, i128) {
        let bits = self.size() * 8;
        match self {
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => {
                (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            }
            _ => (0, (1 << bits) - 1),
        }
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
            Kind::U128 => Self::U128,
            Kind::I128 => Self::I128,
            Kind::F32 => Self::F32,
            Kind::F64 => Self::F64,
            Kind::Bool => Self::Bool,
            Kind::Char => Self::Char,
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
        let inner = |of: &Kind| Box::new(Self::of(of));
        match *kind {
            Kind::Text { len } => Self::Text { len: len as u64 },
            Kind::WideText { len } => Self::WideText { len: len as u64 },
            Kind::Enum(kind) => Self::Enum(EnumNode::of(kind)),
            Kind::List { of, len } => Self::List { of: inner(of), len: len as u64 },
            Kind::Array { of, len } => Self::Array { of: inner(of), len: len as u64 },
            Kind::Struct(kind) => Self::Struct(StructNode::of(kind)),
            Kind::Value { copies, stride, of } => {
                Self::Value { copies: copies as u64, stride: stride as u64, of: inner(of) }
            }
            Kind::Flag => Self::Flag,
            Kind::Frozen { of } => Self::Frozen { of: inner(of) },
            Kind::Loose { of } => Self::Loose { of: inner(of) },
            Kind::OnceCell { of } => Self::OnceCell { of: inner(of) },
            Kind::Signal(signal) => Self::Signal(signal),
            Kind::Mutex { of } => Self::Mutex { of: inner(of) },
            Kind::RwLock { of } => Self::RwLock { of: inner(of) },
            Kind::Tail { of } => Self::Tail { of: inner(of) },
            // An atomic of anything but a scalar cannot be built.
            Kind::Atomic { of } => Self::Atomic(Scalar::of(of).unwrap_or(Scalar::U64)),
            // All the others are scalars.
            ref scalar => Self::Scalar(Scalar::of(scalar).unwrap_or(Scalar::U8)),
        }
    }

    /// The size in bytes; a tail that is not resolved counts as empty.
    ///
    /// A tree that was parsed has been checked: the size of each part fits into 47 bits.
    pub fn size(&self) -> u64 {
        match self {
            Self::Scalar(scalar) | Self::Atomic(scalar) => scalar.size(),
            Self::Text { len } => *len,
            Self::WideText { len } => len.saturating_mul(2),
            Self::Enum(node) => node.repr.size(),
            Self::List { of, len } => {
                let items = of.size().saturating_mul(*len).min(u64::MAX / 2);
                (items_at(of) + items).next_multiple_of(self.align())
            }
            Self::Array { of, len } => of.size().saturating_mul(*len),
            Self::Struct(node) => node.size,
            Self::Flag => 1,
            Self::Value { copies, stride, of } => {
                let copies = copies.saturating_mul(*stride).saturating_add(Kind::VALUE_HEAD as u64);
                copies.saturating_add(of.appended_size())
            }
            Self::Frozen { of } | Self::Loose { of } => {
                of.size().checked_next_multiple_of(8).unwrap_or(u64::MAX)
            }
            Self::OnceCell { of } => of
                .size()
                .checked_next_multiple_of(8)
                .map_or(u64::MAX, |size| size.saturating_add(8)),
            Self::Signal(signal) => signal.size() as u64,
            Self::Mutex { of } => {
                let align = self.align();
                of.size().saturating_add(align).checked_next_multiple_of(align).unwrap_or(u64::MAX)
            }
            Self::RwLock { of } => {
                let whole = of.size().saturating_add(Kind::RW_LOCK_HEAD as u64);
                whole.checked_next_multiple_of(self.align()).unwrap_or(u64::MAX)
            }
            Self::Tail { .. } => 0,
        }
    }

    /// The bytes behind the copies of a value of this, which say what has been appended to it.
    pub(crate) fn appended_size(&self) -> u64 {
        match self {
            Self::Struct(StructNode { appendable: true, .. }) => 8 * APPENDED_MAX as u64,
            _ => 0,
        }
    }

    /// The alignment in bytes.
    pub fn align(&self) -> u64 {
        match self {
            Self::Scalar(scalar) | Self::Atomic(scalar) => scalar.size(),
            Self::Text { .. } | Self::Flag => 1,
            Self::WideText { .. } => 2,
            Self::Enum(node) => node.repr.size(),
            Self::List { of, .. } => items_at(of),
            Self::Array { of, .. } | Self::Tail { of } => of.align(),
            Self::Struct(node) => node.align,
            Self::Value { .. } => Kind::CELL_ALIGN as u64,
            Self::Frozen { .. } | Self::Loose { .. } | Self::OnceCell { .. } | Self::Signal(_) => 8,
            Self::Mutex { of } | Self::RwLock { of } => of.align().max(8),
        }
    }

    /// The type in the words of Rust, for people; structs and enums by their labels.
    pub fn type_name(&self) -> String {
        match self {
            Self::Scalar(scalar) => scalar.name().to_owned(),
            Self::Text { len } => format!("Text<{len}>"),
            Self::WideText { len } => format!("WideText<{len}>"),
            Self::Enum(node) => node.name.clone(),
            Self::List { of, len } => format!("List<{}, {len}>", of.type_name()),
            Self::Array { of, len } => format!("[{}; {len}]", of.type_name()),
            Self::Struct(node) => node.name.clone(),
            Self::Atomic(scalar) => format!("Atomic{}", scalar.name().to_uppercase()),
            Self::Flag => "Flag".to_owned(),
            Self::Value { of, .. } => format!("Value<{}>", of.type_name()),
            Self::Frozen { of } => format!("Frozen<{}>", of.type_name()),
            Self::Loose { of } => format!("Loose<{}>", of.type_name()),
            Self::OnceCell { of } => format!("OnceCell<{}>", of.type_name()),
            Self::Signal(signal) => signal.type_name(),
            Self::Mutex { of } => format!("Mutex<{}>", of.type_name()),
            Self::RwLock { of } => format!("RwLock<{}>", of.type_name()),
            Self::Tail { of } => format!("[{}]", of.type_name()),
        }
    }

    /// Whether this is plain data: there is no atomic and no cell in it.
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Text { .. } | Self::WideText { .. } | Self::Enum(_) => true,
            Self::Array { of, .. } | Self::List { of, .. } | Self::Tail { of } => of.is_plain(),
            Self::Struct(node) => node.fields.iter().all(|field| field.node.is_plain()),
            Self::Atomic(_)
            | Self::Flag
            | Self::Value { .. }
            | Self::Frozen { .. }
            | Self::Loose { .. }
            | Self::OnceCell { .. }
            | Self::Signal(_)
            | Self::Mutex { .. }
            | Self::RwLock { .. } => false,
        }
    }

    /// Whether it ends in an array whose length stands in the header.
    pub fn has_tail(&self) -> bool {
        match self {
            Self::Tail { .. } => true,
            Self::Value { of, .. } => of.has_tail(),
            Self::Struct(node) => node.fields.last().is_some_and(|last| last.node.has_tail()),
            _ => false,
        }
    }
}

impl StructNode {
    fn of(kind: &StructKind) -> Self {
        let field = |field: &Field| FieldNode {
            name: field.name.to_owned(),
            was: field.was.map(str::to_owned),
            at: field.at as u64,
            node: Node::of(&field.kind),
        };
        Self {
            name: kind.name.to_owned(),
            size: kind.size as u64,
            align: kind.align as u64,
            appendable: kind.appendable,
            fields: kind.fields.iter().map(field).collect(),
        }
    }
}

impl FieldNode {
    /// The name by which older and newer programs know it: the first that it had.
    pub fn first_name(&self) -> &str {
        self.was.as_deref().unwrap_or(&self.name)
    }
}

impl EnumNode {
    fn of(kind: &EnumKind) -> Self {
        let variant =
            |variant: &Variant| VariantNode { name: variant.name.to_owned(), value: variant.value };
        Self {
            name: kind.name.to_owned(),
            repr: Scalar::of(kind.repr).unwrap_or(Scalar::U8),
            variants: kind.variants.iter().map(variant).collect(),
        }
    }
}

/// Where the items of a list start, behind its length; also the list's alignment.
pub(super) fn items_at(of: &Node) -> u64 {
    of.align().max(Kind::LIST_LEN as u64)
}
