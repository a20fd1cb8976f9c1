//! Changes of the catalogue, and their effects.

use std::collections::BTreeMap;

use crate::error::StoreError;
use crate::id::PictureId;
use crate::labels::LabelPatch;
use crate::picture::NewPicture;
use crate::sources::{Refusal, SourceFile};

/// One change of the catalogue; [`Effect`] lists the outcomes of each.
///
/// A path is a source or a refusal, never both: recording one drops the other.
///
/// A picture that lost its last source in a batch by another change than [`Change::ForgetSource`], was
/// not uploaded and has no source at the end of the batch is an orphan. [`Changes::commit`] removes it with the
/// batch; [`Changes::commit_part`] leaves that to [`Changes::settle_orphans`]. If the path now belongs to a new
/// picture, its heir, that one inherits the labels of the removed one as far as it has none of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a picture with its views. If its id exists, only its source and its `uploaded` flag are recorded; the
    /// stored features and views stay.
    Add(NewPicture),
    /// Replaces what follows from the file of a stored picture: its size, pages, depth, time of taking, features, words
    /// and views. The picture gets a new key, above which its views are; it keeps its name, labels, sources, time of
    /// adding and `uploaded` flag. Its vectors and pairs go, to be made again for the new key. The source is recorded as
    /// [`Change::Add`] does.
    Retake(NewPicture),
    /// Removes a picture with its features, words, views, labels, vectors, pairs and sources.
    Remove(PictureId),
    /// Records one more source of an existing picture.
    AddSource {
        /// The picture.
        id: PictureId,
        /// The file.
        source: SourceFile,
    },
    /// Forgets the source and the refusal of a path whose file is gone or has changed.
    DropSource {
        /// The file.
        path: String,
    },
    /// As [`Change::DropSource`], but the picture stays, even if this was its last source.
    ForgetSource {
        /// The file.
        path: String,
    },
    /// Records that a file was refused, in place of an earlier refusal, and drops its source as
    /// [`Change::DropSource`] does.
    Refuse(Refusal),
    /// Changes the labels of a picture.
    Label {
        /// The picture.
        id: PictureId,
        /// What changes.
        patch: LabelPatch,
    },
}

/// The outcome of a [`Change`]. Each picture that a batch removes is named once by key and id, so
/// that the caller can remove it from an index: in [`Effect::Removed`], or in `replaced` or `removed`
/// of the change that took its last source. Until the end of the batch, later changes still see such
/// a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// From `Add`: the picture is new.
    Added {
        /// Its key.
        key: u64,
        /// The picture removed because its last path now belongs to this one.
        replaced: Option<(u64, PictureId)>,
    },
    /// From `Add` and `AddSource`: the picture existed; its source was recorded.
    AlreadyThere {
        /// Its key.
        key: u64,
        /// The picture removed because its last path now belongs to this one.
        replaced: Option<(u64, PictureId)>,
    },
    /// From `Retake`: the picture has another key.
    Retaken {
        /// Its key now.
        key: u64,
        /// Its key before, which is no picture's any more.
        before: u64,
        /// The picture removed because its last path now belongs to this one.
        replaced: Option<(u64, PictureId)>,
    },
    /// From `Remove`.
    Removed {
        /// The key it had.
        key: u64,
        /// The id it had.
        id: PictureId,
    },
    /// From `DropSource` and `ForgetSource`: a source or a refusal was forgotten.
    SourceDropped {
        /// The picture removed with its last source; `None` from `ForgetSource`.
        removed: Option<(u64, PictureId)>,
    },
    /// From `Refuse`.
    Refused {
        /// The picture removed because this path was its last source.
        removed: Option<(u64, PictureId)>,
    },
    /// From `Label`: the labels are changed.
    Labelled,
    /// From `Label`: the picture would have more than [`crate::Tag::MOST`] tags, so its labels stay
    /// as they are. The other changes of the batch are applied.
    TooManyTags,
    /// From `Retake`, `Remove`, `AddSource` and `Label` for an unknown id, and from `DropSource` and `ForgetSource`
    /// for an unknown path; nothing was changed.
    NotFound,
    /// From `AddSource`: exactly this source was recorded before.
    Unchanged,
}

impl Effect {
    /// Of `DropSource` and `ForgetSource`, by whether there was a source or a refusal; no picture is removed yet.
    pub fn dropped(had_one: bool) -> Self {
        match had_one {
            true => Self::SourceDropped { removed: None },
            false => Self::NotFound,
        }
    }

    /// Writes the removed picture into the effect of the change that took its last source. Effects
    /// of changes that take no source stay as they are.
    pub fn name_removed(&mut self, gone: (u64, PictureId)) {
        match self {
            Self::Added { replaced: slot, .. }
            | Self::AlreadyThere { replaced: slot, .. }
            | Self::Retaken { replaced: slot, .. }
            | Self::SourceDropped { removed: slot }
            | Self::Refused { removed: slot } => *slot = Some(gone),
            Self::Removed { .. }
            | Self::Labelled
            | Self::TooManyTags
            | Self::NotFound
            | Self::Unchanged => {}
        }
    }
}

/// Applies the changes of a batch in order, for implementations of [`Changes`], which may have keys in a form of their own.
/// `apply` returns the effect of one change, and the key of the picture that it took a source from: a change concerns one
/// path, so it takes a source from at most one picture.
///
/// Returns the effects, and for each picture that lost a source, the number of the last change that took one. If the
/// picture has none in the end, that change took its last.
///
/// # Errors
/// The first one of `apply`.
pub fn apply_each<K: Ord, E>(
    changes: Vec<Change>,
    key_of: impl Fn(u64) -> K,
    mut apply: impl FnMut(Change) -> Result<(Effect, Option<K>), E>,
) -> Result<(Vec<Effect>, BTreeMap<K, usize>), E> {
    let mut effects = Vec::with_capacity(changes.len());
    let mut last_taken = BTreeMap::new();
    for change in changes {
        let (effect, taken_from) = apply(change)?;
        if let Effect::Retaken { key, before, .. } = &effect
            && let Some(number) = last_taken.remove(&key_of(*before))
        {
            last_taken.insert(key_of(*key), number);
        }
        if let Some(key) = taken_from {
            last_taken.insert(key, effects.len());
        }
        effects.push(effect);
    }
    Ok((effects, last_taken))
}

/// The one way to change pictures, sources, refusals and labels.
pub trait Changes: Send + Sync {
    /// Applies all changes in order, or none of them, and returns one effect for each. A later change
    /// sees the earlier ones. Readers see either all of the batch or nothing of it.
    ///
    /// Once this returns `Ok`, the changes survive a crash and a power cut. Commits of several
    /// threads are applied one after another. Callers keep a batch to some thousand changes, and to
    /// the pictures whose features they have in memory anyway.
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError>;

    /// As [`Changes::commit`], for one of several batches that read the files of one folder: a later batch may
    /// find the file of a picture that loses its last source in this one. So orphans stay, with a durable
    /// record that names `folder`, and no effect names a removed picture. The record ends when the picture
    /// gains a source, is uploaded or is removed.
    fn commit_part(&self, folder: &str, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError>;

    /// Removes at most `limit` orphans whose folder begins with `prefix`, by ascending key, and lets the heir of
    /// each inherit its labels. Returns their keys and ids: fewer than `limit` only where no more are left.
    fn settle_orphans(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError>;
}
