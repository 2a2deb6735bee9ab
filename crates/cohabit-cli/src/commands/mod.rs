//! The commands, one file each: what can be typed behind its name, and one function.

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod gc;
pub(crate) mod hello;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod rm;
pub(crate) mod schema;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod watch;
pub(crate) mod who;
