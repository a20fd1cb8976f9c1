//! Decisions that two pictures are no match. The table has the lower id first.

use resight_store::{Decisions, NotAMatch, PictureId, StoreError, now_ms};

use super::open::PostgresCatalogue;
use super::rows::{Line, above, at_most, key_pairs, keys, page};

impl Decisions for PostgresCatalogue {
    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        if a == b {
            return Ok(false);
        }
        let (low, high) = (a.min(b).as_str(), a.max(b).as_str());
        let sql = "INSERT INTO not_a_match (a, b, decided_ms) VALUES ($1, $2, $3)
            ON CONFLICT (a, b) DO NOTHING";
        let added = self.write(|change| change.session.execute(sql, &[&low, &high, &now_ms()]))?;
        Ok(added > 0)
    }

    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        let (low, high) = (a.min(b).as_str(), a.max(b).as_str());
        let sql = "DELETE FROM not_a_match WHERE a = $1 AND b = $2";
        let dropped = self.write(|change| change.session.execute(sql, &[&low, &high]))?;
        Ok(dropped > 0)
    }

    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError> {
        let sql = "SELECT a, b, decided_ms FROM not_a_match
            ORDER BY decided_ms DESC, a, b LIMIT $1 OFFSET $2";
        self.read(|session| decisions(&session.query(sql, &[&at_most(limit), &at_most(offset)])?))
    }

    fn not_matches_after(
        &self,
        after: &NotAMatch,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        let sql = "SELECT a, b, decided_ms FROM not_a_match
            WHERE decided_ms <= $1 AND (decided_ms < $1 OR (a, b) > ($2, $3))
            ORDER BY decided_ms DESC, a, b LIMIT $4";
        let (a, b) = (after.a.as_str(), after.b.as_str());
        self.read(|session| {
            decisions(&session.query(sql, &[&after.decided_ms, &a, &b, &at_most(limit)])?)
        })
    }

    fn not_matches_by_id(
        &self,
        after: Option<(&PictureId, &PictureId)>,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError> {
        // No id is empty.
        let (a, b) = after.map_or(("", ""), |(a, b)| (a.as_str(), b.as_str()));
        let sql = "SELECT a, b, decided_ms FROM not_a_match
            WHERE (a, b) > ($1, $2) ORDER BY a, b LIMIT $3";
        self.read(|session| decisions(&session.query(sql, &[&a, &b, &at_most(limit)])?))
    }

    fn not_match_count(&self) -> Result<u64, StoreError> {
        self.read(|session| session.number("SELECT COUNT(*) FROM not_a_match", &[]))
    }

    fn not_matches_of_after(
        &self,
        id: &PictureId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT key FROM picture WHERE id IN (
                SELECT b FROM not_a_match WHERE a = $1
                UNION SELECT a FROM not_a_match WHERE b = $1)
            AND key > $2 ORDER BY key LIMIT $3";
        self.read(|session| {
            keys(&session.query(sql, &[&id.as_str(), &above(after), &page(limit)])?)
        })
    }

    fn not_match_keys_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        // Keys start at 1. The order of two ids says nothing about that of their keys.
        let (low, high) = after.unwrap_or((0, 0));
        let sql = "SELECT low, high FROM (
                SELECT LEAST(one.key, other.key) AS low, GREATEST(one.key, other.key) AS high
                FROM not_a_match
                JOIN picture AS one ON one.id = not_a_match.a
                JOIN picture AS other ON other.id = not_a_match.b) AS decided
            WHERE (low, high) > ($1, $2) ORDER BY low, high LIMIT $3";
        self.read(|session| {
            key_pairs(&session.query(sql, &[&at_most(low), &at_most(high), &page(limit)])?)
        })
    }
}

fn decisions(lines: &[Line]) -> Result<Vec<NotAMatch>, StoreError> {
    let decision = |line: &Line| {
        Ok(NotAMatch {
            a: line.id(0)?,
            b: line.id(1)?,
            decided_ms: line.get(2)?,
        })
    };
    lines.iter().map(decision).collect()
}
