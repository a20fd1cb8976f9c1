//! Names that are no UTF-8, and other names that few expect.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use resight_engine::{FolderOptions, ForgetOptions, Query, SearchOptions, path_of_text, path_text};

use crate::paths::{World, tagged};
use crate::support::picture;

fn in_lib(world: &World, name: &[u8]) -> PathBuf {
    world.path("lib").join(OsStr::from_bytes(name))
}

#[test]
fn files_of_any_name_are_indexed_found_moved_and_forgotten() {
    let names: [&[u8]; 6] = [
        b"caf\xe9.png",
        b"\xff",
        b"two\nlines\t.png",
        "\u{10ffe9}.png".as_bytes(),
        b" .png ",
        b"back\\slash%41*?.png",
    ];
    let world = World::new();
    fs::create_dir(world.path("lib")).unwrap();
    for (name, number) in names.iter().zip(1..) {
        fs::write(in_lib(&world, name), picture(number, 0)).unwrap();
    }
    let (report, _) = world.run("lib", &tagged());
    assert_eq!((report.indexed, report.refused), (6, 0));
    assert_eq!(world.index("lib").unchanged, 6);
    let library = &world.bench.library;
    for (name, number) in names.iter().zip(1..) {
        let path = in_lib(&world, name);
        let id = library.find_by_path(&path).unwrap().expect("by its path");
        let stored = library.picture(&id).unwrap();
        assert_eq!(stored.sources, [path_text(&path).unwrap()]);
        assert_eq!(path_of_text(&stored.sources[0]), path);
        // Its file is read.
        assert_eq!(library.file(&id).unwrap().bytes, picture(number, 0));
        let answer = world
            .bench
            .searcher
            .search(Query::Stored(&id), &SearchOptions::default());
        assert!(answer.is_ok());
    }
    let one = library
        .find_by_path(&in_lib(&world, names[0]))
        .unwrap()
        .unwrap();
    assert_eq!(library.picture(&one).unwrap().name, "caf\\xE9.png");

    // A folder of such a name that is renamed.
    let (old, new) = (OsStr::from_bytes(b"o\xe9ld"), OsStr::from_bytes(b"n\xe9w"));
    fs::create_dir(world.path("lib").join(old)).unwrap();
    fs::write(world.path("lib").join(old).join("x.png"), picture(9, 0)).unwrap();
    world.run("lib", &tagged());
    fs::rename(world.path("lib").join(old), world.path("lib").join(new)).unwrap();
    let report = world.index("lib");
    assert_eq!((report.moved, report.missing), (1, 0));
    // It is a folder to index and to forget as well.
    let folder = world.path("lib").join(new);
    assert_eq!(
        world.run_at(&folder, &FolderOptions::default()).0.unchanged,
        1
    );
    let forgotten = library
        .forget_paths(&[folder], ForgetOptions::default())
        .unwrap();
    assert_eq!((forgotten.paths, forgotten.kept_without_path), (1, 1));

    // Removed files are gone, whatever they were called.
    fs::remove_file(in_lib(&world, names[0])).unwrap();
    let prune = FolderOptions {
        prune: true,
        ..FolderOptions::default()
    };
    let (report, _) = world.run("lib", &prune);
    assert_eq!((report.missing, report.pruned), (1, 1));
}

#[test]
fn refused_files_of_any_name_are_told_apart() {
    let world = World::new();
    fs::create_dir(world.path("lib")).unwrap();
    for name in [b"\xe9.png", b"\xe8.png"] {
        fs::write(in_lib(&world, name), b"\x89PNG\r\n\x1a\n").unwrap();
    }
    assert_eq!(world.index("lib").refused, 2);
    let refused = world.bench.library.refusals(None, 9).unwrap();
    let paths: Vec<PathBuf> = refused
        .iter()
        .map(|file| path_of_text(&file.path))
        .collect();
    assert_eq!(
        paths,
        [in_lib(&world, b"\xe8.png"), in_lib(&world, b"\xe9.png")]
    );
    assert_eq!(world.index("lib").unchanged_refused, 2);
}
