//! Tries a plug-in before it is served, and has the template of a first one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resight_vision::{GlobalExtractor, LocalExtractor};

use crate::call::Call;
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::extractors::global::PythonGlobalExtractor;
use crate::extractors::local::PythonLocalExtractor;
use crate::extractors::sample;
use crate::manifest::{Function, Manifest, Role};
use crate::plugin::Plugin;
use crate::reply::Reply;

/// One call that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The function.
    pub function: String,
    /// Its input.
    pub input: String,
    /// How long it took, with the way to the worker and back.
    pub time: Duration,
    /// What it returned, in a few words, or why it failed.
    pub outcome: Result<String, PluginError>,
}

/// The result of [`check`].
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The interpreter and the functions, if the file was loaded.
    pub manifest: Option<Manifest>,
    /// Why it could not be loaded.
    pub load_error: Option<PluginError>,
    /// How long the start took.
    pub start: Duration,
    /// The calls that were tried.
    pub trials: Vec<Trial>,
    /// The model of its features, if it has an extractor.
    pub model: Option<String>,
}

impl CheckReport {
    /// Whether the file was loaded and all calls succeeded.
    pub fn passed(&self) -> bool {
        self.load_error.is_none() && self.trials.iter().all(|t| t.outcome.is_ok())
    }
}

/// Loads `file` with `python`, and calls `extract` and `embed` on generated pictures and all functions
/// that need no argument. It calls no function with arguments, which may have effects.
pub fn check(file: &Path, python: &Path) -> Result<CheckReport, PluginError> {
    let mut config = PluginConfig::new(file);
    config.python = python.into();
    config.breaker_deaths = usize::MAX;
    config.restart_delay = Duration::from_millis(100);
    let begun = Instant::now();
    let plugin = Arc::new(Plugin::start(config)?);
    let loaded = plugin.wait_ready(plugin.config().start_limit + Duration::from_secs(1));
    let mut report = CheckReport {
        manifest: loaded.as_deref().ok().cloned(),
        load_error: loaded.as_ref().err().cloned(),
        start: begun.elapsed(),
        trials: Vec::new(),
        model: None,
    };
    for function in loaded.iter().flat_map(|manifest| &manifest.functions) {
        let name = &*function.name;
        if function.role != Role::Function {
            for (input, picture) in sample::awkward() {
                let call = Call::new(name).picture(&picture);
                report.trials.push(trial(&plugin, call, input));
            }
            let model = trial_as_extractor(&plugin, function);
            report.model = model.outcome.as_ref().ok().cloned().or(report.model);
            report.trials.push(model);
        } else if function.batch.is_none() && function.parameters.iter().all(|p| !p.required) {
            let call = Call::new(name);
            report.trials.push(trial(&plugin, call, "no argument"));
        }
    }
    Ok(report)
}

/// Makes the extractor that `function` plays; its outcome is the model.
fn trial_as_extractor(plugin: &Arc<Plugin>, function: &Function) -> Trial {
    let begun = Instant::now();
    let model = if function.role == Role::Extract {
        PythonLocalExtractor::new(plugin.clone()).map(|e| e.model().to_string())
    } else {
        PythonGlobalExtractor::new(plugin.clone()).map(|e| e.model().to_string())
    };
    Trial {
        function: function.name.clone(),
        input: "as an extractor".into(),
        time: begun.elapsed(),
        outcome: model,
    }
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
        Reply::Json(value) => value.as_str().chars().take(80).collect(),
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

/// The text of a first plug-in named `name`. It runs as it is, with or without numpy.
pub fn template(name: &str) -> String {
    include_str!("template.py").replace("NAME", name)
}
