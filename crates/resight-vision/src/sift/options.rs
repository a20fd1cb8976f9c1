//! Settings of SIFT.

/// The settings that change SIFT's output. The defaults are Lowe's except for the contrast
/// threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct SiftOptions {
    /// Most features kept. A keypoint with several directions counts once for each.
    pub max_features: usize,
    /// Which features are kept when there are more.
    pub selection: Selection,
    /// Keypoints are ranked by response times scale, in the picture's pixels, to this power. Large
    /// keypoints are found again more often, small ones are located more exactly. 0 ranks by
    /// response alone; `bench/results/sift.md` has figures for several values. -4 to 4.
    pub scale_preference: f32,
    /// Scales an octave, 1 to 16.
    pub layers: usize,
    /// Blur of the first layer of each octave, in pixels, 0.5 to 8.
    pub sigma: f32,
    /// Lowest |D| times the number of layers, for grey values in 0..1. Lowe and OpenCV use 0.04;
    /// half of that finds enough features in soft pictures, and `max_features` bounds the number
    /// in others. 0 to 1.
    pub contrast_threshold: f32,
    /// Largest ratio of principal curvatures, 1 to 10⁶.
    pub edge_threshold: f32,
    /// Whether the first octave has twice the picture's size, which finds small keypoints.
    pub upsample: Upsample,
    /// Sets the angle of every keypoint to 0, for pictures known to be upright. Features then
    /// match better, and do not match at all in a rotated picture.
    pub upright: bool,
}

impl Default for SiftOptions {
    fn default() -> Self {
        Self {
            max_features: 1500,
            selection: Selection::Strongest,
            scale_preference: 0.3,
            layers: 3,
            sigma: 1.6,
            contrast_threshold: 0.02,
            edge_threshold: 10.0,
            upsample: Upsample::Always,
            upright: false,
        }
    }
}

impl SiftOptions {
    /// Clamps each setting to its range, and replaces NaN by the default.
    pub(super) fn in_range(mut self) -> Self {
        let defaults = Self::default();
        let clamp = |value: &mut f32, least: f32, most: f32, default: f32| {
            *value = if value.is_nan() {
                default
            } else {
                value.clamp(least, most)
            };
        };
        self.layers = self.layers.clamp(1, 16);
        clamp(&mut self.sigma, 0.5, 8.0, defaults.sigma);
        let preference = defaults.scale_preference;
        clamp(&mut self.scale_preference, -4.0, 4.0, preference);
        let contrast = defaults.contrast_threshold;
        clamp(&mut self.contrast_threshold, 0.0, 1.0, contrast);
        clamp(&mut self.edge_threshold, 1.0, 1e6, defaults.edge_threshold);
        self
    }
}

/// Which pictures are doubled in size before the first octave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsample {
    /// Every picture.
    Always,
    /// No picture: a quarter of the work, without the smallest keypoints.
    Never,
    /// Pictures whose longer side has at most this many pixels.
    UpTo(usize),
}

impl Upsample {
    pub(super) fn applies(self, width: usize, height: usize) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::UpTo(side) => width.max(height) <= side,
        }
    }
}

/// How keypoints are selected when a picture has more than `max_features`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// The highest-ranked.
    #[default]
    Strongest,
    /// Spread over the picture: each keypoint suppresses weaker ones within a distance, the largest
    /// at which enough remain (adaptive non-maximal suppression: Brown, Szeliski and Winder, CVPR
    /// 2005; the distance by bisection, as Bailo et al., Pattern Recognition Letters 2018).
    Spread,
}
