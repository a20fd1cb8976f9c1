//! Settings that reach the library, and settings that are refused.

use std::fs;
use std::num::NonZeroUsize;

use resight_app::Code;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{open_for_searching, open_for_writing};
use resight_app::plugins::Plugins;
use resight_engine::{EngineOptions, Query, SearchOptions};

use crate::support::{World, add, ask, chosen, error, named, picture};

#[test]
fn bounds_of_features_and_sides_reach_the_library() {
    let world = World::new();
    let features = |max_features, max_side| {
        let settings = Settings {
            max_features,
            max_side,
            threads: NonZeroUsize::new(3),
            ..world.settings()
        };
        let config = Config::new(settings).unwrap();
        assert_eq!(config.thread_count(), 3);
        let folder = open_for_writing(&config, &Plugins::default()).unwrap();
        let most = max_features.unwrap_or(EngineOptions::default().max_features);
        assert_eq!(folder.library.options().max_features, most);
        add(&folder.library, 1);
        let query = picture(2);
        let answer = ask(
            &folder.library,
            Query::Bytes(&query),
            &SearchOptions::default(),
        );
        answer.unwrap().queries[0].features
    };
    let all = features(None, None);
    assert!(all > 150, "{all}");
    assert_eq!(features(Some(50), None), 50);
    let small = features(None, Some(100));
    assert!(small < all * 2 / 3, "{small} of {all}");
    // Bounds that bound nothing.
    assert_eq!(features(Some(20_000), Some(16_384)), all);
}

#[test]
fn numbers_outside_their_ranges_are_wrong_settings() {
    let with = |threads, max_features, max_side| Settings {
        threads: NonZeroUsize::new(threads),
        max_features: Some(max_features),
        max_side: Some(max_side),
        ..Settings::default()
    };
    let memory = |mib| Settings {
        memory: Some(mib),
        ..Settings::default()
    };
    let most = memory(16_777_216);
    for settings in [
        with(1, 16, 64),
        with(1024, 20_000, 16_384),
        memory(256),
        most,
    ] {
        assert!(Config::new(settings.clone()).is_ok(), "{settings:?}");
    }
    // (settings, what the message names)
    for (settings, named) in [
        (with(1025, 16, 64), "threads is 1025"),
        (with(usize::MAX, 16, 64), "between 1 and 1024"),
        (with(1, 0, 64), "features is 0"),
        (with(1, 15, 64), "between 16 and 20000"),
        (with(1, 20_001, 64), "20001"),
        (with(1, usize::MAX, 64), "between 16 and 20000"),
        (with(1, 16, 0), "side in pixels is 0"),
        (with(1, 16, 63), "between 64 and 16384"),
        (with(1, 16, 16_385), "16385"),
        (with(1, 16, u32::MAX), "between 64 and 16384"),
        (memory(255), "between 256 and 16777216"),
    ] {
        let refused = error(Config::new(settings));
        assert_eq!(refused.code(), Code::BadParameter);
        assert!(refused.is_wrong_setting());
        assert!(refused.to_string().contains(named), "{refused}");
    }
}

#[test]
fn unknown_names_are_wrong_settings_and_make_no_folder() {
    let world = World::new();
    let unknown = error(open_for_writing(&world.config(), &chosen("surf")));
    assert_eq!(unknown.code(), Code::ExtractorUnknown);
    assert!(unknown.is_wrong_setting());
    let text = unknown.to_string();
    assert!(text.contains("surf") && text.contains("sift"), "{text}");
    assert!(!world.path("data").exists());

    add(&world.open().library, 1);
    let settings = Settings {
        with_models: vec!["sscd".into()],
        ..world.settings()
    };
    let config = Config::new(settings).unwrap();
    let missing = error(open_for_writing(&config, &Plugins::default()));
    assert_eq!(missing.code(), Code::ModelNotInstalled);
    let unused = error(open_for_searching(&config, &Plugins::default(), true));
    assert_eq!(unused.code(), Code::ModelNotUsed);
    assert!(unused.is_wrong_setting());
    assert!(unused.to_string().contains("sscd"), "{unused}");
}

#[test]
fn a_vocabulary_that_is_none_is_named_and_makes_no_folder() {
    let world = World::new();
    fs::write(world.path("letter"), "Dear reader").unwrap();
    for (name, code) in [
        ("letter", Code::NotAVocabulary),
        ("nowhere", Code::Unreadable),
    ] {
        let settings = Settings {
            vocabulary: Some(world.path(name)),
            ..world.settings()
        };
        let config = Config::new(settings).unwrap();
        let refused = error(open_for_writing(&config, &Plugins::default()));
        assert_eq!(refused.code(), code);
        assert!(refused.to_string().contains(name), "{refused}");
    }
    assert!(!world.path("data").exists());
}

#[test]
fn models_are_asked_for_in_the_named_collection_alone() {
    let world = World::new();
    let settings = Settings {
        with_models: vec!["colours".into()],
        ..world.settings()
    };
    let config = Config::new(settings).unwrap();
    let other = config.of_collection(&named("other"));
    assert!(other.with_models.is_empty());
    assert_eq!(other.data, world.path("data/collections/other"));
    assert_eq!(other.root, config.data);
    let same = other.of_collection(&config.collection);
    assert_eq!(same.data, config.data);
    assert_eq!(
        config.of_collection(&config.collection).with_models,
        ["colours"]
    );
}
