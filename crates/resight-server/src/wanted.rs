//! Which pictures a request is about: sent with it, named by their ids, or described already.

use axum::body::Bytes;
use resight_engine::{PictureId, Query, is_features_blob};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::intake::{Field, Sent, bad_body};
use super::params::picture_id;
use super::problem::Problem;
use crate::wire::{StoredPair, StoredQuery};

/// One picture.
pub(crate) enum Wanted {
    /// A picture's file, or features.
    Sent(Bytes),
    /// A stored picture.
    Stored(PictureId),
    /// One at an address, which is fetched before it is searched by.
    Address(String),
}

impl Wanted {
    pub(crate) fn query(&self) -> Query<'_> {
        match self {
            Self::Sent(bytes) if is_features_blob(bytes) => Query::Features(bytes),
            Self::Sent(bytes) => Query::Bytes(bytes),
            Self::Stored(id) => Query::Stored(id),
            // Fetched by `fetched`.
            Self::Address(_) => Query::Bytes(&[]),
        }
    }

    /// A file, or the id of a stored picture as text.
    fn of(field: Field) -> Result<Self, Problem> {
        if field.is_file() {
            return Ok(Self::Sent(field.bytes));
        }
        let text = std::str::from_utf8(&field.bytes)
            .map_err(|_| bad_body(&format!("The field {} is not text", field.name)))?;
        picture_id(&field.name, text.trim()).map(Self::Stored)
    }
}

/// The filter of a search as JSON has it.
type JsonFilter = Option<Map<String, Value>>;

/// The pictures of a search, in their order, and its filter where JSON has one.
pub(crate) fn queries(sent: Sent) -> Result<(Vec<Wanted>, JsonFilter), Problem> {
    let unfiltered = |wanted| Ok((wanted, None));
    match sent {
        Sent::Raw(field) => unfiltered(vec![Wanted::Sent(field.bytes)]),
        Sent::Json(body) => {
            let form = "{\"image_id\": \"…\"}, {\"image_ids\": [\"…\"]} or {\"url\": \"…\"}";
            let StoredQuery {
                image_id,
                image_ids,
                url,
                filter,
            } = json(&body, form)?;
            let named = match (image_id, &*image_ids, url) {
                (None, [], Some(url)) => return Ok((vec![Wanted::Address(url)], filter)),
                (Some(id), [], None) => vec![("image_id", id)],
                (None, [_, ..], None) => {
                    image_ids.into_iter().map(|id| ("image_ids", id)).collect()
                }
                _ => {
                    return Err(bad_body(&format!("The JSON is not of the form {form}")));
                }
            };
            let named = named
                .into_iter()
                .map(|(name, id)| picture_id(name, &id).map(Wanted::Stored));
            Ok((named.collect::<Result<_, _>>()?, filter))
        }
        Sent::Form(fields) => {
            let mut found = Vec::new();
            for field in fields {
                match &*field.name {
                    "file" => found.push(Wanted::Sent(field.bytes)),
                    "image_id" => found.push(Wanted::of(field)?),
                    other => {
                        return Err(bad_body(&format!(
                            "The form has a field named {other:?}; file and image_id are known"
                        )));
                    }
                }
            }
            match found.is_empty() {
                true => Err(bad_body("The form has no field named file or image_id")),
                false => unfiltered(found),
            }
        }
        Sent::Nothing => unfiltered(Vec::new()),
    }
}

/// The two pictures of a comparison.
pub(crate) fn pair(sent: Sent) -> Result<[Wanted; 2], Problem> {
    match sent {
        Sent::Json(body) => {
            let StoredPair { a, b } = json(&body, "{\"a\": \"…\", \"b\": \"…\"}")?;
            Ok([
                Wanted::Stored(picture_id("a", &a)?),
                Wanted::Stored(picture_id("b", &b)?),
            ])
        }
        Sent::Form(fields) => {
            let (mut a, mut b) = (None, None);
            for field in fields {
                let side = match &*field.name {
                    "a" => &mut a,
                    "b" => &mut b,
                    other => {
                        return Err(bad_body(&format!(
                            "The form has a field named {other:?}; a and b are known"
                        )));
                    }
                };
                if side.is_some() {
                    return Err(bad_body(&format!(
                        "The form has the field {} twice",
                        field.name
                    )));
                }
                *side = Some(Wanted::of(field)?);
            }
            match (a, b) {
                (Some(a), Some(b)) => Ok([a, b]),
                _ => Err(bad_body("The form must have the fields a and b")),
            }
        }
        Sent::Raw(_) | Sent::Nothing => Err(bad_body(
            "Two pictures are compared: send a form with the fields a and b, or JSON with two ids",
        )),
    }
}

/// A JSON body as what it stands for; `form` is shown where it cannot.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8], form: &str) -> Result<T, Problem> {
    object(body).map_err(|why| bad_body(&format!("The JSON is not of the form {form}: {why}")))
}

/// A JSON object as what it stands for. serde would take an array of its fields' values as well.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err("it is an array and not an object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
