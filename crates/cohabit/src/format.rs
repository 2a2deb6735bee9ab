//! The header of a segment, byte by byte as in FORMAT.md: written once before publication, read once
//! into private memory and checked before anything is mapped.
//!
//! Invariants of a [`Header`] that [`Header::parse`] returned (cited as "format 1" and so on):
//! 1. header, schema, slot table and object lie in this order inside `segment_size`, without overlap;
//! 2. `slots_at` and `object_at` are multiples of 64;
//! 3. `1 <= max_users <= MAX_USERS_LIMIT`, so that every slot fits a token;
//! 4. `segment_size` is what the file system says of the file.
//!
//! Only the words from [`LIFE_AT`] on change after publication, and only as words of 64 bits.

use cohabit_os::Mechanism;
use cohabit_os::mapping::FileId;

use crate::error::ErrorKind;
use crate::options::Keep;

/// The first eight bytes of every segment.
pub(crate) const MAGIC: [u8; 8] = *b"COHABIT\0";
/// The version of this format; 0 while it moves.
pub(crate) const FORMAT: u32 = 0;
/// Bytes of the header; the schema follows.
pub(crate) const HEADER_SIZE: usize = 256;
/// Bytes of a slot's row.
pub(crate) const ROW_SIZE: usize = 32;
/// Where the life word stands.
pub(crate) const LIFE_AT: usize = 128;
/// Where the pid of whoever holds the life byte stands (display).
pub(crate) const ENTERED_AT: usize = 136;
/// Where the time of creation stands, in ns since 1970 (display).
pub(crate) const CREATED_AT: usize = 144;
/// The most users an object can be made for.
pub(crate) const MAX_USERS_LIMIT: u32 = 4096;
/// Longest schema text, in bytes.
pub(crate) const SCHEMA_MAX: usize = crate::schema::MAX_TEXT;

/// Where the boot stands in which somebody attached last to an object on disk.
pub(crate) const USED_BOOT_AT: usize = 152;
/// Where it stands whether an object on disk was closed.
pub(crate) const CLOSED_AT: usize = 160;

const PAGE: u64 = 4096;
const KEEP_MASK: u32 = 0b11;
const HAS_END: u32 = 0b100;
const HAS_LOCK_FILE: u32 = 0b1000;
/// Where the mechanism's number stands in the flags.
const MECHANISM_AT: u32 = 4;
const KNOWN: u32 = 0b11_1111;

/// What the fixed part of a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) keep: Keep,
    pub(crate) has_end: bool,
    /// Whether the bytes that say who lives are in a file beside the object's.
    pub(crate) has_lock_file: bool,
    /// By what its users see each other live.
    pub(crate) mechanism: Mechanism,
    pub(crate) segment_size: u64,
    pub(crate) instance: [u8; 16],
    pub(crate) fingerprint: [u8; 16],
    pub(crate) max_users: u32,
    pub(crate) schema_size: u32,
    pub(crate) field_count: u32,
    pub(crate) slots_at: u64,
    pub(crate) object_at: u64,
    pub(crate) object_size: u64,
    pub(crate) struct_size: u64,
    /// How many elements the tail of the type has; 0 without one.
    pub(crate) tail_len: u64,
    pub(crate) boot: u64,
}

/// Which instance a process is attached to: by inode and by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InstanceId {
    pub(crate) file: FileId,
    pub(crate) instance: [u8; 16],
}

/// Why bytes are no header, with what was expected and found.
#[derive(Debug)]
pub(crate) struct BadHeader {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
}

const fn round_up(value: u64, to: u64) -> u64 {
    value.div_ceil(to) * to
}

impl Header {
    /// Places schema, slots and object; sizes are those of the caller's own type.
    pub(crate) fn place(mut self) -> Self {
        self.slots_at = round_up(HEADER_SIZE as u64 + u64::from(self.schema_size), 64);
        let slots = u64::from(self.max_users) * ROW_SIZE as u64;
        self.object_at = round_up(self.slots_at + slots, 64);
        self.segment_size = round_up(self.object_at + self.object_size, PAGE);
        self
    }

    fn flags(&self) -> u32 {
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        self.keep.code()
            | flag(self.has_end, HAS_END)
            | flag(self.has_lock_file, HAS_LOCK_FILE)
            | self.mechanism.code() << MECHANISM_AT
    }

    /// The bytes of the fixed part, before anything that changes.
    pub(crate) fn encode(&self) -> [u8; LIFE_AT] {
        let mut bytes = [0; LIFE_AT];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, &MAGIC);
        put(8, &FORMAT.to_le_bytes());
        put(12, &self.flags().to_le_bytes());
        put(16, &self.segment_size.to_le_bytes());
        put(24, &self.instance);
        put(40, &self.fingerprint);
        put(56, &self.max_users.to_le_bytes());
        put(60, &(ROW_SIZE as u32).to_le_bytes());
        put(64, &(HEADER_SIZE as u64).to_le_bytes());
        put(72, &self.schema_size.to_le_bytes());
        put(76, &self.field_count.to_le_bytes());
        put(80, &self.slots_at.to_le_bytes());
        put(88, &self.object_at.to_le_bytes());
        put(96, &self.object_size.to_le_bytes());
        put(104, &self.struct_size.to_le_bytes());
        put(112, &self.tail_len.to_le_bytes());
        put(120, &self.boot.to_le_bytes());
        bytes
    }

    /// Reads and checks the fixed part. `file_size` is what the file system says.
    pub(crate) fn parse(bytes: &[u8], file_size: u64) -> Result<Header, BadHeader> {
        let bad = |kind, detail: String| Err(BadHeader { kind, detail });
        if bytes.len() < 12 || bytes[..8] != MAGIC {
            return bad(
                ErrorKind::NotAnObject,
                format!(
                    "expected a segment that starts with COHABIT, found {} other bytes",
                    bytes.len()
                ),
            );
        }
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        if u32_at(8) != FORMAT {
            return bad(
                ErrorKind::FormatVersion,
                format!("expected format {FORMAT}, found format {}", u32_at(8)),
            );
        }
        if bytes.len() < HEADER_SIZE {
            return bad(
                ErrorKind::Truncated,
                format!("expected a header of {HEADER_SIZE} bytes, found {}", bytes.len()),
            );
        }
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let id_at = |at: usize| -> [u8; 16] { bytes[at..at + 16].try_into().expect("16 bytes") };
        let flags = u32_at(12);
        let keep = Keep::from_code(flags & KEEP_MASK).filter(|_| flags & !KNOWN == 0);
        let mechanism = Mechanism::from_code((flags & KNOWN) >> MECHANISM_AT);
        let (Some(keep), Some(mechanism)) = (keep, mechanism) else {
            return bad(
                ErrorKind::HeaderInvalid,
                format!("the header's flags are {flags:#x}, expected known ones only"),
            );
        };
        let header = Header {
            keep,
            has_end: flags & HAS_END != 0,
            has_lock_file: flags & HAS_LOCK_FILE != 0,
            mechanism,
            segment_size: u64_at(16),
            instance: id_at(24),
            fingerprint: id_at(40),
            max_users: u32_at(56),
            schema_size: u32_at(72),
            field_count: u32_at(76),
            slots_at: u64_at(80),
            object_at: u64_at(88),
            object_size: u64_at(96),
            struct_size: u64_at(104),
            tail_len: u64_at(112),
            boot: u64_at(120),
        };
        header.check_places(u32_at(60), u64_at(64))?;
        header.check_size(file_size)?;
        Ok(header)
    }

    /// Establishes format 1 to 3. Every number is compared with what the writer must have computed.
    fn check_places(&self, row_size: u32, schema_at: u64) -> Result<(), BadHeader> {
        let rules: [(&str, u64, bool); 9] = [
            ("row size", u64::from(row_size), row_size as usize == ROW_SIZE),
            ("schema offset", schema_at, schema_at == HEADER_SIZE as u64),
            // Compared with the size of the object where the type is known; an element has a byte.
            ("tail length", self.tail_len, self.tail_len <= self.object_size),
            (
                "max_users",
                u64::from(self.max_users),
                (1..=MAX_USERS_LIMIT).contains(&self.max_users),
            ),
            (
                "schema length",
                u64::from(self.schema_size),
                (1..=SCHEMA_MAX as u32).contains(&self.schema_size),
            ),
            ("object size", self.object_size, (1..=1 << 46).contains(&self.object_size)),
            ("struct size", self.struct_size, self.struct_size <= self.object_size),
            ("field count", u64::from(self.field_count), self.field_count <= self.schema_size),
            ("boot id", self.boot, true),
        ];
        if let Some((what, found, _)) = rules.iter().find(|(_, _, holds)| !holds) {
            return Err(BadHeader {
                kind: ErrorKind::HeaderInvalid,
                detail: format!("the header's {what} is {found}, expected one in its range"),
            });
        }
        let expected = self.clone().place();
        for (what, found, expected) in [
            ("slot table offset", self.slots_at, expected.slots_at),
            ("object offset", self.object_at, expected.object_at),
            ("segment size", self.segment_size, expected.segment_size),
        ] {
            if found != expected {
                return Err(BadHeader {
                    kind: ErrorKind::HeaderInvalid,
                    detail: format!("the header's {what} is {found}, expected {expected}"),
                });
            }
        }
        Ok(())
    }

    /// Establishes format 4.
    fn check_size(&self, file_size: u64) -> Result<(), BadHeader> {
        let kind = match file_size.cmp(&self.segment_size) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => ErrorKind::Truncated,
            std::cmp::Ordering::Greater => ErrorKind::Oversized,
        };
        let detail = format!("expected {} bytes, found {file_size}", self.segment_size);
        Err(BadHeader { kind, detail })
    }
}

/// The first eight bytes of every lock file.
const LOCK_FILE_MAGIC: [u8; 8] = *b"COHABITL";
/// Bytes of a lock file.
pub(crate) const LOCK_FILE_SIZE: usize = 64;

/// What stands in the lock file of an instance.
pub(crate) fn lock_file_bytes(object: InstanceId) -> [u8; LOCK_FILE_SIZE] {
    let mut bytes = [0; LOCK_FILE_SIZE];
    bytes[..8].copy_from_slice(&LOCK_FILE_MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[16..32].copy_from_slice(&object.instance);
    bytes[32..40].copy_from_slice(&object.file.inode.to_le_bytes());
    bytes
}

/// Whose lock file this is: the instance, and the inode of the object's file. `None`: it is none.
pub(crate) fn lock_file_object(bytes: &[u8]) -> Option<([u8; 16], u64)> {
    let bytes: &[u8; LOCK_FILE_SIZE] = bytes.try_into().ok()?;
    let inode = u64::from_le_bytes(bytes[32..40].try_into().ok()?);
    let instance: [u8; 16] = bytes[16..32].try_into().ok()?;
    let object = InstanceId { file: FileId { device: 0, inode }, instance };
    (*bytes == lock_file_bytes(object)).then_some((instance, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Header {
        Header {
            keep: Keep::WhileUsed,
            has_end: false,
            has_lock_file: false,
            mechanism: Mechanism::Portable,
            segment_size: 0,
            instance: [7; 16],
            fingerprint: [9; 16],
            max_users: 64,
            schema_size: 250,
            field_count: 2,
            slots_at: 0,
            object_at: 0,
            object_size: 5184,
            struct_size: 260,
            tail_len: 0,
            boot: 11,
        }
        .place()
    }

    fn bytes(header: &Header) -> Vec<u8> {
        let mut bytes = header.encode().to_vec();
        bytes.resize(HEADER_SIZE, 0);
        bytes
    }

    #[test]
    fn round_trip() {
        let header = good();
        assert_eq!(header.segment_size, 8192);
        assert_eq!(Header::parse(&bytes(&header), 8192).unwrap(), header);
    }

    #[test]
    fn a_lock_file_says_whose_it_is() {
        let object =
            InstanceId { file: FileId { device: 3, inode: 0x1122_3344_5566 }, instance: [7; 16] };
        let bytes = lock_file_bytes(object);
        assert_eq!(lock_file_object(&bytes), Some(([7; 16], 0x1122_3344_5566)));
        assert_eq!(lock_file_object(&bytes[..63]), None);
        for at in (0..16).chain(40..64) {
            let mut other = bytes;
            other[at] ^= 1;
            assert_eq!(lock_file_object(&other), None, "at {at}");
        }
    }

    #[test]
    fn wrong_size() {
        let header = good();
        assert_eq!(Header::parse(&bytes(&header), 4096).unwrap_err().kind, ErrorKind::Truncated);
        assert_eq!(Header::parse(&bytes(&header), 9000).unwrap_err().kind, ErrorKind::Oversized);
    }

    #[test]
    fn header_invalid_whatever_number_lies() {
        let good = bytes(&good());
        for (at, size) in [
            (12, 4),
            (16, 8),
            (56, 4),
            (60, 4),
            (64, 8),
            (72, 4),
            (76, 4),
            (80, 8),
            (88, 8),
            (96, 8),
            (104, 8),
            (112, 8),
        ] {
            for lie in [u64::MAX, 1 << 47, 1 << 31, 5_000_000] {
                let mut bytes = good.clone();
                bytes[at..at + size].copy_from_slice(&lie.to_le_bytes()[..size]);
                if bytes == good || lie.to_le_bytes()[..size].iter().all(|b| *b == 0) {
                    continue;
                }
                let error = Header::parse(&bytes, 8192).expect_err("a lie was believed");
                assert_eq!(error.kind, ErrorKind::HeaderInvalid, "at {at}, lie {lie}");
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_consistent() {
        use proptest::prelude::*;
        proptest!(|(noise in proptest::collection::vec(any::<u8>(), 0..300), n in 0usize..128)| {
            let mut bytes = bytes(&good());
            for (i, b) in noise.iter().enumerate().take(n) { bytes[(i * 7 + 12) % 128] ^= b; }
            if let Ok(header) = Header::parse(&bytes, 8192) {
                prop_assert!(header.object_at + header.object_size <= 8192);
            }
            let _ = Header::parse(&noise, noise.len() as u64);
        });
    }
}
