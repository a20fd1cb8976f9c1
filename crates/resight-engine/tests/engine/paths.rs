//! Paths that lead to one file, and files that are gone when groups are asked for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use image::imageops::{FilterType, resize};
use resight_engine::{
    DuplicateGroups, DuplicateOptions, EngineOptions, FolderEvent, FolderOptions, FolderReport,
    LabelPatch, PairKind, PathState, PictureId, Tag,
};
use resight_test_support::{halves, png};
use tempfile::TempDir;

use crate::support::{Bench, parts, picture};

/// A folder, and a library for what is in it.
pub(crate) struct World {
    root: TempDir,
    pub(crate) bench: Bench,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
        Self { root, bench }
    }

    /// Without links in it, as paths are stored.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.root.path()).unwrap().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn put(&self, name: &str, number: u32) {
        self.put_bytes(name, &picture(number, 0));
    }

    pub(crate) fn put_bytes(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn run(
        &self,
        folder: &str,
        options: &FolderOptions,
    ) -> (FolderReport, Vec<FolderEvent>) {
        self.run_at(&self.path(folder), options)
    }

    pub(crate) fn run_at(
        &self,
        folder: &Path,
        options: &FolderOptions,
    ) -> (FolderReport, Vec<FolderEvent>) {
        let (mut events, go) = (Vec::new(), AtomicBool::new(false));
        let mut on_event = |event| events.push(event);
        let indexer = &self.bench.indexer;
        let report = indexer.index_folder(folder, options, &go, &mut on_event);
        (report.unwrap(), events)
    }

    pub(crate) fn index(&self, folder: &str) -> FolderReport {
        self.run(folder, &FolderOptions::default()).0
    }

    pub(crate) fn pair(&self) {
        let go = AtomicBool::new(false);
        self.bench.duplicates.update(&go, &mut |_| {}).unwrap();
    }

    pub(crate) fn groups(&self, min_size: usize) -> DuplicateGroups {
        let options = DuplicateOptions {
            min_size,
            ..DuplicateOptions::default()
        };
        self.bench.duplicates.groups(&options).unwrap()
    }

    /// The id and the paths of the only picture.
    pub(crate) fn only(&self) -> (PictureId, Vec<String>) {
        let pictures = self.bench.library.pictures(0, 9).unwrap();
        assert_eq!(pictures.len(), 1, "{pictures:?}");
        (pictures[0].id.clone(), pictures[0].sources.clone())
    }
}

/// Gives each picture a tag.
pub(crate) fn tagged() -> FolderOptions {
    FolderOptions {
        labels: LabelPatch {
            add_tags: vec![Tag::parse("trip").unwrap()],
            ..LabelPatch::default()
        },
        ..FolderOptions::default()
    }
}

/// Makes another path to `lib/all/a.png`.
type MakeLink = fn(&World);

#[test]
fn links_to_a_file_are_no_duplicates_of_it() {
    let cases: [(&str, MakeLink); 4] = [
        ("a symlink to a file", |world| {
            fs::create_dir(world.path("lib/best")).unwrap();
            symlink("../all/a.png", world.path("lib/best/a.png")).unwrap();
        }),
        ("a symlink to a folder", |world| {
            symlink("all", world.path("lib/a link")).unwrap();
        }),
        ("a hard link", |world| {
            fs::hard_link(world.path("lib/all/a.png"), world.path("lib/hard.png")).unwrap();
        }),
        ("a second root that is a link", |world| {
            symlink(world.path("lib"), world.path("other root")).unwrap();
            world.index("other root");
        }),
    ];
    for (what, link) in cases {
        let world = World::new();
        world.put("lib/all/a.png", 1);
        link(&world);
        world.index("lib");
        world.pair();
        let found = world.groups(2);
        assert_eq!((found.total, found.groups.len()), (0, 0), "{what}");
        assert_eq!(world.bench.library.count().unwrap(), 1, "{what}");
    }
}

#[test]
fn a_copy_is_listed_before_the_links_to_it() {
    let world = World::new();
    world.put("lib/b/a.png", 1);
    world.put("lib/z.png", 1);
    symlink(world.path("lib/b"), world.path("lib/a")).unwrap();
    fs::hard_link(world.path("lib/b/a.png"), world.path("lib/y.png")).unwrap();
    fs::write(world.path("lib/gone.png"), picture(1, 0)).unwrap();
    world.index("lib");
    fs::remove_file(world.path("lib/gone.png")).unwrap();
    world.pair();
    let found = world.groups(2);
    assert_eq!((found.total, found.groups.len()), (1, 1));
    let group = &found.groups[0];
    assert_eq!((group.kind, group.members.len()), (PairKind::Identical, 1));
    let member = &group.members[0];
    assert_eq!((member.files(), member.is_missing()), (2, false));
    let to = || world.text("lib/b/a.png");
    let expected = [
        ("lib/b/a.png", PathState::Present),
        ("lib/z.png", PathState::Present),
        ("lib/y.png", PathState::HardLink { to: to() }),
        ("lib/a/a.png", PathState::Link { to: to() }),
        ("lib/gone.png", PathState::Missing),
    ];
    let given = member
        .paths
        .iter()
        .map(|p| (p.path.clone(), p.state.clone()));
    let expected = expected.map(|(name, state)| (world.text(name), state));
    assert_eq!(given.collect::<Vec<_>>(), expected);
    let listed: Vec<&String> = member.paths.iter().map(|p| &p.path).collect();
    assert_eq!(member.picture.sources.iter().collect::<Vec<_>>(), listed);
    // Two files, though there are five paths.
    assert_eq!(world.groups(3).total, 0);
}

#[test]
fn files_that_are_gone_count_as_none_when_groups_are_asked_for() {
    let world = World::new();
    for name in ["lib/a.png", "lib/b.png", "lib/sub/c.png"] {
        world.put(name, 1);
    }
    world.index("lib");
    world.pair();
    assert_eq!((world.groups(3).total, world.groups(4).total), (1, 0));
    fs::remove_dir_all(world.path("lib/sub")).unwrap();
    // A folder has taken the file's place.
    fs::remove_file(world.path("lib/b.png")).unwrap();
    fs::create_dir(world.path("lib/b.png")).unwrap();
    assert_eq!(world.groups(2).total, 0);
    world.put("lib/sub/c.png", 1);
    assert_eq!((world.groups(2).total, world.groups(3).total), (1, 0));
}

#[test]
fn a_path_that_cannot_be_looked_at_counts_and_is_marked() {
    let world = World::new();
    world.put("lib/a.png", 1);
    world.put("lib/odd/a.png", 1);
    world.index("lib");
    world.pair();
    // A link to itself: the system says neither that a file is there nor that nothing is.
    fs::remove_file(world.path("lib/odd/a.png")).unwrap();
    symlink("a.png", world.path("lib/odd/a.png")).unwrap();
    let found = world.groups(2);
    let paths = &found.groups[0].members[0].paths;
    assert_eq!(paths[0].state, PathState::Present);
    assert_eq!(paths[1].state, PathState::Unreachable);
    assert_eq!(found.groups[0].members[0].files(), 2);
}

#[test]
fn a_gone_member_is_marked_and_never_comes_first() {
    let world = World::new();
    let large = halves(300, 220, [1, 1], 0);
    let small = resize(&large, 200, 147, FilterType::Triangle);
    world.put_bytes("lib/large.png", &png(&large));
    world.put_bytes("lib/small.png", &png(&small));
    world.index("lib");
    world.pair();
    let members = || -> Vec<(String, bool, usize)> {
        let found = world.groups(2);
        let members = found.groups[0].members.iter();
        let shown = members.map(|m| (m.picture.name.clone(), m.is_missing(), m.files()));
        shown.collect()
    };
    let shown = |name: &str, missing, files| (name.to_owned(), missing, files);
    assert_eq!(
        members(),
        [shown("large.png", false, 1), shown("small.png", false, 1)]
    );
    fs::remove_file(world.path("lib/large.png")).unwrap();
    assert_eq!(
        members(),
        [shown("small.png", false, 1), shown("large.png", true, 0)]
    );
    // The bytes of an upload are there, whatever became of a path.
    world.bench.indexer.add(&png(&large), "large.png").unwrap();
    assert_eq!(members()[0], shown("large.png", false, 1));
}
