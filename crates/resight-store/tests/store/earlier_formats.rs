//! Files of formats between the first and the present one, made by taking away what they lacked.

use resight_store::conformance::fixtures::{
    added, drop_source, features, file, found, id, pair, refusal, upload, with_views, words,
};
use resight_store::{
    Between, Change, Changes, Decisions, EncodedFeatures, EncodedWords, Filter, LabelQueries,
    Pairs, Pictures, Refusals, RemovedPictures, Repairs, Sources, SqliteCatalogue, StagedWords,
    Vectors, Views,
};
use rusqlite::Connection;
use tempfile::TempDir;

/// What makes a file of format 6 of one of format 7.
const WITHOUT_SUMS: &str = "
    ALTER TABLE picture DROP COLUMN row_sum; ALTER TABLE picture DROP COLUMN features_sum;
    ALTER TABLE picture DROP COLUMN words_sum; ALTER TABLE picture DROP COLUMN staged_sum;
    ALTER TABLE vector DROP COLUMN sum; PRAGMA user_version = 6;";

/// What makes a file of format 7 of one of format 8.
const WITHOUT_TIMES_OF_CHANGE: &str = "
    ALTER TABLE source DROP COLUMN changed_ns; ALTER TABLE source DROP COLUMN file_number;
    ALTER TABLE refusal DROP COLUMN changed_ns; ALTER TABLE refusal DROP COLUMN file_number;
    PRAGMA user_version = 7;";

/// A catalogue of `changes`, which add one picture each, after `sql`; and the keys.
fn made_older(changes: Vec<Change>, sql: &str) -> (TempDir, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let keys = changes.into_iter().map(|change| added(&catalogue, change));
    let keys = keys.collect();
    drop(catalogue);
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute_batch(WITHOUT_TIMES_OF_CHANGE).unwrap();
    raw.execute_batch(WITHOUT_SUMS).unwrap();
    raw.execute_batch(sql).unwrap();
    (dir, keys)
}

fn ends(catalogue: &SqliteCatalogue) -> Vec<(u64, u64)> {
    let links = catalogue.links_after(None, 99).unwrap();
    links.iter().map(|link| (link.a, link.b)).collect()
}

#[test]
fn a_catalogue_from_before_pairs_is_read_and_gains_them() {
    let (dir, k) = made_older(
        vec![upload(1), upload(2)],
        "DROP TABLE pair; DROP TABLE not_a_match; DROP TABLE vector; DROP TABLE vector_model;
         ALTER TABLE picture DROP COLUMN pages; ALTER TABLE picture DROP COLUMN depth;
         PRAGMA user_version = 2",
    );
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(ends(&reader), []);
    assert_eq!(reader.pairs(&[(k[0], k[1])]).unwrap(), [None]);
    assert_eq!(reader.unchecked_count().unwrap(), 2);
    assert_eq!(reader.not_matches(0, 9).unwrap(), []);
    assert_eq!(reader.not_match_count().unwrap(), 0);
    assert_eq!(reader.not_match_keys_after(None, 9).unwrap(), []);
    assert_eq!(reader.not_matches_of_after(&id(1), None, 9).unwrap(), []);
    let refused = reader.add_not_a_match(&id(1), &id(2)).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");

    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.put_pairs(&[pair(k[0], k[1])], k[1]).unwrap();
    catalogue.add_not_a_match(&id(1), &id(2)).unwrap();
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(ends(&reader), [(k[0], k[1])]);
    assert_eq!(
        reader.not_match_keys_after(None, 9).unwrap(),
        [(k[0], k[1])]
    );
}

#[test]
fn a_catalogue_from_before_vectors_is_read_and_gains_them() {
    let (root, keys) = made_older(
        vec![upload(1)],
        "DROP TABLE vector; DROP TABLE vector_model; ALTER TABLE pair DROP COLUMN inverted;
         ALTER TABLE pair DROP COLUMN regions; ALTER TABLE picture DROP COLUMN pages;
         ALTER TABLE picture DROP COLUMN depth; PRAGMA user_version = 3",
    );
    let key = keys[0];
    let reader = SqliteCatalogue::open_read_only(root.path()).unwrap();
    assert_eq!(reader.vector_keys_after("a", None, 9).unwrap(), []);
    assert_eq!(reader.vectors("a", &[key]).unwrap(), [None]);
    assert_eq!(reader.without_vector_after("a", None, 9).unwrap(), [key]);
    assert_eq!(reader.vector_counts().unwrap(), []);
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    catalogue.put_vectors("a", &[(key, vec![1])]).unwrap();
    assert_eq!(catalogue.vector_keys_after("a", None, 9).unwrap(), [key]);
}

#[test]
fn pairs_of_earlier_rules_are_found_again_and_decisions_stay() {
    let (dir, k) = made_older(
        vec![upload(1), upload(2)],
        "INSERT INTO pair (a, b, kind, log10_nfa, inliers, coverage_a, coverage_b, transform)
            SELECT MIN(key), MAX(key), 1, -9.0, 9, 0.5, 0.5, zeroblob(72) FROM picture;
         INSERT INTO setting (name, value) SELECT 'pairs_looked_up_to', MAX(key) FROM picture;
         INSERT INTO not_a_match SELECT MIN(id), MAX(id), 1 FROM picture;
         ALTER TABLE pair DROP COLUMN inverted; ALTER TABLE pair DROP COLUMN regions;
         ALTER TABLE picture DROP COLUMN pages; ALTER TABLE picture DROP COLUMN depth;
         PRAGMA user_version = 4",
    );
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    let as_new = |catalogue: &SqliteCatalogue| {
        assert_eq!(ends(catalogue), []);
        assert_eq!(catalogue.pairs(&[(k[0], k[1])]).unwrap(), [None]);
        assert_eq!(catalogue.unchecked_count().unwrap(), 2);
        assert_eq!(catalogue.not_match_count().unwrap(), 1);
    };
    as_new(&reader);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    as_new(&catalogue);
    catalogue.put_pairs(&[pair(k[0], k[1])], k[1]).unwrap();
    assert_eq!(ends(&catalogue), [(k[0], k[1])]);
}

#[test]
fn a_catalogue_from_before_pages_is_read_and_counts_those_of_new_pictures() {
    let (dir, k) = made_older(
        vec![upload(1)],
        "ALTER TABLE picture DROP COLUMN pages; ALTER TABLE picture DROP COLUMN depth;
         PRAGMA user_version = 5",
    );
    let pages = |catalogue: &SqliteCatalogue, number| {
        let record = catalogue.picture(&id(number)).unwrap().unwrap();
        (record.pages, record.depth)
    };
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(pages(&reader, 1), (None, None));
    assert_eq!(reader.keys_after(None, 9).unwrap().len(), k.len());
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(2));
    assert_eq!(pages(&catalogue, 1), (None, None));
    assert_eq!(pages(&catalogue, 2), (Some(5), Some(16)));
}

#[test]
fn a_catalogue_from_before_the_record_is_read_and_gains_it() {
    let (dir, _) = made_older(
        vec![found(1, "/a")],
        "DROP TABLE removed_pictures; DROP TABLE orphan",
    );
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

#[test]
fn a_catalogue_from_before_checksums_is_read_and_gains_them() {
    let (dir, k) = made_older(vec![upload(1), upload(2)], "");
    let check = |catalogue: &SqliteCatalogue| {
        let stored = catalogue.features(&k).unwrap();
        assert_eq!(stored, [Some(features(1)), Some(features(2))]);
        assert_eq!(
            catalogue.words(&k).unwrap(),
            [Some(words(1)), Some(words(2))]
        );
        assert!(catalogue.picture(&id(1)).unwrap().is_some());
        assert_eq!(catalogue.vectors("m", &k).unwrap(), [None, None]);
    };
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    check(&reader);
    assert_eq!(reader.unsealed_after(None, 9).unwrap(), k);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    check(&catalogue);
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), k);
    let third = added(&catalogue, upload(3));
    assert_eq!(catalogue.seal(&[k[1], third, 99]).unwrap(), 1);
    check(&catalogue);
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), k[..1]);
    drop((reader, catalogue));

    // Only those with one are told.
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute("UPDATE features SET bytes = x'00'", [])
        .unwrap();
    drop(raw);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    assert_eq!(catalogue.features(&k[..1]).unwrap(), [Some(vec![0])]);
    for key in [k[1], third] {
        let error = catalogue.features(&[key]).unwrap_err();
        assert_eq!(error.code(), "picture_damaged");
    }
}

#[test]
fn a_catalogue_from_before_times_of_change_is_read_and_gains_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let refused = Change::Refuse(refusal("/r", "broken"));
    let changes = vec![found(1, "/a"), refused];
    catalogue.commit(changes.clone()).unwrap();
    drop(catalogue);
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute_batch(WITHOUT_TIMES_OF_CHANGE).unwrap();
    drop(raw);
    let of = |catalogue: &SqliteCatalogue| {
        let (source, _) = catalogue.source("/a").unwrap().unwrap();
        let refusal = catalogue.refusals_under("", None, 9).unwrap().remove(0);
        assert_eq!((source.modified_ns, &*refusal.code), (-5, "broken"));
        [source, refusal.source].map(|file| (file.changed_ns, file.file_number))
    };
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(of(&reader), [(None, None); 2]);
    assert_eq!(reader.sources_under("/", None, 9).unwrap().len(), 1);
    drop(reader);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    assert_eq!(of(&catalogue), [(None, None); 2]);
    let add = |number| Change::AddSource {
        id: id(number),
        source: file("/a"),
    };
    let recorded = catalogue.commit(vec![add(1), add(1), changes[1].clone()]);
    assert_eq!(recorded.unwrap()[1], resight_store::Effect::Unchanged);
    assert_eq!(of(&catalogue), [(Some(-7), Some(u64::MAX)); 2]);
}

#[test]
fn a_catalogue_from_before_times_of_taking_is_read_and_asks_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let keys = [upload(1), upload(2), upload(3)].map(|change| added(&catalogue, change));
    drop(catalogue);
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute_batch("DROP TABLE taken; DROP INDEX picture_by_name; DROP INDEX picture_by_length")
        .unwrap();
    drop(raw);
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.picture(&id(1)).unwrap().unwrap().taken_ms, None);
    let taken_ms = Between {
        least: Some(0),
        below: None,
    };
    let filter = Filter {
        taken_ms,
        ..Filter::default()
    };
    assert_eq!(reader.matching_count(&filter).unwrap(), 0);
    drop(reader);
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let unasked = [(keys[0], id(1)), (keys[1], id(2)), (keys[2], id(3))];
    assert_eq!(catalogue.unasked_taken(None, 2).unwrap(), unasked[..2]);
    assert_eq!(
        catalogue.unasked_taken(Some(keys[1]), 2).unwrap(),
        unasked[2..]
    );
    let told = [(keys[0], Some(5)), (keys[1], None)];
    catalogue.put_taken(&told).unwrap();
    assert_eq!(catalogue.unasked_taken(None, 9).unwrap(), unasked[2..]);
    assert_eq!(catalogue.matching_count(&filter).unwrap(), 1);
}

#[test]
fn a_catalogue_from_before_views_is_read_and_takes_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let keys = [upload(1), upload(2)].map(|change| added(&catalogue, change));
    catalogue.stage_words(&[(keys[0], words(7))]).unwrap();
    drop(catalogue);
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute_batch(
        "DROP TABLE view_features; DROP TABLE view_words; DROP TABLE picture_view;
         DROP TABLE staged_view_words",
    )
    .unwrap();
    drop(raw);
    let check = |catalogue: &SqliteCatalogue| {
        let expected = [Some(features(1)), Some(features(2)), None];
        let asked = [keys[0], keys[1], keys[1] + 1];
        assert_eq!(catalogue.features(&asked).unwrap(), expected);
        assert_eq!(catalogue.words_after(None, 9).unwrap().len(), 2);
        assert_eq!(catalogue.view_count().unwrap(), 0);
        assert_eq!(catalogue.views_of(keys[0]).unwrap(), []);
        assert_eq!(catalogue.described_after(None, 9).unwrap().len(), 2);
        let staged = catalogue.staged_after(None, 9).unwrap();
        assert_eq!(staged, [(keys[0], words(7))]);
        assert_eq!(catalogue.staged_last().unwrap(), Some(keys[0]));
        assert!(catalogue.stored_bytes().unwrap().features > 0);
    };
    check(&SqliteCatalogue::open_read_only(dir.path()).unwrap());
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    check(&catalogue);
    let key = added(&catalogue, with_views(3, 2));
    assert_eq!(catalogue.views_of(key).unwrap().len(), 2);
    // Reading alone, with views.
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(
        reader.views_of(key).unwrap(),
        catalogue.views_of(key).unwrap()
    );
    assert_eq!(reader.words_after(None, 9).unwrap().len(), 5);
}

/// A program without views takes the next key from the table of pictures alone.
#[test]
fn the_sequence_of_pictures_keys_is_beyond_those_of_views() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let key = added(&catalogue, with_views(1, 5));
    drop(catalogue);
    let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    raw.execute_batch(
        "INSERT INTO picture (id, name, media_type, byte_len, width, height, feature_count, model,
            uploaded, added_ms, features_len, words_len)
         SELECT 'f' || substr(id, 2), name, media_type, byte_len, width, height, feature_count, model,
            uploaded, added_ms, features_len, words_len FROM picture",
    )
    .unwrap();
    let next: i64 = raw
        .query_row("SELECT MAX(key) FROM picture", [], |row| row.get(0))
        .unwrap();
    assert_eq!(next.cast_unsigned(), key + 6);
}
