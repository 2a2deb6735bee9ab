//! The command line, seen from outside: real processes of `cohabit`, their whole output, their exit
//! codes. Every test has a folder of its own, and leaves nothing behind.

#[path = "../../../cohabit/tests/support/beside.rs"]
#[allow(dead_code, reason = "shared with the tests of the library")]
mod beside;
mod companions;
mod demo;
mod diff;
mod doctor;
#[cfg(target_pointer_width = "64")]
mod huge;
mod kinds;
mod life;
mod machine;
mod new;
mod parts;
mod places;
mod schema;
mod set;
mod show;
mod support;
mod tails;
mod texts;
mod watch;
mod who;
