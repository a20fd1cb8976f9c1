//! Candidates by their definition: every picture is compared with the query, without an index. Slow,
//! and short enough to be checked by reading.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use roaring::RoaringTreemap;

use super::subject::{VectorSubject, WordSubject};
use crate::Key;
use crate::agreement::{AgreementFinder, FeatureMatch};
use crate::candidate::{Candidate, CandidateOptions, Candidates};
use crate::candidate_filter::CandidateFilter;
use crate::candidate_index::{
    CandidateError, VectorIndex, VectorSnapshot, WordIndex, WordQuery, WordSnapshot,
};
use crate::dense::{Cosine, NearestOptions, to_floats, to_halves, unit};
use crate::picture_words::{PictureWords, Posting};
use crate::query_words::{QueryFeature, QueryWords};
use crate::votes::{VOTE_UNIT, VoteWeights};

/// Pictures in memory, searched exhaustively by words.
#[derive(Debug)]
pub struct ExhaustiveWords {
    latest: RwLock<Arc<StoredWords>>,
}

#[derive(Clone, Debug)]
struct StoredWords {
    words: usize,
    /// The postings of each picture, sorted.
    pictures: BTreeMap<Key, Vec<Posting>>,
}

impl ExhaustiveWords {
    /// Without pictures, for a vocabulary of `words` words.
    pub fn new(words: usize) -> Self {
        let stored = StoredWords {
            words,
            pictures: BTreeMap::new(),
        };
        Self {
            latest: RwLock::new(Arc::new(stored)),
        }
    }
}

impl WordSubject for ExhaustiveWords {
    fn index(&self) -> &dyn WordIndex {
        self
    }

    fn add(&self, pictures: Vec<(Key, PictureWords)>) {
        let mut latest = self.latest.write();
        let stored = Arc::make_mut(&mut latest);
        for (key, words) in pictures {
            let mut postings = words.postings().to_vec();
            postings.sort_unstable();
            stored.pictures.entry(key).or_insert(postings);
        }
    }

    fn remove(&self, keys: &[Key]) {
        let mut latest = self.latest.write();
        let stored = Arc::make_mut(&mut latest);
        stored.pictures.retain(|key, _| !keys.contains(key));
    }
}

impl WordIndex for ExhaustiveWords {
    fn word_snapshot(&self) -> Result<Arc<dyn WordSnapshot>, CandidateError> {
        Ok(self.latest.read().clone())
    }
}

impl WordSnapshot for StoredWords {
    fn pictures(&self) -> usize {
        self.pictures.len()
    }

    fn word_query(
        &self,
        options: CandidateOptions,
    ) -> Result<Box<dyn WordQuery + '_>, CandidateError> {
        let mut frequencies = vec![0; self.words];
        for postings in self.pictures.values() {
            for of_word in postings.chunk_by(|a, b| a.word == b.word) {
                frequencies[of_word[0].word as usize] += 1;
            }
        }
        Ok(Box::new(ExhaustiveQuery {
            stored: self,
            options,
            weights: VoteWeights::new(&frequencies, self.pictures.len(), options.max_hamming),
            features: Vec::new(),
        }))
    }
}

struct ExhaustiveQuery<'a> {
    stored: &'a StoredWords,
    options: CandidateOptions,
    weights: VoteWeights,
    features: Vec<QueryFeature>,
}

impl ExhaustiveQuery<'_> {
    /// All matches of the query with a picture: postings of a shared word whose signature is near.
    fn matches(&self, postings: &[Posting]) -> Vec<FeatureMatch> {
        let mut matches = Vec::new();
        for (query, feature) in self.features.iter().zip(0u32..) {
            for assigned in &query.assigned {
                let of_word = postings.iter().zip(0u32..);
                for (posting, number) in of_word.filter(|(p, _)| p.word == assigned.word) {
                    let distance = (posting.signature ^ assigned.signature).count_ones();
                    if distance <= self.options.max_hamming {
                        matches.push(FeatureMatch {
                            feature,
                            posting: number,
                            vote: self.weights.vote(posting.word, distance as u8),
                            query: query.place,
                            result: posting.place,
                        });
                    }
                }
            }
        }
        matches.sort_unstable_by_key(|m| (Reverse(m.vote), m.feature, m.posting));
        matches
    }
}

/// The sum of the highest vote of each feature.
fn votes(matches: &[FeatureMatch]) -> u64 {
    let mut highest: BTreeMap<u32, u32> = BTreeMap::new();
    for one in matches {
        let vote = highest.entry(one.feature).or_default();
        *vote = one.vote.max(*vote);
    }
    highest.into_values().map(u64::from).sum()
}

impl WordQuery for ExhaustiveQuery<'_> {
    fn add(&mut self, words: QueryWords) -> Result<(), CandidateError> {
        self.features.extend(words.features);
        Ok(())
    }

    fn features(&self) -> &[QueryFeature] {
        &self.features
    }

    fn candidates(&self, filter: &CandidateFilter) -> Result<Candidates, CandidateError> {
        let pictures = self.stored.pictures.iter();
        let accepted = pictures.filter(|(key, _)| filter.accepts(**key));
        let mut best: Vec<(Candidate, Vec<FeatureMatch>)> = accepted
            .map(|(&key, postings)| {
                let matches = self.matches(postings);
                let length = postings.len().max(1) as f64;
                let score = votes(&matches) as f64 / VOTE_UNIT / length.sqrt();
                let candidate = Candidate {
                    key,
                    score,
                    agreement: 0.0,
                    agreeing: 0,
                };
                (candidate, matches)
            })
            .filter(|(candidate, _)| candidate.score > 0.0)
            .collect();
        let total = best.len();
        let by_votes = |a: &Candidate, b: &Candidate| {
            let by_score = b.score.total_cmp(&a.score);
            by_score.then(a.key.cmp(&b.key))
        };
        best.sort_by(|a, b| by_votes(&a.0, &b.0));
        let considered = self.options.considered.min(total);
        let mut finder = AgreementFinder::default();
        for (candidate, matches) in &mut best[..considered] {
            let agreement = finder.best(matches);
            candidate.agreement = agreement.votes as f64 / VOTE_UNIT;
            candidate.agreeing = agreement.matches;
        }
        best[..considered].sort_by(|(a, _), (b, _)| a.order(b));
        best.truncate(self.options.limit);
        Ok(Candidates {
            best: best.into_iter().map(|b| b.0).collect(),
            total,
        })
    }

    fn sharing(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError> {
        let pictures = self.stored.pictures.iter();
        let accepted = pictures.filter(|(key, _)| filter.accepts(**key));
        let sharing = accepted.filter(|(_, postings)| votes(&self.matches(postings)) > 0);
        Ok(sharing.map(|(key, _)| key.0).collect())
    }
}

/// Vectors in memory, searched exhaustively.
#[derive(Debug)]
pub struct ExhaustiveVectors {
    latest: RwLock<Arc<StoredVectors>>,
}

#[derive(Clone, Debug)]
struct StoredVectors {
    dimension: usize,
    /// Unit vectors in half precision.
    halves: BTreeMap<Key, Vec<u16>>,
}

impl ExhaustiveVectors {
    /// Without vectors, for those of this dimension.
    pub fn new(dimension: usize) -> Self {
        let stored = StoredVectors {
            dimension,
            halves: BTreeMap::new(),
        };
        Self {
            latest: RwLock::new(Arc::new(stored)),
        }
    }
}

impl VectorSubject for ExhaustiveVectors {
    fn index(&self) -> &dyn VectorIndex {
        self
    }

    fn add(&self, vectors: &[(Key, &[f32])]) {
        let mut latest = self.latest.write();
        let stored = Arc::make_mut(&mut latest);
        for (key, vector) in vectors {
            let Ok(vector) = unit(vector, stored.dimension) else {
                continue;
            };
            let mut halves = vec![0; vector.len()];
            to_halves(&vector, &mut halves);
            stored.halves.entry(*key).or_insert(halves);
        }
    }

    fn remove(&self, keys: &[Key]) {
        let mut latest = self.latest.write();
        let stored = Arc::make_mut(&mut latest);
        stored.halves.retain(|key, _| !keys.contains(key));
    }
}

impl VectorIndex for ExhaustiveVectors {
    fn vector_snapshot(&self) -> Result<Arc<dyn VectorSnapshot>, CandidateError> {
        Ok(self.latest.read().clone())
    }
}

impl VectorSnapshot for StoredVectors {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn vectors(&self) -> usize {
        self.halves.len()
    }

    fn nearest(
        &self,
        queries: &[&[f32]],
        options: &NearestOptions,
        filter: &CandidateFilter,
    ) -> Result<Vec<Vec<(Key, f32)>>, CandidateError> {
        let nearest = queries.iter().map(|query| {
            let query = unit(query, self.dimension)?;
            let mut cosine = Cosine::of(&query);
            let accepted = self.halves.iter().filter(|(key, _)| filter.accepts(**key));
            let cosines = accepted.map(|(&key, halves)| (key, cosine.to(halves)));
            let mut all: Vec<(Key, f32)> = cosines.collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            all.truncate(options.limit);
            Ok(all)
        });
        nearest.collect()
    }

    fn cosines(&self, query: &[f32], keys: &[Key]) -> Result<Vec<Option<f32>>, CandidateError> {
        let query = unit(query, self.dimension)?;
        let mut cosine = Cosine::of(&query);
        let halves = keys.iter().map(|key| self.halves.get(key));
        Ok(halves.map(|halves| Some(cosine.to(halves?))).collect())
    }

    fn stored(&self, keys: &[Key]) -> Result<Vec<Option<Vec<f32>>>, CandidateError> {
        let stored = keys.iter().map(|key| {
            let halves = self.halves.get(key)?;
            let mut floats = vec![0.0; self.dimension];
            to_floats(halves, &mut floats);
            Some(floats)
        });
        Ok(stored.collect())
    }

    fn count(&self, filter: &CandidateFilter) -> Result<usize, CandidateError> {
        let keys = self.halves.keys();
        Ok(keys.filter(|key| filter.accepts(**key)).count())
    }

    fn keys(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError> {
        let accepted = self.halves.keys().filter(|key| filter.accepts(**key));
        Ok(accepted.map(|key| key.0).collect())
    }
}
