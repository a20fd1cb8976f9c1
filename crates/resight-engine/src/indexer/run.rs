//! One run over a folder: a batch of files is read (`reading.rs`) while the batch before is committed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use rayon::ThreadPool;
use resight_decode::RefusedCode;
use resight_store::{Change, Effect, LabelPatch, PictureId, Refusal, StoreError, now_ms};
use resight_vision::Image;

use super::listing::Task;
use super::moves::{Left, Moves};
use super::reading::{Outcome, Reader, TaskOutcome};
use super::report::{FolderEvent, FolderReport};
use crate::error::EngineError;
use crate::library::Library;
use crate::library::labels::label_change;
use crate::library::plain::WEAK_BELOW;
use crate::library::prepare::{PendingChange, PreparedPicture};
use crate::library::refused_files::RefusedKind;
use crate::likeness::embed::embed_new;

/// Changes of one commit where no picture is read.
pub(super) const PAGE: usize = 5000;

/// What a file turned out to have.
enum Found {
    /// Another picture than before, with its pixels where a global model will describe it.
    New(Option<Image>, Pages),
    /// A picture stored before, and whether at another path.
    Known(bool),
    /// The same, described again.
    Retaken(bool, Option<Image>, Pages),
    Nothing,
}

/// Further pages or frames of a file.
#[derive(Clone, Copy, Default)]
struct Pages {
    described: u64,
    unread: u64,
    /// Features of the one that has most.
    most_features: u32,
}

/// The state of a run.
pub(super) struct Run<'a> {
    pub(super) library: &'a Library,
    /// The threads that read files; `None` for those of the process.
    pub(super) threads: Option<&'a rayon::ThreadPool>,
    /// The folder, with a separator at its end.
    pub(super) folder: &'a str,
    /// Paths from which stored pictures were read before.
    pub(super) known: &'a HashSet<&'a str>,
    /// Labels of each picture.
    pub(super) labels: &'a LabelPatch,
    /// Whether stored pictures are compared with their files' pages and frames.
    pub(super) retakes: bool,
    pub(super) report: FolderReport,
    pub(super) moves: Moves,
    /// Whether a file could not be read that was listed.
    pub(super) has_unread: bool,
    /// Files to be read.
    pub(super) to_do: u64,
    /// Of each model its name and what was reported last: pictures described, and files to be described.
    pub(super) embedded: Vec<(String, u64, u64)>,
    /// Whether models go on: they stop at the first failure.
    pub(super) embeds: &'a AtomicBool,
    pub(super) on_event: &'a mut dyn FnMut(FolderEvent),
}

impl Pages {
    fn of(prepared: &PreparedPicture) -> Self {
        Self {
            described: prepared.new.views.len() as u64,
            unread: prepared.unread_pages.len() as u64,
            most_features: prepared.most_features(),
        }
    }
}

impl Run<'_> {
    /// Reads files on the rayon pool and commits the batch before meanwhile. Returns the files that must
    /// be read again.
    pub(super) fn read_all(
        &mut self,
        tasks: &[Task],
        cancel: &AtomicBool,
    ) -> Result<Vec<Task>, EngineError> {
        let (library, embeds, threads) = (self.library, self.embeds, self.threads);
        let mut again = Vec::new();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let retakes = self.retakes;
            let read = move || {
                let reader = Reader {
                    library,
                    retakes,
                    cancel,
                };
                let send = |batch| sender.send(batch).is_ok();
                reader.read_batches(tasks, embeds, &send);
            };
            scope.spawn(move || on(threads, read));
            for batch in receiver {
                let batch = batch?;
                self.has_unread |= batch.iter().any(|(_, outcome)| {
                    matches!(outcome, Outcome::Refused(why) if why.code == RefusedCode::Unreadable)
                });
                again.extend(self.commit_batch(batch)?);
            }
            Ok(again)
        })
    }

    /// Commits a batch and then reports it. Returns the files whose picture was known when they were
    /// read and had been removed when they were committed.
    // Long because each kind of outcome makes its change and its event side by side.
    pub(super) fn commit_batch(
        &mut self,
        outcomes: Vec<TaskOutcome<'_>>,
    ) -> Result<Vec<Task>, EngineError> {
        let mut pending = Vec::with_capacity(outcomes.len());
        let mut committed = Vec::with_capacity(outcomes.len());
        let mut labels = Vec::new();
        let mut left = Vec::new();
        for (task, outcome) in outcomes {
            let path = task.path.clone();
            match outcome {
                Outcome::Ready(prepared, pixels) => {
                    let event = FolderEvent::Indexed {
                        path,
                        id: prepared.new.id.clone(),
                        features: prepared.new.feature_count,
                        already_there: false,
                    };
                    let pages = Pages::of(&prepared);
                    committed.push((task, event, Found::New(pixels, pages)));
                    labels.extend(label_change(&prepared.new.id, self.labels));
                    pending.push(PendingChange::Add(prepared));
                }
                Outcome::Known(known, again) => {
                    let id = known.id;
                    let event = FolderEvent::Indexed {
                        path: path.clone(),
                        features: known.features,
                        id: id.clone(),
                        already_there: true,
                    };
                    let source = task.source.clone();
                    let (found, change) = match again {
                        Some((prepared, pixels)) => {
                            let pages = Pages::of(&prepared);
                            let found = Found::Retaken(known.is_new_path, pixels, pages);
                            (found, PendingChange::Retake(prepared))
                        }
                        None => {
                            let id = id.clone();
                            let change = PendingChange::from(Change::AddSource { id, source });
                            (Found::Known(known.is_new_path), change)
                        }
                    };
                    committed.push((task, event, found));
                    if known.is_new_path {
                        self.moves.found(&id, !known.left.is_empty());
                    }
                    left.extend(known.left.into_iter().map(|from| Left {
                        id: id.clone(),
                        from,
                        path: path.clone(),
                    }));
                    labels.extend(label_change(&id, self.labels));
                    pending.push(change);
                }
                Outcome::Refused(refused) => {
                    let event = FolderEvent::Refused {
                        path,
                        code: refused.code,
                        detail: refused.detail.clone(),
                    };
                    // An unmounted disk or a missing right says nothing about the picture that was read
                    // from this file before: it stays.
                    let keeps = refused.code == RefusedCode::Unreadable
                        && self.known.contains(&*task.source.path);
                    if keeps {
                        self.count_refused(&event);
                        (self.on_event)(event);
                        continue;
                    }
                    committed.push((task, event, Found::Nothing));
                    pending.push(PendingChange::from(Change::Refuse(Refusal {
                        source: task.source.clone(),
                        code: refused.code.as_str().to_owned(),
                        reason: refused.detail,
                        seen_ms: now_ms(),
                    })));
                }
            }
        }
        // After the new paths, and first of what is no file.
        pending.extend(left.iter().map(|left| forget_source(&left.from)));
        pending.append(&mut labels);
        let effects = self.library.commit_part(self.folder, pending)?;
        let of_left: Vec<Effect> = effects.iter().skip(committed.len()).cloned().collect();
        if effects.contains(&Effect::TooManyTags) {
            warn_of_tags();
        }
        let mut again = Vec::new();
        let mut new = Vec::new();
        for ((task, mut event, found), effect) in committed.into_iter().zip(effects) {
            match &mut event {
                FolderEvent::Indexed {
                    already_there,
                    features,
                    ..
                } => match effect {
                    Effect::NotFound => {
                        again.push(task.clone());
                        continue;
                    }
                    Effect::Added { key, .. } => {
                        *already_there = false;
                        self.report.indexed += 1;
                        if let Found::New(pixels, pages) = found {
                            let is_weak = pages.most_features.max(*features) < WEAK_BELOW;
                            self.report.weak += u64::from(is_weak);
                            self.report.pages += pages.described;
                            self.report.unread_pages += pages.unread;
                            new.extend(pixels.map(|pixels| (key, pixels)));
                        }
                    }
                    _ => {
                        *already_there = true;
                        match found {
                            Found::Known(false) | Found::Retaken(false, ..) => {
                                self.report.same_bytes += 1;
                            }
                            _ => self.report.already_there += 1,
                        }
                        if let (Effect::Retaken { key, .. }, Found::Retaken(_, pixels, pages)) =
                            (effect, found)
                        {
                            self.report.retaken += 1;
                            self.report.unread_pages += pages.unread;
                            new.extend(pixels.map(|pixels| (key, pixels)));
                        }
                    }
                },
                refused => self.count_refused(refused),
            }
            (self.on_event)(event);
        }
        for (left, effect) in left.into_iter().zip(of_left) {
            // Another file of this batch may have left the same path.
            if matches!(effect, Effect::SourceDropped { .. }) {
                self.moves.forgot(&left.id, &left.from);
                let Left { from, path, .. } = left;
                (self.on_event)(FolderEvent::Moved { from, path });
            }
        }
        self.embed(new);
        Ok(again)
    }

    fn count_refused(&mut self, event: &FolderEvent) {
        if let FolderEvent::Refused { path, code, .. } = event {
            let is_none = RefusedKind::of(code.as_str(), path) == RefusedKind::NoPicture;
            self.report.refused += 1;
            self.report.no_pictures += u64::from(is_none);
        }
    }

    /// Describes new pictures by the models in use, from the pixels that were decoded for their features,
    /// and reports each model's progress where that changed. Pictures that a model fails on wait for
    /// [`crate::GlobalModels::embed_missing`].
    fn embed(&mut self, new: Vec<(u64, Image)>) {
        if !self.embeds.load(Ordering::Relaxed) {
            return;
        }
        // Files read so far that were refused or stored already are not described.
        let report = &self.report;
        let left_out = report.refused + report.already_there + report.same_bytes;
        let to_embed = (self.to_do + report.retaken).saturating_sub(left_out);
        let (keys, images): (Vec<u64>, Vec<Image>) = new.into_iter().unzip();
        for model in self.library.models().list().iter().filter(|m| m.can_embed) {
            let describe = || embed_new(self.library, model, &keys, &images);
            if let Err(error) = on(self.threads, describe) {
                tracing::warn!("{} waits to describe pictures: {error}", model.name);
                self.embeds.store(false, Ordering::Relaxed);
                return;
            }
            let mut all = self.embedded.iter();
            let at = all.position(|(name, ..)| *name == model.name);
            let at = at.unwrap_or_else(|| {
                self.embedded.push((model.name.clone(), 0, to_embed));
                self.embedded.len() - 1
            });
            let (model, done, total) = &mut self.embedded[at];
            let before = (*done, *total);
            *done += keys.len() as u64;
            *total = to_embed;
            let (done, total) = (*done, *total);
            if done > 0 && (done, total) != before {
                let model = model.clone();
                (self.on_event)(FolderEvent::Embedded { model, done, total });
            }
        }
    }

    /// Changes the labels of stored pictures, a page at a time.
    pub(super) fn label<'p>(
        &self,
        mut ids: impl Iterator<Item = &'p PictureId>,
    ) -> Result<(), EngineError> {
        if self.labels.is_empty() {
            return Ok(());
        }
        loop {
            let page: Vec<&PictureId> = ids.by_ref().take(PAGE).collect();
            if page.is_empty() {
                return Ok(());
            }
            match self.label_page(&page) {
                // One damaged picture must not keep all others from being labelled.
                Err(EngineError::Store(StoreError::PictureDamaged { .. })) => {}
                done => {
                    done?;
                    continue;
                }
            }
            for id in page {
                match self.label_page(&[id]) {
                    Err(error @ EngineError::Store(StoreError::PictureDamaged { .. })) => {
                        tracing::warn!("a picture is not labelled: {error}");
                    }
                    done => done?,
                }
            }
        }
    }

    fn label_page(&self, ids: &[&PictureId]) -> Result<(), EngineError> {
        let changes = ids.iter().filter_map(|id| label_change(id, self.labels));
        let effects = self.library.commit(changes.collect())?;
        if effects.contains(&Effect::TooManyTags) {
            warn_of_tags();
        }
        Ok(())
    }
}

/// Does `work` on the threads that were chosen for it, if any were.
fn on<T: Send>(threads: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match threads {
        Some(threads) => threads.install(work),
        None => work(),
    }
}

fn forget_source(path: &str) -> PendingChange {
    let path = path.to_owned();
    PendingChange::from(Change::ForgetSource { path })
}

/// In a folder, a picture with all the tags it may have must not stop the rest.
fn warn_of_tags() {
    tracing::warn!("some pictures have as many tags as a picture may have, and got no more");
}
