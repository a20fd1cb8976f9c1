//! Files that are changed in place, and files of which only the record of the system changes.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use resight_engine::{FolderEvent, FolderOptions};
use resight_test_support::{encode, textured};

use crate::paths::{World, tagged};

/// A picture file whose length does not depend on the number.
fn bmp(number: u64) -> Vec<u8> {
    encode(&textured(160, 120, number), image::ImageFormat::Bmp)
}

fn set_time(world: &World, name: &str, time: SystemTime) {
    let file = File::options().write(true).open(world.path(name)).unwrap();
    file.set_modified(time).unwrap();
}

/// The system tells times apart by some milliseconds.
fn a_moment() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Puts another content in the place of a file.
type Edit = fn(&World, &[u8]);

#[test]
fn a_change_that_keeps_length_and_time_is_noticed() {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let future = SystemTime::now() + Duration::from_secs(1_000_000_000);
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1000);
    let edits: [(&str, Edit); 3] = [
        ("in place", |world, bytes| {
            fs::write(world.path("lib/x.bmp"), bytes).unwrap();
        }),
        ("by a rename", |world, bytes| {
            world.put_bytes("new", bytes);
            world.rename("new", "lib/x.bmp");
        }),
        ("by a removal", |world, bytes| {
            fs::remove_file(world.path("lib/x.bmp")).unwrap();
            world.put_bytes("lib/x.bmp", bytes);
        }),
    ];
    for time in [past, future, before_1970] {
        for (how, edit) in edits {
            let world = World::new();
            world.put_bytes("lib/x.bmp", &bmp(1));
            set_time(&world, "lib/x.bmp", time);
            world.run("lib", &tagged());
            let (before, _) = world.only();
            a_moment();
            edit(&world, &bmp(2));
            set_time(&world, "lib/x.bmp", time);
            let report = world.index("lib");
            assert_eq!((report.indexed, report.unchanged), (1, 0), "{how}");
            let (after, paths) = world.only();
            assert_ne!(before, after, "{how}");
            assert_eq!(paths, [world.text("lib/x.bmp")]);
            let tags = &world.bench.library.picture(&after).unwrap().labels.tags;
            assert_eq!(tags.len(), 1, "the new picture takes over the labels");
            assert_eq!(world.index("lib").unchanged, 1, "{how}");
        }
    }
}

#[test]
fn rights_links_and_times_that_change_describe_no_picture_again() {
    let world = World::new();
    world.put("lib/a.png", 1);
    world.put("elsewhere/b.png", 2);
    world.index("lib");
    let changes: [fn(&World); 3] = [
        |world| {
            fs::set_permissions(world.path("lib/a.png"), Permissions::from_mode(0o600)).unwrap();
        },
        |world| fs::hard_link(world.path("lib/a.png"), world.path("elsewhere/a.png")).unwrap(),
        |world| {
            set_time(
                world,
                "lib/a.png",
                SystemTime::now() + Duration::from_secs(9),
            )
        },
    ];
    for change in changes {
        a_moment();
        change(&world);
        let (report, events) = world.run("lib", &FolderOptions::default());
        assert_eq!(
            (report.same_bytes, report.indexed, report.already_there),
            (1, 0, 0)
        );
        let is_known = |event: &FolderEvent| {
            matches!(
                event,
                FolderEvent::Indexed {
                    already_there: true,
                    ..
                }
            )
        };
        assert!(events.iter().any(is_known), "{events:?}");
        assert_eq!(world.index("lib").unchanged, 1);
    }
}

#[test]
fn all_files_are_read_again_on_request() {
    let world = World::new();
    world.put("lib/a.png", 1);
    world.put("lib/b.png", 2);
    world.put_bytes("lib/c.png", b"\x89PNG\r\n\x1a\n");
    world.index("lib");
    let reread = FolderOptions {
        reread: true,
        ..FolderOptions::default()
    };
    let (report, _) = world.run("lib", &reread);
    assert_eq!(
        (report.same_bytes, report.unchanged, report.refused),
        (2, 0, 1)
    );
    assert_eq!(world.index("lib").unchanged, 2);
}

#[test]
fn a_refused_file_is_read_again_when_its_rights_change() {
    let world = World::new();
    world.put_bytes("lib/a.png", b"\x89PNG\r\n\x1a\n");
    world.index("lib");
    assert_eq!(world.index("lib").unchanged_refused, 1);
    a_moment();
    fs::set_permissions(world.path("lib/a.png"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.index("lib").refused, 1);
}
