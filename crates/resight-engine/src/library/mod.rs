//! The engine: what is held, and how it is asked for. Changes are made in `commit.rs`.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use resight_index::Vocabulary;
use resight_store::{
    BlobStore, Catalogue, Change, Effect, Filter, LabelPatch, NewPicture, PictureId,
};
use resight_vision::{LocalExtractor, LocalFeatures, ModelId, VerifyOptions};

use crate::commit::{Pending, Prepared, original_name, thumbnail_name};
use crate::convert::convert_first;
use crate::dense::Global;
use crate::describe::{Described, describe};
use crate::duplicates::News;
use crate::error::EngineError;
use crate::feature_cache::FeatureCache;
use crate::labels::{check_tags, label};
use crate::picture::{Added, Picture, PictureFile, id_of};
use crate::stored_features::{in_order, to_bytes};
use crate::visual::Visual;
use resight_decode::{DecodeLimits, RefusedCode, read_bounded, thumbnail_jpeg};

/// The parts an engine is put together from.
pub struct Parts {
    /// What is known about each picture.
    pub catalogue: Arc<dyn Catalogue>,
    /// Thumbnails, and the files of uploaded pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// Makes local features.
    pub extractor: Arc<dyn LocalExtractor>,
    /// Gives them words; must have been trained on the extractor's model.
    pub vocabulary: Arc<Vocabulary>,
    /// Where the inverted index is kept; without it it is made anew from the catalogue each time.
    pub index: Option<IndexFolder>,
    /// What to do where the pictures held have words of another vocabulary: convert them all before
    /// anything else, or fail with `model_mismatch`.
    pub convert: bool,
}

/// A folder for the inverted index. All in it can be made again from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Whether this process may write to it: one may at a time.
    pub writable: bool,
}

/// Bounds and trade-offs.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// What is accepted as a picture.
    pub decode: DecodeLimits,
    /// Pictures are described at most this large: the longer side in pixels.
    pub max_side: u32,
    /// Features kept of each picture, the strongest.
    pub max_features: usize,
    /// Candidates that are matched and verified at least.
    pub shortlist: usize,
    /// Pictures that look most like the query that are matched and verified beside the candidates.
    pub alike_shortlist: usize,
    /// Cells of the vocabulary in which a query feature looks for its match: more find more
    /// matches and take longer.
    pub matching_cells: usize,
    /// When a match counts as verified.
    pub verify: VerifyOptions,
    /// Memory for features of stored pictures, in bytes.
    pub feature_cache_bytes: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            decode: DecodeLimits::default(),
            max_side: 1024,
            max_features: 20_000,
            shortlist: 200,
            alike_shortlist: 100,
            matching_cells: 12,
            verify: VerifyOptions::default(),
            feature_cache_bytes: 256 << 20,
        }
    }
}

/// Numbers about what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Pictures held.
    pub pictures: u64,
    /// Files that could not be read.
    pub refused: u64,
    /// Stored keypoints and descriptors, in bytes.
    pub feature_bytes: u64,
    /// Stored words and signatures, in bytes.
    pub word_bytes: u64,
    /// The inverted index, in memory or on disk, in bytes.
    pub index_bytes: u64,
}

/// A file that could not be read as a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// Which file.
    pub path: String,
    /// Stable code.
    pub code: String,
    /// What was wrong with it.
    pub detail: String,
    /// When it was tried, in milliseconds since 1970 (UTC).
    pub seen_ms: i64,
}

/// Holds pictures and finds them again.
pub struct Engine {
    pub(crate) parts: Parts,
    pub(crate) options: EngineOptions,
    visual: RwLock<Arc<Visual>>,
    /// Global models in use.
    pub(crate) globals: RwLock<Vec<Arc<Global>>>,
    changes: Mutex<()>,
    conversion: Mutex<()>,
    /// Held by whoever looks for pairs.
    pub(crate) looking: Mutex<()>,
    pub(crate) news: Arc<News>,
    /// Whether leftovers of an earlier process have been looked for.
    pub(crate) swept: AtomicBool,
}

/// The catalogue's setting that names the model of all features held.
pub const MODEL_SETTING: &str = "model";
/// Longer side of a thumbnail in pixels, and its JPEG quality.
const THUMBNAIL: (u32, u8) = (320, 80);
/// The catalogue's setting that names the vocabulary of all words held.
pub const VOCABULARY_SETTING: &str = "vocabulary";

impl Engine {
    /// Opens what the catalogue holds: checks that it was made by this model and vocabulary, and
    /// makes what is not in the kept index from the stored words.
    pub fn open(parts: Parts, options: EngineOptions) -> Result<Self, EngineError> {
        let cache = FeatureCache::new(options.feature_cache_bytes);
        Self::open_with(parts, options, cache, Arc::default())
    }

    /// As [`Engine::open`], for other pictures in the same process: keeps features of stored pictures
    /// in the memory of `other`, so that many engines take no more of it than one. Pictures that come
    /// to either end the waiting of [`Engine::wait_for_pictures`] of both.
    pub fn open_beside(
        other: &Self,
        parts: Parts,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let cache = other.visual().cache.beside();
        Self::open_with(parts, options, cache, other.news.clone())
    }

    fn open_with(
        parts: Parts,
        options: EngineOptions,
        cache: FeatureCache,
        news: Arc<News>,
    ) -> Result<Self, EngineError> {
        let model = parts.extractor.model();
        check_model(&parts.vocabulary, model)?;
        check_setting(&*parts.catalogue, MODEL_SETTING, model.as_str())?;
        let vocabulary = parts.vocabulary.id();
        match check_setting(&*parts.catalogue, VOCABULARY_SETTING, vocabulary) {
            Err(EngineError::ModelMismatch { .. }) if parts.convert => convert_first(&parts)?,
            checked => checked?,
        }
        let engine = Self {
            visual: RwLock::new(Arc::new(Visual::open(&parts, cache)?)),
            globals: RwLock::default(),
            parts,
            options,
            changes: Mutex::new(()),
            conversion: Mutex::new(()),
            looking: Mutex::new(()),
            news,
            swept: AtomicBool::new(false),
        };
        // It may hold pictures that were not looked for.
        engine.news.tell();
        Ok(engine)
    }

    /// The present vocabulary and what depends on it.
    pub(crate) fn visual(&self) -> Arc<Visual> {
        // Swapped as a whole: a panic elsewhere leaves nothing half changed.
        let visual = self.visual.read().unwrap_or_else(PoisonError::into_inner);
        visual.clone()
    }

    /// Changes must be locked out.
    pub(crate) fn exchange(&self, visual: Visual) {
        *self.visual.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(visual);
    }

    /// The vocabulary in use.
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        self.visual().vocabulary.clone()
    }

    pub(crate) fn lock_changes(&self) -> MutexGuard<'_, ()> {
        // Guards no data of its own: whoever panicked left the catalogue as it was.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_conversion(&self) -> MutexGuard<'_, ()> {
        // As above.
        self.conversion
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What makes its features.
    pub fn model(&self) -> &ModelId {
        self.parts.extractor.model()
    }

    /// Who describes pictures for it.
    pub fn extractor(&self) -> Arc<dyn LocalExtractor> {
        self.parts.extractor.clone()
    }

    /// Its options.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Takes in the bytes of a picture file. When this returns, the picture is durable and the
    /// next search finds it. The same bytes again change nothing.
    pub fn add(&self, bytes: &[u8], name: &str) -> Result<Added, EngineError> {
        self.add_labelled(bytes, name, LabelPatch::default())
    }

    /// As [`Engine::add`], with what is to be said about the picture, whether it is new or not.
    pub fn add_labelled(
        &self,
        bytes: &[u8],
        name: &str,
        patch: LabelPatch,
    ) -> Result<Added, EngineError> {
        check_tags(&patch)?;
        let id = id_of(bytes);
        let known = self.parts.catalogue.picture(&id)?;
        if known.is_some_and(|r| r.uploaded) {
            if !patch.is_empty() {
                self.label(vec![(id.clone(), patch)])?;
            }
            return Ok(Added {
                picture: self.picture(&id)?,
                already_there: true,
            });
        }
        let described = self.describe(bytes, None)?;
        let mut prepared = self.prepare(id.clone(), name, bytes.len() as u64, &described)?;
        prepared.new.uploaded = true;
        prepared.original = Some(bytes.to_vec());
        let mut pending = vec![Pending::Add(Box::new(prepared))];
        pending.extend(label(&id, &patch));
        // Nobody adds a tag between this look and the change: of what has too many nothing is kept.
        let lock = self.lock_changes();
        self.check_tags_after(&id, &patch)?;
        let effects = self.commit_locked(&lock, pending)?;
        drop(lock);
        if let Some(Effect::Added { key, .. }) = effects.first() {
            self.embed_added(*key, &described.image);
        }
        Ok(Added {
            picture: self.picture(&id)?,
            already_there: matches!(effects.first(), Some(Effect::AlreadyThere { .. })),
        })
    }

    /// The local features of a picture that is not taken in, as they would be stored or searched by.
    /// With them the picture's sides in pixels.
    pub fn features_of(&self, bytes: &[u8]) -> Result<(LocalFeatures, [u32; 2]), EngineError> {
        let described = self.describe(bytes, None)?;
        let size = [described.image.width(), described.image.height()];
        Ok((described.features, size))
    }

    /// Forgets pictures; says of each whether it was there.
    pub fn remove(&self, ids: &[PictureId]) -> Result<Vec<bool>, EngineError> {
        let pending = ids
            .iter()
            .map(|id| Pending::Change(Change::Remove(id.clone())))
            .collect();
        let effects = self.commit(pending)?;
        Ok(effects
            .iter()
            .map(|e| matches!(e, Effect::Removed { .. }))
            .collect())
    }

    /// What is known about a picture.
    pub fn picture(&self, id: &PictureId) -> Result<Picture, EngineError> {
        let record = self.parts.catalogue.picture(id)?;
        record
            .map(Picture::from)
            .ok_or_else(|| EngineError::UnknownPicture(id.clone()))
    }

    /// Pictures held, newest first.
    pub fn pictures(&self, offset: u64, limit: u64) -> Result<Vec<Picture>, EngineError> {
        self.pictures_matching(&Filter::default(), offset, limit)
    }

    /// Number of pictures held.
    pub fn count(&self) -> Result<u64, EngineError> {
        Ok(self.parts.catalogue.count()?)
    }

    /// The picture that was read from this file.
    pub fn find_by_path(&self, path: &Path) -> Result<Option<PictureId>, EngineError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let resolved = std::fs::canonicalize(&absolute).unwrap_or_else(|_| absolute.clone());
        for path in [resolved, absolute] {
            if let Some(path) = path.to_str()
                && let Some((_, id)) = self.parts.catalogue.source(path)?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// A small JPEG of the picture; made anew from the file when it is missing.
    pub fn thumbnail(&self, id: &PictureId) -> Result<Vec<u8>, EngineError> {
        self.picture(id)?;
        if let Some(bytes) = self.parts.blobs.get(&thumbnail_name(id))? {
            return Ok(bytes);
        }
        let file = self.file(id)?;
        let decoded = resight_decode::decode(&file.bytes, &self.options.decode)?;
        Ok(thumbnail_jpeg(&decoded.image, THUMBNAIL.0, THUMBNAIL.1)?)
    }

    /// The picture's file, as it was given: kept bytes of an upload, or read from the folder.
    pub fn file(&self, id: &PictureId) -> Result<PictureFile, EngineError> {
        let picture = self.picture(id)?;
        let mut reason = "it has no file".to_owned();
        if let Some(bytes) = self.parts.blobs.get(&original_name(id))? {
            return Ok(file_of(picture, bytes));
        }
        for path in &picture.sources {
            match read_bounded(Path::new(path), picture.byte_len) {
                Ok(bytes) if id_of(&bytes) == *id => return Ok(file_of(picture, bytes)),
                Err(refused) if refused.code == RefusedCode::Unreadable => {
                    reason = format!("{path}: {}", refused.detail);
                }
                _ => reason = format!("{path} has changed since it was indexed"),
            }
        }
        Err(EngineError::FileGone {
            id: id.clone(),
            reason,
        })
    }

    /// Files that could not be read, by ascending path.
    pub fn refusals(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RefusedFile>, EngineError> {
        let found = self.parts.catalogue.refusals_under("", after, limit)?;
        Ok(found
            .into_iter()
            .map(|r| RefusedFile {
                path: r.source.path,
                code: r.code,
                detail: r.reason,
                seen_ms: r.seen_ms,
            })
            .collect())
    }

    /// How much is kept.
    pub fn storage(&self) -> Result<Storage, EngineError> {
        let stored = self.parts.catalogue.stored_bytes()?;
        Ok(Storage {
            pictures: self.count()?,
            refused: self.parts.catalogue.refusal_count()?,
            feature_bytes: stored.features,
            word_bytes: stored.words,
            index_bytes: self.visual().index.snapshot().bytes() as u64,
        })
    }

    /// `wait` as in [`describe`].
    pub(crate) fn describe(
        &self,
        bytes: &[u8],
        wait: Option<&AtomicBool>,
    ) -> Result<Described, EngineError> {
        describe(bytes, &self.options, &*self.parts.extractor, wait)
    }

    pub(crate) fn prepare(
        &self,
        id: PictureId,
        name: &str,
        byte_len: u64,
        described: &Described,
    ) -> Result<Prepared, EngineError> {
        let image = &described.image;
        let size = [image.width(), image.height()];
        let vocabulary = self.vocabulary();
        let postings = vocabulary.postings(&described.features, size);
        let (features, words) = in_order(&described.features, &postings);
        // Written here, where pictures are prepared in parallel, and not one by one in `commit`;
        // one that is lost to a removal in between is made again when it is asked for.
        let thumbnail = thumbnail_jpeg(image, THUMBNAIL.0, THUMBNAIL.1)?;
        self.parts.blobs.put(&thumbnail_name(&id), &thumbnail)?;
        Ok(Prepared {
            new: NewPicture {
                id,
                name: name.to_owned(),
                media_type: described.media_type.to_owned(),
                byte_len,
                width: image.width(),
                height: image.height(),
                feature_count: features.len() as u32,
                model: self.parts.extractor.model().as_str().to_owned(),
                uploaded: false,
                features: to_bytes(&features),
                words: words.to_bytes(vocabulary.tag()),
                source: None,
            },
            words,
            tag: vocabulary.tag(),
            original: None,
        })
    }
}

/// A vocabulary must have been trained on the extractor's model.
pub(crate) fn check_model(vocabulary: &Vocabulary, model: &ModelId) -> Result<(), EngineError> {
    match vocabulary.model() == model {
        true => Ok(()),
        false => Err(EngineError::ModelMismatch {
            what: MODEL_SETTING,
            stored: format!("{} (of the vocabulary)", vocabulary.model()),
            current: model.to_string(),
        }),
    }
}

/// A recorded setting must be the present one. It is recorded with the first picture, so that an empty
/// data folder can still change its mind.
fn check_setting(
    catalogue: &dyn Catalogue,
    what: &'static str,
    current: &str,
) -> Result<(), EngineError> {
    match catalogue.setting(what)? {
        Some(stored) if stored != current && catalogue.count()? > 0 => {
            Err(EngineError::ModelMismatch {
                what,
                stored,
                current: current.to_owned(),
            })
        }
        _ => Ok(()),
    }
}

fn file_of(picture: Picture, bytes: Vec<u8>) -> PictureFile {
    PictureFile {
        bytes,
        media_type: picture.media_type,
        name: picture.name,
    }
}
