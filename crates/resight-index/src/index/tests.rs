use std::path::{Path, PathBuf};

use super::*;
use crate::picture_words::Posting;
use crate::place::Place;
use crate::snapshot::{Candidate, CandidateOptions};
use crate::vocabulary::{AssignedFeature, QueryFeature, QueryWords};

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
fn limits_and_distances_are_respected() {
    let index = Index::new(WORDS);
    index.add((1..=30).map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    let all = snapshot.candidates(&query(3), &everything());
    let few = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            limit: 4,
            ..everything()
        },
    );
    assert_eq!(few.best[..], all.best[..4]);
    assert_eq!(few.total, all.total);
    let exact = snapshot.candidates(
        &query(3),
        &CandidateOptions {
            max_hamming: 0,
            ..everything()
        },
    );
    assert_eq!(exact.total, 1);
    assert_eq!(exact.best[0].key, Key(3));
}

#[test]
fn what_is_not_wanted_takes_no_place() {
    let index = Index::new(WORDS);
    for from in [1, 21] {
        index.add((from..from + 20).map(|k| (Key(k), words(k))).collect());
    }
    let snapshot = index.snapshot();
    let all = results(&index, 7);
    assert!(all.len() > 5);
    // The picture itself and others of both segments are not wanted; two have a place.
    let wanted = |key: Key| key.0.is_multiple_of(3);
    let options = CandidateOptions {
        limit: 2,
        considered: 2,
        ..everything()
    };
    let words = query(7);
    let mut question = snapshot.question(options);
    question.add(&words);
    let found = question.candidates(&wanted);
    let expected: Vec<&Candidate> = all.iter().filter(|c| wanted(c.key)).collect();
    assert_eq!(found.total, expected.len());
    let keys: Vec<Key> = found.best.iter().map(|c| c.key).collect();
    let scores = |c: &Candidate| c.score.to_bits();
    assert_eq!(keys, [expected[0].key, expected[1].key]);
    assert_eq!(scores(&found.best[0]), scores(expected[0]));
    let none = question.candidates(&|_| false);
    assert_eq!((none.total, none.best.len()), (0, 0));
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
    assert!(results(&index, 2).iter().all(|r| r.key == Key(2)));
    assert_eq!(index.remove(&[Key(1)]), 1);
}

/// What the catalogue would say of these.
fn held(keys: impl Iterator<Item = u64>) -> Vec<(Key, u32)> {
    keys.map(|k| (Key(k), words(k).postings().len() as u32))
        .collect()
}

fn opened(folder: &Path, held: &[(Key, u32)]) -> (Index, Opened) {
    let vocabulary = Vocabulary::generic();
    let held = || Ok::<_, ()>(held.to_vec());
    Index::open(&vocabulary, folder, true, held).unwrap()
}

/// An index of pictures 1 to `count`, added in batches, saved.
fn saved(folder: &Path, count: u64) -> Index {
    let (index, opened) = opened(folder, &[]);
    assert_eq!(opened, Opened::default());
    for from in (1..=count).step_by(700) {
        let batch = from..=count.min(from + 699);
        index.add(batch.map(|k| (Key(k), words(k))).collect());
    }
    index.settle();
    index
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().flatten();
    let mut all: Vec<PathBuf> = all.map(|e| e.path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "segment"));
    all.sort();
    all
}

#[test]
fn what_is_saved_is_there_again_and_the_rest_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = saved(&path, 5000);
    let before = index.snapshot();
    let want: Vec<_> = [1, 700, 2500, 5000].map(|k| results(&index, k)).into();
    let frequencies = before.frequencies.clone();
    let named = before.segments.iter().filter(|s| s.file.is_some()).count();
    assert_eq!(files(&path).len(), named, "merged files are removed");
    drop((before, index));
    let all = held(1..=5000);
    let (index, opened_) = opened(&path, &all);
    assert_eq!(opened_.lost, None);
    let last = opened_.last.unwrap();
    assert!(last.0 >= 2500, "{last:?}");
    index.add((last.0 + 1..=5000).map(|k| (Key(k), words(k))).collect());
    assert_eq!(index.snapshot().frequencies, frequencies);
    for (k, want) in [1, 700, 2500, 5000].into_iter().zip(want) {
        assert_eq!(results(&index, k), want);
    }
}

#[test]
fn pictures_removed_while_it_was_closed_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path(), 5000));
    let left = || (1..=5000).filter(|k| k % 3 != 0);
    let (index, opened) = opened(folder.path(), &held(left()));
    assert_eq!(opened.lost, None);
    let last = opened.last.unwrap().0;
    let missing = left().filter(|k| *k > last);
    index.add(missing.map(|k| (Key(k), words(k))).collect());
    index.settle();
    let alone = Index::new(Vocabulary::generic().len());
    alone.add(left().map(|k| (Key(k), words(k))).collect());
    assert_eq!(index.snapshot().frequencies, alone.snapshot().frequencies);
    assert_eq!(results(&index, 4), results(&alone, 4));
    assert!(
        index
            .snapshot()
            .segments
            .iter()
            .all(|s| s.removed.len() == 0)
    );
}

#[test]
fn removals_and_additions_go_on_while_segments_are_merged_and_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = opened(folder.path(), &[]);
    let alone = Index::new(Vocabulary::generic().len());
    for from in (1..20_000u64).step_by(1000) {
        index.add((from..from + 1000).map(|k| (Key(k), words(k))).collect());
        let gone: Vec<Key> = (from..from + 1000)
            .filter(|k| k % 7 == 0)
            .map(Key)
            .collect();
        index.remove(&gone);
    }
    index.settle();
    let kept = (1..=20_000).filter(|k| k % 7 != 0);
    alone.add(kept.clone().map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    assert_eq!(snapshot.len(), alone.snapshot().len());
    assert_eq!(snapshot.frequencies, alone.snapshot().frequencies);
    for k in [1, 8000, 19_999] {
        assert_eq!(results(&index, k), results(&alone, k));
    }
    drop((snapshot, index));
    let (_, opened) = opened(folder.path(), &held(kept));
    assert_eq!(opened.lost, None);
}

#[test]
fn damage_is_seen_and_what_stands_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    // Two segments: the second cannot be merged with the first.
    let (index, _) = opened(folder.path(), &[]);
    index.add((1..=65_536).map(|k| (Key(k), words(k))).collect());
    index.settle();
    let more = 65_537..65_537 + 3000;
    index.add(more.clone().map(|k| (Key(k), words(k))).collect());
    index.settle();
    drop(index);
    let all = held(1..more.end);
    let names = files(folder.path());
    assert_eq!(names.len(), 2);
    let (_, fine) = opened(folder.path(), &all);
    assert_eq!((fine.last, fine.lost), (Some(Key(more.end - 1)), None));
    let whole = std::fs::read(&names[1]).unwrap();
    for at in [0, 9, 20, 45, 70, 100, 200, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&names[1], bytes).unwrap();
        let (_, opened) = opened(folder.path(), &all);
        assert_eq!(opened.last, Some(Key(65_536)), "byte {at}");
        assert!(opened.lost.is_some());
    }
    for bytes in [&whole[..whole.len() - 1], &whole[..100], &[]] {
        std::fs::write(&names[1], bytes).unwrap();
        let (_, opened) = opened(folder.path(), &all);
        assert_eq!(opened.last, Some(Key(65_536)));
    }
    std::fs::write(folder.path().join("manifest.json"), "{").unwrap();
    let (_, opened_) = opened(folder.path(), &all);
    assert_eq!(opened_.last, None);
    assert!(opened_.lost.unwrap().contains("damaged"));
}

#[test]
fn another_history_or_format_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path(), 3000));
    // The same key, another picture.
    let mut other = held(1..=3000);
    other[5].1 += 1;
    let (_, opened_) = opened(folder.path(), &other);
    assert_eq!(opened_.last, None);
    assert!(opened_.lost.unwrap().contains("disagree"));
    // A picture that should be in it.
    let (_, opened_) = opened(folder.path(), &held(0..=3000));
    assert!(opened_.last.is_none() && opened_.lost.is_some());
    let manifest = folder.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"format\":1", "\"format\":0")).unwrap();
    let (_, opened_) = opened(folder.path(), &held(1..=3000));
    assert!(opened_.lost.unwrap().contains("format 0"));
}

/// A picture of words of their own, at places that follow from a similarity.
fn placed(first: u32, count: u32, at: impl Fn(u32) -> (f32, f32)) -> PictureWords {
    let posting = |i: u32| {
        let (x, y) = at(i);
        let keypoint = resight_vision::Keypoint {
            x,
            y,
            scale: 3.0,
            angle: 1.0,
            response: 0.0,
        };
        Posting {
            word: first + i,
            signature: u64::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            place: Place::of(&keypoint, [1000, 1000]),
        }
    };
    PictureWords::new((0..count).map(posting).collect())
}

#[test]
fn a_picture_whose_matches_agree_comes_before_one_with_more_votes() {
    let index = Index::new(WORDS);
    let row = |i: u32| (20.0 + 12.0 * i as f32, 40.0 + (i * i % 97) as f32);
    let apart = |i: u32| ((i * 613 % 991) as f32, (i * 389 % 997) as f32);
    let query = placed(0, 40, row);
    index.add(vec![
        (Key(1), placed(0, 40, apart)),
        (
            Key(2),
            placed(0, 25, |i| (row(i).0 + 300.0, row(i).1 + 200.0)),
        ),
        (Key(3), placed(0, 2, row)),
    ]);
    let features = query.postings().iter().map(|p| QueryFeature {
        assigned: vec![AssignedFeature {
            word: p.word,
            signature: p.signature,
        }],
        cells: vec![],
        place: p.place,
    });
    let query = QueryWords {
        features: features.collect(),
    };
    let keys = |considered| {
        let options = CandidateOptions {
            considered,
            ..everything()
        };
        let found = index.snapshot().candidates(&query, &options);
        found.best.iter().map(|c| c.key.0).collect::<Vec<u64>>()
    };
    assert_eq!(keys(0), [1, 2, 3]);
    assert_eq!(keys(10), [2, 1, 3]);
    // Considered first are those with the most votes.
    assert_eq!(keys(1), [1, 2, 3]);
    let found = index.snapshot().candidates(&query, &everything());
    let agreement: Vec<f64> = found.best.iter().map(|c| c.agreement).collect();
    assert!(agreement[0] > 0.0 && agreement[2] == 0.0, "{agreement:?}");
}

#[test]
fn a_question_in_parts_is_the_question_at_once() {
    let index = Index::new(WORDS);
    for from in (1..1000u64).step_by(500) {
        index.add((from..from + 500).map(|k| (Key(k), words(k))).collect());
    }
    index.remove(&[Key(4)]);
    let snapshot = index.snapshot();
    let (first, second) = (query(3), query(700));
    let mut all = first.clone();
    all.features.extend(second.features.clone());
    let mut parts = snapshot.question(everything());
    assert!(parts.is_empty());
    parts.add(&first);
    let before = parts.candidates(&|_| true);
    assert_eq!(before, snapshot.candidates(&first, &everything()));
    let nothing = QueryWords::default();
    parts.add(&nothing);
    parts.add(&second);
    let after = parts.candidates(&|_| true);
    assert_eq!(after, snapshot.candidates(&all, &everything()));
    assert_ne!(after, before);
}

#[test]
fn few_of_many_are_the_first_of_all() {
    let index = Index::new(WORDS);
    index.add((1..4000u64).map(|k| (Key(k), words(k))).collect());
    let snapshot = index.snapshot();
    assert_eq!(snapshot.segments.len(), 1);
    let all = snapshot.candidates(&query(17), &everything());
    assert!(all.total > 2000);
    for limit in [1, 3, 50] {
        let options = CandidateOptions {
            limit,
            considered: 0,
            ..everything()
        };
        let few = snapshot.candidates(&query(17), &options);
        let mut by_votes = all.best.clone();
        by_votes.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
        let keys = |found: &[Candidate]| found.iter().map(|c| c.key).collect::<Vec<_>>();
        assert_eq!(keys(&few.best), keys(&by_votes[..limit]));
        assert_eq!(few.total, all.total);
    }
}

#[test]
fn the_number_of_threads_does_not_change_results() {
    let index = Index::new(WORDS);
    for from in (1..4000u64).step_by(500) {
        index.add((from..from + 500).map(|k| (Key(k), words(k))).collect());
    }
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| results(&index, 77))
    };
    let one = with(1);
    assert_eq!(one[0].key, Key(77));
    for threads in [2, 3, 8] {
        assert_eq!(with(threads), one);
    }
}

#[test]
fn a_segment_of_the_first_format_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/index-1"));
    for name in ["manifest.json", "00000000.segment"] {
        std::fs::copy(first.join(name), folder.path().join(name)).unwrap();
    }
    let held: Vec<(Key, u32)> = (1..=1024).map(|k| (Key(k), 1)).collect();
    let (index, opened) = opened(folder.path(), &held);
    assert_eq!(opened.last, None);
    let lost = opened.lost.unwrap();
    assert!(lost.contains("another version"), "{lost}");
    assert!(index.snapshot().is_empty());
}
