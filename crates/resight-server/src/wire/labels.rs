//! Tags, objects and metadata as programs write and read them.

use resight_engine as engine;
use resight_engine::{LabelPatch, Metadata, ObjectId, Tag, Update};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Picture, Reader};

/// A change of a picture's labels: what is left out stays, null clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a JSON object with what changes"
)]
pub struct LabelChange {
    /// All its tags, in place of those it has; at most 64, of 1 to 100 characters each.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<Vec<String>>>,
    /// Tags that it gets beside those it has.
    add_tags: Vec<String>,
    /// Tags that it loses, where it has them.
    remove_tags: Vec<String>,
    /// The object it belongs to, 1 to 200 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    object: Option<Option<String>>,
    /// Its metadata, as a whole: at most 16 KiB when written without spaces, nested at most 32 levels deep.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Option<Map<String, Value>>>,
}

/// Tells null from what is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl LabelChange {
    /// Fails with a sentence that names what cannot be taken.
    pub fn patch(self) -> Result<LabelPatch, String> {
        Ok(LabelPatch {
            tags: update(self.tags, |tags| all_tags(&tags))?,
            add_tags: all_tags(&self.add_tags)?,
            remove_tags: all_tags(&self.remove_tags)?,
            object: update(self.object, |text| object_id(&text))?,
            metadata: update(self.metadata, metadata)?,
        })
    }
}

fn update<T, U>(
    given: Option<Option<T>>,
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<Update<U>, String> {
    Ok(match given {
        None => Update::Keep,
        Some(None) => Update::Clear,
        Some(Some(value)) => Update::Set(read(value)?),
    })
}

fn all_tags(texts: &[String]) -> Result<Vec<Tag>, String> {
    texts.iter().map(|text| tag(text)).collect()
}

/// A tag, or a sentence that says why it is none.
pub fn tag(text: &str) -> Result<Tag, String> {
    Tag::parse(text).ok_or_else(|| not_a_label("tag", Tag::MAX_CHARS, text))
}

/// An object's id, or a sentence that says why it is none.
pub fn object_id(text: &str) -> Result<ObjectId, String> {
    ObjectId::parse(text).ok_or_else(|| not_a_label("object", ObjectId::MAX_CHARS, text))
}

fn not_a_label(what: &str, most: usize, text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!(
        "{what} must have 1 to {most} characters, without control characters and without spaces at its ends; it is {shown:?}"
    )
}

/// A JSON object as metadata, or a sentence that says why it is none.
pub fn metadata_of(text: &str) -> Result<Metadata, String> {
    let object = serde_json::from_str(text);
    metadata(object.map_err(|error| format!("metadata must be a JSON object: {error}"))?)
}

/// Levels of lists and objects in metadata at most: with what an answer puts around them, less than
/// readers of JSON commonly take.
const MOST_LEVELS: usize = 32;

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(levels).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// What can be compared becomes an entry: texts as they are, numbers and truth values as JSON
/// writes them.
fn metadata(object: Map<String, Value>) -> Result<Metadata, String> {
    let entries = object.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((name.clone(), value))
    });
    let entries = entries.collect();
    let object = Value::Object(object);
    if levels(&object) > MOST_LEVELS {
        return Err(format!(
            "metadata must be nested {MOST_LEVELS} levels deep at most"
        ));
    }
    let text = object.to_string();
    let length = text.len();
    Metadata::new(text, entries).ok_or_else(|| {
        format!(
            "metadata must have {} bytes at most when written without spaces; it has {length}",
            Metadata::MAX_BYTES
        )
    })
}

/// One page of the objects that pictures belong to, by id.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectList {
    /// Number of objects in all.
    total: u64,
    /// How many were skipped.
    offset: u64,
    /// At most so many were asked for.
    limit: u64,
    /// Give this as `cursor` for the next page; null when this was the last.
    #[schema(required, value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Option<String>>,
    objects: Vec<ObjectFacts>,
}

/// An object that pictures belong to.
#[derive(Debug, Serialize, ToSchema)]
struct ObjectFacts {
    id: String,
    /// How many pictures belong to it.
    pictures: u64,
}

impl ObjectList {
    /// `offset` and `limit` are those that were asked for.
    pub fn new(total: u64, offset: u64, limit: u64, objects: Vec<engine::ObjectCount>) -> Self {
        let objects = objects.into_iter().map(|object| ObjectFacts {
            id: object.id.to_string(),
            pictures: object.pictures,
        });
        Self {
            total,
            offset,
            limit,
            next: None,
            objects: objects.collect(),
        }
    }

    /// With the cursor of the next page, where there is one.
    #[must_use]
    pub fn followed_by(self, next: Option<String>) -> Self {
        Self {
            next: Some(next),
            ..self
        }
    }
}

/// One page of the pictures of an object, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectPictures {
    id: String,
    /// How many pictures belong to it.
    total: u64,
    /// How many were skipped.
    offset: u64,
    /// At most so many were asked for.
    limit: u64,
    /// Give this as `cursor` for the next page; null when this was the last.
    #[schema(required, value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Option<String>>,
    images: Vec<Picture>,
}

impl ObjectPictures {
    /// `offset` and `limit` are those that were asked for.
    pub fn new(
        id: &ObjectId,
        total: u64,
        (offset, limit): (u64, u64),
        pictures: Vec<engine::Picture>,
        reader: Reader<'_>,
    ) -> Self {
        let images = pictures.into_iter();
        Self {
            id: id.to_string(),
            total,
            offset,
            limit,
            next: None,
            images: images.map(|one| Picture::new(one, reader)).collect(),
        }
    }

    /// With the cursor of the next page, where there is one.
    #[must_use]
    pub fn followed_by(self, next: Option<String>) -> Self {
        Self {
            next: Some(next),
            ..self
        }
    }
}

/// How many pictures were removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Removed {
    /// How many were removed.
    pub removed: u64,
}

/// What came of removing all pictures that a filter means.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManyRemoved {
    /// How many the filter meant when the request began.
    pub matched: u64,
    /// How many were removed.
    pub removed: u64,
    /// Whether only counting was asked for.
    pub dry_run: bool,
}

/// What came of labelling all pictures that a filter means.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManyChanged {
    /// How many the filter meant when the request began.
    matched: u64,
    /// How many have these labels now.
    changed: u64,
    /// How many would have too many tags, and stay as they were.
    too_many_tags: u64,
    /// Whether only counting was asked for.
    dry_run: bool,
}

impl ManyChanged {
    /// With what was done.
    pub fn new(matched: u64, told: engine::ManyLabelled, dry_run: bool) -> Self {
        Self {
            matched,
            changed: told.changed,
            too_many_tags: told.too_many_tags,
            dry_run,
        }
    }
}

/// The pictures of a hit's object that were found beside it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SameObject {
    /// How many there are.
    total: usize,
    /// Ids of at most a hundred of them, best first.
    image_ids: Vec<String>,
}

impl From<engine::SameObject> for SameObject {
    fn from(others: engine::SameObject) -> Self {
        Self {
            total: others.total,
            image_ids: others.ids.iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(change: Value) -> Result<LabelPatch, String> {
        let change: LabelChange =
            serde_json::from_value(change).map_err(|error| error.to_string())?;
        change.patch()
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn what_is_left_out_stays_and_null_clears() {
        assert!(patch(json!({})).unwrap().is_empty());
        let cleared = patch(json!({"tags": null, "object": null, "metadata": null})).unwrap();
        assert_eq!(cleared.tags, Update::Clear);
        assert_eq!(cleared.object, Update::Clear);
        assert_eq!(cleared.metadata, Update::Clear);
        let set = patch(json!({"tags": ["a"], "add_tags": ["b"]})).unwrap();
        assert_eq!(set.tags, Update::Set(vec![tag("a").unwrap()]));
        assert_eq!(set.add_tags, [tag("b").unwrap()]);
        assert_eq!(set.object, Update::Keep);
        assert!(patch(json!({"metadata": {"a": nested(31)}})).is_ok());
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        for (change, parts) in [
            (json!({"tag": ["a"]}), ["tag", "add_tags"]),
            (json!({"tags": ["a", " b"]}), ["tag", "\" b\""]),
            (json!({"object": ""}), ["object", "200"]),
            (json!({"metadata": [1]}), ["sequence", "map"]),
            (
                json!({"metadata": {"a": "x".repeat(20_000)}}),
                ["metadata", "16384"],
            ),
            (json!({"metadata": {"a": nested(32)}}), ["metadata", "32"]),
        ] {
            let told = patch(change).unwrap_err();
            assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        }
    }

    #[test]
    fn what_can_be_compared_becomes_an_entry() {
        let object = r#"{"year": 1890, "who": "Monet", "sold": true, "size": [1], "x": null,
            "share": 0.5}"#;
        let entries = ["share", "sold", "who", "year"].map(str::to_owned);
        let values = ["0.5", "true", "Monet", "1890"].map(str::to_owned);
        let text = r#"{"share":0.5,"size":[1],"sold":true,"who":"Monet","x":null,"year":1890}"#;
        let expected = Metadata::new(text.into(), entries.into_iter().zip(values).collect());
        assert_eq!(metadata_of(object).ok(), expected);
    }
}
