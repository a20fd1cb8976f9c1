//! Staged words: those of the next generation.

use std::collections::BTreeMap;

use resight_store::sums::{Part, sum_of};
use resight_store::{StagedWords, StoreError};

use super::encoded::STAGED;
use super::open::PostgresCatalogue;
use super::settings;

/// Bytes of words in one statement.
const CHUNK_BYTES: usize = 4 << 20;

/// Words of keys that a picture or a view has.
const STAGE: &str = "INSERT INTO words (generation, key, picture, bytes, sum)
    SELECT $1, put.key, COALESCE(picture.key, picture_view.picture), put.bytes, put.sum
    FROM UNNEST($2::BIGINT[], $3::BYTEA[], $4::BIGINT[]) AS put (key, bytes, sum)
    LEFT JOIN picture ON picture.key = put.key
    LEFT JOIN picture_view ON picture_view.key = put.key
    WHERE picture.key IS NOT NULL OR picture_view.key IS NOT NULL
    ON CONFLICT (generation, key) DO UPDATE SET bytes = excluded.bytes, sum = excluded.sum";

impl StagedWords for PostgresCatalogue {
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        // Of several words for a key the last ones count.
        let words: BTreeMap<i64, &[u8]> = words
            .iter()
            .map(|(key, bytes)| (key.cast_signed(), bytes.as_slice()))
            .collect();
        self.write(|change| {
            let generation = change.generation + 1;
            let mut all = words.into_iter().peekable();
            while all.peek().is_some() {
                let (mut keys, mut parts, mut sums, mut size) = (vec![], vec![], vec![], 0);
                while let Some((key, bytes)) = all.next_if(|_| size < CHUNK_BYTES) {
                    keys.push(key);
                    sums.push(sum_of(Part::Words, key, bytes));
                    size += bytes.len() + 64;
                    parts.push(bytes.to_vec());
                }
                let session = change.session;
                session.send(
                    STAGE,
                    vec![
                        Box::new(generation),
                        Box::new(keys),
                        Box::new(parts),
                        Box::new(sums),
                    ],
                )?;
            }
            Ok(())
        })
    }

    fn staged_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.bytes_after(STAGED, Part::Words, after, limit)
    }

    fn staged_last(&self) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT MAX(key) FROM words
            WHERE generation = (SELECT words_generation + 1 FROM counter)";
        self.read(|session| {
            let line = session.first(sql, &[])?;
            let last = line.map(|line| line.get::<Option<i64>>(0)).transpose()?;
            Ok(last.flatten().map(i64::cast_unsigned))
        })
    }

    fn discard_staged(&self) -> Result<(), StoreError> {
        self.write(|change| {
            change.session.take_time()?;
            let sql = "DELETE FROM words WHERE generation = $1";
            let staged = change.generation + 1;
            change.session.execute(sql, &[&staged]).map(|_| ())
        })
    }

    /// Only the number of the present generation changes, so a reader never waits. What it had seen of the earlier one
    /// stays until the reader is done.
    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError> {
        self.write(|change| {
            let (session, present) = (change.session, change.generation);
            session.take_time()?;
            let lacking = "SELECT 1 FROM (SELECT key FROM picture UNION ALL SELECT key FROM picture_view) AS owner
                WHERE NOT EXISTS (SELECT 1 FROM words
                    WHERE words.generation = $1 AND words.key = owner.key) LIMIT 1";
            if session.first(lacking, &[&(present + 1)])?.is_some() {
                return Ok(false);
            }
            session.execute("UPDATE counter SET words_generation = $1", &[&(present + 1)])?;
            session.execute("DELETE FROM words WHERE generation = $1", &[&present])?;
            settings::set(session, setting, value)?;
            Ok(true)
        })
    }
}
