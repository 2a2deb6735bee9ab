//! Victims that use all of an object of cohabit, and the peer that overwrites it: what `cargo xtask lab
//! hostile` builds with AddressSanitizer, overflow checks and debug assertions, and runs.
//!
//! `cohabit-hostile ROLE PLACE SEED MODE CHEAT`, with `COHABIT_DIR` naming a folder of the round's own.
//! A victim prints `here`, calls everything until its standard input ends, and then prints what it
//! counted. What it finds wrong it says on its standard error, and ends with a code that is not 0:
//! a panic, a report of the sanitizer, a call that does not come back ([`calls`]), or a value whose
//! bits no value of its type has ([`board`]).
//!
//! - `board`: the objects, and what no value of their types may be · `calls`: counting, and the watchdog
//! - `user` `locks` `guest` `observer` `opener`: the victims · `vandal` `spots`: the hostile peer

mod board;
mod calls;
mod guest;
mod locks;
mod observer;
mod opener;
mod spots;
mod user;
mod vandal;

use std::io::Read;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use cohabit::{Access, Options, Scope, Shareable, Shared};

use calls::Calls;

/// What a process of a round is told.
pub(crate) struct Round {
    pub(crate) scope: Scope,
    pub(crate) seed: u64,
    pub(crate) mode: String,
    pub(crate) cheat: String,
}

impl Round {
    /// Options of those that come before the peer does.
    pub(crate) fn at_first<T: Shareable + ?Sized>(&self) -> Options<T> {
        self.options().timeout(Duration::from_secs(60))
    }

    /// Options of an object of the round. Who waits for a name does it for a short time only.
    pub(crate) fn options<T: Shareable + ?Sized>(&self) -> Options<T> {
        Shared::<T>::options().scope(self.scope.clone()).timeout(calls::WAIT)
    }
}

/// Whether the round is over.
static OVER: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_over() -> bool {
    OVER.load(SeqCst)
}

/// The round is over when the laboratory closes our input, or is gone.
fn end_with_input() {
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        let _any = std::io::stdin().read_to_end(&mut nothing);
        OVER.store(true, SeqCst);
    });
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [role, place, seed, mode, cheat] = &words[..] else {
        eprintln!("usage: cohabit-hostile ROLE PLACE SEED MODE CHEAT");
        return ExitCode::from(2);
    };
    let scope = match place.as_str() {
        "machine" => Scope::Machine(Access::everyone().reads()),
        _ => Scope::User,
    };
    let seed = seed.parse().unwrap_or(0);
    let round = Round { scope, seed, mode: mode.clone(), cheat: cheat.clone() };
    end_with_input();
    let calls = Calls::watched();
    match role.as_str() {
        "host" => user::run(&round, &calls),
        "user" => user::run(&round, &calls),
        "locks" => locks::run(&round, &calls),
        "guest" => guest::run(&round, &calls),
        "observer" => observer::run(&round, &calls),
        "opener" => opener::run(&round, &calls),
        "vandal" => vandal::run(&round),
        _ => eprintln!("no such role: {role}"),
    }
    calls.tell();
    ExitCode::SUCCESS
}
