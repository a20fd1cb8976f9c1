//! What both extractors ask of a plug-in: its function for a role, and that its model stays.

use resight_vision::ModelId;

use crate::error::PluginError;
use crate::manifest::{Function, Manifest, Role};
use crate::plugin::Plugin;

/// How the models of plug-ins begin; the plug-in's name follows, or the one that its author gave.
pub const MODEL_PREFIX: &str = "plugin:";

/// The function that plays `role`.
pub(crate) fn offered(manifest: &Manifest, role: Role) -> Result<&Function, PluginError> {
    manifest
        .with_role(role)
        .ok_or_else(|| PluginError::NoFunction {
            function: role.name().into(),
            known: manifest.names(),
        })
}

/// Plug-in, model and version: what must not change under a collection.
pub(crate) fn identity(plugin: &Plugin, manifest: &Manifest, function: &str) -> String {
    let said = manifest.function(function);
    let name = said
        .and_then(|f| f.model.as_deref())
        .unwrap_or(&plugin.config().name);
    let version = said
        .and_then(|f| f.version.as_deref())
        .or(manifest.version.as_deref());
    let version = version.unwrap_or(&manifest.hash);
    format!("{MODEL_PREFIX}{name}/{version}")
}

/// Fails once a reload has made `function` another model than `model`.
pub(crate) fn unchanged(
    plugin: &Plugin,
    function: &str,
    model: &ModelId,
) -> Result<(), PluginError> {
    let Some(manifest) = plugin.manifest() else {
        return Ok(());
    };
    let now = identity(plugin, &manifest, function);
    if model.as_str().starts_with(&format!("{now};")) {
        return Ok(());
    }
    let was = model.to_string();
    Err(PluginError::ModelChanged { was, now })
}

pub(crate) fn bad(function: &str, detail: String) -> PluginError {
    let function = function.into();
    PluginError::BadResult { function, detail }
}
