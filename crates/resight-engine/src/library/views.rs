//! Which keys are those of views, and of which pictures: the further pages and frames of their files.
//!
//! The index knows keys alone. Every key in it that is none of a picture is here before a search can meet it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::RwLock;
use resight_index::Key;
use resight_store::{Catalogue, StoreError, pages};
use roaring::RoaringTreemap;

use crate::options::MOST_VIEWS;

/// Views of a picture at most. What a damaged row says beyond it would hide other pictures.
const MOST: u64 = MOST_VIEWS as u64;
/// Keys read at a time.
const PAGE: usize = 50_000;

/// The views of all pictures. Those of a picture have the keys above its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewMap {
    /// Number of views by picture, of pictures that have some.
    counts: BTreeMap<u64, u64>,
    /// The keys of all views.
    keys: Arc<RoaringTreemap>,
}

impl ViewMap {
    fn read(catalogue: &dyn Catalogue) -> Result<Self, StoreError> {
        let mut map = Self::default();
        let page = |after, limit| catalogue.view_keys_after(after, limit);
        for page in pages(PAGE, |(key, _): &(u64, u64)| *key, page) {
            for (key, picture) in page? {
                if let Some(number) = key
                    .checked_sub(picture)
                    .filter(|number| (1..=MOST).contains(number))
                {
                    map.add(picture, number);
                }
            }
        }
        Ok(map)
    }

    /// Pictures with their numbers of views.
    #[cfg(test)]
    pub(crate) fn of_counts(counts: &[(u64, u64)]) -> Self {
        let mut map = Self::default();
        for (picture, count) in counts {
            map.add(*picture, *count);
        }
        map
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The picture of a view; any other key is that of a picture.
    pub(crate) fn picture_of(&self, key: Key) -> Key {
        let before = self.counts.range(..key.0).next_back();
        match before {
            Some((picture, count)) if key.0 - picture <= *count => Key(*picture),
            _ => key,
        }
    }

    /// The keys of a picture's views.
    pub(crate) fn of(&self, picture: u64) -> Range<u64> {
        let count = self.counts.get(&picture).copied().unwrap_or(0);
        picture + 1..picture + 1 + count
    }

    /// Whether a picture has views.
    pub(crate) fn has(&self, picture: Key) -> bool {
        self.counts.contains_key(&picture.0)
    }

    /// The keys of all views.
    pub(crate) fn keys(&self) -> &Arc<RoaringTreemap> {
        &self.keys
    }

    /// Adds the views of the pictures in a set.
    pub(crate) fn complete(&self, set: &mut RoaringTreemap) {
        for (picture, count) in &self.counts {
            if set.contains(*picture) {
                set.insert_range(picture + 1..picture + 1 + count);
            }
        }
    }

    /// The number of pictures of which a key is in the set.
    pub(crate) fn count_pictures(&self, keys: &RoaringTreemap) -> usize {
        let mut count = 0;
        let mut last = None;
        // A picture's views follow it.
        for key in keys {
            let picture = Some(self.picture_of(Key(key)));
            count += usize::from(picture != last);
            last = picture;
        }
        count
    }

    /// Notes that a picture has so many views.
    fn add(&mut self, picture: u64, count: u64) {
        let known = self.counts.entry(picture).or_default();
        *known = count.max(*known);
        let keys = Arc::make_mut(&mut self.keys);
        keys.insert_range(picture + 1..picture + 1 + count);
    }

    fn remove(&mut self, picture: u64) {
        if let Some(count) = self.counts.remove(&picture) {
            let keys = Arc::make_mut(&mut self.keys);
            keys.remove_range(picture + 1..picture + 1 + count);
        }
    }
}

/// The map of an open library. A search takes it once, after its snapshot of the index.
#[derive(Debug, Default)]
pub(crate) struct LibraryViews(RwLock<Arc<ViewMap>>);

impl LibraryViews {
    pub(super) fn read(catalogue: &dyn Catalogue) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new(Arc::new(ViewMap::read(catalogue)?))))
    }

    pub(crate) fn map(&self) -> Arc<ViewMap> {
        self.0.read().clone()
    }

    /// Adds pictures with their numbers of views, before they are indexed and filters are read again.
    pub(super) fn add(&self, added: &[(u64, u64)]) {
        if !added.is_empty() {
            let mut map = self.0.write();
            // Copied while a search has it.
            let map = Arc::make_mut(&mut map);
            for (picture, count) in added {
                map.add(*picture, *count);
            }
        }
    }

    /// These pictures and their views.
    pub(super) fn with_views(&self, pictures: &[Key]) -> Vec<Key> {
        let map = self.0.read();
        let keys = pictures.iter().flat_map(|picture| {
            let views = map.of(picture.0).map(Key);
            std::iter::once(*picture).chain(views)
        });
        keys.collect()
    }

    /// Forgets the views of pictures that the index has no more.
    pub(super) fn remove(&self, pictures: &[Key]) {
        let has_views = {
            let map = self.0.read();
            pictures.iter().any(|picture| map.has(*picture))
        };
        if has_views {
            let mut map = self.0.write();
            let map = Arc::make_mut(&mut map);
            for picture in pictures {
                map.remove(picture.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pictures: &[(u64, u64)]) -> ViewMap {
        ViewMap::of_counts(pictures)
    }

    #[test]
    fn a_key_is_a_view_of_the_picture_before_it_or_a_picture() {
        let mut views = map(&[(3, 2), (9, 1)]);
        let pictures = |views: &ViewMap| -> Vec<u64> {
            (1..13).map(|key| views.picture_of(Key(key)).0).collect()
        };
        assert_eq!(pictures(&views), [1, 2, 3, 3, 3, 6, 7, 8, 9, 9, 11, 12]);
        assert_eq!(views.of(3), 4..6);
        assert!(views.of(4).is_empty() && views.has(Key(9)) && !views.has(Key(10)));
        assert_eq!(views.keys().iter().collect::<Vec<_>>(), [4, 5, 10]);
        views.remove(3);
        assert_eq!(pictures(&views), [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 11, 12]);
        assert_eq!(views.keys().iter().collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn sets_of_pictures_are_completed_and_counted() {
        let views = map(&[(3, 2), (9, 1), (20, 31)]);
        let mut set: RoaringTreemap = [1, 3, 9].into_iter().collect();
        views.complete(&mut set);
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 3, 4, 5, 9, 10]);
        assert_eq!(views.count_pictures(&set), 3);
        // A picture counts where only its views are there.
        let some: RoaringTreemap = [4, 5, 9, 10, 25, 51, 52].into_iter().collect();
        assert_eq!(views.count_pictures(&some), 4);
    }
}
