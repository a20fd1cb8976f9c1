//! The checked settings of a manifest.
//!
//! Invariant: the `Debug` text of these types never changes, because stored ids contain its hash.

use serde::Deserialize;

use crate::hash::FileHash;

/// The name of a manifest's file.
pub const FILE_NAME: &str = "model.toml";

/// A checked manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// 1 to 64 lower-case letters, digits, `-`, `_` and `.`, a letter or digit first.
    pub name: String,
    /// The version of the model of that name.
    pub version: String,
    /// The name of the ONNX file, in the manifest's folder.
    pub file: String,
    /// Hash of the file's bytes. Every installed model has one; the manifest of a model to be added
    /// may have none.
    pub hash: Option<FileHash>,
    /// The licence of the weights.
    pub licence: String,
    /// Where the file comes from.
    pub source: String,
    /// Further remarks.
    pub notes: Option<String>,
    /// How a picture becomes the input.
    pub input: Input,
    /// How the output is read.
    pub output: Output,
}

/// The output of a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// One vector for each picture.
    Global(GlobalOutput),
    /// Keypoints and their descriptors, as lists.
    Local(LocalOutput),
    /// Keypoints and their descriptors, as maps.
    Maps(MapOutput),
}

/// How a picture becomes a model's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The input's name; `None` for the only one.
    pub name: Option<String>,
    /// Size and shape.
    pub fit: Fit,
    /// The filter of resizing.
    pub filter: Filter,
    /// Order of the channels.
    pub colour: Colour,
    /// Order of the axes.
    pub layout: Layout,
    /// Type and scale of the values.
    pub element: Element,
}

/// How a picture is resized and cropped to a model's size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Resizes both sides, whatever the aspect ratio.
    Stretch {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Resizes the shorter side to `short`, then crops the middle.
    Crop {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The shorter side before cropping, at least `width` and `height`.
        short: u32,
    },
    /// Resizes the shorter side to `short`, the longer in proportion, to at most four times as long.
    Short {
        /// The shorter side.
        short: u32,
        /// Both sides are multiples of it.
        multiple: u32,
    },
    /// Reduces the longer side to at most `long`, the other in proportion. Never enlarges.
    Within {
        /// Largest longer side.
        long: u32,
        /// Both sides are multiples of it, and at least as long.
        multiple: u32,
    },
}

/// The filter of resizing, as in Pillow: its support grows where a picture shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// A triangle.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -1/2.
    Bicubic,
}

/// Order of a picture's channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red first.
    #[default]
    Rgb,
    /// Blue first.
    Bgr,
    /// One channel of luma (Rec. 601).
    Gray,
}

impl Colour {
    /// Number of channels, 1 or 3.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Gray => 1,
        }
    }
}

/// Order of the input's four axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    #[default]
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Type and scale of the input's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element {
    /// The byte; the model normalises it.
    Byte,
    /// `(byte · range / 255 − mean) / std`, in the order of the channels.
    Float {
        /// The value of white, such as 1 or 255.
        range: f32,
        /// Subtracted from each channel.
        mean: [f32; 3],
        /// Divisor of each channel; above 0.
        std: [f32; 3],
    },
}

/// The output of a model of kind `global`.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalOutput {
    /// The output's name; `None` for the first one.
    pub name: Option<String>,
    /// How it becomes one vector.
    pub pooling: Pooling,
    /// The vector's length, if the manifest has it.
    pub dimension: Option<usize>,
}

/// How an output becomes one vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// The output is the vector: `[1, D]`, with any other axes of length 1.
    None,
    /// The mean over the places of `[1, C, H, W]`, or over the tokens of `[1, T, D]`.
    Mean,
    /// The generalised mean over the places of `[1, C, H, W]` (Radenović et al., TPAMI 2018): the
    /// mean of the `p`-th powers, to the power 1/p. Values below 1e-6 are raised to it first.
    Gem {
        /// The power, at least 1.
        p: f32,
    },
    /// The first token of `[1, T, D]`.
    Cls,
}

/// The output of a model of kind `local`, for N keypoints with descriptors of D values. Leading axes
/// of length 1 are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalOutput {
    /// Name of the output `[N, 2]`: x and y.
    pub keypoints: String,
    /// Name of the output `[N]`: strengths.
    pub scores: String,
    /// Name of the output `[N, D]`.
    pub descriptors: String,
    /// Name of the output `[N]`: standard deviations in pixels of the input. [`Self::scale`] where
    /// it is `None`.
    pub scales: Option<String>,
    /// Name of the output `[N]`: radians from +x towards +y. 0 everywhere where it is `None`.
    pub angles: Option<String>,
    /// The unit of x and y.
    pub coordinates: Coordinates,
    /// D.
    pub dimension: usize,
    /// Values from `-range` to `range` become bytes; others are clamped.
    pub range: f32,
    /// The scale of every keypoint, in pixels of the input, where the model outputs none.
    pub scale: f32,
    /// Weaker keypoints are dropped.
    pub min_score: f32,
}

/// The output of a model of kind `local` that computes maps: one cell of the input's pixels for each
/// place of `[1, C, H, W]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MapOutput {
    /// Name of the output `[1, D, H, W]`.
    pub descriptors: String,
    /// Name of the output `[1, cell² + 1, H, W]`: for each pixel of a cell, row by row, the logit of a
    /// keypoint there, and last that of none.
    pub logits: String,
    /// Name of the output `[1, 1, H, W]`, from 0 to 1, by which the probabilities are multiplied.
    pub reliability: Option<String>,
    /// D.
    pub dimension: usize,
    /// Pixels of the input along the side of a cell.
    pub cell: usize,
    /// The least probability of a keypoint.
    pub threshold: f32,
    /// A keypoint is the strongest pixel within so many rows and columns.
    pub radius: usize,
    /// Values from `-range` to `range` become bytes; others are clamped.
    pub range: f32,
    /// The scale of every keypoint, in pixels of the input.
    pub scale: f32,
}

/// The unit of a keypoint's coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coordinates {
    /// Pixels of the input. (0, 0) is the centre of the first pixel.
    #[default]
    Pixels,
    /// From −1, the centre of the first pixel, to 1, the centre of the last.
    Centred,
    /// From 0, the edge of the first pixel, to 1, the edge of the last.
    Unit,
}
