//! `resight compare`.

use std::path::PathBuf;

use resight_engine::Comparison;
use resight_vision::Image;

use super::CliError;
use super::output::{Output, printable};
use crate::config::Config;
use crate::{draw, parts, wire};

const EXAMPLES: &str = "\
Examples:
  resight compare a.jpg b.jpg
  resight compare a.jpg b.jpg --out matches.png
  resight compare a.jpg b.jpg --json";

/// Widest drawing, in pixels.
const DRAWING_WIDTH: u32 = 1800;

/// Say whether two pictures show the same thing, and where
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The first picture
    a: PathBuf,
    /// The second picture
    b: PathBuf,
    /// Draw both side by side with the matching points, as a PNG
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(
    args: &CompareArgs,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let read =
        |path: &PathBuf| std::fs::read(path).map_err(|error| CliError::unreadable(path, &error));
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let engine = parts::open_empty(config)?;
    let comparison = engine.compare(&a, &b)?;
    if let Some(path) = &args.out {
        let png =
            draw::matches_png(&comparison, DRAWING_WIDTH).map_err(|error| CliError::Failure {
                code: "drawing_failed",
                detail: error.to_string(),
                next_step: "Leave --out away to see the numbers alone.".into(),
            })?;
        std::fs::write(path, png).map_err(|error| CliError::unwritable(path, &error))?;
    }
    if output.is_json() {
        return output.json(&wire::Comparison::from(comparison));
    }
    for line in lines(&comparison, args) {
        output.line(line)?;
    }
    if let Some(path) = &args.out {
        output.remark(format_args!("Drawn in {}", path.display()));
    }
    Ok(())
}

fn lines(comparison: &Comparison, args: &CompareArgs) -> Vec<String> {
    let verdict = if comparison.verified {
        "The same thing: the matching points agree on one transform."
    } else {
        "Nothing in common that could be verified."
    };
    let side = |name: &str, path: &PathBuf, image: &Image, features: usize, coverage: f64| {
        format!(
            "{name}: {}  {} x {} px, {features} features, {:.0} % covered",
            printable(&path.to_string_lossy()),
            image.width(),
            image.height(),
            coverage * 100.0
        )
    };
    let mut lines = vec![
        verdict.to_owned(),
        side(
            "A",
            &args.a,
            &comparison.a,
            comparison.a_features,
            comparison.coverage_a,
        ),
        side(
            "B",
            &args.b,
            &comparison.b,
            comparison.b_features,
            comparison.coverage_b,
        ),
        format!(
            "inliers: {} of {} matches",
            comparison.inliers, comparison.matches
        ),
    ];
    if let Some(nfa) = comparison.log10_nfa {
        lines.push(format!("chance would do as well 10^{nfa:.1} times"));
    }
    if let Some([[ax, ay], [bx, by], [cx, cy], [dx, dy]]) = comparison.region {
        lines.push(format!(
            "A in B: ({ax:.0}, {ay:.0}) ({bx:.0}, {by:.0}) ({cx:.0}, {cy:.0}) ({dx:.0}, {dy:.0})"
        ));
    }
    lines
}
