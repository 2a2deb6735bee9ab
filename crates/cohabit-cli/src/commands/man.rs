//! `cohabit man`: the manual pages, made of the same texts as `--help`.

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use crate::bad_text::BadText;
use crate::cli::visible_commands;
use crate::exit::{Failure, Outcome};
use crate::nearest::nearest;
use crate::out;

/// What can be typed behind `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command whose page is printed [default: that of cohabit itself]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,

    /// Write all pages into this folder instead: cohabit.1, cohabit-ls.1 and so on
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints a page, or writes them all.
pub(crate) fn run(args: &Args) -> Outcome {
    if let Some(folder) = &args.out {
        return write_all(folder);
    }
    let mut root = built();
    let page = match &args.command {
        None => root,
        Some(name) => match root.find_subcommand_mut(name) {
            Some(page) => page.clone(),
            None => return Err(unknown(name, &root).into()),
        },
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    out::bytes(&text)?;
    Ok(())
}

fn unknown(name: &str, root: &clap::Command) -> BadText {
    let near = nearest(name, root.get_subcommands().map(clap::Command::get_name));
    let meant = match near.as_slice() {
        [] => "`cohabit --help` lists them".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    BadText::new(name, 0..name.len(), format!("there is no command `{name}`; {meant}"))
}

/// The commands with everything that clap adds while it builds them.
fn built() -> clap::Command {
    let mut root = visible_commands().disable_help_subcommand(true);
    root.build();
    root
}

fn write_all(folder: &Path) -> Outcome {
    clap_mangen::generate_to(built(), folder).map_err(|error| {
        Failure::Other(format!("the pages cannot be written to {}: {error}", folder.display()))
    })
}
