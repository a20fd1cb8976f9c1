//! The labels that a kept picture takes over.

use resight_engine::{LabelPatch, Labels, Metadata, Update};
use serde_json::{Map, Value};

/// What `kept` lacks of the labels of `removed`: all their tags, of an object and of each entry of metadata the first.
pub(super) fn missing_labels(
    kept: &Labels,
    removed: &[&Labels],
    metadata: fn(&str) -> Result<Metadata, String>,
) -> LabelPatch {
    let mut patch = LabelPatch::default();
    let tags = removed.iter().flat_map(|labels| &labels.tags);
    for tag in tags {
        if !kept.tags.contains(tag) && !patch.add_tags.contains(tag) {
            patch.add_tags.push(tag.clone());
        }
    }
    if kept.object.is_none()
        && let Some(object) = removed.iter().find_map(|labels| labels.object.clone())
    {
        patch.object = Update::Set(object);
    }
    let before = object_of(kept.metadata.as_deref());
    let mut after = before.clone();
    for (key, value) in removed
        .iter()
        .flat_map(|labels| object_of(labels.metadata.as_deref()))
    {
        if !after.contains_key(&key) {
            after.insert(key, value);
        }
    }
    // What would be too long stays as it is.
    if after != before
        && let Ok(after) = metadata(&Value::Object(after).to_string())
    {
        patch.metadata = Update::Set(after);
    }
    patch
}

fn object_of(text: Option<&str>) -> Map<String, Value> {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
