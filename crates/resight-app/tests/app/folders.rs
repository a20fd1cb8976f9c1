//! Opening a data folder, to change and to read it.

use std::fs;

use resight_app::config::{Config, Settings};
use resight_app::data_folder::{
    lock_collections, open_for_listing, open_for_removing, open_for_searching, open_for_writing,
};
use resight_app::plugins::Plugins;
use resight_app::{AppError, Code};
use resight_engine::{Query, SearchOptions};

use crate::support::{World, add, ask, error, hits, named, picture};

/// The errors of all ways to open a folder, by the way's name.
fn refusals(config: &Config) -> [(&'static str, AppError); 4] {
    let none = Plugins::default();
    [
        ("writing", error(open_for_writing(config, &none))),
        ("removing", error(open_for_removing(config))),
        ("searching", error(open_for_searching(config, &none, true))),
        ("listing", error(open_for_listing(config, true))),
    ]
}

#[test]
fn a_reopened_folder_gives_the_same_answers() {
    let world = World::new();
    let folder = world.open();
    let ids: Vec<_> = (1..=4).map(|seed| add(&folder.library, seed)).collect();
    let before = hits(&folder.library, 2);
    assert_eq!(before[0].0, ids[1]);
    assert!(before[0].2, "a copy is verified");
    drop(folder);

    let folder = world.open();
    assert_eq!(hits(&folder.library, 2), before);
    assert_eq!(add(&folder.library, 2), ids[1]);
    assert_eq!(folder.library.count().unwrap(), 4);
    drop(folder);
    let read = open_for_searching(&world.config(), &Plugins::default(), true).unwrap();
    assert_eq!(hits(&read, 2), before);
}

#[test]
fn a_folder_for_listing_searches_by_stored_pictures_and_describes_none() {
    let world = World::new();
    let folder = world.open();
    let id = add(&folder.library, 1);
    add(&folder.library, 2);
    let options = SearchOptions::default();
    let before = ask(&folder.library, Query::Stored(&id), &options).unwrap();

    let listed = open_for_listing(&world.config(), true).unwrap();
    let after = ask(&listed, Query::Stored(&id), &options).unwrap();
    assert_eq!(after.hits, before.hits);
    let new = picture(3);
    let refused = ask(&listed, Query::Bytes(&new), &options).unwrap_err();
    assert_eq!(Code::from(&refused), Code::ExtractorFailed);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let world = World::new();
    let config = world.config();
    // The folder is new, then one that exists.
    for _ in 0..2 {
        let first = world.open();
        add(&first.library, 1);
        let locked = [
            error(open_for_writing(&config, &Plugins::default())),
            error(open_for_removing(&config)),
            error(lock_collections(&config)),
        ];
        for error in locked {
            assert_eq!(error.code(), Code::StoreLocked);
            assert!(error.next_step().contains("Stop the process"));
            assert!(!error.is_wrong_setting());
        }
        let read = open_for_searching(&config, &Plugins::default(), true).unwrap();
        assert_eq!(read.count().unwrap(), 1);
        drop(first);
    }
    assert_eq!(
        open_for_removing(&config).unwrap().library.count().unwrap(),
        1
    );
}

#[test]
fn reading_a_folder_that_does_not_exist_makes_nothing() {
    let world = World::new();
    for (collection, code) in [
        (Default::default(), Code::NothingIndexed),
        (named("other"), Code::UnknownCollection),
    ] {
        let settings = Settings {
            collection,
            ..world.settings()
        };
        let config = Config::new(settings).unwrap();
        for (way, error) in [
            (
                "searching",
                error(open_for_searching(&config, &Plugins::default(), true)),
            ),
            ("listing", error(open_for_listing(&config, true))),
            ("removing", error(open_for_removing(&config))),
        ] {
            assert_eq!(error.code(), code, "{way}");
        }
    }
    assert!(!world.path("data").exists());
}

#[test]
fn a_file_in_place_of_the_folder_is_refused_and_stays() {
    let world = World::new();
    fs::write(world.path("data"), "a letter").unwrap();
    for (way, error) in refusals(&world.config()) {
        let code = match way {
            "writing" => Code::StoreIo,
            _ => Code::NothingIndexed,
        };
        assert_eq!(error.code(), code, "{way}: {error}");
    }
    assert_eq!(fs::read(world.path("data")).unwrap(), b"a letter");
}

#[test]
fn a_catalogue_of_other_bytes_is_damaged_and_stays() {
    let world = World::new();
    add(&world.open().library, 1);
    let catalogue = world.path("data/catalogue.sqlite3");
    for side in ["-wal", "-shm"] {
        let _absent = fs::remove_file(world.path(&format!("data/catalogue.sqlite3{side}")));
    }
    let junk = resight_test_support::Random::new(1).bytes(8192, 255);
    fs::write(&catalogue, &junk).unwrap();
    for (way, error) in refusals(&world.config()) {
        assert_eq!(error.code(), Code::StoreDamaged, "{way}: {error}");
        assert!(error.to_string().contains("catalogue"), "{way}: {error}");
    }
    assert_eq!(fs::read(&catalogue).unwrap(), junk);
}
