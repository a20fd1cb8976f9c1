//! Grouping the ranking by the object that pictures belong to.

use std::collections::HashMap;

use resight_index::Key;
use resight_store::{Catalogue, ObjectId, PAGE, pages};

use super::answer::{Hit, SameObject};
use crate::error::EngineError;

/// Ids returned of the other pictures of an object, at most: enough to show, and bounded where an object
/// has thousands.
const MOST_IDS: usize = 100;

/// The object of each picture that belongs to one, by ascending key.
pub(crate) struct Objects(Vec<(u64, u32)>);

impl Objects {
    pub(crate) fn read(catalogue: &dyn Catalogue) -> Result<Self, EngineError> {
        Self::in_pages(catalogue, PAGE)
    }

    /// Reads `limit` memberships at a time. Of the ids, only the last is kept.
    fn in_pages(catalogue: &dyn Catalogue, limit: usize) -> Result<Self, EngineError> {
        let read = |after: Option<(ObjectId, u64)>, limit| {
            catalogue.memberships_after(after.as_ref(), limit)
        };
        let mut numbers: Vec<(u64, u32)> = Vec::new();
        let mut last: Option<(ObjectId, u32)> = None;
        for page in pages(limit, Clone::clone, read) {
            for (object, key) in page? {
                // Sorted by object: each run of the same one gets a number.
                let number = match &last {
                    Some((same, number)) if *same == object => *number,
                    Some((_, number)) => number + 1,
                    None => 0,
                };
                numbers.push((key, number));
                last = Some((object, number));
            }
        }
        numbers.sort_unstable();
        Ok(Self(numbers))
    }

    fn of(&self, key: Key) -> Option<u32> {
        let found = self.0.binary_search_by_key(&key.0, |entry| entry.0);
        found.ok().map(|at| self.0[at].1)
    }
}

/// Keeps the first of `all` of each object, in their order. Returns with it the keys of the object's
/// other pictures. Pictures of no object stay.
pub(crate) fn best_of_each<T>(
    all: Vec<T>,
    key_of: impl Fn(&T) -> Key,
    objects: &Objects,
) -> (Vec<T>, Vec<Vec<Key>>) {
    let (mut best, mut others) = (Vec::new(), Vec::<Vec<Key>>::new());
    let mut positions: HashMap<u32, usize> = HashMap::new();
    for one in all {
        let key = key_of(&one);
        let object = objects.of(key);
        if let Some(at) = object.and_then(|object| positions.get(&object)) {
            others[*at].push(key);
            continue;
        }
        if let Some(object) = object {
            positions.insert(object, best.len());
        }
        best.push(one);
        others.push(Vec::new());
    }
    (best, others)
}

/// The other pictures of each object on a page that begins at `offset`; none for hits whose picture was
/// removed meanwhile.
pub(crate) fn same_object(
    catalogue: &dyn Catalogue,
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
    let mut records = catalogue.pictures(&keys)?.into_iter();
    let same_object = groups.iter().map(|others| SameObject {
        total: others.len(),
        ids: records
            .by_ref()
            .take(shown(others))
            .flatten()
            .map(|record| record.id)
            .collect(),
    });
    Ok(same_object.collect())
}

#[cfg(test)]
mod tests {
    use resight_store::{
        Change, Changes, LabelPatch, NewPicture, PictureId, SqliteCatalogue, Update,
    };

    use super::*;

    #[test]
    fn pages_of_any_size_give_the_same_objects() {
        let catalogue = SqliteCatalogue::in_memory().unwrap();
        for (number, object) in (1..).zip(["b", "a", "", "b", "c", "a", "b"]) {
            let id = PictureId::parse(&format!("{number:032x}")).unwrap();
            let picture = NewPicture {
                id: id.clone(),
                name: String::new(),
                media_type: String::new(),
                byte_len: 1,
                width: 1,
                height: 1,
                pages: 1,
                depth: 8,
                taken_ms: None,
                feature_count: 0,
                model: String::new(),
                uploaded: true,
                features: Vec::new(),
                words: Vec::new(),
                source: None,
                views: Vec::new(),
            };
            let patch = LabelPatch {
                object: ObjectId::parse(object).map_or(Update::Keep, Update::Set),
                ..LabelPatch::default()
            };
            let changes = vec![Change::Add(picture), Change::Label { id, patch }];
            catalogue.commit(changes).unwrap();
        }
        for limit in 1..9 {
            let objects = Objects::in_pages(&catalogue, limit).unwrap();
            let expected = [(1, 1), (2, 0), (4, 1), (5, 2), (6, 0), (7, 1)];
            assert_eq!(objects.0, expected, "{limit}");
        }
    }

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
