//! The bytes of an object, past the library: read, damaged, and mapped as a peer maps them that keeps to no
//! rule. The same on every system, since an object is not a file everywhere.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use cohabit_os::mapping::{Access, File};

/// Opens an object.
pub(crate) fn open(path: &Path) -> File {
    File::open(path, Access::ReadWrite).expect("the object")
}

/// All of an object's bytes.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    let file = File::open(path, Access::ReadOnly).expect("the object");
    let size = file.status().expect("its size").size;
    let mut bytes = vec![0; usize::try_from(size).expect("a size")];
    let read = file.read_at(&mut bytes, 0).expect("its bytes");
    assert_eq!(read, bytes.len(), "all of it");
    bytes
}

/// The word at an offset.
pub(crate) fn word(file: &File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    assert_eq!(file.read_at(&mut bytes, at).expect("a word"), 8, "a whole word at {at}");
    u64::from_le_bytes(bytes)
}

/// Writes a word at an offset.
pub(crate) fn put(file: &File, at: u64, word: u64) {
    file.write_at(&word.to_le_bytes(), at).expect("a word");
}

/// The words of an object, mapped for the rest of the process.
pub(crate) fn words(path: &Path) -> &'static [AtomicU64] {
    let file = open(path);
    let len = usize::try_from(file.status().expect("its size").size).expect("a size");
    let mapping = file.map(len, Access::ReadWrite).expect("a map");
    let base = mapping.base().cast();
    // Never given back.
    std::mem::forget(mapping);
    // SAFETY: the pages are `len` bytes, aligned to a page, never unmapped, and only used by atomics.
    unsafe { std::slice::from_raw_parts(base.as_ptr(), len / size_of::<AtomicU64>()) }
}
