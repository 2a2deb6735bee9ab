//! An object without a name, given to a child process as its standard input.
//!
//! `cargo run -p cohabit --example child`
//!
//! Nobody but this program and its child can reach the object.

use std::error::Error;
use std::process::Command;

use cohabit::SharedValue;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("child") {
        return child();
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    parent(command)
}

/// Makes the object, and starts a child that uses it.
pub(crate) fn parent(mut child: Command) -> Result<(), Box<dyn Error>> {
    let rpm = SharedValue::<u32>::anonymous(|| 900)?;
    let status = child.stdin(rpm.to_fd()?).status()?;
    println!("{} rpm, after a child that ended with {status}", rpm.get()?);
    if rpm.get()? == 901 { Ok(()) } else { Err("the child did nothing".into()) }
}

/// Gets the object, and uses it as its own.
pub(crate) fn child() -> Result<(), Box<dyn Error>> {
    let rpm = SharedValue::<u32>::from_fd(std::io::stdin())?;
    rpm.update(|rpm| *rpm += 1)?;
    Ok(())
}
