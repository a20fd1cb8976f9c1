//! Folders that change between runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{
    Components, EngineError, EngineOptions, FolderEvent, FolderOptions, FolderReport, Query,
    SearchOptions, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::Sift;
use tempfile::TempDir;

use crate::support::Bench;

struct World {
    root: TempDir,
    bench: Bench,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("pictures")).unwrap();
        let parts = Components {
            catalogue: Arc::new(SqliteCatalogue::in_memory().unwrap()),
            blobs: Arc::new(FolderBlobs::open(&root.path().join("blobs")).unwrap()),
            extractor: Arc::new(Sift::default()),
            vocabulary: Vocabulary::generic(),
            convert: false,
            index: None,
        };
        let bench = Bench::open(parts, EngineOptions::default()).unwrap();
        Self { root, bench }
    }

    fn pictures(&self) -> std::path::PathBuf {
        self.root.path().join("pictures")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.pictures().join(name)
    }

    fn put(&self, name: &str, seed: u32) {
        fs::write(self.path(name), picture(seed)).unwrap();
    }

    fn try_index(
        &self,
        options: &FolderOptions,
    ) -> Result<(FolderReport, Vec<FolderEvent>), EngineError> {
        let mut events = Vec::new();
        let report = self.bench.indexer.index_folder(
            &self.pictures(),
            options,
            &AtomicBool::new(false),
            &mut |event| events.push(event),
        )?;
        Ok((report, events))
    }

    fn index(&self) -> FolderReport {
        self.try_index(&FolderOptions::default()).unwrap().0
    }

    fn prune(&self) -> FolderReport {
        let options = FolderOptions {
            prune: true,
            ..FolderOptions::default()
        };
        self.try_index(&options).unwrap().0
    }

    fn count(&self) -> u64 {
        self.bench.library.count().unwrap()
    }

    fn thumbnails(&self) -> usize {
        fn files(dir: &Path) -> usize {
            fs::read_dir(dir)
                .map(|entries| {
                    entries
                        .map(|e| e.unwrap().path())
                        .map(|p| if p.is_dir() { files(&p) } else { 1 })
                        .sum()
                })
                .unwrap_or(0)
        }
        files(&self.root.path().join("blobs/thumbnails"))
    }
}

/// A PGM of blocks that differ from seed to seed.
fn picture(seed: u32) -> Vec<u8> {
    let (w, h) = (160usize, 120usize);
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut pixels = vec![128u8; w * h];
    for _ in 0..90 {
        let (x, y, v) = (next(w - 12), next(h - 12), next(256) as u8);
        let (bw, bh) = (3 + next(9), 3 + next(9));
        for row in y..y + bh {
            pixels[row * w + x..row * w + x + bw].fill(v);
        }
    }
    let mut bytes = format!("P5\n{w} {h}\n255\n").into_bytes();
    bytes.extend(pixels);
    bytes
}

#[test]
fn moving_and_swapping_files_loses_nothing() {
    let world = World::new();
    world.put("a.pgm", 1);
    world.put("c.pgm", 3);
    assert_eq!(world.index().indexed, 2);

    // The content of a moves to b, and a holds something new.
    fs::rename(world.path("a.pgm"), world.path("b.pgm")).unwrap();
    world.put("a.pgm", 2);
    world.index();
    assert_eq!(world.count(), 3);
    for seed in 1..=3 {
        let bytes = picture(seed);
        let answer = world
            .bench
            .searcher
            .search(Query::Bytes(&bytes), &SearchOptions::default())
            .unwrap();
        assert!(answer.hits[0].verified, "picture {seed}");
    }

    fs::rename(world.path("b.pgm"), world.path("x")).unwrap();
    fs::rename(world.path("c.pgm"), world.path("b.pgm")).unwrap();
    fs::rename(world.path("x"), world.path("c.pgm")).unwrap();
    world.index();
    assert_eq!(world.count(), 3);
    assert_eq!(world.index().unchanged, 3);
}

#[test]
fn a_changed_file_replaces_its_picture_and_a_broken_one_removes_it() {
    let world = World::new();
    world.put("a.pgm", 1);
    world.index();
    fs::write(world.path("a.pgm"), [picture(2), vec![0]].concat()).unwrap();
    assert_eq!(world.index().indexed, 1);
    assert_eq!((world.count(), world.thumbnails()), (1, 1));
    fs::write(world.path("a.pgm"), b"P5 no longer a picture").unwrap();
    assert_eq!(world.index().refused, 1);
    assert_eq!((world.count(), world.thumbnails()), (0, 0));
    assert_eq!(world.index().unchanged_refused, 1);
    assert_eq!(world.bench.library.refusals(None, 10).unwrap().len(), 1);
    fs::remove_file(world.path("a.pgm")).unwrap();
    assert_eq!(world.index().missing, 0);
    assert!(world.bench.library.refusals(None, 10).unwrap().is_empty());
}

#[test]
fn gone_files_are_counted_and_pruned_only_when_asked() {
    let world = World::new();
    for (name, seed) in [("a.pgm", 1), ("b.pgm", 2), ("c.pgm", 3)] {
        world.put(name, seed);
    }
    world.index();
    fs::remove_file(world.path("b.pgm")).unwrap();
    let report = world.index();
    assert_eq!((report.missing, report.pruned, world.count()), (1, 0, 3));
    let report = world.prune();
    assert_eq!((report.missing, report.pruned, world.count()), (1, 1, 2));
    assert_eq!(world.thumbnails(), 2);

    // An empty folder is more likely a disk that is away.
    fs::remove_file(world.path("a.pgm")).unwrap();
    fs::remove_file(world.path("c.pgm")).unwrap();
    let options = FolderOptions {
        prune: true,
        ..FolderOptions::default()
    };
    let error = world.try_index(&options).unwrap_err();
    assert_eq!(error.code(), "folder_unreadable");
    assert_eq!(world.count(), 2);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_reached_keeps_its_picture() {
    let world = World::new();
    let away = world.root.path().join("away.pgm");
    fs::write(&away, picture(1)).unwrap();
    std::os::unix::fs::symlink(&away, world.path("a.pgm")).unwrap();
    world.put("b.pgm", 2);
    assert_eq!(world.index().indexed, 2);
    fs::remove_file(&away).unwrap();
    let report = world.prune();
    assert_eq!((report.refused, report.missing, report.pruned), (1, 0, 0));
    assert_eq!(world.count(), 2);
}

#[test]
fn the_skipped_folder_is_left_out() {
    let world = World::new();
    world.put("a.pgm", 1);
    let inner = world.path("data");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("b.pgm"), picture(2)).unwrap();
    let options = FolderOptions {
        skip: Some(inner),
        ..FolderOptions::default()
    };
    assert_eq!(world.try_index(&options).unwrap().0.files, 1);
}

#[test]
fn hidden_files_are_skipped_and_unreadable_ones_reported() {
    let world = World::new();
    world.put(".hidden.pgm", 1);
    world.put("a.pgm", 2);
    world.put("b.pgm", 2);
    fs::write(world.path("notes.txt"), "not a picture").unwrap();
    let (report, events) = world.try_index(&FolderOptions::default()).unwrap();
    assert_eq!(
        (
            report.files,
            report.indexed,
            report.already_there,
            report.refused
        ),
        (3, 1, 1, 1)
    );
    let refused = events.iter().find_map(|e| match e {
        FolderEvent::Refused { path, code, .. } => Some((path.clone(), code.as_str())),
        _ => None,
    });
    assert_eq!(refused.unwrap().1, "not_an_image");
}

#[test]
fn removed_pictures_leave_no_file_and_no_thumbnail_behind() {
    let world = World::new();
    let bytes = picture(7);
    let added = world.bench.indexer.add(&bytes, "upload.pgm").unwrap();
    assert_eq!(
        world.bench.library.file(&added.picture.id).unwrap().bytes,
        bytes
    );
    assert!(world.bench.library.thumbnail(&added.picture.id).is_ok());
    assert_eq!(
        world
            .bench
            .library
            .remove(std::slice::from_ref(&added.picture.id))
            .unwrap(),
        [true]
    );
    assert_eq!(world.thumbnails(), 0);
    let gone = world
        .bench
        .library
        .thumbnail(&added.picture.id)
        .unwrap_err();
    assert_eq!(gone.code(), "unknown_picture");
    assert_eq!(
        world.bench.library.remove(&[added.picture.id]).unwrap(),
        [false]
    );
}
