//! `--format`: how the commands that list something write it.

use clap::ValueEnum;
use resight_engine::Picture;

use crate::error::CliError;
use crate::output::{Output, counted};

/// How a list is written on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One value, as HTTP has it.
    Json,
    /// An object a line.
    Jsonl,
    /// RFC 4180 with a heading, in UTF-8, lines that end with a line feed.
    Csv,
    /// The bytes of paths, each with a NUL after it.
    Paths0,
}

/// The option.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// How the list is written: table for people; json, one value; jsonl, an object a line; csv with a
    /// heading; paths0, the paths with a NUL after each, for xargs -0 [default: table, or what --json writes]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
}

impl FormatArgs {
    /// The format that was asked for; `json` is what `--json` means where it is not said more precisely.
    pub(crate) fn or(self, json: Format, output: &Output) -> Format {
        let default = if output.is_json() {
            json
        } else {
            Format::Table
        };
        self.format.unwrap_or(default)
    }
}

/// Writes the first path of each picture, and says how many have none: those that were uploaded.
pub(crate) fn first_paths<'p>(
    pictures: impl Iterator<Item = &'p Picture>,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut without = 0;
    for picture in pictures {
        match picture.sources.first() {
            Some(path) => output.path0(path)?,
            None => without += 1,
        }
    }
    if without > 0 {
        let pictures = counted(without, "picture has", "pictures have");
        output.remark(format_args!("{pictures} no path"));
    }
    Ok(())
}
