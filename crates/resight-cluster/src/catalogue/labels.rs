//! Reading pictures by their labels and by what is recorded of them.

use resight_store::{
    Filter, LabelQueries, MediaTypeCount, ObjectCount, ObjectId, Order, OrderBy, PictureRecord,
    Position, StoreError, Value,
};

use super::conditions::matching;
use super::known::all_records;
use super::open::PostgresCatalogue;
use super::pictures::records;
use super::rows::{Line, above, at_most, keys, page};
use super::sources::beginning;

impl LabelQueries for PostgresCatalogue {
    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        let mut matching = matching(filter);
        let condition = matching.of_pictures();
        let values = &mut matching.conditions;
        let (limit, offset) = (
            values.number(at_most(limit)),
            values.number(at_most(offset)),
        );
        let sql = format!(
            "{} {condition} ORDER BY listed.added_ms DESC, listed.key DESC LIMIT {limit} OFFSET {offset}",
            all_records()
        );
        self.read(|session| records(&session.query_once(&sql, &matching.conditions.values())?))
    }

    fn matching_page(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        let mut matching = matching(filter);
        let condition = matching.of_pictures();
        let values = &mut matching.conditions;
        let (direction, comparison) = match order.descending {
            true => ("DESC", "<"),
            false => ("ASC", ">"),
        };
        let columns = columns_of(order);
        let after = match after {
            None => String::new(),
            Some(Position { value, key }) => {
                let value = match value {
                    Value::Number(number) => values.number(*number),
                    Value::Text(text) => values.text(text),
                };
                let key = values.number(at_most(*key));
                let value = match order.by {
                    OrderBy::Name => {
                        format!("{}, {value}", beginning(&format!("{value}::TEXT")))
                    }
                    _ => value,
                };
                format!("AND ({}) {comparison} ({value}, {key})", columns.join(", "))
            }
        };
        let limit = values.number(at_most(limit));
        let ordered: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} {direction}"))
            .collect();
        let ordered = ordered.join(", ");
        let sql = format!(
            "{} {condition} {after} ORDER BY {ordered} LIMIT {limit}",
            all_records()
        );
        self.read(|session| records(&session.query_once(&sql, &matching.conditions.values())?))
    }

    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError> {
        let matching = matching(filter);
        let sql = format!("SELECT COUNT(*) {}", matching.rows());
        self.read(|session| {
            let counted = session.query_once(&sql, &matching.conditions.values())?;
            counted.first().map_or(Ok(0), |line| line.unsigned(0))
        })
    }

    fn matching_keys_after(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let mut matching = matching(filter);
        let rows = matching.rows();
        let values = &mut matching.conditions;
        let (after, limit) = (values.number(above(after)), values.number(page(limit)));
        let sql = format!(
            "SELECT matched.key {rows} AND matched.key > {after} ORDER BY matched.key LIMIT {limit}"
        );
        self.read(|session| keys(&session.query_once(&sql, &matching.conditions.values())?))
    }

    fn media_types(&self) -> Result<Vec<MediaTypeCount>, StoreError> {
        let sql =
            "SELECT media_type, COUNT(*) FROM picture GROUP BY media_type ORDER BY media_type";
        self.read(|session| {
            let counted = |line: &Line| {
                Ok(MediaTypeCount {
                    media_type: line.text(0)?,
                    pictures: line.unsigned(1)?,
                })
            };
            session.query(sql, &[])?.iter().map(counted).collect()
        })
    }

    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        self.objects_in("", offset, limit)
    }

    fn objects_after(&self, after: &ObjectId, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        self.objects_in(after.as_str(), 0, limit)
    }

    fn object_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(DISTINCT object) FROM picture WHERE object IS NOT NULL";
        self.read(|session| session.number(sql, &[]))
    }

    fn memberships_after(
        &self,
        after: Option<&(ObjectId, u64)>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, u64)>, StoreError> {
        // No object has an empty id.
        let (object, key) = after.map_or(("", 0), |(object, key)| (object.as_str(), *key));
        let sql = "SELECT object, key FROM picture
            WHERE object IS NOT NULL AND (object, key) > ($1, $2)
            ORDER BY object, key LIMIT $3";
        self.read(|session| {
            let lines = session.query(sql, &[&object, &at_most(key), &page(limit)])?;
            let member = |line: &Line| {
                let key = line.unsigned(1)?;
                Ok(line.object(0)?.map(|object| (object, key)))
            };
            lines
                .iter()
                .map(member)
                .filter_map(Result::transpose)
                .collect()
        })
    }
}

impl PostgresCatalogue {
    /// Objects whose id comes after `after`, which for the first ones is empty as no id is.
    fn objects_in(
        &self,
        after: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<ObjectCount>, StoreError> {
        let sql = "SELECT object, COUNT(*) FROM picture WHERE object > $1
            GROUP BY object ORDER BY object LIMIT $2 OFFSET $3";
        self.read(|session| {
            let lines = session.query(sql, &[&after, &at_most(limit), &at_most(offset)])?;
            let counted = |line: &Line| {
                let pictures = line.unsigned(1)?;
                Ok(line.object(0)?.map(|id| ObjectCount { id, pictures }))
            };
            lines
                .iter()
                .map(counted)
                .filter_map(Result::transpose)
                .collect()
        })
    }
}

/// What an order compares, the key last. Each has an index.
fn columns_of(order: Order) -> Vec<String> {
    let key = "listed.key".to_owned();
    match order.by {
        OrderBy::Added => vec!["listed.added_ms".to_owned(), key],
        OrderBy::Bytes => vec!["listed.byte_len".to_owned(), key],
        OrderBy::Name => vec![beginning("listed.name"), "listed.name".to_owned(), key],
        OrderBy::Taken => {
            let untaken = order.untaken();
            vec![
                format!("COALESCE(listed.taken_ms, '{untaken}'::BIGINT)"),
                key,
            ]
        }
    }
}
