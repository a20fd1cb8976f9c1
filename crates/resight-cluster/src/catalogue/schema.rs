//! The tables of a collection, and their format.
//!
//! Features and words have tables of their own, so that listing pictures never reads them. Text sorts by its bytes. An
//! index takes at most 2,704 bytes of a row, and paths, names and metadata may be longer: those are indexed by their
//! beginning (`left`), and every comparison names the beginning and then the whole.

use resight_store::sums::{Part, sum_of};
use resight_store::{CollectionName, StoreError};
use tokio_postgres::SimpleQueryMessage;

use super::address::quoted;
use super::session::Session;

/// The format that this program writes, and the highest that it reads.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// The migration to each format from the one before; the first makes the tables. A released step never changes.
const STEPS: &[&str] = &[TABLES];

/// Characters of a path or a name in an index: at most four bytes each.
pub(super) const BEGINNING: u32 = 512;

/// Format 1. Checksums are those of `resight_store::sums`. Keys come from `counter`, whose row a writer locks. `words`
/// has the present generation and, while words are staged, the next. The rows of views in `features` and
/// `words` name their picture, with which they go.
const TABLES: &str = r#"
CREATE TABLE counter (
    single BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
    last_key BIGINT NOT NULL,
    words_generation BIGINT NOT NULL
);
INSERT INTO counter (last_key, words_generation) VALUES (0, 1);
CREATE TABLE picture (
    key BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    byte_len BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    feature_count BIGINT NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    uploaded BOOLEAN NOT NULL,
    added_ms BIGINT NOT NULL,
    object TEXT COLLATE "C",
    metadata TEXT COLLATE "C",
    pages BIGINT,
    depth BIGINT,
    row_sum BIGINT NOT NULL,
    taken_asked BOOLEAN NOT NULL,
    taken_ms BIGINT
);
CREATE INDEX picture_by_added ON picture (added_ms, key);
CREATE INDEX picture_by_name ON picture (left(name, 512));
CREATE INDEX picture_by_length ON picture (byte_len, key);
CREATE INDEX picture_by_object ON picture (object, key) WHERE object IS NOT NULL;
CREATE INDEX picture_by_taken ON picture (COALESCE(taken_ms, '9223372036854775807'::BIGINT), key);
CREATE INDEX picture_by_taken_last ON picture (COALESCE(taken_ms, '-9223372036854775808'::BIGINT), key);
CREATE INDEX picture_unasked ON picture (key) WHERE NOT taken_asked;
CREATE TABLE picture_view (
    key BIGINT PRIMARY KEY,
    picture BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    time_ms BIGINT,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    feature_count BIGINT NOT NULL,
    row_sum BIGINT NOT NULL
);
CREATE INDEX picture_view_by_picture ON picture_view (picture, key);
CREATE TABLE features (
    key BIGINT PRIMARY KEY,
    picture BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    bytes BYTEA NOT NULL,
    sum BIGINT NOT NULL
);
ALTER TABLE features ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX features_by_picture ON features (picture);
CREATE TABLE words (
    generation BIGINT NOT NULL,
    key BIGINT NOT NULL,
    picture BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    bytes BYTEA NOT NULL,
    sum BIGINT NOT NULL,
    PRIMARY KEY (generation, key)
);
ALTER TABLE words ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX words_by_picture ON words (picture);
CREATE TABLE source (
    path TEXT COLLATE "C" NOT NULL,
    key BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    byte_len BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    changed_ns BIGINT,
    file_number BIGINT
);
CREATE INDEX source_by_path ON source (left(path, 512));
CREATE INDEX source_by_key ON source (key);
CREATE TABLE refusal (
    path TEXT COLLATE "C" NOT NULL,
    byte_len BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    changed_ns BIGINT,
    file_number BIGINT,
    code TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    seen_ms BIGINT NOT NULL
);
CREATE INDEX refusal_by_path ON refusal (left(path, 512));
CREATE TABLE tag (
    tag TEXT COLLATE "C" NOT NULL,
    key BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    PRIMARY KEY (tag, key)
);
CREATE INDEX tag_by_key ON tag (key, tag);
CREATE TABLE entry (
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    key BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE
);
CREATE INDEX entry_by_value ON entry (left(name, 128), left(value, 256), key);
CREATE INDEX entry_by_key ON entry (key);
CREATE TABLE vector_model (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model TEXT COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE vector (
    model BIGINT NOT NULL REFERENCES vector_model (number) ON DELETE CASCADE,
    key BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    bytes BYTEA NOT NULL,
    sum BIGINT NOT NULL,
    PRIMARY KEY (model, key)
);
ALTER TABLE vector ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX vector_by_key ON vector (key);
CREATE TABLE pair (
    a BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    b BIGINT NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    kind BIGINT NOT NULL,
    log10_nfa DOUBLE PRECISION NOT NULL,
    inliers BIGINT NOT NULL,
    coverage_a DOUBLE PRECISION NOT NULL,
    coverage_b DOUBLE PRECISION NOT NULL,
    alike DOUBLE PRECISION,
    transform DOUBLE PRECISION[] NOT NULL,
    inverted BOOLEAN NOT NULL,
    regions REAL[] NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX pair_by_b ON pair (b);
CREATE TABLE not_a_match (
    a TEXT COLLATE "C" NOT NULL,
    b TEXT COLLATE "C" NOT NULL,
    decided_ms BIGINT NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX not_a_match_by_b ON not_a_match (b);
CREATE INDEX not_a_match_by_time ON not_a_match (decided_ms DESC, a, b);
CREATE TABLE setting (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
CREATE TABLE removed_pictures (
    id TEXT COLLATE "C" PRIMARY KEY
);
CREATE TABLE orphan (
    key BIGINT PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    folder TEXT COLLATE "C" NOT NULL,
    heir BIGINT REFERENCES picture (key) ON DELETE SET NULL
);
CREATE INDEX orphan_by_heir ON orphan (heir);
"#;

/// All tables, for what concerns each.
pub(super) const ALL_TABLES: [&str; 16] = [
    "counter",
    "picture",
    "picture_view",
    "features",
    "words",
    "source",
    "refusal",
    "tag",
    "entry",
    "vector_model",
    "vector",
    "pair",
    "not_a_match",
    "setting",
    "removed_pictures",
    "orphan",
];

/// What the names of all schemas of this program begin with.
pub(super) const PREFIX: &str = "resight_";

/// The most bytes of a name in PostgreSQL.
const LONGEST_NAME: usize = 63;

/// The schema of a collection. A longer name is cut, and a checksum behind a character that no collection's name
/// has tells it from others.
pub(super) fn schema_of(collection: &CollectionName) -> String {
    let name = collection.as_str();
    let schema = format!("{PREFIX}{name}");
    if schema.len() <= LONGEST_NAME {
        return schema;
    }
    let sum = |seed| sum_of(Part::Record, seed, name.as_bytes());
    // Collections have names of ASCII alone.
    format!("{PREFIX}{}~{:08x}{:08x}", &name[..38], sum(0), sum(1))
}

/// Makes the schema and its tables, or migrates them to the present format. Other processes that do the same wait.
pub(super) fn create(
    session: &Session,
    schema: &str,
    collection: &CollectionName,
) -> Result<(), StoreError> {
    session.begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
    lock(session, schema)?;
    check_encoding(session)?;
    let exists = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if session.first(exists, &[&schema])?.is_none() {
        session.run(&format!("CREATE SCHEMA {}", quoted(schema)))?;
    }
    let found = format(session, schema)?;
    if found > VERSION {
        return Err(newer(found));
    }
    if found < VERSION {
        if found == 0 {
            session.run(
                "CREATE TABLE meta (name TEXT COLLATE \"C\" PRIMARY KEY, value TEXT COLLATE \"C\" NOT NULL)",
            )?;
            // A collection's name has nothing to be quoted.
            session.run(&format!(
                "INSERT INTO meta (name, value) VALUES ('collection', '{collection}')"
            ))?;
        }
        for step in STEPS.iter().skip(found as usize) {
            session.run(step)?;
        }
        session.run(&format!(
            "INSERT INTO meta (name, value) VALUES ('format', '{VERSION}')
             ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ))?;
    }
    session.commit()
}

/// Keeps others from making, migrating, renaming or dropping this schema until the transaction ends.
pub(super) fn lock(session: &Session, schema: &str) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('resight ' || $1::TEXT, 0)) IS NULL";
    session.query(sql, &[&schema]).map(|_| ())
}

/// Fails unless the collection is one that this program can read.
pub(super) fn check(session: &Session, schema: &str) -> Result<(), StoreError> {
    match format(session, schema)? {
        0 => Err(StoreError::Missing {
            location: format!("{}, schema {schema}", session.location()),
        }),
        found if found > VERSION => Err(newer(found)),
        _ => Ok(()),
    }
}

fn newer(found: u32) -> StoreError {
    StoreError::Newer {
        found,
        supported: VERSION,
    }
}

/// The format of the schema; 0 where there is no collection in it.
fn format(session: &Session, schema: &str) -> Result<u32, StoreError> {
    let known = "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta'";
    if session.first(known, &[&schema])?.is_none() {
        return Ok(0);
    }
    let read = session.run("SELECT value FROM meta WHERE name = 'format'")?;
    let text = first_text(&read).unwrap_or_default();
    text.parse().map_err(|_| StoreError::Damaged {
        location: format!("{}, schema {schema}", session.location()),
        detail: "its format version is not one that was ever written".to_owned(),
    })
}

/// The first value of the first row.
pub(super) fn first_text(messages: &[SimpleQueryMessage]) -> Option<&str> {
    messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

fn check_encoding(session: &Session) -> Result<(), StoreError> {
    let read = session.run("SHOW server_encoding")?;
    match first_text(&read) {
        Some("UTF8") => Ok(()),
        other => Err(StoreError::Io {
            location: session.location().to_string(),
            source: format!(
                "its encoding is {}, and text of all languages needs a database made with ENCODING 'UTF8'",
                other.unwrap_or("unknown")
            )
            .into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_collection_has_a_schema_of_its_own() {
        let schema = |name: &str| schema_of(&CollectionName::parse(name).unwrap());
        assert_eq!(schema("default"), "resight_default");
        assert_eq!(schema(&"a".repeat(55)).len(), 63);
        let (one, two) = ("a".repeat(63), format!("{}b", "a".repeat(62)));
        let long = [schema(&one), schema(&two)];
        assert!(long.iter().all(|schema| schema.len() <= 63), "{long:?}");
        assert_ne!(long[0], long[1]);
    }

    #[test]
    fn beginnings_are_those_of_the_indexes() {
        for column in ["name", "path"] {
            assert!(TABLES.contains(&format!("left({column}, {BEGINNING})")));
        }
        for table in ALL_TABLES {
            assert!(
                TABLES.contains(&format!("CREATE TABLE {table} (")),
                "{table}"
            );
        }
        assert_eq!(TABLES.matches("CREATE TABLE ").count(), ALL_TABLES.len());
    }
}
