//! The record of removed pictures whose blobs are still to be deleted.

use std::path::Path;

use resight_store::{Catalogue, Change, SqliteCatalogue};
use rusqlite::Connection;

use crate::fixtures::{added, drop_source, found, id, refusal, upload};

fn remove(number: u64) -> Change {
    Change::Remove(id(number))
}

#[test]
fn every_way_of_removing_leaves_a_record() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    for number in 1..=4 {
        added(&catalogue, found(number, &format!("/{number}")));
    }
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue.commit(vec![remove(4)]).unwrap();
    catalogue.commit(vec![drop_source("/3")]).unwrap();
    let refuse = Change::Refuse(refusal("/2", "broken"));
    catalogue.commit(vec![refuse]).unwrap();
    catalogue.commit(vec![found(5, "/1")]).unwrap();
    // Nothing of these is removed.
    catalogue
        .commit(vec![remove(9), drop_source("/9")])
        .unwrap();
    let all = [id(1), id(2), id(3), id(4)];
    assert_eq!(catalogue.removed_pictures(9).unwrap(), all);
    assert_eq!(catalogue.removed_pictures(2).unwrap(), all[..2]);
    assert_eq!(catalogue.removed_pictures(0).unwrap(), []);
    assert_eq!(catalogue.removed_pictures(usize::MAX).unwrap(), all);
}

#[test]
fn what_is_forgotten_leaves_the_record_and_nothing_else_does() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    for number in 1..=3 {
        added(&catalogue, upload(number));
        catalogue.commit(vec![remove(number)]).unwrap();
    }
    catalogue.forget_removed(&[]).unwrap();
    catalogue.forget_removed(&[id(3), id(7), id(1)]).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(2)]);
}

#[test]
fn a_picture_added_again_leaves_the_record() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    added(&catalogue, upload(1));
    catalogue.commit(vec![remove(1)]).unwrap();
    added(&catalogue, upload(1));
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue.commit(vec![remove(1), upload(1)]).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    catalogue
        .commit(vec![remove(1), upload(1), remove(1)])
        .unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(1)]);
}

#[test]
fn the_record_survives_closing_and_is_read_only_where_the_catalogue_is() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(1));
    catalogue.commit(vec![remove(1)]).unwrap();
    drop(catalogue);
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.removed_pictures(9).unwrap(), [id(1)]);
    let refused = reader.forget_removed(&[id(1)]).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.forget_removed(&[id(1)]).unwrap();
    assert_eq!(reader.removed_pictures(9).unwrap(), []);
}

/// Takes away what older catalogues lack.
fn make_older(dir: &Path) {
    let raw = Connection::open(dir.join("catalogue.sqlite3")).unwrap();
    raw.execute_batch("DROP TABLE removed_pictures").unwrap();
}

#[test]
fn a_catalogue_from_before_the_record_is_read_and_gains_it() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, found(1, "/a"));
    drop(catalogue);
    make_older(dir.path());
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert!(reader.picture(&id(1)).unwrap().is_some());
    assert_eq!(reader.removed_pictures(9).unwrap(), []);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    assert_eq!(catalogue.count().unwrap(), 1);
    catalogue.commit(vec![drop_source("/a")]).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(1)]);
    assert_eq!(reader.removed_pictures(9).unwrap(), [id(1)]);
}
