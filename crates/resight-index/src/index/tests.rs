use super::*;
use crate::snapshot::CandidateOptions;
use crate::vocabulary::{AssignedFeature, QueryFeature, QueryWords};

const WORDS: usize = 50;

/// Pictures with words that follow from their key, two of every word.
fn words(key: u64) -> PictureWords {
    let features = (0..20u64)
        .map(|i| {
            let mixed = (key * 31 + i / 2 * 7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            AssignedFeature {
                word: (mixed >> 40) as u32 % WORDS as u32,
                signature: mixed.rotate_left(i as u32 % 2),
            }
        })
        .collect();
    PictureWords::new(features)
}

fn query(key: u64) -> QueryWords {
    let features = words(key)
        .features()
        .iter()
        .map(|&f| QueryFeature {
            assigned: vec![f],
            cells: vec![],
        })
        .collect();
    QueryWords { features }
}

fn everything() -> CandidateOptions {
    CandidateOptions {
        limit: usize::MAX,
        max_hamming: 64,
    }
}

fn results(index: &Index, key: u64) -> Vec<(Key, f64)> {
    let found = index.snapshot().candidates(&query(key), &everything());
    found.into_iter().map(|c| (c.key, c.score)).collect()
}

#[test]
fn a_picture_finds_itself_first() {
    let index = Index::new(WORDS);
    index.add((1..=40).map(|k| (Key(k), words(k))).collect());
    for k in 1..=40 {
        assert_eq!(results(&index, k)[0].0, Key(k));
    }
}

#[test]
fn the_way_it_was_built_does_not_change_results() {
    let at_once = Index::new(WORDS);
    at_once.add((1..=40).map(|k| (Key(k), words(k))).collect());
    let one_by_one = Index::new(WORDS);
    for k in 1..=40 {
        one_by_one.add(vec![(Key(k), words(k))]);
    }
    let with_removals = Index::new(WORDS);
    for k in (1..=90u64).step_by(10) {
        with_removals.add((k..k + 10).map(|k| (Key(k), words(k))).collect());
    }
    for k in 41..=70 {
        assert_eq!(with_removals.remove(&[Key(k)]), 1);
    }
    let rest: Vec<Key> = (61..=90).map(Key).collect();
    assert_eq!(with_removals.remove(&rest), 20);
    let segments = one_by_one.snapshot().segments.len();
    assert!(segments <= 7, "{segments} segments");
    for k in 1..=40 {
        let want = results(&at_once, k);
        assert_eq!(results(&one_by_one, k), want);
        assert_eq!(results(&with_removals, k), want);
    }
    assert_eq!(
        at_once.snapshot().frequencies,
        with_removals.snapshot().frequencies
    );
}

#[test]
fn removed_pictures_are_gone_and_snapshots_stay() {
    let index = Index::new(WORDS);
    index.add((1..=9).map(|k| (Key(k), words(k))).collect());
    let before = index.snapshot();
    assert_eq!(index.remove(&[Key(4)]), 1);
    assert_eq!(index.remove(&[Key(4), Key(99)]), 0);
    assert!(!index.snapshot().contains(Key(4)));
    assert!(results(&index, 4).iter().all(|r| r.0 != Key(4)));
    assert!(before.contains(Key(4)));
    assert_eq!((before.len(), index.snapshot().len()), (9, 8));
    for k in 1..=9 {
        index.remove(&[Key(k)]);
    }
    assert!(index.snapshot().is_empty());
    assert!(index.snapshot().frequencies.iter().all(|&f| f == 0));
}

#[test]
fn limits_and_distances_are_respected() {
    let index = Index::new(WORDS);
    index.add((1..=30).map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    let all = snapshot.candidates(&query(3), &everything());
    let few = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            limit: 4,
            max_hamming: 64,
        },
    );
    assert_eq!(few[..], all[..4]);
    let exact = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            limit: 99,
            max_hamming: 0,
        },
    );
    assert_eq!(exact.len(), 1);
    assert_eq!(exact[0].key, Key(3));
}

#[test]
fn keys_out_of_order_are_left_out() {
    let index = Index::new(WORDS);
    index.add(vec![(Key(5), words(5)), (Key(5), words(6))]);
    index.add(vec![
        (Key(5), words(7)),
        (Key(2), words(2)),
        (Key(9), words(9)),
    ]);
    assert_eq!(index.snapshot().len(), 2);
}

#[test]
fn a_picture_without_features_is_held_and_never_found() {
    let index = Index::new(WORDS);
    index.add(vec![(Key(1), PictureWords::default()), (Key(2), words(2))]);
    assert_eq!(index.snapshot().len(), 2);
    assert!(results(&index, 2).iter().all(|r| r.0 == Key(2)));
    assert_eq!(index.remove(&[Key(1)]), 1);
}
