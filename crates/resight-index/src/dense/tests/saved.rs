use super::*;
use crate::dense::segment::LiveVectors;
use crate::file_header::HEADER;
use crate::folder::SegmentFolder;

fn opened(folder: &Path, stored: &[u64]) -> (DenseIndex, DenseOpened) {
    let stored = stored.iter().copied().map(Key).collect();
    DenseIndex::open("a model", DIMENSION, folder, true, stored, settings(2000)).unwrap()
}

fn keys(range: std::ops::Range<u64>) -> Vec<u64> {
    range.collect()
}

/// Saves these; the last few stay in memory.
fn saved(folder: &Path, vectors: &[(Key, Vec<f32>)]) {
    let (index, opened) = opened(folder, &[]);
    assert_eq!(opened, DenseOpened::default());
    for part in vectors.chunks(1100) {
        index.add(&lent(part)).unwrap();
        index.settle();
    }
}

fn files(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut all: Vec<_> = entries.map(|e| e.path()).collect();
    all.retain(|p| p.to_string_lossy().ends_with(ending));
    all.sort();
    all
}

/// Adds the missing vectors and checks that the index is whole.
fn check_whole(index: &DenseIndex, opened: &DenseOpened, stored: &[(Key, Vec<f32>)]) {
    let missing = |v: &&(Key, Vec<f32>)| opened.missing.contains(&v.0);
    let missing: Vec<_> = stored.iter().filter(missing).cloned().collect();
    assert_eq!(missing.len(), opened.missing.len());
    assert_eq!(index.add(&lent(&missing)), Ok(missing.len()));
    let snapshot = index.snapshot();
    assert_eq!(snapshot.len(), stored.len());
    let exact = NearestOptions {
        exact: true,
        ..NearestOptions::default()
    };
    for query in stored.iter().step_by(stored.len() / 7) {
        let found = snapshot.nearest_with(&query.1, &exact, None).unwrap();
        let expected = by_definition(stored, &query.1, 10);
        let same = found.iter().zip(&expected).all(|(a, b)| a.0 == b.0);
        assert!(same && found.len() == expected.len());
    }
    index.settle();
}

#[test]
fn saved_vectors_are_there_again_and_the_rest_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 3600);
    saved(folder.path(), &vectors);
    assert_eq!(files(folder.path(), ".graph").len(), 1);
    // Some were removed while it was closed, and some are new.
    let stored: Vec<u64> = (0..3600).filter(|k| k % 11 != 0).collect();
    let (index, opened) = opened(folder.path(), &stored);
    assert_eq!(opened.lost, None);
    assert!(opened.missing.len() <= 1024, "{}", opened.missing.len());
    assert!(index.snapshot().in_graphs() > 0);
    let of_stored: Vec<_> = vectors.into_iter().filter(|v| v.0.0 % 11 != 0).collect();
    check_whole(&index, &opened, &of_stored);
}

#[test]
fn a_vector_removed_and_added_again_is_live_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 4400);
    saved(folder.path(), &vectors[..4000]);
    {
        let (index, opened) = opened(folder.path(), &keys(0..4000));
        check_whole(&index, &opened, &vectors[..4000]);
        let again: Vec<Key> = (100..150).map(Key).collect();
        index.remove(&again);
        index.add(&lent(&vectors[100..150])).unwrap();
        index.add(&lent(&vectors[4000..])).unwrap();
        index.settle();
    }
    let (index, opened) = opened(folder.path(), &keys(0..4400));
    check_whole(&index, &opened, &vectors);
}

#[test]
fn damage_is_seen_and_answers_stay_right() {
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 3600);
    let sound = tempfile::tempdir().unwrap();
    saved(sound.path(), &vectors);
    let names = [".vectors", ".graph", "manifest.json"];
    for ending in names {
        let size = std::fs::metadata(&files(sound.path(), ending)[0])
            .unwrap()
            .len();
        for place in [0, 9, 13, 17, 25, 33, 45, 70, 100, 130, size / 2, size - 1] {
            for cut in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                for file in files(sound.path(), "") {
                    std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
                }
                let file = &files(folder.path(), ending)[0];
                let mut bytes = std::fs::read(file).unwrap();
                let place = (place as usize).min(bytes.len() - 1);
                match cut {
                    true => bytes.truncate(place),
                    false => bytes[place] ^= 0x41,
                }
                std::fs::write(file, bytes).unwrap();
                let (index, opened) = opened(folder.path(), &keys(0..3600));
                if ending != ".graph" {
                    assert!(opened.lost.is_some(), "{ending} {place} {cut}");
                }
                check_whole(&index, &opened, &vectors);
                assert!(index.snapshot().in_graphs() > 0);
            }
        }
    }
}

#[test]
fn files_of_another_model_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 2200);
    saved(folder.path(), &vectors);
    let all = || vectors.iter().map(|v| v.0).collect::<Vec<_>>();
    for (tag, dimension) in [("another", DIMENSION), ("a model", DIMENSION + 1)] {
        let settings = settings(2000);
        let opened = DenseIndex::open(tag, dimension, folder.path(), false, all(), settings);
        let (index, opened) = opened.unwrap();
        assert!(index.snapshot().is_empty());
        assert_eq!(opened.missing.len(), 2200);
        assert!(opened.lost.unwrap().contains("another model"));
    }
    // Reading has changed nothing.
    let (index, opened) = opened(folder.path(), &keys(0..2200));
    assert_eq!(opened.lost, None);
    check_whole(&index, &opened, &vectors);
}

#[test]
fn a_missing_graph_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let mut clusters = Clusters::new(20, DIMENSION);
    let vectors = many(&mut clusters, 2200);
    saved(folder.path(), &vectors);
    let graph = files(folder.path(), ".graph").remove(0);
    let before = std::fs::read(&graph).unwrap();
    std::fs::remove_file(&graph).unwrap();
    let (index, _) = opened(folder.path(), &keys(0..2200));
    index.settle();
    assert_eq!(std::fs::read(&graph).unwrap(), before);
}

#[test]
fn where_nothing_can_be_saved_vectors_are_merged_and_get_a_graph_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    // A file is in the place of the folder.
    let path = folder.path().join("vectors");
    std::fs::write(&path, "no folder").unwrap();
    let vectors = many(&mut Clusters::new(20, DIMENSION), 3300);
    let (index, _) = opened(&path, &[]);
    for part in vectors.chunks(1100) {
        index.add(&lent(part)).unwrap();
    }
    index.settle();
    let snapshot = index.snapshot();
    assert_eq!((snapshot.segments.len(), snapshot.in_graphs()), (1, 3300));
    assert!(snapshot.segments[0].file.is_none());
    assert_eq!(std::fs::read(&path).unwrap(), b"no folder");
}

#[test]
fn a_graph_built_in_memory_is_saved_with_its_vectors() {
    let vectors = many(&mut Clusters::new(20, DIMENSION), 3300);
    let index = DenseIndex::new(DIMENSION, settings(2000)).unwrap();
    index.add(&lent(&vectors)).unwrap();
    index.remove(&[Key(17)]);
    index.settle();
    let in_memory = index.snapshot().segments[0].clone();
    let bytes = |live: &LiveVectors| {
        let mut bytes = Vec::new();
        let graph = live.segment.graph.as_ref().unwrap();
        graph.write(&live.segment.vectors, &mut bytes).unwrap();
        bytes
    };
    let dir = tempfile::tempdir().unwrap();
    let mut folder = SegmentFolder::new(dir.path(), [7; 16]);
    let live = maintenance::saved(&mut folder, &in_memory).unwrap();
    assert_eq!(live.len(), in_memory.len());
    // The header names the file of vectors; the edges are the same.
    assert!(bytes(&live)[HEADER..] == bytes(&in_memory)[HEADER..]);
    let file = files(dir.path(), ".graph").remove(0);
    assert!(std::fs::read(file).unwrap() == bytes(&live));
    let name = live.file.unwrap();
    assert!(segment::read_graph(dir.path(), &name, &live.segment.vectors).is_some());
}
