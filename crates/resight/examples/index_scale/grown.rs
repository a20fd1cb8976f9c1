//! A catalogue that has grown: real pictures in SQLite, synthetic ones above them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use resight_index::Posting;
use resight_store::{
    Change, Changes, Decisions, Effect, EncodedFeatures, EncodedWords, Filter, Integrity,
    LabelQueries, MediaTypeCount, NotAMatch, ObjectCount, ObjectId, Order, PairLink, PairedPicture,
    Pairs, PictureId, PicturePair, PictureRecord, Pictures, Position, Refusal, Refusals,
    RemovedPictures, Repairs, Settings, SourceFile, Sources, SqliteCatalogue, StagedWords,
    StoreError, StoredBytes, VectorCount, Vectors, ViewRecord, Views,
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
        if key > self.last_real {
            self.photos[donor(key, self.photos.len())]
        } else {
            key
        }
    }

    /// Keys of the synthetic pictures above `after`.
    fn synthetic_after(&self, after: Option<u64>) -> RangeInclusive<u64> {
        after.unwrap_or(0).max(self.last_real) + 1..=self.pictures
    }

    fn all_behind(&self, keys: &[u64]) -> Vec<u64> {
        keys.iter().map(|&key| self.behind(key)).collect()
    }
}

impl Pictures for Grown {
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError> {
        self.real.picture(id)
    }

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

    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError> {
        self.real.list(offset, limit)
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.pictures)
    }

    fn keys_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<(u64, u32)>, StoreError> {
        let mut keys = self.real.keys_after(after, limit)?;
        let more = self.synthetic_after(keys.last().map(|k| k.0).or(after));
        keys.extend(more.take(limit - keys.len()).map(|key| {
            let length = self.postings[donor(key, self.photos.len())].len();
            (key, length as u32)
        }));
        Ok(keys)
    }

    fn unasked_taken(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        self.real.unasked_taken(after, limit)
    }

    fn put_taken(&self, taken: &[(u64, Option<i64>)]) -> Result<(), StoreError> {
        self.real.put_taken(taken)
    }

    fn stored_bytes(&self) -> Result<StoredBytes, StoreError> {
        self.real.stored_bytes()
    }
}

impl EncodedFeatures for Grown {
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.real.features(&self.all_behind(keys))
    }

    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.real.features_after(after, limit)
    }
}

impl EncodedWords for Grown {
    /// Those of the features above, which they sort.
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.real.words(&self.all_behind(keys))
    }

    /// Those of the index.
    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut words = self.real.words_after(after, limit)?;
        let more = self.synthetic_after(words.last().map(|w| w.0).or(after));
        words.extend(more.take(limit - words.len()).map(|key| {
            let words = synthetic(key, &self.postings);
            (key, words.to_bytes(self.tag))
        }));
        Ok(words)
    }
}

/// The pictures have one page each.
impl Views for Grown {
    fn views(&self, keys: &[u64]) -> Result<Vec<Option<ViewRecord>>, StoreError> {
        Ok(vec![None; keys.len()])
    }

    fn views_of(&self, _: u64) -> Result<Vec<ViewRecord>, StoreError> {
        Ok(Vec::new())
    }

    fn view_keys_after(&self, _: Option<u64>, _: usize) -> Result<Vec<(u64, u64)>, StoreError> {
        Ok(Vec::new())
    }

    fn described_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u32)>, StoreError> {
        self.keys_after(after, limit)
    }

    fn view_count(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// Implements a trait by the real catalogue's methods.
macro_rules! as_the_real {
    ($($trait:ident {
        $(fn $name:ident($($argument:ident: $kind:ty),*) -> $given:ty;)*
    })*) => {
        $(impl $trait for Grown {
            $(fn $name(&self, $($argument: $kind),*) -> Result<$given, StoreError> {
                self.real.$name($($argument),*)
            })*
        })*
    };
}

as_the_real! {
    Changes {
        fn commit(changes: Vec<Change>) -> Vec<Effect>;
        fn commit_part(folder: &str, changes: Vec<Change>) -> Vec<Effect>;
        fn settle_orphans(prefix: &str, limit: usize) -> Vec<(u64, PictureId)>;
    }
    LabelQueries {
        fn matching_list(filter: &Filter, offset: u64, limit: u64) -> Vec<PictureRecord>;
        fn matching_page(filter: &Filter, order: Order, after: Option<&Position>, limit: u64) -> Vec<PictureRecord>;
        fn matching_count(filter: &Filter) -> u64;
        fn matching_keys_after(filter: &Filter, after: Option<u64>, limit: usize) -> Vec<u64>;
        fn media_types() -> Vec<MediaTypeCount>;
        fn objects(offset: u64, limit: u64) -> Vec<ObjectCount>;
        fn objects_after(after: &ObjectId, limit: u64) -> Vec<ObjectCount>;
        fn object_count() -> u64;
        fn memberships_after(after: Option<&(ObjectId, u64)>, limit: usize) -> Vec<(ObjectId, u64)>;
    }
    StagedWords {
        fn stage_words(words: &[(u64, Vec<u8>)]) -> ();
        fn staged_after(after: Option<u64>, limit: usize) -> Vec<(u64, Vec<u8>)>;
        fn staged_last() -> Option<u64>;
        fn discard_staged() -> ();
        fn adopt_staged(setting: &str, value: &str) -> bool;
    }
    Sources {
        fn source(path: &str) -> Option<(SourceFile, PictureId)>;
        fn sources_under(prefix: &str, after: Option<&str>, limit: usize) -> Vec<(SourceFile, PictureId)>;
        fn source_paths(keys: &[u64]) -> Vec<Vec<String>>;
    }
    Refusals {
        fn refusals_under(prefix: &str, after: Option<&str>, limit: usize) -> Vec<Refusal>;
        fn refusal_count() -> u64;
    }
    Settings {
        fn setting(name: &str) -> Option<String>;
        fn set_setting(name: &str, value: &str) -> ();
    }
    Integrity {
        fn check_structure() -> Vec<String>;
    }
    Repairs {
        fn seal(keys: &[u64]) -> u64;
        fn unsealed_after(after: Option<u64>, limit: usize) -> Vec<u64>;
        fn replace_features(key: u64, feature_count: u32, features: &[u8], words: &[u8]) -> bool;
        fn replace_words(key: u64, words: &[u8]) -> bool;
        fn forget_vector(model: &str, key: u64) -> bool;
        fn rebuild_structure() -> ();
    }
    RemovedPictures {
        fn removed_pictures(limit: usize) -> Vec<PictureId>;
        fn forget_removed(ids: &[PictureId]) -> ();
    }
    Vectors {
        fn put_vectors(model: &str, vectors: &[(u64, Vec<u8>)]) -> ();
        fn vectors(model: &str, keys: &[u64]) -> Vec<Option<Vec<u8>>>;
        fn vector_keys_after(model: &str, after: Option<u64>, limit: usize) -> Vec<u64>;
        fn without_vector_after(model: &str, after: Option<u64>, limit: usize) -> Vec<u64>;
        fn vector_counts() -> Vec<VectorCount>;
        fn drop_vectors(model: &str, setting: &str, value: &str) -> ();
    }
    Pairs {
        fn put_pairs(pairs: &[PicturePair], checked_up_to: u64) -> ();
        fn checked_up_to() -> u64;
        fn unchecked_count() -> u64;
        fn links_after(after: Option<(u64, u64)>, limit: usize) -> Vec<PairLink>;
        fn pairs(keys: &[(u64, u64)]) -> Vec<Option<PicturePair>>;
        fn paired_after(after: Option<u64>, limit: usize) -> Vec<PairedPicture>;
    }
    Decisions {
        fn add_not_a_match(a: &PictureId, b: &PictureId) -> bool;
        fn drop_not_a_match(a: &PictureId, b: &PictureId) -> bool;
        fn not_matches(offset: u64, limit: u64) -> Vec<NotAMatch>;
        fn not_matches_after(after: &NotAMatch, limit: u64) -> Vec<NotAMatch>;
        fn not_matches_by_id(after: Option<(&PictureId, &PictureId)>, limit: u64) -> Vec<NotAMatch>;
        fn not_match_count() -> u64;
        fn not_matches_of_after(id: &PictureId, after: Option<u64>, limit: usize) -> Vec<u64>;
        fn not_match_keys_after(after: Option<(u64, u64)>, limit: usize) -> Vec<(u64, u64)>;
    }
}
