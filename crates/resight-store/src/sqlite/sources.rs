//! Sources and refusals by path.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{for_chunks, id_column, key_column, number, page, unsigned};
use crate::error::StoreError;
use crate::id::PictureId;
use crate::listing::{after_all_with, in_order};
use crate::sources::{Refusal, Refusals, SourceFile, Sources};

const SOURCE: &str = "SELECT source.path, source.byte_len, source.modified_ns, source.changed_ns,
    source.file_number, picture.id
    FROM source JOIN picture ON picture.key = source.key";

impl Sources for SqliteCatalogue {
    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{SOURCE} WHERE source.path = ?1"))?
                .query_row([path], source)
                .optional()
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
        let by_key = self.read(|connection| paths_of(connection, keys))?;
        let paths = in_order(keys, by_key).into_iter();
        Ok(paths.map(Option::unwrap_or_default).collect())
    }
}

impl Refusals for SqliteCatalogue {
    fn refusals_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Refusal>, StoreError> {
        let sql = "SELECT path, byte_len, modified_ns, changed_ns, file_number, code, reason,
            seen_ms FROM refusal";
        self.under((sql, "path"), prefix, after, limit, |row| {
            Ok(Refusal {
                source: file(row)?,
                code: row.get(5)?,
                reason: row.get(6)?,
                seen_ms: row.get(7)?,
            })
        })
    }

    fn refusal_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| number(connection, "SELECT COUNT(*) FROM refusal"))
    }
}

impl SqliteCatalogue {
    /// A page of the rows of `sql` whose column `path` starts with the prefix. A range and not LIKE:
    /// in a pattern, `%` and `_` of the path would be wildcards, and case would not count.
    fn under<T>(
        &self,
        (sql, path): (&str, &str),
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        // One lower bound, so that each page starts with a step down the index and not with a walk
        // over the pages before it.
        let (lower, low) = match after {
            Some(after) if after >= prefix => (">", after),
            _ => (">=", prefix),
        };
        let end = after_all_with(prefix);
        let upper = match end {
            Some(_) => format!("AND {path} < ?3"),
            None => String::new(),
        };
        let sql = format!("{sql} WHERE {path} {lower} ?1 {upper} ORDER BY {path} LIMIT ?2");
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            match end {
                Some(end) => statement
                    .query_map(params![low, page(limit), end], read)?
                    .collect(),
                None => statement
                    .query_map(params![low, page(limit)], read)?
                    .collect(),
            }
        })
    }
}

/// Paths of the sources of these pictures by key, ascending.
pub(super) fn paths_of(connection: &Connection, keys: &[u64]) -> Result<HashMap<u64, Vec<String>>> {
    let mut paths: HashMap<u64, Vec<String>> = HashMap::new();
    let sql = "SELECT key, path FROM source WHERE key";
    for_chunks(connection, sql, "ORDER BY key, path", keys, |row| {
        let key = key_column(row)?;
        paths.entry(key).or_default().push(row.get(1)?);
        Ok(())
    })?;
    Ok(paths)
}

fn source(row: &Row<'_>) -> Result<(SourceFile, PictureId)> {
    Ok((file(row)?, id_column(row, 5)?))
}

/// From columns 0 to 4: path, length, times, number.
fn file(row: &Row<'_>) -> Result<SourceFile> {
    Ok(SourceFile {
        path: row.get(0)?,
        byte_len: unsigned(row, 1)?,
        modified_ns: row.get(2)?,
        changed_ns: row.get(3)?,
        file_number: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
    })
}
