//! The output of extractors, and the traits that extractors implement.

use std::sync::Arc;
use std::time::Duration;

use crate::image::Image;

/// A place that an extractor finds again in other pictures of the same object.
///
/// Coordinates are pixels of the extractor's input. The centre of the top-left pixel is (0, 0); x
/// grows to the right and y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// Column, in pixels.
    pub x: f32,
    /// Row, in pixels.
    pub y: f32,
    /// Standard deviation of the Gaussian at which the point was found, in pixels; above 0.
    pub scale: f32,
    /// Dominant gradient direction in radians, 0 ≤ angle < 2π, from +x towards +y.
    pub angle: f32,
    /// Strength, by which keypoints of one picture are ranked. Comparable within a model only.
    pub response: f32,
}

/// Descriptors of equal length, one for each keypoint, stored end to end.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Descriptors {
    dimension: usize,
    bytes: Vec<u8>,
}

impl Descriptors {
    /// Wraps `bytes`. `None` unless their number is a multiple of `dimension`, which must not be 0.
    pub fn from_bytes(dimension: usize, bytes: Vec<u8>) -> Option<Self> {
        (dimension > 0 && bytes.len().is_multiple_of(dimension))
            .then_some(Self { dimension, bytes })
    }

    /// Quantises floats to bytes: `low` becomes 0 and `low + width` 255; other values are clamped.
    /// All values share one scale, so distances keep their order up to rounding. `None` as in
    /// [`Self::from_bytes`].
    pub fn from_floats(dimension: usize, values: &[f32], low: f32, width: f32) -> Option<Self> {
        // The cast clamps.
        let byte = |v: &f32| ((v - low) / width * 255.0).round() as u8;
        Self::from_bytes(dimension, values.iter().map(byte).collect())
    }

    /// Bytes in one descriptor.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of descriptors.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.dimension).unwrap_or(0)
    }

    /// Whether there are no descriptors.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The `i`-th descriptor. Panics when `i >= len()`, as a slice does.
    pub fn get(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.dimension..(i + 1) * self.dimension]
    }

    /// The descriptors in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.bytes.chunks_exact(self.dimension.max(1))
    }

    /// Keeps the first `len` descriptors.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len.saturating_mul(self.dimension));
    }

    /// All bytes, end to end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The local features of one picture: `descriptors.get(i)` describes `keypoints[i]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LocalFeatures {
    /// The keypoints.
    pub keypoints: Vec<Keypoint>,
    /// The appearance around each keypoint.
    pub descriptors: Descriptors,
}

impl LocalFeatures {
    /// Number of keypoints.
    pub fn len(&self) -> usize {
        self.keypoints.len()
    }

    /// Keeps the first `len` features, the strongest in the output of an extractor.
    pub fn truncate(&mut self, len: usize) {
        self.keypoints.truncate(len);
        self.descriptors.truncate(len);
    }

    /// Whether there are no keypoints.
    pub fn is_empty(&self) -> bool {
        self.keypoints.is_empty()
    }

    /// Sorts by falling response, the order of [`LocalExtractor::extract`]. Stable.
    pub fn sort_strongest_first(&mut self) {
        let response = |k: &Keypoint| k.response;
        if self
            .keypoints
            .is_sorted_by(|a, b| response(a) >= response(b))
        {
            return;
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|a, b| {
            let of = |i: &usize| response(&self.keypoints[*i]);
            of(b).total_cmp(&of(a)).then(a.cmp(b))
        });
        let Descriptors { dimension, bytes } = &self.descriptors;
        let sorted = order
            .iter()
            .flat_map(|i| &bytes[i * dimension..(i + 1) * dimension])
            .copied()
            .collect();
        self.keypoints = order.iter().map(|i| self.keypoints[*i]).collect();
        self.descriptors.bytes = sorted;
    }
}

/// Identifies the algorithm, its version and the settings that change its output.
///
/// It is stored with all features and vectors, because those of two models cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(String);

impl ModelId {
    /// An id of any text, by convention `algorithm/version;setting=value`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an extractor's failure concerns one picture or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The extractor cannot describe this picture; it can describe others.
    Picture,
    /// The extractor cannot describe any picture at present; a later try may succeed.
    Passing,
    /// The extractor cannot describe any picture until it is repaired.
    Extractor,
}

/// Why an extractor failed.
#[derive(Clone, Debug)]
pub struct ExtractError {
    /// Stable name of the kind of failure.
    pub code: &'static str,
    /// Whether it concerns one picture or all.
    pub fault: Fault,
    /// What went wrong, for the user.
    pub detail: String,
    /// What to do about it, as a sentence.
    pub next_step: &'static str,
    /// The place in the extractor's own code, if known.
    pub traceback: Option<String>,
    /// When to try again, where that may succeed.
    pub retry_after: Option<Duration>,
}

impl ExtractError {
    /// The code of failures without a code of their own.
    pub const CODE: &'static str = "extractor_failed";

    /// A failure on one picture with the code [`Self::CODE`]. `detail` says what went wrong.
    pub fn new(detail: impl Into<String>) -> Self {
        Self {
            code: Self::CODE,
            fault: Fault::Picture,
            detail: detail.into(),
            next_step: "Correct what the detail names in the extractor and try again.",
            traceback: None,
            retry_after: None,
        }
    }
}

impl std::fmt::Display for ExtractError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ExtractError {}

/// Computes keypoints and descriptors: our SIFT, a learned network or a plug-in.
pub trait LocalExtractor: Send + Sync {
    /// The id of this extractor's output.
    fn model(&self) -> &ModelId;

    /// Bytes in each descriptor.
    fn dimension(&self) -> usize;

    /// Features of `image`, strongest first; none for an image without structure.
    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError>;

    /// Whether it gives the same features of the same pixels each time, so that they may be kept. Not what
    /// may be reloaded, be away, or fail.
    fn is_repeatable(&self) -> bool {
        false
    }

    /// The same extractor with a lower threshold, for small and for faint pictures. Its features compare
    /// with this one's and are of the same model. `None` where there is none, as with most.
    fn sensitive(&self) -> Option<Arc<dyn LocalExtractor>> {
        None
    }

    /// The same extractor that keeps up to `times` as many features, spread over the picture, for a picture
    /// that is made of many. Its features compare with this one's and are of the same model. `None` where
    /// there is none, as with most.
    fn spread(&self, times: usize) -> Option<Arc<dyn LocalExtractor>> {
        let _ = times;
        None
    }

    /// The features of the picture mirrored left to right, in the order of `features`, which are
    /// those of the picture as it is. `width` is the picture's in pixels. `None` where the extractor
    /// would need the pixels, as most do.
    fn mirrored(&self, features: &LocalFeatures, width: u32) -> Option<LocalFeatures> {
        let _ = (features, width);
        None
    }

    /// As [`Self::mirrored`], for the picture with inverted tones, like a negative.
    fn inverted(&self, features: &LocalFeatures) -> Option<LocalFeatures> {
        let _ = features;
        None
    }
}

/// Computes one unit vector for each image: for likeness, not for identity.
pub trait GlobalExtractor: Send + Sync {
    /// The id of this extractor's output.
    fn model(&self) -> &ModelId;

    /// Length of each vector.
    fn dimension(&self) -> usize;

    /// The licence of its weights, as its author states it; `None` where that is not known.
    fn licence(&self) -> Option<&str> {
        None
    }

    /// One vector of Euclidean length 1 for each image, in their order.
    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError>;
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    #[test]
    fn descriptors_are_whole_rows() {
        for (dimension, bytes, count) in [
            (4, 8, Some(2)),
            (4, 0, Some(0)),
            (1, 3, Some(3)),
            (4, 7, None),
            (0, 0, None),
            (0, 4, None),
        ] {
            let descriptors = Descriptors::from_bytes(dimension, vec![7; bytes]);
            assert_eq!(descriptors.map(|d| d.len()), count, "{dimension} {bytes}");
        }
        assert_eq!(Descriptors::default().iter().count(), 0);
        let mut three = Descriptors::from_bytes(2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(three.get(1), [3, 4]);
        three.truncate(usize::MAX);
        assert_eq!(three.iter().count(), 3);
        three.truncate(1);
        assert_eq!(three.into_bytes(), [1, 2]);
    }

    #[test]
    fn floats_are_scaled_rounded_and_clamped() {
        let values = [-2.0, -1.0, 0.0, 1.0, 2.0, f32::NAN];
        let descriptors = Descriptors::from_floats(6, &values, -1.0, 2.0).unwrap();
        assert_eq!(descriptors.as_bytes(), [0, 0, 128, 255, 255, 0]);
        assert!(Descriptors::from_floats(4, &values, -1.0, 2.0).is_none());
    }

    #[test]
    fn sorting_keeps_keypoints_with_their_descriptors() {
        let mut random = Random::new(3);
        for count in [0, 1, 2, 50] {
            // Few responses, so that many are equal. A descriptor is its keypoint's number.
            let keypoints: Vec<Keypoint> = (0..count)
                .map(|i| Keypoint {
                    x: i as f32,
                    y: 0.0,
                    scale: 1.0,
                    angle: 0.0,
                    response: random.below(5) as f32,
                })
                .collect();
            let bytes: Vec<u8> = (0..count).flat_map(|i| [i as u8, 7]).collect();
            let mut features = LocalFeatures {
                keypoints,
                descriptors: Descriptors::from_bytes(2, bytes).unwrap(),
            };
            features.sort_strongest_first();
            let key = |k: &Keypoint| (-k.response, k.x);
            assert!(features.keypoints.is_sorted_by(|a, b| key(a) <= key(b)));
            for (keypoint, descriptor) in features.keypoints.iter().zip(features.descriptors.iter())
            {
                assert_eq!(descriptor, [keypoint.x as u8, 7]);
            }
            features.truncate(1);
            assert_eq!(features.len(), features.descriptors.len());
        }
    }
}
