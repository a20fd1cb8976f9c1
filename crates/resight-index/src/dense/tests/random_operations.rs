//! Random additions, removals, merges and openings, beside an exhaustive search. `PROPTEST_CASES` sets how
//! many sequences are tried.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{VectorIndex, VectorSnapshot};
use crate::conformance::{ExhaustiveVectors, VectorSubject};

/// Keys that a sequence uses lie below this.
const KEYS: u64 = 4000;
const SHORT: usize = 6;

/// Every so-manieth key from the first on.
#[derive(Clone, Copy, Debug)]
struct Keys {
    first: u64,
    count: u64,
    step: u64,
}

impl Keys {
    fn each(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |at| (self.first + at * self.step) % KEYS)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Add(Keys),
    Remove(Keys),
    /// Waits for merges, files and graphs.
    Settle,
    /// Closes the index, removes vectors from the catalogue alone, and opens the index again.
    Reopen(Keys),
}

fn keys() -> impl Strategy<Value = Keys> {
    (0..KEYS, prop_oneof![0..40_u64, 900..1500_u64], 1..4_u64)
        .prop_map(|(first, count, step)| Keys { first, count, step })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => keys().prop_map(Operation::Add),
        3 => keys().prop_map(Operation::Remove),
        2 => Just(Operation::Settle),
        2 => keys().prop_map(Operation::Reopen),
    ]
}

/// The vector of this key. Some are the same.
fn vector(key: u64) -> Vec<f32> {
    let mut random = Random::new(key % 1500);
    (0..SHORT).map(|_| random.normal() as f32).collect()
}

fn vectors(keys: impl Iterator<Item = u64>) -> Vec<(Key, Vec<f32>)> {
    let mut seen = BTreeSet::new();
    keys.filter(|key| seen.insert(*key))
        .map(|key| (Key(key), vector(key)))
        .collect()
}

/// Opens the index, adds what it lacks, and requires nothing to be damaged.
fn opened(folder: &Path, stored: &BTreeSet<u64>) -> DenseIndex {
    let in_catalogue = stored.iter().copied().map(Key).collect();
    let (index, opened) =
        DenseIndex::open("a model", SHORT, folder, true, in_catalogue, settings(1500)).unwrap();
    assert_eq!(opened.lost, None);
    let missing = vectors(opened.missing.iter().map(|key| key.0));
    assert_eq!(index.add(&lent(&missing)), Ok(missing.len()));
    index
}

fn compare(found: &dyn VectorSnapshot, expected: &dyn VectorSnapshot, about: u64) {
    assert_eq!(found.vectors(), expected.vectors());
    let options = NearestOptions {
        limit: 12,
        exact: true,
        ..NearestOptions::default()
    };
    let half = CandidateFilter::all().in_range(KEYS / 2..);
    for (key, filter) in [(about, CandidateFilter::all()), (about + 1, half)] {
        let query = vector(key);
        let nearest =
            |snapshot: &dyn VectorSnapshot| snapshot.nearest(&[&query], &options, &filter).unwrap();
        assert_eq!(nearest(found), nearest(expected), "query {key}");
    }
}

fn check(operations: Vec<Operation>) {
    let folder = tempfile::tempdir().unwrap();
    let mut stored = BTreeSet::new();
    let mut index = opened(folder.path(), &stored);
    let expected = ExhaustiveVectors::new(SHORT);
    for (operation, about) in operations.into_iter().zip(0u64..) {
        match operation {
            Operation::Add(keys) => {
                let added = vectors(keys.each());
                let new = added.iter().filter(|one| stored.insert(one.0.0)).count();
                assert_eq!(index.add(&lent(&added)), Ok(new));
                expected.add(&lent(&added));
            }
            Operation::Remove(keys) => {
                let gone: Vec<Key> = keys.each().map(Key).collect();
                let before = stored.len();
                stored.retain(|key| !gone.contains(&Key(*key)));
                assert_eq!(index.remove(&gone), before - stored.len());
                expected.remove(&gone);
            }
            Operation::Settle => index.settle(),
            Operation::Reopen(keys) => {
                drop(index);
                let gone: Vec<Key> = keys.each().map(Key).collect();
                stored.retain(|key| !gone.contains(&Key(*key)));
                expected.remove(&gone);
                index = opened(folder.path(), &stored);
            }
        }
        let (found, expected) = (index.vector_snapshot(), expected.index().vector_snapshot());
        compare(&*found.unwrap(), &*expected.unwrap(), about * 733 % KEYS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn exact_answers_are_those_of_an_exhaustive_search(
        operations in proptest::collection::vec(operation(), 1..14)
    ) {
        check(operations);
    }
}

/// Few, unless the environment asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(8)
}
