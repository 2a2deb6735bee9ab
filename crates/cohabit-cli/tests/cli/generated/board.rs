//! The type of the object `board`; `cohabit schema board --as rust` made it.

use cohabit::{
    Barrier, Condvar, Event, Flag, Frozen, List, Loose, Mutex, Once, OnceCell, RwLock, Semaphore,
    Text, Value, WideText, plain, shareable,
};
use std::sync::atomic::{AtomicI8, AtomicU64};

#[plain]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Mode {
    Off = -1,
    On = 7,
}

#[plain]
#[derive(Clone, Debug)]
pub struct Wheel {
    pub at: f64,
    pub name: Text<5>,
    pub mode: Mode,
}

#[plain]
#[derive(Clone, Debug)]
pub struct State {
    pub r#type: u8,
    pub big: i128,
    pub letter: char,
    pub on: bool,
    #[plain(was = "speed")]
    pub pace: f32,
    pub wheels: [Wheel; 4],
    pub spare: List<Wheel, 3>,
    pub title: WideText<9>,
    pub grid: [[u16; 2]; 3],
}

#[shareable]
#[derive(Debug)]
pub struct Inner {
    pub count: AtomicU64,
    pub value: Value<u16>,
}

#[shareable]
#[derive(Debug)]
pub struct Board {
    pub hits: AtomicU64,
    pub tiny: AtomicI8,
    pub on: Flag,
    pub state: Value<State>,
    pub limits: Frozen<[f64; 3]>,
    pub loose: Loose<Wheel>,
    pub log: Mutex<Wheel>,
    pub table: RwLock<Wheel>,
    pub ready: Event,
    pub more: Condvar,
    pub once: Once,
    pub permits: Semaphore,
    pub spare: OnceCell<Wheel>,
    pub all: Barrier,
    pub inner: [Inner; 2],
}

/// `cohabit::Shared::<Object>::open("board")` opens it.
pub type Object = Board;
