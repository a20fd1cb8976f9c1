//! Views of pictures.

use resight_store::listing::in_order;
use resight_store::sums::{Part, RecordBytes};
use resight_store::{StoreError, ViewRecord, Views};

use super::open::PostgresCatalogue;
use super::rows::{Line, above, key_pairs, page, signed};

/// In the order that [`record`] expects.
const RECORDS: &str = "SELECT view.key, view.picture, view.number, view.time_ms, view.width,
    view.height, view.feature_count, view.row_sum, picture.id
    FROM picture_view AS view JOIN picture ON picture.key = view.picture";

impl Views for PostgresCatalogue {
    fn views(&self, keys: &[u64]) -> Result<Vec<Option<ViewRecord>>, StoreError> {
        let sql = format!("{RECORDS} WHERE view.key = ANY($1)");
        let records = self.read(|session| records(&session.query(&sql, &[&signed(keys)])?))?;
        let by_key = records.into_iter().map(|record| (record.key, record));
        Ok(in_order(keys, by_key.collect()))
    }

    fn views_of(&self, picture: u64) -> Result<Vec<ViewRecord>, StoreError> {
        let sql = format!("{RECORDS} WHERE view.picture = $1 ORDER BY view.key");
        self.read(|session| records(&session.query(&sql, &[&picture.cast_signed()])?))
    }

    fn view_keys_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        let sql = "SELECT key, picture FROM picture_view WHERE key > $1 ORDER BY key LIMIT $2";
        self.read(|session| key_pairs(&session.query(sql, &[&above(after), &page(limit)])?))
    }

    fn described_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u32)>, StoreError> {
        let sql = "(SELECT key, feature_count FROM picture WHERE key > $1 ORDER BY key LIMIT $2)
            UNION ALL
            (SELECT key, feature_count FROM picture_view WHERE key > $1 ORDER BY key LIMIT $2)
            ORDER BY 1 LIMIT $2";
        self.read(|session| {
            let lines = session.query(sql, &[&above(after), &page(limit)])?;
            let counted = |line: &Line| Ok((line.unsigned(0)?, line.small(1)?));
            lines.iter().map(counted).collect()
        })
    }

    fn view_count(&self) -> Result<u64, StoreError> {
        self.read(|session| session.number("SELECT COUNT(*) FROM picture_view", &[]))
    }
}

/// The record of the view with this key, if there is one.
pub(super) fn of_key(
    session: &super::session::Session,
    key: i64,
) -> Result<Option<ViewRecord>, StoreError> {
    let sql = format!("{RECORDS} WHERE view.key = $1");
    let line = session.first(&sql, &[&key])?;
    // It is about to be replaced, so what it was does not count.
    line.as_ref().map(as_it_is).transpose()
}

fn records(lines: &[Line]) -> Result<Vec<ViewRecord>, StoreError> {
    lines.iter().map(record).collect()
}

fn record(line: &Line) -> Result<ViewRecord, StoreError> {
    let damaged = || match line.unsigned(0) {
        Ok(key) => line.damaged(Part::View, key, 8),
        Err(error) => error,
    };
    let record = as_it_is(line).map_err(|_| damaged())?;
    match line.get::<i64>(7)? == sum_of_record(&record) {
        true => Ok(record),
        false => Err(damaged()),
    }
}

fn as_it_is(line: &Line) -> Result<ViewRecord, StoreError> {
    Ok(ViewRecord {
        key: line.unsigned(0)?,
        picture: line.unsigned(1)?,
        number: line.small(2)?,
        time_ms: line.optional(3)?,
        width: line.small(4)?,
        height: line.small(5)?,
        feature_count: line.small(6)?,
    })
}

/// The sum of a view's record, in the order of SQLite's catalogue.
pub(super) fn sum_of_record(record: &ViewRecord) -> i64 {
    let mut bytes = RecordBytes::default();
    bytes.number(record.picture.cast_signed());
    bytes.number(record.number.into());
    bytes.optional_number(record.time_ms.map(u64::cast_signed));
    for number in [record.width, record.height, record.feature_count] {
        bytes.number(number.into());
    }
    bytes.sum(Part::View, record.key.cast_signed())
}
