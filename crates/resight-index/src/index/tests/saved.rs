use std::path::{Path, PathBuf};

use super::*;

/// What the catalogue returns for these.
fn stored(keys: impl Iterator<Item = u64>) -> Vec<(Key, u32)> {
    keys.map(|k| (Key(k), words(k).postings().len() as u32))
        .collect()
}

fn opened(folder: &Path, stored: &[(Key, u32)]) -> (Index, Opened) {
    let vocabulary = Vocabulary::generic();
    let stored = || Ok::<_, ()>(stored.to_vec());
    Index::open(&vocabulary, folder, true, stored).unwrap()
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
fn saved_segments_are_there_again_and_the_rest_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = saved(&path, 5000);
    let before = index.snapshot();
    let want: Vec<_> = [1, 700, 2500, 5000].map(|k| results(&index, k)).into();
    let frequencies = before.frequencies.clone();
    let named = before.segments.iter().filter(|s| s.file.is_some()).count();
    assert_eq!(files(&path).len(), named, "merged files are removed");
    drop((before, index));
    let all = stored(1..=5000);
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
    let (index, opened) = opened(folder.path(), &stored(left()));
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
            .all(|s| s.tombstones.len() == 0)
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
    let (_, opened) = opened(folder.path(), &stored(kept));
    assert_eq!(opened.lost, None);
}

#[test]
fn damage_is_seen_and_older_segments_are_used() {
    let folder = tempfile::tempdir().unwrap();
    // Two segments: the second cannot be merged with the first.
    let (index, _) = opened(folder.path(), &[]);
    index.add((1..=65_536).map(|k| (Key(k), words(k))).collect());
    index.settle();
    let more = 65_537..65_537 + 3000;
    index.add(more.clone().map(|k| (Key(k), words(k))).collect());
    index.settle();
    drop(index);
    let all = stored(1..more.end);
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
fn segments_of_another_history_or_format_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path(), 3000));
    // The same key, another picture.
    let mut other = stored(1..=3000);
    other[5].1 += 1;
    let (_, opened_) = opened(folder.path(), &other);
    assert_eq!(opened_.last, None);
    assert!(opened_.lost.unwrap().contains("disagree"));
    let manifest = folder.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"format\":1", "\"format\":0")).unwrap();
    let (_, opened_) = opened(folder.path(), &stored(1..=3000));
    assert!(opened_.lost.unwrap().contains("format 0"));
}

#[test]
fn a_segment_of_the_first_format_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let first = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/index-1"));
    for name in ["manifest.json", "00000000.segment"] {
        std::fs::copy(first.join(name), folder.path().join(name)).unwrap();
    }
    let stored: Vec<(Key, u32)> = (1..=1024).map(|k| (Key(k), 1)).collect();
    let (index, opened) = opened(folder.path(), &stored);
    assert_eq!(opened.last, None);
    let lost = opened.lost.unwrap();
    assert!(lost.contains("another version"), "{lost}");
    assert!(index.snapshot().is_empty());
}

/// Opens the index, adds what [`Opened`] asks for, and compares it with one built at once.
fn check_whole(folder: &Path, keys: &[u64]) {
    let (index, opened) = opened(folder, &stored(keys.iter().copied()));
    assert_eq!(opened.lost, None);
    let above = keys.iter().filter(|k| Some(Key(**k)) > opened.last);
    index.add(above.map(|&k| (Key(k), words(k))).collect());
    let at_once = Index::new(Vocabulary::generic().len());
    at_once.add(keys.iter().map(|&k| (Key(k), words(k))).collect());
    assert_eq!(index.snapshot().keys(), at_once.snapshot().keys());
    assert_eq!(index.snapshot().frequencies, at_once.snapshot().frequencies);
    for &k in keys.iter().step_by(keys.len() / 5) {
        assert_eq!(results(&index, k), results(&at_once, k));
    }
}

#[test]
fn a_picture_that_no_segment_has_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path(), 3000));
    for missing in [0, 3001, 3500] {
        let mut keys: Vec<u64> = (1..=3000).chain([missing]).collect();
        keys.sort_unstable();
        check_whole(folder.path(), &keys);
    }
}

#[test]
fn keys_out_of_order_are_saved_and_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = opened(folder.path(), &[]);
    // Too large to be merged with what follows, then late keys below and between.
    let large: Vec<u64> = (0..49_200).map(|k| 1000 + 2 * k).collect();
    let late: Vec<u64> = (0..2000)
        .chain(50_001..50_100)
        .filter(|k| k % 2 == 1)
        .collect();
    for keys in [&large, &late] {
        index.add(keys.iter().map(|&k| (Key(k), words(k))).collect());
        index.settle();
    }
    // These stay in memory, and are lost.
    index.add([4, 2].map(|k| (Key(k), words(k))).to_vec());
    drop(index);
    assert_eq!(files(folder.path()).len(), 2);
    let mut keys = [&large[..], &late, &[2, 4]].concat();
    keys.sort_unstable();
    check_whole(folder.path(), &keys);
    // Some were removed while it was closed.
    keys.retain(|k| k % 9 != 0);
    check_whole(folder.path(), &keys);
}

#[test]
fn a_key_that_was_removed_and_added_again_is_live_once() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = opened(folder.path(), &[]);
    index.add((0..49_200).map(|k| (Key(k), words(k))).collect());
    index.settle();
    let again: Vec<Key> = (100..1300).map(Key).collect();
    assert_eq!(index.remove(&again), again.len());
    index.add(again.iter().map(|k| (*k, words(k.0))).collect());
    index.settle();
    drop(index);
    assert_eq!(files(folder.path()).len(), 2);
    check_whole(folder.path(), &(0..49_200).collect::<Vec<_>>());
}

#[test]
fn half_written_files_are_removed_by_a_writer_only() {
    let folder = tempfile::tempdir().unwrap();
    drop(saved(folder.path(), 3000));
    let half = folder.path().join(".tmpAb3x9Q");
    std::fs::write(&half, "half a segment").unwrap();
    let stored = stored(1..=3000);
    let read_only = Index::open(&Vocabulary::generic(), folder.path(), false, || {
        Ok::<_, ()>(stored.clone())
    });
    assert_eq!(read_only.unwrap().1.lost, None);
    assert!(half.exists());
    let before = files(folder.path());
    assert_eq!(opened(folder.path(), &stored).1.lost, None);
    assert!(!half.exists());
    assert_eq!(files(folder.path()), before);
}
