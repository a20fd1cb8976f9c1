//! The embedded indexes as implementations of the candidate stage.

use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::Key;
use crate::candidate::{CandidateOptions, Candidates};
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{
    CandidateError, VectorIndex, VectorSnapshot, WordIndex, WordQuery, WordSnapshot,
};
use crate::dense::{DenseIndex, DenseSnapshot, NearestOptions};
use crate::index::Index;
use crate::query::SnapshotQuery;
use crate::query_words::{QueryFeature, QueryWords};
use crate::snapshot::Snapshot;

impl WordIndex for Index {
    fn word_snapshot(&self) -> Result<Arc<dyn WordSnapshot>, CandidateError> {
        Ok(self.snapshot())
    }
}

impl WordSnapshot for Snapshot {
    fn pictures(&self) -> usize {
        self.len()
    }

    fn word_query(
        &self,
        options: CandidateOptions,
    ) -> Result<Box<dyn WordQuery + '_>, CandidateError> {
        Ok(Box::new(self.query(options)))
    }
}

impl WordQuery for SnapshotQuery<'_> {
    fn add(&mut self, words: QueryWords) -> Result<(), CandidateError> {
        SnapshotQuery::add(self, words);
        Ok(())
    }

    fn features(&self) -> &[QueryFeature] {
        SnapshotQuery::features(self)
    }

    fn candidates(&self, filter: &CandidateFilter) -> Result<Candidates, CandidateError> {
        Ok(SnapshotQuery::candidates(self, &|key| filter.accepts(key)))
    }

    fn sharing(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError> {
        Ok(SnapshotQuery::sharing(self, &|key| filter.accepts(key)))
    }
}

impl VectorIndex for DenseIndex {
    fn vector_snapshot(&self) -> Result<Arc<dyn VectorSnapshot>, CandidateError> {
        Ok(self.snapshot())
    }
}

impl VectorSnapshot for DenseSnapshot {
    fn dimension(&self) -> usize {
        DenseSnapshot::dimension(self)
    }

    fn vectors(&self) -> usize {
        self.len()
    }

    fn nearest(
        &self,
        queries: &[&[f32]],
        options: &NearestOptions,
        filter: &CandidateFilter,
    ) -> Result<Vec<Vec<(Key, f32)>>, CandidateError> {
        let accepts = |key| filter.accepts(key);
        let queries = queries.iter();
        let found = queries.map(|query| Ok(self.nearest_with(query, options, Some(&accepts))?));
        found.collect()
    }

    fn cosines(&self, query: &[f32], keys: &[Key]) -> Result<Vec<Option<f32>>, CandidateError> {
        Ok(DenseSnapshot::cosines(self, query, keys)?)
    }

    fn stored(&self, keys: &[Key]) -> Result<Vec<Option<Vec<f32>>>, CandidateError> {
        Ok(keys.iter().map(|&key| self.vector(key)).collect())
    }

    fn count(&self, filter: &CandidateFilter) -> Result<usize, CandidateError> {
        if filter.refuses_listed_only() {
            let refused = filter.refused_keys().iter();
            return Ok(self.len() - refused.filter(|key| self.contains(**key)).count());
        }
        let keys = DenseSnapshot::keys(self).into_iter();
        Ok(keys.filter(|key| filter.accepts(*key)).count())
    }

    fn keys(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError> {
        let mut keys = DenseSnapshot::keys(self);
        keys.retain(|key| filter.accepts(*key));
        keys.sort_unstable();
        let ascending = keys.into_iter().map(|key| key.0);
        RoaringTreemap::from_sorted_iter(ascending).map_err(|e| CandidateError::Failed(e.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{VectorSubject, WordSubject, check_vector_index, check_word_index};
    use crate::dense::DenseSettings;
    use crate::picture_words::PictureWords;

    impl WordSubject for Index {
        fn index(&self) -> &dyn WordIndex {
            self
        }

        fn add(&self, pictures: Vec<(Key, PictureWords)>) {
            Index::add(self, pictures);
        }

        fn remove(&self, keys: &[Key]) {
            Index::remove(self, keys);
        }
    }

    impl VectorSubject for DenseIndex {
        fn index(&self) -> &dyn VectorIndex {
            self
        }

        fn add(&self, vectors: &[(Key, &[f32])]) {
            DenseIndex::add(self, vectors).unwrap();
            self.settle();
        }

        fn remove(&self, keys: &[Key]) {
            DenseIndex::remove(self, keys);
        }
    }

    #[test]
    fn the_inverted_index_conforms() {
        check_word_index(&|words| Box::new(Index::new(words))).unwrap();
    }

    #[test]
    fn the_dense_index_conforms_with_and_without_graphs() {
        for graph_from in [usize::MAX, 100] {
            let settings = DenseSettings {
                graph_from,
                graph_threads: 1,
            };
            check_vector_index(&|dimension| {
                Box::new(DenseIndex::new(dimension, settings).unwrap())
            })
            .unwrap();
        }
    }
}
