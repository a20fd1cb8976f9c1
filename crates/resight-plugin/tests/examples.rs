//! The plug-ins of `examples/plugins`, with the libraries that they need. `RESIGHT_TEST_PYTHONS` can
//! name a Python that has them.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_plugin::{PluginConfig, PythonLocalExtractor, check};
use resight_vision::{Keypoint, LocalExtractor, Sift};
use support::*;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/plugins")
        .join(name)
}

#[test]
fn each_passes_the_check_and_names_its_model() {
    for (name, module, model) in [
        (
            "opencv_sift.py",
            "cv2",
            "plugin:opencv_sift/1;kind=uint8;d=128",
        ),
        (
            "opencv_orb.py",
            "cv2",
            "plugin:opencv_orb/2;kind=binary;d=256",
        ),
        (
            "skimage_sift.py",
            "skimage",
            "plugin:skimage_sift/1;kind=uint8;d=128",
        ),
        (
            "colour_histogram.py",
            "numpy",
            "plugin:colour_histogram/1;kind=vector;d=256",
        ),
    ] {
        let Some(python) = scientific(module) else {
            continue;
        };
        let report = check(&example(name), &python).unwrap();
        println!("{name}: ready after {:?}", report.start);
        for trial in &report.trials {
            let (input, outcome) = (&trial.input, &trial.outcome);
            println!("  {input}: {outcome:?} in {:?}", trial.time);
        }
        assert!(report.passed(), "{name}: {:?}", report.load_error);
        assert_eq!(report.model.as_deref(), Some(model));
    }
}

/// Positions, scales and angles mean the same in every extractor.
#[test]
fn keypoints_agree_with_the_built_in_extractors() {
    let picture = blurred_blocks(320, 240);
    let ours = Sift::default().extract(&picture).unwrap().keypoints;
    for (name, module) in [("opencv_sift.py", "cv2"), ("skimage_sift.py", "skimage")] {
        let Some(python) = scientific(module) else {
            continue;
        };
        let mut config = PluginConfig::new(example(name));
        config.python = python;
        let extractor = PythonLocalExtractor::new(Arc::new(start(config))).unwrap();
        let theirs = extractor.extract(&picture).unwrap().keypoints;
        let close = |k: &&Keypoint, o: &Keypoint| {
            (k.x - o.x).hypot(k.y - o.y) < 1.0 && (k.scale / o.scale).ln().abs() < 0.2
        };
        let turned = |k: &Keypoint, o: &Keypoint| {
            let turn = (k.angle - o.angle).abs() % std::f32::consts::TAU;
            turn.min(std::f32::consts::TAU - turn)
        };
        // A position may have several angles, of which the nearest counts. With another convention of
        // angles less than a quarter would agree.
        let turns: Vec<f32> = theirs
            .iter()
            .filter_map(|k| {
                let there = ours.iter().filter(|o| close(&k, o));
                there.map(|o| turned(k, o)).min_by(f32::total_cmp)
            })
            .collect();
        let same = turns.iter().filter(|t| **t < 0.2).count();
        println!(
            "{name}: {} of {} at places of ours, {same} turned alike",
            turns.len(),
            theirs.len()
        );
        assert!(
            turns.len() * 2 > theirs.len(),
            "{} of {}",
            turns.len(),
            theirs.len()
        );
        assert!(same * 2 > turns.len(), "{same} of {}", turns.len());
    }
}
