//! `resight train`.

use std::path::PathBuf;

use indicatif::ProgressBar;
use resight_engine::{EngineError, TrainEvent, TrainPlan, Vocabulary, train_vocabulary};
use resight_vision::LocalExtractor;
use serde_json::json;

use super::interrupt::Interrupt;
use super::output::{Output, counted};
use super::{CliError, progress};
use crate::atomic_file::AtomicFile;
use crate::config::Config;
use crate::parts;
use crate::plugins::{PluginArgs, Plugins};

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
    /// Visual words to learn [default: 16384, for which about 1000 pictures suffice; fewer where the
    /// pictures have too few features]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    words: Option<u32>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Pictures that a data folder's own vocabulary is learnt from, at most.
const OWN_PICTURES: usize = 1000;

pub(crate) fn run(args: &TrainArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    // Where it cannot be written is told before the work.
    let file = AtomicFile::beside(&args.out)?;
    let interrupt = Interrupt::listen()?;
    let plugins = Plugins::for_describing(&args.plugins, config.thread_count())?;
    let extractor = parts::extractor(config, &plugins)?;
    let plan = TrainPlan {
        words: args.words.map(|words| words as usize),
        ..plan(config)
    };
    let vocabulary = learn(&args.dirs, &*extractor, &plan, &interrupt, output)?;
    file.write(&vocabulary.to_bytes())?;
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

/// The vocabulary of a new data folder, where the built-in one does not fit its extractor.
pub(crate) fn learn_own(
    dirs: &[PathBuf],
    extractor: &dyn LocalExtractor,
    config: &Config,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Vocabulary, CliError> {
    if !output.is_json() {
        output.remark(format_args!(
            "Learning a vocabulary for {} first, from these pictures; once for this data folder.",
            extractor.model()
        ));
    }
    let plan = TrainPlan {
        most_files: OWN_PICTURES,
        ..plan(config)
    };
    learn(dirs, extractor, &plan, interrupt, output)
}

fn plan(config: &Config) -> TrainPlan {
    TrainPlan {
        describing: parts::engine_options(config),
        ..TrainPlan::default()
    }
}

/// Learns, and tells how it goes on.
fn learn(
    dirs: &[PathBuf],
    extractor: &dyn LocalExtractor,
    plan: &TrainPlan,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Vocabulary, CliError> {
    let mut bar = progress::spinner(output.shows_progress(), "Looking for pictures");
    let mut told = Ok(());
    let trained = train_vocabulary(dirs, extractor, plan, interrupt.flag(), &mut |event| {
        if output.is_json() {
            if told.is_ok() {
                told = output.json(&event_shape(&event));
            }
        } else {
            show(&event, &mut bar, output.shows_progress());
        }
    });
    bar.finish_and_clear();
    told?;
    match trained {
        Err(EngineError::Cancelled) => {
            if !output.is_json() {
                output.remark(
                    "Interrupted. Nothing was written; training begins anew the next time.",
                );
            }
            Err(CliError::Interrupted)
        }
        trained => Ok(trained?),
    }
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
