//! Distinguishable pictures, the components of an empty library, and a library with all that works on it.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use resight_engine::{
    Components, Duplicates, EngineError, EngineOptions, GlobalModels, IndexFolder, Indexer,
    Library, Searcher, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_test_support::png;
use resight_vision::Sift;

/// The file of a picture that differs from number to number.
pub(crate) fn picture(number: u32, brighter: u8) -> Vec<u8> {
    halves(number, number, brighter)
}

/// The file of a picture with the left half of one number's picture and the right half of another's.
pub(crate) fn halves(left: u32, right: u32, brighter: u8) -> Vec<u8> {
    png(&resight_test_support::halves(
        150,
        110,
        [left, right],
        brighter,
    ))
}

/// A page or frame that differs from number to number.
pub(crate) fn page(number: u32) -> RgbImage {
    let cells = resight_test_support::cells(150, 110, number, 0);
    image::DynamicImage::from(cells).into_rgb8()
}

/// A catalogue in memory, blobs below `root`, and our own SIFT.
pub(crate) fn parts(root: &Path) -> Components {
    Components {
        catalogue: Arc::new(SqliteCatalogue::in_memory().unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::default()),
        vocabulary: Vocabulary::generic(),
        index: None,
        convert: false,
    }
}

/// The same with a catalogue and an index on disk.
pub(crate) fn on_disk(root: &Path) -> Components {
    Components {
        catalogue: Arc::new(SqliteCatalogue::open(root).unwrap()),
        index: Some(IndexFolder {
            path: root.join("index"),
            writable: true,
        }),
        ..parts(root)
    }
}

/// A library, and everything that works on it.
pub(crate) struct Bench {
    pub(crate) library: Arc<Library>,
    pub(crate) indexer: Indexer,
    pub(crate) searcher: Searcher,
    pub(crate) duplicates: Duplicates,
    pub(crate) models: GlobalModels,
}

impl Bench {
    pub(crate) fn open(
        components: Components,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        Ok(Self::of(Library::open(components, options)?))
    }

    pub(crate) fn of(library: Library) -> Self {
        let library = Arc::new(library);
        Self {
            indexer: Indexer::new(library.clone()),
            searcher: Searcher::new(library.clone()),
            duplicates: Duplicates::new(library.clone()),
            models: GlobalModels::new(library.clone()),
            library,
        }
    }
}
