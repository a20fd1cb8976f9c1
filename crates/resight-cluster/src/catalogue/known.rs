//! Records of pictures as they are read, compared with their sums, and written.

use resight_store::sums::{Part, RecordBytes};
use resight_store::{Labels, PictureRecord, StoreError};

use super::rows::Line;

/// The record of a picture `listed` in the order that [`record`] expects, with its tags.
const OWN: &str = "listed.key, listed.id, listed.name, listed.media_type, listed.byte_len,
    listed.width, listed.height, listed.feature_count, listed.model, listed.uploaded,
    listed.added_ms, listed.object, listed.metadata, listed.pages, listed.depth, listed.row_sum,
    listed.taken_ms, ARRAY(SELECT tag FROM tag WHERE tag.key = listed.key ORDER BY tag)";

/// Where the id of the picture stands.
const ID: usize = 1;

/// Begins a statement that reads whole records of pictures named `listed`.
pub(super) fn all_records() -> String {
    format!(
        "SELECT {OWN}, ARRAY(SELECT path FROM source WHERE source.key = listed.key ORDER BY path)
         FROM picture AS listed"
    )
}

/// As [`all_records`], for changes, which need no sources.
pub(super) fn without_sources() -> String {
    format!("SELECT {OWN}, '{{}}'::TEXT[] FROM picture AS listed")
}

/// Fails with `picture_damaged` where the record is not the one that was written.
pub(super) fn record(line: &Line) -> Result<PictureRecord, StoreError> {
    let key = line.unsigned(0)?;
    let damaged = || line.damaged(Part::Record, key, ID);
    let record = as_it_is(line, key).map_err(|_| damaged())?;
    match line.get::<i64>(15)? == sum_of_record(&record) {
        true => Ok(record),
        false => Err(damaged()),
    }
}

fn as_it_is(line: &Line, key: u64) -> Result<PictureRecord, StoreError> {
    let metadata: Option<String> = line.get(12)?;
    let sources: Vec<String> = line.get(18)?;
    Ok(PictureRecord {
        key,
        id: line.id(ID)?,
        name: line.text(2)?,
        media_type: line.text(3)?,
        byte_len: line.unsigned(4)?,
        width: line.small(5)?,
        height: line.small(6)?,
        feature_count: line.small(7)?,
        model: line.text(8)?,
        uploaded: line.get(9)?,
        added_ms: line.get(10)?,
        pages: line.optional(13)?,
        depth: line.optional(14)?,
        taken_ms: line.get(16)?,
        sources: sources.into_iter().map(super::text::read).collect(),
        labels: Labels {
            tags: line.tags(17)?,
            object: line.object(11)?,
            metadata: metadata.map(super::text::read),
        },
    })
}

/// The sum of a record, without its lists and the time of taking, in the order of SQLite's catalogue.
pub(super) fn sum_of_record(record: &PictureRecord) -> i64 {
    let mut bytes = RecordBytes::default();
    for text in [record.id.as_str(), &record.name, &record.media_type] {
        bytes.text(text.as_bytes());
    }
    bytes.number(record.byte_len.cast_signed());
    for number in [record.width, record.height, record.feature_count] {
        bytes.number(number.into());
    }
    bytes.text(record.model.as_bytes());
    bytes.number(record.uploaded.into());
    bytes.number(record.added_ms);
    let labels = &record.labels;
    bytes.optional_text(labels.object.as_ref().map(|object| object.as_str()));
    bytes.optional_text(labels.metadata.as_deref());
    bytes.optional_number(record.pages.map(i64::from));
    bytes.optional_number(record.depth.map(i64::from));
    bytes.sum(Part::Record, record.key.cast_signed())
}
