//! What children do with what is done once: whoever does it leaves its number, twice.
use super::{BRIEF, Hall, HallView, LONG, Sums, kill_myself};
use crate::lab::child::{Orders, answer};
use cohabit::{Error, ErrorKind};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// This process's own.
fn mine() -> Sums {
    let number = u64::from(std::process::id());
    Sums { one: number, other: number }
}

fn told(ran: bool, sums: &Sums) -> String {
    format!("{} {} {}", if ran { "ran" } else { "done" }, sums.one, sums.other)
}

/// Does one operation on the `Once`, by its name in the laboratory's list.
pub(super) fn once(hall: &Hall, verb: &str) -> Result<String, Error> {
    let ran = Cell::new(false);
    let deed = || {
        hall.deed
            .iter()
            .zip([mine().one; 2])
            .for_each(|(half, number)| half.store(number, Relaxed));
        ran.set(true);
    };
    let once = &hall.once;
    match verb {
        "try_call" | "try_call_takeover" => once.try_call_once(deed)?,
        "call_timeout" => once.call_once_timeout(deed, LONG)?,
        "call_briefly" => once.call_once_timeout(deed, BRIEF)?,
        "is_completed" => return once.is_completed().map(|is| is.to_string()),
        "wait" => once.wait()?,
        "wait_timeout" => once.wait_timeout(LONG)?,
        "call_panics" => {
            let panics = AssertUnwindSafe(|| once.call_once(|| panic!("on purpose")));
            let _panic: Result<Result<(), Error>, _> = catch_unwind(panics);
            return Ok(String::new());
        }
        _ => once.call_once(deed)?,
    }
    let [one, other] = hall.deed.each_ref().map(|half| half.load(Relaxed));
    Ok(told(ran.get(), &Sums { one, other }))
}

/// Does one operation on the `OnceCell`.
pub(super) fn cell(hall: &Hall, verb: &str) -> Result<String, Error> {
    let ran = Cell::new(false);
    let make = || {
        ran.set(true);
        mine()
    };
    let try_make = || Ok::<Sums, ()>(make());
    let cell = &hall.answer;
    let set = match verb {
        "set" | "set_contended" | "set_takeover" => Some(cell.set(mine())),
        "set_from" => Some(cell.set_from(&mine())),
        "set_timeout" => Some(cell.set_timeout(mine(), LONG)),
        _ => None,
    };
    if let Some(set) = set {
        return match set {
            Ok(()) => Ok(told(true, &mine())),
            Err(error) if error.kind() == ErrorKind::Frozen => {
                cell.wait().map(|is| told(false, &is))
            }
            Err(error) => Err(error),
        };
    }
    let found = match verb {
        "try" => cell.get_or_init_timeout(make, Duration::ZERO)?,
        "init_timeout" => cell.get_or_init_timeout(make, LONG)?,
        "init_briefly" => cell.get_or_init_timeout(make, BRIEF)?,
        "try_init" => cell.get_or_try_init(try_make)?.unwrap_or_default(),
        "try_init_timeout" => cell.get_or_try_init_timeout(try_make, LONG)?.unwrap_or_default(),
        "try_init_fails" => {
            let _failed: Result<Sums, ()> = cell.get_or_try_init(|| Err(()))?;
            return Ok(String::new());
        }
        "init_panics" => {
            let panics = AssertUnwindSafe(|| cell.get_or_init(|| panic!("on purpose")));
            let _panic: Result<Result<Sums, Error>, _> = catch_unwind(panics);
            return Ok(String::new());
        }
        "get" => cell.get()?.unwrap_or_default(),
        "get_into" => {
            let mut into = Sums::default();
            cell.get_into(&mut into)?;
            into
        }
        "get_boxed" => *cell.get_boxed()?.unwrap_or_default(),
        "get_part" => {
            let one = cell.get_part(Sums::ONE)?.unwrap_or_default();
            Sums { one, other: cell.get_part(Sums::OTHER)?.unwrap_or_default() }
        }
        "wait" => cell.wait()?,
        "wait_timeout" => cell.wait_timeout(LONG)?,
        _ => cell.get_or_init(make)?,
    };
    Ok(told(ran.get(), &found))
}

/// What an observer sees: whether it is done, and what was done.
pub(super) fn look(view: HallView<'_>, what: &str) -> Result<String, Error> {
    if what.starts_with("once_") {
        let is_done = view.once().is_completed();
        let mut halves = view.deed().iter().map(|half| half.load());
        let [one, other] = [halves.next(), halves.next()].map(Option::unwrap_or_default);
        return Ok(if is_done { told(false, &Sums { one, other }) } else { String::new() });
    }
    let answer = view.answer();
    let boxed = answer.get_boxed()?.map(|sums| *sums);
    let part = answer.get_part(Sums::ONE)?;
    let whole = answer.get()?;
    // It is set once: what was read first is there later too.
    let agree = whole.as_ref().is_none_or(|whole| {
        boxed.is_none_or(|boxed| boxed == *whole) && part.is_none_or(|part| part == whole.one)
    });
    Ok(match whole {
        Some(whole) if agree => told(false, &whole),
        Some(_) => "three reads of what is set once differ".to_owned(),
        None => String::new(),
    })
}

/// Is at it until the next order, and does it.
pub(super) fn stay(hall: &Hall, which: &str, orders: &mut Orders) -> Result<(), String> {
    let mut inside = || {
        // Whoever orders is gone if it takes no answer, and then this process goes too.
        let _sent = answer(Ok(String::new()));
        orders.pause();
    };
    let done = if which == "once" {
        hall.once.call_once(|| {
            inside();
            hall.deed.iter().for_each(|half| half.store(mine().one, Relaxed));
        })
    } else {
        let set = hall.answer.get_or_init(|| {
            inside();
            mine()
        });
        set.map(drop)
    };
    done.map_err(|error| error.to_string())
}

/// Dies while it is at it, half way.
pub(super) fn die_inside(hall: &Hall, which: &str) -> Result<(), Error> {
    if which == "once" {
        return hall.once.call_once(|| {
            hall.deed[0].store(mine().one, Relaxed);
            kill_myself()
        });
    }
    hall.answer.get_or_init(|| kill_myself()).map(drop)
}
