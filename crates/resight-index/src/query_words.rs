//! A query as the inverted index takes it: for each feature, the words it is looked up in.

use std::collections::HashMap;

use crate::place::Place;

/// A word and the signature that a feature has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssignedFeature {
    /// One of the nearest words.
    pub word: u32,
    /// Where in the word's cell the descriptor lies, one bit a direction.
    pub signature: u64,
}

/// A feature of a query: the words that it may have been assigned in a stored picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFeature {
    /// Nearest first, each with the signature that the feature has in that word.
    pub assigned: Vec<AssignedFeature>,
    /// Nearest cells of the vocabulary first.
    pub cells: Vec<u32>,
    /// Where in the query the keypoint lies.
    pub place: Place,
}

/// All features of a query.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueryWords {
    /// One for each descriptor, in their order.
    pub features: Vec<QueryFeature>,
}

/// Signatures that differ in at most this many bits find nearly the same postings: an eighth of all
/// bits.
const SAME_SIGNATURE: u32 = 8;

impl QueryWords {
    /// Drops the words that a feature of `asked` has with nearly the same signature, and features
    /// that are left without words: nearly all that they would find has a vote from `asked`.
    pub fn retain_new(&mut self, asked: &[QueryFeature]) {
        let mut signatures: HashMap<u32, Vec<u64>> = HashMap::new();
        for assigned in asked.iter().flat_map(|f| &f.assigned) {
            let of_word = signatures.entry(assigned.word).or_default();
            of_word.push(assigned.signature);
        }
        for feature in &mut self.features {
            feature.assigned.retain(|assigned| {
                let mut of_word = signatures.get(&assigned.word).into_iter().flatten();
                of_word.all(|s| (s ^ assigned.signature).count_ones() > SAME_SIGNATURE)
            });
        }
        self.features.retain(|f| !f.assigned.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(assigned: &[(u32, u64)]) -> QueryFeature {
        let assigned = assigned
            .iter()
            .map(|&(word, signature)| AssignedFeature { word, signature });
        QueryFeature {
            assigned: assigned.collect(),
            cells: vec![],
            place: Place::default(),
        }
    }

    #[test]
    fn nearly_the_same_signature_in_the_same_word_is_not_new() {
        let asked = [feature(&[(3, 0), (4, u64::MAX)]), feature(&[(3, 0xFFFF)])];
        let mut words = QueryWords {
            features: vec![
                // Within eight bits of one, and another word.
                feature(&[(3, 0xFF), (5, 0xFF)]),
                feature(&[(3, 0xFF00), (4, u64::MAX >> 8)]),
                feature(&[(3, 0x1FF << 20), (4, u64::MAX >> 9)]),
                feature(&[]),
            ],
        };
        words.retain_new(&asked);
        let left = [
            feature(&[(5, 0xFF)]),
            feature(&[(3, 0x1FF << 20), (4, u64::MAX >> 9)]),
        ];
        assert_eq!(words.features, left);
    }
}
