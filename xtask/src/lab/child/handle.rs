//! Children that use an object without a name, by a descriptor of it.
use super::in_words;
use super::life::{Filled, Hold, Tagged, construct, fill, open_log};
use crate::lab::trace;
use cohabit::{Error, ErrorKind, Shared, SharedValue, SharedView, Value};
use std::fs::File;

/// What leads to the object.
pub(super) fn open(path: &str) -> Result<File, String> {
    let opened = File::options().read(true).write(true).open(path);
    opened.map_err(|error| format!("{path}: {error}"))
}

pub(super) fn make() -> Result<Hold, Error> {
    Shared::<Tagged>::anonymous(construct).map(Hold::User)
}

/// Joins or looks by a descriptor.
pub(super) fn come(verb: &str, handle: &File) -> Result<Hold, Error> {
    Ok(match verb {
        "take_with" => Hold::Filler(SharedValue::<Filled>::from_fd(handle)?),
        "look_with" => Hold::Watcher(SharedView::<Value<Filled>>::from_fd(handle)?),
        "look" => Hold::Observer(SharedView::<Tagged>::from_fd(handle)?),
        _ => Hold::User(Shared::<Tagged>::from_fd(handle)?),
    })
}

/// The victim.
pub(super) fn suffer(what: &str, path: &str, log: &str) -> Result<(), String> {
    open_log(log)?;
    let given = if path == "-" { None } else { Some(open(path)?) };
    let mut hold = before(what, given.as_ref()).map_err(|error| in_words(&error))?;
    let done = trace::perform(|| act(what, given.as_ref(), &mut hold));
    match done.map_err(|error| error.to_string())? {
        Err(error) if what == "from_fd__orphan" && error.kind() == ErrorKind::Ended => Ok(()),
        other => other.map_err(|error| in_words(&error)),
    }
}

/// What the victim holds when its operation begins.
fn before(what: &str, given: Option<&File>) -> Result<Hold, Error> {
    match (what, given) {
        ("leave_nameless_last" | "exit_nameless_last", _) => make(),
        ("view_to_fd", Some(handle)) => come("look", handle),
        ("from_fd" | "from_fd__builder" | "from_fd__orphan" | "view_from_fd", _) => {
            Ok(Hold::Nothing)
        }
        (_, Some(handle)) => come("take", handle),
        (_, None) => Ok(Hold::Nothing),
    }
}

fn act(what: &str, given: Option<&File>, hold: &mut Hold) -> Result<(), Error> {
    match (what, &*hold, given) {
        ("leave_nameless" | "leave_nameless_last", ..) => *hold = Hold::Nothing,
        ("exit_nameless" | "exit_nameless_last", ..) => std::process::exit(0),
        ("to_fd", Hold::User(object), _) => drop(object.to_fd()?),
        ("to_read_only_fd", Hold::User(object), _) => drop(object.to_read_only_fd()?),
        ("forbid_new_writers", Hold::User(object), _) => object.forbid_new_writers()?,
        ("view_to_fd", Hold::Observer(view), _) => drop(view.to_fd()?),
        ("anonymous", ..) => *hold = make()?,
        ("anonymous_with", ..) => {
            let made = SharedValue::<Filled>::options().anonymous_with(fill)?;
            *hold = Hold::Filler(made);
        }
        ("anonymous_in_place", ..) => {
            let in_place = |object: &Tagged| object.copy_of(&construct());
            *hold = Hold::User(Shared::<Tagged>::options().anonymous_in_place(in_place)?);
        }
        ("view_from_fd", _, Some(handle)) => *hold = come("look", handle)?,
        (_, _, Some(handle)) => *hold = come("take", handle)?,
        (_, _, None) => {}
    }
    Ok(())
}
