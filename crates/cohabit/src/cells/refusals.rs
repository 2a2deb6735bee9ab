//! What `#[shareable]` refuses, with an example that must not compile for each.
//!
//! The tests of `cohabit-macros` look at the messages; here the compiler says no.
//!
//! ```compile_fail
//! # use cohabit::shareable;
//! #[shareable]
//! struct Board { hits: u64 } // instead: AtomicU64, or a cell
//! ```
//! ```compile_fail
//! # use cohabit::shareable;
//! #[shareable]
//! struct Board { stop: std::sync::atomic::AtomicBool } // instead: Flag
//! ```
//! ```compile_fail,E0277
//! # use cohabit::{plain, shareable};
//! #[plain]
//! struct State { x: u32 } // plain data, which no name gives away
//! #[shareable]
//! struct Board { state: State } // instead: Value<State>
//! ```
//! ```compile_fail,E0277
//! # use cohabit::{Value, shareable};
//! #[shareable]
//! struct Board { name: Value<String> } // instead: Value<Text<N>>
//! ```
//! ```compile_fail,E0277
//! # use cohabit::{Shared, plain};
//! #[plain]
//! struct State { x: u32 }
//! let state = Shared::<State>::open("state"); // instead: SharedValue<State>
//! ```
//! ```compile_fail,E0080
//! # use cohabit::{Flag, shareable};
//! #[shareable]
//! struct Board { stop: Flag } // with a destructor
//! impl Drop for Board {
//!     fn drop(&mut self) {} // instead: LastOneOut
//! }
//! ```
//! ```compile_fail,E0080
//! # use cohabit::{Flag, shareable};
//! #[shareable]
//! struct Board { none: [Flag; 0] } // has no bytes
//! ```
//! ```compile_fail,E0277
//! # use cohabit::{Flag, LastOneOut};
//! struct Board { stop: Flag } // lacks #[shareable]
//! impl LastOneOut for Board {
//!     fn last_one_out(&self) {}
//! }
//! ```
//!
//! A view has no call that writes, not even one that fails:
//!
//! ```compile_fail,E0599
//! # use std::sync::atomic::{AtomicU64, Ordering};
//! # use cohabit::{Shared, shareable};
//! #[shareable]
//! struct Board { hits: AtomicU64 }
//! let board = Shared::<Board>::open_read_only("board").unwrap();
//! board.view().hits().fetch_add(1, Ordering::Relaxed);
//! ```
//! ```compile_fail,E0609
//! # use std::sync::atomic::{AtomicU64, Ordering};
//! # use cohabit::{Shared, shareable};
//! #[shareable]
//! struct Board { hits: AtomicU64 }
//! let board = Shared::<Board>::open_read_only("board").unwrap();
//! board.hits.fetch_add(1, Ordering::Relaxed);
//! ```
//!
//! An object that is too large for a stack is not passed by value:
//!
//! ```compile_fail,E0080
//! # use std::sync::atomic::AtomicU64;
//! # use cohabit::Shared;
//! # fn new() -> [AtomicU64; 40_000] { unimplemented!() }
//! let counts = Shared::<[AtomicU64; 40_000]>::open_or_create("counts", new);
//! ```
