//! Decisions that two pictures are no match. The table has the lower id first.

use rusqlite::{Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, at_most, id_column, key_column, key_pair, number, page};
use crate::clock::now_ms;
use crate::decisions::{Decisions, NotAMatch};
use crate::error::StoreError;
use crate::id::PictureId;

impl Decisions for SqliteCatalogue {
    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        if a == b {
            return Ok(false);
        }
        let added = self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO not_a_match (a, b, decided_ms) VALUES (?1, ?2, ?3)
                     ON CONFLICT (a, b) DO NOTHING",
                )?
                .execute(params![a.min(b).as_str(), a.max(b).as_str(), now_ms()])
        })?;
        Ok(added > 0)
    }

    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        let dropped = self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM not_a_match WHERE a = ?1 AND b = ?2")?
                .execute([a.min(b).as_str(), a.max(b).as_str()])
        })?;
        Ok(dropped > 0)
    }

    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT a, b, decided_ms FROM not_a_match
                     ORDER BY decided_ms DESC, a, b LIMIT ?1 OFFSET ?2",
                )?
                .query_map([at_most(limit), at_most(offset)], decision)?
                .collect()
        })
    }

    fn not_matches_after(
        &self,
        after: &NotAMatch,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT a, b, decided_ms FROM not_a_match
                     WHERE (-decided_ms, a, b) > (-?1, ?2, ?3)
                     ORDER BY decided_ms DESC, a, b LIMIT ?4",
                )?
                .query_map(
                    params![
                        after.decided_ms,
                        after.a.as_str(),
                        after.b.as_str(),
                        at_most(limit)
                    ],
                    decision,
                )?
                .collect()
        })
    }

    fn not_matches_by_id(
        &self,
        after: Option<(&PictureId, &PictureId)>,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        // No id is empty.
        let (a, b) = after.map_or(("", ""), |(a, b)| (a.as_str(), b.as_str()));
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT a, b, decided_ms FROM not_a_match
                     WHERE (a, b) > (?1, ?2) ORDER BY a, b LIMIT ?3",
                )?
                .query_map(params![a, b, at_most(limit)], decision)?
                .collect()
        })
    }

    fn not_match_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| number(connection, "SELECT COUNT(*) FROM not_a_match"))
    }

    fn not_matches_of_after(
        &self,
        id: &PictureId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key FROM picture WHERE id IN (
                        SELECT b FROM not_a_match WHERE a = ?1
                        UNION SELECT a FROM not_a_match WHERE b = ?1)
                     AND key > ?2 ORDER BY key LIMIT ?3",
                )?
                .query_map(params![id.as_str(), above(after), page(limit)], key_column)?
                .collect()
        })
    }

    fn not_match_keys_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        // Keys start at 1.
        let (low, high) = after.unwrap_or((0, 0));
        self.read(|connection| {
            // The order of two ids says nothing about that of their keys.
            connection
                .prepare_cached(
                    "SELECT low.key, high.key FROM not_a_match
                     JOIN picture AS low ON low.id IN (not_a_match.a, not_a_match.b)
                     JOIN picture AS high ON high.id IN (not_a_match.a, not_a_match.b)
                     WHERE low.key < high.key AND (low.key, high.key) > (?1, ?2)
                     ORDER BY low.key, high.key LIMIT ?3",
                )?
                .query_map([at_most(low), at_most(high), page(limit)], key_pair)?
                .collect()
        })
    }
}

fn decision(row: &Row<'_>) -> Result<NotAMatch> {
    Ok(NotAMatch {
        a: id_column(row, 0)?,
        b: id_column(row, 1)?,
        decided_ms: row.get(2)?,
    })
}
