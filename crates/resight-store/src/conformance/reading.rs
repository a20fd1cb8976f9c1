//! Reads: order, batches, and reading beside a writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::fixtures::{Make, added, features, found, id, pair, upload, words};
use crate::{Change, StoredBytes};

/// Lets the readers stop even if the writer panics.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(super) fn batches_answer_in_the_order_asked(make: Make<'_>) {
    let catalogue = &*make();
    // More than one statement's worth of keys.
    let keys: Vec<u64> = (0..200)
        .map(|number| added(catalogue, found(number, &format!("/{number}"))))
        .collect();
    let mut asked: Vec<u64> = keys.iter().rev().copied().collect();
    asked.extend([keys[3], 0, u64::MAX, 1 << 40, keys[3]]);
    let records = catalogue.pictures(&asked).unwrap();
    let bytes = catalogue.features(&asked).unwrap();
    assert_eq!((records.len(), bytes.len()), (205, 205));
    for ((key, record), bytes) in asked.iter().zip(records).zip(bytes) {
        let number = keys.iter().position(|known| known == key);
        let Some(number) = number.map(|at| at as u64) else {
            assert_eq!((record, bytes), (None, None), "key {key}");
            continue;
        };
        let record = record.unwrap();
        assert_eq!((record.key, record.id), (*key, id(number)));
        assert_eq!(record.sources, [format!("/{number}")]);
        assert_eq!(bytes, Some(features(number)));
    }
    assert_eq!(catalogue.pictures(&[]).unwrap(), []);
    assert_eq!(catalogue.features(&[]).unwrap(), []);
}

/// The values that are present, ascending by key: `values` are those of the keys below `end`, the
/// highest first.
fn present<T>(end: u64, values: Vec<Option<T>>) -> Vec<(u64, T)> {
    assert_eq!(values.len() as u64, end);
    let by_key = (0..end).zip(values.into_iter().rev());
    by_key
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

pub(super) fn slices_may_be_longer_than_a_statement_takes(make: Make<'_>) {
    /// PostgreSQL takes at most 65,535 values in a statement, SQLite 32,766.
    const LONG: u64 = 70_000;
    let catalogue = &*make();
    for number in 1..=3 {
        added(catalogue, upload(number));
        catalogue.commit(vec![Change::Remove(id(number))]).unwrap();
    }
    let [a, b, c] = [11, 12, 13].map(|number| added(catalogue, upload(number)));
    let vectors = [(a, vec![1]), (c, vec![3])];
    catalogue.put_vectors("m", &vectors).unwrap();
    catalogue.put_pairs(&[pair(a, c), pair(b, c)], 0).unwrap();

    let asked: Vec<u64> = (0..LONG).rev().collect();
    let of_all = |of: fn(u64) -> Vec<u8>| [(a, of(11)), (b, of(12)), (c, of(13))];
    let found = catalogue.features(&asked).unwrap();
    assert_eq!(present(LONG, found), of_all(features));
    let found = catalogue.words(&asked).unwrap();
    assert_eq!(present(LONG, found), of_all(words));
    let found = present(LONG, catalogue.pictures(&asked).unwrap()).into_iter();
    let ids: Vec<_> = found.map(|(key, record)| (key, record.id)).collect();
    assert_eq!(ids, [(a, id(11)), (b, id(12)), (c, id(13))]);
    let found = catalogue.vectors("m", &asked).unwrap();
    assert_eq!(present(LONG, found), vectors);
    let ends: Vec<(u64, u64)> = asked.iter().map(|key| (*key, c)).collect();
    let found = catalogue.pairs(&ends).unwrap();
    assert_eq!(present(LONG, found), [(a, pair(a, c)), (b, pair(b, c))]);
    let forgotten: Vec<_> = (2..LONG + 2).map(id).collect();
    catalogue.forget_removed(&forgotten).unwrap();
    assert_eq!(catalogue.removed_pictures(9).unwrap(), [id(1)]);
}

pub(super) fn the_list_is_newest_first_and_counts_agree(make: Make<'_>) {
    let catalogue = &*make();
    for number in 0..5 {
        added(catalogue, upload(number));
    }
    let listed = |offset, limit| -> Vec<_> {
        let records = catalogue.list(offset, limit).unwrap();
        records.into_iter().map(|record| record.id).collect()
    };
    assert_eq!(listed(0, 2), [id(4), id(3)]);
    assert_eq!(listed(2, u64::MAX), [id(2), id(1), id(0)]);
    assert_eq!(listed(5, 2), []);
    assert_eq!(listed(u64::MAX, 2), []);
    assert_eq!(catalogue.count().unwrap(), 5);
    let all = catalogue.list(0, 9).unwrap();
    let lengths = all.iter().map(|record| record.byte_len);
    let listed_bytes = lengths.fold(0, u64::wrapping_add);
    assert!(all.iter().all(|record| record.uploaded) && listed_bytes > 0);
    added(catalogue, found(9, "/9"));
    let keys = catalogue.keys_after(None, 9).unwrap();
    let vectors = [(keys[0].0, vec![1, 2]), (keys[1].0, vec![1, 2, 3, 4])];
    catalogue.put_vectors("m", &vectors).unwrap();
    let numbers = || [0, 1, 2, 3, 4, 9].into_iter();
    let bytes = StoredBytes {
        features: numbers().map(|number| features(number).len() as u64).sum(),
        words: numbers().map(|number| words(number).len() as u64).sum(),
        vectors: 6,
        originals: listed_bytes,
    };
    assert_eq!(catalogue.stored_bytes().unwrap(), bytes);
}

pub(super) fn keys_ascend_in_pages_with_numbers_of_features(make: Make<'_>) {
    let catalogue = &*make();
    assert_eq!(catalogue.keys_after(None, 9).unwrap(), []);
    let keys: Vec<u64> = (0..5)
        .map(|number| added(catalogue, upload(number)))
        .collect();
    assert!(keys[0] > 0 && keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    catalogue.commit(vec![Change::Remove(id(2))]).unwrap();
    let page = |after, limit| catalogue.keys_after(after, limit).unwrap();
    let left = [(keys[0], 7), (keys[1], 7), (keys[3], 7), (keys[4], 7)];
    assert_eq!(page(None, usize::MAX), left);
    assert_eq!(page(None, 3), left[..3]);
    assert_eq!(page(Some(keys[2]), 1), left[2..3]);
    assert_eq!(page(Some(u64::MAX), 9), []);
    assert_eq!(page(None, 0), []);
}

pub(super) fn keys_ascend_in_the_order_in_which_commits_become_visible(make: Make<'_>) {
    let catalogue = &*make();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Continues from the last key seen, and so must see all of them.
            let mut seen: Vec<u64> = Vec::new();
            loop {
                let is_last = done.load(Ordering::Acquire);
                let next = catalogue.keys_after(seen.last().copied(), 9).unwrap();
                if next.is_empty() && is_last {
                    return seen;
                }
                seen.extend(next.iter().map(|(key, _)| key));
            }
        });
        let writing = SetAtEnd(&done);
        thread::scope(|scope| {
            for writer in 0..3 {
                scope.spawn(move || {
                    for number in 0..40 {
                        added(catalogue, upload(1000 * writer + number));
                    }
                });
            }
        });
        drop(writing);
        let seen = reader.join().unwrap();
        assert_eq!(seen.len(), 120);
        let all = catalogue.keys_after(None, 200).unwrap();
        assert!(all.iter().map(|(key, _)| *key).eq(seen));
    });
}

pub(super) fn words_and_features_come_by_ascending_key_in_pages(make: Make<'_>) {
    let catalogue = &*make();
    let keys: Vec<u64> = (0..5)
        .map(|number| added(catalogue, upload(number)))
        .collect();
    catalogue.commit(vec![Change::Remove(id(2))]).unwrap();
    let page = |key, limit| catalogue.words_after(key, limit).unwrap();
    assert_eq!(page(None, 2), [(keys[0], words(0)), (keys[1], words(1))]);
    assert_eq!(
        page(Some(keys[1]), 9),
        [(keys[3], words(3)), (keys[4], words(4))]
    );
    assert_eq!(page(Some(keys[4]), 9), []);
    assert_eq!(page(Some(u64::MAX), 9), []);
    let page = |key, limit| catalogue.features_after(key, limit).unwrap();
    assert_eq!(page(Some(keys[1]), 1), [(keys[3], features(3))]);
    assert_eq!(page(Some(keys[3]), 9), [(keys[4], features(4))]);
    let some = catalogue.words(&[keys[4], 99, keys[0], keys[4]]).unwrap();
    let (last, first) = (Some(words(4)), Some(words(0)));
    assert_eq!(some, [last.clone(), None, first, last]);
}

pub(super) fn readers_see_whole_commits_while_a_writer_works(make: Make<'_>) {
    let catalogue = &*make();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = SetAtEnd(&done);
        let read = || {
            let mut seen = 0;
            while !done.load(Ordering::Acquire) {
                let records = catalogue.list(0, u64::MAX).unwrap();
                // Each commit adds two pictures and their sources at once.
                assert_eq!(records.len() % 2, 0);
                assert!(records.len() >= seen);
                assert!(records.iter().all(|record| record.sources.len() == 1));
                seen = records.len();
                let keys: Vec<u64> = records.iter().map(|record| record.key).collect();
                let features = catalogue.features(&keys).unwrap();
                assert!(features.iter().all(Option::is_some));
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        for pair in 0..100 {
            let (one, two) = (2 * pair, 2 * pair + 1);
            catalogue
                .commit(vec![
                    found(one, &format!("/{one}")),
                    found(two, &format!("/{two}")),
                ])
                .unwrap();
        }
        drop(writing);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(catalogue.count().unwrap(), 200);
}

pub(super) fn a_read_of_several_statements_sees_one_state(make: Make<'_>) {
    let catalogue = &*make();
    added(catalogue, found(0, "/0"));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = SetAtEnd(&done);
        let read = || {
            while !done.load(Ordering::Acquire) {
                // The picture that is there goes all the time, and its source with it.
                let records = catalogue.list(0, 9).unwrap();
                assert_eq!(records.len(), 1);
                assert_eq!(records[0].sources.len(), 1);
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        for number in 1..300 {
            let path = format!("/{number}");
            let change = vec![Change::Remove(id(number - 1)), found(number, &path)];
            catalogue.commit(change).unwrap();
        }
        drop(writing);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
