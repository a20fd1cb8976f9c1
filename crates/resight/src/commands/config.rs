//! `resight config`: what is configured, and whether a file can be.

use std::path::PathBuf;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use crate::configuration::{Effective, Origin, entries, file_for, reference, settings};
use crate::error::CliError;
use crate::output::{Output, counted};
use resight_app::Code;

const EXAMPLES: &str = "\
Examples:
  resight config check                     the file that the program reads
  resight config check /etc/resight/resight.toml
  resight config show                      every option, its value, and where it comes from";

/// Check and show the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Look for mistakes in a file
    Check {
        /// The file [default: the one that the program reads]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List every option, its value, and where it comes from
    Show,
    /// Write docs/configuration.md
    #[command(hide = true)]
    Reference,
}

/// `program` is the definition of the command line, and `typed` what was typed of it.
pub(crate) fn run(
    command: &ConfigCommand,
    program: &Command,
    typed: &ArgMatches,
    output: &mut Output,
) -> Result<(), CliError> {
    match &command.act {
        Act::Check { file } => check(file.clone(), program, typed, output),
        Act::Show => show(&Effective::gather(program, typed)?, output),
        Act::Reference => output.text(&reference::page(program)),
    }
}

fn check(
    file: Option<PathBuf>,
    program: &Command,
    typed: &ArgMatches,
    output: &mut Output,
) -> Result<(), CliError> {
    let found = match file {
        Some(file) => Some((file, true)),
        None => file_for(typed),
    };
    let Some((file, is_named)) = found else {
        return Err(CliError::Usage {
            code: Code::BadConfig,
            detail: "there is no file, and no data folder that could have one".to_owned(),
            next_step: "Name a file, as in `resight config check resight.toml`.".into(),
        });
    };
    let set = entries(&file, is_named, &settings::all(program))?.map(|all| all.len());
    if output.is_json() {
        return output.json(&json!({"file": file, "exists": set.is_some(), "options": set}));
    }
    match set {
        Some(set) => output.line(format_args!(
            "{}: {}, no mistake",
            file.display(),
            counted(set as u64, "option", "options")
        )),
        None => output.line(format_args!(
            "{} is not there: options are typed or come from the environment",
            file.display()
        )),
    }
}

fn show(effective: &Effective, output: &mut Output) -> Result<(), CliError> {
    let mut rows = Vec::new();
    let mut options = Vec::new();
    for given in &effective.all {
        let default = given.setting.arg.get_default_values();
        let values: Vec<String> = match given.origin {
            Origin::Default => default
                .iter()
                .map(|value| value.to_string_lossy().into_owned())
                .collect(),
            _ => given
                .values
                .iter()
                .map(|value| value.to_string_lossy().into_owned())
                .collect(),
        };
        let (from, line) = match given.origin {
            Origin::Default => ("default", None),
            Origin::File(line) => ("file", Some(line)),
            Origin::Variable => ("variable", None),
            Origin::Flag => ("flag", None),
        };
        let place = match given.origin {
            Origin::File(line) => format!("file, line {line}"),
            Origin::Variable => given.setting.variable.clone(),
            Origin::Flag => given.setting.flag(),
            Origin::Default => "default".to_owned(),
        };
        rows.push(vec![given.setting.name(), values.join(", "), place]);
        options.push(json!({
            "option": given.setting.name(),
            "values": values,
            "from": from,
            "line": line,
        }));
    }
    let file = effective.file.as_ref();
    if output.is_json() {
        let file = file.map_or(Value::Null, |file| json!(file));
        return output.json(&json!({"file": file, "options": options}));
    }
    match file {
        Some(file) => output.line(format_args!("The file is {}.", file.display()))?,
        None => output.line("There is no file.")?,
    }
    output.table(&["option", "value", "from"], &[], &rows)
}
