//! A filter as conditions in SQL.

use resight_store::{Between, Filter};
use tokio_postgres::types::{ToSql, Type};

use super::sources::beginning;
use super::text::stored;

/// Whether the picture `own` belongs to a pair that no decision refutes, or has more than one source. A decision names the
/// lower id first, a pair the lower key.
const IS_PAIRED: &str = "(
    EXISTS (SELECT 1 FROM pair JOIN picture AS other ON other.key = pair.b
        WHERE pair.a = own.key AND NOT EXISTS (SELECT 1 FROM not_a_match
            WHERE not_a_match.a = LEAST(own.id, other.id) AND not_a_match.b = GREATEST(own.id, other.id)))
    OR EXISTS (SELECT 1 FROM pair JOIN picture AS other ON other.key = pair.a
        WHERE pair.b = own.key AND NOT EXISTS (SELECT 1 FROM not_a_match
            WHERE not_a_match.a = LEAST(own.id, other.id) AND not_a_match.b = GREATEST(own.id, other.id)))
    OR (SELECT COUNT(*) FROM source WHERE source.key = own.key) > 1)";

/// A value of a condition.
#[derive(Debug)]
pub(super) enum Bound {
    Number(i64),
    Text(String),
    Texts(Vec<String>),
}

impl Bound {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Number(number) => (number, Type::INT8),
            Self::Text(text) => (text, Type::TEXT),
            Self::Texts(texts) => (texts, Type::TEXT_ARRAY),
        }
    }
}

/// SQL with the values of its marks.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    /// Adds a value, and returns the mark for it.
    pub(super) fn mark(&mut self, value: Bound) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    pub(super) fn number(&mut self, number: i64) -> String {
        self.mark(Bound::Number(number))
    }

    pub(super) fn text(&mut self, text: &str) -> String {
        self.mark(Bound::Text(stored(text).into_owned()))
    }

    fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> String {
        let texts = texts.map(|text| stored(text).into_owned()).collect();
        self.mark(Bound::Texts(texts))
    }

    /// The values with their types, in the order of their marks.
    pub(super) fn values(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(Bound::typed).collect()
    }

    fn entry(&mut self, table: &str, (name, value): &(String, String)) -> String {
        let (name, value) = (self.text(name), self.text(value));
        // As the index by value has them.
        format!(
            "left({table}.name, 128) = left({name}::TEXT, 128) AND {table}.name = {name}
             AND left({table}.value, 256) = left({value}::TEXT, 256) AND {table}.value = {value}"
        )
    }

    fn of_labels(&mut self, filter: &Filter) {
        if !filter.any_tags.is_empty() {
            let tags = self.texts(filter.any_tags.iter().map(|tag| tag.as_str()));
            self.sql += &format!(
                " AND EXISTS (SELECT 1 FROM tag WHERE tag.key = matched.key AND tag.tag = ANY({tags}))"
            );
        }
        for prefix in &filter.tag_prefixes {
            let prefix = self.text(prefix);
            self.sql += &format!(
                " AND EXISTS (SELECT 1 FROM tag WHERE tag.key = matched.key
                    AND tag.tag >= {prefix} AND starts_with(tag.tag, {prefix}))"
            );
        }
        if !filter.folders.is_empty() {
            let mut within = Vec::with_capacity(filter.folders.len());
            for folder in &filter.folders {
                let folder = self.text(&format!("{}/", folder.trim_end_matches('/')));
                within.push(format!("starts_with(source.path, {folder})"));
            }
            self.sql += &format!(
                " AND EXISTS (SELECT 1 FROM source WHERE source.key = matched.key AND ({}))",
                within.join(" OR ")
            );
        }
    }

    /// Everything that stands in the picture's own row.
    fn of_records(&mut self, filter: &Filter) {
        let outside = std::mem::take(&mut self.sql);
        for (column, between) in [
            ("own.byte_len", filter.bytes),
            ("own.width", filter.width),
            ("own.height", filter.height),
            ("own.added_ms", filter.added_ms),
            ("own.taken_ms", filter.taken_ms),
        ] {
            self.between(column, between);
        }
        if let Some(features) = filter.features_below {
            let features = self.number(features.into());
            self.sql += &format!(
                " AND own.feature_count < {features} AND NOT EXISTS (SELECT 1 FROM picture_view AS page
                    WHERE page.picture = own.key AND page.feature_count >= {features})"
            );
        }
        if let Some(prefix) = &filter.name_prefix {
            let prefix = self.text(prefix);
            self.sql += &format!(
                " AND {} >= {} AND starts_with(own.name, {prefix})",
                beginning("own.name"),
                beginning(&format!("{prefix}::TEXT"))
            );
        }
        if !filter.media_types.is_empty() {
            let types = self.texts(filter.media_types.iter().map(String::as_str));
            self.sql += &format!(" AND own.media_type = ANY({types})");
        }
        if filter.paired {
            self.sql += &format!(" AND {IS_PAIRED}");
        }
        let own = std::mem::replace(&mut self.sql, outside);
        if !own.is_empty() {
            self.sql += &format!(
                " AND EXISTS (SELECT 1 FROM picture AS own WHERE own.key = matched.key{own})"
            );
        }
    }

    fn between(&mut self, column: &str, between: Between) {
        for (comparison, bound) in [(">=", between.least), ("<", between.below)] {
            if let Some(bound) = bound {
                let bound = self.number(bound);
                self.sql += &format!(" AND {column} {comparison} {bound}");
            }
        }
    }
}

/// The rows of one table, named `matched`, whose key is that of a picture that matches.
pub(super) struct Matching {
    /// `picture`, `entry` or `tag`.
    table: &'static str,
    /// Conditions on `matched`.
    pub(super) conditions: Conditions,
    /// Whether the conditions name something that a picture has.
    has_positive: bool,
}

impl Matching {
    /// What follows `SELECT` of something of `matched`.
    pub(super) fn rows(&self) -> String {
        format!(
            "FROM {} AS matched WHERE {}",
            self.table, self.conditions.sql
        )
    }

    /// What follows `FROM picture AS listed`, up to further conditions. Without a condition that few pictures may meet,
    /// most match: they are tested in the order of the list, so that a page reads little more than the page.
    pub(super) fn of_pictures(&self) -> String {
        match self.has_positive {
            true => format!("WHERE listed.key IN (SELECT matched.key {})", self.rows()),
            false => format!(
                "CROSS JOIN LATERAL (SELECT listed.key) AS matched WHERE {}",
                self.conditions.sql
            ),
        }
    }
}

/// One condition chooses the table, in which an index has its keys in ascending order, so that a page
/// of keys reads no more than the page. The others are looked up for each row.
pub(super) fn matching(filter: &Filter) -> Matching {
    let mut tags = filter.tags.iter();
    let mut entries = filter.entries.iter();
    let mut more = Conditions::default();
    let (table, first) = if let Some(object) = &filter.object {
        let object = more.text(object.as_str());
        ("picture", format!("matched.object = {object}"))
    } else if let Some(entry) = entries.next() {
        ("entry", more.entry("matched", entry))
    } else if let Some(tag) = tags.next() {
        let tag = more.text(tag.as_str());
        ("tag", format!("matched.tag = {tag}"))
    } else {
        ("picture", "TRUE".to_owned())
    };
    let has_positive = !more.values.is_empty();
    more.sql = first;
    for entry in entries {
        let is_entry = more.entry("entry", entry);
        more.sql += &format!(
            " AND EXISTS (SELECT 1 FROM entry WHERE entry.key = matched.key AND {is_entry})"
        );
    }
    for (word, tags) in [("EXISTS", tags), ("NOT EXISTS", filter.not_tags.iter())] {
        for tag in tags {
            let tag = more.text(tag.as_str());
            more.sql += &format!(
                " AND {word} (SELECT 1 FROM tag WHERE tag.tag = {tag} AND tag.key = matched.key)"
            );
        }
    }
    more.of_labels(filter);
    more.of_records(filter);
    Matching {
        table,
        conditions: more,
        has_positive,
    }
}
