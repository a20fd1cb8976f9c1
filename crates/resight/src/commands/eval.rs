//! `resight eval`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use resight_app::Code;
use resight_app::config::Config;
use resight_app::eval::{EvalError, EvalEvent, Outcome, evaluate};
use resight_app::plugins::Plugins;
use resight_engine::{FolderEvent, FolderOptions, Indexer, Library, Mode, SearchOptions};
use resight_store::CollectionName;
use tempfile::TempDir;

use super::index::{check_folders, embed_missing};
use super::search::VariantArgs;
use super::train::open_for_writing;
use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight eval holidays/
  resight eval holidays/ landmarks/ --distractors ~/Pictures --data /tmp/eval --json
  resight eval holidays/ --show-misses --show-false

Each folder holds groundtruth.json and images/:
  {\"name\": \"holidays\", \"query_in_database\": false, \"database\": [\"a.jpg\", …],
   \"queries\": [{\"query\": \"q.jpg\", \"relevant\": [\"a.jpg\"], \"ignore\": []}, …]}

\"Verified wrong\" counts verified hits that the ground truth does not call relevant, also where
both pictures do show the same thing: look at them with --show-false.

Without --data everything happens in a temporary folder. With --data DIR the distractors stay
there, so that a second run is quick; use a folder that is for nothing else.";

/// Measure how well known answers are found
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvalArgs {
    /// Folders of labelled pictures
    #[arg(required = true, value_name = "GROUNDTRUTH_DIR")]
    dirs: Vec<PathBuf>,
    /// Folder of pictures that answer nothing, indexed beside the database
    #[arg(long, value_name = "DIR")]
    distractors: Option<PathBuf>,
    /// Do not ask once more with what verified hits show
    #[arg(long)]
    no_expand: bool,
    #[command(flatten)]
    variants: VariantArgs,
    /// What counts as found: exact, similar or auto, as in `resight search`
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = Mode::from_str, hide_possible_values = true)]
    mode: Mode,
    /// List the queries whose first hit is wrong
    #[arg(long)]
    show_misses: bool,
    /// List wrong hits that were verified
    #[arg(long)]
    show_false: bool,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// `data_named`: the data folder was named on the command line.
pub(crate) fn run(
    args: &EvalArgs,
    config: &Config,
    data_named: bool,
    output: &mut Output,
) -> Result<(), CliError> {
    let (config, _temporary) = data_folder(config, data_named)?;
    check_folders(args.distractors.as_slice(), &config)?;
    config.check_apart(&args.dirs)?;
    let interrupt = Interrupt::listen()?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    // Of the distractors alone where there are any: the answers must not be learnt.
    let lessons = match &args.distractors {
        Some(dir) => std::slice::from_ref(dir),
        None => &args.dirs,
    };
    let folder = open_for_writing(lessons, &config, &plugins, &interrupt, output)?;
    if let Some(dir) = &args.distractors {
        hold_distractors(&folder.library, dir, &interrupt, output)?;
        embed_missing(&folder.library, &interrupt, output)?;
    }
    for dir in &args.dirs {
        let outcome = measure(&folder.library, dir, args, &interrupt, output)?;
        tell(&outcome, args, output)?;
    }
    Ok(())
}

/// The named folder, or one that is removed at the end. Never the user's usual one: pictures are
/// added and removed there.
fn data_folder(config: &Config, named: bool) -> Result<(Config, Option<TempDir>), CliError> {
    if named {
        return Ok((config.clone(), None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("resight-eval-")
        .tempdir()
        .map_err(|error| CliError::unwritable(&std::env::temp_dir(), error))?;
    let config = Config {
        root: temporary.path().to_path_buf(),
        data: temporary.path().to_path_buf(),
        collection: CollectionName::default(),
        ..config.clone()
    };
    Ok((config, Some(temporary)))
}

fn hold_distractors(
    engine: &Arc<Library>,
    dir: &Path,
    interrupt: &Interrupt,
    output: &Output,
) -> Result<(), CliError> {
    let bar = progress::bar(output.shows_progress(), 0, "Distractors");
    let report = Indexer::new(engine.clone()).index_folder(
        dir,
        &FolderOptions::default(),
        interrupt.flag(),
        &mut |event| match event {
            FolderEvent::Listed { to_do, .. } => bar.set_length(to_do),
            FolderEvent::Indexed { .. } | FolderEvent::Refused { .. } => bar.inc(1),
            FolderEvent::Embedded { .. }
            | FolderEvent::Moved { .. }
            | FolderEvent::Pruned { .. } => {}
        },
    );
    bar.finish_and_clear();
    let report = report?;
    if report.cancelled {
        return Err(stopped(output));
    }
    let unusable = report.refused + report.unchanged_refused;
    if unusable > 0 {
        output.remark(format_args!(
            "{} could not be read",
            counted(unusable, "distractor", "distractors")
        ));
    }
    Ok(())
}

fn measure(
    engine: &Arc<Library>,
    dir: &Path,
    args: &EvalArgs,
    interrupt: &Interrupt,
    output: &Output,
) -> Result<Outcome, CliError> {
    let bar = progress::bar(output.shows_progress(), 0, "Adding");
    let options = SearchOptions {
        expand: !args.no_expand,
        variants: args.variants.variants(),
        mode: args.mode,
        ..SearchOptions::default()
    };
    let outcome = evaluate(engine, dir, &options, interrupt.flag(), &mut |event| {
        let (message, done, total) = match event {
            EvalEvent::Adding(done, total) => ("Adding", done, total),
            EvalEvent::Asking(done, total) => ("Asking", done, total),
        };
        if bar.message() != message {
            bar.set_message(message);
            // Adding and asking go at different rates.
            bar.reset_eta();
        }
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    outcome.map_err(|error| match error {
        EvalError::Cancelled => stopped(output),
        EvalError::Engine(error) => error.into(),
        EvalError::Unreadable { path, reason } => CliError::refused(&path, reason),
        EvalError::GroundTruth(error) => CliError::Failure {
            code: Code::GroundTruth,
            detail: error.to_string(),
            next_step: "See `resight eval --help` for the form of groundtruth.json.".into(),
        },
    })
}

fn stopped(output: &Output) -> CliError {
    if !output.is_json() {
        output.remark("Interrupted. The measurement's pictures are removed again; distractors already in --data are kept.");
    }
    CliError::Interrupted
}

fn tell(outcome: &Outcome, args: &EvalArgs, output: &mut Output) -> Result<(), CliError> {
    for sentence in &outcome.unusable {
        output.remark(format_args!("warning: {}", printable(sentence)));
    }
    let scores = &outcome.scores;
    if output.is_json() {
        return output.json(scores);
    }
    output.line(format_args!(
        "{}: {} among {}",
        printable(&scores.name),
        counted(scores.queries as u64, "query", "queries"),
        counted(scores.pictures, "picture", "pictures")
    ))?;
    let heading = [
        "recall@1",
        "recall@10",
        "mAP",
        "in shortlist",
        "verified right",
        "verified wrong",
        "ms p50",
        "ms p95",
        "KB/picture",
    ];
    let row = vec![
        format!("{:.3}", scores.recall_at_1),
        format!("{:.3}", scores.recall_at_10),
        format!("{:.3}", scores.map),
        format!("{:.3}", scores.shortlist_recall),
        scores.verified_true.to_string(),
        scores.verified_false.to_string(),
        format!("{:.1}", scores.query_ms_p50),
        format!("{:.1}", scores.query_ms_p95),
        format!("{:.1}", scores.bytes_per_picture / 1e3),
    ];
    output.table(&heading, &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[row])?;
    if !outcome.attacks.is_empty() {
        tell_attacks(outcome, output)?;
    }
    if args.show_misses && !outcome.misses.is_empty() {
        tell_misses(outcome, output)?;
    }
    if args.show_false && !outcome.false_matches.is_empty() {
        tell_false_matches(outcome, output)?;
    }
    output.line("")
}

/// How queries of each kind fared.
fn tell_attacks(outcome: &Outcome, output: &mut Output) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = outcome
        .attacks
        .iter()
        .map(|a| {
            vec![
                printable(&a.attack),
                a.queries.to_string(),
                format!("{:.3}", a.recall_at_1),
            ]
        })
        .collect();
    output.line("")?;
    output.table(&["attack", "queries", "recall@1"], &[1, 2], &rows)
}

/// The queries whose first hit is wrong.
fn tell_misses(outcome: &Outcome, output: &mut Output) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = outcome
        .misses
        .iter()
        .map(|miss| {
            let rank = miss
                .relevant_rank
                .map_or("-".to_owned(), |rank| rank.to_string());
            let first = miss.first.as_deref().unwrap_or("(nothing)");
            vec![printable(&miss.query), printable(first), rank]
        })
        .collect();
    output.line("")?;
    output.table(
        &["missed query", "first hit", "first right at"],
        &[2],
        &rows,
    )
}

/// The wrong hits that were verified.
fn tell_false_matches(outcome: &Outcome, output: &mut Output) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = outcome
        .false_matches
        .iter()
        .map(|pair| {
            let nfa = pair
                .log10_nfa
                .map_or("-".to_owned(), |nfa| format!("{nfa:.1}"));
            vec![
                printable(&pair.query),
                printable(&pair.result),
                pair.inliers.to_string(),
                nfa,
            ]
        })
        .collect();
    output.line("")?;
    output.table(
        &["query", "wrongly verified", "inliers", "log10 nfa"],
        &[2, 3],
        &rows,
    )
}
