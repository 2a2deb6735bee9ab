//! What `#[plain]` refuses, with an example that must not compile for each.
//!
//! The tests of `cohabit-macros` look at the messages; here the compiler says no.
//!
//! What means something in one process only, or owns something outside its own bytes:
//!
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Person { name: String } // instead: Text<N>
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Samples { values: Vec<f32> } // instead: [f32; N] and a count
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Counted { count: usize } // instead: u64
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Borrowed { part: &'static u32 } // instead: the value itself
//! ```
//! ```compile_fail,E0277
//! # use cohabit::plain;
//! struct Inner { x: u32 } // lacks #[plain]
//! #[plain]
//! struct Outer { inner: Inner }
//! ```
//!
//! Layouts that other languages cannot have, and what comes later:
//!
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! #[repr(C, packed)]
//! struct Packed { a: u8, b: u32 }
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Generic<T> { value: T }
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Tuple(u32, u32);
//! ```
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! enum State { Off, On }
//! ```
//!
//! What has no bytes, or a destructor (which would run in one process while others use the data):
//!
//! ```compile_fail
//! # use cohabit::plain;
//! #[plain]
//! struct Nothing {}
//! ```
//! ```compile_fail,E0080
//! # use cohabit::plain;
//! #[plain]
//! struct Empty { none: [u32; 0] }
//! ```
//! ```compile_fail,E0080
//! # use cohabit::plain;
//! #[plain]
//! struct Ends { x: u32 }
//! impl Drop for Ends {
//!     fn drop(&mut self) {}
//! }
//! ```
