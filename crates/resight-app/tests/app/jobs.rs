//! Jobs: run in the background, ended early, and gone on with by the next process.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use resight_app::collections::Collections;
use resight_app::data_folder::WritableFolder;
use resight_app::folders::{Folders, Rules};
use resight_app::jobs::{BackupTask, IndexTask, Job, JobMaker, JobRunner, JobSettings, Jobs, Task};
use resight_app::{AppError, Code};
use resight_store::{CollectionName, JobFilter, JobState, ServiceRecords};

use crate::support::{World, add, error, named, picture};

/// Returns once `done`, which jobs on threads of low priority may take long for. Fails after minutes, so that a defect
/// does not hang.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(600), "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) struct Service {
    // Dropped in this order: what runs jobs, then what they work on.
    runner: Option<JobRunner>,
    pub(crate) jobs: Jobs,
    pub(crate) collections: Collections,
    pub(crate) folder: WritableFolder,
}

impl Service {
    pub(crate) fn of(world: &World) -> Self {
        let folder = world.open();
        let collections = Collections::beside(&folder, &world.config());
        let jobs = Jobs::of_folder(&world.config(), &folder).unwrap();
        Self {
            runner: None,
            jobs,
            collections,
            folder,
        }
    }

    pub(crate) fn run(&mut self, world: &World) {
        self.run_by(world, &JobSettings::default());
    }

    pub(crate) fn run_by(&mut self, world: &World, settings: &JobSettings) {
        let runner = self
            .jobs
            .run_in_background(&world.config(), &self.collections, settings);
        self.runner = Some(runner.unwrap());
    }

    /// Ends what runs jobs, as the end of a process does.
    pub(crate) fn stop(&mut self) {
        self.runner = None;
    }

    pub(crate) fn add(&self, task: &Task) -> u64 {
        let default = CollectionName::default();
        self.jobs.add(&default, task, None, None).unwrap().record.id
    }

    pub(crate) fn ended(&self, id: u64) -> Job {
        until(|| self.jobs.get(id).unwrap().record.state.is_end());
        self.jobs.get(id).unwrap()
    }
}

pub(crate) fn fill(world: &World, count: u64) -> PathBuf {
    let pictures = world.path("pictures");
    fs::create_dir_all(&pictures).unwrap();
    for seed in 0..count {
        fs::write(pictures.join(format!("{seed:03}.png")), picture(seed + 1)).unwrap();
    }
    fs::canonicalize(pictures).unwrap()
}

fn index(folder: &std::path::Path) -> Task {
    Task::Index(IndexTask {
        folder: folder.to_str().unwrap().into(),
        ..IndexTask::default()
    })
}

fn counts(job: &Job, names: &[&str]) -> Vec<u64> {
    let count = |name: &&str| job.counts.get(*name).copied().unwrap_or(0);
    names.iter().map(count).collect()
}

const OF_INDEX: [&str; 5] = ["files", "unchanged", "indexed", "already_there", "refused"];

#[test]
fn a_folder_is_indexed_and_what_was_refused_is_listed() {
    let world = World::new();
    let mut service = Service::of(&world);
    let pictures = fill(&world, 4);
    fs::copy(pictures.join("000.png"), pictures.join("copy.png")).unwrap();
    fs::write(pictures.join("broken.png"), b"\x89PNG\r\n\x1a\nno more").unwrap();
    let id = service.add(&index(&pictures));
    assert_eq!(service.jobs.get(id).unwrap().record.state, JobState::Queued);
    service.run(&world);
    let job = service.ended(id);
    assert_eq!(job.record.state, JobState::Done, "{job:?}");
    assert_eq!((job.record.done, job.record.total), (6, 6));
    assert_eq!(counts(&job, &OF_INDEX), [6, 0, 4, 1, 1]);
    let refused = service.jobs.refused(id, None, 10).unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].path.ends_with("/broken.png"));
    assert_eq!(service.folder.library.count().unwrap(), 4);

    let again = service.ended(service.add(&index(&pictures)));
    assert_eq!(counts(&again, &OF_INDEX), [6, 6, 0, 0, 0]);
    let gone = index(&world.path("nowhere"));
    let failed = service.ended(service.add(&gone));
    assert_eq!(failed.record.state, JobState::Failed);
    assert_eq!(failed.record.code.as_deref(), Some("folder_unreadable"));
    let all = service.jobs.list(&JobFilter::default(), 10).unwrap();
    assert_eq!(all.len(), 3);
}

#[test]
fn the_other_kinds_do_what_they_are_for() {
    let world = World::new();
    let mut service = Service::of(&world);
    for seed in [1, 2, 1] {
        add(&service.folder.library, seed);
    }
    service.run(&world);
    let paired = service.ended(service.add(&Task::Duplicates));
    assert_eq!(counts(&paired, &["pictures"]), [2], "{paired:?}");
    let verified = service.ended(service.add(&Task::Verify));
    assert_eq!(counts(&verified, &["pictures", "findings"]), [2, 0]);
    let backup = world.path("backup");
    let task = Task::Backup(BackupTask {
        folder: backup.to_str().unwrap().into(),
        check: false,
    });
    let copied = service.ended(service.add(&task));
    assert_eq!(copied.record.state, JobState::Done, "{copied:?}");
    assert!(backup.join("manifest.jsonl").exists());
    let embedded = service.ended(service.add(&Task::Embed));
    assert_eq!(embedded.record.state, JobState::Done);
}

#[test]
fn a_job_ends_when_it_is_asked_to_and_only_once() {
    let world = World::new();
    let mut service = Service::of(&world);
    let pictures = fill(&world, 80);
    let (first, second) = (
        service.add(&index(&pictures)),
        service.add(&index(&pictures)),
    );
    // Another process asks: it has the records alone.
    let beside = ServiceRecords::open(&world.path("data")).unwrap();
    assert_eq!(beside.ask_to_end(second).unwrap(), Some(true));
    service.run(&world);
    until(|| service.jobs.get(first).unwrap().record.done > 0);
    service.jobs.cancel(first).unwrap();
    let ended = service.ended(first);
    assert_eq!(ended.record.state, JobState::Cancelled, "{ended:?}");
    assert!(ended.record.done < 80);
    assert_eq!(service.ended(second).record.state, JobState::Cancelled);
    let twice = error(service.jobs.cancel(first));
    assert_eq!(twice.code(), Code::JobEnded);
    assert_eq!(error(service.jobs.cancel(99)).code(), Code::UnknownJob);
    // What it has done stays, and the next one goes on from there.
    let kept = service.folder.library.count().unwrap();
    let rest = service.ended(service.add(&index(&pictures)));
    assert_eq!(counts(&rest, &OF_INDEX), [80, kept, 80 - kept, 0, 0]);
}

#[test]
fn a_job_goes_on_in_the_next_process_and_its_report_is_that_of_one_run() {
    let world = World::new();
    let mut service = Service::of(&world);
    let pictures = fill(&world, 60);
    // Read at the beginning and at the end.
    for name in ["000a.png", "zzz.png"] {
        fs::write(pictures.join(name), b"\x89PNG\r\n\x1a\nno more").unwrap();
    }
    fs::copy(pictures.join("000.png"), pictures.join("000b.png")).unwrap();
    let id = service.add(&index(&pictures));
    service.run(&world);
    until(|| service.jobs.get(id).unwrap().record.done > 3);
    service.runner = None;
    let stopped = service.jobs.get(id).unwrap();
    assert_eq!(stopped.record.state, JobState::Running, "{stopped:?}");
    let kept = service.folder.library.count().unwrap();
    assert!((1..60).contains(&kept), "{kept}");
    drop(service);
    // As if the process had been killed before it stored any of its progress but the first.
    let records = ServiceRecords::open(&world.path("data")).unwrap();
    let progress = resight_store::JobProgress {
        report: r#"{"counts":{},"unchanged_at_first":0}"#.into(),
        ..Default::default()
    };
    records.record_progress(id, &progress).unwrap();
    drop(records);

    let mut service = Service::of(&world);
    service.run(&world);
    let job = service.ended(id);
    assert_eq!(job.record.state, JobState::Done, "{job:?}");
    assert_eq!((job.record.done, job.record.total), (63, 63));
    let [files, unchanged, indexed, already_there, refused] =
        counts(&job, &OF_INDEX).try_into().unwrap();
    assert_eq!((files, unchanged, refused), (63, 0, 2));
    // The copy was read before the kill, which only its record knew: it counts as indexed then.
    assert_eq!(indexed + already_there, 61, "{job:?}");
    assert_eq!(service.jobs.refused(id, None, 10).unwrap().len(), 2);
    assert_eq!(service.folder.library.count().unwrap(), 60);
}

#[test]
fn damaged_records_are_put_aside_and_keep_nothing_from_being_served() {
    let world = World::new();
    let service = Service::of(&world);
    add(&service.folder.library, 1);
    service.add(&Task::Verify);
    drop(service);
    let path = world.path("data").join(ServiceRecords::FILE_NAME);
    fs::write(
        &path,
        b"no database, and long enough to be read as one".repeat(30),
    )
    .unwrap();
    let mut service = Service::of(&world);
    assert_eq!(service.jobs.count(&JobFilter::default()).unwrap(), 0);
    assert!(world.path("data/service.sqlite3.damaged").exists());
    service.run(&world);
    let verified = service.ended(service.add(&Task::Verify));
    assert_eq!(counts(&verified, &["pictures", "findings"]), [1, 0]);
}

#[test]
fn a_removed_collection_takes_its_jobs_along() {
    let world = World::new();
    let mut service = Service::of(&world);
    service.collections.create(&named("museum")).unwrap();
    let pictures = fill(&world, 2);
    service.run(&world);
    let maker = JobMaker {
        key: "key",
        most: None,
    };
    let made = service
        .jobs
        .add(&named("museum"), &index(&pictures), Some(maker), None);
    let job = service.ended(made.unwrap().record.id);
    assert_eq!(job.record.new.made_by.as_deref(), Some("key"));
    assert_eq!(
        service.collections.count(&named("museum")).unwrap(),
        Some(2)
    );
    service.collections.remove(&named("museum")).unwrap();
    service.jobs.forget_collection(&named("museum")).unwrap();
    assert_eq!(
        error(service.jobs.get(job.record.id)).code(),
        Code::UnknownJob
    );
}

#[test]
fn a_folder_is_registered_with_its_rules_and_outlives_the_process() {
    let world = World::new();
    let mut service = Service::of(&world);
    let pictures = fill(&world, 3);
    fs::create_dir(pictures.join("raw")).unwrap();
    fs::write(pictures.join("raw/x.png"), picture(9)).unwrap();
    let rules = Rules {
        exclude: vec!["raw/".into()],
        tags: vec!["rome".into()],
        prune: true,
        ..Rules::default()
    };
    let default = CollectionName::default();
    let folders = Folders::beside(&service.jobs);
    let config = world.config();
    let (folder, is_new) = folders
        .add(&config, &world.path("pictures"), &default, &rules, None)
        .unwrap();
    assert!(is_new);
    assert_eq!(folder.path(), pictures);
    let job = folders.index(&service.jobs, &folder, None).unwrap();
    drop((service, folders));

    service = Service::of(&world);
    service.run(&world);
    let job = service.ended(job.record.id);
    assert_eq!(counts(&job, &OF_INDEX), [3, 0, 3, 0, 0]);
    let folders = Folders::beside(&service.jobs);
    let listed = folders.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].rules, rules);
    assert_eq!(listed[0].record.last_job, Some(job.record.id));
    let stored = service.folder.library.pictures(0, 10).unwrap();
    assert!(stored.iter().all(|picture| picture.labels.tags.len() == 1));
    // Its rules prune.
    fs::remove_file(pictures.join("000.png")).unwrap();
    let next = folders.index(&service.jobs, &listed[0], None).unwrap();
    let next = service.ended(next.record.id);
    assert_eq!(counts(&next, &["pruned"]), [1]);
    // The same folder for the same collection is no second one.
    let again = folders.add(&config, &pictures, &default, &Rules::default(), None);
    let (again, is_new) = again.unwrap();
    assert_eq!((again.record.id, is_new), (folder.record.id, false));
    assert_eq!(again.rules, rules);
    let missing = folders.add(&config, &world.path("no"), &default, &rules, None);
    assert_eq!(error(missing).code(), Code::NotAFolder);
    let inside: Result<_, AppError> = folders.add(&config, &world.path(""), &default, &rules, None);
    assert_eq!(error(inside).code(), Code::DataInsidePictures);
    folders.remove(folder.record.id).unwrap();
    assert_eq!(
        error(folders.remove(folder.record.id)).code(),
        Code::UnknownFolder
    );
}
