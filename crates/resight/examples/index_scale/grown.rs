//! A catalogue that has grown: real pictures in SQLite, synthetic ones above them.

use std::sync::Arc;

use resight_index::Posting;
use resight_store::{
    Catalogue, Change, Effect, Filter, NotAMatch, ObjectCount, PairLink, PairedPicture, Pairs,
    PictureId, PicturePair, PictureRecord, Refusal, SourceFile, SqliteCatalogue, StoreError,
    StoredBytes,
};

use crate::synthetic::{donor, synthetic};

/// Reads as a catalogue of so many pictures would. A synthetic picture has the record and the stored
/// features of the photo that gave it its length, under a key and an id of its own: they are read
/// from SQLite as a picture's own would be, but from few enough rows to stay in the system's cache.
pub(crate) struct Grown {
    pub(crate) real: SqliteCatalogue,
    /// Keys of the photos.
    pub(crate) photos: Arc<Vec<u64>>,
    pub(crate) postings: Arc<Vec<Vec<Posting>>>,
    /// Keys above this are synthetic ones.
    pub(crate) last_real: u64,
    pub(crate) pictures: u64,
    /// Of the vocabulary.
    pub(crate) tag: [u8; 4],
}

impl Grown {
    fn behind(&self, key: u64) -> u64 {
        match key > self.last_real {
            true => self.photos[donor(key, self.photos.len())],
            false => key,
        }
    }

    fn all_behind(&self, keys: &[u64]) -> Vec<u64> {
        keys.iter().map(|&key| self.behind(key)).collect()
    }
}

/// Hands these to the real one.
macro_rules! as_the_real {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $given:ty;)*) => {
        $(fn $name(&self, $($argument: $kind),*) -> Result<$given, StoreError> {
            self.real.$name($($argument),*)
        })*
    };
}

impl Catalogue for Grown {
    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError> {
        let mut found = self.real.pictures(&self.all_behind(keys))?;
        for (record, &key) in found.iter_mut().zip(keys) {
            if let Some(record) = record.as_mut().filter(|record| record.key != key) {
                record.key = key;
                record.id = PictureId::parse(&format!("{key:032x}")).unwrap_or(record.id.clone());
            }
        }
        Ok(found)
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.pictures)
    }

    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.real.features(&self.all_behind(keys))
    }

    /// Those of the features above, which they sort.
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.real.words(&self.all_behind(keys))
    }

    fn keys(&self) -> Result<Vec<(u64, u32)>, StoreError> {
        let mut keys = self.real.keys()?;
        keys.extend((self.last_real + 1..=self.pictures).map(|key| {
            let length = self.postings[donor(key, self.photos.len())].len();
            (key, length as u32)
        }));
        Ok(keys)
    }

    /// Those of the index.
    fn words_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut words = self.real.words_after(key, limit)?;
        let first = words.last().map_or(key.unwrap_or(0), |w| w.0) + 1;
        let more = first.max(self.last_real + 1)..=self.pictures;
        words.extend(more.take(limit - words.len()).map(|key| {
            let words = synthetic(key, &self.postings);
            (key, words.to_bytes(self.tag))
        }));
        Ok(words)
    }

    as_the_real! {
        fn commit(changes: Vec<Change>) -> Vec<Effect>;
        fn picture(id: &PictureId) -> Option<PictureRecord>;
        fn list(offset: u64, limit: u64) -> Vec<PictureRecord>;
        fn matching_list(filter: &Filter, offset: u64, limit: u64) -> Vec<PictureRecord>;
        fn matching_count(filter: &Filter) -> u64;
        fn matching_keys(filter: &Filter) -> Vec<u64>;
        fn objects(offset: u64, limit: u64) -> Vec<ObjectCount>;
        fn object_count() -> u64;
        fn object_numbers() -> Vec<(u64, u32)>;
        fn features_after(key: Option<u64>, limit: usize) -> Vec<(u64, Vec<u8>)>;
        fn stage_words(words: &[(u64, Vec<u8>)]) -> ();
        fn staged_after(key: Option<u64>, limit: usize) -> Vec<(u64, Vec<u8>)>;
        fn staged_last() -> Option<u64>;
        fn discard_staged() -> ();
        fn adopt_staged(setting: &str, value: &str) -> bool;
        fn source(path: &str) -> Option<(SourceFile, PictureId)>;
        fn sources_under(prefix: &str, after: Option<&str>, limit: usize) -> Vec<(SourceFile, PictureId)>;
        fn refusals_under(prefix: &str, after: Option<&str>, limit: usize) -> Vec<Refusal>;
        fn refusal_count() -> u64;
        fn setting(name: &str) -> Option<String>;
        fn set_setting(name: &str, value: &str) -> ();
        fn stored_bytes() -> StoredBytes;
        fn removed_pictures(limit: usize) -> Vec<PictureId>;
        fn forget_removed(ids: &[PictureId]) -> ();
    }
}

/// Nothing here looks for duplicates.
impl Pairs for Grown {
    as_the_real! {
        fn keep_pairs(pairs: &[PicturePair], looked_up_to: u64) -> ();
        fn looked_up_to() -> u64;
        fn not_looked_for() -> u64;
        fn keys_above(key: u64, limit: usize) -> Vec<u64>;
        fn links_after(after: Option<(u64, u64)>, limit: usize) -> Vec<PairLink>;
        fn pairs(keys: &[(u64, u64)]) -> Vec<Option<PicturePair>>;
        fn paired() -> Vec<PairedPicture>;
        fn add_not_a_match(a: &PictureId, b: &PictureId) -> bool;
        fn drop_not_a_match(a: &PictureId, b: &PictureId) -> bool;
        fn not_matches(offset: u64, limit: u64) -> Vec<NotAMatch>;
        fn not_match_count() -> u64;
        fn not_matches_of(id: &PictureId) -> Vec<u64>;
        fn not_match_keys() -> Vec<(u64, u64)>;
    }
}
