//! What a catalogue in memory holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::id::PictureId;
use crate::pairs::PicturePair;
use crate::picture::PictureRecord;
use crate::sources::{Refusal, SourceFile};
use crate::views::ViewRecord;

/// A picture with everything that belongs to it alone.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its sources are ascending.
    pub(super) record: PictureRecord,
    /// Entries of its metadata.
    pub(super) entries: Vec<(String, String)>,
    pub(super) encoded: Encoded,
}

/// A view with what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct StoredView {
    pub(super) record: ViewRecord,
    pub(super) encoded: Encoded,
}

/// What is opaque of a picture or a view.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub(super) features: Vec<u8>,
    pub(super) words: Vec<u8>,
    pub(super) staged: Option<Vec<u8>>,
}

/// All tables. Maps are sorted as the pages of their listings are.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The highest key ever assigned.
    pub(super) last_key: u64,
    pub(super) pictures: BTreeMap<u64, Stored>,
    pub(super) views: BTreeMap<u64, StoredView>,
    pub(super) keys: HashMap<PictureId, u64>,
    pub(super) sources: BTreeMap<String, (SourceFile, u64)>,
    pub(super) refusals: BTreeMap<String, Refusal>,
    pub(super) removed: BTreeSet<PictureId>,
    /// Pictures that lost their last file, with the folder that was read and the new picture at the path.
    pub(super) orphans: BTreeMap<u64, (String, Option<u64>)>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) pairs: BTreeMap<(u64, u64), PicturePair>,
    pub(super) checked_up_to: u64,
    /// Times of decisions by ids, the lower first.
    pub(super) decisions: BTreeMap<(PictureId, PictureId), i64>,
    /// Vectors by model and key; empty ones record that there can be none.
    pub(super) vectors: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
}

impl State {
    pub(super) fn by_id(&self, id: &PictureId) -> Option<&Stored> {
        self.pictures.get(self.keys.get(id)?)
    }

    /// What is opaque of the picture or the view with this key.
    pub(super) fn encoded(&self, key: u64) -> Option<&Encoded> {
        let of_picture = self.pictures.get(&key).map(|stored| &stored.encoded);
        of_picture.or_else(|| self.views.get(&key).map(|view| &view.encoded))
    }

    pub(super) fn encoded_mut(&mut self, key: u64) -> Option<&mut Encoded> {
        match self.pictures.get_mut(&key) {
            Some(stored) => Some(&mut stored.encoded),
            None => self.views.get_mut(&key).map(|view| &mut view.encoded),
        }
    }

    /// What is opaque of all pictures and views, by key.
    pub(super) fn all_encoded(&self) -> BTreeMap<u64, &Encoded> {
        let pictures = self.pictures.iter();
        let pictures = pictures.map(|(key, stored)| (*key, &stored.encoded));
        let views = self.views.iter();
        let views = views.map(|(key, view)| (*key, &view.encoded));
        pictures.chain(views).collect()
    }

    /// Removes a picture and everything that belongs to it, and records its id.
    pub(super) fn remove(&mut self, key: u64) -> Option<PictureId> {
        let gone = self.pictures.remove(&key)?;
        let id = gone.record.id;
        self.keys.remove(&id);
        for path in &gone.record.sources {
            self.sources.remove(path);
        }
        self.views.retain(|_, view| view.record.picture != key);
        self.pairs.retain(|(a, b), _| *a != key && *b != key);
        for vectors in self.vectors.values_mut() {
            vectors.remove(&key);
        }
        self.orphans.remove(&key);
        self.removed.insert(id.clone());
        Some(id)
    }

    /// Gives what names a picture its other key, and forgets its pairs and vectors.
    pub(super) fn rename_key(&mut self, before: u64, key: u64) {
        for (_, of) in self.sources.values_mut() {
            if *of == before {
                *of = key;
            }
        }
        if let Some(orphan) = self.orphans.remove(&before) {
            self.orphans.insert(key, orphan);
        }
        for (_, heir) in self.orphans.values_mut() {
            if *heir == Some(before) {
                *heir = Some(key);
            }
        }
        self.pairs.retain(|(a, b), _| *a != before && *b != before);
        for vectors in self.vectors.values_mut() {
            vectors.remove(&before);
        }
    }

    /// Makes `source` one of `key` and of no other picture. Returns the other picture that it was a
    /// source of before.
    pub(super) fn put_source(&mut self, key: u64, source: &SourceFile) -> Option<u64> {
        self.refusals.remove(&source.path);
        self.orphans.remove(&key);
        let before = self.drop_source(&source.path);
        let entry = (source.clone(), key);
        self.sources.insert(source.path.clone(), entry);
        if let Some(stored) = self.pictures.get_mut(&key) {
            stored.record.sources.push(source.path.clone());
            stored.record.sources.sort_unstable();
        }
        before.filter(|other| *other != key)
    }

    /// Forgets the path's source. Returns the picture that had it.
    pub(super) fn drop_source(&mut self, path: &str) -> Option<u64> {
        let (_, key) = self.sources.remove(path)?;
        if let Some(stored) = self.pictures.get_mut(&key) {
            stored.record.sources.retain(|own| own != path);
        }
        Some(key)
    }
}
