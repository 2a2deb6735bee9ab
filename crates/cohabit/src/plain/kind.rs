//! What a type is, as a constant tree: the source of schema and fingerprint.

use super::{APPENDED_MAX, Copies, Plain, Signal, copies_of_slice, stride_of_slice};

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
    /// An unsigned integer of 128 bits, aligned to 16.
    U128,
    /// A signed integer of 128 bits, aligned to 16.
    I128,
    /// A float of 32 bits.
    F32,
    /// A float of 64 bits.
    F64,
    /// A byte that is 0 or 1.
    Bool,
    /// A Unicode scalar value in 32 bits.
    Char,
    /// Text in an array of bytes that ends at the first NUL, or at the end.
    Text {
        /// The bytes of the array.
        len: usize,
    },
    /// UTF-16 text in an array of 16-bit units that ends at the first 0, or at the end.
    WideText {
        /// The units of the array.
        len: usize,
    },
    /// A fieldless enum: one of some numbers.
    Enum(&'static EnumKind),
    /// C's `struct { uint32_t len; T items[N]; }`: so many elements, of which the first count.
    List {
        /// What its elements are.
        of: &'static Kind,
        /// How many there is room for.
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
    /// A `Flag`: a byte, true unless it is 0.
    Flag,
    /// A `Value`: the head of the cell and its copies.
    Value {
        /// How many copies there are; 0 where `of` is a tail, whose length says it.
        copies: usize,
        /// The distance of two copies, in bytes; 0 where `of` is a tail.
        stride: usize,
        /// What the value is.
        of: &'static Kind,
    },
    /// A `Frozen`: written by the constructor only.
    Frozen {
        /// What it holds.
        of: &'static Kind,
    },
    /// A `Loose`: plain data without synchronisation between its fields.
    Loose {
        /// What it holds.
        of: &'static Kind,
    },
    /// A `Mutex`: a lock word, then what it guards.
    Mutex {
        /// What it guards.
        of: &'static Kind,
    },
    /// A `RwLock`: a lock word, 31 words of readers, then what it guards.
    RwLock {
        /// What it guards.
        of: &'static Kind,
    },
    /// A `OnceCell`: a word, then what is set once.
    OnceCell {
        /// What it holds, once it is set.
        of: &'static Kind,
    },
    /// A cell without data, such as an `Event`.
    Signal(Signal),
    /// An array whose length is given when the object is made and stands in its header. It is the
    /// last thing of an object, by itself or in a `Value`.
    Tail {
        /// What its elements are.
        of: &'static Kind,
    },
}

/// What a fieldless enum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnumKind {
    /// The name of the type: a label, which does not count in the fingerprint.
    pub name: &'static str,
    /// The integer that it is kept in: 8 to 64 bits.
    pub repr: &'static Kind,
    /// The values, in the order of the source.
    pub variants: &'static [Variant],
}

/// A value of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// The name.
    pub name: &'static str,
    /// The number that stands for it.
    pub value: i128,
}

/// What a struct is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructKind {
    /// The name of the type: a label, which does not count in the fingerprint.
    pub name: &'static str,
    /// The canonical size in bytes; of an appendable struct its room; with a tail, without elements.
    pub size: usize,
    /// The canonical alignment in bytes.
    pub align: usize,
    /// Whether there is room behind the fields, in which newer programs may have more.
    pub appendable: bool,
    /// The fields, in the order of their offsets.
    pub fields: &'static [Field],
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The name that it had first, if it was renamed: that one counts in the fingerprint.
    pub was: Option<&'static str>,
    /// The canonical offset in bytes.
    pub at: usize,
    /// What the field is.
    pub kind: Kind,
}

impl Kind {
    /// The head of a `Value`: lock, commit word and pins.
    pub const VALUE_HEAD: usize = 64;

    /// The bytes of a `RwLock` before what it guards: its word, and those of its readers.
    pub const RW_LOCK_HEAD: usize = 8 * (1 + Self::RW_LOCK_READERS);

    /// How many threads can read under one `RwLock` at once.
    pub const RW_LOCK_READERS: usize = 31;

    /// The bytes of the length of a list.
    pub const LIST_LEN: usize = 4;

    /// The alignment of a cell, so that no two cells share a cache line.
    pub const CELL_ALIGN: usize = 64;

    /// The kind of a `Value<T>`.
    pub const fn value_of<T: Plain>() -> Kind {
        super::assert_described::<T>();
        assert!(
            T::REST_FROM.is_some() || !T::KIND.has_room(),
            "an appendable struct is a value by itself, not a part of one"
        );
        Kind::Value {
            copies: <T::Copies as Copies<T::Stored>>::COUNT,
            stride: <T::Copies as Copies<T::Stored>>::STRIDE,
            of: const { &T::KIND },
        }
    }

    /// The kind of a `Value<[T]>`.
    pub(crate) const fn value_of_slice<T: Plain>() -> Kind {
        Kind::Value { copies: 0, stride: 0, of: const { &Kind::Tail { of: Kind::fixed::<T>() } } }
    }

    /// The kind of plain data where it stands in something that takes no appended fields.
    pub(crate) const fn fixed<T: Plain>() -> &'static Kind {
        super::assert_described::<T>();
        assert!(!T::KIND.has_room(), "an appendable struct stands in a Value, by itself");
        const { &T::KIND }
    }

    /// The canonical size in bytes; a tail counts as empty.
    pub const fn size(&self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool | Kind::Flag => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 | Kind::Char => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
            Kind::U128 | Kind::I128 => 16,
            Kind::Text { len } => *len,
            Kind::WideText { len } => *len * 2,
            Kind::Enum(kind) => kind.repr.size(),
            Kind::List { of, len } => {
                (Self::items_at(of) + of.size() * *len).next_multiple_of(self.align())
            }
            Kind::Array { of, len } => of.size() * *len,
            Kind::Struct(kind) => kind.size,
            Kind::Atomic { of } => of.size(),
            Kind::Value { copies, stride, of } => {
                Self::VALUE_HEAD + *copies * *stride + of.appended_size()
            }
            Kind::Frozen { of } | Kind::Loose { of } => of.size().next_multiple_of(8),
            Kind::OnceCell { of } => 8 + of.size().next_multiple_of(8),
            Kind::Signal(signal) => signal.size(),
            Kind::Mutex { of } => {
                (Self::behind_word(of.align()) + of.size()).next_multiple_of(self.align())
            }
            Kind::RwLock { of } => (Self::RW_LOCK_HEAD + of.size()).next_multiple_of(self.align()),
            Kind::Tail { .. } => 0,
        }
    }

    /// The size in bytes with a tail of `len` elements; `None` if an address space has no room for it.
    pub(crate) fn size_with_tail(&self, len: u64) -> Option<u64> {
        const MOST: u64 = 1 << 46;
        let size = match self {
            Kind::Tail { of } => (of.size() as u64).checked_mul(len)?,
            Kind::Value { of, .. } if of.has_tail() => {
                let size = of.size_with_tail(len)?;
                Self::VALUE_HEAD as u64 + copies_of_slice(size) * stride_of_slice(size)
            }
            Kind::Struct(kind) if self.has_tail() => {
                let last = kind.fields.last()?;
                let end = last.at as u64 + last.kind.size_with_tail(len)?;
                end.next_multiple_of(kind.align as u64)
            }
            other => other.size() as u64,
        };
        (size <= MOST).then_some(size)
    }

    /// The canonical alignment in bytes.
    pub const fn align(&self) -> usize {
        match self {
            Kind::Text { .. } => 1,
            Kind::WideText { .. } => 2,
            Kind::Array { of, .. } | Kind::Tail { of } => of.align(),
            Kind::List { of, .. } => Self::items_at(of),
            Kind::Struct(kind) => kind.align,
            Kind::Value { .. } => Self::CELL_ALIGN,
            Kind::Frozen { .. } | Kind::Loose { .. } | Kind::OnceCell { .. } | Kind::Signal(_) => 8,
            Kind::Mutex { of } | Kind::RwLock { of } => Self::behind_word(of.align()),
            scalar => scalar.size(),
        }
    }

    /// The bytes behind the copies of a value of this, which say what has been appended to it.
    const fn appended_size(&self) -> usize {
        match self {
            Kind::Struct(StructKind { appendable: true, .. }) => APPENDED_MAX * size_of::<u64>(),
            _ => 0,
        }
    }

    /// Where the items of a list start, behind its length, which is also the list's alignment.
    pub const fn items_at(of: &Kind) -> usize {
        let align = of.align();
        if align > Self::LIST_LEN { align } else { Self::LIST_LEN }
    }

    /// Where something of this alignment starts behind a word, which is also their alignment together.
    pub(crate) const fn behind_word(align: usize) -> usize {
        if align > 8 { align } else { 8 }
    }

    /// Whether it ends in an array whose length is given when the object is made.
    pub const fn has_tail(&self) -> bool {
        match self {
            Kind::Tail { .. } => true,
            Kind::Value { of, .. } => of.has_tail(),
            Kind::Struct(kind) => match kind.fields {
                [.., last] => last.kind.has_tail(),
                [] => false,
            },
            _ => false,
        }
    }

    /// The bytes of an element of the tail; 0 without one.
    pub(crate) const fn tail_element(&self) -> usize {
        match self {
            Kind::Tail { of } => of.size(),
            Kind::Value { of, .. } => of.tail_element(),
            Kind::Struct(kind) => match kind.fields {
                [.., last] => last.kind.tail_element(),
                [] => 0,
            },
            _ => 0,
        }
    }

    /// Whether there is anything but atomics and flags in it, of which not everything is whole that a
    /// constructor leaves.
    pub(crate) const fn needs_settling(&self) -> bool {
        match self {
            Kind::Atomic { .. } | Kind::Flag | Kind::Signal(_) => false,
            Kind::Array { of, .. } | Kind::Tail { of } => of.needs_settling(),
            Kind::Struct(kind) => {
                let mut index = 0;
                while index < kind.fields.len() {
                    if kind.fields[index].kind.needs_settling() {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            _ => true,
        }
    }

    /// How deep the tree is: 1 for a scalar.
    pub const fn depth(&self) -> usize {
        match self {
            Kind::Array { of, .. }
            | Kind::List { of, .. }
            | Kind::Value { of, .. }
            | Kind::Frozen { of }
            | Kind::Loose { of }
            | Kind::Mutex { of }
            | Kind::RwLock { of }
            | Kind::OnceCell { of }
            | Kind::Tail { of } => 1 + of.depth(),
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

    /// Whether it is an appendable struct, or one is in it.
    #[doc(hidden)]
    pub const fn has_room(&self) -> bool {
        match self {
            Kind::Struct(kind) => kind.appendable || self.has_room_inside(),
            _ => self.has_room_inside(),
        }
    }

    /// Whether an appendable struct is a part of it.
    const fn has_room_inside(&self) -> bool {
        match self {
            Kind::Array { of, .. } | Kind::List { of, .. } | Kind::Tail { of } => of.has_room(),
            Kind::Value { of, .. }
            | Kind::Frozen { of }
            | Kind::Loose { of }
            | Kind::Mutex { of }
            | Kind::RwLock { of }
            | Kind::OnceCell { of } => of.has_room(),
            Kind::Struct(kind) => {
                let mut index = 0;
                while index < kind.fields.len() {
                    if kind.fields[index].kind.has_room() {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            _ => false,
        }
    }

    /// Whether no text, list or array in it has room for nothing.
    #[doc(hidden)]
    pub const fn holds_something(&self) -> bool {
        match self {
            Kind::Text { len } | Kind::WideText { len } => *len > 0,
            Kind::Array { of, len } => *len > 0 && of.holds_something(),
            Kind::List { of, len } => {
                *len > 0 && *len as u64 <= u32::MAX as u64 && of.holds_something()
            }
            _ => self.size() > 0 || self.has_tail(),
        }
    }

    /// Stops the compilation if no peer could read a schema of this kind.
    #[doc(hidden)]
    pub const fn assert_shareable(&self) {
        assert!(self.holds_something(), "what has room for nothing cannot be shared");
        // One level is left for the cell around it.
        assert!(self.depth() < MAX_DEPTH, "structs and arrays are nested too deeply");
    }
}

/// Whether one of the variants has the number 0.
pub const fn has_zero(kind: &EnumKind) -> bool {
    let mut index = 0;
    while index < kind.variants.len() {
        if kind.variants[index].value == 0 {
            return true;
        }
        index += 1;
    }
    false
}
