//! Words of queries that were asked lately, bounded in bytes. A client that asks for the next page of the answer or
//! changes a filter asks for the same words again, and a stored picture that is opened often is asked for by them.

use std::sync::Arc;

use resight_index::{QueryWords, Vocabulary};

use super::asked_pictures::AskedPicture;
use super::shared_cache::{SharedCache, Weight};

/// What words are of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AskedQuery {
    pub(crate) picture: AskedPicture,
    /// Whether its features are the stored ones, which have an order of their own.
    pub(crate) is_stored: bool,
}

impl Weight for QueryWords {
    fn bytes(&self) -> u64 {
        // About what two short lists and a place take.
        (256 + 256 * self.features.len()) as u64
    }
}

/// Queries with the tag of the vocabulary that their words are of.
type WordsOfQueries = SharedCache<(AskedQuery, [u8; 4]), QueryWords>;

/// The words that one library was asked for last, in a memory that several libraries share. The library's extractor
/// and options do not change, so no entry goes stale.
pub(crate) struct AskedWords(WordsOfQueries);

/// The words of a query weigh about this much.
const TYPICAL: u64 = 400_000;

impl AskedWords {
    pub(crate) fn new(bytes: u64) -> Self {
        Self(SharedCache::new(bytes, TYPICAL, 4..=10_000))
    }

    /// Those of another library in the same memory.
    pub(crate) fn beside(&self) -> Self {
        Self(self.0.beside())
    }

    /// The words of a query with so many features, which `assign` assigns where they are not known.
    pub(crate) fn of(
        &self,
        query: Option<&AskedQuery>,
        features: usize,
        vocabulary: &Vocabulary,
        assign: impl FnOnce() -> QueryWords,
    ) -> Arc<QueryWords> {
        let Some(query) = query else {
            return Arc::new(assign());
        };
        let name = self.0.key((query.clone(), vocabulary.tag()));
        if let Some(known) = self.0.get(&name)
            && known.features.len() == features
        {
            return known;
        }
        let words = Arc::new(assign());
        self.0.insert(name, words.clone());
        words
    }
}

#[cfg(test)]
mod tests {
    use resight_index::QueryFeature;
    use resight_index::{Place, Vocabulary};
    use resight_store::PictureId;

    use super::super::asked_pictures::AskedPictures;
    use super::*;

    fn words(n: usize) -> QueryWords {
        let feature = QueryFeature {
            assigned: vec![],
            cells: vec![],
            place: Place::default(),
        };
        QueryWords {
            features: vec![feature; n],
        }
    }

    #[test]
    fn words_are_assigned_once_for_each_form_of_a_query() {
        let (vocabulary, asked) = (Vocabulary::generic(), AskedWords::new(1_000_000));
        let id = PictureId::parse(&format!("{:032x}", 7)).unwrap();
        let (_, picture) = AskedPictures::new(0).name(id, None);
        let [sent, stored] = [false, true].map(|is_stored| AskedQuery {
            picture: picture.clone(),
            is_stored,
        });
        let assigned = std::cell::Cell::new(0);
        let ask = |asked: &AskedWords, query, n| {
            let words = asked.of(query, n, &vocabulary, || {
                assigned.set(assigned.get() + 1);
                words(n)
            });
            assert_eq!(words.features.len(), n);
            assigned.get()
        };
        assert_eq!(ask(&asked, Some(&sent), 3), 1);
        assert_eq!(ask(&asked, Some(&sent), 3), 1);
        assert_eq!(ask(&asked, Some(&stored), 3), 2);
        assert_eq!(ask(&asked, Some(&stored), 3), 2);
        // Of features that were made elsewhere, nothing is kept.
        assert_eq!((ask(&asked, None, 3), ask(&asked, None, 3)), (3, 4));
        assert_eq!(ask(&asked.beside(), Some(&sent), 3), 5);
        // Features that are others after all.
        assert_eq!(ask(&asked, Some(&sent), 4), 6);
    }
}
