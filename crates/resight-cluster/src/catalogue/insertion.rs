//! Writing a picture that was added or described again. Nothing here waits for an answer.

use resight_store::sums::{Part, sum_of};
use resight_store::{NewView, PictureRecord, StoreError, ViewRecord};

use super::known::sum_of_record;
use super::open::Change;
use super::session::{Owned, Session};
use super::text::stored;
use super::views;

const PICTURE: &str = "INSERT INTO picture (key, id, name, media_type, byte_len, width, height,
        feature_count, model, uploaded, added_ms, object, metadata, pages, depth, row_sum,
        taken_asked, taken_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, TRUE, $17)";

const VIEW: &str = "INSERT INTO picture_view (key, picture, number, time_ms, width, height,
        feature_count, row_sum)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const FEATURES: &str = "INSERT INTO features (key, picture, bytes, sum) VALUES ($1, $2, $3, $4)";

const WORDS: &str =
    "INSERT INTO words (generation, key, picture, bytes, sum) VALUES ($1, $2, $3, $4, $5)";

fn owned(text: &str) -> Owned {
    Box::new(stored(text).into_owned())
}

fn optional(text: Option<&str>) -> Owned {
    Box::new(text.map(|text| stored(text).into_owned()))
}

/// Writes the picture's own row.
pub(super) fn insert_record(session: &Session, record: &PictureRecord) -> Result<(), StoreError> {
    let labels = &record.labels;
    session.send(
        PICTURE,
        vec![
            Box::new(record.key.cast_signed()),
            Box::new(record.id.as_str().to_owned()),
            owned(&record.name),
            owned(&record.media_type),
            Box::new(record.byte_len.cast_signed()),
            Box::new(i64::from(record.width)),
            Box::new(i64::from(record.height)),
            Box::new(i64::from(record.feature_count)),
            owned(&record.model),
            Box::new(record.uploaded),
            Box::new(record.added_ms),
            optional(labels.object.as_ref().map(|object| object.as_str())),
            optional(labels.metadata.as_deref()),
            Box::new(record.pages.map(i64::from)),
            Box::new(record.depth.map(i64::from)),
            Box::new(sum_of_record(record)),
            Box::new(record.taken_ms),
        ],
    )
}

/// Writes what changes of the row of a stored picture: whether it was uploaded, the object, the metadata.
pub(super) fn update_record(session: &Session, record: &PictureRecord) -> Result<(), StoreError> {
    let labels = &record.labels;
    session.send(
        "UPDATE picture SET uploaded = $2, object = $3, metadata = $4, row_sum = $5 WHERE key = $1",
        vec![
            Box::new(record.key.cast_signed()),
            Box::new(record.uploaded),
            optional(labels.object.as_ref().map(|object| object.as_str())),
            optional(labels.metadata.as_deref()),
            Box::new(sum_of_record(record)),
        ],
    )
}

/// Writes the features and words of a picture whose row was just written, and its views, whose keys follow its own.
pub(super) fn insert_described(
    change: &Change<'_>,
    key: i64,
    (features, words, of_views): (Vec<u8>, Vec<u8>, Vec<NewView>),
) -> Result<(), StoreError> {
    insert_bytes(change, key, key, features, words)?;
    for (view_key, view) in (key + 1..).zip(of_views) {
        let record = ViewRecord {
            key: view_key.cast_unsigned(),
            picture: key.cast_unsigned(),
            number: view.number,
            time_ms: view.time_ms,
            width: view.width,
            height: view.height,
            feature_count: view.feature_count,
        };
        change.session.send(
            VIEW,
            vec![
                Box::new(view_key),
                Box::new(key),
                Box::new(i64::from(view.number)),
                Box::new(view.time_ms.map(u64::cast_signed)),
                Box::new(i64::from(view.width)),
                Box::new(i64::from(view.height)),
                Box::new(i64::from(view.feature_count)),
                Box::new(views::sum_of_record(&record)),
            ],
        )?;
        insert_bytes(change, view_key, key, view.features, view.words)?;
    }
    Ok(())
}

fn insert_bytes(
    change: &Change<'_>,
    key: i64,
    picture: i64,
    features: Vec<u8>,
    words: Vec<u8>,
) -> Result<(), StoreError> {
    let sum = sum_of(Part::Features, key, &features);
    change.session.send(
        FEATURES,
        vec![
            Box::new(key),
            Box::new(picture),
            Box::new(features),
            Box::new(sum),
        ],
    )?;
    let sum = sum_of(Part::Words, key, &words);
    change.session.send(
        WORDS,
        vec![
            Box::new(change.generation),
            Box::new(key),
            Box::new(picture),
            Box::new(words),
            Box::new(sum),
        ],
    )
}
