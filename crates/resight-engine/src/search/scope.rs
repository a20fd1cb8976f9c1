//! How one search asks the index.

use resight_index::{CandidateOptions, Candidates, Key, Question, Snapshot};

/// Of which pictures, and for how many. All questions of a search have one.
pub(crate) struct Scope<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// Candidates wanted.
    pub(crate) limit: usize,
    pub(crate) wanted: &'a (dyn Fn(Key) -> bool + Sync),
}

impl Scope<'_> {
    /// A question without features yet.
    pub(crate) fn question(&self) -> Question<'_> {
        self.snapshot.question(CandidateOptions {
            limit: self.limit,
            ..CandidateOptions::default()
        })
    }

    /// Its best candidates so far.
    pub(crate) fn candidates(&self, question: &Question<'_>) -> Candidates {
        question.candidates(self.wanted)
    }
}
