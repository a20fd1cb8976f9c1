//! `resight index`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;
use resight_app::Code;
use resight_app::config::Config;
use resight_app::folders::Rules;
use resight_app::plugins::Plugins;
use resight_engine::{EngineError, FolderOptions, GlobalModels, Indexer, Library, ModelState};
use serde_json::json;

use super::folder_report::{Teller, tell_report};
use super::index_by_server::{self, Wanted};
use super::train::open_for_writing;
use crate::arguments::{PatternArgs, PluginArgs};
use crate::error::CliError;
use crate::filters::with_tags;
use crate::interrupt::Interrupt;
use crate::naming::text_of;
use crate::output::{Output, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight index ~/Pictures
  resight index ~/Pictures /mnt/archive --prune
  resight index ~/Pictures/Rome --tag rome --tag 2024
  resight index ~/Pictures --exclude raw/ --exclude '*.tif' --include '@eaDir/'
  resight index ~/Pictures --model sscd
  resight index ~/Pictures --json | my-program
  resight index ~/Pictures --plugin my_algorithm.py --data ~/resight-mine

With --json, one object a line: {\"event\":\"listed\",…}, then \"indexed\", \"refused\" or \"pruned\" for
each file once that is safely stored, \"moved\" for each path that a file has left, and at the end of each
folder \"done\"; \"embedded\" as models in use describe pictures, also before \"done\".";

/// Describe the pictures of folders so that they can be found; only what is new or has changed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IndexArgs {
    /// Folders of pictures, with their subfolders
    #[arg(required_unless_present_any = ["forget_model"], value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Forget pictures whose files are gone, and those without labels whose files are left out now
    #[arg(long)]
    prune: bool,
    /// Read files again that could not be read before, even if they have not changed. Those that a plug-in
    /// failed on are read again without it
    #[arg(long, alias = "retry-refused")]
    retry: bool,
    /// Read all files and compare their bytes with what is stored, whatever their times are, and describe pictures
    /// again of which pages or frames are not stored; without it, only files whose length, times or number have changed
    #[arg(long)]
    reread: bool,
    /// A tag for every picture of these folders, also for those that are unchanged; may be given
    /// several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Forget a model of this name and all vectors that it has made; may be given several times
    #[arg(long, value_name = "NAME")]
    forget_model: Vec<String>,
    #[command(flatten)]
    patterns: PatternArgs,
    #[command(flatten)]
    plugins: PluginArgs,
}

impl IndexArgs {
    /// Whether a server can do it: it describes pictures by what it was started with.
    fn is_for_a_server(&self, config: &Config) -> bool {
        !self.dirs.is_empty()
            && self.forget_model.is_empty()
            && config.with_models.is_empty()
            && !self.plugins.names_any()
    }
}

pub(crate) fn run(args: &IndexArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    check_folders(&args.dirs, config)?;
    let labels = with_tags(&args.tag)?;
    let interrupt = Interrupt::listen()?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    let folder = match open_for_writing(&args.dirs, config, &plugins, &interrupt, output) {
        Err(error) if args.is_for_a_server(config) && index_by_server::is_there(&error, config) => {
            let wanted = Wanted {
                rules: Rules {
                    tags: args.tag.clone(),
                    ..args.patterns.rules(args.prune).unwrap_or_default()
                },
                retry: args.retry,
                reread: args.reread,
            };
            return index_by_server::index(&args.dirs, &wanted, config, &interrupt, output);
        }
        folder => folder?,
    };
    let options = FolderOptions {
        prune: args.prune,
        retry_refused: args.retry,
        reread: args.reread,
        patterns: args.patterns.patterns()?,
        skip: Some(config.root.clone()),
        labels,
        embed: true,
        parts: None,
    };
    for name in &args.forget_model {
        if !folder.forget_model(name)? && !output.is_json() {
            output.remark(format_args!("The model {name} was not in use."));
        }
    }
    let _converting = folder.convert_in_background(config);
    let recovery = folder.recover_uploads(interrupt.flag())?;
    if recovery.found > 0 && output.is_json() {
        output.json(&json!({
            "event": "recovered",
            "found": recovery.found,
            "recovered": recovery.recovered,
            "unusable": recovery.unusable,
        }))?;
    }
    index_folders(&folder.library, &args.dirs, &options, &interrupt, output)?;
    embed_missing(&folder.library, &interrupt, output)
}

/// Describes the pictures that lack a vector by the models in use, and tells of it.
pub(crate) fn embed_missing(
    engine: &Arc<Library>,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut bar: Option<(String, ProgressBar)> = None;
    let mut told = Ok(());
    let result = GlobalModels::new(engine.clone()).embed_missing(interrupt.flag(), &mut |step| {
        if step.total == 0 || told.is_err() {
            return;
        }
        if output.is_json() {
            told = output.json(&json!({
                "event": "embedded", "model": step.name, "done": step.done, "total": step.total,
            }));
            if told.is_err() {
                // Nobody listens any more, so there is nobody to work for.
                interrupt.flag().store(true, Ordering::SeqCst);
            }
            return;
        }
        if bar.as_ref().is_none_or(|(name, _)| *name != step.name) {
            if let Some((_, bar)) = bar.take() {
                bar.finish_and_clear();
            }
            let new = progress::bar(output.shows_progress(), step.total, "Describing by a model");
            bar = Some((step.name.clone(), new));
        }
        if let Some((_, bar)) = &bar {
            bar.set_position(step.done);
        }
    });
    if let Some((_, bar)) = bar.take() {
        bar.finish_and_clear();
    }
    told?;
    match result {
        Err(EngineError::Cancelled) => {
            if !output.is_json() {
                output.remark("Interrupted. Run the same command again to go on with the rest.");
            }
            return Err(CliError::Interrupted);
        }
        result => result?,
    }
    for state in GlobalModels::new(engine.clone()).states()? {
        if !output.is_json() {
            output.line(model_summary(&state))?;
        }
    }
    Ok(())
}

/// One sentence about a model in use.
fn model_summary(state: &ModelState) -> String {
    let mut parts = vec![format!("{} described", state.vectors)];
    if state.without > 0 {
        parts.push(format!("{} cannot be", state.without));
    }
    if state.pending > 0 {
        parts.push(format!("{} wait", state.pending));
    }
    let alike = match state.alike {
        Some(cosine) => format!("alike from a cosine of {cosine:.3} on"),
        None => "too few pictures to tell which are alike".to_owned(),
    };
    format!("{}: {}; {alike}.", printable(&state.name), parts.join(", "))
}

/// Refuses what is no folder, or holds the data folder, before anything is written.
pub(crate) fn check_folders(dirs: &[PathBuf], config: &Config) -> Result<(), CliError> {
    for dir in dirs {
        // The engine tells this too, but only when it comes to that folder.
        if !dir.is_dir() {
            return Err(not_a_folder(dir));
        }
    }
    Ok(config.check_apart(dirs)?)
}

fn not_a_folder(dir: &Path) -> CliError {
    let name = printable(&text_of(dir));
    let is_missing = matches!(dir.try_exists(), Ok(false));
    let (detail, next_step) = if is_missing {
        (
            format!("there is no folder {name}"),
            format!(
                "Check the name. If the folder is no more, `resight forget {name}` forgets its paths and keeps pictures and tags; a folder that was moved is indexed at its new place."
            ),
        )
    } else {
        (
            format!("{name} is not a folder that can be read"),
            "Check the name, and that this user may read the folder.".to_owned(),
        )
    };
    CliError::Failure {
        code: Code::NotAFolder,
        detail,
        next_step: next_step.into(),
    }
}

/// Indexes one folder after the other and tells of it; `Interrupted` when the user stopped it.
pub(crate) fn index_folders(
    engine: &Arc<Library>,
    dirs: &[PathBuf],
    options: &FolderOptions,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<(), CliError> {
    for dir in dirs {
        let mut teller = Teller::new(output);
        let report = Indexer::new(engine.clone()).index_folder(
            dir,
            options,
            interrupt.flag(),
            &mut |event| {
                if teller.told.is_ok() {
                    teller.told = teller.tell(event);
                    if teller.told.is_err() {
                        // Nobody listens any more, so there is nobody to work for.
                        interrupt.flag().store(true, Ordering::SeqCst);
                    }
                }
            },
        );
        teller.bar.finish_and_clear();
        let (told, refused) = (teller.told, teller.refused);
        told?;
        let report = report?;
        tell_report(&report, dir, &refused, output)?;
        if report.cancelled || interrupt.requested() {
            if !output.is_json() {
                output.remark(
                    "Interrupted. Everything indexed so far is kept; run the same command again to go on with the rest.",
                );
            }
            return Err(CliError::Interrupted);
        }
    }
    Ok(())
}
