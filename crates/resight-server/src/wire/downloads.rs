//! What a download of many pictures is asked for by.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Which pictures are sent: one of `ids`, `filter` and `all`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct DownloadWanted {
    /// Their ids.
    pub(crate) ids: Option<Vec<String>>,
    /// Conditions, as the parameters of a list of pictures.
    #[schema(value_type = Option<Object>)]
    pub(crate) filter: Option<Map<String, Value>>,
    /// All pictures.
    #[serde(default)]
    pub(crate) all: bool,
    /// Name of the archive, without its ending.
    pub(crate) name: Option<String>,
}

/// The same as a form, with the names of the parameters of the address; conditions stand beside these.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes a form, whose fields are read one by one"
)]
pub(crate) struct DownloadForm {
    /// Ids, separated by commas; may be given several times.
    id: Option<String>,
    /// All pictures.
    all: Option<bool>,
    /// Name of the archive, without its ending.
    name: Option<String>,
}
