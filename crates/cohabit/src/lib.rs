//! Typed objects that live in several processes at once.
//!
//! Name an object, and every process of the machine that opens that name uses the same one, as simply
//! as a global variable: without a server, at memory speed, and whole when any of the processes is
//! killed at any instruction.
//!
//! ```no_run
//! use cohabit::{SharedValue, Text, plain, text};
//!
//! #[plain]
//! #[derive(Debug, Default)]
//! struct MyData { x: i32, text: Text<256> }
//!
//! // in any number of processes, in any order
//! let data = SharedValue::<MyData>::open_or_create("SharedDataName", MyData::default)?;
//! data.set(MyData { x: 255, text: text!("Hello Shared World!") })?;
//! let now = data.get()?;
//! data.update(|d| d.x += 1)?;
//! # let _ = now;
//! # Ok::<(), cohabit::Error>(())
//! ```
//!
//! # Objects with parts
//! An object of a struct with [`macro@shareable`] is constructed once, in place, and used through `&T` by
//! everyone; each part has a policy of its own:
//!
//! ```no_run
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//!
//! use cohabit::{Flag, Frozen, Shared, Value, plain, shareable};
//!
//! #[plain]
//! #[derive(Default)]
//! struct State { x: i32, on: bool }
//!
//! #[shareable]
//! #[derive(Default)]
//! struct Board { hits: AtomicU64, stop: Flag, state: Value<State>, limits: Frozen<[f64; 2]> }
//!
//! let board = Shared::<Board>::open_or_create("board", Board::default)?;
//! board.hits.fetch_add(1, Relaxed);
//! board.state.update(|state| state.x += 1)?;
//! let limits = board.limits.get()?;
//! # let _ = limits;
//! # Ok::<(), cohabit::Error>(())
//! ```
//!
//! # Which cell?
//!
//! | what there is | take | reading it | writing it |
//! |---|---|---|---|
//! | fields that belong together | [`Value<T>`](Value) | whole, of one version; waits for nobody; can be waited for | one writer after the other; whole, or not at all |
//! | a number that all count up | `AtomicU64` and its siblings | one instruction | one instruction, in any process |
//! | what is changed in place, step by step, or is too large to be copied | [`Mutex<T>`](Mutex) | under its lock | under its lock; after a death inside, the next one is told |
//! | the same, where many read at once | [`RwLock<T>`](RwLock) | in place, beside others | alone; after a death inside, the next one is told |
//! | something that has happened, to be waited for | [`Event`] | waiting for it | setting it |
//! | how many do something at once, or what is there to be taken | [`Semaphore`] | taking a permit | giving it back, by a death too; adding one |
//! | a change under a mutex, to be waited for | [`Condvar`] | waiting for it | notifying |
//! | what is known only after the object was made, and then stays | [`OnceCell<T>`](OnceCell) | a copy, checked | once, by whoever comes first |
//! | something that is done once, by whoever comes first | [`Once`] | waiting for it | doing it |
//! | a point that all must reach before anybody goes on, round after round | [`Barrier`] | waiting for the others | waiting for the others |
//! | a bool | [`Flag`] | one instruction | one instruction |
//! | what the constructor knows and nobody changes | [`Frozen<T>`](Frozen) | a copy, checked | only while it is constructed |
//! | fields that have nothing to do with each other, or an order of your own | [`Loose<T>`](Loose) | each field whole, no order between them | field by field, without a lock |
//! | an array whose length is known when it is made | `Value<[T]>`, or a last field `[C]` of cells | as one value, or cell by cell | the same |
//! | several of these | a struct with [`macro@shareable`], an array | part by part: two parts are two moments | part by part |
//!
//! In doubt: `Value`. It is the only one of which a reader sees fields that fit each other, and whose
//! change can be waited for ([`Value::wait_changed`]). It takes several times the room of its T, and
//! `Frozen` and `Loose` take it once.
//!
//! # Where to find what
//! - [`Shared`] is the handle, [`SharedView`] the read-only one, [`Options`] says where and how long.
//! - [`Value`] is a value that is read and written whole; [`Flag`], [`Frozen`] and [`Loose`] stand beside it
//!   in a struct with [`macro@shareable`], whose end is [`LastOneOut`]. [`Mutex`] guards what is used in place.
//! - [`changed`] is about waiting without blocking: futures, and a descriptor that polls.
//! - [`macro@plain`] marks a struct or enum as plain data; [`Text`], [`WideText`] and [`List`] stand inside
//!   of it; [`Part`] names a part; [`Appended`] is a field that older programs do not know.
//! - [`Shared::open_wait`] waits for an object, [`Follow`] follows a name across restarts of its service.
//! - [`Shared::anonymous`] makes an object without a name, for those who are given a descriptor of it.
//! - [`Status`] says how an object stands, who uses it, and who has which lock: for logs and for people.
//! - [`Error`] says what was expected, what was found and what to do.

extern crate self as cohabit;

/// README's programs, which the documentation's tests compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod access;
mod acting;
mod appear;
mod asker;
mod attach;
mod build;
mod bytes;
mod catalog;
mod cells;
pub mod changed;
mod create;
mod described;
mod disk;
mod error;
mod explain;
mod follow;
mod format;
mod growth;
mod handle;
mod lock;
mod look;
mod member;
mod mismatch;
mod name;
mod options;
mod place;
mod plain;
mod primitive;
mod registry;
pub mod schema;
mod segment;
mod shareable;
mod shared;
mod site;
mod status;
mod sync;
mod table;
mod token;
pub mod untyped;
mod users;
mod value;
mod view;
mod views;
mod who;
mod words;

pub use access::{Access, Account, Sharing};
pub use build::{Build, Place};
pub use catalog::{Collected, Entry, EntryState, collect, folder_of, list, remove};
pub use cells::{Flag, Frozen, Loose};
pub use cohabit_macros::{plain, shareable};
pub use error::{Error, ErrorKind, Result};
pub use explain::Cause;
pub use follow::Follow;
pub use name::{NAME_MAX, check_name};
pub use options::{Keep, Scope};
pub use plain::{
    APPENDED_MAX, Appended, BadBits, Kind, List, ListFull, Part, Plain, Signal, Text, TextError,
    WideText,
};
pub use shareable::{LastOneOut, Shareable};
pub use shared::{Options, Shared, SharedValue};
pub use status::{Standing, Status};
pub use sync::{
    Barrier, BarrierWaitResult, Condvar, Event, LockError, LockResult, Mutex, MutexGuard, Once,
    OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
    WaitTimeoutResult,
};
pub use users::{ProcessState, User};
pub use value::fill::{Fill, Filled};
pub use value::pin::Pinned;
pub use value::{BY_VALUE_MAX, Contents, Value, Version};
pub use view::SharedView;
pub use views::View;
pub use who::{Gathering, Hold, Holder, LockState, Observers, Verdict};

/// What the code that `#[plain]` writes refers to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::plain::{
        Align, Aligned, BadBits, Copies, CopyOf, EnumKind, Field, Growing, Image, Kind, Layout,
        MAX_DEPTH, Part, Plain, ROOM_ALIGN, StructKind, Variant, assert_described, copies,
        has_zero, stride,
    };
    pub use crate::shareable::{EndOf, NoEnd, NoSize, Shareable, SizeOf, size_of_struct};
    pub use crate::words::{WordSink, WordSource, load, load_part, put, store, store_part};
}
