//! A victim: a child that runs one operation under ptrace, state by state.
//!
//! **States.** Between the marks that the child sets around the operation, [`Victim::next`] lets it
//! run to its next state: the enter and exit stop of each system call, and each change of a byte in
//! a mapped segment. A state's [`Position`] is (n-th system call stop, m-th change since), so that
//! it names the same place in every run, whatever addresses and random numbers the run has.
//!
//! **How changes are found.** There are two methods, and `--full` checks one by the other.
//! - [`Method::Faults`]: the tracer takes the right to write from all mappings of segments (it lets
//!   the victim make the mprotect calls). Each store then faults; the tracer gives the right back,
//!   lets one instruction run, compares the bytes, and takes the right away again. Code between
//!   stores runs at full speed.
//! - [`Method::Steps`]: one instruction after the other, and the bytes are compared after each.
//!
//! Invariants:
//! 1. At every state the victim is stopped, and no other thread of it exists that writes to a segment:
//!    the library's waiting thread only reads there, runs on, and dies with the victim.
//! 2. Calls made on the tracer's behalf are no states, and leave the registers as they were.
//! 3. A victim never outlives its `Victim` (killed and reaped on drop) nor its tracer (EXITKILL).
use super::raw::{self, CallInfo, Patience, Registers, Waited};
use super::remains::{Change, Mapping, Remains};
use std::collections::HashMap;
use std::io;

/// First argument of the getpid that is a mark.
pub(super) const MARK: u64 = 0x636f_6861_6269_7421;
/// Second argument: the operation begins behind this call.
pub(super) const BEGIN: u64 = 1;
/// Second argument: the operation is over.
pub(super) const END: u64 = 2;

/// A place in the run of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Number of stops at system calls since the begin mark.
    pub(super) call: usize,
    /// Number of changes of a segment since that stop.
    pub(super) change: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.call, self.change)
    }
}

/// What the victim just did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It is about to make this call.
    Enter { number: u64, args: [u64; 6] },
    /// It made this call.
    Exit { number: u64, value: i64 },
    /// One instruction changed these bytes.
    Changed(Vec<Change>),
    /// The operation is over; the victim waits behind it.
    End,
    /// The process is gone, in this way.
    Gone(Waited),
}

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// By write faults.
    Faults,
    /// Instruction by instruction.
    Steps,
}

/// A traced child.
#[derive(Debug)]
pub(super) struct Victim {
    pid: i32,
    method: Method,
    position: Position,
    /// The call that the victim is in, between its enter and exit stop.
    inside: Option<(u64, [u64; 6])>,
    /// Address of a `syscall` instruction of the victim.
    gate: u64,
    mappings: Vec<Mapping>,
    /// Whether the instruction at an address is `syscall` (only where steps are made).
    calls: HashMap<u64, bool>,
    /// Instructions that were run one by one since the last state.
    steps: usize,
    gone: bool,
}

impl Victim {
    /// Takes over a child that offers itself, and brings it to the begin mark.
    pub(super) fn adopt(pid: i32, remains: &mut Remains, method: Method) -> io::Result<Self> {
        let mut victim = Self {
            pid,
            method,
            position: Position::default(),
            inside: None,
            gate: 0,
            mappings: Vec::new(),
            calls: HashMap::new(),
            steps: 0,
            gone: false,
        };
        victim.expect_stop(libc::SIGSTOP)?;
        raw::set_options(pid)?;
        loop {
            raw::run_to_call(pid, 0)?;
            victim.expect_stop(libc::SIGTRAP | 0x80)?;
            if let CallInfo::Enter { number, args, after } = raw::call_info(pid)?
                && is_mark(number, args, BEGIN)
            {
                victim.gate = after - 2;
                break;
            }
        }
        raw::run_to_call(pid, 0)?;
        victim.expect_stop(libc::SIGTRAP | 0x80)?;
        victim.refresh(remains)?;
        Ok(victim)
    }

    /// The process.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Where it is.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Address of the instruction that comes next.
    pub(super) fn address(&self) -> u64 {
        raw::registers(self.pid).map_or(0, |registers| registers.rip)
    }

    /// Number of instructions behind the last state after each of which nothing was changed, and no
    /// call made; counted only where the method is [`Method::Steps`].
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Lets so many instructions run behind a state; false where one of them is a call, changes
    /// something or does not end in the ordinary way: then the victim took another path.
    pub(super) fn advance(
        &mut self,
        instructions: usize,
        remains: &mut Remains,
    ) -> io::Result<bool> {
        if self.inside.is_some() {
            return Ok(false);
        }
        self.protect(libc::PROT_READ | libc::PROT_WRITE)?;
        remains.look();
        for _ in 0..instructions {
            if self.at_syscall_instruction()? {
                return Ok(false);
            }
            raw::run_one(self.pid)?;
            match raw::wait(self.pid, Patience::Block)? {
                Waited::Stopped(libc::SIGTRAP) => {}
                Waited::Stopped(_) => return Ok(false),
                _ => {
                    self.gone = true;
                    return Ok(false);
                }
            }
        }
        Ok(remains.changes().is_empty())
    }

    /// Runs to the next state.
    pub(super) fn next(&mut self, remains: &mut Remains) -> io::Result<Event> {
        self.steps = 0;
        let event = match (self.method, self.inside) {
            (Method::Steps, None) => self.next_by_steps(remains)?,
            _ => self.next_by_faults(remains)?,
        };
        match &event {
            Event::Enter { .. } | Event::Exit { .. } => {
                self.position = Position { call: self.position.call + 1, change: 0 };
            }
            Event::Changed(_) => self.position.change += 1,
            Event::End | Event::Gone(_) => {}
        }
        Ok(event)
    }

    /// Lets the victim run to the end of its process, past its operation; how it ended.
    pub(super) fn run_to_exit(&mut self, remains: &mut Remains) -> io::Result<Waited> {
        loop {
            if let Event::Gone(how) = self.next_by_faults(remains)? {
                return Ok(how);
            }
        }
    }

    /// Kills the victim where it is and waits until it is gone.
    pub(super) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.gone {
            return;
        }
        raw::kill(self.pid);
        while let Ok(Waited::Stopped(_)) = raw::wait(self.pid, Patience::Block) {}
        self.gone = true;
    }

    fn next_by_faults(&mut self, remains: &mut Remains) -> io::Result<Event> {
        let mut signal = 0;
        loop {
            raw::run_to_call(self.pid, signal)?;
            signal = match raw::wait(self.pid, Patience::Block)? {
                Waited::Stopped(number) if number == libc::SIGTRAP | 0x80 => {
                    if let Some(event) = self.at_call(remains)? {
                        return Ok(event);
                    }
                    0
                }
                Waited::Stopped(libc::SIGSEGV) if self.is_ours(raw::fault_address(self.pid)?) => {
                    if let Some(event) = self.one_store(remains)? {
                        return Ok(event);
                    }
                    0
                }
                Waited::Stopped(number) => number,
                end => return Ok(self.went(end)),
            };
        }
    }

    fn next_by_steps(&mut self, remains: &mut Remains) -> io::Result<Event> {
        loop {
            if self.at_syscall_instruction()? {
                return self.next_by_faults(remains);
            }
            remains.look();
            raw::run_one(self.pid)?;
            match raw::wait(self.pid, Patience::Block)? {
                Waited::Stopped(libc::SIGTRAP) => {}
                Waited::Stopped(_) => return self.next_by_faults(remains),
                end => return Ok(self.went(end)),
            }
            let changes = remains.changes();
            if !changes.is_empty() {
                return Ok(Event::Changed(changes));
            }
            self.steps += 1;
        }
    }

    /// Handles a stop at a call; nothing where it is no state.
    fn at_call(&mut self, remains: &mut Remains) -> io::Result<Option<Event>> {
        match raw::call_info(self.pid)? {
            CallInfo::Enter { number, args, .. } if is_mark(number, args, END) => {
                Ok(Some(Event::End))
            }
            CallInfo::Enter { number, args, .. } => {
                self.inside = Some((number, args));
                Ok(Some(Event::Enter { number, args }))
            }
            CallInfo::Exit { value, .. } => {
                let (number, _) = self.inside.take().unwrap_or_default();
                if changes_mappings(number) {
                    self.refresh(remains)?;
                }
                Ok(Some(Event::Exit { number, value }))
            }
            CallInfo::Other => Ok(None),
        }
    }

    /// Lets the instruction that faulted run, and tells what it changed.
    fn one_store(&mut self, remains: &mut Remains) -> io::Result<Option<Event>> {
        self.protect(libc::PROT_READ | libc::PROT_WRITE)?;
        remains.look();
        raw::run_one(self.pid)?;
        match raw::wait(self.pid, Patience::Block)? {
            Waited::Stopped(libc::SIGTRAP) => {}
            Waited::Stopped(number) => {
                return Err(io::Error::other(format!("signal {number} inside one store")));
            }
            end => return Ok(Some(self.went(end))),
        }
        let changes = remains.changes();
        self.protect(libc::PROT_READ)?;
        Ok((!changes.is_empty()).then_some(Event::Changed(changes)))
    }

    /// Reads the mappings anew, and takes the right to write from them.
    fn refresh(&mut self, remains: &mut Remains) -> io::Result<()> {
        let mut mappings = remains.follow(self.pid)?;
        // What was writable before shows as read-only now, because of `protect`.
        for mapping in &mut mappings {
            let known = |old: &&Mapping| old.start <= mapping.start && mapping.end <= old.end;
            let before = self.mappings.iter().find(known);
            mapping.writable |=
                before.is_some_and(|before| before.writable && before.inode == mapping.inode);
        }
        self.mappings = mappings;
        self.protect(libc::PROT_READ)
    }

    /// Lets the victim change the rights of its writable mappings.
    fn protect(&mut self, rights: i32) -> io::Result<()> {
        if self.method == Method::Steps {
            return Ok(());
        }
        let writable: Vec<_> = self.mappings.iter().filter(|mapping| mapping.writable).collect();
        if writable.is_empty() {
            return Ok(());
        }
        let saved = raw::registers(self.pid)?;
        for mapping in writable {
            let call = Registers {
                rip: self.gate,
                rax: libc::SYS_mprotect.cast_unsigned(),
                orig_rax: u64::MAX,
                rdi: mapping.start,
                rsi: mapping.end - mapping.start,
                rdx: rights.cast_unsigned().into(),
                ..saved
            };
            raw::set_registers(self.pid, &call)?;
            raw::run_one(self.pid)?;
            let waited = raw::wait(self.pid, Patience::Block)?;
            let result = raw::registers(self.pid)?.rax;
            if waited != Waited::Stopped(libc::SIGTRAP) || result != 0 {
                let text = format!("mprotect in the victim: {waited:?}, {result:#x}");
                return Err(io::Error::other(text));
            }
        }
        raw::set_registers(self.pid, &saved)
    }

    fn is_ours(&self, address: u64) -> bool {
        let holds = |mapping: &Mapping| (mapping.start..mapping.end).contains(&address);
        self.mappings.iter().any(|mapping| mapping.writable && holds(mapping))
    }

    fn at_syscall_instruction(&mut self) -> io::Result<bool> {
        let address = raw::registers(self.pid)?.rip;
        if let Some(&known) = self.calls.get(&address) {
            return Ok(known);
        }
        // 0f 05 is `syscall`. The last bytes of a page may be unreadable as a word of eight.
        let found = raw::peek(self.pid, address).is_ok_and(|word| word & 0xffff == 0x050f);
        self.calls.insert(address, found);
        Ok(found)
    }

    fn expect_stop(&mut self, signal: i32) -> io::Result<()> {
        match raw::wait(self.pid, Patience::Block)? {
            Waited::Stopped(number) if number == signal => Ok(()),
            Waited::Stopped(number) => {
                Err(io::Error::other(format!("victim stopped by signal {number}, not {signal}")))
            }
            end => {
                self.gone = true;
                Err(io::Error::other(format!("victim ended before its operation: {end:?}")))
            }
        }
    }

    fn went(&mut self, how: Waited) -> Event {
        self.gone = true;
        Event::Gone(how)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.end();
    }
}

fn is_mark(number: u64, args: [u64; 6], tag: u64) -> bool {
    number == libc::SYS_getpid.cast_unsigned() && args[0] == MARK && args[1] == tag
}

fn changes_mappings(number: u64) -> bool {
    [libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect]
        .contains(&number.cast_signed())
}

/// The victim's side: offers itself to the tracer and marks where its operation begins and ends.
pub(super) fn perform<R>(operation: impl FnOnce() -> R) -> io::Result<R> {
    raw::offer_to_parent()?;
    raw::mark(MARK, BEGIN);
    let result = operation();
    raw::mark(MARK, END);
    Ok(result)
}
