//! Tries a plug-in before it is served, and writes a first one.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::manifest::{Manifest, Role};
use crate::plugin::Plugin;
use crate::sample;
use crate::value::{Call, Reply};

/// One call that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The function.
    pub function: String,
    /// What it was given.
    pub input: String,
    /// How long it took, the way to the worker included.
    pub time: Duration,
    /// What it gave, in a few words, or why it gave nothing.
    pub outcome: Result<String, PluginError>,
}

/// What `check` found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The interpreter and the functions, once the file is loaded.
    pub manifest: Option<Manifest>,
    /// Why it could not be loaded.
    pub load_error: Option<PluginError>,
    /// How long it took until it was ready.
    pub start: Duration,
    /// The calls.
    pub trials: Vec<Trial>,
    /// The model that its features would carry.
    pub model: Option<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.load_error.is_none() && self.trials.iter().all(|t| t.outcome.is_ok())
    }
}

/// Loads `file` with `python` and calls `extract` and `embed` on generated pictures, and functions
/// that need no argument. Functions may have effects: those with arguments are left alone.
pub fn check(file: &Path, python: &Path) -> Result<CheckReport, PluginError> {
    let mut config = PluginConfig::new(file);
    config.python = python.into();
    config.breaker_deaths = usize::MAX;
    config.restart_delay = Duration::from_millis(100);
    let begun = Instant::now();
    let plugin = std::sync::Arc::new(Plugin::start(config)?);
    let loaded = plugin.wait_ready(plugin.config().start_limit + Duration::from_secs(1));
    let mut report = CheckReport {
        manifest: None,
        load_error: None,
        start: begun.elapsed(),
        trials: Vec::new(),
        model: None,
    };
    let manifest = match loaded {
        Ok(manifest) => manifest,
        Err(error) => {
            report.load_error = Some(error);
            return Ok(report);
        }
    };
    report.manifest = Some(manifest.as_ref().clone());
    for function in &manifest.functions {
        let name = &function.name;
        if function.role == Role::Function {
            if function.batch.is_none() && function.parameters.iter().all(|p| !p.required) {
                report
                    .trials
                    .push(trial(&plugin, Call::new(&**name), "no argument"));
            }
            continue;
        }
        for (input, picture) in sample::awkward() {
            if let Some(picture) = picture {
                let call = Call::new(&**name).picture(&picture);
                report.trials.push(trial(&plugin, call, input));
            }
        }
        let begun = Instant::now();
        let model = match function.role {
            Role::Extract => crate::PythonLocalExtractor::new(plugin.clone())
                .map(|e| resight_vision::LocalExtractor::model(&e).to_string()),
            _ => crate::PythonGlobalExtractor::new(plugin.clone())
                .map(|e| resight_vision::GlobalExtractor::model(&e).to_string()),
        };
        report.model = model.as_ref().ok().cloned().or(report.model);
        report.trials.push(Trial {
            function: name.clone(),
            input: "as an extractor".into(),
            time: begun.elapsed(),
            outcome: model,
        });
    }
    Ok(report)
}

fn trial(plugin: &Plugin, call: Call<'_>, input: &str) -> Trial {
    let function = call.function.to_string();
    let begun = Instant::now();
    let outcome = plugin.call(call).map(|reply| match reply {
        Reply::Local(local) => {
            format!(
                "{} keypoints, D = {}",
                local.keypoints.len(),
                local.dimension
            )
        }
        Reply::Vector(vector) => format!("a vector of {}", vector.len()),
        Reply::Json(value) => value.to_string().chars().take(80).collect(),
        Reply::Bytes {
            content_type,
            bytes,
        } => format!("{} bytes of {content_type}", bytes.len()),
        Reply::Picture(image) => format!("a picture of {} × {}", image.width(), image.height()),
    });
    Trial {
        function,
        input: input.into(),
        time: begun.elapsed(),
        outcome,
    }
}

/// The text of a first plug-in: it runs as it is, with or without numpy.
pub fn template(name: &str) -> String {
    include_str!("template.py").replace("NAME", name)
}
