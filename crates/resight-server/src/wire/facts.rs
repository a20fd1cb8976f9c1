//! What is recorded of stored files.

use resight_engine as engine;
use serde::Serialize;
use utoipa::ToSchema;

/// The media types of the stored files, ascending.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MediaTypeList {
    media_types: Vec<MediaTypeFacts>,
}

/// A media type of stored files.
#[derive(Debug, Serialize, ToSchema)]
struct MediaTypeFacts {
    /// For example `image/jpeg`; a filter takes it as `media_type`.
    media_type: String,
    /// How many pictures have it.
    pictures: u64,
}

impl MediaTypeList {
    pub(crate) fn new(types: Vec<engine::MediaTypeCount>) -> Self {
        let types = types.into_iter().map(|one| MediaTypeFacts {
            media_type: one.media_type,
            pictures: one.pictures,
        });
        Self {
            media_types: types.collect(),
        }
    }
}

/// The Exif of a file, in its order; at most 768 fields.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExifList {
    fields: Vec<ExifFact>,
}

/// A field of Exif.
#[derive(Debug, Serialize, ToSchema)]
struct ExifFact {
    /// As Exif names it, for example `ExposureTime`.
    name: String,
    /// With its unit, for example `1/125 s`; at most 300 characters.
    value: String,
}

impl ExifList {
    pub(crate) fn new(fields: Vec<engine::ExifField>) -> Self {
        let fields = fields.into_iter().map(|field| ExifFact {
            name: field.name,
            value: field.value,
        });
        Self {
            fields: fields.collect(),
        }
    }
}
