//! Files that are found at a new place.

use std::fs;
use std::os::unix::fs::symlink;

use resight_engine::{FolderEvent, FolderOptions};

use crate::paths::{World, tagged};

#[test]
fn a_renamed_folder_and_a_moved_root_leave_no_path_behind() {
    let world = World::new();
    world.put("old/PIter/a.png", 1);
    world.run("old", &tagged());
    let (id, _) = world.only();

    world.rename("old/PIter", "old/Piter");
    let (report, events) = world.run("old", &FolderOptions::default());
    assert_eq!(
        (report.moved, report.already_there, report.missing),
        (1, 1, 0)
    );
    let moved = FolderEvent::Moved {
        from: world.text("old/PIter/a.png"),
        path: world.path("old/Piter/a.png"),
    };
    assert!(events.contains(&moved), "{events:?}");
    assert_eq!(
        world.only(),
        (id.clone(), vec![world.text("old/Piter/a.png")])
    );

    world.rename("old", "new");
    let prune = FolderOptions {
        prune: true,
        ..FolderOptions::default()
    };
    let (report, _) = world.run("new", &prune);
    assert_eq!((report.moved, report.pruned), (1, 0));
    assert_eq!(world.only(), (id, vec![world.text("new/Piter/a.png")]));
    let tags = &world.bench.library.pictures(0, 1).unwrap()[0].labels.tags;
    assert_eq!(tags.len(), 1);
    world.pair();
    assert_eq!(world.groups(2).total, 0);
    assert_eq!(world.index("new").unchanged, 1);
}

#[test]
fn files_are_counted_as_moved_once() {
    // The names before and after; how many were moved, and how many are gone.
    let cases: [(&[&str], &[&str], u64); 5] = [
        (&["a"], &["b", "c"], 1),
        (&["a", "b"], &["c"], 1),
        (&["a", "b"], &["c", "d"], 2),
        (&["a"], &["a", "b"], 0),
        (&["a", "b"], &["a", "c", "d"], 1),
    ];
    for (before, after, moved) in cases {
        let world = World::new();
        for name in before {
            world.put(&format!("lib/{name}.png"), 1);
        }
        world.index("lib");
        fs::remove_dir_all(world.path("lib")).unwrap();
        for name in after {
            world.put(&format!("lib/{name}.png"), 1);
        }
        let report = world.index("lib");
        assert_eq!(
            (report.moved, report.missing),
            (moved, 0),
            "{before:?} {after:?}"
        );
        let expected = after
            .iter()
            .map(|name| world.text(&format!("lib/{name}.png")));
        assert_eq!(world.only().1, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_copy_beside_a_link_that_leads_nowhere_is_no_move() {
    let world = World::new();
    world.put("disk/a.png", 1);
    fs::create_dir(world.path("lib")).unwrap();
    symlink(world.path("disk"), world.path("lib/disk")).unwrap();
    world.index("lib");
    world.rename("disk", "away");
    world.put("copies/a.png", 1);
    assert_eq!(world.index("copies").moved, 0);
    assert_eq!(world.only().1.len(), 2);
    // Nor where the link is gone as well: nothing tells that its disk is there.
    fs::remove_file(world.path("lib/disk")).unwrap();
    world.put("more/a.png", 1);
    assert_eq!(world.index("more").moved, 0);
    assert_eq!(world.only().1.len(), 3);
    // A file that turns up in the same folder was moved there.
    world.put("lib/a.png", 1);
    assert_eq!(world.index("lib").moved, 1);
    assert_eq!(world.only().1.len(), 3);
}
