//! Pixels to local features, features to verified matches.
//!
//! No I/O, no threads of its own, no serialisation: the crate takes pixels and gives numbers.

mod dispatch;
mod distance;
mod features;
mod image;
mod matching;
mod sift;
mod verify;

pub use distance::squared_distances;
pub use features::{
    Descriptors, ExtractError, GlobalExtractor, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};
pub use image::{GrayImage, Image};
pub use matching::{Match, MatchOptions, Nearest, match_all};
pub use sift::{Sift, SiftOptions};
pub use verify::{Evidence, Transform, Verification, VerifyOptions, verify};
