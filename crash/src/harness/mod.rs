//! The harness itself, for systems whose system calls it can read.

mod cases;
mod check;
mod figures;
mod folders;
mod http;
mod operations;
mod oracle;
mod pictures;
mod places;
mod program;
mod rounds;
mod sweep;
mod tracer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use serde_json::json;

use figures::Figures;
use program::Setup;
use rounds::Rounds;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Kill, fail and cut off a built Resight, and look for what it has acknowledged.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program [default: `resight` beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
    /// What to do
    #[arg(long, value_enum, default_value = "all")]
    part: Part,
    /// Random rounds
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Rounds on one data folder, before the next begins with an empty one
    #[arg(long, default_value_t = 25)]
    together: u64,
    /// The first seed; each data folder has the next one [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// In sweeps, kill at every so-manieth call only
    #[arg(long, default_value_t = 1)]
    step: u64,
    /// In sweeps, only changes whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Begin no new round after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Where folders of failed runs are kept [default: the system's temporary folder]
    #[arg(long)]
    keep: Option<PathBuf>,
    /// List the kinds of calls that were struck
    #[arg(long)]
    calls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Everything
    All,
    /// Each change killed at each of its calls
    Kills,
    /// Each change with an error at each of its calls
    Failures,
    /// A full disk, a folder that goes away
    Places,
    /// Random rounds
    Rounds,
}

/// Runs what the command line asks for; the last line of output is one JSON object.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(why) = tracer::is_possible() {
        // Nothing here works without it: no silent success.
        println!("SKIPPED: this system does not let a process trace its child ({why})");
        return ExitCode::SUCCESS;
    }
    let seed = arguments.seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_millis() as u64 % 1_000_000_000)
    });
    println!("seed {seed}");
    let mut figures = Figures::default();
    let began = Instant::now();
    let outcome = run(&arguments, seed, began, &mut figures);
    if arguments.calls {
        for class in figures.classes() {
            println!("struck {class}");
        }
    }
    let failed = outcome.as_ref().err().map(ToString::to_string);
    if let Some(why) = &failed {
        println!("FAILED: {why}");
    }
    let mut all = figures.to_json();
    all["seed"] = json!(seed);
    all["seconds"] = json!(began.elapsed().as_secs_f64().round());
    all["failed"] = json!(failed);
    println!("{all}");
    match failed {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    }
}

fn run(arguments: &Arguments, seed: u64, began: Instant, figures: &mut Figures) -> Result<()> {
    let program = match &arguments.program {
        Some(program) => program.canonicalize()?,
        None => {
            let own = std::env::current_exe()?;
            let beside = own.with_file_name("resight");
            beside
                .canonicalize()
                .map_err(|error| format!("{}: {error}; build it first", beside.display()))?
        }
    };
    let until = arguments
        .seconds
        .map(|seconds| began + Duration::from_secs(seconds));
    let time_is_up = || until.is_some_and(|until| Instant::now() > until);
    let part = |part| arguments.part == Part::All || arguments.part == part;
    if part(Part::Kills) {
        in_folder(arguments, &program, "kills", |setup| {
            sweep::kills(setup, &arguments.only, arguments.step, figures)
        })?;
    }
    if part(Part::Failures) {
        in_folder(arguments, &program, "failures", |setup| {
            sweep::failures(setup, &arguments.only, arguments.step, figures)
        })?;
    }
    if part(Part::Places) {
        in_folder(arguments, &program, "places", |setup| {
            places::all(setup, figures)
        })?;
    }
    if !part(Part::Rounds) {
        return Ok(());
    }
    let mut done = 0;
    for seed in seed.. {
        if done >= arguments.rounds || time_is_up() {
            break;
        }
        let most = arguments.together.min(arguments.rounds - done);
        let name = format!("seed-{seed}");
        in_folder(arguments, &program, &name, |setup| {
            let mut rounds = Rounds::new(setup, seed, figures);
            for round in 0..most {
                if time_is_up() {
                    break;
                }
                rounds
                    .round()
                    .map_err(|error| format!("seed {seed}, round {round}: {error}"))?;
            }
            Ok(())
        })?;
        done += most;
        println!("seed {seed}: {} rounds so far", figures.rounds);
    }
    Ok(())
}

/// Runs `work` in a new folder, which is kept where it fails.
fn in_folder(
    arguments: &Arguments,
    program: &Path,
    name: &str,
    work: impl FnOnce(&Setup) -> Result<()>,
) -> Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("resight-crash-");
    let root = match &arguments.keep {
        Some(keep) => builder.tempdir_in(keep)?,
        None => builder.tempdir()?,
    };
    let setup = Setup::new(program, root.path())?;
    work(&setup).map_err(|error| {
        let kept = root.keep();
        format!("{name}: {error}; kept in {}", kept.display()).into()
    })
}
