//! The dense copies: a block of private bytes from or to whole words.
//!
//! The plain form is a loop over words. The compiler may not merge atomic accesses, so that this
//! loop takes two to four times as long as `memcpy`. On x86_64 the bulk is therefore copied by
//! inline assembly, of which the compiler assumes nothing: the shared side is written by other
//! processes, outside of what it knows, and only instructions say what happens then.
//!
//! - Up to `IN_REGISTERS` bytes: 16-byte moves between the shared side and a register, of which the
//!   compiler sees the register. So it keeps a value in registers until its stamp is judged, and
//!   then stores it where it is wanted: no copy on the way is made only to be copied again.
//! - Above that: blocks of 64 bytes by 16-byte moves. What remains is left to the word loop.
//! - From `LARGE` on: `rep movsb`.
//!
//! The assembly may tear inside a word, so that it serves only copies that are judged by a stamp.
//! Its order against the stamp is that of other x86 accesses: loads stay in front of later loads,
//! stores behind earlier stores, and while the stores of one `rep movsb` may be seen in any order
//! among themselves, none passes a store in front of it or behind it.
//!
//! The invariants are those of the parent module.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use super::WORD;

/// Copies `len` bytes out of `words`.
///
/// # Safety
///
/// - `into` is valid for writes of `len` bytes that do not overlap the words.
#[inline]
pub(crate) unsafe fn load_dense(words: &[AtomicU64], into: *mut u8, len: usize) {
    assert!(len <= size_of_val(words), "a copy must be as long as its value");
    let from = words.as_ptr().cast();
    // SAFETY: Invariant 1 was just asserted, invariant 2 is this function's contract.
    let done = unsafe { machine::load(from, into, len) };
    let rest = &words[done / WORD..];
    // SAFETY: As above; `done` is at most `len`, and a number of whole words.
    unsafe { load_words(rest, into.wrapping_add(done), len - done) };
}

/// Copies `len` bytes into `words`, and zeros to the end of the words.
///
/// # Safety
///
/// - `from` is valid for reads of `len` initialised bytes that do not overlap the words.
#[inline]
pub(crate) unsafe fn store_dense(from: *const u8, len: usize, words: &[AtomicU64]) {
    assert!(len <= size_of_val(words), "a copy must be as long as its value");
    // An `AtomicU64` may be written through a shared reference.
    let into = words.as_ptr().cast::<u8>().cast_mut();
    // SAFETY: Invariant 1 was just asserted, invariant 2 is this function's contract.
    let done = unsafe { machine::store(from, into, len) };
    let rest = &words[done / WORD..];
    // SAFETY: As above; `done` is at most `len`, and a number of whole words.
    unsafe { store_words(from.wrapping_add(done), len - done, rest) };
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(any(miri, loom, shuttle))))]
mod machine {
    use core::arch::asm;
    use core::arch::x86_64::__m128i;

    use super::super::WORD;

    /// Up to here a whole value fits the registers, or nearly.
    pub(super) const IN_REGISTERS: usize = 384;
    const STEP: usize = size_of::<__m128i>();

    /// The bytes of one turn of the loop of 16-byte moves.
    pub(super) const BLOCK: usize = 64;

    /// From here on `rep movsb` is faster: measured on a server CPU with fast short `rep movsb`,
    /// with copies that start 8 bytes behind a cache line as they do in a cell. 768 bytes take
    /// 16 to 23 ns in blocks and 21 to 25 ns as a string; 1024 take 22 to 41 against 22 to 29,
    /// 4096 take 84 to 132 against 51 to 59, which is `memcpy`'s own time.
    pub(super) const LARGE: usize = 1024;

    /// As [`copy`], out of memory that other processes write.
    ///
    /// # Safety
    ///
    /// - As [`copy`].
    #[inline(always)]
    pub(super) unsafe fn load(from: *const u8, to: *mut u8, len: usize) -> usize {
        if len > IN_REGISTERS {
            // SAFETY: This function's contract.
            return unsafe { copy(from, to, len) };
        }
        let count = len - len % STEP;
        for at in (0..count).step_by(STEP) {
            let value: __m128i;
            // SAFETY: Reads one step below `count`, by this function's contract.
            unsafe {
                asm!(
                    "movups {value}, [{from}]",
                    from = in(reg) from.wrapping_add(at),
                    value = out(xmm_reg) value,
                    options(nostack, preserves_flags, readonly),
                );
            }
            // SAFETY: Writes one step below `count`, by this function's contract.
            unsafe { to.wrapping_add(at).cast::<__m128i>().write_unaligned(value) };
        }
        count
    }

    /// As [`copy`], into memory that other processes read.
    ///
    /// # Safety
    ///
    /// - As [`copy`].
    #[inline(always)]
    pub(super) unsafe fn store(from: *const u8, to: *mut u8, len: usize) -> usize {
        if len > IN_REGISTERS {
            // SAFETY: This function's contract.
            return unsafe { copy(from, to, len) };
        }
        let count = len - len % STEP;
        for at in (0..count).step_by(STEP) {
            // SAFETY: Reads one step below `count`, by this function's contract.
            let value = unsafe { from.wrapping_add(at).cast::<__m128i>().read_unaligned() };
            // SAFETY: Writes one step below `count`, by this function's contract.
            unsafe {
                asm!(
                    "movups [{to}], {value}",
                    to = in(reg) to.wrapping_add(at),
                    value = in(xmm_reg) value,
                    options(nostack, preserves_flags),
                );
            }
        }
        count
    }

    /// Copies as much as is worth it, and returns how much: a number of whole words.
    ///
    /// # Safety
    ///
    /// - `from` is valid for reads and `to` for writes of `len` bytes, which do not overlap; one
    ///   side may be memory that other processes write.
    #[inline]
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) -> usize {
        if len >= LARGE {
            let count = len - len % WORD;
            // SAFETY: This function's contract; `count` is at most `len`.
            unsafe { copy_string(from, to, count) };
            return count;
        }
        let count = len - len % BLOCK;
        if count != 0 {
            // SAFETY: This function's contract; `count` is at most `len`, and whole blocks.
            unsafe { copy_blocks(from, to, count) };
        }
        count
    }

    /// Copies `count` bytes: a number of blocks that is not zero.
    ///
    /// # Safety
    ///
    /// - As [`copy`].
    #[inline]
    unsafe fn copy_blocks(from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: Reads and writes `count` bytes by this function's contract; no stack, and every
        // register that changes is named.
        unsafe {
            asm!(
                "2:",
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movups [{to}], {a}",
                "movups [{to} + 16], {b}",
                "movups [{to} + 32], {c}",
                "movups [{to} + 48], {d}",
                "add {from}, 64",
                "add {to}, 64",
                "sub {left}, 64",
                "jnz 2b",
                from = inout(reg) from => _,
                to = inout(reg) to => _,
                left = inout(reg) count => _,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack),
            );
        }
    }

    /// Copies `count` bytes.
    ///
    /// # Safety
    ///
    /// - As [`copy`].
    #[inline]
    unsafe fn copy_string(from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: Reads and writes `count` bytes by this function's contract. The direction flag
        // is clear wherever Rust code runs.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") count => _,
                inout("rsi") from => _,
                inout("rdi") to => _,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(any(miri, loom, shuttle)))))]
mod machine {
    /// Leaves everything to the word loop.
    ///
    /// # Safety
    ///
    /// - None; the other form has a contract.
    #[inline]
    pub(super) unsafe fn load(_from: *const u8, _to: *mut u8, _len: usize) -> usize {
        0
    }

    pub(super) use load as store;
}

/// The word loop of [`load_dense`].
///
/// # Safety
///
/// - `into` is valid for writes of `len` bytes; `len` is at most that of `words`.
#[inline]
unsafe fn load_words(words: &[AtomicU64], into: *mut u8, len: usize) {
    let (whole, rest) = words.split_at(len / WORD);
    for (index, word) in whole.iter().enumerate() {
        let to = into.wrapping_add(index * WORD).cast::<u64>();
        // SAFETY: Invariant 2: this word ends at or before `len`.
        unsafe { to.write_unaligned(word.load(Relaxed)) };
    }
    let tail = len % WORD;
    if tail != 0 {
        let bytes = rest[0].load(Relaxed).to_le_bytes();
        let to = into.wrapping_add(len - tail);
        // SAFETY: Invariant 2: the tail ends at `len`.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), tail) };
    }
}

/// The word loop of [`store_dense`].
///
/// # Safety
///
/// - `from` is valid for reads of `len` bytes; `len` is at most that of `words`.
#[inline]
unsafe fn store_words(from: *const u8, len: usize, words: &[AtomicU64]) {
    let (whole, rest) = words.split_at(len / WORD);
    for (index, word) in whole.iter().enumerate() {
        let at = from.wrapping_add(index * WORD).cast::<u64>();
        // SAFETY: Invariant 2: this word ends at or before `len`.
        word.store(unsafe { at.read_unaligned() }, Relaxed);
    }
    // SAFETY: Invariant 2: the tail ends at `len`.
    unsafe { store_tail(from, len, rest) };
}

/// Stores the bytes behind the last whole word, and zeros.
///
/// # Safety
///
/// - `from` is valid for reads of `len` bytes; `rest` are the words behind the whole ones.
#[inline]
unsafe fn store_tail(from: *const u8, len: usize, rest: &[AtomicU64]) {
    let tail = len % WORD;
    let mut bytes = [0; WORD];
    let at = from.wrapping_add(len - tail);
    // SAFETY: Invariant 2: the tail ends at `len`, and is shorter than `bytes`.
    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(at, tail) };
    let mut value = u64::from_le_bytes(bytes);
    for word in rest {
        word.store(value, Relaxed);
        value = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_and_words_copy_the_same() {
        let lengths = (1..=200).chain([264, 1016, 1023, 1024, 1025, 1031, 4096, 10_007]);
        for (len, skip) in lengths.flat_map(|len| [(len, 0), (len, 3)]) {
            let bytes: Vec<u8> = (0..len + skip).map(|at| (at * 7 + at / 256) as u8 | 1).collect();
            let from = bytes[skip..].as_ptr();
            let words = |_| AtomicU64::new(u64::MAX);
            let [quick, plain] =
                [0, 1].map(|_| (0..len.div_ceil(WORD) + 1).map(words).collect::<Vec<_>>());
            // SAFETY: `from` has `len` bytes.
            unsafe { store_dense(from, len, &quick) };
            // SAFETY: `from` has `len` bytes.
            unsafe { store_words(from, len, &plain) };
            let loads = |words: &[AtomicU64]| -> Vec<u64> {
                words.iter().map(|word| word.load(Relaxed)).collect()
            };
            assert_eq!(loads(&quick), loads(&plain), "{len} bytes");

            let mut found = [vec![0xAA; len + skip + 1], vec![0xAA; len + skip + 1]];
            let [quickly, plainly] = &mut found;
            // SAFETY: There is room for `len` bytes behind `skip`.
            unsafe { load_dense(&quick, quickly[skip..].as_mut_ptr(), len) };
            // SAFETY: There is room for `len` bytes behind `skip`.
            unsafe { load_words(&quick, plainly[skip..].as_mut_ptr(), len) };
            assert_eq!(quickly[skip..skip + len], bytes[skip..], "{len} bytes");
            assert_eq!(found[0], found[1], "{len} bytes");
        }
    }

    #[test]
    #[should_panic(expected = "as long as its value")]
    fn a_copy_that_is_too_short_is_refused() {
        let bytes = [1; 9];
        // SAFETY: `bytes` has nine bytes.
        unsafe { store_dense(bytes.as_ptr(), 9, &[AtomicU64::new(0)]) };
    }
}
