//! Pixels to local features, features to verified matches.
//!
//! No I/O, no threads of its own, no serialisation: the crate takes pixels and gives numbers.

mod dispatch;
mod features;
mod image;
mod sift;

pub use features::{
    Descriptors, ExtractError, GlobalExtractor, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};
pub use image::{GrayImage, Image};
pub use sift::{Sift, SiftOptions};
