//! The forms of parameters and bodies in the description of the API: patterns, names and bounds of what is refused
//! otherwise. They stand here once for all operations, beside the description's own texts.

use resight_app::jobs::JobKind;
use resight_app::keys::Scope;
use resight_engine::{Mode, ObjectId, PairKind, RefusedCode, Tag};
use resight_store::JobState;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr};

use super::collections::operations;
use super::duplicates::MOST_MEMBERS;
use super::filters::{FOLDER_CHARS, MEDIA_TYPE_CHARS, PREFIX_CHARS};
use super::listing::SORTS;
use super::params::MAX_OFFSET;

/// A picture's id.
const ID: &str = "^[0-9a-f]{32}$";
/// Ids of pictures, separated by commas.
const IDS: &str = "^[0-9a-f]{32}(,[0-9a-f]{32})*$";
/// A collection's name.
const COLLECTION: &str = "^[a-z0-9][a-z0-9_-]{0,62}$";
/// Four numbers, in pixels or percent, of which the last two are above 0.
const REGION: &str =
    "^(pct:)?[0-9.eE+-]+,[0-9.eE+-]+(,[+]?[0-9.]*[1-9][0-9.]*([eE][+-]?[0-9]+)?){2}$";
/// What `next` of a page has.
const CURSOR: &str = "^[0-9a-f]+$";

/// A day, or a part of a year, or a moment.
const MOMENT: &str = "^(182[6-9]|18[3-9][0-9]|19[0-9]{2}|[2-9][0-9]{3})(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])\
    ([Tt]([01][0-9]|2[0-3])(:[0-5][0-9]){2}([.][0-9]*)?([Zz]|[+ -]([01][0-9]|2[0-3]):[0-5][0-9]))?)?)?$";

/// Gives each parameter and each field of a body its form.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    restrict(parameter, path == "/v1/jobs");
                }
            }
        }
    }
    let schemas = document.components.get_or_insert_default();
    for (name, schema) in &mut schemas.schemas {
        let RefOr::T(Schema::Object(body)) = schema else {
            continue;
        };
        for (field, schema) in &mut body.properties {
            let RefOr::T(schema) = schema else {
                continue;
            };
            open_up(schema);
            if name == "LabelChange" {
                without_default(schema);
            }
            if let Some(value) = value_of(schema) {
                restrict_field(name, field, value);
            }
        }
    }
}

/// An object of which nothing is said may have anything in it; generators take it for an empty one.
fn open_up(schema: &mut Schema) {
    if let Schema::Object(object) = schema {
        let is_object = match &object.schema_type {
            SchemaType::Type(kind) => *kind == Type::Object,
            SchemaType::Array(kinds) => kinds.contains(&Type::Object),
            SchemaType::AnyValue => false,
        };
        if is_object && object.properties.is_empty() {
            let anything = AdditionalProperties::FreeForm(true);
            object
                .additional_properties
                .get_or_insert(Box::new(anything));
        }
    }
}

/// What is left out of a change stays; a default of null would say that it is cleared.
fn without_default(schema: &mut Schema) {
    match schema {
        Schema::Object(value) => value.default = None,
        Schema::Array(all) => all.default = None,
        _ => {}
    }
}

/// Fields of bodies; those of answers have what was taken.
fn restrict_field(body: &str, field: &str, value: &mut Object) {
    match (body, field) {
        ("LabelChange" | "PictureAtAddress", "tags" | "add_tags" | "remove_tags")
        | ("RulesWanted" | "RulesShown", "tags") => chars(value, Tag::MAX_CHARS),
        ("DownloadWanted", "ids") | ("GroupWanted", "keep" | "remove") => {
            value.pattern = Some(ID.to_owned())
        }
        ("LabelChange" | "PictureAtAddress", "object") => chars(value, ObjectId::MAX_CHARS),
        ("StoredQuery", "image_id" | "image_ids") | ("StoredPair" | "TwoPictures", "a" | "b") => {
            value.pattern = Some(ID.to_owned());
        }
        ("JobWanted" | "FolderWanted", "collection") => value.pattern = Some(COLLECTION.to_owned()),
        ("JobWanted", "kind") => one_of(value, &JobKind::ALL.map(JobKind::as_str)),
        ("KeyWanted", "scopes") => one_of(value, &Scope::ALL.map(Scope::as_str)),
        ("CollectionRenamed", "name") | ("KeyWanted", "collections") => {
            value.pattern = Some(COLLECTION.to_owned())
        }
        _ => {}
    }
}

fn restrict(parameter: &mut Parameter, of_jobs: bool) {
    let Some(RefOr::T(schema)) = &mut parameter.schema else {
        return;
    };
    let Some(value) = value_of(schema) else {
        return;
    };
    let in_path = matches!(parameter.parameter_in, ParameterIn::Path);
    match (&*parameter.name, in_path) {
        ("id", true) | ("image_id", false) => value.pattern = Some(ID.to_owned()),
        ("id", false) => value.pattern = Some(IDS.to_owned()),
        ("collection", true) => value.pattern = Some(COLLECTION.to_owned()),
        ("region", false) => value.pattern = Some(REGION.to_owned()),
        ("cursor", false) => value.pattern = Some(CURSOR.to_owned()),
        ("kind", false) if of_jobs => one_of(value, &JobKind::ALL.map(JobKind::as_str)),
        ("state", false) if of_jobs => one_of(value, &JobState::ALL.map(JobState::as_str)),
        ("of", false) if of_jobs => value.pattern = Some(COLLECTION.to_owned()),
        ("mode", false) => one_of(value, &Mode::NAMES),
        ("kind", false) => one_of(value, &PairKind::ALL.map(PairKind::as_str)),
        ("code", false) => one_of(value, &RefusedCode::ALL.map(RefusedCode::as_str)),
        ("sort", false) => one_of(value, &SORTS),
        ("group_by", false) => one_of(value, &["object"]),
        ("tag" | "not_tag" | "any_tag", false) => chars(value, Tag::MAX_CHARS),
        ("tag_prefix" | "name_prefix", false) => chars(value, PREFIX_CHARS),
        ("folder", false) => chars(value, FOLDER_CHARS),
        ("media_type", false) => chars(value, MEDIA_TYPE_CHARS),
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
