//! `#[plain]` from outside: layouts, copies by words, parts, and what is said of bad bits.

mod kinds;
mod lists;
mod structs;
mod words;
