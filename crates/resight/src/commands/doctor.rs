//! `resight doctor`: what this program found on this machine, and what would make it quicker.

use resight_app::AppError;
use resight_app::config::Config;
use resight_app::decoding::State;
use resight_app::models::Models;
use resight_app::videos::VideoState;
use resight_models::{ModelError, Runtime};
use resight_vision::Simd;
use serde_json::{Value, json};

use super::models::summary;
use crate::error::CliError;
use crate::output::{Output, counted, printable};

const EXAMPLES: &str = "\
Examples:
  resight doctor
  resight doctor --onnxruntime ~/venv         would ONNX Runtime from there do?
  resight doctor --json";

/// How models get faster.
const FASTER: &str = "python3 -m pip install onnxruntime, in the environment that is active or that --onnxruntime names; or set ORT_DYLIB_PATH to its library";

/// Say what runs here: the models' runtime, the processor's vector units, folders, models
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {}

/// What was found on this machine.
struct Findings<'a> {
    config: &'a Config,
    models: &'a Models<'a>,
    /// A runtime that is named and cannot be used is a finding too.
    runtime: Result<&'a Runtime, AppError>,
    /// So is a folder that cannot be read.
    installed: Vec<Value>,
    broken: Vec<ModelError>,
    cores: usize,
    simd: &'static str,
    decoding: State,
    videos: VideoState,
    has_data: bool,
}

pub(crate) fn run(config: &Config, output: &mut Output) -> Result<(), CliError> {
    let models = Models::new(config)?;
    let (installed, broken) = summary(&models.folder);
    let findings = Findings {
        config,
        models: &models,
        runtime: models.runtime(),
        installed,
        broken,
        cores: std::thread::available_parallelism().map_or(1, |n| n.get()),
        simd: Simd::widest().name(),
        decoding: config.decoding.state(),
        videos: config.videos.state(),
        has_data: config.data.is_dir(),
    };
    if output.is_json() {
        output.json(&to_json(&findings))
    } else {
        tell(&findings, output)
    }
}

fn to_json(findings: &Findings<'_>) -> Value {
    let Findings {
        config,
        models,
        runtime,
        installed,
        broken,
        cores,
        simd,
        decoding,
        videos,
        has_data,
    } = findings;
    let found = match runtime {
        Ok(Runtime::OnnxRuntime(library)) => json!({
            "name": "onnxruntime",
            "library": library.library(),
            "found": library.place().to_string(),
            "build": library.build(),
        }),
        Ok(Runtime::BuiltIn { instead }) => json!({
            "name": "rten",
            "instead_of_onnxruntime": instead,
            "faster": FASTER,
        }),
        Err(error) => json!({
            "name": null,
            "error": {"code": error.code().as_str(), "detail": error.to_string()},
        }),
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "runtime": found,
        "simd": simd,
        "simd_available": Simd::available().iter().map(|path| path.name()).collect::<Vec<_>>(),
        "cores": cores,
        "threads": config.thread_count(),
        "decoding": decoding_json(decoding),
        "videos": videos_json(videos),
        "data": {"folder": config.data, "exists": has_data},
        "models": {
            "folder": models.folder.path(),
            "installed": installed,
            "broken": broken.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
    })
}

fn decoding_json(state: &State) -> Value {
    match state {
        State::Here { why } => json!({"in": "here", "why": why}),
        State::Process { confined, formats } => json!({
            "in": "process",
            "formats": formats,
            "confined": confined,
        }),
    }
}

fn videos_json(state: &VideoState) -> Value {
    match state {
        VideoState::Off { why } => json!({"ffmpeg": null, "why": why}),
        VideoState::By { program, version } => json!({"ffmpeg": program, "version": version}),
    }
}

fn tell_videos(state: &VideoState, output: &mut Output) -> Result<(), CliError> {
    match state {
        VideoState::Off { why } => output.line(format_args!("videos     are not read: {why}")),
        VideoState::By { program, version } => {
            output.line(format_args!("videos     are read by {}", program.display()))?;
            output.line(format_args!("           {}", printable(version)))
        }
    }
}

fn tell_decoding(state: &State, output: &mut Output) -> Result<(), CliError> {
    match state {
        State::Here { why } => {
            output.line(format_args!("decoding   in this process: {why}"))?;
        }
        State::Process { confined, formats } => {
            output.line(format_args!(
                "decoding   {formats} in processes of their own, {}",
                if *confined {
                    "which reach no files and no network"
                } else {
                    "whose calls the kernel does not filter: they could reach files and the network"
                }
            ))?;
        }
    }
    Ok(())
}

fn tell(findings: &Findings<'_>, output: &mut Output) -> Result<(), CliError> {
    let Findings {
        config,
        models,
        runtime,
        installed,
        broken,
        cores,
        simd,
        decoding,
        videos,
        has_data,
    } = findings;
    output.line(format_args!("resight    {}", env!("CARGO_PKG_VERSION")))?;
    match runtime {
        Ok(Runtime::OnnxRuntime(library)) => {
            output.line(format_args!(
                "models run in ONNX Runtime, found by {}: {}",
                library.place(),
                library.library().display()
            ))?;
            output.line(format_args!("           {}", library.build()))?;
        }
        Ok(Runtime::BuiltIn { instead }) => {
            output.line(format_args!("models run in rten, built in: {instead}"))?;
            output.line(format_args!(
                "           ONNX Runtime is two to five times as quick: {FASTER}"
            ))?;
        }
        Err(error) => {
            output.line(format_args!("models cannot run: {error}"))?;
            output.line(format_args!("           {}", error.next_step()))?;
        }
    }
    output.line(format_args!(
        "processor  {simd}, {}, {} in use",
        counted(*cores as u64, "core", "cores"),
        counted(config.thread_count() as u64, "thread", "threads")
    ))?;
    tell_decoding(decoding, output)?;
    tell_videos(videos, output)?;
    output.line(format_args!(
        "data       {}{}",
        config.data.display(),
        if *has_data { "" } else { " (not there yet)" }
    ))?;
    output.line(format_args!(
        "models     {}",
        models.folder.path().display()
    ))?;
    if installed.is_empty() && broken.is_empty() {
        output.line("           none installed; `resight models list` names some")?;
    }
    for model in installed {
        let text = |key: &str| model[key].as_str().unwrap_or_default().to_owned();
        output.line(format_args!(
            "           {} {} ({})",
            text("name"),
            text("version"),
            text("kind")
        ))?;
    }
    for error in broken {
        output.line(format_args!(
            "           cannot be used: {}",
            printable(&error.to_string())
        ))?;
    }
    Ok(())
}
