//! The object, and what each side does with it. Nothing here knows by whom the service was started.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use cohabit::{Access, ErrorKind, Result, Scope, Shared, Value, shareable};

const NAME: &str = "example-heater";

/// Rights are the object's: who may write one of these may write the other. What only the service is to
/// write would be an object of its own.
#[shareable]
struct Heater {
    /// What the service measures.
    celsius: Value<f64>,
    /// What the users want.
    wanted: Value<f64>,
}

/// Makes the object, says so, and heats, until something comes from `over` or its other end is gone.
pub(crate) fn serve(group: &str, over: &Receiver<()>, ready: impl FnOnce()) -> Result<()> {
    // Rights are said by whoever makes the object, and stay with it.
    let access = Access::everyone().reads().and(Access::group(group).writes());
    let made = || Heater { celsius: Value::new(15.0), wanted: Value::new(20.0) };
    let options = Shared::<Heater>::options().scope(Scope::Machine(access));
    let heater = options.open_or_create(NAME, made)?;
    ready();
    while over.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
        let wanted = heater.wanted.get()?;
        heater.celsius.update(|celsius| *celsius += (wanted - *celsius) / 4.0)?;
    }
    Ok(())
}

/// Something that comes when the standard input ends.
pub(crate) fn until_input_ends() -> Receiver<()> {
    let (end, over) = mpsc::channel();
    std::thread::spawn(move || {
        // An input that cannot be read has ended, too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(end);
    });
    over
}

/// Whom we believe that it is the service: root or the system, which no user can be.
fn of_the_service() -> Scope {
    Scope::Machine(Access::owner())
}

/// Prints the temperature whenever it changes, until the service has ended.
pub(crate) fn watch() -> Result<()> {
    let heater = Shared::<Heater>::options().scope(of_the_service()).open_read_only(NAME)?;
    let celsius = heater.view().celsius();
    let (mut now, mut seen) = celsius.read()?;
    loop {
        println!("{now:.2} degrees");
        (now, seen) = match celsius.wait_changed(seen, Duration::from_secs(10)) {
            Err(error) if error.kind() == ErrorKind::Ended => break,
            changed => changed?,
        };
    }
    println!("the service has ended");
    Ok(())
}

/// Asks for a temperature, and says what it is.
pub(crate) fn want(celsius: f64) -> Result<()> {
    let heater = Shared::<Heater>::options().scope(of_the_service()).open(NAME)?;
    heater.wanted.set(celsius)?;
    println!("{:.2} degrees, and soon {celsius:.2}", heater.celsius.get()?);
    Ok(())
}
