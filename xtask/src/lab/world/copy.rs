//! The library once more: a shared library that the scenario `two-copies` loads from two paths.
//!
//! A program that loads two plugins, each with cohabit linked in, has the library twice: two sets of
//! statics, two attachments, two hooks for fork and exit. The scenario gives orders to each copy by the one
//! function that is exported here; the object is in the current folder.

use cohabit::{ErrorKind, LockError, Mutex, Scope, Shared, Value, shareable};
use std::cell::RefCell;

/// What is shared.
#[shareable]
#[derive(Debug)]
struct Twin {
    value: Value<u64>,
    mutex: Mutex<u64>,
}

thread_local! {
    static TWIN: RefCell<Option<Shared<Twin>>> = const { RefCell::new(None) };
}

/// Obeys an order, which is one letter. The answer; `FORKED` where the library says that, and `FAILED` where
/// it fails in another way, having printed how.
#[unsafe(no_mangle)]
extern "C" fn cohabit_copy_obeys(order: u8) -> i64 {
    const FAILED: i64 = -1;
    const FORKED: i64 = -2;
    match obey(order) {
        Ok(answer) => answer.try_into().unwrap_or(i64::MAX),
        Err(error) if error.kind() == ErrorKind::Forked => FORKED,
        Err(error) => {
            eprintln!("order {}: {:?}: {error}", char::from(order), error.kind());
            FAILED
        }
    }
}

fn obey(order: u8) -> cohabit::Result<u64> {
    match order {
        b'o' => open().map(|()| 0),
        b'l' => {
            TWIN.set(None);
            Ok(0)
        }
        _ => TWIN.with_borrow(|twin| match (order, twin) {
            (b'a', Some(twin)) => add(twin),
            (b'u', Some(twin)) => Ok(twin.users()?.len() as u64),
            (b'h', Some(twin)) => hold(twin).map(|()| 0),
            (b't', Some(twin)) => try_lock(twin),
            _ => unreachable!("no such order, or none before `o`"),
        }),
    }
}

fn open() -> cohabit::Result<()> {
    let folder = std::env::current_dir().expect("a current folder");
    let options = Shared::<Twin>::options().scope(Scope::Folder(folder));
    let build = || Twin { value: Value::new(0), mutex: Mutex::new(0) };
    TWIN.set(Some(options.open_or_create("twin", build)?));
    Ok(())
}

/// Adds one to the value, and tells what it is then.
fn add(twin: &Twin) -> cohabit::Result<u64> {
    twin.value.update(|value| {
        *value += 1;
        *value
    })
}

/// Takes the mutex, and never lets it go.
fn hold(twin: &Twin) -> cohabit::Result<()> {
    std::mem::forget(twin.mutex.lock()?);
    Ok(())
}

/// 0 where the mutex could be had, 1 where somebody has it, 2 where one died with it; it is free then.
fn try_lock(twin: &Twin) -> cohabit::Result<u64> {
    match twin.mutex.try_lock() {
        Ok(_guard) => Ok(0),
        Err(LockError::OwnerDied(mut guard)) => {
            guard.mark_consistent();
            Ok(2)
        }
        Err(error) if error.kind() == ErrorKind::Busy => Ok(1),
        Err(error) => Err(error.into()),
    }
}
