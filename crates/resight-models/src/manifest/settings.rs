//! The checked settings of a manifest.

/// How a picture becomes a model's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The input's name; `None`: the only one.
    pub name: Option<String>,
    /// Size and shape.
    pub fit: Fit,
    /// How it is resized.
    pub filter: Filter,
    /// Order of the channels.
    pub colour: Colour,
    /// Order of the axes.
    pub layout: Layout,
    /// What a value is.
    pub element: Element,
}

/// How a picture is brought to a model's size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Both sides resized, whatever the aspect ratio.
    Stretch {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The shorter side resized to `short`, then the middle cut out.
    Crop {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// The shorter side before the cut, at least as long as `width` and `height`.
        short: u32,
    },
    /// The shorter side resized to `short`, the longer in proportion, at most four times as long.
    Short {
        /// The shorter side.
        short: u32,
        /// Both sides are multiples of it.
        multiple: u32,
    },
    /// Never enlarged; the longer side at most `long`, the other in proportion.
    Within {
        /// The longer side at most.
        long: u32,
        /// Both sides are multiples of it, and at least that.
        multiple: u32,
    },
}

/// Which neighbours count when a picture is resized; both as Pillow does, with the support grown
/// where a picture shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A triangle.
    Bilinear,
    /// Keys' cubic with a = -1/2.
    Bicubic,
}

/// Order of a picture's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
    /// One channel of luma (Rec. 601).
    Gray,
}

impl Colour {
    /// Channels, 1 or 3.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Gray => 1,
        }
    }
}

/// Order of the input's four axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// What a value of the input is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element {
    /// The byte itself; the model does the rest.
    Byte,
    /// `(byte · range / 255 − mean) / std`, in the order of the channels.
    Float {
        /// What white is: 1 or 255, say.
        range: f32,
        /// Taken away.
        mean: [f32; 3],
        /// Divided by; above 0.
        std: [f32; 3],
    },
}

/// What a model of kind `global` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalOutput {
    /// The output's name; `None`: the first.
    pub name: Option<String>,
    /// How it becomes one vector.
    pub pooling: Pooling,
    /// The vector's length, if the manifest says it.
    pub dimension: Option<usize>,
}

/// How an output becomes one vector a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// It is one: `[1, D]`, other axes being 1.
    None,
    /// The mean over places of `[1, C, H, W]`, over tokens of `[1, T, D]`.
    Mean,
    /// Generalised mean over places of `[1, C, H, W]` (Radenović et al., TPAMI 2018): the mean of
    /// the `p`-th powers of what is above 1e-6, to the power 1/p.
    Gem {
        /// The power, from 1 on.
        p: f32,
    },
    /// The first token of `[1, T, D]`.
    Cls,
}

/// What a model of kind `local` gives, for N keypoints with descriptors of D values. A leading axis
/// of 1 is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalOutput {
    /// Name of the output `[N, 2]`: x and y.
    pub keypoints: String,
    /// Name of the output `[N]`: strength.
    pub scores: String,
    /// Name of the output `[N, D]`.
    pub descriptors: String,
    /// Name of the output `[N]`: standard deviation in pixels of the input; `None`: [`Self::scale`].
    pub scales: Option<String>,
    /// Name of the output `[N]`: radians from +x towards +y; `None`: 0 everywhere.
    pub angles: Option<String>,
    /// What x and y are.
    pub coordinates: Coordinates,
    /// D.
    pub dimension: usize,
    /// Values from `-range` to `range` become bytes; what lies outside becomes the ends.
    pub range: f32,
    /// The scale of every keypoint, in pixels of the input, where the model tells none.
    pub scale: f32,
    /// Keypoints below this strength are left out.
    pub min_score: f32,
}

/// What a keypoint's place is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// Pixels of the input, the centre of the first one being (0, 0).
    Pixels,
    /// From −1, the centre of the first pixel, to 1, that of the last.
    Centred,
    /// From 0, the edge of the first pixel, to 1, the edge of the last.
    Unit,
}
