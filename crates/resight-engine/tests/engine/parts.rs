//! Runs that look at some paths of a folder only.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{EngineError, EngineOptions, FolderOptions, FolderReport, Indexer, Patterns};
use resight_test_support::{png, textured};
use tempfile::TempDir;

use crate::support::{Bench, parts};

struct World {
    root: TempDir,
    bench: Bench,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("pictures/sub/deep")).unwrap();
        let options = EngineOptions::default();
        let world = Self {
            bench: Bench::open(parts(&root.path().join("store")), options).unwrap(),
            root,
        };
        for (seed, name) in ["a.png", "b.png", "sub/c.png", "sub/deep/d.png"]
            .into_iter()
            .enumerate()
        {
            world.put(name, seed as u64 + 1);
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        let root = fs::canonicalize(self.root.path()).unwrap();
        root.join("pictures").join(name)
    }

    fn put(&self, name: &str, seed: u64) {
        fs::write(self.path(name), png(&textured(160, 120, seed))).unwrap();
    }

    fn try_run(&self, options: &FolderOptions) -> Result<FolderReport, EngineError> {
        let two = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        Indexer::new(self.bench.library.clone())
            .on_threads(Arc::new(two.unwrap()))
            .index_folder(
                &self.root.path().join("pictures"),
                options,
                &AtomicBool::new(false),
                &mut |_| {},
            )
    }

    fn run(&self, parts: &[&str], prune: bool) -> FolderReport {
        self.try_run(&self.options(parts, prune)).unwrap()
    }

    fn options(&self, parts: &[&str], prune: bool) -> FolderOptions {
        FolderOptions {
            parts: Some(parts.iter().map(|name| self.path(name)).collect()),
            prune,
            ..FolderOptions::default()
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .bench
            .library
            .pictures(0, 100)
            .unwrap()
            .into_iter()
            .map(|picture| picture.name)
            .collect();
        names.sort();
        names
    }
}

#[test]
fn only_the_parts_are_read_and_judged() {
    let world = World::new();
    let report = world.run(&["sub/deep", "b.png"], false);
    assert_eq!((report.files, report.indexed), (2, 2));
    assert_eq!(world.names(), ["b.png", "d.png"]);
    assert_eq!(world.try_run(&FolderOptions::default()).unwrap().indexed, 2);

    // What is gone elsewhere is not known to this run.
    fs::remove_file(world.path("a.png")).unwrap();
    fs::remove_file(world.path("sub/c.png")).unwrap();
    let report = world.run(&["sub/c.png", "b.png"], true);
    assert_eq!((report.files, report.unchanged, report.pruned), (1, 1, 1));
    assert_eq!(world.names(), ["a.png", "b.png", "d.png"]);
    // A name that begins as another one does is another file.
    let report = world.run(&["a.pn"], true);
    assert_eq!((report.files, report.missing), (0, 0));

    // A file that changed, and a folder that moved.
    world.put("b.png", 9);
    fs::rename(world.path("sub/deep"), world.path("sub/far")).unwrap();
    let report = world.run(&["b.png", "sub/far", "sub/deep"], true);
    assert_eq!((report.indexed, report.moved, report.pruned), (1, 1, 0));
    assert_eq!(world.names(), ["a.png", "b.png", "d.png"]);
}

#[test]
fn the_rules_of_folders_above_a_part_hold() {
    let world = World::new();
    fs::write(world.path("sub/.resightignore"), "d.png\n").unwrap();
    let report = world.run(&["sub/deep/d.png"], false);
    assert_eq!((report.files, report.indexed), (0, 0));
    let options = FolderOptions {
        patterns: Patterns::new(vec!["/sub/".into()], vec![]).unwrap(),
        ..world.options(&["sub/c.png", "a.png"], false)
    };
    assert_eq!(world.try_run(&options).unwrap().indexed, 1);
    assert_eq!(world.names(), ["a.png"]);
}

#[test]
fn a_folder_that_is_empty_or_gone_loses_no_picture() {
    let world = World::new();
    world.try_run(&FolderOptions::default()).unwrap();
    fs::rename(world.path(""), world.root.path().join("away")).unwrap();
    for parts in [&["a.png"][..], &["sub"], &[""]] {
        let gone = world.try_run(&FolderOptions {
            parts: Some(
                parts
                    .iter()
                    .map(|name| world.root.path().join("pictures").join(name))
                    .collect(),
            ),
            prune: true,
            ..FolderOptions::default()
        });
        assert!(matches!(gone, Err(EngineError::FolderUnreadable { .. })));
    }
    // As where a disk is not mounted.
    fs::create_dir(world.root.path().join("pictures")).unwrap();
    let empty = world.try_run(&world.options(&["a.png"], true));
    assert!(matches!(empty, Err(EngineError::FolderUnreadable { .. })));
    assert_eq!(world.names().len(), 4);
}
