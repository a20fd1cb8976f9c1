//! `resight compare`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use resight_app::Code;
use resight_app::config::Config;
use resight_app::data_folder;
use resight_app::plugins::Plugins;
use resight_engine::{
    ComparedPage, Comparison, EngineError, EvidenceKind, QueryFacts, Variant, compare, decode,
    read_bounded,
};
use resight_server::wire;
use resight_vision::VerifyOptions;

use crate::arguments::PluginArgs;
use crate::draw;
use crate::error::CliError;
use crate::output::{Output, printable};
use crate::verdict::{Verdict, exit_codes};

const EXAMPLES: &str = concat!(
    "\
Examples:
  resight compare a.jpg b.jpg
  resight compare a.jpg b.jpg --out matches.png
  resight compare a.jpg b.jpg --json
  resight compare a.jpg b.jpg > /dev/null && echo same

",
    exit_codes!("the same thing", "nothing that could be verified")
);

/// Widest drawing, in pixels.
const DRAWING_WIDTH: u32 = 1800;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Say whether two pictures show the same thing, and where
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The first picture
    a: PathBuf,
    /// The second picture
    b: PathBuf,
    /// Draw both side by side with the matching points, as a PNG; a PNG that is there is replaced
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(crate) fn run(
    args: &CompareArgs,
    config: &Config,
    output: &mut Output,
) -> Result<Verdict, CliError> {
    if let Some(path) = &args.out {
        // Before the work, and before anything of the user's can be lost.
        check_out(path, [&args.a, &args.b])?;
    }
    let limits = config.decode_limits();
    let read = |path: &Path| {
        read_bounded(path, limits.max_bytes).map_err(|why| CliError::refused(path, why))
    };
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let plugins = Plugins::for_describing(&args.plugins.settings(), 1)?;
    let extractor = data_folder::extractor(config, &plugins)?;
    let options = config.engine_options();
    let compared = compare(&a, &b, &*extractor, &options);
    let (comparison, images) = compared.map_err(|error| match error {
        // The engine does not say which of the two it refused; they are taken in order.
        EngineError::Refused(why) => match decode(&a, &limits) {
            Ok(_) => CliError::refused(&args.b, why),
            Err(_) => CliError::refused(&args.a, why),
        },
        other => other.into(),
    })?;
    if let Some(path) = &args.out {
        let png = draw::matches_png(&comparison, &images, DRAWING_WIDTH).map_err(|error| {
            CliError::Failure {
                code: Code::DrawingFailed,
                detail: error.to_string(),
                next_step: "Leave --out away to see the numbers alone.".into(),
            }
        })?;
        fs::write(path, png).map_err(|error| CliError::unwritable(path, error))?;
    }
    let verdict = Verdict::of(comparison.verified);
    verdict.once(tell(comparison, args, output))
}

fn tell(comparison: Comparison, args: &CompareArgs, output: &mut Output) -> Result<(), CliError> {
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

/// Refuses to draw over anything but an earlier drawing: what is there must be a PNG, and neither
/// of the two pictures.
fn check_out(out: &Path, pictures: [&PathBuf; 2]) -> Result<(), CliError> {
    let refused = |code, what: &str, next_step: &'static str| CliError::Usage {
        code,
        detail: format!("--out {} {what}", printable(&out.to_string_lossy())),
        next_step: next_step.into(),
    };
    let is_png = out
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if !is_png {
        return Err(refused(
            Code::NotAPngName,
            "does not end in .png, and the drawing is a PNG",
            "Choose a name that ends in .png.",
        ));
    }
    let real = match out.canonicalize() {
        Ok(real) => real,
        // Nothing is there yet; whether it can be written is seen when it is.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CliError::unwritable(out, error)),
    };
    let is_input = |picture: &&PathBuf| picture.canonicalize().is_ok_and(|path| path == real);
    if pictures.iter().any(is_input) {
        return Err(refused(
            Code::OutIsAPicture,
            "is one of the two pictures, which would be lost",
            "Choose another name for the drawing.",
        ));
    }
    if !begins_like_a_png(&real).map_err(|error| CliError::unwritable(out, error))? {
        return Err(refused(
            Code::OutIsNoDrawing,
            "is there already and is no PNG, so it is not replaced",
            "Choose another name for the drawing, or remove that file first.",
        ));
    }
    Ok(())
}

/// Only a regular file is opened: a pipe could keep us waiting for ever.
fn begins_like_a_png(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    fs::File::open(path)?
        .take(PNG_SIGNATURE.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == PNG_SIGNATURE)
}

/// Which page or frame it is, where there are several.
fn page_text(page: Option<&ComparedPage>) -> String {
    match page {
        None => String::new(),
        Some(page) if !page.is_frame => format!(", page {}", page.number),
        Some(page) => match page.time_ms {
            Some(ms) => format!(", frame {}, {:.1} s", page.number, ms as f64 / 1e3),
            None => format!(", frame {}", page.number),
        },
    }
}

fn lines(comparison: &Comparison, args: &CompareArgs) -> Vec<String> {
    let Variant { mirrored, inverted } = comparison.variant;
    let verdict = match (comparison.verified, mirrored, inverted) {
        _ if comparison.identical => "The same file: the bytes are identical.",
        _ if comparison.by_pixels => "The same thing: the pixels agree, in the same frame.",
        (true, false, false) if comparison.evidence == Some(EvidenceKind::Mark) => {
            "The same mark, on what else differs: the matching points agree on one transform."
        }
        (true, false, false) => "The same thing: the matching points agree on one transform.",
        (true, true, _) => "The same thing, mirrored: the matching points agree on one transform.",
        (true, false, true) => {
            "The same thing, light for dark: the matching points agree on one transform."
        }
        (false, ..) => "Nothing in common that could be verified.",
    };
    let side = |name: &str, path: &PathBuf, at: usize, facts: &QueryFacts, coverage: f64| {
        format!(
            "{name}: {}{}  {} x {} px, {} features, {:.0} % covered",
            printable(&path.to_string_lossy()),
            page_text(comparison.pages[at].as_ref()),
            facts.width,
            facts.height,
            facts.features,
            coverage * 100.0
        )
    };
    let mut lines = vec![
        verdict.to_owned(),
        side("A", &args.a, 0, &comparison.a, comparison.coverage_a),
        side("B", &args.b, 1, &comparison.b, comparison.coverage_b),
        format!(
            "inliers: {} of {} matches",
            comparison.inliers, comparison.matches
        ),
    ];
    if let Some(nfa) = comparison.log10_nfa {
        lines.push(format!(
            "log10 of the false alarms that chance would give: {nfa:.1} (verified: {:.0} or less, from at least {} places)",
            VerifyOptions::default().max_log10_nfa,
            VerifyOptions::default().min_inliers
        ));
    }
    if let Some([[ax, ay], [bx, by], [cx, cy], [dx, dy]]) = comparison.region {
        lines.push(format!(
            "A in B: ({ax:.0}, {ay:.0}) ({bx:.0}, {by:.0}) ({cx:.0}, {cy:.0}) ({dx:.0}, {dy:.0})"
        ));
    }
    lines
}
