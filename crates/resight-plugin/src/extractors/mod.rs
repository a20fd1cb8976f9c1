//! A plug-in behind the traits of extractors: the function for a role, and the model's identity.

pub(crate) mod global;
pub(crate) mod local;
pub(crate) mod sample;

use std::sync::Arc;
use std::time::Duration;

use resight_vision::ModelId;

use crate::error::PluginError;
use crate::manifest::{Function, FunctionRef, Manifest, Role};
use crate::plugin::Plugin;

/// Prefix of the models of plug-ins, before the name of the plug-in or that which its author gave.
pub const MODEL_PREFIX: &str = "plugin:";

/// The function that has `role`.
fn offered(manifest: &Arc<Manifest>, role: Role) -> Result<FunctionRef, PluginError> {
    let found = manifest.find(|function| function.role == role);
    found.ok_or_else(|| manifest.lacks(role.name()))
}

/// Model and version of a function, which must not change under a collection.
fn identity(plugin: &Plugin, manifest: &Manifest, function: Option<&Function>) -> String {
    let name = function.and_then(|f| f.model.as_deref());
    let name = name.unwrap_or(&plugin.config().name);
    let version = function.and_then(|f| f.version.as_deref());
    let version = version.or(manifest.version.as_deref());
    let version = version.unwrap_or(&manifest.hash);
    format!("{MODEL_PREFIX}{name}/{version}")
}

/// The function named `name`. Fails once a reload has given it another model than `model`.
fn current(plugin: &Plugin, name: &str, model: &ModelId) -> Result<FunctionRef, PluginError> {
    let manifest = plugin.wait_ready(Duration::ZERO)?;
    let function = manifest.find(|function| function.name == name);
    let now = identity(plugin, &manifest, function.as_deref());
    if !model.as_str().starts_with(&format!("{now};")) {
        let was = model.to_string();
        return Err(PluginError::ModelChanged { was, now });
    }
    function.ok_or_else(|| manifest.lacks(name))
}

/// The error for a result that cannot be used.
fn bad_result(function: &str, detail: String) -> PluginError {
    let function = function.into();
    PluginError::BadResult { function, detail }
}
