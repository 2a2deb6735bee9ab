//! The type of the object `config`; `cohabit schema config --as rust` made it.

use cohabit::{Text, Value, plain};

#[plain(appendable = 256)]
#[derive(Clone, Debug)]
pub struct Config {
    pub level: u8,
    pub name: Text<16>,
}

/// `cohabit::Shared::<Object>::open("config")` opens it.
pub type Object = Value<Config>;
