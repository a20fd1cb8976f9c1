//! What backups and restored folders are guarded against.

use resight_app::backup::backup;
use resight_app::collections::Collections;

use crate::backup::{OPTIONS, back_up, go, restored_to};
use crate::support::{World, add, named};

#[test]
fn a_collection_that_goes_while_its_files_are_copied_is_not_in_the_backup() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("museum")).unwrap();
    let lease = collections.lease(&named("museum")).unwrap();
    for seed in 2..5 {
        add(&lease.shared(), seed);
    }
    drop(lease);
    let mut steps = 0;
    let config = world.config();
    let target = world.path("backup");
    let made = backup(&config, &target, OPTIONS, &go(), &mut |_, _| {
        steps += 1;
        // The picture of the default collection, and one of the three others.
        if steps == 2 {
            collections.remove(&named("museum")).unwrap();
        }
    });
    let made = made.unwrap();
    assert_eq!((made.collections, made.pictures, made.files), (1, 1, 3));
    let restored = restored_to(&world, "again").unwrap();
    assert_eq!((restored.collections, restored.files), (1, 3));
    assert!(!world.path("again/collections/museum").exists());
    assert_eq!(back_up(&world).copied, 0);
}
