//! `resight config`: what is configured, and whether a file can be.

use std::path::PathBuf;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use crate::arguments::SharedArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::serve::checking;
use crate::configuration::problem::{self, Problem};
use crate::configuration::{Effective, Origin, file_for, reference};
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
    /// Look for all that `serve` would refuse: mistakes in the file, files, names and addresses that do not fit, and a data
    /// folder that cannot be used
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

/// `program` is the definition of the command line, and `typed` what was typed of it. `serving` reads the options
/// of `serve` with their defaults.
pub(crate) fn run(
    command: &ConfigCommand,
    program: &Command,
    typed: &ArgMatches,
    serving: &Serving<'_>,
    output: &mut Output,
) -> Result<(), CliError> {
    match &command.act {
        Act::Check { file } => check(file.clone(), (program, typed, serving), output),
        Act::Show => show(&Effective::gather(program, typed)?, output),
        Act::Reference => output.text(&reference::page(program)),
    }
}

/// Reads the options of `serve` from a definition of the command line whose defaults they are.
pub(crate) type Serving<'a> = dyn Fn(Command) -> Result<(ServeArgs, SharedArgs), CliError> + 'a;

fn check(
    file: Option<PathBuf>,
    (program, typed, serving): (&Command, &ArgMatches, &Serving<'_>),
    output: &mut Output,
) -> Result<(), CliError> {
    let file = match file {
        Some(file) => Some((file, true)),
        None => file_for(typed),
    };
    let name = file.as_ref().map(|(path, _)| path.clone());
    let (effective, mut problems) = Effective::gather_usable(program, typed, file);
    match serving(effective.all_as_defaults(program.clone())) {
        Ok((args, shared)) => {
            let mut found = checking::check(&args, shared.settings()).err();
            let stored = checking::check_stored(&args, shared.settings());
            found.get_or_insert_default().extend(stored);
            let found = found.into_iter().flatten();
            problems.extend(found.map(|one| one.within(&effective)));
        }
        Err(error) => {
            let nowhere = (problem::Place::Default, None);
            problems.push(Problem::of_error(nowhere, &error));
        }
    }
    let set = effective.file.as_ref().map(|_| effective.of_file);
    if output.is_json() {
        let problems: Vec<Value> = problems.iter().map(Problem::to_json).collect();
        output.json(
            &json!({"file": name, "exists": set.is_some(), "options": set, "problems": problems}),
        )?;
    }
    if let Some(first) = problems.first() {
        return Err(CliError::Failure {
            code: first.code,
            detail: problem::lines(&problems),
            next_step: match &problems[..] {
                [only] => only.next_step.clone().into(),
                _ => Code::BadConfig.next_step().into(),
            },
        });
    }
    if output.is_json() {
        return Ok(());
    }
    match (set, name) {
        (Some(set), Some(file)) => output.line(format_args!(
            "{}: {}, nothing that serve would refuse",
            file.display(),
            counted(set as u64, "option", "options")
        )),
        (_, Some(file)) => output.line(format_args!(
            "{} is not there; options from elsewhere have nothing that serve would refuse",
            file.display()
        )),
        (_, None) => output.line("There is no file, and nothing that serve would refuse"),
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
