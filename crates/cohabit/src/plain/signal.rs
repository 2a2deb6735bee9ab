//! Cells that guard nothing and hold no data: what a `#[shareable]` struct has beside those that do.

/// What such a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// A `Barrier`: its words and seats.
    Barrier,
    /// A `Condvar`: one word.
    Condvar,
    /// An `Event`: one word.
    Event,
    /// A `Once`: one word.
    Once,
    /// A `Semaphore`: a bell, and a word for each of 127 permits.
    Semaphore,
}

impl Signal {
    /// All of them, with their names in the schema.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Barrier, "barrier"),
        (Self::Condvar, "condvar"),
        (Self::Event, "event"),
        (Self::Once, "once"),
        (Self::Semaphore, "semaphore"),
    ];

    /// The name in the schema.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(signal, _)| *signal == self);
        found.map_or("unknown", |(_, name)| name)
    }

    /// The one of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(signal, _)| *signal)
    }

    /// The one that Rust calls so.
    pub fn of_type_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(signal, _)| signal).find(|signal| signal.type_name() == name)
    }

    /// The type in the words of Rust.
    pub fn type_name(self) -> String {
        match self {
            Self::Barrier => "Barrier".to_owned(),
            Self::Condvar => "Condvar".to_owned(),
            Self::Event => "Event".to_owned(),
            Self::Once => "Once".to_owned(),
            Self::Semaphore => "Semaphore".to_owned(),
        }
    }

    /// The size in bytes; all are aligned to 8.
    pub const fn size(self) -> usize {
        match self {
            Self::Barrier => 416,
            Self::Condvar | Self::Event | Self::Once => 8,
            Self::Semaphore => 8 * 128,
        }
    }

    /// The tag in the fingerprint.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::Condvar => 65,
            Self::Event => 66,
            Self::Barrier => 69,
            Self::Once => 70,
            Self::Semaphore => 68,
        }
    }
}
