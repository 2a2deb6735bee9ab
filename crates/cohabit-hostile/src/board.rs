//! The objects of a round: one with every cell and every kind of plain data, and one of run-time length.
//!
//! What a victim got is looked at byte by byte ([`Sound`]): a bool that is neither 0 nor 1, and an enum's
//! number that it does not have, would be undefined behaviour of the victim, and are found here.

use std::sync::atomic::{AtomicI16, AtomicU64};

use cohabit::{
    Barrier, Condvar, Event, Flag, Frozen, List, Loose, Mutex, Once, OnceCell, RwLock, Semaphore,
    Standing, Status, Text, User, Value, Version, WideText, plain, shareable, text,
};

/// The name of the object with parts.
pub(crate) const BOARD: &str = "board";
/// The name of the value of run-time length, and how many elements it has.
pub(crate) const ROW: &str = "row";
pub(crate) const ROW_LEN: u64 = 9;
/// The name of an object that comes and goes: a value and nothing else.
pub(crate) const SINGLE: &str = "single";

/// Numbers with gaps.
#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(u16)]
pub(crate) enum Gear {
    /// Standing.
    #[default]
    Off = 0,
    /// Going.
    On = 300,
    /// Neither.
    Broken = 7,
}

/// Small, and half of its bits are no value.
#[plain]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lamp {
    pub(crate) on: bool,
    pub(crate) gear: Gear,
    pub(crate) sign: char,
}

/// Every kind of plain data.
#[plain]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) x: i32,
    pub(crate) lamp: Lamp,
    pub(crate) name: Text<24>,
    pub(crate) wide: WideText<9>,
    pub(crate) marks: List<Lamp, 5>,
    pub(crate) large: u128,
    pub(crate) ratio: f64,
    pub(crate) row: [Lamp; 3],
}

/// Every cell.
#[shareable]
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) stop: Flag,
    pub(crate) hits: AtomicU64,
    pub(crate) level: [AtomicI16; 3],
    pub(crate) limits: Frozen<State>,
    pub(crate) dials: Loose<State>,
    pub(crate) state: Value<State>,
    pub(crate) small: Value<Lamp>,
    pub(crate) journal: Mutex<State>,
    pub(crate) word: Mutex<u64>,
    pub(crate) book: RwLock<State>,
    pub(crate) seats: Semaphore,
    pub(crate) start: Barrier,
    pub(crate) bell: Condvar,
    pub(crate) door: Event,
    pub(crate) gate: Event,
    pub(crate) first: Once,
    pub(crate) memo: OnceCell<State>,
}

/// As whoever comes first makes it.
pub(crate) fn new() -> Board {
    Board {
        stop: Flag::default(),
        hits: AtomicU64::default(),
        level: Default::default(),
        limits: Frozen::new(state()),
        dials: Loose::default(),
        state: Value::default(),
        small: Value::default(),
        journal: Mutex::default(),
        word: Mutex::default(),
        book: RwLock::default(),
        seats: Semaphore::new(3),
        start: Barrier::new(2),
        bell: Condvar::new(),
        door: Event::auto(),
        gate: Event::manual(),
        first: Once::new(),
        memo: OnceCell::new(),
    }
}

/// A state that is not all zeros.
pub(crate) fn state() -> State {
    let lamp = Lamp { on: true, gear: Gear::On, sign: 'ß' };
    let marks = List::try_from_iter([lamp; 4]).unwrap_or_default();
    let (name, wide) = (text!("a state"), WideText::truncated("weit"));
    State { x: 255, lamp, name, wide, marks, large: 1 << 100, ratio: 0.5, row: [lamp; 3] }
}

/// As whoever comes first makes the other object.
pub(crate) fn row() -> Vec<Lamp> {
    vec![state().lamp; ROW_LEN as usize]
}

/// What a call may give; where some bits would be no value of it, they are looked at.
pub(crate) trait Sound {
    /// What is wrong with it.
    fn sound(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The bytes that a part of a value has, whatever its type says of them.
fn bytes<T: Copy, const N: usize>(part: &T) -> [u8; N] {
    assert_eq!(size_of::<T>(), N, "the size of what is looked at");
    let start = std::ptr::from_ref(part).cast::<[u8; N]>();
    // SAFETY: `part` is borrowed, has as many bytes as is asserted, and none of those that is called with
    // (bool, char, an enum) has padding. Volatile: what the compiler knows of the type must not answer.
    unsafe { start.read_volatile() }
}

impl Sound for bool {
    fn sound(&self) -> Result<(), String> {
        match bytes(self) {
            [0 | 1] => Ok(()),
            [other] => Err(format!("a bool of {other}")),
        }
    }
}

impl Sound for Gear {
    fn sound(&self) -> Result<(), String> {
        match u16::from_ne_bytes(bytes(self)) {
            0 | 300 | 7 => Ok(()),
            other => Err(format!("a gear of {other}")),
        }
    }
}

impl Sound for char {
    fn sound(&self) -> Result<(), String> {
        let number = u32::from_ne_bytes(bytes(self));
        char::from_u32(number).map(drop).ok_or_else(|| format!("a char of {number:#x}"))
    }
}

impl Sound for Lamp {
    fn sound(&self) -> Result<(), String> {
        self.on.sound()?;
        self.gear.sound()?;
        self.sign.sound()
    }
}

impl Sound for State {
    fn sound(&self) -> Result<(), String> {
        self.lamp.sound()?;
        self.row.sound()?;
        if self.marks.len() > 5 {
            return Err(format!("a list of {}, with room for 5", self.marks.len()));
        }
        self.marks.iter().try_for_each(Sound::sound)?;
        if let Ok(text) = self.name.as_str() {
            std::str::from_utf8(text.as_bytes()).map_err(|error| format!("a text: {error}"))?;
        }
        std::hint::black_box((self.name.to_string_lossy(), self.wide.to_string_lossy()));
        Ok(())
    }
}

impl<T: Sound, const N: usize> Sound for [T; N] {
    fn sound(&self) -> Result<(), String> {
        self.iter().try_for_each(Sound::sound)
    }
}

impl<T: Sound> Sound for Box<[T]> {
    fn sound(&self) -> Result<(), String> {
        self.iter().try_for_each(Sound::sound)
    }
}

impl<T: Sound> Sound for Box<T> {
    fn sound(&self) -> Result<(), String> {
        (**self).sound()
    }
}

impl<T: Sound> Sound for Option<T> {
    fn sound(&self) -> Result<(), String> {
        self.iter().try_for_each(Sound::sound)
    }
}

impl<T: Sound> Sound for Vec<T> {
    fn sound(&self) -> Result<(), String> {
        self.iter().try_for_each(Sound::sound)
    }
}

impl<T: Sound, U: Sound> Sound for (T, U) {
    fn sound(&self) -> Result<(), String> {
        self.0.sound()?;
        self.1.sound()
    }
}

macro_rules! always_sound {
    ($($type:ty),*) => {$(impl Sound for $type {})*};
}
always_sound!((), u8, u64, usize, i32, f64, Version, Standing, Status, User, std::os::fd::OwnedFd);

impl<T: cohabit::Shareable + ?Sized> Sound for cohabit::Shared<T> {}
impl<T: cohabit::Shareable + ?Sized> Sound for cohabit::SharedView<T> {}
impl<T: cohabit::Plain> Sound for cohabit::Pinned<'_, T> {}
impl<T: cohabit::Plain> Sound for cohabit::Pinned<'_, [T]> {}
impl<T: cohabit::Plain> Sound for cohabit::Follow<T> {}
impl Sound for cohabit::SemaphorePermit<'_> {}
always_sound!(
    cohabit::untyped::Untyped,
    cohabit::changed::ChangeFd,
    cohabit::LockState,
    cohabit::Observers,
    cohabit::Entry,
    cohabit::Collected
);
