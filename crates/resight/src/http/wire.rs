//! The JSON that goes over the wire. Nothing else in the program is serialised for HTTP, so the
//! engine's types can change without the API changing.

mod search;

use std::time::{Duration, UNIX_EPOCH};

use resight_engine as engine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use search::SearchAnswer;

/// A stored picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Picture {
    /// 32 lower-case hexadecimal characters, derived from the file's bytes.
    #[schema(example = "0123456789abcdef0123456789abcdef")]
    id: String,
    /// Name to show, usually the file's name.
    name: String,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
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
    /// Address of a small JPEG of it.
    thumbnail: String,
    /// Address of its file.
    file: String,
}

impl From<engine::Picture> for Picture {
    fn from(picture: engine::Picture) -> Self {
        let id = picture.id.to_string();
        Self {
            thumbnail: format!("/v1/images/{id}/thumbnail"),
            file: format!("/v1/images/{id}/file"),
            id,
            name: picture.name,
            width: picture.width,
            height: picture.height,
            bytes: picture.byte_len,
            media_type: picture.media_type,
            features: picture.features,
            added: timestamp(picture.added_ms),
        }
    }
}

/// The picture that was sent, now stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AddedPicture {
    #[serde(flatten)]
    pub(super) picture: Picture,
    /// Whether exactly this file was stored before.
    pub(super) already_present: bool,
}

/// One page of the stored pictures, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureList {
    /// Number of pictures in all.
    pub(super) total: u64,
    /// How many were skipped.
    pub(super) offset: u64,
    /// How many were asked for at most.
    pub(super) limit: u64,
    pub(super) images: Vec<Picture>,
}

/// How many pictures are stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// Whether the server answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    pub(super) status: &'static str,
}

/// The form of answer that the original project gave.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LegacyAnswer {
    /// 200, or the HTTP status of the failure.
    pub(super) code: u16,
    /// `success`, or what went wrong.
    pub(super) msg: String,
    /// Number of pictures; null after a failure.
    #[schema(required)]
    pub(super) data: Option<u64>,
}

/// A file of an indexed folder that could not be taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedFile {
    /// Where it lies on the server.
    pub(super) path: String,
    /// Stable code of the reason, one of those in the list of errors.
    pub(super) code: String,
    /// The reason as a sentence.
    pub(super) reason: String,
    /// When it was refused (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub(super) seen: String,
}

impl From<engine::RefusedFile> for RefusedFile {
    fn from(file: engine::RefusedFile) -> Self {
        Self {
            path: file.path,
            code: file.code,
            reason: file.detail,
            seen: timestamp(file.seen_ms),
        }
    }
}

/// One page of the files that could not be taken in, by path.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedList {
    pub(super) refused: Vec<RefusedFile>,
    /// Give this as `after` for the next page; null when this was the last.
    #[schema(required)]
    pub(super) next: Option<String>,
}

/// A search by a picture that is stored already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredQuery {
    /// Id of the picture; it is left out of its own results.
    pub(super) image_id: String,
}

/// A form with one file.
#[derive(ToSchema)]
pub(super) struct PictureForm {
    /// The picture's file.
    #[schema(value_type = String, format = Binary)]
    #[allow(
        dead_code,
        reason = "describes the form; the form itself is read as it arrives"
    )]
    file: Vec<u8>,
}

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// Address of the code in the list of errors.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What the code means; the same for every occurrence.
    pub(super) title: String,
    /// The answer's HTTP status.
    pub(super) status: u16,
    /// What went wrong this time.
    pub(super) detail: String,
    /// Stable identifier for programs.
    pub(super) code: String,
    /// What to do now.
    pub(super) next_step: String,
}

/// Milliseconds since 1970 as RFC 3339 in UTC; times before 1970 are given as 1970.
pub(super) fn timestamp(ms: i64) -> String {
    // The year 9999 is the last that the format can write.
    const LAST_MS: i64 = 253_402_300_799_999;
    let ms = u64::try_from(ms.min(LAST_MS)).unwrap_or(0);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn times_are_rfc_3339_and_never_fail() {
        assert_eq!(timestamp(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(timestamp(-5), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(i64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
