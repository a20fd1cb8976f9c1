//! Which pictures a request is about: conditions on labels, names, sizes, times and folders.

use std::collections::BTreeMap;

use resight_app::Code;
use resight_engine::{Between, Filter, ObjectId, Tag, WEAK_BELOW};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::access::Caller;
use super::intake::bad_body;
use super::labels::{OfLabels, values};
use super::moment::Moment;
use super::params::{Flag, MAX_OFFSET, Whole, bad};
use super::problem::Problem;

/// What the names of parameters begin with that stand for an entry of the metadata.
const ENTRY: &str = "meta.";
/// The same in JSON, where it is an object.
const ENTRIES: &str = "meta";
/// Most characters of the beginning of a tag or a name, of a folder, and of a media type.
pub(crate) const PREFIX_CHARS: usize = 255;
pub(crate) const FOLDER_CHARS: usize = 4096;
pub(crate) const MEDIA_TYPE_CHARS: usize = 100;

/// A whole number of a file or a picture.
type Number = Whole<0, MAX_OFFSET>;

/// Which pictures a request is about; without any of these, all of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filters {
    /// Only pictures with this tag; given several times, with all of them
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    tag: Vec<OfLabels<Tag>>,
    /// Only pictures with one of these tags at least; may be given several times
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    any_tag: Vec<OfLabels<Tag>>,
    /// Only pictures without this tag; may be given several times
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    not_tag: Vec<OfLabels<Tag>>,
    /// Only pictures with a tag that begins so; given several times, with one for each
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    tag_prefix: Vec<String>,
    /// Only pictures of this object
    #[param(value_type = Option<String>)]
    object: Option<OfLabels<ObjectId>>,
    /// With `true`, only pictures with fewer than 50 features, of which next to nothing can be found
    #[param(value_type = Option<bool>)]
    weak: Option<Flag>,
    /// Only pictures whose name begins so
    name_prefix: Option<String>,
    /// Only pictures with a file in this folder of the server or below it; given several times, in one of them. For
    /// keys with the scope admin
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    folder: Vec<String>,
    /// Only files of this media type, as `image/jpeg`; given several times, of one of them
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    media_type: Vec<String>,
    /// With `true`, only pictures that `/v1/duplicates` found to be the same thing as another one, and those that are in
    /// several files
    #[param(value_type = Option<bool>)]
    paired: Option<Flag>,
    /// Only files of so many bytes at least
    #[param(value_type = Option<u64>)]
    min_bytes: Option<Number>,
    /// Only files of so many bytes at most
    #[param(value_type = Option<u64>)]
    max_bytes: Option<Number>,
    /// Only pictures so wide at least, in pixels
    #[param(value_type = Option<u64>)]
    min_width: Option<Number>,
    /// Only pictures so wide at most
    #[param(value_type = Option<u64>)]
    max_width: Option<Number>,
    /// Only pictures so high at least
    #[param(value_type = Option<u64>)]
    min_height: Option<Number>,
    /// Only pictures so high at most
    #[param(value_type = Option<u64>)]
    max_height: Option<Number>,
    /// Only pictures added then or later: a year, a month, a day, or a time as in RFC 3339, in UTC where it says nothing else
    #[param(value_type = Option<String>)]
    added_after: Option<Moment>,
    /// Only pictures added before
    #[param(value_type = Option<String>)]
    added_before: Option<Moment>,
    /// Only pictures taken then or later, as their Exif states it; those without a time are left out
    #[param(value_type = Option<String>)]
    taken_after: Option<Moment>,
    /// Only pictures taken before
    #[param(value_type = Option<String>)]
    taken_before: Option<Moment>,
    /// Only pictures whose metadata has this value at KEY, which may be any; numbers, true and false as JSON writes them
    #[serde(flatten)]
    #[param(rename = "meta.KEY", value_type = Option<String>)]
    entries: Entries,
}

impl Filters {
    /// Refuses more conditions than a filter may have, and folders of the server to callers that are no admins.
    pub(crate) fn filter(self, caller: &Caller) -> Result<Filter, Problem> {
        if !self.folder.is_empty() && !caller.is_admin() {
            let detail = "The parameter folder is for keys with the scope admin.";
            return Err(Problem::new(Code::KeyNotAllowed, detail));
        }
        let texts = self.tag_prefix.iter().map(|text| ("tag_prefix", text));
        let texts = texts.chain(self.name_prefix.iter().map(|text| ("name_prefix", text)));
        let texts = texts.map(|(name, text)| (name, text, PREFIX_CHARS));
        let folders = self
            .folder
            .iter()
            .map(|text| ("folder", text, FOLDER_CHARS));
        let types = self.media_type.iter();
        let types = types.map(|text| ("media_type", text, MEDIA_TYPE_CHARS));
        for (name, text, most) in texts.chain(folders).chain(types) {
            if text.is_empty() || text.chars().count() > most {
                let what = format!("must have 1 to {most} characters");
                return Err(bad(name, &what));
            }
        }
        for (name, flag) in [("weak", &self.weak), ("paired", &self.paired)] {
            if flag.as_ref().is_some_and(|flag| !flag.0) {
                // Ignored, it would choose those that meet the condition as well.
                return Err(bad(name, &"must be true, or be left out"));
            }
        }
        let filter = Filter {
            tags: values(self.tag),
            not_tags: values(self.not_tag),
            object: self.object.map(|object| object.0),
            entries: self.entries.0,
            features_below: self.weak.filter(|weak| weak.0).map(|_| WEAK_BELOW),
            any_tags: values(self.any_tag),
            tag_prefixes: self.tag_prefix,
            name_prefix: self.name_prefix,
            folders: self.folder,
            media_types: self.media_type,
            paired: self.paired.is_some_and(|paired| paired.0),
            bytes: between(self.min_bytes, self.max_bytes),
            width: between(self.min_width, self.max_width),
            height: between(self.min_height, self.max_height),
            added_ms: moments(self.added_after, self.added_before),
            taken_ms: moments(self.taken_after, self.taken_before),
        };
        if filter.conditions() > Filter::MOST {
            let most = Filter::MOST;
            let detail = format!(
                "tag, any_tag, not_tag, tag_prefix, folder, media_type and meta.KEY may be given at most {most} times in all."
            );
            return Err(Problem::new(Code::BadParameter, detail));
        }
        Ok(filter)
    }
}

/// From the least to the most, both included.
fn between(least: Option<Number>, most: Option<Number>) -> Between {
    let number = |number: Number| i64::try_from(number.value()).unwrap_or(i64::MAX);
    Between {
        least: least.map(number),
        below: most.map(|most| number(most).saturating_add(1)),
    }
}

fn moments(after: Option<Moment>, before: Option<Moment>) -> Between {
    Between {
        least: after.map(|moment| moment.0),
        below: before.map(|moment| moment.0),
    }
}

/// The values of a parameter that is given once or several times.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

/// `meta.KEY=VALUE`, any number of times, as keys and values in the order given.
struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut entries = Vec::new();
        for (name, values) in BTreeMap::<String, OneOrSeveral>::deserialize(from)? {
            if let Some(key) = name.strip_prefix(ENTRY) {
                let values = match values {
                    OneOrSeveral::One(value) => vec![value],
                    OneOrSeveral::Several(values) => values,
                };
                entries.extend(values.into_iter().map(|value| (key.to_owned(), value)));
            }
        }
        Ok(Self(entries))
    }
}

/// A filter as a JSON object, as the parameters of the same names.
pub(crate) fn parameters(filter: &Map<String, Value>) -> Result<Vec<(String, String)>, Problem> {
    let mut found = Vec::new();
    for (name, value) in filter {
        match value {
            Value::Object(entries) if name == ENTRIES => {
                if entries.is_empty() {
                    return Err(bad_body("\"meta\" in the filter is empty"));
                }
                for (key, value) in entries {
                    put(&mut found, format!("{ENTRY}{key}"), value)?;
                }
            }
            // Only within `meta`.
            _ if name.starts_with(ENTRY) => {
                return Err(bad_body(&format!(
                    "The filter has {name:?}; write meta as an object"
                )));
            }
            _ => put(&mut found, name.clone(), value)?,
        }
    }
    Ok(found)
}

fn put(found: &mut Vec<(String, String)>, name: String, value: &Value) -> Result<(), Problem> {
    let single = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let all: Option<Vec<String>> = match value {
        Value::Array(several) => several.iter().map(single).collect(),
        one => single(one).map(|one| vec![one]),
    };
    if all.as_ref().is_some_and(Vec::is_empty) {
        // Left out, it would choose all pictures.
        return Err(bad_body(&format!(
            "{name:?} in the filter is an empty list"
        )));
    }
    let Some(all) = all else {
        let detail =
            format!("{name:?} in the filter is no text, number, true, false or list of them");
        return Err(bad_body(&detail));
    };
    found.extend(all.into_iter().map(|value| (name.clone(), value)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::params::Params;

    fn of(filter: Value) -> Result<Filter, String> {
        let told = |problem: Problem| problem.message();
        let given = parameters(filter.as_object().unwrap()).map_err(told)?;
        let mut params = Params::from(given);
        let filters: Filters = params.take().map_err(told)?;
        params.finish().map_err(told)?;
        filters.filter(&Caller::Anyone).map_err(told)
    }

    #[test]
    fn a_filter_in_json_is_that_of_the_parameters() {
        let given = json!({
            "tag": ["a", "b"], "any_tag": "c", "weak": true, "min_width": 10, "max_bytes": 99,
            "taken_after": "1969", "meta": {"year": 1890, "who": ["x", "y"]}, "name_prefix": "IMG",
            "media_type": ["image/jpeg", "image/png"], "paired": true,
        });
        let query = "tag=a&tag=b&any_tag=c&weak=true&min_width=10&max_bytes=99&taken_after=1969\
                     &meta.who=x&meta.who=y&meta.year=1890&name_prefix=IMG&media_type=image/jpeg\
                     &media_type=image/png&paired=true";
        let mut params = Params::parse(query).ok().unwrap();
        let filters: Filters = params.take().ok().unwrap();
        let filter = filters.filter(&Caller::Anyone).ok().unwrap();
        assert_eq!(of(given), Ok(filter.clone()));
        assert_eq!(filter.bytes.below, Some(100), "max_bytes is included");
        assert_eq!(filter.taken_ms.least, Some(-31_536_000_000));
        for (wrong, part) in [
            (json!({"tag": null}), "no text"),
            (json!({"tag": [["a"]]}), "no text"),
            (json!({"meta.year": "1"}), "object"),
            (json!({"meta": 1}), "not known"),
            (json!({"size": 1}), "not known"),
            (json!({"min_width": -1}), "min_width"),
            (json!({"tag_prefix": ""}), "tag_prefix"),
            (json!({"added_before": "yesterday"}), "added_before"),
            (json!({"any_tag": vec!["a"; 65]}), "64"),
            (json!({"tag": []}), "empty"),
            (json!({"tga": []}), "empty"),
            (json!({"meta": {}}), "empty"),
            (json!({"weak": false}), "weak"),
            (json!({"paired": false}), "paired"),
            (json!({"media_type": ""}), "media_type"),
        ] {
            let told = of(wrong).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn only_admins_name_folders() {
        let filters = || -> Filters {
            Params::parse("folder=/p")
                .ok()
                .unwrap()
                .take()
                .ok()
                .unwrap()
        };
        assert!(filters().filter(&Caller::Anyone).is_ok());
        let refused = filters().filter(&Caller::Unknown).unwrap_err();
        assert_eq!(refused.code(), Code::KeyNotAllowed);
    }
}
