//! What a test can only see behind the traits.

use parking_lot::Mutex;
use rusqlite::Connection;

use super::catalogue::{Access, SqliteCatalogue};
use super::changes;
use crate::changes::{Change, Changes};
use crate::id::PictureId;
use crate::picture::{NewPicture, Pictures};

fn upload(number: u8, bytes: usize) -> Change {
    Change::Add(NewPicture {
        id: PictureId::parse(&format!("{number:032x}")).unwrap(),
        name: "a".into(),
        media_type: "image/png".into(),
        byte_len: 1,
        width: 1,
        height: 1,
        feature_count: 0,
        model: "m".into(),
        uploaded: true,
        features: vec![number; bytes],
        words: Vec::new(),
        source: None,
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
        .execute("UPDATE picture SET id = 'xyz'", [])
        .unwrap();
    assert_eq!(catalogue.list(0, 9).unwrap_err().code(), "store_damaged");
}
