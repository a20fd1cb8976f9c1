//! The forms of parameters in the description of the API: patterns, names and bounds of what is refused
//! otherwise. They stand here once for all operations, beside the description's own texts.

use resight_engine::{Mode, ObjectId, PairKind, RefusedCode, Tag};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, Object, Schema};
use utoipa::openapi::{OpenApi, RefOr};

use super::collections::operations;
use super::duplicates::MOST_MEMBERS;
use super::filters::{FOLDER_CHARS, PREFIX_CHARS};
use super::listing::SORTS;
use super::params::MAX_OFFSET;

/// A picture's id.
const ID: &str = "^[0-9a-f]{32}$";
/// A collection's name.
const COLLECTION: &str = "^[a-z0-9][a-z0-9_-]{0,62}$";
/// Four numbers, in pixels or percent.
const REGION: &str = "^(pct:)?[0-9.eE+-]+(,[0-9.eE+-]+){3}$";

/// A day, or a part of a year, or a moment.
const MOMENT: &str =
    "^[0-9]{4}(-[0-9]{2}(-[0-9]{2}([Tt][0-9:.]+([Zz]|[+ -][0-9]{2}:[0-9]{2}))?)?)?$";

/// Gives each parameter its form.
pub(crate) fn describe(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    restrict(parameter);
                }
            }
        }
    }
}

fn restrict(parameter: &mut Parameter) {
    let Some(RefOr::T(schema)) = &mut parameter.schema else {
        return;
    };
    let Some(value) = value_of(schema) else {
        return;
    };
    let in_path = matches!(parameter.parameter_in, ParameterIn::Path);
    match (&*parameter.name, in_path) {
        ("id", true) | ("image_id", false) => value.pattern = Some(ID.to_owned()),
        ("collection", true) => value.pattern = Some(COLLECTION.to_owned()),
        ("region", false) => value.pattern = Some(REGION.to_owned()),
        ("mode", false) => one_of(value, &Mode::NAMES),
        ("kind", false) => one_of(value, &PairKind::ALL.map(PairKind::as_str)),
        ("code", false) => one_of(value, &RefusedCode::ALL.map(RefusedCode::as_str)),
        ("sort", false) => one_of(value, &SORTS),
        ("group_by", false) => one_of(value, &["object"]),
        ("tag" | "not_tag" | "any_tag", false) => chars(value, Tag::MAX_CHARS),
        ("tag_prefix" | "name_prefix", false) => chars(value, PREFIX_CHARS),
        ("folder", false) => chars(value, FOLDER_CHARS),
        (
            "min_bytes" | "max_bytes" | "min_width" | "max_width" | "min_height" | "max_height",
            false,
        ) => {
            value.maximum = Some(MAX_OFFSET.into());
        }
        ("added_after" | "added_before" | "taken_after" | "taken_before", false) => {
            value.pattern = Some(MOMENT.to_owned());
        }
        ("object", _) => chars(value, ObjectId::MAX_CHARS),
        ("offset", false) => value.maximum = Some(MAX_OFFSET.into()),
        ("min_size", false) => value.maximum = Some(MOST_MEMBERS.into()),
        _ => {}
    }
}

/// The schema of one value: of a parameter that may be given several times, that of each.
fn value_of(schema: &mut Schema) -> Option<&mut Object> {
    match schema {
        Schema::Object(value) => Some(value),
        Schema::Array(all) => match &mut all.items {
            ArrayItems::RefOrSchema(each) => match &mut **each {
                RefOr::T(Schema::Object(value)) => Some(value),
                _ => None,
            },
            ArrayItems::False => None,
        },
        _ => None,
    }
}

fn one_of(value: &mut Object, names: &[&str]) {
    value.enum_values = Some(names.iter().map(|&name| name.into()).collect());
}

fn chars(value: &mut Object, most: usize) {
    (value.min_length, value.max_length) = (Some(1), Some(most));
}
