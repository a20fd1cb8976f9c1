//! Distinguishable pictures, the components of an empty library, and a library with all that works on it.

use std::path::Path;
use std::sync::Arc;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use resight_engine::{
    Components, Duplicates, EngineError, EngineOptions, GlobalModels, Indexer, Library, Searcher,
    Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::Sift;

/// Squares that differ from number to number, brighter by `brighter`.
pub(crate) fn picture(number: u32, brighter: u8) -> Vec<u8> {
    halves(number, number, brighter)
}

/// The left half of one number's picture and the right half of another's.
pub(crate) fn halves(left: u32, right: u32, brighter: u8) -> Vec<u8> {
    let picture = GrayImage::from_fn(150, 110, |x, y| {
        let number = if x < 75 { left } else { right };
        let mut cell = x / 9 + ((y / 8) << 8) + (number << 16);
        for _ in 0..3 {
            cell = (cell ^ (cell >> 15)).wrapping_mul(0x2C1B_3C6D);
        }
        Luma([(cell >> 24) as u8 / 2 + brighter])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
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
