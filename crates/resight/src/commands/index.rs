//! `resight index`, and the indexing that `resight serve` begins with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;
use resight_app::Code;
use resight_app::config::Config;
use resight_app::plugins::Plugins;
use resight_engine::{
    EngineError, FolderEvent, FolderOptions, FolderReport, GlobalModels, Indexer, Library,
    ModelState,
};
use serde_json::json;

use super::train::open_for_writing;
use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::filters::with_tags;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

/// Refused files named after indexing; `resight refused` names them all.
const REFUSED_SHOWN: usize = 20;

const EXAMPLES: &str = "\
Examples:
  resight index ~/Pictures
  resight index ~/Pictures /mnt/archive --prune
  resight index ~/Pictures/Rome --tag rome --tag 2024
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
    /// Forget pictures whose files are gone
    #[arg(long)]
    prune: bool,
    /// Try files again that could not be read before, even if they have not changed
    #[arg(long)]
    retry_refused: bool,
    /// A tag for every picture of these folders, also for those that are unchanged; may be given
    /// several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Forget a model of this name and all vectors that it has made; may be given several times
    #[arg(long, value_name = "NAME")]
    forget_model: Vec<String>,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(crate) fn run(args: &IndexArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    check_folders(&args.dirs, config)?;
    let labels = with_tags(&args.tag)?;
    let interrupt = Interrupt::listen()?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    let folder = open_for_writing(&args.dirs, config, &plugins, &interrupt, output)?;
    let options = FolderOptions {
        prune: args.prune,
        retry_refused: args.retry_refused,
        skip: Some(config.root.clone()),
        labels,
        embed: true,
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
    let name = printable(&dir.to_string_lossy());
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
        let Teller { told, refused, .. } = teller;
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

/// Tells events as they come.
struct Teller<'a> {
    output: &'a mut Output,
    bar: ProgressBar,
    /// The first refused files, as they are to be shown.
    refused: Vec<String>,
    told: Result<(), CliError>,
}

impl<'a> Teller<'a> {
    fn new(output: &'a mut Output) -> Self {
        let bar = progress::spinner(output.shows_progress(), "Looking for pictures");
        Self {
            output,
            bar,
            refused: Vec::new(),
            told: Ok(()),
        }
    }

    fn tell(&mut self, event: FolderEvent) -> Result<(), CliError> {
        match &event {
            FolderEvent::Listed { to_do, .. } => {
                self.bar.finish_and_clear();
                self.bar = progress::bar(self.output.shows_progress(), *to_do, "Indexing");
            }
            FolderEvent::Indexed { .. } => self.bar.inc(1),
            FolderEvent::Refused { path, detail, .. } => {
                self.bar.inc(1);
                if self.refused.len() < REFUSED_SHOWN {
                    self.refused.push(format!(
                        "  {}: {}",
                        printable(&path.to_string_lossy()),
                        printable(detail)
                    ));
                }
            }
            FolderEvent::Embedded { .. }
            | FolderEvent::Moved { .. }
            | FolderEvent::Pruned { .. } => {}
        }
        if self.output.is_json() {
            self.output.json(&event_shape(&event))?;
        }
        Ok(())
    }
}

fn event_shape(event: &FolderEvent) -> serde_json::Value {
    match event {
        FolderEvent::Listed {
            files,
            unchanged,
            to_do,
        } => {
            json!({"event": "listed", "files": files, "unchanged": unchanged, "to_do": to_do})
        }
        FolderEvent::Indexed {
            path,
            id,
            features,
            already_there,
        } => json!({
            "event": "indexed",
            "path": path.to_string_lossy(),
            "id": id.as_str(),
            "features": features,
            "already_there": already_there,
        }),
        FolderEvent::Moved { from, path } => {
            json!({"event": "moved", "from": from, "path": path.to_string_lossy()})
        }
        FolderEvent::Embedded { model, done, total } => {
            json!({"event": "embedded", "model": model, "done": done, "total": total})
        }
        FolderEvent::Refused { path, code, detail } => json!({
            "event": "refused",
            "path": path.to_string_lossy(),
            "code": code.as_str(),
            "reason": detail,
        }),
        FolderEvent::Pruned { path } => json!({"event": "pruned", "path": path}),
    }
}

fn tell_report(
    report: &FolderReport,
    dir: &Path,
    refused: &[String],
    output: &mut Output,
) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(&json!({
            "event": "done",
            "folder": dir.to_string_lossy(),
            "files": report.files,
            "indexed": report.indexed,
            "weak": report.weak,
            "already_there": report.already_there,
            "moved": report.moved,
            "unchanged": report.unchanged,
            "refused": report.refused,
            "unchanged_refused": report.unchanged_refused,
            "missing": report.missing,
            "pruned": report.pruned,
            "cancelled": report.cancelled,
            "elapsed_ms": report.elapsed.as_secs_f64() * 1e3,
        }));
    }
    output.line(summary(report, dir))?;
    if report.moved > 0 {
        let files = counted(report.moved, "file was", "files were");
        output.line(format_args!(
            "{files} found at a new place; the former paths are forgotten."
        ))?;
    }
    for line in refused {
        output.line(line)?;
    }
    let more = report.refused.saturating_sub(refused.len() as u64);
    if more > 0 {
        output.line(format_args!("  and {more} more: resight refused"))?;
    }
    Ok(())
}

/// One sentence with the counts that are not 0.
fn summary(report: &FolderReport, dir: &Path) -> String {
    let seconds = report.elapsed.as_secs_f64();
    let mut parts = vec![format!("{} indexed", report.indexed)];
    let counts = [
        (report.moved, "moved"),
        (
            report.weak,
            "of these with few features (resight list --weak)",
        ),
        (
            report.already_there.saturating_sub(report.moved),
            "already there under another name",
        ),
        (report.unchanged, "unchanged"),
        (report.refused, "could not be read"),
        (
            report.unchanged_refused,
            "could not be read before and have not changed",
        ),
        (report.pruned, "forgotten because the file is gone"),
    ];
    for (count, what) in counts {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if report.missing > report.pruned {
        parts.push(format!(
            "{} gone from the folder but still stored (--prune forgets them)",
            report.missing - report.pruned
        ));
    }
    format!(
        "{}: {} in {seconds:.1} s: {}.",
        printable(&dir.to_string_lossy()),
        counted(report.files, "file", "files"),
        parts.join(", ")
    )
}
