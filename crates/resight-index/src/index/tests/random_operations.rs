//! Random additions, removals, merges and openings, beside an exhaustive search. `PROPTEST_CASES` sets how
//! many sequences are tried.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{WordIndex, WordSnapshot};
use crate::conformance::{ExhaustiveWords, WordSubject};

/// Keys that a sequence uses lie below this: some segments' worth.
const KEYS: u64 = 5000;

/// Every so-manieth key from the first on.
#[derive(Clone, Copy, Debug)]
struct Keys {
    first: u64,
    count: u64,
    step: u64,
}

impl Keys {
    fn each(self) -> impl DoubleEndedIterator<Item = u64> {
        (0..self.count).map(move |at| (self.first + at * self.step) % KEYS)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Add(Keys),
    /// In descending order.
    AddBackwards(Keys),
    Remove(Keys),
    /// Waits for merges and files.
    Settle,
    /// A snapshot that must not change.
    Take,
    /// Closes the index, removes pictures from the catalogue alone, and opens the index again.
    Reopen(Keys),
}

fn keys() -> impl Strategy<Value = Keys> {
    (0..KEYS, prop_oneof![0..40_u64, 900..1500_u64], 1..4_u64)
        .prop_map(|(first, count, step)| Keys { first, count, step })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => keys().prop_map(Operation::Add),
        1 => keys().prop_map(Operation::AddBackwards),
        3 => keys().prop_map(Operation::Remove),
        2 => Just(Operation::Settle),
        1 => Just(Operation::Take),
        2 => keys().prop_map(Operation::Reopen),
    ]
}

/// The pictures of these keys, of four postings each so that an exhaustive search stays quick.
fn pictures(keys: impl Iterator<Item = u64>) -> Vec<(Key, PictureWords)> {
    let few = |key| PictureWords::new(words(key).postings()[..4].to_vec());
    keys.map(|key| (Key(key), few(key))).collect()
}

/// Opens the index, adds what it lacks, and requires nothing to be damaged.
fn opened(folder: &Path, stored: &BTreeSet<u64>) -> Index {
    let in_catalogue = || Ok::<_, ()>(stored.iter().map(|key| (Key(*key), 4)).collect());
    let (index, opened) = Index::open(&Vocabulary::generic(), folder, true, in_catalogue).unwrap();
    assert_eq!(opened.lost, None);
    let above = stored
        .iter()
        .copied()
        .filter(|key| Some(Key(*key)) > opened.last);
    index.add(pictures(above));
    index
}

fn compare(found: &dyn WordSnapshot, expected: &dyn WordSnapshot, about: u64) {
    assert_eq!(found.pictures(), expected.pictures());
    let options = CandidateOptions {
        limit: 30,
        max_hamming: 30,
        considered: 10,
    };
    let half = CandidateFilter::all().in_range(..KEYS / 2);
    for (key, filter) in [(about, CandidateFilter::all()), (about + 1, half)] {
        let asked = |snapshot: &dyn WordSnapshot| {
            let mut asking = snapshot.word_query(options).unwrap();
            asking.add(query(key)).unwrap();
            asking.candidates(&filter).unwrap()
        };
        assert_eq!(asked(found), asked(expected), "query {key}");
    }
}

fn check(operations: Vec<Operation>) {
    let folder = tempfile::tempdir().unwrap();
    let mut stored = BTreeSet::new();
    let mut index = opened(folder.path(), &stored);
    let expected = ExhaustiveWords::new(Vocabulary::generic().len());
    let mut taken: Vec<(Arc<dyn WordSnapshot>, Arc<dyn WordSnapshot>)> = Vec::new();
    for (operation, about) in operations.into_iter().zip(0u64..) {
        match operation {
            Operation::Add(keys) => {
                index.add(pictures(keys.each()));
                expected.add(pictures(keys.each()));
                stored.extend(keys.each());
            }
            Operation::AddBackwards(keys) => {
                index.add(pictures(keys.each().rev()));
                expected.add(pictures(keys.each()));
                stored.extend(keys.each());
            }
            Operation::Remove(keys) => {
                let gone: Vec<Key> = keys.each().map(Key).collect();
                let before = stored.len();
                stored.retain(|key| !gone.contains(&Key(*key)));
                assert_eq!(index.remove(&gone), before - stored.len());
                expected.remove(&gone);
            }
            Operation::Settle => index.settle(),
            Operation::Take => {
                taken.push((
                    index.word_snapshot().unwrap(),
                    expected.index().word_snapshot().unwrap(),
                ));
            }
            Operation::Reopen(keys) => {
                drop(index);
                let gone: Vec<Key> = keys.each().map(Key).collect();
                stored.retain(|key| !gone.contains(&Key(*key)));
                expected.remove(&gone);
                index = opened(folder.path(), &stored);
            }
        }
        let (found, expected) = (index.word_snapshot(), expected.index().word_snapshot());
        compare(&*found.unwrap(), &*expected.unwrap(), about * 733 % KEYS);
        let keys: Vec<u64> = index.snapshot().keys().iter().map(|key| key.0).collect();
        assert!(
            keys.iter().eq(&stored),
            "keys of the index and of the catalogue"
        );
    }
    for (found, expected) in taken {
        compare(&*found, &*expected, 7);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_are_those_of_an_exhaustive_search(
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
