//! Indexing a folder: only what is new or changed, in path order, resumable at any moment.

mod listing;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rayon::prelude::*;
use resight_store::{Change, Effect, LabelPatch, PictureId, Refusal, SourceFile, StoreError};
use resight_vision::Fault;

use listing::Task;
pub(crate) use listing::list;

use crate::commit::{Pending, Prepared};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::labels::{check_tags, label, warn_of_tags};
use crate::picture::id_of;
use resight_decode::{Refused, RefusedCode, read_bounded};

/// How a folder is indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderOptions {
    /// Forget pictures whose files are no longer there.
    pub prune: bool,
    /// Try files again that were refused before and have not changed.
    pub retry_refused: bool,
    /// A folder to leave out wherever it is met: the data folder, so that Resight never takes in
    /// its own thumbnails.
    pub skip: Option<PathBuf>,
    /// What is to be said about each picture of the folder, also about those that are unchanged.
    pub labels: LabelPatch,
}

/// Something that happened; whatever it reports is durable already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderEvent {
    /// The folder has been read through.
    Listed {
        /// Files in it.
        files: u64,
        /// Of these, known from an earlier run and not changed.
        unchanged: u64,
        /// Of these, to be read now.
        to_do: u64,
    },
    /// A picture is held and can be found.
    Indexed {
        /// Its file.
        path: PathBuf,
        /// Its id.
        id: PictureId,
        /// Its features.
        features: u32,
        /// Whether the same bytes were held before.
        already_there: bool,
    },
    /// A file could not be read as a picture.
    Refused {
        /// The file.
        path: PathBuf,
        /// Stable code.
        code: RefusedCode,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is gone, and its picture was forgotten.
    Pruned {
        /// The file.
        path: String,
    },
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderReport {
    /// Files in the folder.
    pub files: u64,
    /// Pictures added.
    pub indexed: u64,
    /// Files whose very bytes were held before.
    pub already_there: u64,
    /// Files known from an earlier run.
    pub unchanged: u64,
    /// Files refused now.
    pub refused: u64,
    /// Files refused in an earlier run, and not changed since.
    pub unchanged_refused: u64,
    /// Files that pictures are held of and that are gone.
    pub missing: u64,
    /// Of these, forgotten.
    pub pruned: u64,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// Files prepared between two commits, for each thread: few enough that little is lost by a kill
/// and memory stays bounded, many enough that a commit is shared.
const BATCH_PER_THREAD: usize = 8;
/// Sources read from the catalogue at a time.
const PAGE: usize = 5000;
/// Times that files are read again because their picture was removed meanwhile.
const RETRIES: usize = 3;

/// What became of a file.
enum Outcome {
    Ready(Box<Prepared>),
    /// Held already, with so many features.
    Known(PictureId, u32),
    Refused(Refused),
}

/// A run over one folder: what was known before, and what is reported.
struct Run<'a> {
    engine: &'a Engine,
    /// Sources below the folder.
    known: HashMap<String, SourceFile>,
    /// What is to be said about each picture.
    labels: &'a LabelPatch,
    report: FolderReport,
    on_event: &'a mut dyn FnMut(FolderEvent),
}

impl Engine {
    /// Indexes every file in `dir` and below, hidden ones excepted, links followed. Files known
    /// from an earlier run are skipped when neither length nor time of change differ. A file that
    /// cannot be read as a picture is recorded with its reason and the rest goes on, and so is a
    /// picture that the extractor fails on, which is tried again by the next run. An extractor that
    /// can describe nothing stops the run after a while with its error. A file that
    /// cannot be read at all keeps the picture that was read from it before. Setting `cancel`
    /// stops after the files in work; what was reported is kept.
    pub fn index_folder(
        &self,
        dir: &Path,
        options: &FolderOptions,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<FolderReport, EngineError> {
        let start = Instant::now();
        check_tags(&options.labels)?;
        let unreadable = |reason: String| EngineError::FolderUnreadable {
            path: dir.to_owned(),
            reason,
        };
        let root = std::fs::canonicalize(dir).map_err(|e| unreadable(e.to_string()))?;
        if !root.is_dir() {
            return Err(unreadable("it is not a folder".into()));
        }
        std::fs::read_dir(&root).map_err(|e| unreadable(e.to_string()))?;
        let prefix = root.join("").to_str().map(str::to_owned);
        let prefix = prefix.ok_or_else(|| unreadable("its name is not valid UTF-8".into()))?;

        let refused = self.known_refusals(&prefix)?;
        let mut run = Run {
            engine: self,
            known: self.known_sources(&prefix)?,
            labels: &options.labels,
            report: FolderReport::default(),
            on_event,
        };
        let mut seen = HashSet::new();
        let mut tasks = Vec::new();
        let mut problems = Vec::new();
        for entry in list(&root, options.skip.as_deref()) {
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            run.report.files += 1;
            match entry {
                Ok(task) => {
                    let path = task.source.path.clone();
                    if run.known.get(&path) == Some(&task.source) {
                        run.report.unchanged += 1;
                    } else if !options.retry_refused
                        && stays_refused(refused.get(&path), &task.source)
                    {
                        run.report.unchanged_refused += 1;
                    } else {
                        tasks.push(task);
                    }
                    seen.insert(path);
                }
                Err((task, problem)) => {
                    seen.insert(task.source.path.clone());
                    problems.push((task, problem));
                }
            }
        }
        if options.prune && run.report.files == 0 && !run.known.is_empty() {
            return Err(unreadable(format!(
                "it is empty, and {} files were indexed from it: if its disk is mounted and they are really gone, remove them by id or path",
                run.known.len()
            )));
        }
        (run.on_event)(FolderEvent::Listed {
            files: run.report.files,
            unchanged: run.report.unchanged + run.report.unchanged_refused,
            to_do: (tasks.len() + problems.len()) as u64,
        });
        self.label_sources(&prefix, &seen, &options.labels)?;
        let refuse = problems
            .iter()
            .map(|(task, why)| (task, Outcome::Refused(why.clone())));
        run.take(refuse.collect())?;
        for _ in 0..=RETRIES {
            tasks = run.read_all(&tasks, cancel)?;
            if tasks.is_empty() {
                break;
            }
        }
        run.report.cancelled = cancel.load(Ordering::Relaxed);
        if !run.report.cancelled {
            // What lies below a folder that could not be listed is not known to be gone.
            let is_gone = |path: &String| {
                !seen.contains(path)
                    && !problems
                        .iter()
                        .any(|(task, _)| Path::new(path).starts_with(&task.path))
            };
            run.forget_refusals(refused.into_keys().filter(&is_gone).collect())?;
            let gone = run.known.keys().filter(|p| is_gone(p)).cloned().collect();
            run.forget(gone, options.prune)?;
        }
        run.report.elapsed = start.elapsed();
        Ok(run.report)
    }

    fn read(&self, task: &Task, cancel: &AtomicBool) -> Result<Outcome, EngineError> {
        let bytes = match read_bounded(&task.path, self.options.decode.max_bytes) {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(Outcome::Refused(refused)),
        };
        let id = id_of(&bytes);
        if let Some(record) = self.parts.catalogue.picture(&id)? {
            return Ok(Outcome::Known(id, record.feature_count));
        }
        let name = task
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned());
        let name = name.as_deref().unwrap_or("picture");
        let prepared = self
            .describe(&bytes, Some(cancel))
            .and_then(|d| self.prepare(id, name, bytes.len() as u64, &d));
        match prepared {
            Ok(mut prepared) => {
                prepared.new.source = Some(task.source.clone());
                Ok(Outcome::Ready(Box::new(prepared)))
            }
            Err(EngineError::Refused(refused)) => Ok(Outcome::Refused(refused)),
            Err(EngineError::Extract(error)) if error.fault == Fault::Picture => {
                let detail = error.detail;
                Ok(Outcome::Refused(Refused::new(
                    RefusedCode::ExtractorFailed,
                    detail,
                )))
            }
            Err(EngineError::Internal(detail)) => Ok(Outcome::Refused(Refused {
                code: RefusedCode::DecoderFailed,
                detail,
            })),
            Err(other) => Err(other),
        }
    }

    fn known_sources(&self, prefix: &str) -> Result<HashMap<String, SourceFile>, EngineError> {
        let sources = pages(
            |(source, _): &(SourceFile, PictureId)| &source.path,
            |after| self.parts.catalogue.sources_under(prefix, after, PAGE),
        )?;
        let by_path = |(source, _): (SourceFile, _)| (source.path.clone(), source);
        Ok(sources.into_iter().map(by_path).collect())
    }

    fn known_refusals(&self, prefix: &str) -> Result<HashMap<String, Refusal>, EngineError> {
        let refusals = pages(
            |refusal: &Refusal| &refusal.source.path,
            |after| self.parts.catalogue.refusals_under(prefix, after, PAGE),
        )?;
        let by_path = |refusal: Refusal| (refusal.source.path.clone(), refusal);
        Ok(refusals.into_iter().map(by_path).collect())
    }
}

/// Whether a file that was refused is left out: not what the extractor failed on, which somebody
/// may have mended since.
fn stays_refused(before: Option<&Refusal>, now: &SourceFile) -> bool {
    before.is_some_and(|refusal| {
        refusal.source == *now && refusal.code != RefusedCode::ExtractorFailed.as_str()
    })
}

/// All pages of a listing by path.
fn pages<T>(
    path: impl Fn(&T) -> &str,
    page: impl Fn(Option<&str>) -> Result<Vec<T>, StoreError>,
) -> Result<Vec<T>, EngineError> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let next = page(all.last().map(&path))?;
        if next.is_empty() {
            return Ok(all);
        }
        all.extend(next);
    }
}

impl Run<'_> {
    /// Prepares batches on the rayon pool while the batch before is committed here. Gives back the
    /// files that must be read again.
    fn read_all(&mut self, tasks: &[Task], cancel: &AtomicBool) -> Result<Vec<Task>, EngineError> {
        let batch = BATCH_PER_THREAD * rayon::current_num_threads();
        let engine = self.engine;
        let mut again = Vec::new();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Vec<(&Task, Result<Outcome, EngineError>)>>(1);
            scope.spawn(move || {
                for chunk in tasks.chunks(batch) {
                    let ready: Vec<_> = chunk
                        .par_iter()
                        .filter(|_| !cancel.load(Ordering::Relaxed))
                        .map(|task| (task, engine.read(task, cancel)))
                        .filter(|(_, read)| !matches!(read, Err(EngineError::Cancelled)))
                        .collect();
                    if ready.is_empty() || sender.send(ready).is_err() {
                        return;
                    }
                }
            });
            for ready in receiver {
                let outcomes = ready
                    .into_iter()
                    .map(|(task, outcome)| Ok((task, outcome?)));
                again.extend(self.take(outcomes.collect::<Result<_, EngineError>>()?)?);
            }
            Ok(again)
        })
    }

    /// Commits a batch and then reports it. Gives back the files whose picture was known when they
    /// were read and had been removed when they were committed.
    fn take(&mut self, outcomes: Vec<(&Task, Outcome)>) -> Result<Vec<Task>, EngineError> {
        let mut pending = Vec::with_capacity(outcomes.len());
        let mut committed = Vec::with_capacity(outcomes.len());
        let mut said_after = Vec::new();
        for (task, outcome) in outcomes {
            let path = task.path.clone();
            match outcome {
                Outcome::Ready(prepared) => {
                    let event = FolderEvent::Indexed {
                        path,
                        id: prepared.new.id.clone(),
                        features: prepared.new.feature_count,
                        already_there: false,
                    };
                    committed.push((task, event));
                    let said = label(&prepared.new.id, self.labels);
                    pending.push(Pending::Add(prepared));
                    said_after.extend(said);
                }
                Outcome::Known(id, features) => {
                    let event = FolderEvent::Indexed {
                        path,
                        features,
                        id: id.clone(),
                        already_there: true,
                    };
                    committed.push((task, event));
                    let source = task.source.clone();
                    said_after.extend(label(&id, self.labels));
                    pending.push(Pending::Change(Change::AddSource { id, source }));
                }
                Outcome::Refused(refused) => {
                    let event = FolderEvent::Refused {
                        path,
                        code: refused.code,
                        detail: refused.detail.clone(),
                    };
                    // A disk that is away or a right that is missing says nothing about the
                    // picture that was read from this file before: it stays.
                    let keeps = refused.code == RefusedCode::Unreadable
                        && self.known.contains_key(&task.source.path);
                    if keeps {
                        self.report.refused += 1;
                        (self.on_event)(event);
                        continue;
                    }
                    committed.push((task, event));
                    pending.push(Pending::Change(Change::Refuse(Refusal {
                        source: task.source.clone(),
                        code: refused.code.as_str().to_owned(),
                        reason: refused.detail,
                        seen_ms: now_ms(),
                    })));
                }
            }
        }
        let mut again = Vec::new();
        pending.append(&mut said_after);
        let effects = self.engine.commit(pending)?;
        if effects.contains(&Effect::TooManyTags) {
            warn_of_tags();
        }
        for ((task, mut event), effect) in committed.into_iter().zip(effects) {
            match &mut event {
                FolderEvent::Indexed { already_there, .. } => match effect {
                    Effect::NotFound => {
                        again.push(task.clone());
                        continue;
                    }
                    Effect::Added { .. } => {
                        *already_there = false;
                        self.report.indexed += 1;
                    }
                    _ => {
                        *already_there = true;
                        self.report.already_there += 1;
                    }
                },
                _ => self.report.refused += 1,
            }
            (self.on_event)(event);
        }
        Ok(again)
    }

    /// Drops the records of refused files that are gone: no picture hangs on them.
    fn forget_refusals(&mut self, gone: Vec<String>) -> Result<(), EngineError> {
        for paths in gone.chunks(PAGE) {
            let paths = paths.iter().cloned();
            self.engine.commit(paths.map(drop_source).collect())?;
        }
        Ok(())
    }

    /// Counts the files that are gone, and forgets them when asked to.
    fn forget(&mut self, mut gone: Vec<String>, prune: bool) -> Result<(), EngineError> {
        self.report.missing = gone.len() as u64;
        if !prune {
            return Ok(());
        }
        gone.sort_unstable();
        for paths in gone.chunks(PAGE) {
            self.engine
                .commit(paths.iter().cloned().map(drop_source).collect())?;
            self.report.pruned += paths.len() as u64;
            for path in paths {
                (self.on_event)(FolderEvent::Pruned { path: path.clone() });
            }
        }
        Ok(())
    }
}

fn drop_source(path: String) -> Pending {
    Pending::Change(Change::DropSource { path })
}

fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64)
}
