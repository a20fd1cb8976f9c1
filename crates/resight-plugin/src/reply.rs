//! What a call returns.

use resight_vision::{Image, Keypoint};
use serde_json::Value;

use crate::error::PluginError;

/// A call's reply, or why there is none.
pub type Outcome = Result<Reply, PluginError>;

/// What a function returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Any JSON value.
    Json(Value),
    /// Bytes with their content type.
    Bytes {
        /// The function's own, or `application/octet-stream`.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A picture, to be encoded.
    Picture(Image),
    /// `extract`'s features of one picture.
    Local(ExtractedFeatures),
    /// `embed`'s vector of one picture, not normalised.
    Vector(Vec<f32>),
}

/// Features that `extract` returned, checked: `keypoints.len() * dimension` values in `rows`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtractedFeatures {
    /// Keypoints, in pixels of the picture.
    pub keypoints: Vec<Keypoint>,
    /// Values in one row.
    pub dimension: usize,
    /// Descriptors, one row a keypoint.
    pub rows: Rows,
}

/// Rows of descriptors as an author returned them.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// 32-bit floats, finite.
    Float(Vec<f32>),
    /// Bytes: small integers, or packed bits.
    Bytes(Vec<u8>),
}
