//! What other search engines know of pictures, to become labels.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Number, Value};

use crate::AppError;

/// The list of files, a name a line.
const LIST: &str = "filelist.txt";
/// Names and attributes of files, and regions of them.
const DATABASE: &str = "metadata_db.sqlite";

/// A picture of a project of VISE.
#[derive(Clone, Debug, PartialEq)]
pub struct ViseFile {
    /// Its path below the project's folder of pictures.
    pub name: String,
    /// Its attributes by name, and its regions with theirs as `regions`.
    pub attributes: Map<String, Value>,
}

/// Reads the files of a project of VISE 2, of which `data` is the folder with `filelist.txt` and, where the project has
/// attributes, `metadata_db.sqlite`. Calls `on_file` with each.
///
/// # Errors
/// `not_a_vise_project`, and those of `on_file`.
pub fn vise<E: From<AppError>>(
    data: &Path,
    on_file: &mut dyn FnMut(ViseFile) -> Result<(), E>,
) -> Result<(), E> {
    let database = data.join(DATABASE);
    if database.is_file() {
        return from_database(&database, on_file);
    }
    let list = data.join(LIST);
    let unusable = |error: std::io::Error| not_vise(&list, &error);
    for line in BufReader::new(File::open(&list).map_err(unusable)?).lines() {
        let name = line.map_err(unusable)?;
        if !name.is_empty() {
            on_file(ViseFile {
                name,
                attributes: Map::new(),
            })?;
        }
    }
    Ok(())
}

fn from_database<E: From<AppError>>(
    path: &Path,
    on_file: &mut dyn FnMut(ViseFile) -> Result<(), E>,
) -> Result<(), E> {
    let unusable = |error: rusqlite::Error| not_vise(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    let named = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'region_metadata')";
    let has_regions: bool = connection
        .query_row(named, [], |row| row.get(0))
        .map_err(unusable)?;
    let mut files = connection
        .prepare("SELECT * FROM file_metadata ORDER BY file_id")
        .map_err(unusable)?;
    let mut regions = match has_regions {
        true => Some(
            connection
                .prepare("SELECT * FROM region_metadata WHERE file_id = ?1")
                .map_err(unusable)?,
        ),
        false => None,
    };
    let mut rows = files.query([]).map_err(unusable)?;
    while let Some(row) = rows.next().map_err(unusable)? {
        let id: i64 = row.get("file_id").map_err(unusable)?;
        let name: String = row.get("filename").map_err(unusable)?;
        let mut attributes = attributes_of(row, &["file_id", "filename"]).map_err(unusable)?;
        if let Some(regions) = &mut regions {
            let of_file = regions.query_map([id], |row| attributes_of(row, &["file_id"]));
            let of_file = of_file.and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let of_file = of_file.map_err(unusable)?;
            if !of_file.is_empty() {
                let all = of_file.into_iter().map(Value::Object).collect();
                attributes.insert("regions".into(), Value::Array(all));
            }
        }
        on_file(ViseFile { name, attributes })?;
    }
    Ok(())
}

/// The columns of a row that have a value and are not `others`.
fn attributes_of(row: &Row<'_>, others: &[&str]) -> rusqlite::Result<Map<String, Value>> {
    let mut found = Map::new();
    let columns = row.as_ref().column_names();
    for (number, column) in columns.enumerate() {
        if others.contains(&column) {
            continue;
        }
        let value = match row.get_ref(number)? {
            ValueRef::Null | ValueRef::Blob(_) => continue,
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Real(number) => match Number::from_f64(number) {
                Some(number) => Value::Number(number),
                None => continue,
            },
            ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
        };
        found.insert(column.to_owned(), value);
    }
    Ok(found)
}

fn not_vise(path: &Path, error: &dyn std::fmt::Display) -> AppError {
    AppError::NotAViseProject {
        path: PathBuf::from(path),
        why: error.to_string(),
    }
}
