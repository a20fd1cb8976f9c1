//! Pixels to local features, features to verified matches.
//!
//! The crate does no I/O and no serialisation. It starts threads only for [`Sift::threads`].

mod dispatch;
mod distance;
mod features;
mod image;
mod matching;
#[cfg(target_arch = "aarch64")]
mod neon;
mod products;
pub mod sample;
mod sift;
pub mod signatures;
mod verify;

pub use dispatch::Simd;
pub use distance::squared_distances;
pub use features::{
    Descriptors, ExtractError, Fault, GlobalExtractor, Keypoint, LocalExtractor, LocalFeatures,
    ModelId,
};
pub use image::{GrayImage, GrayRows, GrayView, Image};
pub use matching::{Match, MatchOptions, Nearest, PackedQueries, keep_nearest, match_all};
pub use products::{LONGEST_CODE, inner_products, inner_products_of};
pub use sift::{Selection, Sift, SiftOptions, StageTimes, Upsample};
pub use verify::{
    DESCRIPTOR_REACH, Evidence, Transform, Verification, VerifyOptions, verify, verify_others,
};

/// The example of the crate's README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
