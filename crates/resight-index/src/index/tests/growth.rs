use super::*;
use crate::maintenance::tests::pictures;
use crate::merge_policy::{SegmentMeta, before_tail, candidates};

#[test]
fn add_blocks_while_too_much_is_unsaved() {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = Vocabulary::generic();
    let stored = || Ok::<_, ()>(Vec::new());
    let (index, _) = Index::open(&vocabulary, folder.path(), true, stored).unwrap();
    let index = index.with_max_unsaved(1 << 20);
    for from in (0..400_000).step_by(4000) {
        index.add(pictures(from..from + 4000));
        let unsaved = unsaved_bytes(&index.snapshot());
        // One more batch is added, and what is merged meanwhile is not saved yet: two segments' worth.
        assert!(unsaved < 5 << 20, "{unsaved}");
    }
    assert_eq!(index.snapshot().len(), 400_000);
}

#[test]
fn where_nothing_can_be_saved_segments_are_merged_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    // A file is in the place of the folder.
    let path = folder.path().join("index");
    std::fs::write(&path, "no folder").unwrap();
    let vocabulary = Vocabulary::generic();
    let stored = || Ok::<_, ()>(Vec::new());
    let (index, _) = Index::open(&vocabulary, &path, true, stored).unwrap();
    let index = index.with_max_unsaved(1 << 20);
    for from in (0..100_000).step_by(4000) {
        index.add(pictures(from..from + 4000));
    }
    index.settle();
    let snapshot = index.snapshot();
    assert_eq!(snapshot.len(), 100_000);
    // How many are left depends on how fast they came.
    let metas: Vec<SegmentMeta> = snapshot.segments.iter().map(meta).collect();
    let jobs = candidates(&metas[..before_tail(&metas)]).next();
    assert_eq!(jobs, None);
    assert!(snapshot.segments.len() < 12, "{}", snapshot.segments.len());
    assert!(snapshot.segments.iter().all(|s| s.file.is_none()));
}
