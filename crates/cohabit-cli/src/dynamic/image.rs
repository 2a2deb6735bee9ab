//! What was read of an object: one cell, or many, each at its own moment.

use cohabit::Version;
use cohabit::schema::Node;
use cohabit::untyped::{Cell, Untyped};

use crate::exit::Failure;
use crate::path::Part;

/// The most memory that the cells of a part may take, in bytes. What is larger can be shown piece by
/// piece only: a schema may have more cells than any memory has room for.
const MOST: u64 = 1 << 30;
/// What a cell takes beside its contents, in bytes.
const PER_CELL: u64 = 64;

/// The most cells that are read at once: each takes memory of its own here.
const CELLS_MAX: usize = 1 << 20;

fn too_many(object: &Untyped) -> Failure {
    let (name, first) = (object.name(), object.cells().next().map(Cell::path));
    let such_as = match first {
        Some(path) if path.starts_with('[') => format!(", such as {name}{path}"),
        Some(path) => format!(", such as {name}.{path}"),
        None => String::new(),
    };
    Failure::Other(format!(
        "`{name}` has more cells there than are read at once: name a part{such_as}"
    ))
}

/// The bytes of a part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// A part of the contents of one cell: these bytes of it; none where a `OnceCell` is not set.
    Part(Vec<u8>),
    /// All cells in the part, by their offsets in the object.
    Cells(Vec<(u64, Vec<u8>)>),
}

impl Image {
    /// Reads a part, and says the version of its cell, if it is in one that has versions.
    ///
    /// The cells of a part with several are read one after the other: each is whole, and together they
    /// are not of one moment.
    ///
    /// # Errors
    /// As [`Cell::read`]; where the part has more cells than are read at once.
    pub(crate) fn read(
        object: &Untyped,
        part: Part<'_>,
    ) -> Result<(Image, Option<Version>), Failure> {
        if let Some(cell) = part.cell_in(object) {
            let (bytes, version) = cell.read_part(part.at..part.at + part.node.size())?;
            return Ok((Image::Part(bytes), cell.has_versions().then_some(version)));
        }
        if memory_of(part.node) > MOST {
            return Err(too_many(object));
        }
        let mut cells = object.cells_in(part.at..part.at + part.node.size());
        let read = |cell: Cell<'_>| cell.read().map(|(bytes, _)| (cell.offset(), bytes));
        let image: Result<Vec<_>, _> = cells.by_ref().take(CELLS_MAX).map(read).collect();
        match cells.next() {
            Some(_) => Err(too_many(object)),
            None => Ok((Image::Cells(image?), None)),
        }
    }

    /// Whether a cell in the part was read without the lock that guards it.
    pub(crate) fn is_unlocked(object: &Untyped, part: Part<'_>) -> bool {
        let mut cells = object.cells_in(part.at..part.at + part.node.size().max(1));
        part.cell_in(object).map_or_else(|| cells.any(Cell::is_unlocked), Cell::is_unlocked)
    }

    /// Where the bytes of the part are that was read.
    pub(crate) fn source(&self, part: Part<'_>) -> Source<'_> {
        match self {
            Image::Part(bytes) => Source::Bytes(bytes),
            Image::Cells(cells) => Source::Image { cells, at: part.at },
        }
    }
}

/// The memory that all cells in a node take when they are read, in bytes.
fn memory_of(node: &Node) -> u64 {
    if let Some(contents) = contents(node) {
        return contents.size().saturating_add(PER_CELL);
    }
    match node {
        Node::Array { of, len } => memory_of(of).saturating_mul(*len),
        Node::Struct(node) => {
            let fields = node.fields.iter().map(|field| memory_of(&field.node));
            fields.fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

/// Where the bytes of a node are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// These; none where a `OnceCell` is not set.
    Bytes(&'a [u8]),
    /// Those of cells of an object; the node stands at the byte `at` of it.
    Image {
        /// The cells, by their offsets.
        cells: &'a [(u64, Vec<u8>)],
        /// Where the node stands.
        at: u64,
    },
}

impl<'a> Source<'a> {
    /// The source of a part, so many bytes behind the beginning of this one.
    pub(crate) fn part(self, behind: u64, size: u64) -> Source<'a> {
        match self {
            Source::Bytes([]) => self,
            Source::Bytes(bytes) => {
                Source::Bytes(&bytes[behind as usize..(behind + size) as usize])
            }
            Source::Image { cells, at } => Source::Image { cells, at: at + behind },
        }
    }

    /// What was read of the cell `node`, if it is one: what it holds, and its bytes.
    pub(crate) fn cell<'n>(self, node: &'n Node) -> Option<(&'n Node, &'a [u8])> {
        let Source::Image { cells, at } = self else { return None };
        let contents = contents(node)?;
        let index = cells.binary_search_by_key(&at, |(offset, _)| *offset).ok()?;
        Some((contents, &cells[index].1))
    }
}

/// What a cell holds; nothing of what is no cell.
pub(crate) fn contents(node: &Node) -> Option<&Node> {
    match node {
        Node::Value { of, .. }
        | Node::Frozen { of }
        | Node::Loose { of }
        | Node::Mutex { of }
        | Node::RwLock { of }
        | Node::OnceCell { of } => Some(of),
        Node::Atomic(_) | Node::Flag => Some(node),
        _ => None,
    }
}
