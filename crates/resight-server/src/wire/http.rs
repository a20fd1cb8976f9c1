//! What only the HTTP API reads and writes.

use std::collections::HashMap;

use resight_engine as engine;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::duplicates::StoredPath;
use super::told_apart::told_apart;
use super::{Picture, Reader, RefusedFile};

/// The picture that was sent, now stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AddedPicture {
    #[serde(flatten)]
    picture: Picture,
    /// Whether exactly this file was stored before.
    already_present: bool,
}

impl AddedPicture {
    pub(crate) fn new(added: engine::Added, reader: Reader<'_>) -> Self {
        Self {
            picture: Picture::new(added.picture, reader),
            already_present: added.already_there,
        }
    }
}

/// A picture, and where its files lie on the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PictureAndPaths {
    #[serde(flatten)]
    picture: Picture,
    /// The folder of the first of its paths; null where it has none, as an upload, and for keys without the scope
    /// admin.
    #[schema(required, example = "/home/me/Pictures/2019")]
    folder: Option<String>,
    /// Its paths: files that are there first, then further paths to them; for keys without the scope admin the last
    /// names, as few as tell them apart. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte.
    paths: Vec<StoredPath>,
}

impl PictureAndPaths {
    /// With whole paths for an admin.
    pub(crate) fn new(picture: engine::Picture, reader: Reader<'_>, is_admin: bool) -> Self {
        let paths = engine::source_paths(&picture.sources);
        let short = match is_admin {
            true => HashMap::new(),
            false => told_apart(paths.iter().map(|one| &*one.path)),
        };
        let first = paths.first().filter(|_| is_admin);
        let folder = first.and_then(|first| {
            let path = engine::path_of_text(&first.path);
            path.parent().and_then(engine::path_text)
        });
        Self {
            picture: Picture::new(picture, reader),
            folder,
            paths: paths
                .into_iter()
                .map(|one| StoredPath::new(one, &short))
                .collect(),
        }
    }
}

/// Whether the server answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    pub(crate) status: &'static str,
}

/// The form of answer that the original project gave.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LegacyAnswer {
    /// 200, or the HTTP status of the failure.
    pub(crate) code: u16,
    /// `success`, or what went wrong.
    pub(crate) msg: String,
    /// Number of pictures; null after a failure.
    #[schema(required)]
    pub(crate) data: Option<u64>,
}

/// One page of the files that could not be taken in, by path.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedList {
    pub(crate) refused: Vec<RefusedFile>,
    /// Give this as `after` for the next page; null when this was the last.
    #[schema(required)]
    pub(crate) next: Option<String>,
}

/// A search by pictures that are stored already, which are left out of the results, or by one at an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredQuery {
    /// Id of the picture.
    pub(crate) image_id: Option<String>,
    /// In place of it, ids of at most 10 pictures of one thing.
    #[serde(default)]
    pub(crate) image_ids: Vec<String>,
    /// In place of both, the address of a picture, which the server fetches where it was started so.
    pub(crate) url: Option<String>,
    /// Only pictures that these conditions choose: as the parameters of the same names, lists for several values,
    /// and `meta` as an object. In place of parameters in the address.
    #[schema(value_type = Option<Object>)]
    pub(crate) filter: Option<Map<String, Value>>,
}

/// A picture to add that is at an address, which the server fetches where it was started so.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PictureAtAddress {
    /// Of http or https, on the public internet.
    pub(crate) url: String,
    /// The name to show; the last one of the address otherwise.
    pub(crate) name: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// The object it belongs to.
    pub(crate) object: Option<String>,
    /// Its metadata.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// Two stored pictures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredPair {
    /// Id of the first.
    pub(crate) a: String,
    /// Id of the second.
    pub(crate) b: String,
}

/// A form with pictures of one thing.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the form itself is read as it arrives"
)]
pub(crate) struct PicturesForm {
    /// A picture's file, or features that `/v1/features` gave; may be given several times.
    #[schema(value_type = Vec<String>, format = Binary, required = false)]
    file: Vec<FileBytes>,
    /// Id of a stored picture; may be given several times.
    #[schema(required = false)]
    image_id: Vec<String>,
}

/// A form with two pictures.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the form itself is read as it arrives"
)]
pub(crate) struct PairForm {
    /// The first picture's file, or a stored picture's id as a text field.
    #[schema(value_type = String, format = Binary)]
    a: FileBytes,
    /// The second picture's file, or a stored picture's id as a text field.
    #[schema(value_type = String, format = Binary)]
    b: FileBytes,
}

/// A form with one file.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the form itself is read as it arrives"
)]
pub(crate) struct PictureForm {
    /// The picture's file.
    #[schema(value_type = String, format = Binary)]
    file: FileBytes,
}

/// A form with one file or several, of which some may be archives. Fields named `tag`, `object` and `metadata` say
/// what the parameters of these names do, for all files. A field named `labels` has a JSON object a line for single
/// files: `file` (its name; without it lines are in the order of the files), `name`, `tags`, `object`, `metadata`.
/// With several files these fields come first.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "describes the form; the form itself is read as it arrives"
)]
pub(crate) struct AdditionForm {
    /// The files.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<FileBytes>,
}

/// A file's bytes. A list of numbers, as which `Vec<u8>` is described, is what JSON would have.
pub(crate) struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(Type::String);
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        bytes.format(Some(binary)).into()
    }
}

impl ToSchema for FileBytes {}

/// An error of a plug-in's function, whose author may have given any detail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginProblem {
    /// Address of the code in the list of errors.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What the code means; the same for every occurrence.
    pub(crate) title: String,
    /// The answer's HTTP status.
    pub(crate) status: u16,
    /// What went wrong this time: a text, or any value of an author's `HTTPException`.
    pub(crate) detail: Value,
    /// Stable identifier for programs.
    pub(crate) code: String,
    /// What to do now.
    pub(crate) next_step: String,
    /// Python's traceback or the worker's last lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceback: Option<String>,
}

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Address of the code in the list of errors.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What the code means; the same for every occurrence.
    pub(crate) title: String,
    /// The answer's HTTP status.
    pub(crate) status: u16,
    /// What went wrong this time.
    pub(crate) detail: String,
    /// Stable identifier for programs.
    pub(crate) code: String,
    /// What to do now.
    pub(crate) next_step: String,
    /// Python's traceback or the worker's last lines, where a plug-in failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceback: Option<String>,
}
