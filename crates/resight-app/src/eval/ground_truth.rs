//! `groundtruth.json`: which pictures answer which query.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use resight_engine::{Refused, read_bounded};
use serde::Deserialize;

/// The longest `groundtruth.json` read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// What a folder of labelled pictures says. Further keys of the file are ignored.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct GroundTruth {
    /// Name of the data.
    pub name: String,
    /// What its authors measure; for people.
    #[serde(default)]
    pub metric: String,
    /// Whether each query is one of the database's pictures, to be left out of its own ranking.
    #[serde(default)]
    pub query_in_database: bool,
    /// File names in `images`, each once.
    pub database: Vec<String>,
    /// The queries with their answers; at least one.
    pub queries: Vec<LabelledQuery>,
}

/// A query with its answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct LabelledQuery {
    /// File name in `images`.
    pub query: String,
    /// Pictures of the database that must be found; at least one.
    pub relevant: Vec<String>,
    /// Pictures of the database that count neither way.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What was done to the picture, where queries are altered copies.
    #[serde(default)]
    pub attack: Option<String>,
}

/// Why a folder cannot be measured on.
#[derive(Debug, thiserror::Error)]
pub enum GroundTruthError {
    /// The file could not be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        reason: Refused,
    },
    /// The file is no JSON of the right form.
    #[error("{} is not a ground truth: {detail}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        detail: String,
    },
}

impl GroundTruth {
    /// Reads `groundtruth.json` in `dir` and checks that it is consistent. Whether the pictures
    /// are there is seen when they are used.
    pub fn read(dir: &Path) -> Result<Self, GroundTruthError> {
        let path = dir.join("groundtruth.json");
        let bytes = match read_bounded(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(reason) => return Err(GroundTruthError::Unreadable { path, reason }),
        };
        String::from_utf8(bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| Self::parse(&text))
            .map_err(|detail| GroundTruthError::Form { path, detail })
    }

    /// The same for the file's text; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let truth: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        truth.check()?;
        Ok(truth)
    }

    fn check(&self) -> Result<(), String> {
        let mut database = HashSet::new();
        for name in &self.database {
            plain_name(name)?;
            if !database.insert(name.as_str()) {
                return Err(format!("{name:?} is in the database twice"));
            }
        }
        if self.queries.is_empty() {
            return Err("there are no queries".into());
        }
        for query in &self.queries {
            let name = &query.query;
            plain_name(name)?;
            if self.query_in_database && !database.contains(name.as_str()) {
                return Err(format!(
                    "query {name:?} is not in the database, though query_in_database is true"
                ));
            }
            if query.relevant.is_empty() {
                return Err(format!("query {name:?} has nothing relevant"));
            }
            for answer in query.relevant.iter().chain(&query.ignore) {
                if !database.contains(answer.as_str()) {
                    return Err(format!(
                        "{answer:?}, named by query {name:?}, is not in the database"
                    ));
                }
            }
            if let Some(both) = query
                .relevant
                .iter()
                .find(|answer| query.ignore.contains(answer))
            {
                return Err(format!("query {name:?} both wants and ignores {both:?}"));
            }
        }
        Ok(())
    }
}

/// Names stay within the folder `images`.
fn plain_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(format!("{name:?} is not the plain name of a file"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_is_read() {
        let truth = GroundTruth::parse(
            r#"{"name":"n","metric":"mAP","note":"further keys are fine","query_in_database":true,
                "database":["a.jpg","b.jpg"],
                "queries":[{"query":"a.jpg","relevant":["b.jpg"],"attack":"crop"}]}"#,
        )
        .unwrap();
        assert_eq!(truth.queries[0].attack.as_deref(), Some("crop"));
        assert!(truth.query_in_database && truth.queries[0].ignore.is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        // (file, what the error must tell)
        let cases = [
            ("{", "line 1"),
            (r#"{"name":"n","queries":[]}"#, "database"),
            (
                r#"{"name":"n","database":["a"],"queries":[]}"#,
                "no queries",
            ),
            (
                r#"{"name":"n","database":["a","a"],"queries":[{"query":"q","relevant":["a"]}]}"#,
                "twice",
            ),
            (
                r#"{"name":"n","database":["a"],"queries":[{"query":"q","relevant":[]}]}"#,
                "nothing relevant",
            ),
            (
                r#"{"name":"n","database":["a"],"queries":[{"query":"q","relevant":["b"]}]}"#,
                "\"b\"",
            ),
            (
                r#"{"name":"n","database":["a"],"queries":[{"query":"q","relevant":["a"],"ignore":["a"]}]}"#,
                "both",
            ),
            (
                r#"{"name":"n","database":["../a"],"queries":[{"query":"q","relevant":["../a"]}]}"#,
                "plain name",
            ),
            (
                r#"{"name":"n","query_in_database":true,"database":["a"],"queries":[{"query":"q","relevant":["a"]}]}"#,
                "query_in_database",
            ),
            (
                r#"{"name":"n","database":["a"],"queries":[{"query":"q","relevant":"a"}]}"#,
                "sequence",
            ),
        ];
        for (text, told) in cases {
            let error = GroundTruth::parse(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = GroundTruth::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("groundtruth.json"), "{error}");
    }
}
