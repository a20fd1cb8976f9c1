//! Paths that are forgotten, while their pictures stay.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use resight_engine::{FolderOptions, ForgetOptions, Forgotten};

use crate::paths::{World, tagged};
use crate::support::picture;

fn forget(world: &World, names: &[&str], options: ForgetOptions) -> Forgotten {
    let paths: Vec<PathBuf> = names.iter().map(|name| world.path(name)).collect();
    world.bench.library.forget_paths(&paths, options).unwrap()
}

#[test]
fn forgetting_a_folder_keeps_pictures_and_tags() {
    let world = World::new();
    world.put("old/a.png", 1);
    world.put("old/sub/b.png", 2);
    world.put("old/sub/copy.png", 1);
    world.put("older/a.png", 3);
    fs::write(world.path("old/sub/notes.txt"), "no picture").unwrap();
    world.run("old", &tagged());
    world.run("older", &FolderOptions::default());
    fs::remove_dir_all(world.path("old")).unwrap();
    let library = &world.bench.library;

    let dry_run = ForgetOptions {
        dry_run: true,
        ..ForgetOptions::default()
    };
    let forgotten = |kept_without_path, removed| Forgotten {
        paths: 3,
        refusals: 1,
        kept_without_path,
        removed,
        unknown: Vec::new(),
    };
    assert_eq!(forget(&world, &["old"], dry_run), forgotten(2, 0));
    let both = ForgetOptions {
        dry_run: true,
        prune: true,
    };
    // A folder within another one counts once.
    assert_eq!(
        forget(&world, &["old/sub/", "old", "old"], both),
        forgotten(0, 2)
    );
    assert_eq!(library.refusals(None, 9).unwrap().len(), 1);

    let done = forget(&world, &["old"], ForgetOptions::default());
    assert_eq!(done, forgotten(2, 0));
    assert!(library.refusals(None, 9).unwrap().is_empty());
    let pictures = library.pictures(0, 9).unwrap();
    let shown = pictures
        .iter()
        .map(|p| (p.sources.len(), p.labels.tags.len()));
    assert_eq!(shown.collect::<Vec<_>>(), [(1, 0), (0, 1), (0, 1)]);
    let again = forget(&world, &["old"], ForgetOptions::default());
    assert_eq!(again.unknown, [world.path("old")]);
    assert_eq!(again.paths, 0);

    // A file with its bytes gives it a path again.
    world.put("new/b.png", 2);
    let report = world.index("new");
    assert_eq!((report.indexed, report.already_there), (0, 1));
    assert_eq!(library.count().unwrap(), 3);
}

#[test]
fn forgetting_removes_only_pictures_without_another_path_and_only_when_asked() {
    let world = World::new();
    world.put("old/a.png", 1);
    world.put("old/b.png", 2);
    world.put("old/c.png", 3);
    world.put("kept/a.png", 1);
    world.index("old");
    world.index("kept");
    let uploaded = world.bench.indexer.add(&picture(3, 0), "c.png").unwrap();
    assert!(uploaded.already_there);
    let prune = ForgetOptions {
        prune: true,
        ..ForgetOptions::default()
    };
    // One file, which exists, by a name with a link in it.
    symlink(world.path("old"), world.path("link")).unwrap();
    let one = forget(&world, &["link/b.png"], ForgetOptions::default());
    assert_eq!((one.paths, one.kept_without_path), (1, 1));
    world.index("old");
    let done = forget(&world, &["old"], prune);
    assert_eq!(
        (done.paths, done.kept_without_path, done.removed),
        (3, 0, 1)
    );
    let names: Vec<String> = {
        let pictures = world.bench.library.pictures(0, 9).unwrap();
        pictures.into_iter().map(|p| p.name).collect()
    };
    assert_eq!(names, ["c.png", "a.png"]);
    // Forgetting a link forgets nothing of what it leads to.
    symlink(world.path("kept"), world.path("kept/loop")).unwrap();
    symlink(world.path("old"), world.path("kept/year")).unwrap();
    world.index("kept");
    let linked = forget(&world, &["kept/year"], ForgetOptions::default());
    assert_eq!((linked.paths, linked.kept_without_path), (3, 1));
    assert!(world.path("kept/a.png").exists());
}
