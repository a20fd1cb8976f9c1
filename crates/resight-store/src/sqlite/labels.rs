//! Changing labels, and reading pictures by their labels.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params, params_from_iter};

use super::catalogue::SqliteCatalogue;
use super::ordered::in_order_of;
use super::pictures::{newest_first, tags_of};
use super::rows::{above, at_most, key_column, number, object_column, page, unsigned};
use super::sums;
use crate::changes::Effect;
use crate::error::StoreError;
use crate::label_queries::{Between, Filter, LabelQueries, MediaTypeCount, ObjectCount};
use crate::labels::{LabelPatch, ObjectId, Tag, Update};
use crate::order::{Order, Position};
use crate::picture::PictureRecord;

/// Two ranges of the index by object: for a comparison of rows, `(object, key) > (?1, ?2)`, SQLite
/// starts at the object's first key, so that each page would read all earlier pages of the object.
pub(super) const MEMBERSHIPS: &str = "
    SELECT object, key FROM picture WHERE object = ?1 AND key > ?2
    UNION ALL SELECT object, key FROM picture WHERE object > ?1
    ORDER BY object, key LIMIT ?3";

/// Whether the picture `own` belongs to a pair that no decision refutes, or has more than one source. A decision names the
/// lower id first, a pair the lower key.
const IS_PAIRED: &str = "(
    EXISTS (SELECT 1 FROM pair JOIN picture AS other ON other.key = pair.b
        WHERE pair.a = own.key AND NOT EXISTS (SELECT 1 FROM not_a_match
            WHERE not_a_match.a = min(own.id, other.id) AND not_a_match.b = max(own.id, other.id)))
    OR EXISTS (SELECT 1 FROM pair JOIN picture AS other ON other.key = pair.a
        WHERE pair.b = own.key AND NOT EXISTS (SELECT 1 FROM not_a_match
            WHERE not_a_match.a = min(own.id, other.id) AND not_a_match.b = max(own.id, other.id)))
    OR (SELECT COUNT(*) FROM source WHERE source.key = own.key) > 1)";

impl LabelQueries for SqliteCatalogue {
    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        let matching = matching(filter);
        let condition = matching.of_pictures();
        self.read(|connection| newest_first(connection, &condition, matching.values, offset, limit))
    }

    fn matching_page(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        let matching = matching(filter);
        let condition = matching.of_pictures();
        self.read(|connection| {
            in_order_of(connection, order, &condition, matching.values, after, limit)
        })
    }

    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError> {
        let matching = matching(filter);
        let sql = format!("SELECT COUNT(*) {}", matching.rows());
        self.read(|connection| {
            connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(matching.values), |row| unsigned(row, 0))
        })
    }

    fn matching_keys_after(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let matching = matching(filter);
        let sql = format!(
            "SELECT matched.key {} AND matched.key > ? ORDER BY matched.key LIMIT ?",
            matching.rows()
        );
        let mut values = matching.values;
        values.extend([above(after), page(limit)].map(Value::from));
        self.read(|connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), key_column)?
                .collect()
        })
    }

    fn media_types(&self) -> Result<Vec<MediaTypeCount>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT media_type, COUNT(*) FROM picture GROUP BY media_type ORDER BY media_type",
                )?
                .query_map([], |row| {
                    Ok(MediaTypeCount {
                        media_type: row.get(0)?,
                        pictures: unsigned(row, 1)?,
                    })
                })?
                .collect()
        })
    }

    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        self.read(|connection| objects_in(connection, "", offset, limit))
    }

    fn objects_after(&self, after: &ObjectId, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        self.read(|connection| objects_in(connection, after.as_str(), 0, limit))
    }

    fn object_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(DISTINCT object) FROM picture";
        self.read(|connection| number(connection, sql))
    }

    fn memberships_after(
        &self,
        after: Option<&(ObjectId, u64)>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, u64)>, StoreError> {
        // No object has an empty id.
        let (object, key) = after.map_or(("", 0), |(object, key)| (object.as_str(), *key));
        self.read(|connection| {
            connection
                .prepare_cached(MEMBERSHIPS)?
                .query_map(params![object, at_most(key), page(limit)], |row| {
                    let key = unsigned(row, 1)?;
                    Ok(object_column(row, 0)?.map(|object| (object, key)))
                })?
                .filter_map(Result::transpose)
                .collect()
        })
    }
}

/// Objects whose id comes after `after`, which for the first ones is empty as no id is.
fn objects_in(
    connection: &Connection,
    after: &str,
    offset: u64,
    limit: u64,
) -> Result<Vec<ObjectCount>> {
    connection
        .prepare_cached(
            "SELECT object, COUNT(*) FROM picture WHERE object > ?1
             GROUP BY object ORDER BY object LIMIT ?2 OFFSET ?3",
        )?
        .query_map(params![after, at_most(limit), at_most(offset)], |row| {
            let pictures = unsigned(row, 1)?;
            Ok(object_column(row, 0)?.map(|id| ObjectCount { id, pictures }))
        })?
        .filter_map(Result::transpose)
        .collect()
}

/// The rows of one table, named `matched`, whose key is that of a picture that matches.
pub(super) struct Matching {
    /// `picture`, `entry` or `tag`.
    table: &'static str,
    /// Conditions on `matched`.
    conditions: String,
    /// The values of its marks.
    pub(super) values: Vec<Value>,
    /// Whether the conditions name something that a picture has.
    has_positive: bool,
}

impl Matching {
    fn rows(&self) -> String {
        format!("FROM {} AS matched WHERE {}", self.table, self.conditions)
    }

    /// The same as what follows `FROM picture`. Without a condition that few pictures may meet, most
    /// pictures match: they are tested in the order of the list, so that a page reads little more than
    /// the page.
    pub(super) fn of_pictures(&self) -> String {
        if self.has_positive {
            format!("WHERE key IN (SELECT matched.key {})", self.rows())
        } else {
            format!("AS matched WHERE {}", self.conditions)
        }
    }
}

/// One condition chooses the table, in which an index has its keys in ascending order, so that a page
/// of keys reads no more than the page. The others are looked up for each row.
pub(super) fn matching(filter: &Filter) -> Matching {
    let mut tags = filter.tags.iter();
    let mut entries = filter.entries.iter();
    let mut values: Vec<Value> = Vec::new();
    let text = |text: &str| Value::from(text.to_owned());
    let (table, first) = if let Some(object) = &filter.object {
        values.push(text(object.as_str()));
        ("picture", "matched.object = ?")
    } else if let Some((name, value)) = entries.next() {
        values.extend([text(name), text(value)]);
        ("entry", "matched.name = ? AND matched.value = ?")
    } else if let Some(tag) = tags.next() {
        values.push(text(tag.as_str()));
        ("tag", "matched.tag = ?")
    } else {
        ("picture", "TRUE")
    };
    let mut conditions = first.to_owned();
    let has_positive = !values.is_empty();
    for (name, value) in entries {
        conditions += " AND EXISTS (SELECT 1 FROM entry WHERE name = ? AND value = ? AND entry.key = matched.key)";
        values.extend([text(name), text(value)]);
    }
    let has_tag = "EXISTS (SELECT 1 FROM tag WHERE tag = ? AND tag.key = matched.key)";
    for tag in tags {
        conditions += &format!(" AND {has_tag}");
        values.push(text(tag.as_str()));
    }
    for tag in &filter.not_tags {
        conditions += &format!(" AND NOT {has_tag}");
        values.push(text(tag.as_str()));
    }
    let mut more = Conditions {
        sql: conditions,
        values,
    };
    more.of_labels(filter);
    more.of_records(filter);
    let Conditions {
        sql: conditions,
        values,
    } = more;
    Matching {
        table,
        conditions,
        values,
        has_positive,
    }
}

/// Conditions as they are written, with the values of their marks.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of_labels(&mut self, filter: &Filter) {
        if !filter.any_tags.is_empty() {
            let marks = vec!["?"; filter.any_tags.len()].join(", ");
            self.sql += &format!(
                " AND EXISTS (SELECT 1 FROM tag WHERE tag IN ({marks}) AND tag.key = matched.key)"
            );
            let tags = filter.any_tags.iter();
            self.values
                .extend(tags.map(|tag| Value::from(tag.as_str().to_owned())));
        }
        for prefix in &filter.tag_prefixes {
            self.sql += " AND EXISTS (SELECT 1 FROM tag WHERE tag.key = matched.key AND ";
            self.begins_with("tag", prefix);
            self.sql += ")";
        }
        if !filter.folders.is_empty() {
            self.sql +=
                " AND EXISTS (SELECT 1 FROM source WHERE source.key = matched.key AND (FALSE";
            for folder in &filter.folders {
                self.sql += " OR ";
                self.begins_with("path", &format!("{}/", folder.trim_end_matches('/')));
            }
            self.sql += "))";
        }
    }

    /// Everything that stands in the picture's own row, and when it was taken.
    fn of_records(&mut self, filter: &Filter) {
        const OWN: &str = " AND EXISTS (SELECT 1 FROM picture AS own WHERE own.key = matched.key";
        let begin = self.sql.len();
        for (column, between) in [
            ("own.byte_len", filter.bytes),
            ("own.width", filter.width),
            ("own.height", filter.height),
            ("own.added_ms", filter.added_ms),
        ] {
            self.between(column, between);
        }
        if let Some(features) = filter.features_below {
            self.sql += " AND own.feature_count < ? AND NOT EXISTS
                (SELECT 1 FROM picture_view AS page WHERE page.picture = own.key AND page.feature_count >= ?)";
            let bound = Value::from(i64::from(features));
            self.values.extend([bound.clone(), bound]);
        }
        if let Some(prefix) = &filter.name_prefix {
            self.sql += " AND ";
            self.begins_with("own.name", prefix);
        }
        if !filter.media_types.is_empty() {
            let marks = vec!["?"; filter.media_types.len()].join(", ");
            self.sql += &format!(" AND own.media_type IN ({marks})");
            let types = filter.media_types.iter().cloned().map(Value::from);
            self.values.extend(types);
        }
        if filter.paired {
            self.sql += &format!(" AND {IS_PAIRED}");
        }
        if self.sql.len() > begin {
            self.sql.insert_str(begin, OWN);
            self.sql += ")";
        }
        if !filter.taken_ms.is_all() {
            self.sql += " AND EXISTS (SELECT 1 FROM taken WHERE taken.key = matched.key";
            self.between("taken.taken_ms", filter.taken_ms);
            self.sql += ")";
        }
    }

    fn between(&mut self, column: &str, between: Between) {
        for (comparison, bound) in [(">=", between.least), ("<", between.below)] {
            if let Some(bound) = bound {
                self.sql += &format!(" AND {column} {comparison} ?");
                self.values.push(Value::from(bound));
            }
        }
    }

    /// The first comparison lets an index find where to begin.
    fn begins_with(&mut self, column: &str, prefix: &str) {
        self.sql += &format!("({column} >= ? AND substr({column}, 1, ?) = ?)");
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        let text = Value::from(prefix.to_owned());
        self.values.extend([text.clone(), length.into(), text]);
    }
}

/// Applies a patch to the stored picture `key`, all of it or nothing.
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
    sums::check_before_change(connection, key)?;
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
    sums::seal_record(connection, key)?;
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

/// Copies the labels of `old` to `new`, which replaces it: tags beside its own, lowest first, up to
/// [`Tag::MOST`] in all; the object and the metadata where it has none of its own.
pub(super) fn inherit(connection: &Connection, old: i64, new: i64) -> Result<()> {
    sums::check_before_change(connection, old)?;
    sums::check_before_change(connection, new)?;
    let own_tags: i64 = connection
        .prepare_cached("SELECT COUNT(*) FROM tag WHERE key = ?1")?
        .query_row([new], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO tag (tag, key) SELECT tag, ?2 FROM tag WHERE key = ?1
             AND tag NOT IN (SELECT own.tag FROM tag AS own WHERE own.key = ?2)
             ORDER BY tag LIMIT ?3",
        )?
        .execute([old, new, (page(Tag::MOST) - own_tags).max(0)])?;
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
    sums::seal_record(connection, new)
}
