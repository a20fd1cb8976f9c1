//! Exchanging the vocabulary of stored pictures.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::{
    Components, EngineError, EngineOptions, IndexFolder, PictureId, Query, SearchOptions,
    TrainPlan, Vocabulary, train_from_library, verify,
};
use resight_store::{EncodedWords, FolderBlobs, SqliteCatalogue, StagedWords};
use resight_vision::{LocalExtractor, Sift, SiftOptions};

use crate::support::Bench;

fn picture(number: u32) -> Vec<u8> {
    crate::support::picture(number, 0)
}

fn parts(root: &Path, vocabulary: Arc<Vocabulary>, convert: bool) -> Components {
    Components {
        catalogue: Arc::new(SqliteCatalogue::open(root).unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::new(SiftOptions::default())),
        vocabulary,
        convert,
        index: Some(IndexFolder {
            path: root.join("index"),
            writable: true,
        }),
    }
}

fn open(root: &Path, vocabulary: &Arc<Vocabulary>) -> Bench {
    let parts = parts(root, vocabulary.clone(), false);
    Bench::open(parts, EngineOptions::default()).unwrap()
}

fn add(bench: &Bench, number: u32) -> PictureId {
    bench
        .indexer
        .add(&picture(number), "p.png")
        .unwrap()
        .picture
        .id
}

fn small(bench: &Bench, words: usize) -> Arc<Vocabulary> {
    let plan = TrainPlan {
        words: Some(words),
        ..TrainPlan::default()
    };
    let go = AtomicBool::new(false);
    Arc::new(train_from_library(&bench.library, &plan, &go, &mut |_| {}).unwrap())
}

/// Each picture finds itself, verified; others share words at most.
fn finds(bench: &Bench, numbers: impl Iterator<Item = u32>) {
    for number in numbers {
        let answer = bench
            .searcher
            .search(Query::Bytes(&picture(number)), &SearchOptions::default())
            .unwrap();
        let id = bench
            .indexer
            .add(&picture(number), "p.png")
            .unwrap()
            .picture
            .id;
        assert_eq!(answer.hits[0].picture.id, id, "picture {number}");
        assert!(answer.hits[0].verified, "picture {number}");
    }
}

#[test]
fn a_conversion_goes_on_where_it_was_stopped_and_takes_changes_along() {
    let root = tempfile::tempdir().unwrap();
    let generic = Vocabulary::generic();
    let bench = open(root.path(), &generic);
    let ids: Vec<PictureId> = (0..150).map(|n| add(&bench, n)).collect();
    let own = small(&bench, 64);
    assert_ne!(own.id(), generic.id());

    // Stopped after the first pictures.
    let cancel = AtomicBool::new(false);
    let mut first = None;
    let stopped = bench.library.convert(&own, &cancel, &mut |step| {
        first.get_or_insert(step);
        cancel.store(true, Ordering::Relaxed);
    });
    assert!(
        matches!(stopped, Err(EngineError::Cancelled)),
        "{stopped:?}"
    );
    let first = first.unwrap();
    assert!(first.done > 0 && first.done < first.total, "{first:?}");
    assert_eq!(bench.library.vocabulary().id(), generic.id());
    finds(&bench, [3, 140].into_iter());
    drop(bench);

    // It goes on, and pictures come and go meanwhile.
    let left_over = root.path().join("index/00000000");
    std::fs::create_dir_all(&left_over).unwrap();
    let bench = open(root.path(), &generic);
    let go = AtomicBool::new(false);
    let mut steps = Vec::new();
    bench
        .library
        .convert(&own, &go, &mut |step| {
            if steps.is_empty() {
                assert_eq!(bench.library.remove(&ids[5..6]).unwrap(), [true]);
                assert_eq!(bench.library.remove(&ids[149..]).unwrap(), [true]);
                add(&bench, 200);
            }
            steps.push(step);
        })
        .unwrap();
    assert!(steps[0].done > first.done, "{steps:?} after {first:?}");
    assert_eq!(bench.library.vocabulary().id(), own.id());
    assert_eq!(bench.library.count().unwrap(), 149);
    finds(&bench, [0, 70, 148, 200].into_iter());
    let storage = bench.library.storage().unwrap();
    let gone = bench
        .searcher
        .search(Query::Bytes(&picture(5)), &SearchOptions::default())
        .unwrap();
    assert!(gone.hits.iter().all(|hit| hit.picture.id != ids[5]));
    drop(bench);

    // So it is on disk, and only so.
    let wrong = Bench::open(parts(root.path(), generic, false), EngineOptions::default());
    assert!(matches!(
        wrong.err().map(|e| e.code()),
        Some("model_mismatch")
    ));
    let bench = open(root.path(), &own);
    finds(&bench, [0, 70, 148, 200].into_iter());
    assert_eq!(
        bench.library.storage().unwrap().word_bytes,
        storage.word_bytes
    );
    assert!(
        !left_over.exists(),
        "indexes of other vocabularies are removed"
    );
    // Once more the same does nothing.
    bench
        .library
        .convert(&own, &go, &mut |_| panic!("nothing to do"))
        .unwrap();
}

#[test]
fn words_of_a_missing_vocabulary_are_converted_at_the_opening() {
    let root = tempfile::tempdir().unwrap();
    let generic = Vocabulary::generic();
    let bench = open(root.path(), &generic);
    for number in 0..70 {
        add(&bench, number);
    }
    let own = small(&bench, 32);
    let other = small(&bench, 48);
    let go = AtomicBool::new(false);
    bench.library.convert(&own, &go, &mut |_| {}).unwrap();
    drop(bench);
    // Staged for a third, which is given up.
    let bench = open(root.path(), &own);
    let cancel = AtomicBool::new(true);
    let stopped = bench.library.convert(&other, &cancel, &mut |_| {});
    assert!(matches!(stopped, Err(EngineError::Cancelled)));
    drop(bench);
    let parts = parts(root.path(), generic.clone(), true);
    let bench = Bench::open(parts, EngineOptions::default()).unwrap();
    assert_eq!(bench.library.vocabulary().id(), generic.id());
    finds(&bench, [0, 33, 69].into_iter());
    drop(bench);
    finds(&open(root.path(), &generic), [1].into_iter());
}

#[test]
fn a_vocabulary_of_another_model_is_refused() {
    struct Other(resight_vision::ModelId, Sift);
    impl LocalExtractor for Other {
        fn model(&self) -> &resight_vision::ModelId {
            &self.0
        }
        fn dimension(&self) -> usize {
            128
        }
        fn extract(
            &self,
            image: &resight_vision::Image,
        ) -> Result<resight_vision::LocalFeatures, resight_vision::ExtractError> {
            self.1.extract(image)
        }
    }
    let root = tempfile::tempdir().unwrap();
    let generic = Vocabulary::generic();
    let bench = open(root.path(), &generic);
    (0..3).for_each(|n| drop(add(&bench, n)));
    let go = AtomicBool::new(false);
    let extractor = Other(
        resight_vision::ModelId::new("other/1"),
        Sift::new(SiftOptions::default()),
    );
    let pictures = root.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    std::fs::write(pictures.join("p.png"), picture(1)).unwrap();
    let plan = TrainPlan {
        words: Some(8),
        ..TrainPlan::default()
    };
    let other =
        resight_engine::train_vocabulary(&[pictures], &extractor, &plan, &go, &mut |_| {}).unwrap();
    let refused = bench.library.convert(&Arc::new(other), &go, &mut |_| {});
    assert_eq!(refused.unwrap_err().code(), "model_mismatch");
}

/// An index as the first format wrote it: 1,024 pictures of one feature.
const FIRST_FORMAT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../resight-index/tests/index-1"
);

#[test]
fn words_and_an_index_of_the_first_format_are_taken_over() {
    let root = tempfile::tempdir().unwrap();
    let generic = Vocabulary::generic();
    let bench = open(root.path(), &generic);
    for number in 0..20 {
        add(&bench, number);
    }
    let before = bench
        .searcher
        .search(Query::Bytes(&picture(7)), &SearchOptions::default())
        .unwrap();
    drop(bench);
    // Words without places, and without the tag of their vocabulary.
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    let words = catalogue.words_after(None, 99).unwrap();
    let without = words.into_iter().map(|(key, bytes)| {
        assert_eq!(bytes[0], 2);
        let postings = bytes[5..].chunks_exact(16);
        let postings = postings.flat_map(|posting| posting[..12].to_vec());
        (key, std::iter::once(1).chain(postings).collect())
    });
    let without: Vec<(u64, Vec<u8>)> = without.collect();
    catalogue.stage_words(&without).unwrap();
    assert!(catalogue.adopt_staged("vocabulary", generic.id()).unwrap());
    drop(catalogue);
    let index = root.path().join("index");
    std::fs::create_dir_all(&index).unwrap();
    for name in ["manifest.json", "00000000.segment"] {
        std::fs::copy(Path::new(FIRST_FORMAT).join(name), index.join(name)).unwrap();
    }

    let bench = open(root.path(), &generic);
    assert!(!index.join("manifest.json").exists(), "it is rebuilt");
    assert!(!index.join("00000000.segment").exists());
    let after = bench
        .searcher
        .search(Query::Bytes(&picture(7)), &SearchOptions::default())
        .unwrap();
    assert_eq!(after.hits, before.hits);
    // What is added now has places, and both are converted.
    add(&bench, 50);
    let own = small(&bench, 32);
    let go = AtomicBool::new(false);
    bench.library.convert(&own, &go, &mut |_| {}).unwrap();
    finds(&bench, [7, 50].into_iter());
}

/// `resight verify` beside a server: the pictures are converted after it has opened the folder.
#[test]
fn words_of_a_vocabulary_that_was_exchanged_meanwhile_are_not_damaged() {
    let root = tempfile::tempdir().unwrap();
    let generic = Vocabulary::generic();
    let bench = open(root.path(), &generic);
    for number in 0..20 {
        add(&bench, number);
    }
    let own = small(&bench, 64);
    let opened_before = parts(root.path(), generic, false);
    let go = AtomicBool::new(false);
    bench.library.convert(&own, &go, &mut |_| {}).unwrap();
    let options = EngineOptions::default();
    let checked = verify(&opened_before, &options, &go, &mut |_, _| {}).unwrap();
    assert_eq!(checked.pictures, 20);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
}
