//! Windows: processes are looked at by the handles that they have.

use std::collections::HashSet;
use std::ffi::{c_int, c_void};
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::process::ExitStatus;
use std::ptr;
use std::time::Duration;

type Handle = *mut c_void;

const PROCESS_SUSPEND_RESUME: u32 = 0x0800;
const PROCESS_DUP_HANDLE: u32 = 0x0040;
const DUPLICATE_SAME_ACCESS: u32 = 2;
/// What a process ends with that was ended from outside.
const KILLED: i32 = 1;
const MEM_MAPPED: u32 = 0x4_0000;

/// `MEMORY_BASIC_INFORMATION` of a process of 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    base: usize,
    allocation: usize,
    allocation_protection: u32,
    partition: u32,
    len: usize,
    state: u32,
    protection: u32,
    kind: u32,
    padding: u32,
}

/// `PROCESS_MEMORY_COUNTERS_EX` of a process of 64 bits.
#[repr(C)]
#[derive(Default)]
struct Memory {
    len: u32,
    faults: u32,
    sizes: [usize; 8],
    private: usize,
}

/// `THREADENTRY32`.
#[repr(C)]
#[derive(Default)]
struct Thread {
    len: u32,
    usage: u32,
    id: u32,
    owner: u32,
    rest: [u32; 3],
}

// SAFETY: these are the signatures of the C library that this target of std is linked with.
unsafe extern "C" {
    safe fn atexit(hook: extern "C" fn()) -> c_int;
}

// SAFETY: these are the signatures of "Process and Thread Functions", "Memory Management Functions" and
// "Named Pipe Functions".
#[link(name = "kernel32")]
unsafe extern "system" {
    safe fn OpenProcess(access: u32, inherits: c_int, pid: u32) -> Handle;
    safe fn GetCurrentProcess() -> Handle;
    fn TerminateProcess(process: Handle, code: u32) -> c_int;
    fn VirtualQuery(address: *const c_void, found: *mut Region, len: usize) -> usize;
    fn K32GetProcessMemoryInfo(process: Handle, found: *mut Memory, len: u32) -> c_int;
    fn PeekNamedPipe(
        pipe: Handle,
        buffer: *mut c_void,
        len: u32,
        read: *mut u32,
        available: *mut u32,
        left: *mut u32,
    ) -> c_int;
    fn WaitForMultipleObjects(count: u32, of: *const Handle, all: c_int, ms: u32) -> u32;
    safe fn CreateToolhelp32Snapshot(what: u32, pid: u32) -> Handle;
    fn Thread32First(all: Handle, thread: *mut Thread) -> c_int;
    fn Thread32Next(all: Handle, thread: *mut Thread) -> c_int;
    fn GetProcessTimes(
        process: Handle,
        start: *mut u64,
        end: *mut u64,
        kernel: *mut u64,
        user: *mut u64,
    ) -> c_int;
    fn DuplicateHandle(
        from: Handle,
        handle: Handle,
        to: Handle,
        made: *mut Handle,
        access: u32,
        inherits: c_int,
        options: u32,
    ) -> c_int;
}

// SAFETY: these are the signatures of the native calls.
#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtSuspendProcess(process: Handle) -> i32;
    fn NtResumeProcess(process: Handle) -> i32;
    fn NtQuerySystemInformation(kind: u32, to: *mut c_void, len: u32, used: *mut u32) -> i32;
    fn NtQueryObject(object: Handle, kind: u32, to: *mut c_void, len: u32, used: *mut u32) -> i32;
}

/// Ends this process after so many seconds, should a failed test leave it behind.
pub(crate) fn watchdog(seconds: u32) {
    // It has begun when this returns: what a thread takes from the system at its beginning is counted by nobody.
    let begun = std::sync::Arc::new(std::sync::Barrier::new(2));
    let begins = std::sync::Arc::clone(&begun);
    std::thread::spawn(move || {
        begins.wait();
        drop(begins);
        std::thread::sleep(Duration::from_secs(seconds.into()));
        leave_at_once(101);
    });
    begun.wait();
}

/// Ends this process without anything that runs at its exit.
pub(crate) fn leave_at_once(code: u8) -> ! {
    // SAFETY: ends the process; there is no more of it that could go wrong.
    unsafe { TerminateProcess(GetCurrentProcess(), code.into()) };
    unreachable!("this process has ended")
}

/// Ends this process as a kill does.
pub(crate) fn kill_me() {
    leave_at_once(KILLED as u8);
}

/// Has a hook run when this process exits, after those that are registered later.
pub(crate) fn at_exit(hook: extern "C" fn()) {
    assert_eq!(atexit(hook), 0, "room for a hook");
}

/// Whether a process ended by being killed, as far as its status says.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.code() == Some(KILLED)
}

fn process(pid: u32, access: u32) -> Option<OwnedHandle> {
    let opened = OpenProcess(access, 0, pid);
    // SAFETY: not null, and nobody else has it.
    (!opened.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(opened) })
}

/// Stops a child, and returns once it is stopped.
pub(crate) fn stop(pid: u32) {
    let child = process(pid, PROCESS_SUSPEND_RESUME).expect("a child");
    // SAFETY: the handle is open.
    assert_eq!(unsafe { NtSuspendProcess(child.as_raw_handle()) }, 0, "the child stops");
}

/// Gives a process a copy of a handle: the copy's number, which means something there only.
pub(crate) fn give(pid: u32, handle: BorrowedHandle<'_>) -> usize {
    let receiver = process(pid, PROCESS_DUP_HANDLE).expect("who is given it");
    duplicated(handle, receiver.as_raw_handle(), false).addr()
}

/// Takes a handle that somebody gave to this process.
pub(crate) fn given(number: usize) -> OwnedHandle {
    // SAFETY: whoever gave it made it for this process, and told it to nobody else.
    unsafe { OwnedHandle::from_raw_handle(ptr::without_provenance_mut(number)) }
}

/// A copy of a handle that a child of this process has, too, under the same number.
pub(crate) fn inheritable(handle: BorrowedHandle<'_>) -> OwnedHandle {
    let copy = duplicated(handle, GetCurrentProcess(), true);
    // SAFETY: the call just made it, and nobody else has it.
    unsafe { OwnedHandle::from_raw_handle(copy) }
}

/// A copy of a handle for a process, with the same rights.
fn duplicated(handle: BorrowedHandle<'_>, receiver: Handle, inherits: bool) -> Handle {
    let mut made = ptr::null_mut();
    let from = handle.as_raw_handle();
    // SAFETY: the handles are open, and `made` is ours.
    let copied = unsafe {
        let me = GetCurrentProcess();
        let (made, inherits) = (&raw mut made, inherits.into());
        DuplicateHandle(me, from, receiver, made, 0, inherits, DUPLICATE_SAME_ACCESS)
    };
    assert_ne!(copied, 0, "a copy of a handle: {}", std::io::Error::last_os_error());
    made
}

/// Lets a stopped child go on.
pub(crate) fn resume(pid: u32) {
    let child = process(pid, PROCESS_SUSPEND_RESUME).expect("a child");
    // SAFETY: the handle is open.
    assert_eq!(unsafe { NtResumeProcess(child.as_raw_handle()) }, 0, "the child goes on");
}

/// Whether there is something to read, or the other end is gone.
pub(crate) fn is_readable(pipe: &impl AsRawHandle) -> bool {
    let (none, unasked) = (ptr::null_mut(), ptr::null_mut());
    let mut available = 0;
    // SAFETY: the handle is open, and `available` is ours.
    let asked = unsafe {
        PeekNamedPipe(pipe.as_raw_handle(), none, 0, unasked, &raw mut available, unasked)
    };
    asked == 0 || available > 0
}

/// Which of these are set; waits until one is, if that is wanted.
pub(crate) fn which_are_readable(events: &[BorrowedHandle<'_>], waits: bool) -> Vec<bool> {
    const SET: u32 = 0;
    const FOR_EVER: u32 = u32::MAX;
    let handles: Vec<Handle> = events.iter().map(|event| event.as_raw_handle()).collect();
    if waits {
        let count = handles.len() as u32;
        // SAFETY: the handles are open, and as many as is said.
        let woken = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, FOR_EVER) };
        assert!(woken < count, "a wait for {count} events: {woken:#x}");
    }
    // SAFETY: the handle is open.
    let is_set =
        |event: Handle| unsafe { WaitForMultipleObjects(1, &raw const event, 0, 0) } == SET;
    handles.into_iter().map(is_set).collect()
}

/// How many threads this process has, but for that of the watchdog.
pub(crate) fn threads() -> usize {
    const THREADS: u32 = 4;
    let all = CreateToolhelp32Snapshot(THREADS, 0);
    // SAFETY: the call just made it, and nobody else has it.
    let all = unsafe { OwnedHandle::from_raw_handle(all) };
    let mut thread = Thread { len: size_of::<Thread>() as u32, ..Thread::default() };
    let mut found = 0;
    // SAFETY: the handle is a snapshot's, and the struct is ours and says how long it is.
    let mut more = unsafe { Thread32First(all.as_raw_handle(), &raw mut thread) };
    while more != 0 {
        found += usize::from(thread.owner == std::process::id());
        // SAFETY: as above.
        more = unsafe { Thread32Next(all.as_raw_handle(), &raw mut thread) };
    }
    found - 1
}

/// Processor time of this process so far.
pub(crate) fn processor_time() -> Duration {
    let [mut start, mut end, mut kernel, mut user] = [0_u64; 4];
    // SAFETY: the handle stands for this process, and each time is ours and of 64 bits.
    let got = unsafe {
        let me = GetCurrentProcess();
        GetProcessTimes(me, &raw mut start, &raw mut end, &raw mut kernel, &raw mut user)
    };
    assert_ne!(got, 0, "the times");
    Duration::from_nanos((kernel + user) * 100)
}

/// Waits until a child has the events of a word that it waits for: nobody has them but who waits.
pub(crate) fn until_it_waits(pid: u32) {
    super::super::until(|| {
        handles().iter().any(|(owner, handle)| {
            *owner == pid && name_of(pid, *handle).is_some_and(|name| is_bell(&name))
        })
    });
}

fn is_bell(name: &str) -> bool {
    name.contains("cohabit-") && name.ends_with("-one")
}

/// How many handles this process has.
pub(crate) fn open_handles() -> usize {
    let me = std::process::id();
    handles().iter().filter(|(owner, _)| *owner == me).count()
}

/// All handles of the system: whose, and their numbers.
fn handles() -> Vec<(u32, usize)> {
    const ALL_HANDLES: u32 = 64;
    const TOO_SHORT: i32 = 0xc000_0004_u32 as i32;
    /// The words of an entry: the object, its process, the handle, and what is not asked for here.
    const ENTRY: usize = 5;
    // The count, a word without a meaning, and the entries.
    let mut room = vec![0_u64; 1 << 14];
    loop {
        let (len, mut used) = (size_of_val(&room[..]) as u32, 0);
        // SAFETY: the room is ours and as long as is said.
        let status = unsafe {
            NtQuerySystemInformation(ALL_HANDLES, room.as_mut_ptr().cast(), len, &raw mut used)
        };
        match status {
            0 => break,
            TOO_SHORT => room.resize(room.len() * 2, 0),
            _ => panic!("the handles: {status:#x}"),
        }
    }
    let entries = room[2..].chunks_exact(ENTRY).take(room[0] as usize);
    entries.map(|entry| (entry[1] as u32, entry[2] as usize)).collect()
}

/// The name of what a handle of a process stands for.
fn name_of(pid: u32, handle: usize) -> Option<String> {
    const OBJECT_NAME: u32 = 1;
    let owner = process(pid, PROCESS_DUP_HANDLE)?;
    let mut made = ptr::null_mut();
    let (from, handle) = (owner.as_raw_handle(), ptr::without_provenance_mut(handle));
    // SAFETY: the process's handle is open, and `made` is ours.
    let copied = unsafe {
        let me = GetCurrentProcess();
        DuplicateHandle(from, handle, me, &raw mut made, 0, 0, DUPLICATE_SAME_ACCESS)
    };
    if copied == 0 {
        return None;
    }
    // SAFETY: the call just made it, and nobody else has it.
    let copy = unsafe { OwnedHandle::from_raw_handle(made) };
    // The length in bytes, the address of the text, and the text.
    let mut room = [0_u16; 512];
    let (len, mut used) = (size_of_val(&room) as u32, 0);
    let to = room.as_mut_ptr().cast();
    // SAFETY: the handle is open, and the room is ours and as long as is said.
    let status =
        unsafe { NtQueryObject(copy.as_raw_handle(), OBJECT_NAME, to, len, &raw mut used) };
    let text = room.get(8..8 + usize::from(room[0]) / 2)?;
    (status == 0).then(|| String::from_utf16_lossy(text))
}

/// How many views of sections this process has.
pub(crate) fn views() -> usize {
    // A view may be of several regions, with one beginning.
    let views = regions().into_iter().filter(|region| region.kind == MEM_MAPPED);
    views.map(|region| region.allocation).collect::<HashSet<_>>().len()
}

fn regions() -> Vec<Region> {
    let mut found = Vec::new();
    let mut next = 0;
    loop {
        let mut region = Region::default();
        let len = size_of::<Region>();
        // SAFETY: the call takes any address, and the struct is ours.
        let got = unsafe { VirtualQuery(ptr::without_provenance(next), &raw mut region, len) };
        if got == 0 {
            return found;
        }
        next = region.base + region.len;
        found.push(region);
    }
}

/// How many regions of memory this process has, of any kind.
pub(crate) fn all_maps() -> usize {
    regions().len()
}

/// The private memory of this process, in KiB.
pub(crate) fn private_kib() -> u64 {
    let len = size_of::<Memory>() as u32;
    let mut found = Memory { len, ..Memory::default() };
    // SAFETY: the handle stands for this process, and the struct is ours and says how long it is.
    let got = unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut found, len) };
    assert_ne!(got, 0, "the memory");
    // PagefileUsage, which is the same as PrivateUsage, says its documentation; Wine knows this one only.
    let private = found.sizes[6] as u64;
    assert_ne!(private, 0, "no process has no memory");
    private / 1024
}
