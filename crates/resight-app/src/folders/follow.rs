//! Following what changes in registered folders.
//!
//! One thread does it for all of them. Paths at which something has happened are compared with what is stored when
//! they have stayed as they are for a moment; where more has happened than can be told, a job looks at the whole folder.
//!
//! Invariant: a folder that is not there loses no picture. It is looked for, and a job looks at all of it when it is
//! back.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use resight_engine::{FolderOptions, Indexer};
use resight_store::{JobFilter, JobState};

use super::eye::{Ear, Eye, Following, Told};
use super::pending::Pending;
use super::{Folder, FolderState, Folders};
use crate::AppError;
use crate::background::Background;
use crate::collections::Collections;
use crate::config::Config;
use crate::jobs::{FewThreads, Jobs};

/// Events that wait for the thread at most.
const MOST_EVENTS: usize = 16_384;
/// How often the list of folders and their places are looked at.
const LOOKED_EACH: Duration = Duration::from_secs(1);
/// How often paths are looked at that wait.
const TICK: Duration = Duration::from_millis(200);
/// After a failure, so long until the next attempt.
const PAUSE: Duration = Duration::from_secs(10);
/// The file with the patterns of a folder: when it changes, all of the folder is looked at.
const IGNORE_FILE: &str = ".resightignore";

/// How folders are followed.
#[derive(Clone, Copy, Debug)]
pub struct FollowSettings {
    /// How changes are noticed.
    pub following: Following,
    /// How often folders are looked through of which the system does not tell.
    pub poll_each: Duration,
    /// How long a file has to stay as it is before it is read.
    pub quiet: Duration,
}

impl Default for FollowSettings {
    /// What the system tells, else every 30 seconds; files that have been as they are for a second and a half.
    fn default() -> Self {
        Self {
            following: Following::Auto,
            poll_each: Duration::from_secs(30),
            quiet: Duration::from_millis(1500),
        }
    }
}

/// A folder that is followed.
struct Followed {
    folder: Folder,
    root: PathBuf,
    /// What is at its path.
    place: Option<Place>,
    eye: Option<Eye>,
    pending: Pending,
    /// Whether all of it is to be looked at.
    is_to_be_read: bool,
    /// Nothing is tried before.
    not_before: Instant,
}

impl Followed {
    fn state(&self) -> FolderState {
        match (&self.place, &self.eye) {
            (None, _) => FolderState::Gone,
            (Some(_), Some(eye)) => eye.state,
            (Some(_), None) => FolderState::Idle,
        }
    }
}

/// Tells one folder at a path from another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(u64, u64);

struct Follower {
    folders: Folders,
    jobs: Jobs,
    config: Config,
    collections: Collections,
    settings: FollowSettings,
    threads: FewThreads,
    ear: Ear,
    all: HashMap<u64, Followed>,
    /// Folders that must not be indexed.
    passed_over: HashSet<u64>,
}

impl Folders {
    /// Follows the registered folders until the returned value is dropped, those that are registered meanwhile too.
    /// A job looks at each first. `None` where they are not to be followed.
    pub fn follow(
        &self,
        jobs: &Jobs,
        config: &Config,
        collections: &Collections,
        settings: FollowSettings,
    ) -> Result<Option<Background>, AppError> {
        if settings.following == Following::Off {
            return Ok(None);
        }
        let (sender, receiver) = sync_channel(MOST_EVENTS);
        let mut follower = Follower {
            folders: self.clone(),
            jobs: jobs.clone(),
            config: config.clone(),
            collections: collections.clone(),
            settings,
            threads: FewThreads::of(config),
            ear: Ear {
                sender,
                was_full: Arc::default(),
            },
            all: HashMap::new(),
            passed_over: HashSet::new(),
        };
        let follow = move |cancel: &AtomicBool| follower.run(&receiver, cancel);
        let begun = Background::begin("resight-follow", "folders are not followed", follow);
        self.is_followed.store(begun.is_some(), Ordering::Relaxed);
        Ok(begun)
    }
}

impl Follower {
    fn run(&mut self, receiver: &Receiver<Told>, cancel: &AtomicBool) {
        let mut looked: Option<Instant> = None;
        while !cancel.load(Ordering::Relaxed) {
            if looked.is_none_or(|looked| looked.elapsed() >= LOOKED_EACH) {
                self.look_at_list();
                self.look_at_places();
                looked = Some(Instant::now());
            }
            // Also soon after it is cancelled.
            match receiver.recv_timeout(TICK) {
                Ok(told) => {
                    self.hear(told);
                    while let Ok(told) = receiver.try_recv() {
                        self.hear(told);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The ear is ours, so there is always a sender.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.ear.was_full.swap(false, Ordering::Relaxed) {
                tracing::warn!("more changed than can be told; all folders are looked at");
                for followed in self.all.values_mut() {
                    followed.is_to_be_read = true;
                }
            }
            let ids: Vec<u64> = self.all.keys().copied().collect();
            for id in ids {
                if !cancel.load(Ordering::Relaxed) {
                    self.act(id, cancel);
                }
            }
        }
    }

    /// Takes up folders that were registered, and drops those that are no more.
    fn look_at_list(&mut self) {
        let listed = match self.folders.list() {
            Ok(listed) => listed,
            Err(error) => return tracing::warn!("registered folders cannot be read: {error}"),
        };
        let is_listed = |id: &u64| listed.iter().any(|folder| folder.record.id == *id);
        self.all.retain(|id, _| is_listed(id));
        self.passed_over.retain(is_listed);
        self.folders.states.lock().retain(|id, _| is_listed(id));
        for folder in listed {
            let root = folder.path();
            match self.all.get_mut(&folder.record.id) {
                Some(followed) => {
                    followed.is_to_be_read |= followed.folder.rules != folder.rules;
                    followed.folder = folder;
                }
                None if self.passed_over.contains(&folder.record.id) => {}
                None => {
                    let id = folder.record.id;
                    // Another process may have registered it that knows of no quarantine.
                    if let Err(error) = self.config.check_apart(std::slice::from_ref(&root)) {
                        let name = root.display();
                        tracing::warn!("the folder {name} is not followed: {error}");
                        self.passed_over.insert(id);
                        continue;
                    }
                    let followed = Followed {
                        folder,
                        root,
                        place: None,
                        eye: None,
                        pending: Pending::default(),
                        is_to_be_read: false,
                        not_before: Instant::now(),
                    };
                    self.all.insert(id, followed);
                }
            }
        }
    }

    /// Notices folders that went away, came back, or are others than before.
    fn look_at_places(&mut self) {
        let states = self.folders.states.clone();
        for (id, followed) in &mut self.all {
            let place = place_of(&followed.root);
            let is_same = followed.place == place;
            if is_same && (followed.eye.is_some() || place.is_none()) {
                states.lock().insert(*id, followed.state());
                continue;
            }
            if Instant::now() < followed.not_before {
                continue;
            }
            let name = followed.root.display();
            if place.is_none() && followed.place.is_some() {
                tracing::warn!(
                    "the folder {name} is gone; its pictures stay, and it is looked for"
                );
            } else if followed.folder.record.last_run_ms.is_some() && place.is_some() {
                tracing::info!("the folder {name} is looked at");
            }
            // What happened in another folder means nothing here.
            followed.eye = None;
            followed.pending.clear();
            followed.place = place;
            if place.is_some() {
                let following = self.settings.following;
                let poll_each = self.settings.poll_each;
                match Eye::open(&followed.root, *id, following, poll_each, &self.ear) {
                    Ok(eye) => {
                        followed.eye = Some(eye);
                        // After it is watched, so that nothing is missed between.
                        followed.is_to_be_read = true;
                    }
                    Err(error) => {
                        tracing::warn!("the folder {name} is not followed for now: {error}");
                        followed.not_before = Instant::now() + PAUSE;
                    }
                }
            }
            states.lock().insert(*id, followed.state());
        }
    }

    fn hear(&mut self, told: Told) {
        let Some(followed) = self.all.get_mut(&told.folder) else {
            return;
        };
        let event = match told.event {
            Ok(event) => event,
            Err(error) => {
                let name = followed.root.display();
                tracing::debug!("what changes in {name} is not told: {error}");
                followed.is_to_be_read = true;
                return;
            }
        };
        if event.need_rescan() {
            let name = followed.root.display();
            tracing::warn!("more changed in {name} than the system tells; all of it is looked at");
            followed.is_to_be_read = true;
        }
        let now = Instant::now();
        let takes_hidden = !followed.folder.rules.include.is_empty();
        for path in event.paths {
            let Ok(below) = path.strip_prefix(&followed.root) else {
                continue;
            };
            if below.file_name().is_some_and(|name| name == IGNORE_FILE) {
                followed.is_to_be_read = true;
            } else if !below.as_os_str().is_empty() && (takes_hidden || !is_hidden(below)) {
                followed.pending.add(path, now);
            }
        }
        if followed.pending.has_overflowed {
            followed.is_to_be_read = true;
        }
    }

    /// Does what is due in one folder.
    fn act(&mut self, id: u64, cancel: &AtomicBool) {
        let quiet = self.settings.quiet;
        let Some(followed) = self.all.get_mut(&id) else {
            return;
        };
        if followed.eye.is_none() || Instant::now() < followed.not_before {
            return;
        }
        if followed.is_to_be_read {
            match add_job(&self.folders, &self.jobs, &followed.folder) {
                Ok(()) => {
                    followed.is_to_be_read = false;
                    followed.pending.has_overflowed = false;
                }
                Err(error) => {
                    let name = followed.root.display();
                    tracing::warn!("the folder {name} is not looked at for now: {error}");
                    followed.not_before = Instant::now() + PAUSE;
                }
            }
        }
        if followed.pending.is_empty() {
            return;
        }
        // A job that reads the collection's folders goes first.
        let lock = self
            .collections
            .indexing(&followed.folder.record.new.collection);
        let Some(_alone) = lock.follow() else {
            return;
        };
        let parts = followed.pending.settled(quiet, Instant::now());
        if parts.is_empty() {
            return;
        }
        if place_of(&followed.root) != followed.place {
            // What changed in a folder that went away is read when it is back.
            followed.is_to_be_read = true;
            return;
        }
        let indexed = self.index(id, parts.clone(), cancel);
        let Some(followed) = self
            .all
            .get_mut(&id)
            .filter(|_| !cancel.load(Ordering::Relaxed))
        else {
            return;
        };
        match indexed {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                let name = followed.root.display();
                tracing::warn!("changes in {name} are not read for now: {error}");
            }
        }
        followed.not_before = Instant::now() + PAUSE;
        for path in parts {
            followed.pending.add(path, Instant::now());
        }
    }

    /// Compares some paths of a folder with what is stored. Returns whether all were compared: it stops early
    /// where the collection is to be closed, as one that is removed.
    fn index(&self, id: u64, parts: Vec<PathBuf>, cancel: &AtomicBool) -> Result<bool, AppError> {
        let Some(followed) = self.all.get(&id) else {
            return Ok(true);
        };
        let name = &followed.folder.record.new.collection;
        let (lease, closing) = self.collections.lease_for_work(name)?;
        let options = FolderOptions {
            parts: Some(parts),
            ..followed.folder.rules.options(&self.config)?
        };
        let stop = AtomicBool::new(false);
        let report = Indexer::new(lease.shared())
            .on_threads(self.threads.get()?)
            .index_folder(&followed.root, &options, &stop, &mut |_| {
                let is_over = [cancel, &closing].map(|flag| flag.load(Ordering::Relaxed));
                stop.fetch_or(is_over.contains(&true), Ordering::Relaxed);
            })?;
        tracing::info!(
            "{}: {} new, {} moved, {} refused, {} gone",
            followed.root.display(),
            report.indexed,
            report.moved,
            report.refused,
            report.missing
        );
        if !report.cancelled {
            self.folders.records.note_run(id, None)?;
        }
        Ok(!report.cancelled)
    }
}

/// Makes a job that looks at all of a folder, unless one waits already.
fn add_job(folders: &Folders, jobs: &Jobs, folder: &Folder) -> Result<(), AppError> {
    let waiting = JobFilter {
        states: vec![JobState::Queued],
        ..JobFilter::default()
    };
    let id = Some(folder.record.id);
    let all = jobs.list(&waiting, usize::MAX)?;
    if !all.iter().any(|job| job.record.new.folder == id) {
        folders.index(jobs, folder, None)?;
    }
    Ok(())
}

fn is_hidden(below: &Path) -> bool {
    below
        .iter()
        .any(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// What is at a path; `None` where no folder is.
fn place_of(path: &Path) -> Option<Place> {
    let metadata = std::fs::metadata(path)
        .ok()
        .filter(|found| found.is_dir())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some(Place(metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Some(Place(0, 0))
    }
}
