//! Candidates of the index, which knows the views of a picture as it knows pictures, as candidates of pictures.

use std::collections::HashMap;

use resight_index::{Candidate, CandidateFilter, Candidates, Key, WordQuery};

use crate::error::EngineError;
use crate::library::views::ViewMap;

/// Views of one picture that are compared with a query, at most.
const COMPARED: usize = 2;

/// The views that brought each candidate, best first: at most two, and none of a picture without views. The key of a
/// picture stands for its first page.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatchedViews(HashMap<Key, Vec<Key>>);

impl MatchedViews {
    /// The keys by which a picture is compared: its own where nothing else is known.
    pub(crate) fn of(&self, picture: Key) -> Vec<Key> {
        let known = self.0.get(&picture).cloned();
        known.unwrap_or_else(|| vec![picture])
    }

    /// The best of a picture's views.
    pub(crate) fn best_of(&self, picture: Key) -> Key {
        let known = self.0.get(&picture).and_then(|views| views.first());
        known.copied().unwrap_or(picture)
    }

    /// Takes over the views of pictures for which none are known yet.
    pub(crate) fn extend(&mut self, others: Self) {
        for (picture, views) in others.0 {
            self.0.entry(picture).or_insert(views);
        }
    }

    /// The same, and the first page of each picture with them.
    pub(crate) fn with_first_pages(&self) -> Self {
        let mut all = self.clone();
        for (picture, views) in &mut all.0 {
            if !views.contains(picture) {
                views.push(*picture);
            }
        }
        all
    }
}

/// What `query` answers, as candidates of pictures: the best `limit`, each in the place of the best of its views. The
/// total counts pictures.
pub(crate) fn candidates(
    query: &dyn WordQuery,
    filter: &CandidateFilter,
    limit: usize,
    views: &ViewMap,
) -> Result<(Candidates, MatchedViews), EngineError> {
    let found = query.candidates(filter)?;
    if views.is_empty() {
        return Ok((found, MatchedViews::default()));
    }
    let is_complete = found.best.len() == found.total;
    let (mut best, matched) = fold(found.best, views);
    let total = if is_complete {
        best.len()
    } else {
        views.count_pictures(&query.sharing(filter)?)
    };
    best.truncate(limit);
    Ok((Candidates { best, total }, matched))
}

/// The first candidate of each picture, and its views.
fn fold(best: Vec<Candidate>, views: &ViewMap) -> (Vec<Candidate>, MatchedViews) {
    let mut folded: Vec<Candidate> = Vec::with_capacity(best.len());
    let mut matched: HashMap<Key, Vec<Key>> = HashMap::new();
    for candidate in best {
        let picture = views.picture_of(candidate.key);
        if !views.has(picture) {
            folded.push(candidate);
            continue;
        }
        let of_picture = matched.entry(picture).or_default();
        if of_picture.is_empty() {
            folded.push(Candidate {
                key: picture,
                ..candidate
            });
        }
        if of_picture.len() < COMPARED {
            of_picture.push(candidate.key);
        }
    }
    (folded, MatchedViews(matched))
}

#[cfg(test)]
mod tests {
    use resight_index::{
        AssignedFeature, CandidateOptions, Index, PictureWords, Place, Posting, QueryFeature,
        QueryWords, WordIndex,
    };

    use super::*;

    /// Picture 1 with the views 2 and 3 and two of no words, picture 6, and picture 7 with the view 8.
    fn views() -> ViewMap {
        ViewMap::of_counts(&[(1, 4), (7, 1)])
    }

    /// What a query for the only word answers, at most `limit` keys.
    fn answer(limit: usize, views: &ViewMap) -> (Candidates, MatchedViews) {
        let index = Index::new(4);
        let words = || {
            let place = Place::default();
            PictureWords::new(vec![Posting {
                word: 1,
                signature: 0,
                place,
            }])
        };
        index.add([1, 2, 3, 6, 7, 8].map(|key| (Key(key), words())).to_vec());
        let options = CandidateOptions {
            limit,
            considered: 0,
            ..CandidateOptions::default()
        };
        let snapshot = index.word_snapshot().unwrap();
        let mut query = snapshot.word_query(options).unwrap();
        let assigned = vec![AssignedFeature {
            word: 1,
            signature: 0,
        }];
        query
            .add(QueryWords {
                features: vec![QueryFeature {
                    assigned,
                    cells: Vec::new(),
                    place: Place::default(),
                }],
            })
            .unwrap();
        candidates(&*query, &CandidateFilter::all(), 2, views).unwrap()
    }

    fn keys(candidates: &Candidates) -> Vec<u64> {
        candidates.best.iter().map(|one| one.key.0).collect()
    }

    #[test]
    fn pictures_are_counted_whether_all_keys_are_known_or_not() {
        let (found, matched) = answer(100, &views());
        assert_eq!((keys(&found), found.total), (vec![1, 6], 3));
        assert_eq!(matched.of(Key(1)), [1, 2].map(Key));
        assert_eq!(
            (matched.of(Key(6)), matched.of(Key(9))),
            (vec![Key(6)], vec![Key(9)])
        );
        assert_eq!(matched.best_of(Key(7)), Key(7));
        // Only some of the keys that share a word.
        let (found, _) = answer(5, &views());
        assert_eq!((keys(&found), found.total), (vec![1, 6], 3));
    }

    #[test]
    fn without_views_nothing_changes() {
        let (found, matched) = answer(5, &ViewMap::default());
        assert_eq!((keys(&found), found.total), (vec![1, 2, 3, 6, 7], 6));
        assert_eq!(matched.of(Key(2)), [Key(2)]);
    }
}
