//! Indexing a folder: only what is new or changed, in path order, resumable at any moment.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rayon::prelude::*;
use resight_store::{Change, Effect, PictureId, Refusal, SourceFile};

use crate::decode::{Refused, RefusedCode};
use crate::engine::{Engine, Pending, Prepared, unreadable};
use crate::error::EngineError;
use crate::picture::id_of;

/// How a folder is indexed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderOptions {
    /// Forget pictures whose files are no longer there.
    pub prune: bool,
    /// Try files again that were refused before and have not changed.
    pub retry_refused: bool,
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
    /// Pictures held whose files are gone.
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

/// A file to be read.
struct Task {
    path: PathBuf,
    source: SourceFile,
}

/// What became of it.
enum Outcome {
    Ready(Box<Prepared>),
    Known(PictureId),
    Refused(Refused),
}

impl Engine {
    /// Indexes every file in `dir` and below, hidden ones excepted, links followed. Files known
    /// from an earlier run are skipped when neither length nor time of change differ. A file that
    /// cannot be read as a picture is recorded with its reason and the rest goes on. Setting
    /// `cancel` stops after the files in work; what was reported is kept.
    pub fn index_folder(
        &self,
        dir: &Path,
        options: &FolderOptions,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<FolderReport, EngineError> {
        let start = Instant::now();
        let unreadable_folder = |reason: String| EngineError::FolderUnreadable {
            path: dir.to_owned(),
            reason,
        };
        let root = std::fs::canonicalize(dir).map_err(|e| unreadable_folder(e.to_string()))?;
        if !root.is_dir() {
            return Err(unreadable_folder("it is not a folder".into()));
        }
        std::fs::read_dir(&root).map_err(|e| unreadable_folder(e.to_string()))?;
        let prefix = root.join("").to_str().map(str::to_owned);
        let prefix =
            prefix.ok_or_else(|| unreadable_folder("its name is not valid UTF-8".into()))?;

        let mut known = self.known_sources(&prefix)?;
        let refused = self.known_refusals(&prefix)?;
        let mut report = FolderReport::default();
        let mut seen = HashSet::new();
        let (mut tasks, mut unlisted) = (Vec::new(), Vec::new());
        for entry in list(&root) {
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            report.files += 1;
            match entry {
                Ok(task) => {
                    let path = task.source.path.clone();
                    if known.get(&path) == Some(&task.source) {
                        report.unchanged += 1;
                    } else if !options.retry_refused && refused.get(&path) == Some(&task.source) {
                        report.unchanged_refused += 1;
                    } else {
                        tasks.push(task);
                    }
                    seen.insert(path);
                }
                Err(problem) => unlisted.push(problem),
            }
        }
        on_event(FolderEvent::Listed {
            files: report.files,
            unchanged: report.unchanged + report.unchanged_refused,
            to_do: (tasks.len() + unlisted.len()) as u64,
        });
        for (path, refusal) in unlisted {
            self.take(
                vec![(task_of(path), Outcome::Refused(refusal))],
                &mut report,
                on_event,
            )?;
        }
        self.run(&tasks, cancel, &mut report, on_event)?;

        report.cancelled = cancel.load(Ordering::Relaxed);
        if !report.cancelled {
            known.retain(|path, _| !seen.contains(path));
            let mut gone: Vec<String> = known.into_keys().collect();
            gone.extend(refused.into_keys().filter(|p| !seen.contains(p)));
            gone.sort_unstable();
            self.forget(gone, options.prune, &mut report, on_event)?;
        }
        report.elapsed = start.elapsed();
        Ok(report)
    }

    /// Prepares batches on the rayon pool while the batch before is committed here.
    fn run(
        &self,
        tasks: &[Task],
        cancel: &AtomicBool,
        report: &mut FolderReport,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<(), EngineError> {
        let batch = BATCH_PER_THREAD * rayon::current_num_threads();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Vec<(&Task, Result<Outcome, EngineError>)>>(1);
            scope.spawn(move || {
                for chunk in tasks.chunks(batch) {
                    let ready: Vec<_> = chunk
                        .par_iter()
                        .filter(|_| !cancel.load(Ordering::Relaxed))
                        .map(|task| (task, self.read(task)))
                        .collect();
                    if ready.is_empty() || sender.send(ready).is_err() {
                        return;
                    }
                }
            });
            for ready in receiver {
                let mut outcomes = Vec::with_capacity(ready.len());
                for (task, outcome) in ready {
                    outcomes.push((
                        Task {
                            path: task.path.clone(),
                            source: task.source.clone(),
                        },
                        outcome?,
                    ));
                }
                self.take(outcomes, report, on_event)?;
            }
            Ok(())
        })
    }

    fn read(&self, task: &Task) -> Result<Outcome, EngineError> {
        let limit = self.options.decode.max_bytes;
        let bytes = match read_bounded(&task.path, limit) {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(Outcome::Refused(refused)),
        };
        let id = id_of(&bytes);
        if self.parts.catalogue.picture(&id)?.is_some() {
            return Ok(Outcome::Known(id));
        }
        let name = task
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned());
        let prepared = self.describe(&bytes).and_then(|d| {
            self.prepare(
                id,
                name.as_deref().unwrap_or("picture"),
                bytes.len() as u64,
                &d,
            )
        });
        match prepared {
            Ok(mut prepared) => {
                prepared.new.source = Some(task.source.clone());
                Ok(Outcome::Ready(Box::new(prepared)))
            }
            Err(EngineError::Refused(refused)) => Ok(Outcome::Refused(refused)),
            Err(EngineError::Internal(detail)) => Ok(Outcome::Refused(Refused {
                code: RefusedCode::DecoderFailed,
                detail,
            })),
            Err(other) => Err(other),
        }
    }

    /// Commits a batch and then reports it.
    fn take(
        &self,
        outcomes: Vec<(Task, Outcome)>,
        report: &mut FolderReport,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<(), EngineError> {
        let mut pending = Vec::with_capacity(outcomes.len());
        let mut events = Vec::with_capacity(outcomes.len());
        for (task, outcome) in outcomes {
            let path = task.path;
            match outcome {
                Outcome::Ready(prepared) => {
                    events.push(FolderEvent::Indexed {
                        path,
                        id: prepared.new.id.clone(),
                        features: prepared.new.feature_count,
                        already_there: false,
                    });
                    pending.push(Pending::Add(prepared));
                }
                Outcome::Known(id) => {
                    events.push(FolderEvent::Indexed {
                        path,
                        features: self.picture(&id).map_or(0, |p| p.features),
                        id: id.clone(),
                        already_there: true,
                    });
                    pending.push(Pending::Change(Change::AddSource {
                        id,
                        source: task.source,
                    }));
                }
                Outcome::Refused(refused) => {
                    pending.push(Pending::Change(Change::Refuse(Refusal {
                        source: task.source,
                        code: refused.code.as_str().to_owned(),
                        reason: refused.detail.clone(),
                        seen_ms: now_ms(),
                    })));
                    events.push(FolderEvent::Refused {
                        path,
                        code: refused.code,
                        detail: refused.detail,
                    });
                }
            }
        }
        let effects = self.commit(pending)?;
        for (mut event, effect) in events.into_iter().zip(effects) {
            match &mut event {
                // Known when it was read and removed since: the next run reads it again.
                _ if effect == Effect::NotFound => continue,
                FolderEvent::Indexed { already_there, .. } => {
                    *already_there = !matches!(effect, Effect::Added { .. });
                    if *already_there {
                        report.already_there += 1;
                    } else {
                        report.indexed += 1;
                    }
                }
                _ => report.refused += 1,
            }
            on_event(event);
        }
        Ok(())
    }

    /// Counts what is gone from the folder, and forgets it when asked to.
    fn forget(
        &self,
        gone: Vec<String>,
        prune: bool,
        report: &mut FolderReport,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<(), EngineError> {
        report.missing = gone.len() as u64;
        if !prune {
            return Ok(());
        }
        for paths in gone.chunks(PAGE) {
            let drop = |path: &String| Pending::Change(Change::DropSource { path: path.clone() });
            self.commit(paths.iter().map(drop).collect())?;
            report.pruned += paths.len() as u64;
            for path in paths {
                on_event(FolderEvent::Pruned { path: path.clone() });
            }
        }
        Ok(())
    }

    fn known_sources(&self, prefix: &str) -> Result<HashMap<String, SourceFile>, EngineError> {
        let mut known = HashMap::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .parts
                .catalogue
                .sources_under(prefix, after.as_deref(), PAGE)?;
            after = match page.last() {
                Some((source, _)) => Some(source.path.clone()),
                None => return Ok(known),
            };
            known.extend(
                page.into_iter()
                    .map(|(source, _)| (source.path.clone(), source)),
            );
        }
    }

    fn known_refusals(&self, prefix: &str) -> Result<HashMap<String, SourceFile>, EngineError> {
        let mut known = HashMap::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .parts
                .catalogue
                .refusals_under(prefix, after.as_deref(), PAGE)?;
            after = match page.last() {
                Some(refusal) => Some(refusal.source.path.clone()),
                None => return Ok(known),
            };
            known.extend(page.into_iter().map(|r| (r.source.path.clone(), r.source)));
        }
    }
}

/// All files below `root` in path order; those that cannot be looked at come with the reason.
fn list(root: &Path) -> impl Iterator<Item = Result<Task, (PathBuf, Refused)>> {
    let hidden =
        |e: &walkdir::DirEntry| e.depth() > 0 && e.file_name().as_encoded_bytes().starts_with(b".");
    walkdir::WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(move |e| !hidden(e))
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => Some(look_at(entry.into_path())),
            // A link that leads back to a folder above is no file and no failure.
            Err(error) if error.loop_ancestor().is_some() => None,
            Err(error) => {
                let path = error.path().map(Path::to_owned).unwrap_or_default();
                let detail = format!("it cannot be read: {error}");
                let code = RefusedCode::Unreadable;
                Some(Err((path, Refused { code, detail })))
            }
        })
}

fn look_at(path: PathBuf) -> Result<Task, (PathBuf, Refused)> {
    let refuse = |path: PathBuf, detail: String| {
        let code = RefusedCode::Unreadable;
        Err((path, Refused { code, detail }))
    };
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => return refuse(path, format!("it cannot be read: {error}")),
    };
    // Reading a pipe or a device would wait for ever.
    if !metadata.is_file() {
        return refuse(path, "it is not a regular file".into());
    }
    let Some(name) = path.to_str().map(str::to_owned) else {
        return refuse(path, "its name is not valid UTF-8; rename it".into());
    };
    let modified = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    Ok(Task {
        source: SourceFile {
            path: name,
            byte_len: metadata.len(),
            modified_ns: modified.map_or(0, |d| d.as_nanos() as i64),
        },
        path,
    })
}

fn task_of(path: PathBuf) -> Task {
    Task {
        source: SourceFile {
            path: path.to_string_lossy().into_owned(),
            byte_len: 0,
            modified_ns: 0,
        },
        path,
    }
}

/// Reads a file of at most `limit` bytes; one byte more is read to see that it goes on.
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Refused> {
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > limit {
        return Err(Refused {
            code: RefusedCode::TooManyBytes,
            detail: format!("the file is longer than the limit of {limit} bytes"),
        });
    }
    Ok(bytes)
}

fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64)
}
