//! Features and words.

use std::collections::HashMap;

use resight_store::listing::in_order;
use resight_store::sums::Part;
use resight_store::{EncodedFeatures, EncodedWords, StoreError};

use super::open::PostgresCatalogue;
use super::rows::{Line, above, page, signed};

/// Key, bytes, sum and the id of the picture.
const FEATURES: &str =
    "SELECT stored.key, stored.bytes, stored.sum, picture.id FROM features AS stored
    JOIN picture ON picture.key = stored.picture WHERE TRUE";

const WORDS: &str = "SELECT stored.key, stored.bytes, stored.sum, picture.id FROM words AS stored
    JOIN picture ON picture.key = stored.picture
    WHERE stored.generation = (SELECT words_generation FROM counter)";

/// Words that are staged.
pub(super) const STAGED: &str = "SELECT stored.key, stored.bytes, stored.sum, picture.id
    FROM words AS stored JOIN picture ON picture.key = stored.picture
    WHERE stored.generation = (SELECT words_generation + 1 FROM counter)";

impl EncodedFeatures for PostgresCatalogue {
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.bytes_of(FEATURES, Part::Features, keys)
    }

    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.bytes_after(FEATURES, Part::Features, after, limit)
    }
}

impl EncodedWords for PostgresCatalogue {
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.bytes_of(WORDS, Part::Words, keys)
    }

    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.bytes_after(WORDS, Part::Words, after, limit)
    }
}

impl PostgresCatalogue {
    fn bytes_of(
        &self,
        from: &str,
        part: Part,
        keys: &[u64],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("{from} AND stored.key = ANY($1)");
        let by_key: HashMap<u64, Vec<u8>> = self.read(|session| {
            let lines = session.query(&sql, &[&signed(keys)])?;
            lines.iter().map(|line| checked(line, part)).collect()
        })?;
        Ok(in_order(keys, by_key))
    }

    /// A page of what `from` selects.
    pub(super) fn bytes_after(
        &self,
        from: &str,
        part: Part,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let sql = format!("{from} AND stored.key > $1 ORDER BY stored.key LIMIT $2");
        self.read(|session| {
            let lines = session.query(&sql, &[&above(after), &page(limit)])?;
            lines.iter().map(|line| checked(line, part)).collect()
        })
    }
}

fn checked(line: &Line, part: Part) -> Result<(u64, Vec<u8>), StoreError> {
    let key = line.unsigned(0)?;
    Ok((key, line.checked(part, key, 1)?))
}
