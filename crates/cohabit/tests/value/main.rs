//! `Value<T>` between real processes: never torn, nothing committed lost, whole after any death, and
//! unimpressed by hostile bytes.
#![cfg_attr(windows, allow(unused_imports, reason = "some are of tests that are not for Windows"))]

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod hostile;
mod in_place;
mod large;
mod locks;
mod model;
mod pins;
mod slices;
mod torn;
mod waits;
mod who;

roles! {
    "user" => support::user::user,
    "forms" => calls::forms,
    "parts" => calls::parts,
    "alone" => calls::alone,
    "threads" => locks::threads,
    "nested" => locks::nested,
    "torn-writer" => torn::writer,
    "torn-reader" => torn::reader,
    "adder" => torn::adder,
    "exits-in-place" => in_place::exits,
    "slice-writer" => slices::writer,
    "large" => large::large,
    "nested-untyped" => locks::nested_untyped,
    "relocker" => hostile::relocker,
    "hostile-user" => hostile::user,
    "hostile-slice-user" => hostile::slice_user,
    "vandal" => hostile::vandal,
}
