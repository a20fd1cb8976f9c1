//! Tags, objects and metadata: what changes them, and which pictures a filter means.
//!
//! Runs inside the caller's transaction.

use std::collections::{BTreeSet, HashMap};

use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, ToSql, params};

use super::reads::{self, at_most, for_chunks};
use crate::{Effect, Filter, LabelPatch, ObjectCount, ObjectId, PictureRecord, Tag, Update};

/// Changes what is said about the picture `key`, which is there: all of it or nothing.
pub(super) fn apply(connection: &Connection, key: i64, patch: &LabelPatch) -> Result<Effect> {
    let before = tags_of(connection, &[key.cast_unsigned()])?;
    let before: BTreeSet<Tag> = before.into_values().flatten().collect();
    let after = patch.tags_after(before.iter().cloned());
    if after.len() > Tag::MOST {
        return Ok(Effect::TooManyTags);
    }
    for gone in before.difference(&after) {
        connection
            .prepare_cached("DELETE FROM tag WHERE tag = ?1 AND key = ?2")?
            .execute(params![gone.as_str(), key])?;
    }
    for new in after.difference(&before) {
        connection
            .prepare_cached("INSERT INTO tag (tag, key) VALUES (?1, ?2)")?
            .execute(params![new.as_str(), key])?;
    }
    let object = match &patch.object {
        Update::Keep => None,
        Update::Clear => Some(None),
        Update::Set(object) => Some(Some(object.as_str())),
    };
    if let Some(object) = object {
        connection
            .prepare_cached("UPDATE picture SET object = ?2 WHERE key = ?1")?
            .execute(params![key, object])?;
    }
    match &patch.metadata {
        Update::Keep => {}
        Update::Clear => put_metadata(connection, key, None, &[])?,
        Update::Set(data) => put_metadata(connection, key, Some(data.text()), data.entries())?,
    }
    Ok(Effect::Labelled)
}

fn put_metadata(
    connection: &Connection,
    key: i64,
    text: Option<&str>,
    entries: &[(String, String)],
) -> Result<()> {
    connection
        .prepare_cached("UPDATE picture SET metadata = ?2 WHERE key = ?1")?
        .execute(params![key, text])?;
    connection
        .prepare_cached("DELETE FROM entry WHERE key = ?1")?
        .execute([key])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO entry (name, value, key) VALUES (?1, ?2, ?3)")?;
    for (name, value) in entries {
        insert.execute(params![name, value, key])?;
    }
    Ok(())
}

/// Gives the picture `new` what is said about `old`, which it replaces: its tags beside its own, up to
/// [`Tag::MOST`] in all; of the object and of metadata what is said about itself goes before.
pub(super) fn take_over(connection: &Connection, old: i64, new: i64) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO tag (tag, key) SELECT tag, ?2 FROM tag WHERE key = ?1
             AND tag NOT IN (SELECT own.tag FROM tag AS own WHERE own.key = ?2)
             ORDER BY tag
             LIMIT MAX(0, ?3 - (SELECT COUNT(*) FROM tag AS own WHERE own.key = ?2))",
        )?
        .execute([old, new, Tag::MOST as i64])?;
    let statements = [
        "INSERT INTO entry (name, value, key) SELECT name, value, ?2 FROM entry WHERE key = ?1
         AND (SELECT metadata FROM picture WHERE key = ?2) IS NULL",
        "UPDATE picture SET
            metadata = COALESCE(metadata, (SELECT p.metadata FROM picture AS p WHERE p.key = ?1)),
            object = COALESCE(object, (SELECT p.object FROM picture AS p WHERE p.key = ?1))
         WHERE key = ?2",
    ];
    for sql in statements {
        connection.prepare_cached(sql)?.execute([old, new])?;
    }
    Ok(())
}

/// Tags by key, ascending.
pub(super) fn tags_of(connection: &Connection, keys: &[u64]) -> Result<HashMap<u64, Vec<Tag>>> {
    let mut tags: HashMap<u64, Vec<Tag>> = HashMap::new();
    let sql = "SELECT key, tag FROM tag WHERE key";
    for_chunks(connection, sql, "ORDER BY key, tag", keys, |row| {
        let key = row.get::<_, i64>(0)?.cast_unsigned();
        let text: String = row.get(1)?;
        let tag = Tag::parse(&text).ok_or_else(|| not_valid(1, &text, "a tag"))?;
        tags.entry(key).or_default().push(tag);
        Ok(())
    })?;
    Ok(tags)
}

/// A condition on `picture`, and what stands for its marks, in their order.
fn condition(filter: &Filter) -> (String, Vec<&dyn ToSql>) {
    let mut all = Vec::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let tagged = |tags: &[Tag], in_or_not: &str| {
        vec![format!("key {in_or_not} (SELECT key FROM tag WHERE tag = ?)"); tags.len()]
    };
    all.extend(tagged(&filter.tags, "IN"));
    values.extend(filter.tags.iter().map(|tag| tag.text() as &dyn ToSql));
    all.extend(tagged(&filter.not_tags, "NOT IN"));
    values.extend(filter.not_tags.iter().map(|tag| tag.text() as &dyn ToSql));
    if let Some(object) = &filter.object {
        all.push("object = ?".to_owned());
        values.push(object.text());
    }
    for (name, value) in &filter.entries {
        all.push("key IN (SELECT key FROM entry WHERE name = ? AND value = ?)".to_owned());
        values.extend([name as &dyn ToSql, value]);
    }
    let sql = match all.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", all.join(" AND ")),
    };
    (sql, values)
}

pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    offset: u64,
    limit: u64,
) -> Result<Vec<PictureRecord>> {
    let (wanted, values) = condition(filter);
    reads::list(connection, (&wanted, &values), offset, limit)
}

pub(super) fn count(connection: &Connection, filter: &Filter) -> Result<u64> {
    let (wanted, values) = condition(filter);
    connection
        .prepare_cached(&format!("SELECT COUNT(*) FROM picture {wanted}"))?
        .query_row(&values[..], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}

pub(super) fn keys(connection: &Connection, filter: &Filter) -> Result<Vec<u64>> {
    let (wanted, values) = condition(filter);
    connection
        .prepare_cached(&format!("SELECT key FROM picture {wanted} ORDER BY key"))?
        .query_map(&values[..], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?
        .collect()
}

pub(super) fn objects(
    connection: &Connection,
    offset: u64,
    limit: u64,
) -> Result<Vec<ObjectCount>> {
    connection
        .prepare_cached(
            "SELECT object, COUNT(*) FROM picture WHERE object IS NOT NULL
             GROUP BY object ORDER BY object LIMIT ?1 OFFSET ?2",
        )?
        .query_map([at_most(limit), at_most(offset)], |row| {
            let pictures = row.get::<_, i64>(1)?.cast_unsigned();
            Ok(object_column(row, 0)?.map(|id| ObjectCount { id, pictures }))
        })?
        .filter_map(Result::transpose)
        .collect()
}

pub(super) fn object_numbers(connection: &Connection) -> Result<Vec<(u64, u32)>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, object FROM picture WHERE object IS NOT NULL ORDER BY object, key",
    )?;
    let mut rows = statement.query([])?;
    let mut numbers = Vec::new();
    let (mut present, mut number) = (String::new(), 0);
    while let Some(row) = rows.next()? {
        let object = row.get_ref(1)?.as_str()?;
        // No object has an empty id.
        if object != present {
            object.clone_into(&mut present);
            number += 1;
        }
        numbers.push((row.get::<_, i64>(0)?.cast_unsigned(), number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// An object's id, where there is one; a value that is none means a damaged file.
pub(super) fn object_column(row: &Row<'_>, column: usize) -> Result<Option<ObjectId>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| {
        ObjectId::parse(&text).ok_or_else(|| not_valid(column, &text, "an object's id"))
    })
    .transpose()
}

fn not_valid(column: usize, text: &str, what: &str) -> rusqlite::Error {
    let reason = format!("{text:?} is not {what}");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
}
