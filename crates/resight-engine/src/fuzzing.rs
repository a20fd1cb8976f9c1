//! What is fed to the engine's readers by the tests and by the fuzzers of `fuzz`. Each function returns whether something
//! was read, and panics where a reader is wrong.

use std::path::Path;
use std::str::FromStr;

use resight_vision::ModelId;

use crate::feature_blob;
use crate::indexer::exclusion::Patterns;
use crate::library::stored_features;
use crate::search::request::Region;

/// The model and the bytes of a descriptor of the features that are read.
const MODEL: &str = "m/1";
const DIMENSION: usize = 4;
/// Where the hash of a blob lies.
const HASH: std::ops::Range<usize> = 20..36;

/// Features as the catalogue stores them.
pub fn stored_features(bytes: &[u8]) -> bool {
    let Some(features) = stored_features::from_bytes(bytes) else {
        return false;
    };
    let descriptors = features.descriptors.as_bytes().len();
    assert_eq!(
        descriptors,
        features.len() * features.descriptors.dimension()
    );
    let written = stored_features::to_bytes(&features);
    let again = stored_features::from_bytes(&written);
    // Compared as bytes, as numbers may be none.
    let again = again.map(|features| stored_features::to_bytes(&features));
    assert_eq!(again, Some(written));
    true
}

/// The same bytes with the hash that a blob of features has of the rest.
pub(crate) fn sealed(blob: &[u8]) -> Vec<u8> {
    let mut sealed = blob.to_vec();
    if blob.len() > HASH.end {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&blob[..HASH.start]).update(&blob[HASH.end..]);
        let length = HASH.len();
        sealed[HASH].copy_from_slice(&hasher.finalize().as_bytes()[..length]);
    }
    sealed
}

/// Features of another program, also behind a hash that fits.
pub fn features_blob(bytes: &[u8]) -> bool {
    let model = ModelId::new(MODEL);
    let _ = feature_blob::read_as(bytes, &model, DIMENSION);
    let Ok((features, size)) = feature_blob::read_as(&sealed(bytes), &model, DIMENSION) else {
        return false;
    };
    assert!(size.iter().all(|side| *side > 0));
    for point in &features.keypoints {
        let numbers = [point.x, point.y, point.scale, point.angle];
        assert!(numbers.iter().all(|number| number.is_finite()) && point.scale > 0.0);
    }
    true
}

/// A region of a picture.
pub fn region(bytes: &[u8]) -> bool {
    let Some(Ok(region)) = std::str::from_utf8(bytes).ok().map(Region::from_str) else {
        return false;
    };
    for size in [[1, 1], [640, 480], [u32::MAX, 9]] {
        if let Ok([x, y, width, height]) = region.in_pixels(size) {
            assert!(x >= 0.0 && y >= 0.0 && width >= 8.0 && height >= 8.0);
            assert!(x + width <= f64::from(size[0]) + 1e-6 * f64::from(size[0]));
            assert!(y + height <= f64::from(size[1]) + 1e-6 * f64::from(size[1]));
        }
    }
    true
}

/// Patterns of what is left out of a folder, one a line.
pub fn patterns(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match Patterns::new(lines.clone(), Vec::new()) {
        Ok(patterns) => {
            // What is good for the root is good for another folder.
            assert!(patterns.below(Path::new("/a/b"), Path::new("/c")).is_ok());
            true
        }
        Err(bad) => {
            assert!(!bad.reason.is_empty());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::fuzz_reader;
    use resight_vision::{Descriptors, Keypoint, LocalFeatures};

    use super::*;

    fn features(count: usize) -> LocalFeatures {
        let keypoint = |i: usize| Keypoint {
            x: i as f32,
            y: 2.5,
            scale: 1.0 + i as f32,
            angle: 0.5,
            response: 0.0,
        };
        let bytes = (0..count * DIMENSION).map(|i| i as u8).collect();
        LocalFeatures {
            keypoints: (0..count).map(keypoint).collect(),
            descriptors: Descriptors::from_bytes(DIMENSION, bytes).unwrap_or_default(),
        }
    }

    fn tried(name: &str, count: u64, made: Vec<Vec<u8>>, reader: fn(&[u8]) -> bool) {
        let (read, refused) = fuzz_reader(name, count, made, reader);
        assert!(read > 50 && refused > 50, "{name}: {read} {refused}");
    }

    #[test]
    fn changed_features_are_read_or_refused() {
        let stored = stored_features::to_bytes(&features(3));
        let with_words = [&[1][..], &stored[1..7], &[7; 12], &stored[7..]];
        let made = vec![
            stored.clone(),
            stored_features::to_bytes(&features(0)),
            with_words.concat(),
        ];
        assert!(made.iter().all(|bytes| stored_features(bytes)));
        tried("stored_features", 10_000, made, stored_features);
        let blob = feature_blob::write(&features(3), [640, 480], &ModelId::new(MODEL)).unwrap();
        assert_eq!(sealed(&blob), blob);
        tried("features_blob", 10_000, vec![blob], features_blob);
    }

    #[test]
    fn changed_regions_and_patterns_are_read_or_refused() {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let regions = [
            "1,2,30,40",
            "pct:10,0,50.5,100",
            "0,0,8.5,9",
            "1e3,-0,nan,inf",
            "pct:1e-9,1,99,1e308",
        ];
        tried("region", 10_000, texts(&regions), region);
        let lines = ["*.tmp\n/a/**/b\n", "[a-z]?/\\*x\n{a,b}", "a/b/\n**/c"];
        tried("patterns", 2_000, texts(&lines), patterns);
    }
}
