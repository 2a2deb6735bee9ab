//! `cohabit explain`: what an error's code means, the usual causes, and what to do about each.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use cohabit::ErrorKind;
use serde_json::{Value as Json, json};

use crate::exit::{self, Outcome};
use crate::nearest::nearest;
use crate::out;
use crate::table::{Side, Table};

/// What can be typed behind `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code at the end of an error's text, such as not-found, or the name of its ErrorKind, such
    /// as NotFound [default: the list of all codes]
    #[arg(value_parser = Kinds, hide_possible_values = true)]
    code: Option<ErrorKind>,

    /// Print JSON: an object, or without CODE a list of all
    #[arg(long)]
    json: bool,
}

/// Explains one code, or lists all.
pub(crate) fn run(args: &Args) -> Outcome {
    match (args.code, args.json) {
        (Some(kind), true) => out::json(&document(kind))?,
        (None, true) => {
            out::json(&Json::Array(ErrorKind::ALL.iter().copied().map(document).collect()))?;
        }
        (Some(kind), false) => out::text(&explanation(kind))?,
        (None, false) => out::text(&list())?,
    }
    Ok(())
}

/// The whole explanation, for people.
fn explanation(kind: ErrorKind) -> String {
    let mut text = format!("{} (ErrorKind::{kind:?})\n\n", kind.code());
    text += &format!("{}\n{}\n\nUsual causes, and what to do:\n", kind.meaning(), kind.cure());
    for cause in kind.causes() {
        text += &format!("\n- {}\n  {}\n", cause.what, cause.cure);
    }
    text + &format!("\nThe command line ends with exit code {}.\n", exit::code_of(kind))
}

fn list() -> String {
    let mut table = Table::new([("CODE", Side::Left), ("MEANING", Side::Left)]);
    for kind in ErrorKind::ALL {
        table.row([kind.code().to_owned(), kind.meaning().to_owned()]);
    }
    table.render()
}

fn document(kind: ErrorKind) -> Json {
    let causes = kind.causes().iter().map(|cause| json!({"cause": cause.what, "do": cause.cure}));
    json!({
        "code": kind.code(),
        "kind": format!("{kind:?}"),
        "meaning": kind.meaning(),
        "do": kind.cure(),
        "causes": causes.collect::<Vec<_>>(),
        "exit_code": exit::code_of(kind),
    })
}

/// Reads a code or a kind's name; shells complete the codes.
#[derive(Clone, Copy, Debug)]
struct Kinds;

impl TypedValueParser for Kinds {
    type Value = ErrorKind;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        text: &OsStr,
    ) -> Result<ErrorKind, clap::Error> {
        let text = text.to_string_lossy();
        let is_meant = |kind: &ErrorKind| {
            kind.code().eq_ignore_ascii_case(&text)
                || format!("{kind:?}").eq_ignore_ascii_case(&text)
        };
        ErrorKind::ALL.iter().copied().find(is_meant).ok_or_else(|| {
            let said = clap::error::ErrorKind::InvalidValue;
            clap::Error::raw(said, unknown(&text)).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |kind: &ErrorKind| PossibleValue::new(kind.code()).help(kind.meaning());
        Some(Box::new(ErrorKind::ALL.iter().map(value)))
    }
}

fn unknown(text: &str) -> String {
    let near = nearest(text, ErrorKind::ALL.iter().map(|kind| kind.code()));
    let meant = match near.as_slice() {
        [] => "`cohabit explain` lists all codes".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    format!("there is no code `{}`: {meant}\n", text.escape_debug())
}
