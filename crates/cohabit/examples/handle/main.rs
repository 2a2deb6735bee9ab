//! An object without a name, handed from one process to another over a Unix socket.
//!
//! In one terminal:  `cargo run -p cohabit --example handle serve /tmp/rpm.socket`
//! In another one:   `cargo run -p cohabit --example handle join /tmp/rpm.socket`
//!
//! Nobody but who connects to the socket can reach the object. Windows has no such sockets: there a child is
//! given the handle (example `child`), or DuplicateHandle puts it into the other process.

#[cfg(unix)]
mod over_socket;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    over_socket::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("Descriptors go over sockets on Unix only; see the example `child`.");
}
