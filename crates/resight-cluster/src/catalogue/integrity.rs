//! What the database cannot hold together by itself: constraints and foreign keys do the rest, and checksums of pages
//! are the server's.

use resight_store::{Integrity, StoreError};

use super::open::PostgresCatalogue;

/// What is wrong, and the keys of which it is.
const CHECKS: [(&str, &str); 5] = [
    (
        "has no features",
        "SELECT key FROM (SELECT key FROM picture UNION ALL SELECT key FROM picture_view) AS owner
            WHERE NOT EXISTS (SELECT 1 FROM features WHERE features.key = owner.key)",
    ),
    (
        "has no words",
        "SELECT key FROM (SELECT key FROM picture UNION ALL SELECT key FROM picture_view) AS owner
            WHERE NOT EXISTS (SELECT 1 FROM words WHERE words.key = owner.key
                AND words.generation = (SELECT words_generation FROM counter))",
    ),
    (
        "has features and is no picture or view",
        "SELECT key FROM features WHERE key <> picture AND NOT EXISTS (SELECT 1 FROM picture_view
            WHERE picture_view.key = features.key AND picture_view.picture = features.picture)",
    ),
    (
        "is above the last key that was given",
        "SELECT key FROM (SELECT key FROM picture UNION ALL SELECT key FROM picture_view) AS owner
            WHERE key > (SELECT last_key FROM counter)",
    ),
    (
        "has a path that is a source twice, or refused as well",
        "SELECT source.key FROM source
            WHERE (SELECT COUNT(*) FROM source AS other
                WHERE left(other.path, 512) = left(source.path, 512) AND other.path = source.path) > 1
            OR EXISTS (SELECT 1 FROM refusal
                WHERE left(refusal.path, 512) = left(source.path, 512) AND refusal.path = source.path)",
    ),
];

/// Of each kind, at most so many are named.
const NAMED: i64 = 20;

impl Integrity for PostgresCatalogue {
    fn check_structure(&self) -> Result<Vec<String>, StoreError> {
        let found = self.read_state(|session| {
            session.take_time()?;
            let mut found = Vec::new();
            for (what, sql) in CHECKS {
                for line in session.query(&format!("{sql} LIMIT $1"), &[&NAMED])? {
                    found.push(format!("key {} {what}", line.unsigned(0)?));
                }
            }
            Ok(found)
        });
        match found {
            // Too damaged to be checked to the end.
            Err(error @ StoreError::Damaged { .. }) => Ok(vec![error.to_string()]),
            found => found,
        }
    }
}
