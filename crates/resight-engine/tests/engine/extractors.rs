//! An extractor that is somebody else's code, and fails in all its ways.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use resight_engine::{
    Components, EngineError, EngineOptions, FolderEvent, FolderOptions, FolderReport, TrainPlan,
    Vocabulary, train_vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::{
    ExtractError, Fault, Image, LocalExtractor, LocalFeatures, ModelId, Sift, SiftOptions,
};

use crate::support::Bench;

type Answer = Box<dyn Fn(&Image) -> Option<ExtractError> + Send>;

/// SIFT that fails on demand.
pub(crate) struct Moody {
    sift: Sift,
    fails: Mutex<Answer>,
    asked: AtomicUsize,
}

impl Moody {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            sift: Sift::new(SiftOptions::default()),
            fails: Mutex::new(Box::new(|_| None)),
            asked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn fails(&self, answer: impl Fn(&Image) -> Option<ExtractError> + Send + 'static) {
        *self.fails.lock().unwrap() = Box::new(answer);
        self.asked.store(0, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl LocalExtractor for Moody {
    fn model(&self) -> &ModelId {
        self.sift.model()
    }

    fn dimension(&self) -> usize {
        self.sift.dimension()
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.fails.lock().unwrap()(image) {
            Some(error) => Err(error),
            None => self.sift.extract(image),
        }
    }
}

pub(crate) fn error(fault: Fault) -> ExtractError {
    ExtractError {
        fault,
        retry_after: Some(Duration::from_millis(1)),
        ..ExtractError::new("it was told to")
    }
}

/// A folder of four pictures, 100 to 103 pixels wide, and a library for them.
fn world(extractor: &Arc<Moody>) -> (tempfile::TempDir, Bench) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("pictures")).unwrap();
    for width in 100..104 {
        let picture = GrayImage::from_fn(width, 90, |x, y| {
            let cell = (x / 9 * 31 + y / 7 * 17 + width * 5).wrapping_mul(2_654_435_761) % 251;
            Luma([cell as u8])
        });
        let path = root.path().join(format!("pictures/{width}.png"));
        DynamicImage::from(picture)
            .save_with_format(path, ImageFormat::Png)
            .unwrap();
    }
    let parts = Components {
        catalogue: Arc::new(SqliteCatalogue::in_memory().unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.path().join("blobs")).unwrap()),
        extractor: extractor.clone(),
        vocabulary: Vocabulary::generic(),
        convert: false,
        index: None,
    };
    let bench = Bench::open(parts, EngineOptions::default()).unwrap();
    (root, bench)
}

fn index(
    bench: &Bench,
    root: &Path,
    cancel: &AtomicBool,
) -> (Result<FolderReport, EngineError>, Vec<String>) {
    let mut refused = Vec::new();
    let options = FolderOptions::default();
    let report =
        bench
            .indexer
            .index_folder(&root.join("pictures"), &options, cancel, &mut |event| {
                if let FolderEvent::Refused { code, detail, .. } = event {
                    refused.push(format!("{code}: {detail}"));
                }
            });
    (report, refused)
}

#[test]
fn a_picture_it_fails_on_is_listed_and_tried_again_by_the_next_run() {
    let moody = Moody::new();
    let (root, bench) = world(&moody);
    let go = AtomicBool::new(false);
    moody.fails(|image| (image.width() == 101).then(|| error(Fault::Picture)));
    for run in 0..2 {
        let (report, refused) = index(&bench, root.path(), &go);
        assert_eq!(refused, ["extractor_failed: it was told to"], "run {run}");
        assert_eq!(report.unwrap().refused, 1);
        assert_eq!(bench.library.count().unwrap(), 3);
    }
    moody.fails(|_| None);
    let report = index(&bench, root.path(), &go).0.unwrap();
    assert_eq!((report.indexed, report.unchanged, moody.asked()), (1, 3, 1));
    assert!(bench.library.refusals(None, 9).unwrap().is_empty());
}

#[test]
fn one_that_is_busy_is_waited_for_and_the_wait_can_be_ended() {
    let moody = Moody::new();
    let (root, bench) = world(&moody);
    let left = AtomicUsize::new(6);
    moody.fails(move |_| {
        let less = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        less.is_ok().then(|| error(Fault::Passing))
    });
    let report = index(&bench, root.path(), &AtomicBool::new(false))
        .0
        .unwrap();
    assert_eq!((report.indexed, report.refused, moody.asked()), (4, 0, 10));

    // A search does not wait.
    moody.fails(|_| Some(error(Fault::Passing)));
    let picture = std::fs::read(root.path().join("pictures/100.png")).unwrap();
    let mut other = picture.clone();
    other.extend_from_slice(b"another id");
    let refused = bench.indexer.add(&other, "other.png").unwrap_err();
    assert_eq!((refused.code(), moody.asked()), ("extractor_failed", 1));

    let (other, bench) = world(&moody);
    let cancel = Arc::new(AtomicBool::new(false));
    let seen = cancel.clone();
    moody.fails(move |_| {
        seen.store(true, Ordering::SeqCst);
        Some(error(Fault::Passing))
    });
    let report = index(&bench, other.path(), &cancel).0.unwrap();
    assert!(report.cancelled && report.indexed == 0, "{report:?}");
}

#[test]
fn one_that_can_describe_nothing_ends_the_run_and_blames_no_picture() {
    let moody = Moody::new();
    let (root, bench) = world(&moody);
    moody.fails(|_| Some(error(Fault::Extractor)));
    let (report, refused) = index(&bench, root.path(), &AtomicBool::new(false));
    assert!(matches!(report, Err(EngineError::Extract(_))), "{report:?}");
    assert_eq!(
        (refused.len(), bench.library.storage().unwrap().refused),
        (0, 0)
    );

    let dirs = [root.path().join("pictures")];
    let train = |words: Option<usize>| {
        let plan = TrainPlan {
            words,
            ..TrainPlan::default()
        };
        train_vocabulary(&dirs, &*moody, &plan, &AtomicBool::new(false), &mut |_| {})
    };
    assert!(matches!(train(None), Err(EngineError::Extract(_))));
    moody.fails(|image| (image.width() == 102).then(|| error(Fault::Picture)));
    // Without a number, as many words as the features of three small pictures can teach.
    let fitting = train(None).unwrap().len();
    assert!((16..1000).contains(&fitting), "{fitting}");
    assert_eq!(train(Some(20)).unwrap().len(), 20);
    assert!(matches!(
        train(Some(16_384)),
        Err(EngineError::Vocabulary(_))
    ));
}
