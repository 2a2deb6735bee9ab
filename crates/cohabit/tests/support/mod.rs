//! What the tests of several processes share: a folder of their own, and children that play roles.
//!
//! A child is this test binary, started again: a hidden variable names its role, which runs before
//! `main` on the main thread and talks by lines over its standard input and output. So a test is a
//! script that says who does what and in which order; nothing sleeps to get into step, and nothing
//! asserts that something was fast.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of it")]

pub(crate) mod beside;
pub(crate) mod child;
pub(crate) mod handing;
pub(crate) mod mechanism;
pub(crate) mod raw;
pub(crate) mod several;
pub(crate) mod sys;
pub(crate) mod user;
pub(crate) mod world;

pub(crate) use child::{Child, Peer};
pub(crate) use mechanism::{
    has_handles, keeps_what_nobody_uses, kept_if_possible, portable, portable_since, windows,
    windows_since,
};
#[cfg(unix)]
pub(crate) use world::is_root;
pub(crate) use world::{Census, World, until};

/// The outcome of a call as one line: `ok …` or `err code | text`.
pub(crate) fn line<T: std::fmt::Display>(outcome: cohabit::Result<T>) -> String {
    match outcome {
        Ok(value) => format!("ok {value}"),
        Err(error) => format!("err {} | {error}", error.code()),
    }
}

/// Lets this binary play these roles when it is started as a child.
#[macro_export]
macro_rules! roles {
    ($($(#[$only:meta])? $name:literal => $run:path),* $(,)?) => {
        extern "C" fn before_main() {
            support::child::play(&[
                $($(#[$only])? ($name, $run as fn(&mut support::Peer))),*
            ]);
        }

        // SAFETY: the C library calls the functions in this section once, before `main`, on the main
        // thread; `before_main` has the signature that it calls, and lets no panic out.
        #[used]
        #[cfg_attr(unix, unsafe(link_section = ".init_array"))]
        #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
        static ROLE: extern "C" fn() = before_main;
    };
}
