//! Cells that guard nothing and hold no data: what a `#[shareable]` struct has beside those that do.

/// What such a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// A `Condvar`: one word.
    Condvar,
    /// An `Event`: one word.
    Event,
}

impl Signal {
    /// All of them, with their names in the schema.
    pub(crate) const ALL: [(Self, &'static str); 2] =
        [(Self::Condvar, "condvar"), (Self::Event, "event")];

    /// The name in the schema.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(signal, _)| *signal == self);
        found.map_or("unknown", |(_, name)| name)
    }

    /// The one of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
    }

    /// The type in the words of Rust.
    pub fn type_name(self) -> String {
        match self {
            Self::Condvar => "Condvar".to_owned(),
            Self::Event => "Event".to_owned(),
        }
    }

    /// The size in bytes; all are aligned to 8.
    pub const fn size(self) -> usize {
        match self {
            Self::Condvar | Self::Event => 8,
        }
    }

    /// The tag in the fingerprint.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::Condvar => 65,
            Self::Event => 66,
        }
    }
}
