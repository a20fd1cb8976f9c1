//! One run over a folder: files are read and described in parallel while the batch before is committed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use rayon::ThreadPool;
use rayon::prelude::*;
use resight_decode::{Refused, RefusedCode, read_bounded};
use resight_store::{Change, Effect, LabelPatch, PictureId, Refusal, StoreError, now_ms};
use resight_vision::{Fault, Image};

use super::listing::Task;
use super::moves::{KnownPicture, Left, Moves};
use super::report::{FolderEvent, FolderReport};
use crate::describe::describe;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::labels::label_change;
use crate::library::plain::WEAK_BELOW;
use crate::library::prepare::{PendingChange, PreparedPicture};
use crate::library::refused_files::RefusedKind;
use crate::likeness::embed::embed_new;
use crate::picture::id_of;
use crate::stored_path::{path_text, readable};

/// Files prepared between two commits, for each thread: few enough that a kill loses little and memory
/// stays bounded, many enough that a commit is shared.
const BATCH_PER_THREAD: usize = 8;
/// Bytes of pixels kept for global models, and of features of pictures with several pages, after which a batch is
/// committed early.
const MOST_HELD_BYTES: usize = 128 << 20;
/// Changes of one commit where no picture is read.
pub(super) const PAGE: usize = 5000;

/// What became of a file.
pub(super) enum Outcome {
    /// A new picture, with its pixels where a global model will describe it.
    Ready(Box<PreparedPicture>, Option<Image>),
    /// A picture stored before.
    Known(KnownPicture),
    Refused(Refused),
}

/// What a file turned out to have.
enum Found {
    /// Another picture than before, with its pixels where a global model will describe it.
    New(Option<Image>, Pages),
    /// A picture stored before, and whether at another path.
    Known(bool),
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

/// Reads and describes a file.
fn read(
    library: &Library,
    task: &Task,
    keeps_pixels: bool,
    cancel: &AtomicBool,
) -> Result<Outcome, EngineError> {
    let bytes = match read_bounded(&task.path, library.options().decode.max_bytes) {
        Ok(bytes) => bytes,
        Err(refused) => return Ok(Outcome::Refused(refused)),
    };
    let id = id_of(&bytes);
    let record = match library.catalogue().picture(&id) {
        // It must not stop the rest, and the picture that was read from this file stays.
        Err(error @ StoreError::PictureDamaged { .. }) => {
            let refused = Refused::new(RefusedCode::Unreadable, error.to_string());
            return Ok(Outcome::Refused(refused));
        }
        read => read?,
    };
    if let Some(record) = record {
        let known = KnownPicture::new(record, &task.source.path);
        return Ok(Outcome::Known(known));
    }
    let name = task
        .path
        .file_name()
        .and_then(|name| path_text(name.as_ref()));
    let name = name.map_or_else(|| "picture".to_owned(), |name| readable(&name));
    let described = describe(
        &bytes,
        library.options(),
        &**library.extractor(),
        Some(cancel),
    );
    let prepared = described.and_then(|described| {
        let prepared = library.prepare(id, &name, &bytes, &described, Some(cancel))?;
        Ok((prepared, described.image))
    });
    match prepared {
        Ok((mut prepared, image)) => {
            prepared.new.source = Some(task.source.clone());
            let pixels = keeps_pixels.then_some(image);
            Ok(Outcome::Ready(Box::new(prepared), pixels))
        }
        Err(EngineError::Refused(refused)) => Ok(Outcome::Refused(refused)),
        Err(EngineError::Extract(error)) if error.fault == Fault::Picture => Ok(Outcome::Refused(
            Refused::new(RefusedCode::ExtractorFailed, error.detail),
        )),
        Err(EngineError::Internal(detail)) => Ok(Outcome::Refused(Refused::new(
            RefusedCode::DecoderFailed,
            detail,
        ))),
        Err(other) => Err(other),
    }
}

/// A file with what became of it.
type TaskOutcome<'t> = (&'t Task, Outcome);

/// Reads files in order and sends them in batches, until the receiver is gone or `cancel` is set.
fn read_batches<'t>(
    library: &Library,
    tasks: &'t [Task],
    embeds: &AtomicBool,
    cancel: &AtomicBool,
    send: &dyn Fn(Result<Vec<TaskOutcome<'t>>, EngineError>) -> bool,
) {
    let threads = rayon::current_num_threads();
    let batch = BATCH_PER_THREAD * threads;
    let mut ready = Vec::with_capacity(batch);
    let mut held_bytes = 0;
    let mut rest = tasks;
    while !rest.is_empty() {
        let keeps_pixels = embeds.load(Ordering::Relaxed);
        // With pixels and many pages, memory is looked at more often.
        let has_pages = rest
            .iter()
            .take(batch)
            .any(|task| may_have_pages(&task.path));
        let step = if keeps_pixels || has_pages {
            2 * threads
        } else {
            batch
        };
        let (next, later) = rest.split_at(step.min(batch - ready.len()).min(rest.len()));
        rest = later;
        let read = next
            .par_iter()
            .filter(|_| !cancel.load(Ordering::Relaxed))
            .map(|task| Ok((task, read(library, task, keeps_pixels, cancel)?)))
            .filter(|read| !matches!(read, Err(EngineError::Cancelled)))
            .collect::<Result<Vec<_>, EngineError>>();
        match read {
            Ok(read) => {
                held_bytes += read
                    .iter()
                    .map(|(_, outcome)| outcome.held_bytes())
                    .sum::<usize>();
                ready.extend(read);
            }
            Err(error) => {
                send(Err(error));
                return;
            }
        }
        let is_cancelled = cancel.load(Ordering::Relaxed);
        let is_full = ready.len() >= batch || held_bytes >= MOST_HELD_BYTES;
        if is_full || is_cancelled || rest.is_empty() {
            held_bytes = 0;
            let full = std::mem::replace(&mut ready, Vec::with_capacity(batch));
            if full.is_empty() || !send(Ok(full)) {
                return;
            }
        }
    }
}

impl Outcome {
    fn held_bytes(&self) -> usize {
        match self {
            Self::Ready(prepared, image) => {
                let pixels = image.as_ref().map_or(0, |image| image.rgb().len());
                let has_pages = !prepared.new.views.is_empty();
                pixels
                    + if has_pages {
                        prepared.feature_bytes()
                    } else {
                        0
                    }
            }
            _ => 0,
        }
    }
}

/// Whether files of this name often have several pages or frames.
fn may_have_pages(path: &Path) -> bool {
    const ENDINGS: [&str; 7] = ["pdf", "tif", "tiff", "gif", "apng", "webp", "jxl"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one)))
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
            let read = move || {
                let send = |batch| sender.send(batch).is_ok();
                read_batches(library, tasks, embeds, cancel, &send);
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
                    let pages = Pages {
                        described: prepared.new.views.len() as u64,
                        unread: prepared.unread_pages.into(),
                        most_features: prepared.most_features(),
                    };
                    committed.push((task, event, Found::New(pixels, pages)));
                    labels.extend(label_change(&prepared.new.id, self.labels));
                    pending.push(PendingChange::Add(prepared));
                }
                Outcome::Known(known) => {
                    let id = known.id;
                    let event = FolderEvent::Indexed {
                        path: path.clone(),
                        features: known.features,
                        id: id.clone(),
                        already_there: true,
                    };
                    committed.push((task, event, Found::Known(known.is_new_path)));
                    if known.is_new_path {
                        self.moves.found(&id, !known.left.is_empty());
                    }
                    left.extend(known.left.into_iter().map(|from| Left {
                        id: id.clone(),
                        from,
                        path: path.clone(),
                    }));
                    labels.extend(label_change(&id, self.labels));
                    let source = task.source.clone();
                    pending.push(PendingChange::from(Change::AddSource { id, source }));
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
                            Found::Known(false) => self.report.same_bytes += 1,
                            _ => self.report.already_there += 1,
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
        let to_embed = self.to_do.saturating_sub(left_out);
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
