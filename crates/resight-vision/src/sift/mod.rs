//! SIFT: keypoints at extrema of the difference of Gaussians, RootSIFT descriptors in bytes
//! (Lowe, IJCV 2004; Arandjelović & Zisserman, CVPR 2012).

mod blur;
mod descriptor;
mod extrema;
mod orientation;
mod trig;

use blur::{Plane, blur, gaussian_taps, halve, upsample};
use extrema::Extremum;

use crate::features::{
    Descriptors, ExtractError, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};
use crate::image::{GrayImage, Image};

/// What changes SIFT's output. The defaults are Lowe's but for the contrast threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct SiftOptions {
    /// The strongest keypoints kept, counted with their orientations.
    pub max_features: usize,
    /// Scales an octave.
    pub layers: usize,
    /// Blur of the first layer of each octave, in pixels.
    pub sigma: f32,
    /// Lowest |D| times the number of layers, for grey values in 0..1. Lowe and OpenCV take
    /// 0.04; half of that leaves soft pictures with enough to be found by, and `max_features`
    /// bounds the rest.
    pub contrast_threshold: f32,
    /// Largest ratio of principal curvatures.
    pub edge_threshold: f32,
    /// Begin with the picture at twice its size, which finds the small keypoints.
    pub upsample: bool,
}

impl Default for SiftOptions {
    fn default() -> Self {
        Self {
            max_features: 1500,
            layers: 3,
            sigma: 1.6,
            contrast_threshold: 0.02,
            edge_threshold: 10.0,
            upsample: true,
        }
    }
}

/// Blur that a camera picture is taken to have already, in its own pixels (Lowe §3.3).
const CAMERA_BLUR: f32 = 0.5;
/// Octaves end when a side would fall below this.
const SMALLEST_SIDE: usize = 12;

/// Our SIFT as a [`LocalExtractor`].
///
/// Useful for textured, rigid things seen again under rotation, scale, crop and moderate change
/// of view; not useful for plain surfaces, or for likeness of meaning.
#[derive(Clone, Debug)]
pub struct Sift {
    options: SiftOptions,
    model: ModelId,
}

impl Sift {
    /// An extractor with these settings.
    pub fn new(options: SiftOptions) -> Self {
        // `max_features` is left out: more or fewer features of one kind can be compared.
        let model = ModelId::new(format!(
            "rootsift-u8/1;layers={};sigma={};contrast={};edge={};upsample={}",
            options.layers,
            options.sigma,
            options.contrast_threshold,
            options.edge_threshold,
            options.upsample,
        ));
        Self { options, model }
    }

    /// Its settings.
    pub fn options(&self) -> &SiftOptions {
        &self.options
    }

    /// Features of a grey picture, strongest first. Any size is accepted; pictures too small
    /// for one octave give none.
    pub fn extract_gray(&self, image: &GrayImage) -> LocalFeatures {
        let options = &self.options;
        let mut pyramid = Pyramid::build(image, options);
        let mut strongest = std::mem::take(&mut pyramid.extrema);
        strongest.sort_by(|a, b| {
            b.response
                .total_cmp(&a.response)
                .then(a.octave.cmp(&b.octave))
                .then(a.layer.cmp(&b.layer))
                .then(a.y.total_cmp(&b.y))
                .then(a.x.total_cmp(&b.x))
        });
        let mut keypoints = Vec::new();
        let mut bytes = Vec::new();
        let mut scratch = descriptor::Scratch::default();
        'all: for e in &strongest {
            let layer = &pyramid.layers[e.octave][e.layer - 1];
            // Scale in the octave's own pixels, and the factor to the picture's.
            let sigma = options.sigma * libm::exp2f(e.s / options.layers as f32);
            let factor = pyramid.factor(e.octave);
            for angle in orientation::directions(layer, e.x, e.y, sigma) {
                if keypoints.len() >= options.max_features {
                    break 'all;
                }
                let rotation = (libm::cosf(angle), libm::sinf(angle));
                let histogram =
                    descriptor::histogram(layer, e.x, e.y, sigma, angle, rotation, &mut scratch);
                descriptor::quantise(histogram, &mut bytes);
                keypoints.push(Keypoint {
                    x: e.x * factor,
                    y: e.y * factor,
                    scale: sigma * factor,
                    angle,
                    response: e.response,
                });
            }
        }
        let descriptors = Descriptors::from_bytes(descriptor::LENGTH, bytes).unwrap_or_default();
        LocalFeatures {
            keypoints,
            descriptors,
        }
    }
}

impl Default for Sift {
    fn default() -> Self {
        Self::new(SiftOptions::default())
    }
}

impl LocalExtractor for Sift {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        descriptor::LENGTH
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        Ok(self.extract_gray(&image.to_gray()))
    }
}

/// The Gaussian layers that keypoints are described in, and all extrema found on the way.
struct Pyramid {
    /// `layers[octave][i]` is layer i + 1: only those that a keypoint can lie nearest to.
    layers: Vec<Vec<Plane>>,
    extrema: Vec<Extremum>,
    upsampled: bool,
}

impl Pyramid {
    fn build(image: &GrayImage, options: &SiftOptions) -> Self {
        let mut base = Plane::new(image.width(), image.height());
        for (to, &from) in base.data.iter_mut().zip(image.pixels()) {
            *to = f32::from(from) * (1.0 / 255.0);
        }
        let mut blurred = CAMERA_BLUR;
        if options.upsample {
            base = upsample(&base);
            blurred *= 2.0;
        }
        let missing = (options.sigma * options.sigma - blurred * blurred)
            .max(0.01)
            .sqrt();
        base = blur(&base, &gaussian_taps(missing), None);

        // Each layer is the one before, blurred by what is missing to the next power of 2^(1/layers).
        let step = libm::exp2f(1.0 / options.layers as f32);
        let taps: Vec<Vec<f32>> = (1..options.layers + 3)
            .map(|i| {
                let before = options.sigma * libm::powf(step, (i - 1) as f32);
                gaussian_taps(before * (step * step - 1.0).sqrt())
            })
            .collect();

        let mut pyramid = Self {
            layers: Vec::new(),
            extrema: Vec::new(),
            upsampled: options.upsample,
        };
        let mut dog = vec![Plane::default(); options.layers + 2];
        while base.width.min(base.height) >= SMALLEST_SIDE {
            let mut gaussians = Vec::with_capacity(options.layers + 3);
            gaussians.push(std::mem::take(&mut base));
            for (taps, difference) in taps.iter().zip(&mut dog) {
                let next = blur(&gaussians[gaussians.len() - 1], taps, Some(difference));
                gaussians.push(next);
            }
            base = halve(&gaussians[options.layers]);
            extrema::find(&dog, pyramid.layers.len(), options, &mut pyramid.extrema);
            gaussians.truncate(options.layers + 1);
            gaussians.remove(0);
            pyramid.layers.push(gaussians);
        }
        pyramid
    }

    /// Pixels of the picture in one pixel of the octave.
    fn factor(&self, octave: usize) -> f32 {
        let factor = (1u64 << octave) as f32;
        if self.upsampled { 0.5 * factor } else { factor }
    }
}

#[cfg(test)]
mod tests;
