//! `resight train`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use indicatif::ProgressBar;
use resight_app::atomic_file::AtomicFile;
use resight_app::config::Config;
use resight_app::data_folder::{self, Opening, WritableFolder};
use resight_app::plugins::Plugins;
use resight_engine::{
    EngineError, TrainEvent, TrainPlan, Vocabulary, train_from_library, train_vocabulary,
};
use resight_vision::LocalExtractor;
use serde_json::json;

use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight train                                     from the stored pictures, for the data folder
  resight train ~/Pictures                          from these, for the data folder
  resight train ~/Pictures --out my.vocabulary
  resight index ~/Pictures --vocabulary my.vocabulary --data ~/resight-own

The built-in vocabulary suits most pictures. One of your own helps where they are all of one
unusual kind: plans, microscopy, prints.

Without --out the stored pictures are converted to it; they are searched by the old vocabulary until all
are done. If it is interrupted, the next `resight index` or `resight serve` goes on with it beside
its work.";

/// Make a visual vocabulary from your own pictures
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// Folders of pictures to learn from, with their subfolders [default: the pictures stored in the
    /// data folder]
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Write a file, replaced if it is there, and leave the data folder as it is
    #[arg(long, value_name = "FILE", requires = "dirs")]
    out: Option<PathBuf>,
    /// Visual words to learn [default: 65536, for which about 1000 pictures suffice; fewer where the
    /// pictures have too few features]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    words: Option<u32>,
    #[command(flatten)]
    plugins: PluginArgs,
}

impl TrainArgs {
    fn plan(&self, config: &Config) -> TrainPlan {
        TrainPlan {
            words: self.words.map(|words| words as usize),
            ..plan(config)
        }
    }
}

/// Pictures that a data folder's own vocabulary is learnt from, at most.
const OWN_PICTURES: usize = 1000;

pub(crate) fn run(args: &TrainArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let Some(out) = &args.out else {
        return run_here(args, config, &interrupt, output);
    };
    // Where it cannot be written is told before the work.
    let file = AtomicFile::beside(out)?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    let extractor = data_folder::extractor(config, &plugins)?;
    let plan = args.plan(config);
    let vocabulary = learn(&args.dirs, &*extractor, &plan, &interrupt, output)?;
    file.write(&vocabulary.to_bytes())?;
    if output.is_json() {
        output.json(&json!({
            "event": "done",
            "out": out.to_string_lossy(),
            "id": vocabulary.id(),
            "words": vocabulary.len(),
        }))
    } else {
        let words = counted(vocabulary.len() as u64, "word", "words");
        output.line(format_args!("{words} written to {}", out.display()))
    }
}

/// For the data folder: learns, and converts what it holds.
fn run_here(
    args: &TrainArgs,
    config: &Config,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<(), CliError> {
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    let folder = if args.dirs.is_empty() {
        data_folder::open_for_removing(config)?
    } else {
        data_folder::open_for_writing(config, &plugins)?
    };
    let plan = args.plan(config);
    let vocabulary = match args.dirs.is_empty() {
        true => told(interrupt, output, |cancel, on_event| {
            train_from_library(&folder.library, &plan, cancel, on_event)
        })?,
        false => {
            let extractor = folder.library.extractor();
            learn(&args.dirs, &**extractor, &plan, interrupt, output)?
        }
    };
    let vocabulary = Arc::new(vocabulary);
    let bar = progress::bar(
        output.shows_progress(),
        folder.library.count()?,
        "Converting",
    );
    let (mut told, mut done) = (Ok(()), 0);
    let converted = folder.convert(config, &vocabulary, interrupt.flag(), &mut |step| {
        bar.set_length(step.total);
        bar.set_position(step.done);
        done = step.done;
        if output.is_json() && told.is_ok() {
            told = output
                .json(&json!({"event": "converted", "pictures": step.done, "total": step.total}));
        }
    });
    bar.finish_and_clear();
    told?;
    if interrupt.requested() && converted.is_err() {
        if !output.is_json() {
            output.remark(
                "Interrupted. What is converted is kept; the next `resight index` or `resight serve` goes on beside its work.",
            );
        }
        return Err(CliError::Interrupted);
    }
    converted?;
    if output.is_json() {
        output.json(&json!({
            "event": "done",
            "id": vocabulary.id(),
            "words": vocabulary.len(),
            "converted": done,
        }))
    } else {
        let words = counted(vocabulary.len() as u64, "word", "words");
        let pictures = counted(done, "picture", "pictures");
        output.line(format_args!("{words} learnt, {pictures} converted to them"))
    }
}

/// Opens the data folder for changes. A new one whose extractor fits no vocabulary learns one from the
/// pictures in `dirs`.
pub(crate) fn open_for_writing(
    dirs: &[PathBuf],
    config: &Config,
    plugins: &Plugins,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<WritableFolder, CliError> {
    let mut opening = Opening::for_writing(config, plugins, !dirs.is_empty())?;
    if let Some(extractor) = opening.lacks_vocabulary() {
        let vocabulary = learn_own(dirs, extractor, config, interrupt, output)?;
        opening.set_vocabulary(vocabulary)?;
    }
    Ok(opening.finish()?)
}

/// The vocabulary of a new data folder, where the built-in one does not fit its extractor.
fn learn_own(
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
        describing: config.engine_options(),
        ..TrainPlan::default()
    }
}

/// Learns from folders, and tells how it goes on.
fn learn(
    dirs: &[PathBuf],
    extractor: &dyn LocalExtractor,
    plan: &TrainPlan,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Vocabulary, CliError> {
    told(interrupt, output, |cancel, on_event| {
        train_vocabulary(dirs, extractor, plan, cancel, on_event)
    })
}

/// Tells how training goes on.
fn told(
    interrupt: &Interrupt,
    output: &mut Output,
    train: impl FnOnce(&AtomicBool, &mut dyn FnMut(TrainEvent)) -> Result<Vocabulary, EngineError>,
) -> Result<Vocabulary, CliError> {
    let mut bar = progress::spinner(output.shows_progress(), "Looking for pictures");
    let mut told = Ok(());
    let trained = train(interrupt.flag(), &mut |event| {
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
                    "Interrupted. Nothing was written; the next training begins from the start.",
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
