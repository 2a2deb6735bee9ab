//! The bare system calls and the mutex of the C library that the floors are made of.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

/// Pages of a file, shared with whoever maps them. Invariant (M): `base .. base + len` is mapped for
/// reading and writing until this is dropped.
#[derive(Debug)]
pub(super) struct Map {
    base: NonNull<u8>,
    len: usize,
}

impl Map {
    /// Maps the beginning of an open file.
    pub(super) fn new(file: &impl AsRawFd, len: usize) -> io::Result<Self> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let (hint, fd) = (ptr::null_mut(), file.as_raw_fd());
        // SAFETY: with no hint the kernel picks pages that nothing else uses.
        let base = unsafe { libc::mmap(hint, len, rights, libc::MAP_SHARED, fd, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, len })
    }

    /// Makes a file of zeros, or takes the one that is there, and maps it.
    pub(super) fn of_path(path: &Path, len: usize) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        file.set_len(len as u64)?;
        Self::new(&file, len)
    }

    /// The address of a byte that lies inside.
    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.len, "an offset of our own making");
        self.base.as_ptr().wrapping_add(offset)
    }

    /// Writes the first byte, so that its page is there.
    pub(super) fn touch(&self) {
        // SAFETY: invariant (M).
        unsafe { self.base.as_ptr().write_volatile(1) };
    }

    /// Copies bytes out, as `memcpy` does.
    #[inline(always)]
    pub(super) fn copy_out(&self, offset: usize, into: &mut [u8]) {
        assert!(offset <= self.len && into.len() <= self.len - offset);
        let from = self.base.as_ptr().wrapping_add(offset);
        // SAFETY: invariant (M) and the assertion; `into` is borrowed mutably, so it is apart.
        unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
    }

    /// Copies bytes in, as `memcpy` does.
    #[inline(always)]
    pub(super) fn copy_in(&self, offset: usize, from: &[u8]) {
        assert!(offset <= self.len && from.len() <= self.len - offset);
        let into = self.base.as_ptr().wrapping_add(offset);
        // SAFETY: invariant (M) and the assertion; no reference to the mapped bytes exists.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), into, from.len()) };
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: invariant (M): these pages are ours, and nobody has their address any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Where the bytes begin that a [`SharedMutex`] guards: on a cache line of their own.
const GUARDED_AT: usize = 128;

/// Which mutex of the C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Robustness {
    /// The default one.
    Plain,
    /// One whose next owner is told that the one before died.
    Robust,
}

/// A process-shared mutex of the C library, and bytes behind it.
#[derive(Debug)]
pub(super) struct SharedMutex {
    map: Map,
}

impl SharedMutex {
    /// Makes it, in a file of its own. Once, before the other processes open it.
    pub(super) fn create(path: &Path, robustness: Robustness) -> io::Result<Self> {
        let mutex = Self::open(path)?;
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: it initialises the attributes that it is given room for.
        check(unsafe { libc::pthread_mutexattr_init(attributes) })?;
        let shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: the attributes were initialised above.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes, shared) })?;
        if robustness == Robustness::Robust {
            let robust = libc::PTHREAD_MUTEX_ROBUST;
            // SAFETY: the attributes were initialised above.
            check(unsafe { libc::pthread_mutexattr_setrobust(attributes, robust) })?;
        }
        // SAFETY: the mutex has room at the beginning of its map, aligned to a page, and nobody uses
        // it yet; the attributes were initialised above.
        check(unsafe { libc::pthread_mutex_init(mutex.lock(), attributes) })?;
        Ok(mutex)
    }

    /// Opens what [`SharedMutex::create`] made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        const { assert!(size_of::<libc::pthread_mutex_t>() <= GUARDED_AT) };
        Ok(Self { map: Map::of_path(path, 4096)? })
    }

    fn lock(&self) -> *mut libc::pthread_mutex_t {
        self.map.at(0).cast()
    }

    fn guarded<R>(&self, run: impl FnOnce() -> R) -> R {
        // SAFETY: `create` initialised the mutex; it stays mapped by invariant (M).
        let locked = unsafe { libc::pthread_mutex_lock(self.lock()) };
        assert_eq!(locked, 0, "a mutex that nobody dies with is always had");
        let result = run();
        // SAFETY: as above; this thread holds it.
        unsafe { libc::pthread_mutex_unlock(self.lock()) };
        result
    }

    /// Adds one to the number that it guards.
    #[inline]
    pub(super) fn one_more(&self) {
        let number = self.number();
        // SAFETY: as for `number`; whoever changes it holds the mutex.
        self.guarded(|| unsafe { *number += 1 });
    }

    /// The number that it guards.
    pub(super) fn count(&self) -> u64 {
        let number = self.number();
        // SAFETY: as for `number`; whoever changes it holds the mutex.
        self.guarded(|| unsafe { *number })
    }

    /// The first eight bytes that it guards: mapped by invariant (M), and aligned as the map is.
    fn number(&self) -> *mut u64 {
        self.map.at(GUARDED_AT).cast()
    }

    /// Copies the bytes out under the mutex.
    #[inline]
    pub(super) fn get(&self, into: &mut [u8]) {
        self.guarded(|| self.map.copy_out(GUARDED_AT, into));
    }

    /// Copies bytes in under the mutex.
    #[inline]
    pub(super) fn set(&self, from: &[u8]) {
        self.guarded(|| self.map.copy_in(GUARDED_AT, from));
    }
}

fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

/// Two names for the C library: an object's folder and a file in it.
#[derive(Debug)]
pub(super) struct Place {
    folder: CString,
    file: CString,
}

impl Place {
    pub(super) fn new(folder: &Path, file: &str) -> io::Result<Self> {
        let c = |path: &Path| CString::new(path.as_os_str().as_bytes());
        Ok(Self { folder: c(folder)?, file: c(&folder.join(file))? })
    }

    /// The floor of attaching and detaching: open, map, touch, unmap, close.
    pub(super) fn bare_attach(&self, len: usize) -> io::Result<()> {
        // SAFETY: the name ends with NUL.
        let fd = unsafe { libc::open(self.file.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        let file = owned(fd)?;
        Map::new(&file, len)?.touch();
        Ok(())
    }

    /// The floor of creating and being the last one out: an unnamed file, reserved, mapped, named,
    /// touched, and all of it undone.
    pub(super) fn bare_create(&self, len: usize) -> io::Result<()> {
        let flags = libc::O_TMPFILE | libc::O_RDWR | libc::O_CLOEXEC;
        // SAFETY: the name ends with NUL; the mode is passed as the flags ask.
        let file = owned(unsafe { libc::open(self.folder.as_ptr(), flags, 0o600) })?;
        let (fd, size) = (file.as_raw_fd(), libc::off_t::try_from(len).unwrap_or(0));
        // SAFETY: a call on a descriptor, which touches no memory of this process.
        done(unsafe { libc::fallocate(fd, 0, 0, size) })?;
        let map = Map::new(&file, len)?;
        let (here, name) = (libc::AT_FDCWD, self.file.as_ptr());
        // SAFETY: both names end with NUL.
        let linked = unsafe { libc::linkat(fd, c"".as_ptr(), here, name, libc::AT_EMPTY_PATH) };
        done(linked)?;
        map.touch();
        // SAFETY: the name ends with NUL.
        done(unsafe { libc::unlink(name) })
    }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel gave this number a moment ago, to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The time of a clock.
pub(super) fn clock(which: libc::clockid_t) -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours for the call.
    unsafe { libc::clock_gettime(which, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// How much of the processors this process has used.
pub(super) fn processor_time() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Ties this process to the `which`-th of the processors that it may use. False: there are fewer.
pub(super) fn stay_on_core(which: usize) -> bool {
    let size = size_of::<libc::cpu_set_t>();
    let mut allowed = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the kernel writes at most `size` bytes.
    let known = unsafe { libc::sched_getaffinity(0, size, allowed.as_mut_ptr()) } == 0;
    // SAFETY: a set of bits, of which zero is a value.
    let allowed = unsafe { allowed.assume_init() };
    // SAFETY: the number is below the size of the set.
    let mut usable = (0..libc::CPU_SETSIZE.cast_unsigned() as usize)
        .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &allowed) });
    let Some(cpu) = usable.nth(which).filter(|_| known) else {
        return false;
    };
    // SAFETY: a set of bits, of which zero is a value.
    let mut only: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the number is below the size of the set.
    unsafe { libc::CPU_SET(cpu, &mut only) };
    // SAFETY: the kernel reads `size` bytes of the set.
    unsafe { libc::sched_setaffinity(0, size, &raw const only) == 0 }
}
