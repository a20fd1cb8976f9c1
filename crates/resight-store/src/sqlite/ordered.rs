//! Pages of pictures in one of several orders, each after the last picture of the page before.

use rusqlite::types::Value as Column;
use rusqlite::{Connection, Result};

use super::pictures::in_page;
use super::rows::at_most;
use super::sums::COVERED;
use crate::order::{Order, OrderBy, Position, Value};
use crate::picture::PictureRecord;

/// At most `limit` of the pictures that meet `condition`, whose marks stand for `values`, after `after`.
pub(super) fn in_order_of(
    connection: &Connection,
    order: Order,
    condition: &str,
    mut values: Vec<Column>,
    after: Option<&Position>,
    limit: u64,
) -> Result<Vec<PictureRecord>> {
    let sql = sql(order, condition, after.is_some());
    if let Some(after) = after {
        values.push(match &after.value {
            Value::Number(number) => Column::from(*number),
            Value::Text(text) => Column::from(text.clone()),
        });
        values.push(Column::from(at_most(after.key)));
    }
    values.push(Column::from(at_most(limit)));
    in_page(connection, &sql, values)
}

/// The condition says which rows of `picture`; the order is of them alone, so that an index can have it.
pub(super) fn sql(order: Order, condition: &str, is_after: bool) -> String {
    let untaken = order.untaken();
    let (direction, comparison) = match order.descending {
        true => ("DESC", "<"),
        false => ("ASC", ">"),
    };
    let value = match order.by {
        OrderBy::Added => "added_ms".to_owned(),
        OrderBy::Name => "name".to_owned(),
        OrderBy::Bytes => "byte_len".to_owned(),
        OrderBy::Taken => format!(
            "COALESCE((SELECT taken_ms FROM taken WHERE taken.key = listed.key), {untaken})"
        ),
    };
    let after = match is_after {
        true => format!("AND ({value}, key) {comparison} (?, ?)"),
        false => String::new(),
    };
    let within = match condition {
        "" => "TRUE".to_owned(),
        condition => format!("key IN (SELECT key FROM picture {condition})"),
    };
    format!(
        "SELECT {COVERED}, row_sum FROM picture AS listed WHERE {within} {after}
         ORDER BY {value} {direction}, key {direction} LIMIT ?"
    )
}
