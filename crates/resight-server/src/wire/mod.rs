//! The JSON that other programs read, from the command line and over HTTP alike. The engine's own
//! values are not serialisable on purpose, so they can change without what programs read changing.
//!
//! Invariant: over HTTP only the answer about one picture (`PictureAndPaths`) and that to resolving duplicates tell where
//! files lie on the server, and only an admin where keys are asked for. Of lists and hits, only [`Reader::Local`] learns paths; of
//! paths in a group of duplicates, other readers learn the last names, as few as tell them apart.

mod bulk;
mod collections;
mod comparison;
mod downloads;
mod duplicates;
mod facts;
mod http;
mod jobs;
mod keys;
mod labels;
mod resolving;
mod search;
mod storage;
mod told_apart;
mod webhooks;

use std::time::{Duration, UNIX_EPOCH};

use resight_engine as engine;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub(crate) use bulk::{AddedOrMany, BulkAnswer, BulkSummary, FileOutcome};
pub(crate) use collections::CollectionRenamed;
pub use collections::{Collection, CollectionList, address_of};
pub use comparison::Comparison;
pub(crate) use downloads::{DownloadForm, DownloadWanted};
pub use duplicates::{Decision, DuplicateList, NotAMatchList, TwoPictures, state_name};
pub(crate) use facts::{ExifList, MediaTypeList};
pub(crate) use http::{
    AddedPicture, AdditionForm, FileBytes, Health, LegacyAnswer, PairForm, PictureAndPaths,
    PictureAtAddress, PictureForm, PicturesForm, PluginProblem, ProblemBody, RefusedList,
    StoredPair, StoredQuery,
};
pub use jobs::{
    FolderList, FolderShown, JobList, JobRefused, JobRefusedList, JobShown, RulesShown,
};
pub(crate) use jobs::{FolderWanted, JobWanted, RulesWanted};
pub use keys::{KeyList, KeyMade, KeyPresented};
pub(crate) use keys::{KeyWanted, SessionState, SessionWanted};
pub use labels::{
    LabelChange, ManyChanged, ManyRemoved, ObjectList, ObjectPictures, Removed, metadata_of,
    object_id, tag,
};
pub(crate) use resolving::{FilesWanted, GroupWanted, ResolveWanted, UndoWanted};
pub use resolving::{ResolutionList, ResolutionShown, ResolveAnswer, UndoAnswer};
pub use search::SearchAnswer;
pub use storage::StorageShown;
pub(crate) use webhooks::WebhookWanted;
pub use webhooks::{WebhookList, WebhookMade, WebhookShown};

/// Who reads the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader<'a> {
    /// The user who ran a command on this machine, and so may know where files lie. A server has
    /// pictures below this address, as in `/v1`.
    Local(&'a str),
    /// A client over HTTP, which may not. It finds pictures below this address.
    Remote(&'a str),
}

/// A stored picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct Picture {
    /// 32 lower-case hexadecimal characters, derived from the file's bytes.
    #[schema(example = "0123456789abcdef0123456789abcdef")]
    id: String,
    /// Name to show, usually the file's name.
    name: String,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
    /// Pages or frames of the file, of which at most 32 are searched; null where the picture was stored by a
    /// version that did not count them.
    #[schema(required)]
    pages: Option<u32>,
    /// Bits a sample of the file, of a raw file those of the sensor; null as above.
    #[schema(required)]
    depth: Option<u8>,
    /// Length of the file in bytes.
    bytes: u64,
    /// Media type of the file, found from its content.
    #[schema(example = "image/jpeg")]
    media_type: String,
    /// Number of local features by which it can be found.
    features: u32,
    /// When it was added (RFC 3339, UTC).
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    added: String,
    /// When it was taken, as its Exif states it (RFC 3339, UTC); null where it does not, or was not asked yet. A time
    /// without its difference to UTC counts as UTC.
    #[schema(required, format = DateTime, example = "2019-07-31T12:00:00Z")]
    taken: Option<String>,
    /// Its tags, ascending.
    tags: Vec<String>,
    /// The object it belongs to; null where it belongs to none.
    #[schema(required)]
    object: Option<String>,
    /// Its metadata; null where there is none.
    #[schema(required, value_type = Option<Object>)]
    metadata: Option<Value>,
    /// Address of a small JPEG of it.
    thumbnail: String,
    /// Address of its file.
    file: String,
    /// Files with this content, absolute; for a local reader only.
    #[schema(ignore)]
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<String>>,
    /// Whether its bytes are kept in the data folder; for a local reader only.
    #[schema(ignore)]
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded: Option<bool>,
}

impl Picture {
    /// `reader` decides on the address of the picture and whether paths are told.
    pub fn new(picture: engine::Picture, reader: Reader<'_>) -> Self {
        let id = picture.id.to_string();
        let (is_local, base) = match reader {
            Reader::Local(base) => (true, base),
            Reader::Remote(base) => (false, base),
        };
        let labels = picture.labels;
        Self {
            thumbnail: format!("{base}/images/{id}/thumbnail"),
            file: format!("{base}/images/{id}/file"),
            id,
            name: picture.name,
            width: picture.width,
            height: picture.height,
            pages: picture.pages,
            depth: picture.depth,
            bytes: picture.byte_len,
            media_type: picture.media_type,
            features: picture.features,
            added: timestamp(picture.added_ms),
            taken: picture.taken_ms.map(moment),
            tags: labels.tags.iter().map(ToString::to_string).collect(),
            object: labels.object.map(|object| object.to_string()),
            // Written by us from JSON.
            metadata: labels
                .metadata
                .and_then(|text| serde_json::from_str(&text).ok()),
            paths: is_local.then_some(picture.sources),
            uploaded: is_local.then_some(picture.uploaded),
        }
    }
}

/// One page of the stored pictures.
#[derive(Debug, Serialize, ToSchema)]
pub struct PictureList {
    /// Number of pictures in all.
    total: u64,
    /// How many were skipped.
    offset: u64,
    /// How many were asked for at most.
    limit: u64,
    /// Give this as `cursor` for the next page; null when this was the last.
    #[schema(required, value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Option<String>>,
    images: Vec<Picture>,
}

impl PictureList {
    /// `offset` and `limit` are those that were asked for.
    pub fn new(
        total: u64,
        offset: u64,
        limit: u64,
        pictures: Vec<engine::Picture>,
        reader: Reader<'_>,
    ) -> Self {
        let images = pictures.into_iter();
        Self {
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

/// How many pictures are stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Count {
    /// How many there are.
    pub count: u64,
}

/// The models that tell what looks alike.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelList {
    /// In the order in which they came into use; twice the same name while one takes the other's place.
    pub models: Vec<ModelState>,
}

/// How far a model has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelState {
    /// Its name.
    name: String,
    /// Its id: the file, the settings and the runtime that its vectors were made with.
    model: String,
    /// Whether it can describe pictures now; otherwise the vectors it made before are compared.
    at_hand: bool,
    /// The licence of its weights, as its author states it. Null for plug-ins, and where the model is not installed.
    #[schema(required)]
    licence: Option<String>,
    /// Numbers in a vector.
    dimension: usize,
    /// Pictures that have a vector.
    vectors: usize,
    /// Pictures that it cannot describe.
    without: u64,
    /// Pictures that wait for their vector, and are found by their words meanwhile.
    pending: u64,
    /// From which cosine on pictures are alike: one pair of unrelated pictures in a million reaches it,
    /// as the pictures held tell. Null while too few are held to tell.
    #[schema(required)]
    alike_from: Option<f32>,
}

impl From<engine::ModelState> for ModelState {
    fn from(state: engine::ModelState) -> Self {
        Self {
            name: state.name,
            model: state.model,
            at_hand: state.can_embed,
            licence: state.licence,
            dimension: state.dimension,
            vectors: state.vectors,
            without: state.without,
            pending: state.pending,
            alike_from: state.alike,
        }
    }
}

/// A file of an indexed folder that could not be taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedFile {
    /// Where it lies on the server. A byte that is no UTF-8 stands as the character U+10FF00 plus the byte.
    path: String,
    /// Stable code of the reason, one of those in the list of errors.
    code: String,
    /// The reason as a sentence.
    reason: String,
    /// False where the file is no picture as far as its content and the ending of its name tell, as a sidecar
    /// or a video is.
    picture: bool,
    /// When it was refused (RFC 3339, UTC).
    #[schema(format = DateTime)]
    seen: String,
}

impl From<engine::RefusedFile> for RefusedFile {
    fn from(file: engine::RefusedFile) -> Self {
        Self {
            picture: file.kind() != engine::RefusedKind::NoPicture,
            path: file.path,
            code: file.code,
            reason: file.detail,
            seen: timestamp(file.seen_ms),
        }
    }
}

/// Milliseconds since 1970, or before, as RFC 3339 in UTC, to the second.
fn moment(ms: i64) -> String {
    let ([year, month, day], [hour, minute, second]) = engine::utc_date(ms.div_euclid(1000));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Milliseconds since 1970 as RFC 3339 in UTC; times before 1970 are given as 1970.
fn timestamp(ms: i64) -> String {
    // The year 9999 is the last that the format can write.
    const LAST_MS: i64 = 253_402_300_799_999;
    let ms = u64::try_from(ms.min(LAST_MS)).unwrap_or(0);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_and_never_fail() {
        assert_eq!(timestamp(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(timestamp(-5), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn only_a_local_reader_learns_where_files_lie() {
        let stored = engine::Picture {
            id: engine::PictureId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            name: "a.png".to_owned(),
            media_type: "image/png".to_owned(),
            byte_len: 9,
            width: 3,
            height: 2,
            pages: Some(1),
            depth: Some(8),
            features: 1,
            added_ms: 0,
            taken_ms: Some(-1),
            sources: vec!["/secret/a.png".to_owned()],
            uploaded: false,
            labels: engine::Labels::default(),
        };
        let json = |reader| serde_json::to_value(Picture::new(stored.clone(), reader)).unwrap();
        let mut local = json(Reader::Local("/v1"));
        let remote = json(Reader::Remote("/v1"));
        assert!(!remote.to_string().contains("secret"), "{remote}");
        assert_eq!(remote["taken"], "1969-12-31T23:59:59Z");
        let local_only = local.as_object_mut().unwrap();
        assert_eq!(
            local_only.remove("paths"),
            Some(serde_json::json!(["/secret/a.png"]))
        );
        assert_eq!(local_only.remove("uploaded"), Some(false.into()));
        assert_eq!(local, remote);
    }
}
