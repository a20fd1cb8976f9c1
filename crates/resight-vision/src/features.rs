//! What an extractor gives: keypoints with their descriptors, and the model that made them.

use std::time::Duration;

use crate::image::Image;

/// A place in a picture that can be found again.
///
/// Coordinates are pixels of the picture given to the extractor; the centre of the top-left
/// pixel is (0, 0), x grows right, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// Column, in pixels.
    pub x: f32,
    /// Row, in pixels.
    pub y: f32,
    /// Standard deviation of the Gaussian at which the point was found, in pixels; above 0.
    pub scale: f32,
    /// Dominant gradient direction in radians, 0 ≤ angle < 2π, turning from +x towards +y.
    pub angle: f32,
    /// Strength by which keypoints of one picture are ranked; comparable within a model only.
    pub response: f32,
}

/// Descriptors of equal length, one a keypoint, stored end to end.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Descriptors {
    dimension: usize,
    bytes: Vec<u8>,
}

impl Descriptors {
    /// Wraps `bytes`; `None` unless their number is a multiple of a positive `dimension`.
    pub fn from_bytes(dimension: usize, bytes: Vec<u8>) -> Option<Self> {
        (dimension > 0 && bytes.len().is_multiple_of(dimension))
            .then_some(Self { dimension, bytes })
    }

    /// Floats as bytes: `low` becomes 0, `low + width` 255, and what lies outside the ends. One scale
    /// serves all of them, so distances keep their order up to rounding. `None` as in
    /// [`Self::from_bytes`].
    pub fn from_floats(dimension: usize, values: &[f32], low: f32, width: f32) -> Option<Self> {
        // The cast saturates.
        let byte = |v: &f32| ((v - low) / width * 255.0).round() as u8;
        Self::from_bytes(dimension, values.iter().map(byte).collect())
    }

    /// Bytes in one descriptor.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.dimension).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The `i`-th descriptor. Panics when `i >= len()`, as a slice does.
    pub fn get(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.dimension..(i + 1) * self.dimension]
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.bytes.chunks_exact(self.dimension.max(1))
    }

    /// Keeps the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len.saturating_mul(self.dimension));
    }

    /// All bytes, end to end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, handed over.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The local features of one picture: `descriptors.get(i)` describes `keypoints[i]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LocalFeatures {
    /// Where.
    pub keypoints: Vec<Keypoint>,
    /// What it looks like there.
    pub descriptors: Descriptors,
}

impl LocalFeatures {
    /// Number of keypoints.
    pub fn len(&self) -> usize {
        self.keypoints.len()
    }

    /// Keeps the first `len`, which are the strongest where an extractor gave them.
    pub fn truncate(&mut self, len: usize) {
        self.keypoints.truncate(len);
        self.descriptors.truncate(len);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.keypoints.is_empty()
    }

    /// Sorts by falling response, equals as they were: the order that [`LocalExtractor::extract`]
    /// promises.
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

/// Names the algorithm, its version and the settings that change its output.
///
/// Everything stored carries it: features of two models cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(String);

impl ModelId {
    /// `name` is kept as it is; by habit `algorithm/version;setting=value`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an extractor's failure says about the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This picture cannot be described; others can.
    Picture,
    /// Nothing can be described at present; soon perhaps.
    Passing,
    /// Nothing can be described until somebody mends the extractor.
    Extractor,
}

/// Why an extractor gave nothing.
#[derive(Clone, Debug)]
pub struct ExtractError {
    /// Stable name of the kind of failure.
    pub code: &'static str,
    /// What it says about the next try.
    pub fault: Fault,
    /// What went wrong, for the user.
    pub detail: String,
    /// What to do about it, as a sentence.
    pub next_step: &'static str,
    /// Where it happened in the extractor's own code, if it tells.
    pub traceback: Option<String>,
    /// When to try again, where that can help.
    pub retry_after: Option<Duration>,
}

impl ExtractError {
    /// The code of failures that have none of their own.
    pub const CODE: &'static str = "extractor_failed";

    /// A failure on one picture, of code [`Self::CODE`]; `detail` says what went wrong.
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

/// Image to keypoints and descriptors: our SIFT, a learned network or a user's plug-in.
pub trait LocalExtractor: Send + Sync {
    /// Identifies everything this extractor makes.
    fn model(&self) -> &ModelId;

    /// Bytes in each descriptor it makes.
    fn dimension(&self) -> usize;

    /// Features of `image`, strongest first; an image without structure gives none.
    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError>;

    /// The features that a picture would give if it were mirrored left to right, from those that it
    /// gives as it is, in their order; `width` is the picture's in pixels. `None` where that cannot
    /// be told without the pixels, as from most extractors.
    fn mirrored(&self, features: &LocalFeatures, width: u32) -> Option<LocalFeatures> {
        let _ = (features, width);
        None
    }

    /// The same for a picture whose tones are inverted, as a negative's are.
    fn inverted(&self, features: &LocalFeatures) -> Option<LocalFeatures> {
        let _ = features;
        None
    }
}

/// Images to one unit vector each: for likeness rather than identity.
pub trait GlobalExtractor: Send + Sync {
    /// Identifies everything this extractor makes.
    fn model(&self) -> &ModelId;

    /// Length of each vector.
    fn dimension(&self) -> usize;

    /// One vector of Euclidean length 1 for each image, in the order given.
    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError>;
}
