//! Records of pictures.

use resight_store::listing::in_order;
use resight_store::{PictureId, PictureRecord, Pictures, StoreError, StoredBytes};

use super::known::{all_records, record};
use super::open::PostgresCatalogue;
use super::rows::{Line, above, at_most, page, signed};

impl Pictures for PostgresCatalogue {
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let sql = format!("{} WHERE listed.id = $1", all_records());
        self.read(|session| {
            let line = session.first(&sql, &[&id.as_str()])?;
            line.as_ref().map(record).transpose()
        })
    }

    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("{} WHERE listed.key = ANY($1)", all_records());
        let records = self.read(|session| records(&session.query(&sql, &[&signed(keys)])?))?;
        let by_key = records.into_iter().map(|record| (record.key, record));
        Ok(in_order(keys, by_key.collect()))
    }

    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError> {
        let sql = format!(
            "{} ORDER BY listed.added_ms DESC, listed.key DESC LIMIT $1 OFFSET $2",
            all_records()
        );
        self.read(|session| records(&session.query(&sql, &[&at_most(limit), &at_most(offset)])?))
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.read(|session| session.number("SELECT COUNT(*) FROM picture", &[]))
    }

    fn keys_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<(u64, u32)>, StoreError> {
        let sql = "SELECT key, feature_count FROM picture WHERE key > $1 ORDER BY key LIMIT $2";
        self.read(|session| {
            let lines = session.query(sql, &[&above(after), &page(limit)])?;
            let counted = |line: &Line| Ok((line.unsigned(0)?, line.small(1)?));
            lines.iter().map(counted).collect()
        })
    }

    fn unasked_taken(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        let sql = "SELECT key, id FROM picture WHERE NOT taken_asked AND key > $1
            ORDER BY key LIMIT $2";
        self.read(|session| {
            let lines = session.query(sql, &[&above(after), &page(limit)])?;
            let named = |line: &Line| Ok((line.unsigned(0)?, line.id(1)?));
            lines.iter().map(named).collect()
        })
    }

    fn put_taken(&self, taken: &[(u64, Option<i64>)]) -> Result<(), StoreError> {
        let keys: Vec<i64> = taken.iter().map(|(key, _)| key.cast_signed()).collect();
        let times: Vec<Option<i64>> = taken.iter().map(|(_, time)| *time).collect();
        self.write(|change| {
            // Of several times for a key the last one counts.
            let sql = "UPDATE picture SET taken_asked = TRUE, taken_ms = put.taken_ms
                FROM (SELECT DISTINCT ON (key) key, taken_ms
                    FROM UNNEST($1::BIGINT[], $2::BIGINT[]) WITH ORDINALITY AS put (key, taken_ms, place)
                    ORDER BY key, place DESC) AS put
                WHERE picture.key = put.key";
            change.session.execute(sql, &[&keys, &times]).map(|_| ())
        })
    }

    fn stored_bytes(&self) -> Result<StoredBytes, StoreError> {
        let sql = "SELECT
            (SELECT COALESCE(SUM(OCTET_LENGTH(bytes)), 0)::BIGINT FROM features),
            (SELECT COALESCE(SUM(OCTET_LENGTH(bytes)), 0)::BIGINT FROM words
                WHERE generation = (SELECT words_generation FROM counter)),
            (SELECT COALESCE(SUM(OCTET_LENGTH(bytes)), 0)::BIGINT FROM vector),
            (SELECT COALESCE(SUM(byte_len), 0)::BIGINT FROM picture WHERE uploaded)";
        self.read(|session| match session.first(sql, &[])? {
            Some(line) => Ok(StoredBytes {
                features: line.unsigned(0)?,
                words: line.unsigned(1)?,
                vectors: line.unsigned(2)?,
                originals: line.unsigned(3)?,
            }),
            None => Ok(StoredBytes::default()),
        })
    }
}

/// Each line a record of [`all_records`].
pub(super) fn records(lines: &[Line]) -> Result<Vec<PictureRecord>, StoreError> {
    lines.iter().map(record).collect()
}
