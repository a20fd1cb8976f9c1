//! Hits by the object that they belong to.

use std::collections::HashMap;

use resight_index::Key;
use resight_store::{Catalogue, PictureId, read_all};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::search::Hit;

/// Ids given of the other pictures of an object: enough to show, and bounded where an object has
/// thousands.
const MOST_IDS: usize = 100;

/// The pictures of a hit's object that were found beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SameObject {
    /// How many there are.
    pub total: usize,
    /// The best of them, a hundred at most, best first.
    pub ids: Vec<PictureId>,
}

/// Which pictures belong together.
pub(crate) struct Objects(Vec<(u64, u32)>);

impl Objects {
    pub(crate) fn held(catalogue: &dyn Catalogue) -> Result<Self, EngineError> {
        let memberships = read_all(Clone::clone, |after, limit| {
            catalogue.memberships_after(after.as_ref(), limit)
        })?;
        // Sorted by object: each run of the same one gets a number.
        let runs = memberships.chunk_by(|a, b| a.0 == b.0).zip(0u32..);
        let mut numbers: Vec<(u64, u32)> = runs
            .flat_map(|(run, number)| run.iter().map(move |(_, key)| (*key, number)))
            .collect();
        numbers.sort_unstable();
        Ok(Self(numbers))
    }

    fn of(&self, key: Key) -> Option<u32> {
        let found = self.0.binary_search_by_key(&key.0, |entry| entry.0);
        found.ok().map(|at| self.0[at].1)
    }
}

/// Of each object the first of `all`, in their order, and beside it the keys of the rest of its
/// pictures. What belongs to no object stays.
pub(crate) fn best_of_each<T>(
    all: Vec<T>,
    key_of: impl Fn(&T) -> Key,
    objects: &Objects,
) -> (Vec<T>, Vec<Vec<Key>>) {
    let (mut best, mut others) = (Vec::new(), Vec::<Vec<Key>>::new());
    let mut places: HashMap<u32, usize> = HashMap::new();
    for one in all {
        let key = key_of(&one);
        let before = objects
            .of(key)
            .and_then(|object| places.insert(object, best.len()).map(|at| (object, at)));
        match before {
            Some((object, at)) => {
                places.insert(object, at);
                others[at].push(key);
            }
            None => {
                best.push(one);
                others.push(Vec::new());
            }
        }
    }
    (best, others)
}

impl Engine {
    /// What is told of the groups of a page that begins at `offset`; of those whose hit is gone
    /// nothing.
    pub(crate) fn same_object(
        &self,
        groups: &[Vec<Key>],
        page: &[Option<Hit>],
        offset: usize,
    ) -> Result<Vec<SameObject>, EngineError> {
        let groups = groups.iter().skip(offset).zip(page);
        let groups: Vec<&[Key]> = groups
            .filter_map(|(others, hit)| hit.as_ref().map(|_| &others[..]))
            .collect();
        let shown = |others: &&[Key]| others.len().min(MOST_IDS);
        let keys: Vec<u64> = groups
            .iter()
            .flat_map(|others| others[..shown(others)].iter().map(|key| key.0))
            .collect();
        let mut records = self.parts.catalogue.pictures(&keys)?.into_iter();
        let told = groups.iter().map(|others| SameObject {
            total: others.len(),
            ids: records
                .by_ref()
                .take(shown(others))
                .flatten()
                .map(|record| record.id)
                .collect(),
        });
        Ok(told.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_object_stays_in_its_place() {
        let objects = Objects(vec![(1, 7), (2, 8), (4, 7), (5, 8), (6, 7)]);
        let ranked = [3, 4, 5, 1, 9, 6, 2].map(Key);
        let (best, others) = best_of_each(ranked.to_vec(), |key| *key, &objects);
        assert_eq!(best, [3, 4, 5, 9].map(Key));
        let none = Vec::new;
        let expected = [none(), vec![Key(1), Key(6)], vec![Key(2)], none()];
        assert_eq!(others, expected);
    }
}
