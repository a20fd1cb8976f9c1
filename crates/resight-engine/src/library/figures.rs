//! Figures of a library for monitors.

use resight_index::WordIndex;

use super::Library;
use crate::error::EngineError;

/// What a library has and how its cache does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LibraryFigures {
    /// Pictures that the index has.
    pub indexed: usize,
    /// Features of stored pictures that were found in the cache, of all libraries that share it.
    pub cache_hits: u64,
    /// Those that had to be read.
    pub cache_misses: u64,
}

impl Library {
    /// As they are now.
    pub fn figures(&self) -> Result<LibraryFigures, EngineError> {
        let (cache_hits, cache_misses) = self.visual().cache.counts();
        Ok(LibraryFigures {
            indexed: self.visual().index.word_snapshot()?.pictures(),
            cache_hits,
            cache_misses,
        })
    }
}
