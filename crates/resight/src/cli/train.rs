//! `resight train`.

use std::io::Write;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use resight_engine::{EngineError, EngineOptions, TrainEvent, TrainOptions, train_vocabulary};
use serde_json::json;
use tempfile::NamedTempFile;

use super::interrupt::Interrupt;
use super::output::{Output, counted};
use super::{CliError, progress};
use crate::config::Config;
use crate::parts;

const EXAMPLES: &str = "\
Examples:
  resight train ~/Pictures --out my.vocabulary
  resight train ~/Pictures --out my.vocabulary --words 4096
  resight index ~/Pictures --vocabulary my.vocabulary --data ~/resight-own

The built-in vocabulary suits most pictures. One of your own helps where they are all of one
unusual kind: plans, microscopy, prints. A data folder keeps to the vocabulary it began with.";

/// Make a visual vocabulary from your own pictures
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// Folders of pictures to learn from, with their subfolders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// The vocabulary's file; replaced if it is there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Visual words to learn [default: 16384]; about 1000 pictures suffice for that
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    words: Option<u32>,
}

pub(crate) fn run(args: &TrainArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    // At once, and not after hours of training.
    let unfinished = beside(&args.out)?;
    let interrupt = Interrupt::listen()?;
    let extractor = parts::extractor(config);
    let mut options = TrainOptions::default();
    if let Some(words) = args.words {
        options.words = words as usize;
    }
    let max_side = config.max_side.unwrap_or(EngineOptions::default().max_side);
    let mut bar = progress::spinner(output.shows_progress(), "Looking for pictures");
    let mut told = Ok(());
    let trained = train_vocabulary(
        &args.dirs,
        &*extractor,
        max_side,
        &options,
        interrupt.flag(),
        &mut |event| {
            if output.is_json() {
                if told.is_ok() {
                    told = output.json(&event_shape(&event));
                }
            } else {
                show(&event, &mut bar, output.shows_progress());
            }
        },
    );
    bar.finish_and_clear();
    told?;
    let vocabulary = match trained {
        Err(EngineError::Cancelled) => {
            if !output.is_json() {
                output.remark(
                    "Interrupted. Nothing was written; training begins anew the next time.",
                );
            }
            return Err(CliError::Interrupted);
        }
        trained => trained?,
    };
    write(unfinished, &vocabulary.to_bytes(), &args.out)?;
    if output.is_json() {
        output.json(&json!({
            "event": "done",
            "out": args.out.to_string_lossy(),
            "id": vocabulary.id(),
            "words": vocabulary.len(),
        }))
    } else {
        let words = counted(vocabulary.len() as u64, "word", "words");
        output.line(format_args!("{words} written to {}", args.out.display()))
    }
}

/// An empty file in the folder of `out`, to take its place in one step when it is complete.
fn beside(out: &Path) -> Result<NamedTempFile, CliError> {
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    NamedTempFile::new_in(folder).map_err(|error| CliError::unwritable(out, &error))
}

fn write(mut unfinished: NamedTempFile, bytes: &[u8], out: &Path) -> Result<(), CliError> {
    let unwritable = |error: std::io::Error| CliError::unwritable(out, &error);
    unfinished.write_all(bytes).map_err(unwritable)?;
    unfinished.as_file().sync_all().map_err(unwritable)?;
    unfinished
        .persist(out)
        .map_err(|error| unwritable(error.error))?;
    Ok(())
}

fn show(event: &TrainEvent, bar: &mut ProgressBar, shown: bool) {
    match event {
        TrainEvent::Listed { files } => {
            bar.finish_and_clear();
            *bar = progress::bar(shown, *files, "Describing");
        }
        TrainEvent::Described { files, .. } => bar.set_position(*files),
        TrainEvent::Round(step) => {
            if bar.length() != Some(step.rounds as u64) || bar.message() != "Learning" {
                bar.finish_and_clear();
                *bar = progress::bar(shown, step.rounds as u64, "Learning");
            }
            bar.set_position(step.round as u64);
        }
    }
}

fn event_shape(event: &TrainEvent) -> serde_json::Value {
    match event {
        TrainEvent::Listed { files } => json!({"event": "listed", "files": files}),
        TrainEvent::Described {
            files,
            unusable,
            features,
        } => {
            json!({"event": "described", "files": files, "unusable": unusable, "features": features})
        }
        TrainEvent::Round(step) => json!({
            "event": "round",
            "round": step.round,
            "rounds": step.rounds,
            "mean_squared_distance": step.mean_squared_distance,
        }),
    }
}
