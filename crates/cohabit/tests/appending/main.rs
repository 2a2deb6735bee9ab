//! Programs whose structs have grown use one object with programs that have the older struct.
//!
//! Each program is a process of its own that has one form of the struct.

#[path = "../support/mod.rs"]
mod support;

mod deaths;
mod forms;
mod growing;
mod refusals;

roles! {
    "old" => forms::program::<forms::Old>,
    "new" => forms::program::<forms::New>,
    "newest" => forms::program::<forms::Newest>,
    "large-old" => forms::program::<forms::LargeOld>,
    "large-new" => forms::program::<forms::LargeNew>,
    "both" => growing::both,
    "parts" => growing::parts,
}
