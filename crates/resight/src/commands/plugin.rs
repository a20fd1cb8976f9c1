//! `resight plugin check` and `resight plugin new`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use resight_app::Code;
use resight_plugin::{CheckReport, PluginError, check, template};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::output::{Output, counted};

const EXAMPLES: &str = "\
Examples:
  resight plugin new my_algorithm                 write my_algorithm.py, which runs as it is
  resight plugin check my_algorithm.py            load it, call it, say what is wrong
  resight plugin check my_algorithm.py --python venv/bin/python
  resight serve ~/Pictures --plugin my_algorithm.py --watch";

/// Write a plug-in in Python, or try one before it is served
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PluginCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Load a file and call its functions: extract and embed on generated pictures, and those that
    /// need no argument
    Check {
        /// The plug-in
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The interpreter: any CPython from 3.9 on
        #[arg(long, value_name = "PATH", default_value = "python3")]
        python: PathBuf,
    },
    /// Write a first plug-in into this folder
    New {
        /// Its name: lower-case letters, digits and _
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(crate) fn run(command: &PluginCommand, output: &mut Output) -> Result<(), CliError> {
    match &command.action {
        Action::Check { file, python } => {
            let report = check(file, python)?;
            if output.is_json() {
                output.json(&as_json(&report))?;
            } else {
                tell(&report, output)?;
            }
            verdict(file, &report)
        }
        Action::New { name } => {
            let path = write_new(name)?;
            if output.is_json() {
                return output.json(&json!({"written": path}));
            }
            output.line(format_args!("Wrote {}.", path.display()))?;
            output.line(format_args!(
                "Try it with `resight plugin check {0}`, serve it with `resight serve --plugin {0}`.",
                path.display()
            ))
        }
    }
}

fn verdict(file: &Path, report: &CheckReport) -> Result<(), CliError> {
    if let Some(error) = &report.load_error {
        return Err(CliError::Failure {
            code: error.into(),
            detail: error.to_string(),
            next_step: "Correct what the detail and the traceback name, and check again.".into(),
        });
    }
    match report.trials.iter().filter(|t| t.outcome.is_err()).count() {
        0 => Ok(()),
        failed => Err(CliError::Failure {
            code: Code::PluginCheckFailed,
            detail: format!(
                "{} of {} in {} failed",
                failed,
                counted(report.trials.len() as u64, "call", "calls"),
                file.display()
            ),
            next_step: "Correct the lines that the tracebacks name, and check again.".into(),
        }),
    }
}

fn tell(report: &CheckReport, output: &mut Output) -> Result<(), CliError> {
    if let Some(manifest) = &report.manifest {
        let numpy = manifest.numpy.as_deref().unwrap_or("none");
        output.line(format_args!(
            "loaded in {:.0} ms by {} {}, numpy {numpy}",
            report.start.as_secs_f64() * 1e3,
            manifest.implementation,
            manifest.python,
        ))?;
        for function in &manifest.functions {
            output.line(format_args!("  {}{}", function.name, function.signature))?;
        }
    }
    for trial in &report.trials {
        let ms = trial.time.as_secs_f64() * 1e3;
        let told = match &trial.outcome {
            Ok(gave) => format!("ok      {ms:8.1} ms  {gave}"),
            Err(error) => format!("FAILED  {ms:8.1} ms  {error}"),
        };
        let (function, input) = (&trial.function, &trial.input);
        output.line(format_args!("{function:16} {input:24} {told}"))?;
        tell_traceback(trial.outcome.as_ref().err(), output)?;
    }
    if let Some(model) = &report.model {
        output.line(format_args!("model: {model}"))?;
    }
    tell_traceback(report.load_error.as_ref(), output)
}

fn tell_traceback(error: Option<&PluginError>, output: &mut Output) -> Result<(), CliError> {
    let traceback = error.and_then(PluginError::traceback).unwrap_or_default();
    for line in traceback.lines() {
        output.line(format_args!("    {line}"))?;
    }
    Ok(())
}

fn as_json(report: &CheckReport) -> Value {
    let error = |error: &PluginError| {
        json!({
            "code": error.code(),
            "detail": error.to_string(),
            "next_step": error.next_step(),
            "traceback": error.traceback(),
        })
    };
    let trials = report.trials.iter().map(|trial| {
        json!({
            "function": trial.function,
            "input": trial.input,
            "ms": trial.time.as_secs_f64() * 1e3,
            "gave": trial.outcome.as_ref().ok(),
            "error": trial.outcome.as_ref().err().map(error),
        })
    });
    let functions = report.manifest.iter().flat_map(|m| &m.functions);
    json!({
        "passed": report.passed(),
        "python": report.manifest.as_ref().map(|m| &m.python),
        "start_ms": report.start.as_secs_f64() * 1e3,
        "functions": functions.map(|f| &f.name).collect::<Vec<_>>(),
        "model": report.model,
        "trials": trials.collect::<Vec<_>>(),
        "load_error": report.load_error.as_ref().map(error),
    })
}

fn write_new(name: &str) -> Result<PathBuf, CliError> {
    let name = name.strip_suffix(".py").unwrap_or(name);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(CliError::Usage {
            code: Code::PluginName,
            detail: format!("{name:?} cannot name a plug-in"),
            next_step: "Take 1 to 64 lower-case letters, digits and _, as in my_algorithm.".into(),
        });
    }
    let path = PathBuf::from(format!("{name}.py"));
    let written = std::fs::File::create_new(&path)
        .and_then(|mut file| file.write_all(template(name).as_bytes()));
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(CliError::Failure {
            code: Code::FileExists,
            detail: format!("{} exists already and was left as it is", path.display()),
            next_step: "Choose another name, or remove the file first.".into(),
        }),
        Err(error) => Err(CliError::unwritable(&path, error)),
    }
}
