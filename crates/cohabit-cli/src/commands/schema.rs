//! `cohabit schema`: what an object is, as a text to read, as JSON, as Rust, or as C.

use clap::ValueEnum;
use cohabit::Scope;
use cohabit::untyped::Untyped;

use crate::exit::{Failure, Outcome};
use crate::out;
use crate::path::hint_at_names;
use crate::{export, grammar};

/// What can be typed behind `schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The object
    name: String,

    /// In which language
    #[arg(long = "as", value_name = "FORM", default_value = "type", value_enum)]
    form: Form,

    /// The same as --as json
    #[arg(long, conflicts_with = "form")]
    json: bool,
}

/// How a schema is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As `cohabit new` and `diff` read it
    Type,
    /// As it stands in the object: canonical, in one line
    Json,
    /// Rust, with the same fingerprint
    Rust,
    /// C11, with the same offsets
    C,
}

/// Prints the schema.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let object = Untyped::open_read_only(&args.name, scope)
        .map_err(|error| hint_at_names(Failure::from(error), scope))?;
    let schema = object.declared();
    let text = match args.form {
        _ if args.json => schema.to_json() + "\n",
        Form::Json => schema.to_json() + "\n",
        Form::Rust => export::rust::module(object.name(), schema).map_err(Failure::Other)?,
        Form::C => export::c::header(object.name(), schema),
        Form::Type => grammar::print::object(schema).map(|text| text + "\n").ok_or_else(|| {
            let what = "its layout is not that of a type here: --as json shows it";
            Failure::Other(format!("`{}`: {what}", object.name()))
        })?,
    };
    out::text(&text)?;
    Ok(())
}
