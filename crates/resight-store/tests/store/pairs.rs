//! Pairs of pictures, and decisions that two are no match.

use std::path::Path;

use resight_store::{Catalogue, Change, NotAMatch, Pairs, PicturePair, SqliteCatalogue};
use rusqlite::Connection;

use crate::fixtures::{added, file, found, id, upload};

fn pair(a: u64, b: u64) -> PicturePair {
    PicturePair {
        a,
        b,
        kind: 3,
        log10_nfa: -12.25,
        inliers: 41,
        coverage_a: 0.5,
        coverage_b: 0.75,
        alike: None,
        transform: [1.0, 0.5, -3.25, 0.0, 2.0, 1e-300, 1e-4, -0.0, 1.0],
    }
}

fn with_pictures(count: u64) -> (SqliteCatalogue, Vec<u64>) {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    let keys = (1..=count)
        .map(|number| added(&catalogue, upload(number)))
        .collect();
    (catalogue, keys)
}

fn ends(catalogue: &SqliteCatalogue) -> Vec<(u64, u64)> {
    let links = catalogue.links_after(None, 99).unwrap();
    links.iter().map(|link| (link.a, link.b)).collect()
}

#[test]
fn pairs_are_kept_as_they_were_given_and_replaced() {
    let (catalogue, k) = with_pictures(3);
    let first = PicturePair {
        alike: Some(0.9),
        ..pair(k[0], k[1])
    };
    catalogue
        .keep_pairs(&[pair(k[0], k[1]), pair(k[1], k[2])], 0)
        .unwrap();
    catalogue
        .keep_pairs(std::slice::from_ref(&first), 0)
        .unwrap();
    let asked = [(k[1], k[2]), (k[0], k[2]), (k[0], k[1])];
    let got = catalogue.pairs(&asked).unwrap();
    assert_eq!(got, [Some(pair(k[1], k[2])), None, Some(first)]);
    assert_eq!(ends(&catalogue), [(k[0], k[1]), (k[1], k[2])]);
    let rest = catalogue.links_after(Some((k[0], k[1])), 9).unwrap();
    assert_eq!((rest.len(), rest[0].b), (1, k[2]));
    assert_eq!((rest[0].kind, rest[0].log10_nfa), (3, -12.25));
    assert_eq!(catalogue.links_after(None, 1).unwrap().len(), 1);
}

#[test]
fn the_note_how_far_was_looked_never_goes_back() {
    let (catalogue, k) = with_pictures(4);
    assert_eq!(catalogue.looked_up_to().unwrap(), 0);
    assert_eq!(catalogue.not_looked_for().unwrap(), 4);
    catalogue.keep_pairs(&[], k[2]).unwrap();
    catalogue.keep_pairs(&[], k[0]).unwrap();
    assert_eq!(catalogue.looked_up_to().unwrap(), k[2]);
    assert_eq!(catalogue.not_looked_for().unwrap(), 1);
    assert_eq!(catalogue.keys_above(k[0], 2).unwrap(), k[1..3]);
    assert_eq!(catalogue.keys_above(k[3], 2).unwrap(), []);
}

#[test]
fn pairs_go_with_their_pictures_and_are_not_kept_without_them() {
    let (catalogue, k) = with_pictures(3);
    let all = [pair(k[0], k[1]), pair(k[0], k[2]), pair(k[1], k[2])];
    catalogue.keep_pairs(&all, k[2]).unwrap();
    catalogue.commit(vec![Change::Remove(id(2))]).unwrap();
    assert_eq!(ends(&catalogue), [(k[0], k[2])]);
    // One that was looked for while it was removed, one with itself, one the wrong way round.
    let strange = [pair(k[0], k[1]), pair(k[0], k[0]), pair(k[2], k[0])];
    catalogue.keep_pairs(&strange, 0).unwrap();
    assert_eq!(ends(&catalogue), [(k[0], k[2])]);
    // It comes back under another key, and is to be looked for.
    let again = added(&catalogue, upload(2));
    assert!(again > k[2]);
    assert_eq!(catalogue.not_looked_for().unwrap(), 1);
}

#[test]
fn new_words_do_not_touch_pairs() {
    let (catalogue, k) = with_pictures(2);
    catalogue.keep_pairs(&[pair(k[0], k[1])], k[1]).unwrap();
    let words = [(k[0], b"new".to_vec()), (k[1], b"new".to_vec())];
    catalogue.stage_words(&words).unwrap();
    assert!(catalogue.adopt_staged("vocabulary", "v").unwrap());
    assert_eq!(ends(&catalogue), [(k[0], k[1])]);
    assert_eq!(catalogue.not_looked_for().unwrap(), 0);
}

#[test]
fn pictures_of_pairs_and_in_several_files_are_told() {
    let catalogue = SqliteCatalogue::in_memory().unwrap();
    let first = added(&catalogue, found(1, "/a"));
    let second = added(&catalogue, found(2, "/b"));
    let other = added(&catalogue, upload(3));
    let told = || {
        let told = catalogue.paired().unwrap();
        let told = told.iter().map(|p| (p.key, p.sources));
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(), []);
    let source = file("/c");
    let again = Change::AddSource { id: id(1), source };
    catalogue.commit(vec![again]).unwrap();
    assert_eq!(told(), [(first, 2)]);
    catalogue.keep_pairs(&[pair(second, other)], 0).unwrap();
    assert_eq!(told(), [(first, 2), (second, 1), (other, 0)]);
    let record = catalogue.pictures(&[other]).unwrap().remove(0).unwrap();
    let last = catalogue.paired().unwrap()[2];
    assert_eq!((last.width, last.height), (record.width, record.height));
    assert_eq!(last.byte_len, record.byte_len);
}

#[test]
fn decisions_hold_for_either_order_and_outlast_a_removal() {
    let (catalogue, k) = with_pictures(3);
    assert!(catalogue.add_not_a_match(&id(2), &id(1)).unwrap());
    assert!(!catalogue.add_not_a_match(&id(1), &id(2)).unwrap());
    assert!(!catalogue.add_not_a_match(&id(3), &id(3)).unwrap());
    assert_eq!(catalogue.not_match_keys().unwrap(), [(k[0], k[1])]);
    assert_eq!(catalogue.not_matches_of(&id(1)).unwrap(), [k[1]]);
    assert_eq!(catalogue.not_matches_of(&id(2)).unwrap(), [k[0]]);
    assert_eq!(catalogue.not_matches_of(&id(3)).unwrap(), []);

    catalogue.commit(vec![Change::Remove(id(1))]).unwrap();
    assert_eq!(catalogue.not_match_keys().unwrap(), []);
    assert_eq!(catalogue.not_matches_of(&id(2)).unwrap(), []);
    let listed = catalogue.not_matches(0, 9).unwrap();
    let NotAMatch { a, b, decided_ms } = &listed[0];
    assert_eq!((a, b, listed.len()), (&id(1), &id(2), 1));
    assert!(*decided_ms > 0);
    assert_eq!(catalogue.not_matches(1, 9).unwrap(), []);
    let back = added(&catalogue, upload(1));
    assert_eq!(catalogue.not_match_keys().unwrap(), [(k[1], back)]);

    assert!(catalogue.drop_not_a_match(&id(1), &id(2)).unwrap());
    assert!(!catalogue.drop_not_a_match(&id(1), &id(2)).unwrap());
    assert_eq!(catalogue.not_match_count().unwrap(), 0);
}

/// Makes a file of format 2, which knew no pairs.
fn make_older(dir: &Path) {
    let raw = Connection::open(dir.join("catalogue.sqlite3")).unwrap();
    let sql = "DROP TABLE pair; DROP TABLE not_a_match; DROP TABLE vector;
        DROP TABLE vector_model; PRAGMA user_version = 2";
    raw.execute_batch(sql).unwrap();
}

#[test]
fn a_catalogue_from_before_pairs_is_read_and_gains_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let k = [added(&catalogue, upload(1)), added(&catalogue, upload(2))];
    drop(catalogue);
    make_older(dir.path());
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(ends(&reader), []);
    assert_eq!(reader.pairs(&[(k[0], k[1])]).unwrap(), [None]);
    assert_eq!(reader.not_looked_for().unwrap(), 2);
    assert_eq!(reader.not_matches(0, 9).unwrap(), []);
    assert_eq!(reader.not_match_count().unwrap(), 0);
    assert_eq!(reader.not_match_keys().unwrap(), []);
    assert_eq!(reader.not_matches_of(&id(1)).unwrap(), []);
    let refused = reader.add_not_a_match(&id(1), &id(2)).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");

    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.keep_pairs(&[pair(k[0], k[1])], k[1]).unwrap();
    catalogue.add_not_a_match(&id(1), &id(2)).unwrap();
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(ends(&reader), [(k[0], k[1])]);
    assert_eq!(reader.not_match_keys().unwrap(), [(k[0], k[1])]);
}
