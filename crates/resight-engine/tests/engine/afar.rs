//! A global model by which pictures look alike from afar, and a library that uses it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::{GrayImage, Luma};
use resight_engine::{
    Components, EmbedStep, EngineOptions, IndexFolder, Mode, ModelComponents, ModelState,
    PictureId, Query, SearchAnswer, SearchOptions, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
pub(crate) use resight_test_support::png;
use resight_test_support::scrambled;
use resight_vision::{ExtractError, Fault, GlobalExtractor, Image, ModelId, Sift};

use crate::support::Bench;

/// Brightness on a grid of 4 × 4, less its mean: what a picture is like from afar.
pub(crate) struct Afar {
    pub(crate) model: ModelId,
    pub(crate) asked: AtomicUsize,
    pub(crate) fails: AtomicBool,
}

pub(crate) const SIDE: usize = 4;

impl Afar {
    pub(crate) fn new(version: &str) -> Arc<Self> {
        Arc::new(Self {
            model: ModelId::new(format!("afar/{version}")),
            asked: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
        })
    }

    pub(crate) fn of(image: &Image) -> Option<Vec<f32>> {
        let (w, h) = (image.width() as usize, image.height() as usize);
        let mut sums = [0f64; SIDE * SIDE];
        for (i, pixel) in image.rgb().chunks_exact(3).enumerate() {
            sums[i / w * SIDE / h * SIDE + i % w * SIDE / w] += f64::from(pixel[0]);
        }
        let mean = sums.iter().sum::<f64>() / sums.len() as f64;
        let length = sums.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>();
        let unit = sums.iter().map(|s| ((s - mean) / length.sqrt()) as f32);
        (length > 0.0).then(|| unit.collect())
    }
}

impl GlobalExtractor for Afar {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        SIDE * SIDE
    }

    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.asked.fetch_add(images.len(), Ordering::SeqCst);
        let fails = |fault| ExtractError {
            fault,
            ..ExtractError::new("it was told to")
        };
        if self.fails.load(Ordering::SeqCst) {
            return Err(fails(Fault::Extractor));
        }
        let vectors = images.iter().map(Self::of);
        vectors.collect::<Option<_>>().ok_or(fails(Fault::Picture))
    }
}

/// A layout of 4 × 4 that differs from number to number, and details that differ from kind to kind.
pub(crate) fn picture(layout: u32, details: u32) -> GrayImage {
    let noise = |cell| scrambled(cell) >> 24;
    GrayImage::from_fn(200, 160, |x, y| {
        let far = noise(x * 4 / 200 + ((y * 4 / 160) << 8) + (layout << 16));
        let near = noise(x / 9 + ((y / 8) << 8) + (details << 16) + 77);
        Luma([(far * 5 / 10 + near * 4 / 10) as u8])
    })
}

pub(crate) struct World {
    pub(crate) root: tempfile::TempDir,
    pub(crate) catalogue: Arc<SqliteCatalogue>,
    pub(crate) bench: Bench,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(root: tempfile::TempDir) -> Self {
        let catalogue = Arc::new(SqliteCatalogue::open(root.path()).unwrap());
        let bench = opened(root.path(), &catalogue);
        Self {
            root,
            catalogue,
            bench,
        }
    }

    /// The same after the end of the process.
    pub(crate) fn again(self) -> Self {
        let Self {
            root,
            catalogue,
            bench,
        } = self;
        drop((bench, catalogue));
        Self::at(root)
    }

    pub(crate) fn parts(&self, extractor: &Arc<Afar>) -> ModelComponents {
        ModelComponents {
            name: "afar".into(),
            extractor: extractor.clone(),
            can_embed: true,
            vectors: self.catalogue.clone(),
            index: Some(IndexFolder {
                path: self.root.path().join("vectors"),
                writable: true,
            }),
            alike: Some(0.9),
        }
    }

    pub(crate) fn attach(&self, extractor: &Arc<Afar>) {
        self.bench.models.attach(self.parts(extractor)).unwrap();
    }

    pub(crate) fn add(&self, picture: &GrayImage) -> PictureId {
        self.bench
            .indexer
            .add(&png(picture), "a.png")
            .unwrap()
            .picture
            .id
    }

    pub(crate) fn embed(&self) -> Vec<EmbedStep> {
        let mut steps = Vec::new();
        let go_on = AtomicBool::new(false);
        let result = self
            .bench
            .models
            .embed_missing(&go_on, &mut |step| steps.push(step));
        result.unwrap();
        steps
    }

    pub(crate) fn ask(&self, picture: &GrayImage, mode: Mode) -> SearchAnswer {
        let options = SearchOptions {
            mode,
            ..SearchOptions::default()
        };
        let bytes = png(picture);
        self.bench
            .searcher
            .search(Query::Bytes(&bytes), &options)
            .unwrap()
    }

    pub(crate) fn states(&self) -> Vec<ModelState> {
        self.bench.models.states().unwrap()
    }
}

pub(crate) fn opened(root: &Path, catalogue: &Arc<SqliteCatalogue>) -> Bench {
    let parts = Components {
        catalogue: catalogue.clone(),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::default()),
        vocabulary: Vocabulary::generic(),
        index: None,
        convert: false,
    };
    Bench::open(parts, EngineOptions::default()).unwrap()
}

pub(crate) fn ids(answer: &SearchAnswer) -> Vec<&PictureId> {
    answer.hits.iter().map(|hit| &hit.picture.id).collect()
}
