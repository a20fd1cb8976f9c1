//! Reads: order, batches, and reading beside a writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use resight_store::{Catalogue, Change, SqliteCatalogue, StoredBytes};
use rusqlite::Connection;

use crate::fixtures::{added, features, found, id, picture, upload, words};

/// Lets the readers stop even if the writer panics.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn batches_answer_in_the_order_asked() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    // More than one statement's worth of keys.
    let keys: Vec<u64> = (0..200)
        .map(|number| added(&catalogue, found(number, &format!("/{number}"))))
        .collect();
    let mut asked: Vec<u64> = keys.iter().rev().copied().collect();
    asked.extend([keys[3], 0, u64::MAX, 1 << 40, keys[3]]);
    let records = catalogue.pictures(&asked).unwrap();
    let bytes = catalogue.features(&asked).unwrap();
    assert_eq!((records.len(), bytes.len()), (205, 205));
    for ((key, record), bytes) in asked.iter().zip(records).zip(bytes) {
        let number = keys.iter().position(|known| known == key);
        let Some(number) = number.map(|at| at as u64) else {
            assert_eq!((record, bytes), (None, None), "key {key}");
            continue;
        };
        let record = record.unwrap();
        assert_eq!((record.key, record.id), (*key, id(number)));
        assert_eq!(record.sources, [format!("/{number}")]);
        assert_eq!(bytes, Some(features(number)));
    }
    assert_eq!(catalogue.pictures(&[]).unwrap(), []);
    assert_eq!(catalogue.features(&[]).unwrap(), []);
}

#[test]
fn the_list_is_newest_first_and_counts_agree() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    for number in 0..5 {
        added(&catalogue, upload(number));
    }
    let listed = |offset, limit| -> Vec<_> {
        let records = catalogue.list(offset, limit).unwrap();
        records.into_iter().map(|record| record.id).collect()
    };
    assert_eq!(listed(0, 2), [id(4), id(3)]);
    assert_eq!(listed(2, u64::MAX), [id(2), id(1), id(0)]);
    assert_eq!(listed(5, 2), []);
    assert_eq!(listed(u64::MAX, 2), []);
    assert_eq!(catalogue.count().unwrap(), 5);
    let bytes = StoredBytes {
        features: (0..5).map(|number| features(number).len() as u64).sum(),
        words: (0..5).map(|number| words(number).len() as u64).sum(),
    };
    assert_eq!(catalogue.stored_bytes().unwrap(), bytes);
}

#[test]
fn words_come_by_ascending_key_in_pages() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    let keys: Vec<u64> = (0..5)
        .map(|number| added(&catalogue, upload(number)))
        .collect();
    catalogue.commit(vec![Change::Remove(id(2))]).unwrap();
    let page = |key, limit| catalogue.words_after(key, limit).unwrap();
    assert_eq!(page(None, 2), [(keys[0], words(0)), (keys[1], words(1))]);
    assert_eq!(
        page(Some(keys[1]), 9),
        [(keys[3], words(3)), (keys[4], words(4))]
    );
    assert_eq!(page(Some(keys[4]), 9), []);
    assert_eq!(page(Some(u64::MAX), 9), []);
}

#[test]
fn readers_see_whole_commits_while_a_writer_works() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = SetAtEnd(&done);
        let read = || {
            let mut seen = 0;
            while !done.load(Ordering::Acquire) {
                let records = catalogue.list(0, u64::MAX).unwrap();
                // Each commit adds two pictures and their sources at once.
                assert_eq!(records.len() % 2, 0);
                assert!(records.len() >= seen);
                assert!(records.iter().all(|record| record.sources.len() == 1));
                seen = records.len();
                let keys: Vec<u64> = records.iter().map(|record| record.key).collect();
                let features = catalogue.features(&keys).unwrap();
                assert!(features.iter().all(Option::is_some));
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        for pair in 0..100 {
            let (one, two) = (2 * pair, 2 * pair + 1);
            catalogue
                .commit(vec![
                    found(one, &format!("/{one}")),
                    found(two, &format!("/{two}")),
                ])
                .unwrap();
        }
        drop(writing);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(catalogue.count().unwrap(), 200);
}

#[test]
fn a_read_of_several_statements_sees_one_state() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, found(0, "/0"));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = SetAtEnd(&done);
        let read = || {
            while !done.load(Ordering::Acquire) {
                // The picture that is there goes all the time, and its source with it.
                let records = catalogue.list(0, 9).unwrap();
                assert_eq!(records.len(), 1);
                assert_eq!(records[0].sources.len(), 1);
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        for number in 1..300 {
            let path = format!("/{number}");
            let change = vec![Change::Remove(id(number - 1)), found(number, &path)];
            catalogue.commit(change).unwrap();
        }
        drop(writing);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn a_read_does_not_wait_for_a_commit_in_progress() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(1));
    let other = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM picture;")
        .unwrap();
    assert_eq!(catalogue.count().unwrap(), 1);
    assert!(catalogue.picture(&id(1)).unwrap().is_some());
}

#[test]
fn read_only_follows_a_writer_and_refuses_changes() {
    let dir = tempfile::tempdir().unwrap();
    let code = |result: Result<SqliteCatalogue, _>| {
        result
            .err()
            .map(|error: resight_store::StoreError| error.code())
    };
    let missing = SqliteCatalogue::open_read_only(dir.path());
    assert_eq!(code(missing), Some("store_missing"));
    let writer = SqliteCatalogue::open(dir.path()).unwrap();
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.count().unwrap(), 0);
    added(&writer, upload(1));
    writer.set_setting("a", "b").unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert_eq!(reader.setting("a").unwrap(), Some("b".into()));
    let refused = reader.commit(vec![upload(2)]).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    let refused = reader.set_setting("a", "c").unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    drop(writer);
    assert_eq!(reader.count().unwrap(), 1);
    drop(reader);
    let alone = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    let name = alone.picture(&id(1)).unwrap().unwrap().name;
    assert_eq!(name, picture(1).name);
}
