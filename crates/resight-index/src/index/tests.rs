use super::*;
use crate::candidate::{Candidate, CandidateOptions};
use crate::picture_words::Posting;
use crate::place::Place;
use crate::query_words::{AssignedFeature, QueryFeature, QueryWords};

const WORDS: usize = 50;

/// Pictures with words that follow from their key, two of every word.
fn words(key: u64) -> PictureWords {
    let features = (0..20u64)
        .map(|i| {
            let mixed = (key * 31 + i / 2 * 7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            Posting {
                word: (mixed >> 40) as u32 % WORDS as u32,
                signature: mixed.rotate_left(i as u32 % 2),
                place: Place((mixed >> 13) as u32),
            }
        })
        .collect();
    PictureWords::new(features)
}

fn query(key: u64) -> QueryWords {
    let features = words(key)
        .postings()
        .iter()
        .map(|p| QueryFeature {
            assigned: vec![AssignedFeature {
                word: p.word,
                signature: p.signature,
            }],
            cells: vec![],
            place: p.place,
        })
        .collect();
    QueryWords { features }
}

fn everything() -> CandidateOptions {
    CandidateOptions {
        limit: usize::MAX,
        max_hamming: 64,
        considered: 10,
    }
}

fn results(index: &Index, key: u64) -> Vec<Candidate> {
    let found = index.snapshot().candidates(&query(key), &everything());
    assert_eq!(found.best.len(), found.total);
    found.best
}

#[test]
fn a_picture_finds_itself_first() {
    let index = Index::new(WORDS);
    index.add((1..=40).map(|k| (Key(k), words(k))).collect());
    for k in 1..=40 {
        assert_eq!(results(&index, k)[0].key, Key(k));
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
    assert!(results(&index, 4).iter().all(|r| r.key != Key(4)));
    assert!(before.contains(Key(4)));
    assert_eq!((before.len(), index.snapshot().len()), (9, 8));
    for k in 1..=9 {
        index.remove(&[Key(k)]);
    }
    assert!(index.snapshot().is_empty());
    assert!(index.snapshot().frequencies.iter().all(|&f| f == 0));
}

#[test]
fn keys_in_any_order_give_the_results_of_ascending_ones() {
    let ascending = Index::new(WORDS);
    ascending.add((1..=60).map(|k| (Key(k), words(k))).collect());
    let orders: [(&str, Vec<u64>); 4] = [
        ("descending", (1..=60).rev().collect()),
        (
            "even ones first",
            (2..=60).step_by(2).chain((1..60).step_by(2)).collect(),
        ),
        ("by chance", (1..=60).map(|k| k * 37 % 61).collect()),
        ("one late key", (2..=60).chain([1]).collect()),
    ];
    for (name, order) in orders {
        for together in [1, 7, 60] {
            let index = Index::new(WORDS);
            for batch in order.chunks(together) {
                index.add(batch.iter().map(|&k| (Key(k), words(k))).collect());
            }
            let snapshot = index.snapshot();
            assert_eq!(snapshot.keys(), ascending.snapshot().keys(), "{name}");
            assert_eq!(snapshot.frequencies, ascending.snapshot().frequencies);
            for k in [1, 17, 60] {
                assert_eq!(
                    results(&index, k),
                    results(&ascending, k),
                    "{name}, {together}"
                );
            }
        }
    }
}

#[test]
fn of_pictures_with_one_key_the_first_stays() {
    let index = Index::new(WORDS);
    index.add(vec![(Key(5), words(5)), (Key(5), words(6))]);
    index.add(vec![
        (Key(9), words(9)),
        (Key(5), words(7)),
        (Key(2), words(2)),
    ]);
    let expected = Index::new(WORDS);
    expected.add([2, 5, 9].map(|k| (Key(k), words(k))).to_vec());
    assert_eq!(index.snapshot().keys(), [2, 5, 9].map(Key));
    assert_eq!(
        index.snapshot().frequencies,
        expected.snapshot().frequencies
    );
    for k in [2, 5, 9] {
        assert_eq!(results(&index, k), results(&expected, k));
    }
}

#[test]
fn late_keys_are_removed_and_added_again_like_others() {
    let index = Index::new(WORDS);
    index.add((20..=40).map(|k| (Key(k), words(k))).collect());
    index.add((1..=10).map(|k| (Key(k), words(k))).collect());
    assert_eq!(index.remove(&[Key(3), Key(30), Key(15)]), 2);
    assert!(!index.snapshot().contains(Key(3)) && !index.snapshot().contains(Key(30)));
    assert!(results(&index, 3).iter().all(|r| r.key != Key(3)));
    index.add([30, 3].map(|k| (Key(k), words(k))).to_vec());
    let all = Index::new(WORDS);
    all.add(
        (1..=10)
            .chain(20..=40)
            .map(|k| (Key(k), words(k)))
            .collect(),
    );
    assert_eq!(index.snapshot().keys(), all.snapshot().keys());
    assert_eq!(index.snapshot().frequencies, all.snapshot().frequencies);
    assert_eq!(results(&index, 3), results(&all, 3));
    assert_eq!(index.remove(&[Key(30), Key(30)]), 1);
    assert_eq!(index.snapshot().len(), 30);
}

#[test]
fn a_picture_without_features_is_counted_and_never_found() {
    let index = Index::new(WORDS);
    index.add(vec![(Key(1), PictureWords::default()), (Key(2), words(2))]);
    assert_eq!(index.snapshot().len(), 2);
    assert!(results(&index, 2).iter().all(|r| r.key == Key(2)));
    assert_eq!(index.remove(&[Key(1)]), 1);
}

mod candidates;
mod damaged_folders;
mod growth;
mod random_operations;
mod saved;
