//! What is there after closing and opening again.

use super::fixtures::{
    Make, added, features, file, found, id, one, refusal, tagged, upload, view_of, with_views,
    words,
};
use crate::{Change, PicturePair};

/// `open` opens the same place each time.
pub(super) fn everything_is_there_after_closing_and_opening(open: Make<'_>) {
    let catalogue = open();
    assert_eq!(catalogue.setting("a").unwrap(), None);
    let first = added(&*catalogue, found(1, "/a"));
    let second = added(&*catalogue, upload(2));
    let third = added(&*catalogue, upload(3));
    one(&*catalogue, tagged(2, &["kept"]));
    one(&*catalogue, Change::Refuse(refusal("/b", "broken")));
    one(&*catalogue, Change::Remove(id(3)));
    catalogue.set_setting("a", "1").unwrap();
    catalogue.set_setting("a", "2").unwrap();
    let vector = vec![1, 2, 3];
    catalogue
        .put_vectors("m", &[(first, vector.clone()), (second, Vec::new())])
        .unwrap();
    catalogue.stage_words(&[(first, words(9))]).unwrap();
    let pair = PicturePair {
        a: first,
        b: second,
        kind: 1,
        log10_nfa: -7.5,
        inliers: 9,
        coverage_a: 0.25,
        coverage_b: 1.0,
        alike: Some(0.5),
        transform: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        inverted: true,
        regions: vec![[1.0, 2.5, 30.0, 40.0], [0.0, 0.0, 8.0, 8.0]],
    };
    catalogue
        .put_pairs(std::slice::from_ref(&pair), second)
        .unwrap();
    catalogue.add_not_a_match(&id(1), &id(2)).unwrap();
    let records = catalogue.list(0, 9).unwrap();
    drop(catalogue);

    let again = open();
    assert_eq!(again.list(0, 9).unwrap(), records);
    assert_eq!(again.features(&[first]).unwrap(), [Some(features(1))]);
    assert_eq!(again.words(&[second]).unwrap(), [Some(words(2))]);
    assert_eq!(again.source("/a").unwrap(), Some((file("/a"), id(1))));
    let refusals = again.refusals_under("", None, 9).unwrap();
    assert_eq!(refusals, [refusal("/b", "broken")]);
    assert_eq!(again.removed_pictures(9).unwrap(), [id(3)]);
    assert_eq!(again.setting("a").unwrap().as_deref(), Some("2"));
    let vectors = again.vectors("m", &[first, second]).unwrap();
    assert_eq!(vectors, [Some(vector), None]);
    assert_eq!(again.vector_counts().unwrap()[0].without, 1);
    assert_eq!(again.staged_after(None, 9).unwrap(), [(first, words(9))]);
    assert_eq!(again.pairs(&[(first, second)]).unwrap(), [Some(pair)]);
    assert_eq!(again.checked_up_to().unwrap(), second);
    let keys = again.not_match_keys_after(None, 9).unwrap();
    assert_eq!(keys, [(first, second)]);
    assert!(added(&*again, upload(4)) > third, "keys are not reused");
}

pub(super) fn views_are_there_after_closing_and_opening(open: Make<'_>) {
    let catalogue = open();
    let gone = added(&*catalogue, with_views(1, 3));
    one(&*catalogue, Change::Remove(id(1)));
    drop(catalogue);
    let catalogue = open();
    let key = added(&*catalogue, with_views(2, 2));
    assert!(key > gone + 3, "keys of views are not used again");
    catalogue.stage_words(&[(key + 2, words(9))]).unwrap();
    let views = catalogue.views_of(key).unwrap();
    drop(catalogue);
    let again = open();
    assert_eq!(again.views_of(key).unwrap(), views);
    assert_eq!(
        again.view_keys_after(None, 9).unwrap(),
        [(key + 1, key), (key + 2, key)]
    );
    let read = again.features(&[key + 1]).unwrap();
    assert_eq!(read, [Some(view_of(2, 2).features)]);
    assert_eq!(again.staged_after(None, 9).unwrap(), [(key + 2, words(9))]);
    assert!(added(&*again, upload(3)) > key + 2);
}

pub(super) fn adopted_words_stay(open: Make<'_>) {
    let catalogue = open();
    let key = added(&*catalogue, upload(1));
    catalogue.stage_words(&[(key, words(9))]).unwrap();
    drop(catalogue);
    let catalogue = open();
    assert_eq!(catalogue.staged_last().unwrap(), Some(key));
    assert!(catalogue.adopt_staged("vocabulary", "new").unwrap());
    drop(catalogue);
    let catalogue = open();
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(words(9))]);
    assert_eq!(catalogue.staged_last().unwrap(), None);
    let vocabulary = catalogue.setting("vocabulary").unwrap();
    assert_eq!(vocabulary.as_deref(), Some("new"));
}

pub(super) fn forgotten_ids_and_dropped_vectors_stay_away(open: Make<'_>) {
    let catalogue = open();
    let key = added(&*catalogue, upload(1));
    one(&*catalogue, Change::Remove(id(1)));
    let kept = added(&*catalogue, upload(2));
    assert!(kept > key);
    catalogue.forget_removed(&[id(1)]).unwrap();
    catalogue.put_vectors("m", &[(kept, vec![1])]).unwrap();
    catalogue.drop_vectors("m", "in_use", "n").unwrap();
    drop(catalogue);
    let catalogue = open();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), []);
    assert_eq!(catalogue.vector_counts().unwrap(), []);
    assert_eq!(catalogue.setting("in_use").unwrap().as_deref(), Some("n"));
}

pub(super) fn the_record_of_an_orphan_stays(open: Make<'_>) {
    let catalogue = open();
    let key = added(&*catalogue, found(1, "/p/a"));
    one(&*catalogue, tagged(1, &["kept"]));
    catalogue
        .commit_part("/p/", vec![found(2, "/p/a")])
        .unwrap();
    drop(catalogue);
    let catalogue = open();
    assert!(catalogue.picture(&id(1)).unwrap().is_some());
    assert_eq!(catalogue.settle_orphans("/p/", 9).unwrap(), [(key, id(1))]);
    let heir = catalogue.picture(&id(2)).unwrap().unwrap();
    assert_eq!(heir.labels.tags.len(), 1);
}
