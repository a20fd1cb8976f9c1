//! A query made ready to be compared: its features packed by the vocabulary cells in which they look for
//! matches.

use rayon::prelude::*;
use resight_index::{QueryWords, Vocabulary};
use resight_vision::{LocalFeatures, PackedQueries, Transform};

use super::query::ResolvedQuery;
use super::request::Variant;
use crate::library::asked_words::AskedWords;

/// The query's side of a comparison.
pub(crate) struct PreparedQuery<'a> {
    /// The features to be matched: the query's own, or those of a variant.
    pub(crate) features: &'a LocalFeatures,
    /// The query's own features, in the same order.
    pub(crate) own: &'a LocalFeatures,
    /// The variant of which `features` are.
    pub(crate) variant: Variant,
    /// Number of the query within the search.
    pub(crate) number: usize,
    /// Width and height in pixels: of the region, where only that counts.
    pub(crate) size: [u32; 2],
    /// Where the region lies in its picture. Hits are in pixels of the whole picture.
    pub(crate) origin: [f64; 2],
    /// The features packed by cell.
    pub(crate) packed: Vec<PackedQueries>,
}

impl<'a> PreparedQuery<'a> {
    /// A whole picture as the only query, and the words that ask the index for it.
    pub(crate) fn new(
        features: &'a LocalFeatures,
        size: [u32; 2],
        vocabulary: &Vocabulary,
        cells: usize,
    ) -> (Self, QueryWords) {
        let words = vocabulary.assign_query(features, size, cells);
        (Self::packed(features, size, &words, vocabulary), words)
    }

    fn packed(
        features: &'a LocalFeatures,
        size: [u32; 2],
        words: &QueryWords,
        vocabulary: &Vocabulary,
    ) -> Self {
        Self {
            features,
            own: features,
            variant: Variant::default(),
            number: 0,
            size,
            origin: [0.0; 2],
            packed: pack_by_cell(features, words, vocabulary),
        }
    }

    /// A transform of the region as one of the whole picture.
    pub(crate) fn of_whole(&self, transform: &Transform) -> Transform {
        Transform::translation(self.origin.map(|v| -v)).then(transform)
    }
}

/// Prepares all queries of a search. Returns also the words of all of them, which ask the index together.
pub(crate) fn prepare_all<'a>(
    queries: &'a [ResolvedQuery],
    vocabulary: &Vocabulary,
    cells: usize,
    asked: &AskedWords,
) -> (Vec<PreparedQuery<'a>>, QueryWords) {
    let mut all_words = QueryWords::default();
    let mut prepared = Vec::with_capacity(queries.len());
    for (number, query) in queries.iter().enumerate() {
        let (features, size) = (&query.features, query.size);
        let words = asked.of(query.asked.as_ref(), features.len(), vocabulary, || {
            vocabulary.assign_query(features, size, cells)
        });
        let alone = PreparedQuery::packed(features, size, &words, vocabulary);
        prepared.push(PreparedQuery {
            number,
            origin: query.origin,
            ..alone
        });
        all_words.features.extend_from_slice(&words.features);
    }
    (prepared, all_words)
}

/// Packs the query's features by the cells in which they look for matches.
pub(crate) fn pack_by_cell(
    features: &LocalFeatures,
    words: &QueryWords,
    vocabulary: &Vocabulary,
) -> Vec<PackedQueries> {
    let descriptors = &features.descriptors;
    let mut cells: Vec<Vec<u32>> = vec![Vec::new(); vocabulary.cells()];
    for (feature, query) in words.features.iter().zip(0u32..).take(descriptors.len()) {
        for &cell in &feature.cells {
            cells[cell as usize].push(query);
        }
    }
    let packed = cells.into_par_iter().map(|queries| {
        let rows = queries.iter().map(|&i| descriptors.get(i as usize));
        let rows = rows.collect::<Vec<_>>().concat();
        PackedQueries::new(queries, rows, descriptors.dimension())
    });
    packed.collect()
}
