//! Words staged to replace the present ones.

use super::fixtures::{Make, added, id, one, upload, words};
use crate::Change;

fn new_words(number: u64) -> Vec<u8> {
    format!("new words of {number}").into_bytes()
}

pub(super) fn staged_words_are_adopted_once_every_picture_has_some(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (0..4).map(|n| added(catalogue, upload(n))).collect();
    assert_eq!(catalogue.staged_last().unwrap(), None);
    assert_eq!(catalogue.staged_after(None, 9).unwrap(), []);
    let staged: Vec<(u64, Vec<u8>)> = (0..3).map(|n| (keys[n], new_words(n as u64))).collect();
    catalogue.stage_words(&staged).unwrap();
    // A key of no picture is ignored.
    catalogue.stage_words(&[(999, vec![1])]).unwrap();
    assert_eq!(catalogue.staged_last().unwrap(), Some(keys[2]));
    assert_eq!(
        catalogue.staged_after(Some(keys[0]), 9).unwrap(),
        staged[1..]
    );
    assert_eq!(catalogue.staged_after(None, 1).unwrap(), staged[..1]);
    assert!(!catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(catalogue.words(&keys[..1]).unwrap(), [Some(words(0))]);
    assert_eq!(catalogue.setting("vocabulary").unwrap(), None);

    // They go with their picture.
    one(catalogue, Change::Remove(id(1)));
    one(catalogue, Change::Remove(id(3)));
    assert!(catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(
        catalogue.words(&[keys[2], keys[1], keys[0]]).unwrap(),
        [Some(new_words(2)), None, Some(new_words(0))]
    );
    assert_eq!(
        catalogue.setting("vocabulary").unwrap().as_deref(),
        Some("new")
    );
    let bytes = new_words(0).len() + new_words(2).len();
    assert_eq!(catalogue.stored_bytes().unwrap().words, bytes as u64);
    assert_eq!(catalogue.staged_last().unwrap(), None);

    // Pictures are added and removed as before.
    let key = added(catalogue, upload(7));
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(words(7))]);
    one(catalogue, Change::Remove(id(7)));
    assert_eq!(catalogue.words(&[key]).unwrap(), [None]);
    let kept = catalogue.features_after(None, 9).unwrap();
    assert_eq!(
        kept.iter().map(|k| k.0).collect::<Vec<_>>(),
        [keys[0], keys[2]]
    );
}

pub(super) fn staged_words_can_be_discarded(make: Make<'_>) {
    let catalogue = &*make();
    catalogue.discard_staged().unwrap();
    // Without pictures none lacks words.
    assert!(catalogue.adopt_staged("vocabulary", "first").unwrap());
    let setting = catalogue.setting("vocabulary").unwrap();
    assert_eq!(setting.as_deref(), Some("first"));
    let key = added(catalogue, upload(1));
    catalogue.stage_words(&[(key, new_words(1))]).unwrap();
    catalogue.discard_staged().unwrap();
    assert_eq!(catalogue.staged_last().unwrap(), None);
    assert!(!catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(words(1))]);
}

pub(super) fn words_are_staged_and_adopted_again(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (0..2).map(|n| added(catalogue, upload(n))).collect();
    for round in 1..=3 {
        let staged: Vec<(u64, Vec<u8>)> = keys
            .iter()
            .map(|&key| (key, new_words(10 * round + key)))
            .collect();
        // What was adopted is not staged any more.
        assert_eq!(catalogue.staged_after(None, 9).unwrap(), []);
        catalogue.stage_words(&staged[1..]).unwrap();
        assert!(!catalogue.adopt_staged("vocabulary", "too early").unwrap());
        catalogue.stage_words(&staged[..1]).unwrap();
        let value = round.to_string();
        assert!(catalogue.adopt_staged("vocabulary", &value).unwrap());
        assert_eq!(catalogue.words_after(None, 9).unwrap(), staged);
        assert_eq!(catalogue.setting("vocabulary").unwrap(), Some(value));
    }
}

pub(super) fn a_picture_added_after_staging_must_be_staged_too(make: Make<'_>) {
    let catalogue = &*make();
    let first = added(catalogue, upload(1));
    catalogue.stage_words(&[(first, new_words(1))]).unwrap();
    let second = added(catalogue, upload(2));
    assert!(!catalogue.adopt_staged("vocabulary", "new").unwrap());
    let present = [(first, words(1)), (second, words(2))];
    assert_eq!(catalogue.words_after(None, 9).unwrap(), present);
    assert_eq!(catalogue.staged_last().unwrap(), Some(first));
    let rest = [(second, new_words(2))];
    catalogue.stage_words(&rest).unwrap();
    assert!(catalogue.adopt_staged("vocabulary", "new").unwrap());
    let adopted = [(first, new_words(1)), (second, new_words(2))];
    assert_eq!(catalogue.words_after(None, 9).unwrap(), adopted);
}

pub(super) fn the_last_words_staged_for_a_key_count(make: Make<'_>) {
    let catalogue = &*make();
    let key = added(catalogue, upload(1));
    let stage = |numbers: &[u64]| {
        let words: Vec<_> = numbers.iter().map(|&n| (key, new_words(n))).collect();
        catalogue.stage_words(&words).unwrap();
        catalogue.staged_after(None, 9).unwrap()
    };
    assert_eq!(stage(&[1]), [(key, new_words(1))]);
    assert_eq!(stage(&[2, 3]), [(key, new_words(3))]);
    assert!(catalogue.adopt_staged("vocabulary", "new").unwrap());
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(new_words(3))]);
}
