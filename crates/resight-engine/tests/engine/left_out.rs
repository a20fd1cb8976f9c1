//! Folders and files that are left out: by default, by patterns, and by files with patterns.

use std::fs;
use std::os::unix::fs::symlink;

use resight_engine::{FolderEvent, FolderOptions, FolderReport, LabelPatch, Patterns, Tag};

use crate::paths::{World, tagged};

fn patterns(exclude: &[&str], include: &[&str]) -> Patterns {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    Patterns::new(owned(exclude), owned(include)).unwrap()
}

fn with(exclude: &[&str], include: &[&str]) -> FolderOptions {
    FolderOptions {
        patterns: patterns(exclude, include),
        ..FolderOptions::default()
    }
}

fn pruning(options: FolderOptions) -> FolderOptions {
    FolderOptions {
        prune: true,
        ..options
    }
}

/// Names of the stored paths below `lib`.
fn stored(world: &World) -> Vec<String> {
    let pictures = world.bench.library.pictures(0, 99).unwrap();
    let paths = pictures.into_iter().flat_map(|picture| picture.sources);
    let below = world.text("lib/");
    let mut names: Vec<String> = paths
        .map(|path| path.strip_prefix(&below).unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_a_network_storage_keeps_beside_pictures_is_left_out() {
    let world = World::new();
    for (name, number) in [
        ("a.png", 1),
        ("@eaDir/a.png/SYNOPHOTO_THUMB_XL.png", 2),
        ("sub/deep/@EADIR/b.png", 3),
        ("#recycle/deleted.png", 4),
        ("$RECYCLE.BIN/S-1/deleted.png", 5),
        ("lost+found/c.png", 6),
        ("__MACOSX/d.png", 7),
        ("System Volume Information/e.png", 8),
        (".Trash-1000/files/f.png", 9),
        (".hidden.png", 10),
        // Not what they are called.
        ("sub/@eaDir.png", 11),
        ("sub/lost+found and more/g.png", 12),
    ] {
        world.put(&format!("lib/{name}"), number);
    }
    fs::rename(
        world.path("lib/sub/@eaDir.png"),
        world.path("lib/sub/deep/@recycle"),
    )
    .unwrap();
    symlink(world.path("lib/@eaDir"), world.path("lib/link")).unwrap();
    symlink(world.path("lib/@eaDir/a.png"), world.path("lib/sub/link")).unwrap();
    symlink(
        world.path("lib/#recycle/deleted.png"),
        world.path("lib/link.png"),
    )
    .unwrap();
    let report = world.index("lib");
    let names = [
        "a.png",
        "sub/deep/@recycle",
        "sub/lost+found and more/g.png",
    ];
    assert_eq!(stored(&world), names);
    assert_eq!((report.files, report.indexed, report.refused), (3, 3, 0));
    let left_out = &report.left_out;
    let system: Vec<(&str, u64)> = left_out
        .system
        .iter()
        .map(|(name, n)| (*name, *n))
        .collect();
    assert_eq!(
        system,
        [
            ("#recycle", 2),
            ("$RECYCLE.BIN", 1),
            ("@eaDir", 4),
            ("System Volume Information", 1),
            ("__MACOSX", 1),
            ("lost+found", 1),
        ]
    );
    assert_eq!((left_out.hidden_folders, left_out.hidden_files), (1, 1));

    // Named itself, each of them is walked; links out of it lead where they lead.
    for (name, files) in [("@eaDir", 1), (".Trash-1000", 1), ("#recycle", 1)] {
        assert_eq!(world.index(&format!("lib/{name}")).indexed, files, "{name}");
    }
}

#[test]
fn patterns_decide_before_files_with_patterns_and_those_before_the_default() {
    let world = World::new();
    for (name, number) in [
        ("a.png", 1),
        ("raw/b.png", 2),
        ("sub/raw/c.png", 3),
        ("sub/keep/d.png", 4),
        ("sub/drop/e.png", 5),
        (".private/f.png", 6),
        ("@eaDir/g.png", 7),
        ("gitignored.png", 8),
    ] {
        world.put(&format!("lib/{name}"), number);
    }
    fs::write(world.path("lib/.gitignore"), "*").unwrap();
    fs::write(world.path("lib/.ignore"), "*").unwrap();
    fs::write(
        world.path("lib/sub/.resightignore"),
        "\u{feff}# remark\r\n*\r\n!keep/\n!keep/*\n",
    )
    .unwrap();
    fs::write(world.path("lib/sub/keep/.resightignore"), "a{\nx").unwrap();
    let (report, _) = world.run("lib", &with(&["raw/"], &["@eaDir/", ".private", "drop/"]));
    // A folder that is taken in; its files are not, for the nearest file leaves them out.
    let names = [
        ".private/f.png",
        "@eaDir/g.png",
        "a.png",
        "gitignored.png",
        "sub/keep/d.png",
    ];
    assert_eq!(stored(&world), names);
    let left_out = &report.left_out;
    assert_eq!(
        (left_out.folders_by_pattern, left_out.files_by_pattern),
        (2, 1)
    );
    // The files of other programs count as hidden, our own does not.
    assert_eq!((left_out.hidden_files, left_out.system.len()), (2, 0));
}

#[test]
fn a_file_with_patterns_holds_where_a_folder_below_it_is_indexed() {
    let world = World::new();
    for (name, number) in [
        ("2019/a.png", 1),
        ("2019/drafts/b.png", 2),
        ("drafts/c.png", 3),
    ] {
        world.put(&format!("lib/{name}"), number);
    }
    fs::write(world.path("lib/.resightignore"), "drafts/").unwrap();
    world.index("lib/2019");
    assert_eq!(stored(&world), ["2019/a.png"]);
    // But a folder that is named is walked.
    world.index("lib/drafts");
    assert_eq!(stored(&world), ["2019/a.png", "drafts/c.png"]);
}

/// A folder with one picture beside two in `raw`, one of which has a tag.
fn half_tagged() -> World {
    let world = World::new();
    for (name, number) in [("a.png", 1), ("raw/b.png", 2), ("raw/c.png", 3)] {
        world.put(&format!("lib/{name}"), number);
    }
    assert_eq!(world.index("lib").indexed, 3);
    let library = &world.bench.library;
    let c = library.find_by_path(&world.path("lib/raw/c.png")).unwrap();
    let patch = LabelPatch {
        add_tags: vec![Tag::parse("mine").unwrap()],
        ..LabelPatch::default()
    };
    library.label(vec![(c.unwrap(), patch)]).unwrap();
    world
}

fn excluded(report: &FolderReport) -> [u64; 4] {
    [
        report.missing,
        report.pruned,
        report.excluded,
        report.excluded_pruned,
    ]
}

#[test]
fn pictures_that_are_left_out_now_stay_until_they_are_pruned_and_labels_stay_for_good() {
    let world = half_tagged();
    let (report, _) = world.run("lib", &with(&["raw/"], &[]));
    assert_eq!(excluded(&report), [0, 0, 2, 0]);
    assert_eq!(stored(&world).len(), 3);
    // Nothing was lost: without the pattern all is as it was.
    let report = world.index("lib");
    assert_eq!((report.unchanged, report.excluded), (3, 0));

    let (report, events) = world.run("lib", &pruning(with(&["raw/"], &[])));
    assert_eq!(excluded(&report), [0, 0, 2, 1]);
    assert_eq!(stored(&world), ["a.png", "raw/c.png"]);
    let pruned = FolderEvent::Pruned {
        path: world.text("lib/raw/b.png"),
    };
    assert!(events.contains(&pruned), "{events:?}");
    let report = world.index("lib");
    assert_eq!((report.unchanged, report.indexed), (2, 1));

    // A file that is gone is gone, wherever it was.
    fs::remove_file(world.path("lib/raw/c.png")).unwrap();
    let (report, _) = world.run("lib", &pruning(with(&["raw/"], &[])));
    assert_eq!(excluded(&report), [1, 1, 1, 1]);
    assert_eq!(stored(&world), ["a.png"]);
}

#[test]
fn a_picture_with_another_path_loses_the_one_that_is_left_out() {
    let world = half_tagged();
    fs::copy(world.path("lib/raw/c.png"), world.path("lib/c.png")).unwrap();
    world.index("lib");
    let (report, _) = world.run("lib", &pruning(with(&["raw/"], &[])));
    assert_eq!(excluded(&report), [0, 0, 2, 2]);
    assert_eq!(stored(&world), ["a.png", "c.png"]);
}

#[test]
fn pruning_with_everything_left_out_is_refused() {
    let world = World::new();
    world.put("lib/a.png", 1);
    world.run("lib", &tagged());
    let go = std::sync::atomic::AtomicBool::new(false);
    let all = pruning(with(&["*"], &[]));
    let indexer = &world.bench.indexer;
    let error = indexer.index_folder(&world.path("lib"), &all, &go, &mut |_| {});
    assert_eq!(error.unwrap_err().code(), "folder_unreadable");
    assert_eq!(stored(&world), ["a.png"]);
}

#[test]
fn refused_files_that_are_left_out_are_no_longer_listed() {
    let world = World::new();
    world.put("lib/a.png", 1);
    world.put_bytes("lib/raw/broken.png", b"\x89PNG\r\n\x1a\n");
    assert_eq!(world.index("lib").refused, 1);
    world.run("lib", &with(&["raw/"], &[]));
    assert!(world.bench.library.refusals(None, 9).unwrap().is_empty());
}
