//! `cohabit new`: an object of a type that is typed, without any program that has it.

use std::io;

use clap::ValueEnum;
use cohabit::untyped::{NewCell, Untyped};
use cohabit::{Access, ErrorKind, Keep, Scope};
use cohabit_os::{Mechanism, mechanism};

use crate::assignment::assign;
use crate::cli::parse_count;
use crate::dynamic::parse::Patch;
use crate::exit::{Failure, Outcome};
use crate::grammar;

/// What can be typed behind `new`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The name of the new object
    name: String,

    /// Its type, such as 'x: i32, text: Text<256>'
    ///
    /// A struct with plain fields is kept in a Value; so is any other plain type. With cells and
    /// atomics as its fields it is an object with parts. docs/cli.md has the whole grammar.
    #[arg(value_name = "TYPE")]
    type_text: String,

    /// The first value of a part: `FIELD=VALUE`, as in `set`; all others are zero
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    first: Vec<String>,

    /// How long the object is kept [default: until-reboot; on Windows on-disk]
    #[arg(long, value_enum)]
    keep: Option<KeepWord>,

    /// How many elements the array has that the type ends in without a length
    #[arg(long, value_name = "N", value_parser = parse_count)]
    len: Option<u64>,

    /// With --machine: let them read it too, `everyone` or a group's name or number; repeatable
    #[arg(long, value_name = "WHO")]
    reads: Vec<String>,

    /// With --machine: let them read and write it, `everyone` or a group's name or number; repeatable
    #[arg(long, value_name = "WHO")]
    writes: Vec<String>,

    /// How many processes can use the object at once [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_users: Option<u32>,
}

/// How long, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeepWord {
    /// Until the machine starts anew, also without users
    UntilReboot,
    /// As long as it is used: this command uses it until its input ends
    WhileUsed,
    /// Until it is removed, in a file on a local disk
    OnDisk,
}

/// So that the object is there when this command has ended.
fn keep_without_users() -> KeepWord {
    match mechanism() {
        // Memory that nobody has is gone there.
        Mechanism::Windows => KeepWord::OnDisk,
        _ => KeepWord::UntilReboot,
    }
}

/// Makes the object, and stays if nobody else would keep it.
pub(crate) fn run(scope: &Scope, args: &Args) -> Outcome {
    let schema = grammar::types::object(&args.type_text, &args.name)?;
    let whole = schema.resolved(args.len.unwrap_or(0)).unwrap_or_else(|_| schema.clone());
    let mut patches: Vec<Patch> = Vec::new();
    for text in &args.first {
        patches.extend(assign(&args.name, &whole, text, args.first.len())?.patches);
    }
    let keep = match args.keep.unwrap_or_else(keep_without_users) {
        KeepWord::UntilReboot => Keep::UntilReboot,
        KeepWord::WhileUsed => Keep::WhileUsed,
        KeepWord::OnDisk => Keep::OnDisk,
    };
    let mut options = Untyped::options().scope(shared(scope, args)?).keep(keep);
    if let Some(len) = args.len {
        options = options.len(len);
    }
    if let Some(users) = args.max_users {
        options = options.max_users(users);
    }
    let made = options.create_by_schema(&args.name, &schema, |cell| fill(cell, &patches));
    let _object = made.map_err(|error| match error.kind() {
        ErrorKind::ConstructorIncomplete => {
            Failure::from(error).with_hint("Zero is no value there: give one by --set FIELD=VALUE.")
        }
        ErrorKind::AlreadyExists => Failure::from(error)
            .with_hint("`cohabit show` prints it; `cohabit rm` takes it away, if nobody uses it."),
        ErrorKind::LengthMissing => Failure::from(error).with_hint("Give it by --len N."),
        _ => error.into(),
    })?;
    if keep == Keep::WhileUsed {
        // An input that cannot be read has ended, too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    }
    Ok(())
}

/// The scope, with those who may use the object besides its owner.
fn shared(scope: &Scope, args: &Args) -> Result<Scope, Failure> {
    let who = |who: &String| match (who.as_str(), who.parse::<u32>()) {
        ("everyone", _) => Access::everyone(),
        (_, Ok(id)) => Access::group(id),
        (name, Err(_)) => Access::group(name),
    };
    let reads = args.reads.iter().map(|name| who(name).reads());
    let more = reads.chain(args.writes.iter().map(|name| who(name).writes()));
    match scope {
        Scope::Machine(access) => Ok(Scope::Machine(more.fold(access.clone(), Access::and))),
        other if args.reads.is_empty() && args.writes.is_empty() => Ok(other.clone()),
        _ => Err(Failure::Usage("--reads and --writes are for objects of --machine".to_owned())),
    }
}

fn fill(mut cell: NewCell<'_>, patches: &[Patch]) {
    let offset = cell.offset();
    for Patch { at, bytes, .. } in patches.iter().filter(|patch| patch.cell == offset) {
        cell.bytes()[*at..at + bytes.len()].copy_from_slice(bytes);
    }
}
