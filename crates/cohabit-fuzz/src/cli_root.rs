//! The modules of the command line, from where they are.

#[path = "../../cohabit-cli/src/assignment.rs"]
pub(crate) mod assignment;
#[path = "../../cohabit-cli/src/bad_text.rs"]
pub(crate) mod bad_text;
#[path = "../../cohabit-cli/src/cli.rs"]
pub(crate) mod cli;
#[path = "../../cohabit-cli/src/commands/mod.rs"]
pub(crate) mod commands;
#[path = "../../cohabit-cli/src/dynamic/mod.rs"]
pub(crate) mod dynamic;
#[path = "../../cohabit-cli/src/exit.rs"]
pub(crate) mod exit;
#[path = "../../cohabit-cli/src/export/mod.rs"]
pub(crate) mod export;
#[path = "../../cohabit-cli/src/grammar/mod.rs"]
pub(crate) mod grammar;
#[path = "../../cohabit-cli/src/nearest.rs"]
pub(crate) mod nearest;
#[path = "../../cohabit-cli/src/out.rs"]
pub(crate) mod out;
#[path = "../../cohabit-cli/src/path.rs"]
pub(crate) mod path;
#[path = "../../cohabit-cli/src/table.rs"]
pub(crate) mod table;
