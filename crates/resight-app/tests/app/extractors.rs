//! A folder whose pictures a keypoint network described.

use std::fs;
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::data_folder::{Opening, open_for_listing, open_for_searching, open_for_writing};
use resight_app::plugins::Plugins;
use resight_engine::{TrainPlan, train_vocabulary};
use resight_test_support::onnx;

use crate::support::{World, add, chosen, error, picture, verified};

fn with_corners() -> World {
    let world = World::new();
    let manifest = onnx::corner_manifest("corners");
    world.install("corners", &manifest, &onnx::corner_net());
    world
}

#[test]
fn a_folder_of_another_extractor_is_refused_with_both_names() {
    let world = with_corners();
    let config = world.config();
    add(&world.open().library, 1);
    for refused in [
        error(open_for_writing(&config, &chosen("corners"))),
        error(open_for_searching(&config, &chosen("corners"), true)),
    ] {
        assert_eq!(refused.code(), Code::ModelMismatch);
        let text = refused.to_string();
        assert!(text.contains("corners") && text.contains("sift"), "{text}");
    }
    assert_eq!(verified(&world.open().library, 1).len(), 1);
}

#[test]
fn a_new_extractor_needs_a_vocabulary_which_the_folder_then_keeps() {
    let world = with_corners();
    let config = world.config();
    let corners = chosen("corners");
    let missing = error(open_for_writing(&config, &corners));
    assert_eq!(missing.code(), Code::VocabularyMissing);
    assert!(!world.path("data").exists());

    let pictures = world.path("pictures");
    fs::create_dir(&pictures).unwrap();
    for seed in 1..=4 {
        fs::write(pictures.join(format!("{seed}.png")), picture(seed)).unwrap();
    }
    let mut opening = Opening::for_writing(&config, &corners, true).unwrap();
    let plan = TrainPlan {
        words: Some(64),
        ..TrainPlan::default()
    };
    let extractor = opening.lacks_vocabulary().unwrap();
    let go = AtomicBool::new(false);
    let learnt = train_vocabulary(&[pictures], extractor, &plan, &go, &mut |_| {}).unwrap();
    opening.set_vocabulary(learnt).unwrap();
    assert!(opening.lacks_vocabulary().is_none());
    let id = add(&opening.finish().unwrap().library, 2);

    // The stored pictures choose their extractor.
    let folder = world.open();
    assert_eq!(verified(&folder.library, 2), [id]);
    drop(folder);
    let mismatch = error(open_for_writing(&config, &chosen("sift")));
    assert_eq!(mismatch.code(), Code::ModelMismatch);

    world.models().remove("corners").unwrap();
    let gone = error(open_for_searching(&config, &Plugins::default(), true));
    assert_eq!(gone.code(), Code::ModelNotInstalled);
    assert!(gone.to_string().contains("corners"), "{gone}");
    assert_eq!(open_for_listing(&config, true).unwrap().count().unwrap(), 1);
}
