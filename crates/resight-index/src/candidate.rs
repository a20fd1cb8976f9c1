//! What a search by words takes and returns.

use std::cmp::Ordering;

use crate::Key;

/// Settings of a search by words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateOptions {
    /// At most this many candidates are returned.
    pub limit: usize,
    /// Signatures that differ in more bits than this do not vote.
    pub max_hamming: u32,
    /// This many pictures, those with the most votes, are checked for matches that agree on one
    /// similarity. They are ranked by that and come before the rest.
    pub considered: usize,
}

impl Default for CandidateOptions {
    fn default() -> Self {
        Self {
            limit: 200,
            max_hamming: 24,
            considered: 1000,
        }
    }
}

/// A picture that shares words with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The picture.
    pub key: Key,
    /// Weighted votes over the root of the picture's feature count; above 0, no upper bound,
    /// comparable within one search only.
    pub score: f64,
    /// Weighted votes of the matches that agree on one similarity; 0 where fewer than two do, or
    /// the picture was not considered.
    pub agreement: f64,
    /// Number of these matches.
    pub agreeing: u32,
}

/// Two matches of many without any order agree now and then, three rarely.
pub(crate) const RARELY_BY_CHANCE: u32 = 3;

impl Candidate {
    /// The order of candidates, the better first: those of which at least three matches agree, then by agreement, then
    /// by votes, then by key.
    pub fn order(&self, other: &Self) -> Ordering {
        let agrees = |c: &Self| c.agreeing >= RARELY_BY_CHANCE;
        let by_agreement = agrees(other).cmp(&agrees(self));
        by_agreement
            .then(other.agreement.total_cmp(&self.agreement))
            .then(other.score.total_cmp(&self.score))
            .then(self.key.cmp(&other.key))
    }
}

/// The best candidates, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// Best first.
    pub best: Vec<Candidate>,
    /// Pictures with a vote.
    pub total: usize,
}
