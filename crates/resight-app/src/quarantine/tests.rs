//! What cannot be brought about from outside: others at work, and a log that breaks off.

use std::path::Path;

use parking_lot::Mutex;
use resight_engine::{LabelPatch, Library, Tag, Update};
use resight_store::JobState;
use tempfile::TempDir;

use super::log::Log;
use super::*;
use crate::collections::Collections;
use crate::config::Settings;
use crate::data_folder::{self, WritableFolder};
use crate::folders::Folders;
use crate::jobs::{IndexTask, Jobs, Task};
use crate::plugins::Plugins;

/// A data folder with three pictures of a registered folder, and a quarantine that waits for nobody.
struct World {
    folder: WritableFolder,
    collections: Collections,
    folders: Folders,
    config: Config,
    quarantine: Quarantine,
    ids: Vec<PictureId>,
    metadata: fn(&str) -> Result<Metadata, String>,
    root: TempDir,
}

fn metadata(_: &str) -> Result<Metadata, String> {
    Err("none is read".to_owned())
}

impl World {
    fn pictures(&self) -> PathBuf {
        real(self.root.path()).join("pictures")
    }

    /// Indexes the pictures into one more collection.
    fn index_into(&self, name: &CollectionName) {
        let lease = self.collections.lease(name).unwrap();
        resight_engine::Indexer::new(lease.shared())
            .index_folder(
                &self.pictures(),
                &Default::default(),
                &Default::default(),
                &mut |_| {},
            )
            .unwrap();
    }

    /// Jobs, and what runs them.
    fn jobs(&self) -> (Jobs, crate::jobs::JobRunner) {
        let jobs = Jobs::open(&self.config).unwrap();
        let runner = jobs
            .run_in_background(&self.config, &self.collections, &Default::default())
            .unwrap();
        (jobs, runner)
    }

    fn index_task(&self) -> Task {
        Task::Index(IndexTask {
            folder: self.pictures().display().to_string(),
            ..IndexTask::default()
        })
    }

    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let config = Config::new(Settings {
            data: Some(root.path().join("data")),
            models: Some(root.path().join("models")),
            ..Settings::default()
        })
        .unwrap();
        let folder = data_folder::open_for_writing(&config, &Plugins::default()).unwrap();
        let collections = Collections::beside(&folder, &config);
        let folders = Folders::beside(&Jobs::open(&config).unwrap());
        let pictures = root.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let mut ids = Vec::new();
        for number in 0..3 {
            let picture = resight_test_support::halves(150, 110, [number, number], 0);
            let bytes = resight_test_support::png(&picture);
            ids.push(resight_engine::id_of_content(&bytes[..]).unwrap());
            std::fs::write(pictures.join(format!("{number}.png")), bytes).unwrap();
        }
        let (name, rules) = (CollectionName::default(), Default::default());
        folders
            .add(&config, &pictures, &name, &rules, None)
            .unwrap();
        let go_on = std::sync::atomic::AtomicBool::new(false);
        resight_engine::Indexer::new(folder.library.clone())
            .index_folder(&real(&pictures), &Default::default(), &go_on, &mut |_| {})
            .unwrap();
        let quarantine = Quarantine(Arc::new(Inner {
            place: Place {
                folder: real(root.path()).join("quarantine"),
                data: root.path().join("data"),
            },
            patience: Duration::from_millis(1),
        }));
        Self {
            folder,
            collections,
            folders,
            config,
            quarantine,
            ids,
            metadata,
            root,
        }
    }

    fn options<'a>(&'a self, name: &'a CollectionName, roots: &'a [PathBuf]) -> ResolveOptions<'a> {
        ResolveOptions {
            carry_over: false,
            dry_run: false,
            quarantine: Some(&self.quarantine),
            roots,
            collections: &self.collections,
            collection: (name, "c"),
            metadata: self.metadata,
        }
    }

    /// Keeps the first picture, in one group for the second and in another one for the third.
    fn resolve(&self, log: Option<Log>, dry_run: bool) -> Result<Resolved, AppError> {
        let roots = [real(self.root.path()).join("pictures")];
        let name = CollectionName::default();
        let options = ResolveOptions {
            carry_over: true,
            dry_run,
            ..self.options(&name, &roots)
        };
        let group = |number: usize| Group {
            keep: self.ids[0].clone(),
            remove: vec![self.ids[number].clone()],
        };
        let groups = [group(1), group(2)];
        match log {
            Some(log) => Ok(resolving::all(
                &self.folder.library,
                &groups,
                &options,
                Some(log),
            )),
            None => resolve(&self.folder.library, &groups, &options),
        }
    }

    fn undo(&self, resolution: &str) -> Result<Undone, AppError> {
        let returning = Return {
            quarantine: &self.quarantine,
            collections: &self.collections,
            folders: &self.folders,
            config: &self.config,
            metadata: self.metadata,
        };
        let name = CollectionName::default();
        returning.undo(&self.folder.library, (&name, "c"), resolution)
    }

    fn count(&self) -> usize {
        let stored = |id: &&PictureId| self.folder.library.picture(id).is_ok();
        self.ids.iter().filter(stored).count()
    }
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap()
}

#[test]
fn nobody_moves_files_while_their_folders_are_looked_through() {
    let world = World::new();
    let indexing = world.collections.indexing(&CollectionName::default());
    {
        let _held = indexing.lock();
        let refused = world.resolve(None, false).unwrap_err();
        assert_eq!(refused.code(), Code::Busy);
        assert_eq!(world.undo("x").unwrap_err().code(), Code::Busy);
        // Who changes nothing waits for nobody.
        world.resolve(None, true).unwrap();
        assert_eq!(world.count(), 3);
    }
    let done = world.resolve(None, false).unwrap();
    let resolution = done.resolution.unwrap();
    assert_eq!(world.count(), 1);
    // Jobs that index wait for nothing more.
    assert!(indexing.try_lock().is_some());
    {
        let _held = indexing.lock();
        assert_eq!(world.undo(&resolution).unwrap_err().code(), Code::Busy);
    }
    let undone = world.undo(&resolution).unwrap();
    assert_eq!((undone.restored, undone.pictures), (2, 2));
    assert_eq!(world.count(), 3);
}

#[test]
fn what_was_done_before_a_failure_is_told_and_the_rest_stays() {
    let world = World::new();
    let mut log = Log::begin(world.quarantine.folder(), "c").unwrap();
    log.seal();
    let done = world.resolve(Some(log), false).unwrap();
    let told = done.groups.iter().flat_map(|group| &group.remove);
    for picture in told {
        let (code, _) = picture.refusal.as_ref().unwrap();
        assert_eq!(*code, Code::QuarantineFailed);
        assert_eq!(picture.files[0].state, FileState::Stays);
        assert!(picture.files[0].to.is_none());
    }
    assert_eq!((done.resolution, world.count()), (None, 3));
    assert_eq!(
        std::fs::read_dir(world.quarantine.folder())
            .unwrap()
            .count(),
        0
    );
}

/// A library in which somebody labels two pictures while they are being resolved.
static LABELLED: Mutex<Option<(Arc<Library>, [PictureId; 2])>> = Mutex::new(None);

/// Called between the look at the pictures and the commit, when labels are made up.
fn label_meanwhile(text: &str) -> Result<Metadata, String> {
    let taken = LABELLED.lock().take();
    if let Some((library, ids)) = taken {
        let patches = ids.map(|id| (id.clone(), tagged(&format!("late {id}"))));
        library.label(patches.to_vec()).unwrap();
    }
    Metadata::new(text.to_owned(), Vec::new()).ok_or_else(|| "it is too long".to_owned())
}

fn tagged(tag: &str) -> LabelPatch {
    LabelPatch {
        add_tags: vec![Tag::parse(tag).unwrap()],
        ..LabelPatch::default()
    }
}

#[test]
fn labels_that_are_given_while_files_are_moved_are_carried_over_and_come_back() {
    let mut world = World::new();
    world.metadata = label_meanwhile;
    let library = world.folder.library.clone();
    let entries = label_meanwhile("{\"a\":1}").unwrap();
    let patch = LabelPatch {
        metadata: Update::Set(entries),
        ..LabelPatch::default()
    };
    library.label(vec![(world.ids[1].clone(), patch)]).unwrap();
    let [kept, removed] = [0, 1].map(|number| world.ids[number].clone());
    *LABELLED.lock() = Some((library.clone(), [kept.clone(), removed.clone()]));
    let done = world.resolve(None, false).unwrap();
    assert!(LABELLED.lock().is_none());
    let tags = |id: &PictureId| {
        let tags = library.picture(id).unwrap().labels.tags;
        tags.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut late = [&kept, &removed].map(|id| format!("late {id}"));
    late.sort();
    assert_eq!(tags(&kept), late);
    assert!(library.picture(&removed).is_err());
    world.undo(&done.resolution.unwrap()).unwrap();
    assert_eq!(tags(&removed), [format!("late {removed}")]);
}

#[test]
fn a_file_that_took_the_place_of_an_upload_stays() {
    let world = World::new();
    let library = &world.folder.library;
    let bytes = resight_test_support::png(&resight_test_support::halves(150, 110, [9, 9], 0));
    let added = resight_engine::Indexer::new(library.clone()).add(&bytes, "mine.png");
    let id = added.unwrap().picture.id;
    let name = CollectionName::default();
    let options = world.options(&name, &[]);
    let to = world.root.path().join("to");
    for (content, stays) in [(&b"of another"[..], true), (&bytes, false)] {
        std::fs::write(&to, content).unwrap();
        let picture = library.picture(&id).unwrap();
        let Ok(mut planned) = planning::plan(picture, &options, &Default::default()) else {
            panic!("it is refused");
        };
        planned.files[0].shown.to = Some(to.clone());
        let why = (Code::QuarantineFailed, String::new());
        assert!(bringing::take_back(planned, true, why).is_ok());
        assert_eq!(to.exists(), stays);
    }
}

#[test]
fn other_collections_are_opened_once_and_looked_for_each_time() {
    let world = World::new();
    let (name, museum) = (
        CollectionName::default(),
        CollectionName::parse("museum").unwrap(),
    );
    let options = world.options(&name, &[]);
    let groups = [Group {
        keep: world.ids[0].clone(),
        remove: world.ids[1..].to_vec(),
    }];
    let mut others = sharing::Others::default();
    let count = |others: &mut sharing::Others| {
        let known = others.known(&world.folder.library, &groups, &options);
        known.unwrap().len()
    };
    assert_eq!((count(&mut others), others.open.len()), (0, 0));
    let mut last = None;
    for _ in 0..2 {
        world.collections.create(&museum).unwrap();
        assert_eq!(count(&mut others), 0);
        let opened = others.open[&museum].catalogue.clone();
        let is_last = |last: &Arc<dyn resight_store::Catalogue>| Arc::ptr_eq(last, &opened);
        assert!(!last.as_ref().is_some_and(is_last));
        world.index_into(&museum);
        assert_eq!(count(&mut others), 2);
        #[cfg(unix)]
        assert!(is_last(&others.open[&museum].catalogue));
        last = Some(opened);
        world.collections.remove(&museum).unwrap();
        assert_eq!((count(&mut others), others.open.len()), (0, 0));
    }
}

#[test]
fn of_many_collections_a_few_stay_open_and_all_are_asked() {
    let world = World::new();
    let name = CollectionName::default();
    let options = world.options(&name, &[]);
    let groups = [Group {
        keep: world.ids[0].clone(),
        remove: world.ids[1..].to_vec(),
    }];
    let several = sharing::MOST_OPEN + 3;
    let named = |n: usize| CollectionName::parse(&format!("c{n:03}")).unwrap();
    for n in 0..several {
        world.collections.create(&named(n)).unwrap();
    }
    world.index_into(&named(several - 1));
    let mut others = sharing::Others::default();
    for _ in 0..2 {
        let known = others.known(&world.folder.library, &groups, &options);
        assert_eq!(known.unwrap().len(), 2);
        let open = if cfg!(unix) { sharing::MOST_OPEN } else { 0 };
        assert_eq!(others.open.len(), open);
    }
}

/// Waits until a job is as it is wanted to be.
fn until(jobs: &Jobs, id: u64, is_so: impl Fn(JobState) -> bool) -> JobState {
    let begun = std::time::Instant::now();
    loop {
        let state = jobs.get(id).unwrap().record.state;
        if is_so(state) {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_job_that_waits_until_files_are_moved_holds_up_no_others() {
    let world = World::new();
    let museum = CollectionName::parse("museum").unwrap();
    world.collections.create(&museum).unwrap();
    let name = CollectionName::default();
    let (jobs, _runner) = world.jobs();
    let indexing = world.collections.indexing(&name);
    let held = indexing.lock();
    let task = world.index_task();
    let add = |name, task| jobs.add(name, task, None, None).unwrap().record.id;
    let [cancelled, waits] = [&name, &name].map(|name| add(name, &task));
    let other = add(&museum, &Task::Duplicates);
    assert_eq!(until(&jobs, other, JobState::is_end), JobState::Done);
    for id in [cancelled, waits] {
        assert_eq!(jobs.get(id).unwrap().record.state, JobState::Queued);
    }
    jobs.cancel(cancelled).unwrap();
    let end = until(&jobs, cancelled, JobState::is_end);
    assert_eq!(end, JobState::Cancelled);
    drop(held);
    assert_eq!(until(&jobs, waits, JobState::is_end), JobState::Done);
}

#[test]
fn a_job_takes_its_turn_while_a_folder_is_followed_all_the_time() {
    let world = World::new();
    let name = CollectionName::default();
    let (jobs, _runner) = world.jobs();
    let indexing = world.collections.indexing(&name);
    let is_enough = std::sync::atomic::AtomicBool::new(false);
    /// Ends the other thread also where the test fails.
    struct Ends<'a>(&'a std::sync::atomic::AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let _ends = Ends(&is_enough);
        // Takes it again at once, as where files arrive faster than they are read.
        scope.spawn(|| {
            while !is_enough.load(std::sync::atomic::Ordering::Relaxed) {
                let following = indexing.follow();
                std::thread::sleep(Duration::from_millis(5));
                drop(following);
            }
        });
        let id = jobs
            .add(&name, &world.index_task(), None, None)
            .unwrap()
            .record
            .id;
        let end = until(&jobs, id, JobState::is_end);
        assert_eq!(end, JobState::Done);
    });
}
