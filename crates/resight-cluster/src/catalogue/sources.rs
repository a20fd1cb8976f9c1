//! Sources and refusals by path.

use std::collections::HashMap;

use resight_store::listing::{after_all_with, in_order};
use resight_store::{PictureId, Refusal, Refusals, SourceFile, Sources, StoreError};

use super::open::PostgresCatalogue;
use super::rows::{Line, page, signed};
use super::schema::BEGINNING;
use super::text;

const SOURCE: &str = "SELECT source.path, source.byte_len, source.modified_ns, source.changed_ns,
    source.file_number, picture.id
    FROM source JOIN picture ON picture.key = source.key";

impl Sources for PostgresCatalogue {
    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError> {
        let sql = format!("{SOURCE} WHERE {}", is_path("source.path", "$1"));
        let path = text::stored(path);
        self.read(|session| {
            let line = session.first(&sql, &[&path])?;
            line.as_ref().map(source).transpose()
        })
    }

    fn sources_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SourceFile, PictureId)>, StoreError> {
        self.under((SOURCE, "source.path"), prefix, after, limit, source)
    }

    fn source_paths(&self, keys: &[u64]) -> Result<Vec<Vec<String>>, StoreError> {
        let sql = "SELECT key, path FROM source WHERE key = ANY($1) ORDER BY key, path";
        let by_key = self.read(|session| {
            let mut paths: HashMap<u64, Vec<String>> = HashMap::new();
            for line in session.query(sql, &[&signed(keys)])? {
                let of_key = paths.entry(line.unsigned(0)?).or_default();
                of_key.push(line.text(1)?);
            }
            Ok(paths)
        })?;
        let paths = in_order(keys, by_key).into_iter();
        Ok(paths.map(Option::unwrap_or_default).collect())
    }
}

impl Refusals for PostgresCatalogue {
    fn refusals_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Refusal>, StoreError> {
        let sql = "SELECT path, byte_len, modified_ns, changed_ns, file_number, code, reason,
            seen_ms FROM refusal";
        self.under((sql, "path"), prefix, after, limit, |line| {
            Ok(Refusal {
                source: file(line, 0)?,
                code: line.text(5)?,
                reason: line.text(6)?,
                seen_ms: line.get(7)?,
            })
        })
    }

    fn refusal_count(&self) -> Result<u64, StoreError> {
        self.read(|session| session.number("SELECT COUNT(*) FROM refusal", &[]))
    }
}

impl PostgresCatalogue {
    /// A page of the rows of `sql` whose column `path` starts with the prefix.
    fn under<T>(
        &self,
        (sql, path): (&str, &str),
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        read: impl Fn(&Line) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        // One lower bound, so that each page starts with a step down the index and not with a walk
        // over the pages before it.
        let (lower, low) = match after {
            Some(after) if after >= prefix => (">", after),
            _ => (">=", prefix),
        };
        let low = text::stored(low);
        let end = after_all_with(&text::stored(prefix));
        let beginning = beginning(path);
        let upper = match end {
            Some(_) => format!(
                "AND {beginning} <= {} AND {path} < $3",
                self::beginning("$3::TEXT")
            ),
            None => String::new(),
        };
        let sql = format!(
            "{sql} WHERE {beginning} >= {} AND {path} {lower} $1 {upper}
             ORDER BY {beginning}, {path} LIMIT $2",
            self::beginning("$1::TEXT")
        );
        self.read(|session| {
            let lines = match &end {
                Some(end) => session.query(&sql, &[&low, &page(limit), end])?,
                None => session.query(&sql, &[&low, &page(limit)])?,
            };
            lines.iter().map(&read).collect()
        })
    }
}

/// The part of a text that an index has.
pub(super) fn beginning(text: &str) -> String {
    format!("left({text}, {BEGINNING})")
}

/// A comparison of paths that the index by their beginnings answers.
pub(super) fn is_path(column: &str, value: &str) -> String {
    format!(
        "{} = {} AND {column} = {value}",
        beginning(column),
        beginning(&format!("{value}::TEXT"))
    )
}

fn source(line: &Line) -> Result<(SourceFile, PictureId), StoreError> {
    Ok((file(line, 0)?, line.id(5)?))
}

/// From five columns: path, length, times, number.
pub(super) fn file(line: &Line, at: usize) -> Result<SourceFile, StoreError> {
    Ok(SourceFile {
        path: line.text(at)?,
        byte_len: line.unsigned(at + 1)?,
        modified_ns: line.get(at + 2)?,
        changed_ns: line.get(at + 3)?,
        file_number: line.get::<Option<i64>>(at + 4)?.map(i64::cast_unsigned),
    })
}
