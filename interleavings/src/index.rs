//! The index's hand-over (`snapshot_cell.rs`, `index.rs`, `maintenance.rs` and `live.rs` of `crates/resight-index/src`): while
//! small segments become large ones and are saved, each snapshot has every picture that was added before it and
//! not removed, once, with all its postings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use shuttle::thread;

use crate::check::{finds, holds};
use crate::copies::index::Key;
use crate::copies::index::index::Index;
use crate::copies::index::merge::{LivePostings, meta};
use crate::copies::index::merge_policy::{SegmentMeta, before_tail, candidates};
use crate::copies::index::picture_words::{PictureWords, Posting};
use crate::copies::index::segment_file::Keyed;
use crate::copies::index::snapshot::Snapshot;
use crate::stand_ins::index::place::Place;
use crate::stand_ins::index::vocabulary::Vocabulary;

const WORDS: usize = 5;

/// Two words of each picture.
fn words_of(key: u64) -> [u32; 2] {
    [(key % 5) as u32, ((key + 2) % 5) as u32]
}

fn pictures(keys: impl IntoIterator<Item = u64>) -> Vec<(Key, PictureWords)> {
    let picture = |key: u64| {
        let postings = words_of(key).map(|word| Posting {
            word,
            signature: key,
            place: Place(key as u32),
        });
        (Key(key), PictureWords::new(postings.to_vec()))
    };
    keys.into_iter().map(picture).collect()
}

/// What was asked of the index and what it has done. Never locked while the index is called.
#[derive(Default)]
struct History {
    adding: BTreeSet<u64>,
    added: BTreeSet<u64>,
    removing: BTreeSet<u64>,
    removed: BTreeSet<u64>,
}

#[derive(Clone)]
struct Watched {
    index: Arc<Index>,
    history: Arc<Mutex<History>>,
}

impl Watched {
    fn add(&self, keys: std::ops::Range<u64>) {
        self.note(|h| h.adding.extend(keys.clone()));
        self.index.add(pictures(keys.clone()));
        self.note(|h| h.added.extend(keys.clone()));
    }

    /// Removes pictures that were added before.
    fn remove(&self, keys: &[u64]) {
        self.note(|h| h.removing.extend(keys));
        let all: Vec<Key> = keys.iter().copied().map(Key).collect();
        assert_eq!(self.index.remove(&all), keys.len());
        self.note(|h| h.removed.extend(keys));
    }

    fn note(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.history.lock().expect("no thread fails"));
    }

    /// Takes a snapshot and compares it with what was done before it and asked until after it.
    fn look(&self) {
        let (added, removed) = {
            let history = self.history.lock().expect("no thread fails");
            (history.added.clone(), history.removed.clone())
        };
        let snapshot = self.index.snapshot();
        let found = whole(&snapshot);
        let history = self.history.lock().expect("no thread fails");
        for key in added.difference(&history.removing) {
            assert!(found.contains(key), "picture {key} is missing");
        }
        for key in &found {
            assert!(!removed.contains(key), "picture {key} was removed");
            assert!(
                history.adding.contains(key),
                "picture {key} was never added"
            );
        }
    }

    fn left(&self) -> BTreeSet<u64> {
        let history = self.history.lock().expect("no thread fails");
        &history.added - &history.removed
    }
}

/// The pictures of a snapshot, each of which is there once with its two postings, and counted in the
/// frequencies of its words.
fn whole(snapshot: &Snapshot) -> BTreeSet<u64> {
    let keys: Vec<u64> = snapshot.keys().iter().map(|key| key.0).collect();
    let found: BTreeSet<u64> = keys.iter().copied().collect();
    assert_eq!(
        keys.len(),
        found.len(),
        "a picture is there twice: {keys:?}"
    );
    let mut postings: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for live in &snapshot.segments {
        for (word, list) in live.segment.lists() {
            for &picture in list {
                if live.is_live(picture.into()) {
                    let key = live.segment.keys()[usize::from(picture)];
                    postings.entry(key).or_default().push(word);
                }
            }
        }
    }
    assert_eq!(postings.len(), found.len());
    let mut frequencies = [0; WORDS];
    for (key, mut words) in postings {
        let mut expected = words_of(key);
        words.sort_unstable();
        expected.sort_unstable();
        assert_eq!(words, expected, "postings of picture {key}");
        for word in expected {
            frequencies[word as usize] += 1;
        }
    }
    assert_eq!(snapshot.frequencies[..], frequencies);
    found
}

/// Whether the maintenance thread has merged all that it should.
fn is_settled(snapshot: &Snapshot) -> bool {
    let metas: Vec<SegmentMeta> = snapshot.segments.iter().map(meta).collect();
    candidates(&metas[..before_tail(&metas)]).next().is_none()
}

/// Adds, removes and searches at once, until nothing is left to merge.
fn change(index: Index) -> BTreeSet<u64> {
    let watched = Watched {
        index: Arc::new(index),
        history: Arc::default(),
    };
    watched.add(0..6);
    let adds = {
        let watched = watched.clone();
        thread::spawn(move || {
            watched.add(10..17);
            watched.add(20..22);
        })
    };
    let adds_and_removes = {
        let watched = watched.clone();
        thread::spawn(move || {
            watched.add(30..39);
            watched.remove(&[31, 33, 35]);
        })
    };
    let removes = {
        let watched = watched.clone();
        thread::spawn(move || {
            watched.remove(&[1, 4]);
            watched.remove(&[0]);
        })
    };
    let searches = {
        let watched = watched.clone();
        thread::spawn(move || (0..3).for_each(|_| watched.look()))
    };
    for thread in [adds, adds_and_removes, removes, searches] {
        thread.join().expect("it ends");
    }
    watched.index.settle();
    let snapshot = watched.index.snapshot();
    assert!(is_settled(&snapshot), "something is left to merge");
    let left = watched.left();
    assert_eq!(whole(&snapshot), left);
    left
}

fn in_memory() {
    change(Index::new(WORDS));
}

#[test]
fn no_posting_is_lost_or_doubled_while_segments_merge() {
    holds("merges", 3_000, in_memory);
    finds(
        "merges",
        &[
            "a change wakes nobody",
            "changes made during a step are not seen",
            "who waits is not told that nothing is left",
            "what is removed during a merge comes back",
            "a result takes a place that is no longer there",
            "a result is published without the lock",
            "an addition is made of an earlier snapshot",
        ],
        in_memory,
    );
}

fn opened(folder: &Path, stored: &BTreeSet<u64>) -> (Index, Option<Key>) {
    let vocabulary = Vocabulary { words: WORDS };
    let stored = || Ok::<_, ()>(stored.iter().map(|&key| (Key(key), 2)).collect());
    let (index, opened) = Index::open(&vocabulary, folder, true, stored).expect("it cannot fail");
    assert_eq!(opened.lost, None);
    (index, opened.last)
}

/// The same with segments that are saved; and what is opened again is what was there.
fn saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let (index, _) = opened(folder.path(), &BTreeSet::new());
    let left = change(index);
    let (index, last) = opened(folder.path(), &left);
    let behind = left.iter().copied().filter(|key| Some(Key(*key)) > last);
    index.add(pictures(behind));
    let snapshot = index.snapshot();
    assert_eq!(whole(&snapshot), left);
    let is_saved = |live: &LivePostings| live.file.is_some();
    assert!(snapshot.segments.iter().any(is_saved), "nothing was saved");
}

#[test]
fn what_was_saved_meanwhile_is_opened_again() {
    holds("saves", 150, saved);
}
