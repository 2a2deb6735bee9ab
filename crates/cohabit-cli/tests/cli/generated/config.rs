//! The type of the object `config`; `cohabit schema config --as rust` made it.

use cohabit::{Appended, Text, Value, plain};

#[plain]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Mode {
    Off = -1,
    On = 7,
}

#[plain(appendable = 256)]
#[derive(Clone, Debug)]
pub struct Config {
    pub level: u8,
    pub name: Text<16>,
    pub mode: Appended<Mode>,
}

/// `cohabit::Shared::<Object>::open("config")` opens it.
pub type Object = Value<Config>;
