//! What a test can only see behind the traits.

use parking_lot::Mutex;
use rusqlite::types::Value;
use rusqlite::{Connection, StatementStatus, params_from_iter};

use super::catalogue::{Access, SqliteCatalogue};
use super::{changes, labels, pairs, pictures};
use crate::changes::{Change, Changes};
use crate::id::PictureId;
use crate::label_queries::Filter;
use crate::labels::Tag;
use crate::picture::{NewPicture, Pictures};

fn upload(number: u8, bytes: usize) -> Change {
    Change::Add(NewPicture {
        id: PictureId::parse(&format!("{number:032x}")).unwrap(),
        name: "a".into(),
        media_type: "image/png".into(),
        byte_len: 1,
        width: 1,
        height: 1,
        pages: 1,
        depth: 8,
        taken_ms: None,
        feature_count: 0,
        model: "m".into(),
        uploaded: true,
        features: vec![number; bytes],
        words: Vec::new(),
        source: None,
        views: Vec::new(),
    })
}

fn writer(catalogue: &SqliteCatalogue) -> &Mutex<Connection> {
    match &catalogue.access {
        Access::ReadWrite { writer, .. } => writer,
        other => panic!("not open for writing: {other:?}"),
    }
}

#[test]
fn a_full_disk_keeps_what_was_there_and_nothing_of_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.commit(vec![upload(1, 100)]).unwrap();
    let pages = |count: i64| {
        let writer = writer(&catalogue).lock();
        writer.pragma_update(None, "max_page_count", count).unwrap();
    };
    // Below the present size SQLite takes the present size.
    pages(1);
    let error = catalogue
        .commit(vec![upload(2, 10), upload(3, 1 << 20)])
        .unwrap_err();
    assert_eq!(error.code(), "store_full");
    assert_eq!(catalogue.count().unwrap(), 1);
    pages(1 << 30);
    catalogue.commit(vec![upload(2, 1 << 20)]).unwrap();
    assert_eq!(catalogue.count().unwrap(), 2);
}

#[test]
fn durability_settings_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let writer = writer(&catalogue).lock();
    let text = |sql: &str| -> String {
        writer
            .query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(text("PRAGMA journal_mode"), "Text(\"wal\")");
    assert_eq!(text("PRAGMA synchronous"), "Integer(2)");
    assert_eq!(text("PRAGMA foreign_keys"), "Integer(1)");
    assert_eq!(text("PRAGMA page_size"), "Integer(8192)");
}

#[test]
fn a_panic_in_a_change_is_rolled_back_and_stops_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    for catalogue in [
        SqliteCatalogue::open(dir.path()).unwrap(),
        SqliteCatalogue::in_memory().unwrap(),
    ] {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = catalogue.write(|connection| -> rusqlite::Result<()> {
                changes::apply_all(connection, vec![upload(1, 10)], 0)?;
                panic!("on purpose");
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(catalogue.count().unwrap(), 0);
        catalogue.commit(vec![upload(2, 10)]).unwrap();
        assert_eq!(catalogue.count().unwrap(), 1);
    }
}

#[test]
fn a_broken_id_in_the_file_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.commit(vec![upload(1, 10)]).unwrap();
    writer(&catalogue)
        .lock()
        .execute("UPDATE picture SET id = 'xyz', row_sum = NULL", [])
        .unwrap();
    assert_eq!(catalogue.list(0, 9).unwrap_err().code(), "store_damaged");
}

/// A catalogue with pictures 1 to `count`, all of the object `o`, of which each has one source and
/// is paired with the next.
fn of_one_object(count: u64) -> SqliteCatalogue {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    );
    let sql = format!(
        "{numbers} INSERT INTO picture (id, name, media_type, byte_len, width, height,
            feature_count, model, uploaded, added_ms, features_len, words_len, object)
            SELECT PRINTF('%032x', i), 'a', 'b', 1, 1, 1, 1, 'm', 1, i, 0, 0, 'o' FROM n;
         INSERT INTO source (path, key, byte_len, modified_ns)
            SELECT '/' || key, key, 1, 1 FROM picture;
         INSERT INTO pair (a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, transform)
            SELECT key, key + 1, 1, 1, 1, 1, 1, x'' FROM picture WHERE key < {count};"
    );
    catalogue
        .write(|connection| connection.execute_batch(&sql))
        .unwrap();
    catalogue
}

/// Rows that the statement returns, and instructions that SQLite runs for them.
fn rows_and_steps(catalogue: &SqliteCatalogue, sql: &str, values: Vec<Value>) -> (usize, i32) {
    let read = catalogue.read(|connection| {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query(params_from_iter(values.clone()))?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        drop(rows);
        Ok((count, statement.get_status(StatementStatus::VmStep)))
    });
    read.unwrap()
}

#[test]
fn a_late_page_costs_what_an_early_one_does() {
    let absent = Filter {
        not_tags: vec![Tag::parse("absent").unwrap()],
        ..Filter::default()
    };
    let listed = labels::matching(&absent);
    let list = pictures::newest_first_sql(&listed.of_pictures());
    let costs = [20, 2000].map(|count| {
        let catalogue = of_one_object(count);
        let last = Value::from(count as i64 - 10);
        let limit = Value::from(10);
        let object = Value::from("o".to_owned());
        let of_object = vec![object, last.clone(), limit.clone()];
        let of_pairs = vec![last, limit.clone()];
        let first_page = [listed.values.clone(), vec![limit, Value::from(0)]].concat();
        [
            rows_and_steps(&catalogue, labels::MEMBERSHIPS, of_object),
            rows_and_steps(&catalogue, pairs::PAIRED, of_pairs),
            rows_and_steps(&catalogue, &list, first_page),
        ]
    });
    assert!(costs[0].iter().all(|(rows, _)| *rows == 10), "{costs:?}");
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn a_first_page_of_pairs_does_not_read_the_rest() {
    let [few, many] = [20, 2000].map(|count| {
        let values = vec![Value::from(0), Value::from(10)];
        rows_and_steps(&of_one_object(count), pairs::PAIRED, values)
    });
    assert_eq!(few, many);
}
