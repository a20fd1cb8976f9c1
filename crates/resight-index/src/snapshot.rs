//! A frozen state of the index, to be searched while others add and remove.

use std::sync::Arc;

use crate::Key;
use crate::live::live_keys;
use crate::merge::LivePostings;
use crate::query::Question;
use crate::vocabulary::QueryWords;

/// What a search by words may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateOptions {
    /// Candidates wanted.
    pub limit: usize,
    /// Signatures that differ in more bits than this do not count.
    pub max_hamming: u32,
    /// Pictures, those with the most votes, whose matches are asked whether they agree on one
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
    /// Which.
    pub key: Key,
    /// Weighted votes over the root of the picture's feature count; above 0, no upper bound,
    /// comparable within one search only.
    pub score: f64,
    /// Weighted votes of the matches that agree on one similarity; 0 where fewer than three do, or
    /// the picture was not considered.
    pub agreement: f64,
}

/// The best candidates, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// Best first.
    pub best: Vec<Candidate>,
    /// Pictures with a vote.
    pub total: usize,
}

/// The index at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) segments: Vec<LivePostings>,
    /// Pictures that have each word.
    pub(crate) frequencies: Arc<Vec<u32>>,
}

impl Snapshot {
    /// Pictures held.
    pub fn len(&self) -> usize {
        self.segments.iter().map(LivePostings::len).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all segments, in memory or on disk.
    pub fn bytes(&self) -> usize {
        self.segments
            .iter()
            .map(|s| s.segment.length())
            .sum::<usize>()
            + 4 * self.frequencies.len()
    }

    /// The pictures held, ascending.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = live_keys(&self.segments);
        keys.sort_unstable();
        keys
    }

    /// Whether the picture is held.
    pub fn contains(&self, key: Key) -> bool {
        self.segments.iter().any(|s| s.find(key).is_some())
    }

    /// The best candidates: first those considered, by what agrees, then the others by votes; ties
    /// by votes, then by key. Runs on the current rayon pool; the number of threads, and of segments
    /// and their order, do not change the result.
    pub fn candidates(&self, query: &QueryWords, options: &CandidateOptions) -> Candidates {
        let mut question = self.question(*options);
        question.add(query);
        question.candidates(&|_| true)
    }

    /// A question without features yet.
    pub fn question(&self, options: CandidateOptions) -> Question<'_> {
        Question::new(self, options)
    }
}
