//! Vectors of whole pictures. Rows name a model by a number, because its id is long.

use std::collections::BTreeMap;

use resight_store::listing::in_order;
use resight_store::sums::{Part, sum_of};
use resight_store::{StoreError, VectorCount, Vectors};

use super::open::PostgresCatalogue;
use super::rows::{Line, above, keys, page, signed};
use super::settings;
use super::text;

/// The number of the model whose id is the first value; NULL where there is none.
const NUMBER: &str = "(SELECT number FROM vector_model WHERE model = $1)";

impl Vectors for PostgresCatalogue {
    fn put_vectors(&self, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        // Of several vectors for a key the last one counts.
        let vectors: BTreeMap<i64, &[u8]> = vectors
            .iter()
            .map(|(key, bytes)| (key.cast_signed(), bytes.as_slice()))
            .collect();
        let sum = |(key, bytes): (&i64, &&[u8])| sum_of(Part::Vector, *key, bytes);
        let sums: Vec<i64> = vectors.iter().map(sum).collect();
        let (keys, bytes): (Vec<i64>, Vec<&[u8]>) = vectors.into_iter().unzip();
        let model = text::stored(model);
        self.write(|change| {
            change.session.execute(
                "INSERT INTO vector_model (model) VALUES ($1) ON CONFLICT (model) DO NOTHING",
                &[&model],
            )?;
            let sql = format!(
                "INSERT INTO vector (model, key, bytes, sum)
                 SELECT {NUMBER}, put.key, put.bytes, put.sum
                 FROM UNNEST($2::BIGINT[], $3::BYTEA[], $4::BIGINT[]) AS put (key, bytes, sum)
                 JOIN picture ON picture.key = put.key
                 ON CONFLICT (model, key) DO UPDATE SET bytes = excluded.bytes, sum = excluded.sum"
            );
            let put = change
                .session
                .execute(&sql, &[&model, &keys, &bytes, &sums]);
            put.map(|_| ())
        })
    }

    fn vectors(&self, model: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let sql = format!(
            "SELECT vector.key, vector.bytes, vector.sum, picture.id FROM vector
             JOIN picture ON picture.key = vector.key
             WHERE vector.model = {NUMBER} AND vector.key = ANY($2) AND OCTET_LENGTH(vector.bytes) > 0"
        );
        let model = text::stored(model);
        let by_key = self.read(|session| {
            let lines = session.query(&sql, &[&model, &signed(keys)])?;
            let vector = |line: &Line| {
                let key = line.unsigned(0)?;
                Ok((key, line.checked(Part::Vector, key, 1)?))
            };
            lines.iter().map(vector).collect()
        })?;
        Ok(in_order(keys, by_key))
    }

    fn vector_keys_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let sql = format!(
            "SELECT key FROM vector WHERE model = {NUMBER} AND key > $2 AND OCTET_LENGTH(bytes) > 0
             ORDER BY key LIMIT $3"
        );
        let model = text::stored(model);
        self.read(|session| keys(&session.query(&sql, &[&model, &above(after), &page(limit)])?))
    }

    fn without_vector_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        // No row has NULL for its model, so all pictures lack a vector of an unknown one.
        let sql = format!(
            "SELECT key FROM picture WHERE key > $2 AND NOT EXISTS
                 (SELECT 1 FROM vector WHERE vector.model = {NUMBER} AND vector.key = picture.key)
             ORDER BY key LIMIT $3"
        );
        let model = text::stored(model);
        self.read(|session| keys(&session.query(&sql, &[&model, &above(after), &page(limit)])?))
    }

    fn vector_counts(&self) -> Result<Vec<VectorCount>, StoreError> {
        let sql = "SELECT vector_model.model,
                COUNT(*) FILTER (WHERE OCTET_LENGTH(vector.bytes) > 0),
                COUNT(*) FILTER (WHERE OCTET_LENGTH(vector.bytes) = 0)
            FROM vector_model LEFT JOIN vector ON vector.model = vector_model.number
            GROUP BY vector_model.model ORDER BY vector_model.model";
        self.read(|session| {
            let counted = |line: &Line| {
                Ok(VectorCount {
                    model: line.text(0)?,
                    vectors: line.unsigned(1)?,
                    without: line.unsigned(2)?,
                })
            };
            session.query(sql, &[])?.iter().map(counted).collect()
        })
    }

    fn drop_vectors(&self, model: &str, setting: &str, value: &str) -> Result<(), StoreError> {
        let model = text::stored(model);
        self.write(|change| {
            change.session.take_time()?;
            let sql = format!("DELETE FROM vector WHERE model = {NUMBER}");
            change.session.execute(&sql, &[&model])?;
            let sql = "DELETE FROM vector_model WHERE model = $1";
            change.session.execute(sql, &[&model])?;
            settings::set(change.session, setting, value)
        })
    }
}
