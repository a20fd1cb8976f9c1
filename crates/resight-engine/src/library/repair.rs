//! Rebuilding what is damaged from what is whole.
//!
//! Rule: the bytes of a picture are those whose hash is its id, so its features, words, thumbnail and uploaded file
//! can be rebuilt wherever a file has them. Words follow from features, the index from words, and a model makes
//! its vectors again. Nothing stands behind a picture's record.

use std::collections::HashSet;

use std::sync::atomic::{AtomicBool, Ordering};

use resight_decode::{decode, read_bounded, thumbnail_jpeg};
use resight_index::PictureWords;
use resight_store::{Change, PictureId, PictureRecord, StoreError, ViewRecord};
use resight_vision::LocalFeatures;

use super::components::Components;
use super::damage::{has_record, if_readable};
use super::files::{THUMBNAIL, original_name, thumbnail_name};
use super::findings::{Finding, FindingKind};
use super::leftovers::id_in;
use super::prepare::Preparation;
use super::stored_features::{from_bytes, in_order, to_bytes};
use super::stored_pages::StoredPages;
use super::visual_index::remove_index;
use crate::describe::{describe, describe_image};
use crate::describe_views::page;
use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::picture::id_of;
use crate::stored_path::path_of_text;

/// Pictures that get checksums in one commit.
const SEALED_AT_ONCE: usize = 256;

/// What a repair has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Pictures that have checksums now and had none.
    pub sealed: u64,
    /// Of what stays as it was: kind, thing, and why.
    pub reasons: Vec<(FindingKind, String, String)>,
}

/// Why something stays as it is.
enum Stays {
    /// There is nothing to rebuild it from.
    Because(String),
    Failed(EngineError),
}

impl<E: Into<EngineError>> From<E> for Stays {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Rebuilds what `findings` name, as far as it can be rebuilt, and adds checksums where an earlier version wrote
/// none. It needs no library that can be opened, and no library may be open. What it could not rebuild stays as it
/// was: check again to see what is left.
///
/// Uploaded files without a record are left to [`crate::Indexer::recover_uploads`].
///
/// # Errors
/// `cancelled`, and those of a store that cannot be written.
pub fn repair(
    parts: &Components,
    options: &EngineOptions,
    findings: &[Finding],
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Repair, EngineError> {
    let mut repair = Repairing {
        parts,
        options,
        cancel,
        rebuilt: HashSet::new(),
        is_structure_sound: None,
    };
    let mut done = Repair::default();
    // What leads to rows before the rows, and features before the words that follow from them.
    let mut ordered: Vec<&Finding> = findings.iter().collect();
    ordered.sort_by_key(|finding| match finding.kind {
        FindingKind::CatalogueDamaged => 0,
        FindingKind::OriginalMissing | FindingKind::OriginalDamaged => 1,
        FindingKind::PageDamaged => 2,
        FindingKind::FeaturesDamaged => 3,
        _ => 4,
    });
    for (number, finding) in (1..).zip(ordered) {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let why = match repair.one(finding) {
            Ok(()) => None,
            Err(Stays::Failed(
                error @ (EngineError::Cancelled | EngineError::Store(StoreError::Full { .. })),
            )) => return Err(error),
            Err(Stays::Failed(error)) => Some(error.to_string()),
            Err(Stays::Because(why)) => Some(why),
        };
        let stays = why.map(|why| (finding.kind, finding.thing.clone(), why));
        done.reasons.extend(stays);
        on_step(number, findings.len() as u64);
    }
    // What could not be read, perhaps, was not checked either, and a checksum must not bless it.
    let is_damaged = |finding: &Finding| finding.kind == FindingKind::CatalogueDamaged;
    if findings.iter().any(is_damaged) {
        return Ok(done);
    }
    let damaged: HashSet<u64> = findings.iter().filter_map(|f| f.key).collect();
    let mut after = None;
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let keys = parts.catalogue.unsealed_after(after, SEALED_AT_ONCE)?;
        let Some(&last) = keys.last() else {
            return Ok(done);
        };
        after = Some(last);
        // A checksum must not bless what is damaged.
        let whole = keys.into_iter().filter(|key| !damaged.contains(key));
        done.sealed += parts.catalogue.seal(&whole.collect::<Vec<_>>())?;
    }
}

struct Repairing<'a> {
    parts: &'a Components,
    options: &'a EngineOptions,
    cancel: &'a AtomicBool,
    /// Keys of pictures whose features and words were rebuilt.
    rebuilt: HashSet<u64>,
    /// Whether the catalogue's tables and indexes fit each other after they were rebuilt; `None` until it is asked.
    is_structure_sound: Option<bool>,
}

impl Repairing<'_> {
    /// An error says why it stays as it is.
    fn one(&mut self, finding: &Finding) -> Result<(), Stays> {
        match finding.kind {
            FindingKind::CatalogueDamaged => Ok(self.parts.catalogue.rebuild_structure()?),
            FindingKind::PageDamaged => self.pages(finding),
            FindingKind::FeaturesDamaged => self.features(finding),
            FindingKind::WordsDamaged => self.words(finding),
            FindingKind::VectorDamaged => {
                if let (Some(key), Some(model)) = (finding.key, &finding.model) {
                    self.parts.catalogue.forget_vector(model, key)?;
                }
                Ok(())
            }
            FindingKind::OriginalMissing | FindingKind::OriginalDamaged => self.original(finding),
            FindingKind::ThumbnailDamaged => self.thumbnail(finding),
            FindingKind::ThumbnailUnrecorded => self.unrecorded_thumbnail(finding),
            FindingKind::IndexDamaged => Ok(self.remove_index()?),
            FindingKind::RecordDamaged => Err(cannot("names and labels are stored nowhere else")),
            FindingKind::OriginalUnrecorded => Ok(()),
        }
    }

    /// Removes the stored index, which the next opening rebuilds. Before the words in the catalogue change: a
    /// repair that stops in between must not leave an index of the earlier ones.
    fn remove_index(&self) -> Result<(), StoreError> {
        match &self.parts.index {
            Some(folder) => remove_index(folder, &self.parts.vocabulary),
            None => Ok(()),
        }
    }

    /// Describes a picture and all pages or frames of its file again: what a damaged record of one said stands nowhere
    /// else. The picture gets another key.
    fn pages(&self, finding: &Finding) -> Result<(), Stays> {
        let record = self.record(finding)?;
        self.check_model(&record)?;
        let bytes = self.bytes_of(&record)?;
        let with = Preparation {
            vocabulary: &self.parts.vocabulary,
            options: self.options,
            extractor: &*self.parts.extractor,
        };
        let described = describe(&bytes, self.options, with.extractor, Some(self.cancel))?;
        let id = record.id;
        let prepared = with.prepare(id, &record.name, &bytes, &described, Some(self.cancel))?;
        let stored = StoredPages::of(&*self.parts.catalogue, record.key)?;
        if stored.have_one_of(&prepared.unread_pages) {
            return Err(cannot("some of its pages or frames cannot be read now"));
        }
        self.remove_index()?;
        let catalogue = &*self.parts.catalogue;
        catalogue.commit(vec![Change::Retake(prepared.new)])?;
        Ok(())
    }

    /// Features are rebuilt by the model that made them alone.
    fn check_model(&self, record: &PictureRecord) -> Result<(), Stays> {
        let model = self.parts.extractor.model().as_str();
        if record.model == model {
            return Ok(());
        }
        let before = &record.model;
        let why = format!("it was described by {before}, and {model} is at hand");
        Err(cannot(why))
    }

    fn features(&mut self, finding: &Finding) -> Result<(), Stays> {
        let record = self.record(finding)?;
        self.check_model(&record)?;
        let bytes = self.bytes_of(&record)?;
        let view = self.view(finding)?;
        let key = view.as_ref().map_or(record.key, |view| view.key);
        let (described, size) = self.described(&bytes, view.as_ref())?;
        let vocabulary = &self.parts.vocabulary;
        let postings = vocabulary.postings(&described, size);
        let (features, words) = in_order(&described, &postings);
        let words = words.to_bytes(vocabulary.tag());
        let catalogue = &*self.parts.catalogue;
        // Another version of the extractor may make other features, and the index has words of the earlier ones.
        let before = catalogue.words(&[key]).ok().and_then(|mut one| one.pop());
        if before.flatten().as_ref() != Some(&words) {
            self.remove_index()?;
        }
        let count = features.len() as u32;
        catalogue.replace_features(key, count, &to_bytes(&features), &words)?;
        self.rebuilt.insert(key);
        Ok(())
    }

    /// The features of a picture, or of one of its pages or frames, and the size of that.
    fn described(
        &self,
        bytes: &[u8],
        view: Option<&ViewRecord>,
    ) -> Result<(LocalFeatures, [u32; 2]), Stays> {
        let extractor = &*self.parts.extractor;
        let Some(view) = view else {
            let described = describe(bytes, self.options, extractor, Some(self.cancel))?;
            let size = [described.image.width(), described.image.height()];
            return Ok((described.features, size));
        };
        let number = view.number;
        let page = page(bytes, number, self.options)
            .ok_or_else(|| cannot(format!("page or frame {number} cannot be read")))?;
        let features = describe_image(&page.image, self.options, extractor, Some(self.cancel))?;
        Ok((features, [page.image.width(), page.image.height()]))
    }

    /// The page or frame that a finding is about; `None` where it is about the picture.
    fn view(&self, finding: &Finding) -> Result<Option<ViewRecord>, Stays> {
        let view = finding.key.map(|key| self.parts.catalogue.views(&[key]));
        Ok(view.transpose()?.and_then(|mut one| one.pop()).flatten())
    }

    fn words(&mut self, finding: &Finding) -> Result<(), Stays> {
        let (key, size) = match self.view(finding)? {
            Some(view) => (view.key, [view.width, view.height]),
            None => {
                let record = self.record(finding)?;
                (record.key, [record.width, record.height])
            }
        };
        if self.rebuilt.contains(&key) {
            return Ok(());
        }
        let catalogue = &*self.parts.catalogue;
        let features = catalogue.features(&[key])?.pop().flatten();
        let features = features.and_then(|bytes| from_bytes(&bytes));
        let features = features.ok_or_else(|| cannot("its features are damaged as well"))?;
        let vocabulary = &self.parts.vocabulary;
        let words = PictureWords::new(vocabulary.postings(&features, size));
        catalogue.replace_words(key, &words.to_bytes(vocabulary.tag()))?;
        Ok(())
    }

    fn original(&self, finding: &Finding) -> Result<(), Stays> {
        let record = self.record(finding)?;
        let bytes = self.bytes_of(&record)?;
        Ok(self.parts.blobs.put(&original_name(&record.id), &bytes)?)
    }

    fn thumbnail(&self, finding: &Finding) -> Result<(), Stays> {
        let record = self.record(finding)?;
        let decoded = decode(&self.bytes_of(&record)?, &self.options.decode)?;
        let thumbnail = thumbnail_jpeg(&decoded.image, THUMBNAIL.0, THUMBNAIL.1)?;
        Ok(self
            .parts
            .blobs
            .put(&thumbnail_name(&record.id), &thumbnail)?)
    }

    /// Deletes the thumbnail of no picture. The finding may be of a time when an index lacked the picture's id.
    fn unrecorded_thumbnail(&mut self, finding: &Finding) -> Result<(), Stays> {
        let catalogue = &*self.parts.catalogue;
        let is_sound = match self.is_structure_sound {
            Some(known) => known,
            None => catalogue.check_structure()?.is_empty(),
        };
        self.is_structure_sound = Some(is_sound);
        if !is_sound {
            return Err(cannot(
                "the catalogue is damaged, and its picture may be there",
            ));
        }
        let name = finding.thing.strip_suffix(".jpg");
        if let Some(id) = name.and_then(id_in)
            && has_record(catalogue, &id, |_| true)?
        {
            return Ok(());
        }
        self.parts.blobs.delete(&finding.thing)?;
        Ok(self.parts.blobs.settle_deletions()?)
    }

    /// The record of the picture that a finding is about.
    fn record(&self, finding: &Finding) -> Result<PictureRecord, Stays> {
        let catalogue = &*self.parts.catalogue;
        let name = finding.thing.strip_suffix(".jpg").unwrap_or(&finding.thing);
        let record = match finding.key {
            Some(key) => {
                let view = catalogue.views(&[key])?.pop().flatten();
                let key = view.map_or(key, |view| view.picture);
                catalogue.pictures(&[key])?.pop().flatten()
            }
            None => id_in(name)
                .map(|id| catalogue.picture(&id))
                .transpose()?
                .flatten(),
        };
        record.ok_or_else(|| cannot("it has no record"))
    }

    /// The bytes of a picture, from its uploaded file or a file at one of its paths.
    fn bytes_of(&self, record: &PictureRecord) -> Result<Vec<u8>, Stays> {
        let is_it = |bytes: &Vec<u8>, id: &PictureId| id_of(bytes) == *id;
        // Where it cannot be read, a file at one of the paths may have the bytes.
        let stored = if_readable(self.parts.blobs.get(&original_name(&record.id)))?;
        let stored = stored.ok().flatten();
        if let Some(bytes) = stored.filter(|bytes| is_it(bytes, &record.id)) {
            return Ok(bytes);
        }
        let paths = record.sources.iter();
        let mut files =
            paths.filter_map(|path| read_bounded(&path_of_text(path), record.byte_len).ok());
        files
            .find(|bytes| is_it(bytes, &record.id))
            .ok_or_else(|| cannot("no file has its bytes at present"))
    }
}

fn cannot(why: impl Into<String>) -> Stays {
    Stays::Because(why.into())
}
