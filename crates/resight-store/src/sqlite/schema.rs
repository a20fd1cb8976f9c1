//! The tables, and the recognition of a catalogue's file.
//!
//! Features and words have tables of their own, so that listing pictures never reads them; their
//! lengths are stored beside the picture, so that summing them does not either. Text compares by
//! bytes, SQLite's default.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::errors::from_sql;
use crate::error::StoreError;

/// Marks a SQLite file as a Resight catalogue: "Rsgt" in ASCII.
const APPLICATION_ID: i64 = 0x5273_6774;

/// The format that this program writes, and the highest that it reads.
pub(super) const VERSION: u32 = 1 + STEPS.len() as u32;

/// The migration from each format to the next, the first from 1 to 2. A new file takes the same
/// steps, so that it does not differ from a migrated one. A released step never changes.
const STEPS: &[&str] = &[LABELS, PAIRS, VECTORS, REGIONS, PAGES, SUMS, CHANGES];

/// Since format 2: labels. `entry` has the names and values of metadata.
const LABELS: &str = "
ALTER TABLE picture ADD COLUMN object TEXT;
ALTER TABLE picture ADD COLUMN metadata TEXT;
CREATE INDEX picture_by_object ON picture (object, key);
CREATE TABLE tag (
    tag TEXT NOT NULL,
    key INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    PRIMARY KEY (tag, key)
);
CREATE INDEX tag_by_key ON tag (key, tag);
CREATE TABLE entry (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    key INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    PRIMARY KEY (name, value, key)
);
CREATE INDEX entry_by_key ON entry (key);
";

/// Since format 3.
const PAIRS: &str = "
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

/// Stands in for the tables of format 3 while an earlier file is only read: no pictures were checked.
const WITHOUT_PAIRS: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE pair (a INTEGER, b INTEGER, kind INTEGER, log10_nfa REAL, inliers INTEGER,
    coverage_a REAL, coverage_b REAL, alike REAL, transform BLOB);
CREATE TEMP TABLE not_a_match (a TEXT, b TEXT, decided_ms INTEGER);
";

/// Since format 4.
const VECTORS: &str = "
CREATE TABLE vector_model (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL UNIQUE
);
CREATE TABLE vector (
    model INTEGER NOT NULL REFERENCES vector_model (number) ON DELETE CASCADE,
    key INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE INDEX vector_by_key ON vector (key);
";

/// Stands in for the tables of format 4 while an earlier file is only read: there are no vectors.
const WITHOUT_VECTORS: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE vector_model (number INTEGER PRIMARY KEY, model TEXT);
CREATE TEMP TABLE vector (model INTEGER, key INTEGER, bytes BLOB, sum INTEGER);
";

/// Since format 5: where pairs differ, and whether one is a negative. Kinds mean something else since then,
/// so all pictures are paired again; what a user decided stays.
const REGIONS: &str = "
DELETE FROM pair;
DELETE FROM setting WHERE name = 'pairs_looked_up_to';
ALTER TABLE pair ADD COLUMN inverted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN regions BLOB NOT NULL DEFAULT x'';
";

/// Stands in for the pairs of format 5 while an earlier file is only read: no pictures were checked.
const WITHOUT_REGIONS: &str = "
PRAGMA temp_store = memory;
DROP TABLE IF EXISTS temp.pair;
CREATE TEMP TABLE pair (a INTEGER, b INTEGER, kind INTEGER, log10_nfa REAL, inliers INTEGER,
    coverage_a REAL, coverage_b REAL, alike REAL, transform BLOB, inverted INTEGER, regions BLOB);
CREATE TEMP VIEW setting AS SELECT name, value FROM main.setting WHERE name <> 'pairs_looked_up_to';
";

/// Since format 6: pages or frames of a file and bits a sample; null of pictures that were added before.
const PAGES: &str = "
ALTER TABLE picture ADD COLUMN pages BIGINT;
ALTER TABLE picture ADD COLUMN depth INTEGER;
";

/// Stands in for the columns of format 6 and 7 while an earlier file is only read. A file of format 1 has a view
/// with all of them already.
const WITHOUT_PAGES: &str = "
CREATE TEMP VIEW IF NOT EXISTS picture AS SELECT *, NULL AS pages, NULL AS depth, NULL AS row_sum,
    NULL AS features_sum, NULL AS words_sum, NULL AS staged_sum FROM main.picture;
";

/// Since format 7: checksums (`sums.rs`), null of rows that were written before.
const SUMS: &str = "
ALTER TABLE picture ADD COLUMN row_sum BIGINT;
ALTER TABLE picture ADD COLUMN features_sum BIGINT;
ALTER TABLE picture ADD COLUMN words_sum BIGINT;
ALTER TABLE picture ADD COLUMN staged_sum BIGINT;
ALTER TABLE vector ADD COLUMN sum BIGINT;
";

/// Stands in for the columns of format 7 while an earlier file is only read, where no view or table of a step
/// before has them already.
const WITHOUT_SUMS: &str = "
CREATE TEMP VIEW IF NOT EXISTS picture AS SELECT *, NULL AS row_sum, NULL AS features_sum,
    NULL AS words_sum, NULL AS staged_sum FROM main.picture;
CREATE TEMP VIEW IF NOT EXISTS vector AS SELECT *, NULL AS sum FROM main.vector;
";

/// Since format 8: the time of change and the number of a file, null in rows that were written before.
const CHANGES: &str = "
ALTER TABLE source ADD COLUMN changed_ns BIGINT;
ALTER TABLE source ADD COLUMN file_number BIGINT;
ALTER TABLE refusal ADD COLUMN changed_ns BIGINT;
ALTER TABLE refusal ADD COLUMN file_number BIGINT;
";

/// Stands in for the columns of format 8 while an earlier file is only read.
const WITHOUT_CHANGES: &str = "
CREATE TEMP VIEW source AS SELECT *, NULL AS changed_ns, NULL AS file_number FROM main.source;
CREATE TEMP VIEW refusal AS SELECT *, NULL AS changed_ns, NULL AS file_number FROM main.refusal;
";

/// The stand-in for each step while a file from before it is only read.
const WITHOUT: [&str; STEPS.len()] = [
    WITHOUT_LABELS,
    WITHOUT_PAIRS,
    WITHOUT_VECTORS,
    WITHOUT_REGIONS,
    WITHOUT_PAGES,
    WITHOUT_SUMS,
    WITHOUT_CHANGES,
];

/// Stands in for what format 1 lacks while such a file is only read: no picture has labels. It belongs
/// to one connection, and changes nothing in the file.
const WITHOUT_LABELS: &str = "
PRAGMA temp_store = memory;
CREATE TEMP VIEW picture AS SELECT key, id, name, media_type, byte_len, width, height,
    feature_count, model, uploaded, added_ms, features_len, words_len,
    NULL AS object, NULL AS metadata, NULL AS pages, NULL AS depth, NULL AS row_sum,
    NULL AS features_sum, NULL AS words_sum, NULL AS staged_sum FROM main.picture;
CREATE TEMP TABLE tag (tag TEXT, key INTEGER);
CREATE TEMP TABLE entry (name TEXT, value TEXT, key INTEGER);
";

/// Format 1. With `AUTOINCREMENT` SQLite never reuses a `key`; plain row ids may be reused.
const TABLES: &str = "
CREATE TABLE picture (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    byte_len BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    feature_count BIGINT NOT NULL,
    model TEXT NOT NULL,
    uploaded INTEGER NOT NULL,
    added_ms BIGINT NOT NULL,
    features_len BIGINT NOT NULL,
    words_len BIGINT NOT NULL
);
CREATE UNIQUE INDEX picture_by_id ON picture (id);
CREATE INDEX picture_by_added ON picture (added_ms, key);
CREATE TABLE features (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE TABLE words (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE TABLE source (
    path TEXT NOT NULL PRIMARY KEY,
    key INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    byte_len BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL
);
CREATE INDEX source_by_key ON source (key, path);
CREATE TABLE refusal (
    path TEXT NOT NULL PRIMARY KEY,
    byte_len BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    seen_ms BIGINT NOT NULL
);
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
";

/// Created at every opening for writing: some catalogues of the same format are older than these tables.
/// `removed_pictures` has the ids of removed pictures whose blobs may still exist; `orphan` the pictures that
/// lost their last file while a folder was being read, and the new pictures at their paths; `taken` when pictures were
/// taken, null where the file does not tell, without a row where it was not asked yet; `picture_view` has further pages and
/// frames of pictures, with keys of the sequence of pictures.
const RECORDS: &str = "
CREATE TABLE IF NOT EXISTS removed_pictures (
    id TEXT NOT NULL PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS orphan (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    folder TEXT NOT NULL,
    heir INTEGER REFERENCES picture (key) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS orphan_by_heir ON orphan (heir);
CREATE TABLE IF NOT EXISTS taken (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    taken_ms BIGINT
);
CREATE INDEX IF NOT EXISTS taken_by_time ON taken (taken_ms, key);
CREATE TABLE IF NOT EXISTS picture_view (
    key INTEGER PRIMARY KEY,
    picture INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    time_ms BIGINT,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    feature_count BIGINT NOT NULL,
    features_len BIGINT NOT NULL,
    words_len BIGINT NOT NULL,
    row_sum BIGINT NOT NULL,
    features_sum BIGINT NOT NULL,
    words_sum BIGINT NOT NULL,
    staged_sum BIGINT
);
CREATE INDEX IF NOT EXISTS picture_view_by_picture ON picture_view (picture, key);
CREATE TABLE IF NOT EXISTS view_features (
    key INTEGER PRIMARY KEY REFERENCES picture_view (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS view_words (
    key INTEGER PRIMARY KEY REFERENCES picture_view (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS picture_by_name ON picture (name, key);
CREATE INDEX IF NOT EXISTS picture_by_length ON picture (byte_len, key);
";

/// Stands in for the table of times while a file without it is only read: no file was asked.
const WITHOUT_TAKEN: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE taken (key INTEGER, taken_ms BIGINT);
";

/// Stands in for the tables of views while a file without them is only read: no picture has further pages.
const WITHOUT_VIEWS: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE picture_view (key INTEGER PRIMARY KEY, picture INTEGER, number BIGINT, time_ms BIGINT,
    width BIGINT, height BIGINT, feature_count BIGINT, features_len BIGINT, words_len BIGINT,
    row_sum BIGINT, features_sum BIGINT, words_sum BIGINT, staged_sum BIGINT);
CREATE TEMP TABLE view_features (key INTEGER PRIMARY KEY, bytes BLOB);
CREATE TEMP TABLE view_words (key INTEGER PRIMARY KEY, bytes BLOB);
";

/// The stand-in for each table of [`RECORDS`] that is read, while a file without it is only read.
const WITHOUT_RECORDS: [(&str, &str); 2] =
    [("taken", WITHOUT_TAKEN), ("picture_view", WITHOUT_VIEWS)];

/// What a file is by its header and its list of tables.
enum Kind {
    Empty,
    /// A catalogue of this format.
    Ours(u32),
}

fn kind(path: &Path, connection: &Connection) -> Result<Kind, StoreError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| from_sql(path, error))
    };
    let application_id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT COUNT(*) FROM sqlite_schema")?;
    let damaged = |detail: &str| StoreError::Damaged {
        location: path.display().to_string(),
        detail: detail.to_owned(),
    };
    if (application_id, version, tables) == (0, 0, 0) {
        return Ok(Kind::Empty);
    }
    if application_id != APPLICATION_ID {
        return Err(damaged("it belongs to another program"));
    }
    match u32::try_from(version) {
        Ok(found @ 1..=VERSION) => Ok(Kind::Ours(found)),
        Ok(found) if found > VERSION => Err(StoreError::Newer {
            found,
            supported: VERSION,
        }),
        _ => Err(damaged(
            "its format version is not one that was ever written",
        )),
    }
}

/// Fails unless the file is a catalogue that this program can read.
pub(super) fn check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    match kind(path, connection)? {
        Kind::Ours(_) => Ok(()),
        // A writer has created the file, but not its tables yet.
        Kind::Empty => Err(StoreError::Missing {
            location: path.display().to_string(),
        }),
    }
}

/// Lets a connection for reading read a file of an earlier format as one of the present format.
pub(super) fn read_as_present(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    match kind(path, connection)? {
        Kind::Ours(format) => (1..)
            .zip(WITHOUT)
            .skip_while(|(without, _)| *without < format)
            .try_for_each(|(_, stand_in)| connection.execute_batch(stand_in))
            .and_then(|()| {
                let known = "SELECT COUNT(*) > 0 FROM main.sqlite_schema WHERE name = ?1";
                WITHOUT_RECORDS
                    .into_iter()
                    .try_for_each(|(table, stand_in)| {
                        match connection.query_row(known, [table], |row| row.get(0))? {
                            true => Ok(()),
                            false => connection.execute_batch(stand_in),
                        }
                    })
            })
            .map_err(|error| from_sql(path, error)),
        Kind::Empty => Ok(()),
    }
}

/// Fails unless the file is empty or a catalogue that this program can read; does not change it.
pub(super) fn check_writable(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    kind(path, connection).map(|_| ())
}

/// Creates the tables of a new file, or migrates a file of an earlier format to the present one, in
/// one transaction.
pub(super) fn create(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    let sql = |error| from_sql(path, error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sql)?;
    // Inside the transaction: two processes may be opening the same new file.
    let format = match kind(path, &transaction)? {
        Kind::Ours(format) => format,
        Kind::Empty => {
            transaction.execute_batch(TABLES).map_err(sql)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION_ID)
                .map_err(sql)?;
            1
        }
    };
    for step in STEPS.iter().skip(format as usize - 1) {
        transaction.execute_batch(step).map_err(sql)?;
    }
    transaction
        .pragma_update(None, "user_version", VERSION)
        .map_err(sql)?;
    transaction.execute_batch(RECORDS).map_err(sql)?;
    transaction.commit().map_err(sql)
}
