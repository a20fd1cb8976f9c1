//! `resight export`.

use std::path::PathBuf;

use resight_app::atomic_file::AtomicFile;
use resight_app::config::Config;
use resight_app::export::{self, ExportError, ExportFormat, ExportOptions, Exported};
use resight_app::{Code, data_folder};
use serde_json::json;

use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight export --out labels.jsonl
  resight export --collection museum | jq -c 'select(.record == \"picture\") | {id, tags}'
  resight export --format csv --out labels.csv

Labels, paths, groups of duplicates and what was said to be no match. It works beside a server. The last line counts
what stands before it. With --json, what is counted is written to standard output, so --out is needed.";

/// Write labels, paths, duplicates and decisions of a collection for other programs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// jsonl, an object of JSON a line; or csv
    #[arg(long, value_name = "FORMAT", default_value = "jsonl", value_parser = format_named)]
    format: ExportFormat,
    /// The file to write, in place of another of the same name once it is whole; without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn format_named(text: &str) -> Result<ExportFormat, String> {
    let all = ExportFormat::ALL.map(ExportFormat::as_str).join(", ");
    ExportFormat::parse(text).ok_or(format!("there are {all}"))
}

pub(crate) fn run(args: &ExportArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() && args.out.is_none() {
        return Err(CliError::Usage {
            code: Code::Usage,
            detail: "with --json an export needs a file to go to".into(),
            next_step: "Give --out FILE, or leave --json out.".into(),
        });
    }
    let interrupt = Interrupt::listen()?;
    let library = data_folder::open_for_listing(config, false)?;
    let options = ExportOptions {
        format: args.format,
        paths: true,
    };
    let shows_progress = output.shows_progress() && args.out.is_some();
    let bar = progress::bar(shows_progress, 0, "Exporting");
    let mut on_step = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let exported = match &args.out {
        None => export::export(
            &library,
            &config.collection,
            options,
            interrupt.flag(),
            output.raw(),
            &mut on_step,
        )
        .map_err(|error| match error {
            ExportError::App(error) => failed(error),
            ExportError::Output(error) => error.into(),
        })?,
        Some(target) => {
            let mut file = AtomicFile::beside(target)?;
            let written = export::export(
                &library,
                &config.collection,
                options,
                interrupt.flag(),
                file.file(),
                &mut on_step,
            );
            let written = written.map_err(|error| match error {
                ExportError::App(error) => failed(error),
                ExportError::Output(error) => CliError::unwritable(target, error),
            })?;
            file.finish()?;
            written
        }
    };
    bar.finish_and_clear();
    tell(exported, args.out.is_some(), output)
}

fn failed(error: resight_app::AppError) -> CliError {
    match error.code() {
        Code::Cancelled => CliError::Interrupted,
        _ => error.into(),
    }
}

fn tell(exported: Exported, to_file: bool, output: &mut Output) -> Result<(), CliError> {
    let Exported {
        pictures,
        groups,
        decisions,
    } = exported;
    if output.is_json() {
        return output.json(&json!({
            "pictures": pictures, "groups": groups, "decisions": decisions,
        }));
    }
    let line = format!(
        "Exported {}, {} and {}.",
        counted(pictures, "picture", "pictures"),
        counted(groups, "group", "groups"),
        counted(decisions, "decision", "decisions"),
    );
    match to_file {
        true => output.line(line),
        false => {
            output.remark(line);
            Ok(())
        }
    }
}
