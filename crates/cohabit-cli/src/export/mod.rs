//! An object's type in other languages: what `cohabit schema --as rust|c` prints.

pub(crate) mod c;
mod names;
pub(crate) mod rust;
