//! Pairs of pictures. `transform` holds nine little-endian doubles, `regions` four little-endian floats a
//! box.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, at_most, key_column, page, unsigned};
use super::settings;
use crate::error::StoreError;
use crate::pairs::{PairLink, PairedPicture, Pairs, PicturePair};

/// The setting with the key up to which pictures have been checked.
const CHECKED: &str = "pairs_looked_up_to";

/// Tests one picture after another by the indexes of pairs and sources, and ends with the page.
pub(super) const PAIRED: &str = "
    SELECT key, width, height, byte_len, media_type, pages, depth,
        (SELECT COUNT(*) FROM source WHERE source.key = picture.key), uploaded
    FROM picture WHERE key > ?1 AND (
        EXISTS (SELECT 1 FROM pair WHERE a = picture.key)
        OR EXISTS (SELECT 1 FROM pair WHERE b = picture.key)
        OR (SELECT COUNT(*) FROM source WHERE source.key = picture.key) > 1)
    ORDER BY key LIMIT ?2";

impl Pairs for SqliteCatalogue {
    fn put_pairs(&self, pairs: &[PicturePair], checked_up_to: u64) -> Result<(), StoreError> {
        self.write(|connection| {
            let mut insert = connection.prepare_cached(
                "INSERT INTO pair (a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike,
                    transform, inverted, regions)
                 SELECT first.key, second.key, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
                 FROM picture AS first, picture AS second
                 WHERE first.key = ?1 AND second.key = ?2
                 ON CONFLICT (a, b) DO UPDATE SET kind = excluded.kind,
                    log10_nfa = excluded.log10_nfa, inliers = excluded.inliers,
                    coverage_a = excluded.coverage_a, coverage_b = excluded.coverage_b,
                    alike = excluded.alike, transform = excluded.transform,
                    inverted = excluded.inverted, regions = excluded.regions",
            )?;
            for pair in pairs.iter().filter(|pair| pair.a < pair.b) {
                let transform = pair.transform.iter().flat_map(|value| value.to_le_bytes());
                let regions = pair.regions.as_flattened().iter();
                let regions = regions.flat_map(|value| value.to_le_bytes());
                insert.execute(params![
                    pair.a.cast_signed(),
                    pair.b.cast_signed(),
                    pair.kind,
                    pair.log10_nfa,
                    pair.inliers,
                    pair.coverage_a,
                    pair.coverage_b,
                    pair.alike,
                    transform.collect::<Vec<u8>>(),
                    pair.inverted,
                    regions.collect::<Vec<u8>>(),
                ])?;
            }
            if checked_up_to > checked(connection)? {
                settings::set(connection, CHECKED, &checked_up_to.to_string())?;
            }
            Ok(())
        })
    }

    fn checked_up_to(&self) -> Result<u64, StoreError> {
        self.read(checked)
    }

    fn unchecked_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT COUNT(*) FROM picture WHERE key > ?1")?
                .query_row([at_most(checked(connection)?)], key_column)
        })
    }

    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError> {
        // Keys start at 1.
        let (a, b) = after.unwrap_or((0, 0));
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT a, b, kind, log10_nfa FROM pair
                     WHERE (a, b) > (?1, ?2) ORDER BY a, b LIMIT ?3",
                )?
                .query_map([at_most(a), at_most(b), page(limit)], |row| {
                    Ok(PairLink {
                        a: key_column(row)?,
                        b: unsigned(row, 1)?,
                        kind: row.get(2)?,
                        log10_nfa: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError> {
        self.read(|connection| {
            let mut one = connection.prepare_cached(
                "SELECT a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike, transform,
                    inverted, regions
                 FROM pair WHERE a = ?1 AND b = ?2",
            )?;
            keys.iter()
                .map(|&(a, b)| one.query_row([at_most(a), at_most(b)], pair).optional())
                .collect()
        })
    }

    fn paired_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PairedPicture>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(PAIRED)?
                .query_map([above(after), page(limit)], |row| {
                    Ok(PairedPicture {
                        key: key_column(row)?,
                        width: row.get(1)?,
                        height: row.get(2)?,
                        byte_len: unsigned(row, 3)?,
                        media_type: row.get(4)?,
                        pages: row.get(5)?,
                        depth: row.get(6)?,
                        sources: unsigned(row, 7)?,
                        uploaded: row.get(8)?,
                    })
                })?
                .collect()
        })
    }
}

/// An unreadable value counts as 0: checking once more does no harm.
fn checked(connection: &Connection) -> Result<u64> {
    let text = settings::get(connection, CHECKED)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn pair(row: &Row<'_>) -> Result<PicturePair> {
    let bytes: Vec<u8> = row.get(8)?;
    let (values, rest) = bytes.as_chunks();
    let values: Vec<f64> = values.iter().map(|&v| f64::from_le_bytes(v)).collect();
    let transform = <[f64; 9]>::try_from(values)
        .ok()
        .filter(|_| rest.is_empty());
    let damaged = || {
        let reason = "a pair's transform is not nine numbers";
        rusqlite::Error::FromSqlConversionFailure(8, Type::Blob, reason.into())
    };
    let bytes: Vec<u8> = row.get(10)?;
    let (values, _) = bytes.as_chunks();
    let values: Vec<f32> = values.iter().map(|&v| f32::from_le_bytes(v)).collect();
    // What is left of a damaged list would be part of a box.
    let (regions, _) = values.as_chunks();
    Ok(PicturePair {
        a: key_column(row)?,
        b: unsigned(row, 1)?,
        kind: row.get(2)?,
        log10_nfa: row.get(3)?,
        inliers: row.get(4)?,
        coverage_a: row.get(5)?,
        coverage_b: row.get(6)?,
        alike: row.get(7)?,
        transform: transform.ok_or_else(damaged)?,
        inverted: row.get(9)?,
        regions: regions.to_vec(),
    })
}
