//! The command line of cohabit.
fn main() {}
