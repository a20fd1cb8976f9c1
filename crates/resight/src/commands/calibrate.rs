//! `resight calibrate`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use resight_app::Code;
use resight_app::atomic_file::AtomicFile;
use resight_app::calibration::{Scores, plot};
use resight_app::config::Config;
use resight_app::data_folder;
use resight_app::plugins::Plugins;
use resight_engine::{
    AgreeingPair, Calibration, CalibrationEvent, EngineError, EvidenceKind, calibrate,
};
use resight_vision::VerifyOptions;
use serde_json::json;

use crate::arguments::PluginArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight calibrate ~/unrelated --out calibration.svg
  resight calibrate ~/unrelated --related looked-at.txt --json

Every two pictures of the folder are matched and verified as a search does it: 2,000 pictures are two
million pairs and take ten minutes on two cores. Pairs that do show the same thing are no false
matches: look at those that are listed (resight compare A B --out m.png) and name them in a file, two
names a line.";

/// Measure how often unrelated pictures are verified
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CalibrateArgs {
    /// Folder of pictures of which no two should show the same thing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// File with pairs that do, two names within the folder a line; # begins a remark
    #[arg(long, value_name = "FILE")]
    related: Option<PathBuf>,
    /// Draw the distribution into this file, replaced if it is there
    #[arg(long, value_name = "FILE.svg")]
    out: Option<PathBuf>,
    /// List pairs at or below this log10 number of false alarms
    #[arg(
        long,
        value_name = "SCORE",
        default_value_t = VerifyOptions::default().max_log10_nfa,
        allow_negative_numbers = true
    )]
    list: f64,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Pairs above this say nothing about a tail.
const KEPT: f64 = -1.0;

pub(crate) fn run(
    args: &CalibrateArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let related = args.related.as_deref().map(read_related).transpose()?;
    let related = related.unwrap_or_default();
    let file = args.out.as_deref().map(AtomicFile::beside).transpose()?;
    let interrupt = Interrupt::listen()?;
    let plugins = Plugins::for_describing(&args.plugins.settings(), config.thread_count())?;
    let extractor = data_folder::extractor(config, &plugins)?;
    let vocabulary = data_folder::vocabulary_for(config, extractor.model())?;
    let options = config.engine_options();
    let begun = Instant::now();
    let bar = progress::bar(output.shows_progress(), 0, "Describing");
    let furthest = AtomicU64::new(0);
    let found = calibrate(
        &args.dir,
        &*extractor,
        &vocabulary,
        &options,
        KEPT,
        interrupt.flag(),
        &|event| match event {
            CalibrationEvent::Described(done, total) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            CalibrationEvent::Compared(done, total) => {
                if furthest.fetch_max(done, Ordering::Relaxed) == 0 {
                    bar.set_message("Comparing");
                    bar.reset_eta();
                }
                bar.set_length(total);
                bar.set_position(furthest.load(Ordering::Relaxed));
            }
        },
    );
    bar.finish_and_clear();
    let found = match found {
        Err(EngineError::Cancelled) => return Err(CliError::Interrupted),
        found => found?,
    };
    let seconds = begun.elapsed().as_secs_f64();
    let name = |at: usize| -> String {
        let path = &found.pictures[at];
        let within = path.strip_prefix(&args.dir).unwrap_or(path);
        within.to_string_lossy().into_owned()
    };
    let is_related =
        |pair: &AgreeingPair| related.contains(&key(name(pair.query), name(pair.result)));
    let (same, unrelated): (Vec<_>, Vec<_>) = found.agreeing.iter().partition(|p| is_related(p));
    for pair in &found.agreeing {
        if pair.verified || pair.log10_nfa <= args.list {
            tell(pair, is_related(pair), &name, output)?;
        }
    }
    let options = &options.verify;
    let wrong = unrelated.iter().filter(|p| p.verified).count();
    let pairs = found.pairs - same.len() as u64;
    // Those with too few places are never verified, and count here: the tail is rather too heavy.
    let scores = Scores::new(pairs, unrelated.iter().map(|p| p.log10_nfa).collect());
    if let Some(file) = file {
        file.write(plot(&scores, options.max_log10_nfa).as_bytes())?;
    }
    let told = Told {
        threshold: options.max_log10_nfa,
        wrong,
        seconds,
    };
    summary(&found, &scores, &told, &same, output)
}

fn tell(
    pair: &AgreeingPair,
    related: bool,
    name: &impl Fn(usize) -> String,
    output: &mut Output,
) -> Result<(), CliError> {
    let (a, b) = (name(pair.query), name(pair.result));
    if output.is_json() {
        return output.json(&json!({
            "event": "pair",
            "a": a,
            "b": b,
            "nfa_log10": pair.log10_nfa,
            "inliers": pair.inliers,
            "places": pair.places,
            "evidence": pair.evidence.map(EvidenceKind::as_str),
            "support": {
                "agreeing": pair.support.within.agreeing,
                "contradicting": pair.support.within.contradicting,
                "missing": pair.support.within.missing,
                "beside_agreeing": pair.support.beside.agreeing,
                "inlier_distance": pair.support.inlier_distance,
                "other_distance": pair.support.other_distance,
                "beside_contradicting": pair.support.beside.contradicting,
            },
            "coverage": pair.coverage,
            "verified": pair.verified,
            "related": related,
        }));
    }
    output.line(format_args!(
        "{:8.2}  {:3} inliers  {:3} places  {:8}  {:7}  {} {}",
        pair.log10_nfa,
        pair.inliers,
        pair.places,
        if pair.verified { "verified" } else { "" },
        if related { "related" } else { "" },
        printable(&a),
        printable(&b),
    ))
}

/// What the summary tells beside the scores.
struct Told {
    threshold: f64,
    /// Unrelated pairs that were verified.
    wrong: usize,
    seconds: f64,
}

fn summary(
    found: &Calibration,
    scores: &Scores,
    told: &Told,
    related: &[&AgreeingPair],
    output: &mut Output,
) -> Result<(), CliError> {
    let tail = scores.tail();
    let expected = |score: f64, most: bool| {
        let tail = tail.filter(|tail| score <= tail.level)?;
        Some(tail.rate(score, most))
    };
    let threshold = told.threshold;
    let millionth = tail.map(|tail| [tail.score(1e-6, false), tail.score(1e-6, true)]);
    if !output.is_json() {
        let mut rows = Vec::new();
        let mut levels: Vec<f64> = (1..=8).map(|i| -2.0 * f64::from(i)).collect();
        levels.push(threshold);
        levels.sort_by(|a, b| b.total_cmp(a));
        levels.dedup();
        for level in levels {
            let share = |most| expected(level, most).map_or("-".to_owned(), |r| format!("{r:.1e}"));
            rows.push(vec![
                format!("{level:.1}{}", if level == threshold { " *" } else { "" }),
                scores.counted(level).to_string(),
                format!(
                    "{:.1e}",
                    scores.counted(level) as f64 / scores.pairs().max(1) as f64
                ),
                share(false),
                share(true),
            ]);
        }
        let heading = ["log10 NFA", "pairs", "share", "fitted", "95 % bound"];
        output.table(&heading, &[0, 1, 2, 3, 4], &rows)?;
        output.line(format_args!(
            "{} of {} compared, {} related and left out; {} verified wrongly (* is the threshold)",
            counted(scores.pairs(), "pair", "pairs"),
            counted(found.pictures.len() as u64, "picture", "pictures"),
            related.len(),
            told.wrong,
        ))?;
        if let Some([fitted, bound]) = millionth {
            output.line(format_args!(
                "one in a million expected at {fitted:.1}, with the 95 % bound at {bound:.1}"
            ))?;
        }
        return Ok(());
    }
    output.json(&json!({
        "event": "done",
        "pictures": found.pictures.len(),
        "unusable": found.unusable,
        "unrelated_pairs": scores.pairs(),
        "related_pairs": related.len(),
        "related_verified": related.iter().filter(|p| p.verified).count(),
        "threshold": threshold,
        "verified_wrongly": told.wrong,
        "share_verified_wrongly": told.wrong as f64 / scores.pairs().max(1) as f64,
        "rate_fitted": expected(threshold, false),
        "rate_95": expected(threshold, true),
        "millionth_at": millionth.map(|m| m[0]),
        "millionth_at_95": millionth.map(|m| m[1]),
        "tail_level": tail.map(|t| t.level),
        "tail_mean": tail.map(|t| t.mean),
        "seconds": told.seconds.round(),
    }))
}

/// Two names whichever comes first.
fn key(a: String, b: String) -> (String, String) {
    if a <= b { (a, b) } else { (b, a) }
}

fn read_related(path: &Path) -> Result<HashSet<(String, String)>, CliError> {
    let wrong = |detail: String| CliError::Usage {
        code: Code::RelatedUnusable,
        detail: format!("{}: {detail}", printable(&path.to_string_lossy())),
        next_step: "Give a text file with two file names a line, separated by a space.".into(),
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let lines = lines.zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            let names: Vec<&str> = line.split_whitespace().collect();
            match names[..] {
                [a, b] => Ok(key(a.to_owned(), b.to_owned())),
                _ => Err(wrong(format!("line {number} does not name two files"))),
            }
        })
        .collect()
}
