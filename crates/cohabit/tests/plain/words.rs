//! Copies of plain data in words of this process, as a cell has them in shared memory.

use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use cohabit::__private::{self as private, Plain, WordSource};

/// As many words as an image of `T` has, full of other bytes.
pub(crate) fn words_for<T: Plain>() -> Vec<AtomicU64> {
    (0..size_of::<T::Stored>().div_ceil(8)).map(|_| AtomicU64::new(u64::MAX)).collect()
}

pub(crate) fn bytes(words: &[AtomicU64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect()
}

/// The canonical bytes of a value.
pub(crate) fn image<T: Plain>(value: &T) -> Vec<u8> {
    let words = words_for::<T>();
    private::store(value, &words);
    let mut bytes = bytes(&words);
    assert!(bytes[size_of::<T::Stored>()..].iter().all(|&byte| byte == 0), "the rest is zero");
    bytes.truncate(size_of::<T::Stored>());
    bytes
}

/// What the bytes are, loaded in both ways, which must agree.
pub(crate) fn value_of<T: Plain + std::fmt::Debug>(image: &[u8]) -> Result<T, private::BadBits> {
    assert_eq!(image.len(), size_of::<T::Stored>());
    let words = words_for::<T>();
    for (word, bytes) in words.iter().zip(image.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(whole), Relaxed);
    }
    let value = whole::<T>(&words);
    let again = field_by_field::<T>(&words);
    assert_eq!(format!("{value:?}"), format!("{again:?}"), "both ways of loading");
    value
}

/// Loads through `load`, checks the bits, and hands out the value.
fn loaded<T: Plain>(load: impl FnOnce(*mut T)) -> Result<T, private::BadBits> {
    let mut place = MaybeUninit::<T>::uninit();
    load(place.as_mut_ptr());
    // SAFETY: `load` has written every field.
    unsafe { T::check(place.as_ptr()) }?;
    // SAFETY: The bits have just been checked.
    Ok(unsafe { place.assume_init() })
}

pub(crate) fn whole<T: Plain>(words: &[AtomicU64]) -> Result<T, private::BadBits> {
    // SAFETY: `into` is a place for a `T`.
    loaded(|into| unsafe { private::load(words, into) })
}

pub(crate) fn part<T: Plain>(words: &[AtomicU64], at: usize) -> Result<T, private::BadBits> {
    // SAFETY: `into` is a place for a `T`.
    loaded(|into| unsafe { private::load_part(words, at, into) })
}

pub(crate) fn field_by_field<T: Plain>(words: &[AtomicU64]) -> Result<T, private::BadBits> {
    // SAFETY: `into` is a place for a `T`.
    loaded(|into| unsafe { T::load(&mut WordSource::new(words), 0, into) })
}
