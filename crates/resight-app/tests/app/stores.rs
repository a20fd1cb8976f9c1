//! A data folder that was used with a catalogue or blobs elsewhere, opened by a program or with settings that name others.

use resight_app::Code;
use resight_app::backup::{BackupOptions, backup};
use resight_app::data_folder::{
    lock_collections, open_for_listing, open_for_removing, open_for_searching, open_for_writing,
};
use resight_app::plugins::Plugins;
use resight_app::stores::CollectionPlaces;
use std::fs;
use std::sync::atomic::AtomicBool;

use crate::support::{World, add, error};

const USED: &str = r#"{ "catalogue": "db.example:5432/resight", "blobs": "s3://pictures/all" }"#;

#[test]
fn a_folder_with_parts_elsewhere_is_not_opened_without_them() {
    let world = World::new();
    let (config, plugins) = (world.config(), Plugins::default());
    fs::create_dir(world.path("data")).unwrap();
    let record = world.path("data/stores.json");
    fs::write(&record, USED).unwrap();
    let nothing = |_: u64, _: u64| ();
    let refused = [
        error(open_for_writing(&config, &plugins)),
        error(open_for_removing(&config)),
        error(open_for_searching(&config, &plugins, false)),
        error(open_for_listing(&config, false)),
        error(lock_collections(&config)),
        error(CollectionPlaces::of(&config).names()),
        error(backup(
            &config,
            &world.path("backup"),
            BackupOptions::default(),
            &AtomicBool::new(false),
            &mut { nothing },
        )),
    ];
    for error in refused {
        assert_eq!(error.code(), Code::OtherStores);
        let text = error.to_string();
        assert!(text.contains("db.example:5432/resight"), "{text}");
        assert!(error.next_step().contains("stores.json"));
    }
    assert!(!world.path("data/catalogue.sqlite3").exists());
    assert!(!world.path("backup").exists());

    // They were moved into it on purpose.
    fs::remove_file(&record).unwrap();
    let folder = world.open();
    add(&folder.library, 1);
    drop(folder);
    assert!(
        !record.exists(),
        "a folder that has all in itself records nothing"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_damaged_and_not_written_over() {
    let world = World::new();
    fs::create_dir(world.path("data")).unwrap();
    let record = world.path("data/stores.json");
    fs::write(&record, "{").unwrap();
    let refused = error(open_for_writing(&world.config(), &Plugins::default()));
    assert_eq!(refused.code(), Code::StoreDamaged);
    assert_eq!(fs::read_to_string(&record).unwrap(), "{");
}

#[cfg(feature = "cluster")]
#[test]
fn a_folder_that_has_its_own_is_not_opened_with_others() {
    use resight_app::config::{Config, Settings};

    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    drop(folder);
    let settings = Settings {
        blobs: Some("s3://pictures/all".into()),
        ..world.settings()
    };
    let config = Config::new(settings).unwrap();
    // Nobody is asked: there is no such bucket, and no credentials.
    let refused = error(open_for_writing(&config, &Plugins::default()));
    assert_eq!(refused.code(), Code::OtherStores);
    assert!(refused.to_string().contains("blobs embedded"), "{refused}");
}
