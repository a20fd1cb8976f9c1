//! Pairs of pictures, and what is no match. Runs inside the caller's transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::changes::set_setting;
use super::reads::{at_most, id_column, number};
use crate::{NotAMatch, PairLink, PairedPicture, PictureId, PicturePair};

/// Since format 3. `transform` holds nine little-endian doubles.
pub(super) const TABLES: &str = "
CREATE TABLE pair (
    a INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    b INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    log10_nfa DOUBLE PRECISION NOT NULL,
    inliers BIGINT NOT NULL,
    coverage_a DOUBLE PRECISION NOT NULL,
    coverage_b DOUBLE PRECISION NOT NULL,
    alike DOUBLE PRECISION,
    transform BLOB NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX pair_by_b ON pair (b);
CREATE TABLE not_a_match (
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    decided_ms BIGINT NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX not_a_match_by_b ON not_a_match (b);
";

/// Stands in for the tables while a file of an earlier format is only read: nothing was looked for.
pub(super) const WITHOUT: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE pair (a INTEGER, b INTEGER, kind INTEGER, log10_nfa REAL, inliers INTEGER,
    coverage_a REAL, coverage_b REAL, alike REAL, transform BLOB);
CREATE TEMP TABLE not_a_match (a TEXT, b TEXT, decided_ms INTEGER);
";

/// The setting that says up to which key pictures have been looked for.
const LOOKED: &str = "pairs_looked_up_to";

pub(super) fn keep(connection: &Connection, pairs: &[PicturePair], up_to: u64) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO pair (a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike, transform)
         SELECT first.key, second.key, ?3, ?4, ?5, ?6, ?7, ?8, ?9
         FROM picture AS first, picture AS second WHERE first.key = ?1 AND second.key = ?2
         ON CONFLICT (a, b) DO UPDATE SET kind = excluded.kind, log10_nfa = excluded.log10_nfa,
            inliers = excluded.inliers, coverage_a = excluded.coverage_a,
            coverage_b = excluded.coverage_b, alike = excluded.alike,
            transform = excluded.transform",
    )?;
    for pair in pairs.iter().filter(|pair| pair.a < pair.b) {
        let transform: Vec<u8> = pair
            .transform
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        insert.execute(params![
            pair.a.cast_signed(),
            pair.b.cast_signed(),
            pair.kind,
            pair.log10_nfa,
            pair.inliers,
            pair.coverage_a,
            pair.coverage_b,
            pair.alike,
            transform,
        ])?;
    }
    if up_to > looked_up_to(connection)? {
        set_setting(connection, LOOKED, &up_to.to_string())?;
    }
    Ok(())
}

pub(super) fn looked_up_to(connection: &Connection) -> Result<u64> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
        .query_row([LOOKED], |row| row.get(0))
        .optional()?;
    // Whatever else stands there: looking once more does no harm.
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

pub(super) fn not_looked_for(connection: &Connection) -> Result<u64> {
    let up_to = at_most(looked_up_to(connection)?);
    connection
        .prepare_cached("SELECT COUNT(*) FROM picture WHERE key > ?1")?
        .query_row([up_to], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}

pub(super) fn keys_above(connection: &Connection, key: u64, limit: usize) -> Result<Vec<u64>> {
    connection
        .prepare_cached("SELECT key FROM picture WHERE key > ?1 ORDER BY key LIMIT ?2")?
        .query_map([at_most(key), at_most(limit as u64)], key_column)?
        .collect()
}

pub(super) fn links_after(
    connection: &Connection,
    after: Option<(u64, u64)>,
    limit: usize,
) -> Result<Vec<PairLink>> {
    // Keys start at 1.
    let (a, b) = after.unwrap_or((0, 0));
    connection
        .prepare_cached(
            "SELECT a, b, kind, log10_nfa FROM pair
             WHERE (a, b) > (?1, ?2) ORDER BY a, b LIMIT ?3",
        )?
        .query_map([at_most(a), at_most(b), at_most(limit as u64)], |row| {
            Ok(PairLink {
                a: key_column(row)?,
                b: row.get::<_, i64>(1)?.cast_unsigned(),
                kind: row.get(2)?,
                log10_nfa: row.get(3)?,
            })
        })?
        .collect()
}

pub(super) fn pairs(
    connection: &Connection,
    keys: &[(u64, u64)],
) -> Result<Vec<Option<PicturePair>>> {
    let mut one = connection.prepare_cached(
        "SELECT a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, alike, transform
         FROM pair WHERE a = ?1 AND b = ?2",
    )?;
    keys.iter()
        .map(|&(a, b)| one.query_row([at_most(a), at_most(b)], pair).optional())
        .collect()
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
    Ok(PicturePair {
        a: key_column(row)?,
        b: row.get::<_, i64>(1)?.cast_unsigned(),
        kind: row.get(2)?,
        log10_nfa: row.get(3)?,
        inliers: row.get(4)?,
        coverage_a: row.get(5)?,
        coverage_b: row.get(6)?,
        alike: row.get(7)?,
        transform: transform.ok_or_else(damaged)?,
    })
}

pub(super) fn paired(connection: &Connection) -> Result<Vec<PairedPicture>> {
    connection
        .prepare_cached(
            "SELECT key, width, height, byte_len,
                (SELECT COUNT(*) FROM source WHERE source.key = picture.key)
             FROM picture WHERE key IN (
                SELECT a FROM pair UNION SELECT b FROM pair
                UNION SELECT key FROM source GROUP BY key HAVING COUNT(*) > 1)
             ORDER BY key",
        )?
        .query_map([], |row| {
            Ok(PairedPicture {
                key: key_column(row)?,
                width: row.get(1)?,
                height: row.get(2)?,
                byte_len: row.get::<_, i64>(3)?.cast_unsigned(),
                sources: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        })?
        .collect()
}

/// The two in their order; `None` for a picture and itself.
fn ordered<'a>(a: &'a PictureId, b: &'a PictureId) -> Option<[&'a str; 2]> {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    (a != b).then(|| [low.as_str(), high.as_str()])
}

pub(super) fn add_not_a_match(
    connection: &Connection,
    (a, b): (&PictureId, &PictureId),
    now: i64,
) -> Result<bool> {
    let Some([a, b]) = ordered(a, b) else {
        return Ok(false);
    };
    let added = connection
        .prepare_cached(
            "INSERT INTO not_a_match (a, b, decided_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (a, b) DO NOTHING",
        )?
        .execute(params![a, b, now])?;
    Ok(added > 0)
}

pub(super) fn drop_not_a_match(
    connection: &Connection,
    a: &PictureId,
    b: &PictureId,
) -> Result<bool> {
    let Some(ids) = ordered(a, b) else {
        return Ok(false);
    };
    let dropped = connection
        .prepare_cached("DELETE FROM not_a_match WHERE a = ?1 AND b = ?2")?
        .execute(ids)?;
    Ok(dropped > 0)
}

pub(super) fn not_matches(
    connection: &Connection,
    offset: u64,
    limit: u64,
) -> Result<Vec<NotAMatch>> {
    connection
        .prepare_cached(
            "SELECT a, b, decided_ms FROM not_a_match
             ORDER BY decided_ms DESC, a, b LIMIT ?1 OFFSET ?2",
        )?
        .query_map([at_most(limit), at_most(offset)], |row| {
            Ok(NotAMatch {
                a: id_column(row, 0)?,
                b: id_column(row, 1)?,
                decided_ms: row.get(2)?,
            })
        })?
        .collect()
}

pub(super) fn not_match_count(connection: &Connection) -> Result<u64> {
    number(connection, "SELECT COUNT(*) FROM not_a_match")
}

pub(super) fn not_matches_of(connection: &Connection, id: &PictureId) -> Result<Vec<u64>> {
    connection
        .prepare_cached(
            "SELECT key FROM picture WHERE id IN (
                SELECT b FROM not_a_match WHERE a = ?1
                UNION SELECT a FROM not_a_match WHERE b = ?1)
             ORDER BY key",
        )?
        .query_map([id.as_str()], key_column)?
        .collect()
}

pub(super) fn not_match_keys(connection: &Connection) -> Result<Vec<(u64, u64)>> {
    connection
        .prepare_cached(
            "SELECT first.key, second.key FROM not_a_match
             JOIN picture AS first ON first.id = not_a_match.a
             JOIN picture AS second ON second.id = not_a_match.b",
        )?
        .query_map([], |row| {
            let (a, b) = (key_column(row)?, row.get::<_, i64>(1)?.cast_unsigned());
            Ok((a.min(b), a.max(b)))
        })?
        .collect()
}

fn key_column(row: &Row<'_>) -> Result<u64> {
    Ok(row.get::<_, i64>(0)?.cast_unsigned())
}
