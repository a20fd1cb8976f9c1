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
    Json(JsonText),
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

/// A JSON value as the text that the worker wrote, so that long numbers and the order of keys stay.
/// Two are equal when their values are.
#[derive(Clone, Debug)]
pub struct JsonText(String);

impl JsonText {
    /// The text, if it is JSON; otherwise the reason.
    pub(crate) fn checked(text: Vec<u8>) -> Result<Self, String> {
        let text = String::from_utf8(text).map_err(|e| e.to_string())?;
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|e| e.to_string())?;
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The value; null where the text cannot be one, such as a lone surrogate.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl<T: Into<Value>> From<T> for JsonText {
    fn from(value: T) -> Self {
        Self(value.into().to_string())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.value() == other.value()
    }
}

/// What a function answered by raising an `HTTPException`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAnswer {
    /// From 400 to 599.
    pub status: u16,
    /// A text or any other value.
    pub detail: JsonText,
    /// Names and values as the author wrote them, unchecked.
    pub headers: Vec<(String, String)>,
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
