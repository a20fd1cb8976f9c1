//! What cannot be brought about from outside: others at work, and a log that breaks off.

use std::path::Path;

use tempfile::TempDir;

use super::log::Log;
use super::*;
use crate::collections::Collections;
use crate::config::Settings;
use crate::data_folder::{self, WritableFolder};
use crate::folders::Folders;
use crate::jobs::Jobs;
use crate::plugins::Plugins;

/// A data folder with three pictures of a registered folder, and a quarantine that waits for nobody.
struct World {
    folder: WritableFolder,
    collections: Collections,
    folders: Folders,
    config: Config,
    quarantine: Quarantine,
    ids: Vec<PictureId>,
    root: TempDir,
}

fn metadata(_: &str) -> Result<Metadata, String> {
    Err("none is read".to_owned())
}

impl World {
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
            folder: real(root.path()).join("quarantine"),
            patience: Duration::from_millis(1),
            turns: Mutex::default(),
        }));
        Self {
            folder,
            collections,
            folders,
            config,
            quarantine,
            ids,
            root,
        }
    }

    /// Keeps the first picture, in one group for the second and in another one for the third.
    fn resolve(&self, log: Option<Log>, dry_run: bool) -> Result<Resolved, AppError> {
        let roots = [real(self.root.path()).join("pictures")];
        let name = CollectionName::default();
        let options = ResolveOptions {
            carry_over: false,
            dry_run,
            quarantine: Some(&self.quarantine),
            roots: &roots,
            collection: (&name, "c"),
            metadata,
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
            metadata,
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
fn who_cannot_have_its_turn_is_told_so() {
    let world = World::new();
    let turn = world.quarantine.turn("c");
    {
        let _held = turn.lock();
        let refused = world.resolve(None, false).unwrap_err();
        assert_eq!(refused.code(), Code::Busy);
        assert_eq!(world.undo("x").unwrap_err().code(), Code::Busy);
        // Who changes nothing waits for nobody, and so does another collection.
        world.resolve(None, true).unwrap();
        assert!(world.quarantine.turn("d").try_lock().is_some());
    }
    let done = world.resolve(None, false).unwrap();
    let resolution = done.resolution.unwrap();
    assert_eq!(world.count(), 1);
    {
        let indexing = world.collections.indexing(&CollectionName::default());
        let _held = indexing.lock();
        assert_eq!(world.undo(&resolution).unwrap_err().code(), Code::Busy);
        // It has not kept the turn.
        assert!(turn.try_lock().is_some());
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
