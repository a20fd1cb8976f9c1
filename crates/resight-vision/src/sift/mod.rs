//! SIFT: keypoints at extrema of the difference of Gaussians, RootSIFT descriptors in bytes
//! (Lowe, IJCV 2004; Arandjelović & Zisserman, CVPR 2012).
//!
//! Useful for: textured, rigid objects seen again under rotation, scale, crop and moderate change
//! of view. Not useful for: plain surfaces, or likeness of meaning.

mod blur;
mod buffers;
mod descriptor;
mod extraction;
mod extrema;
mod gather;
mod octave;
mod options;
mod orientation;
mod patch;
mod pyramid;
mod rows;
mod selection;
mod taps;
mod team;
mod trig;
mod variants;

pub use extraction::StageTimes;
pub use options::{Selection, SiftOptions, Upsample};

use std::sync::Arc;

use buffers::Pool;
use extraction::Extraction;
use team::Team;

use crate::dispatch::Simd;
use crate::features::{ExtractError, LocalExtractor, LocalFeatures, ModelId};
use crate::image::{GrayImage, GrayView, Image};

/// Our SIFT as a [`LocalExtractor`].
///
/// Clones share buffers, which later pictures reuse, so one extractor should serve all threads.
/// Results depend on the options alone, not on threads or instruction sets.
#[derive(Clone, Debug)]
pub struct Sift {
    options: SiftOptions,
    model: ModelId,
    simd: Simd,
    team: Team,
    pool: Pool,
}

impl Sift {
    /// An extractor with these settings that works in the caller's thread. Settings outside their
    /// range are clamped, and NaN is replaced by the default; [`Sift::options`] returns the result.
    pub fn new(options: SiftOptions) -> Self {
        let options = options.in_range();
        // Settings that only select among features are no part of the id: the features of two
        // selections can be compared.
        let model = ModelId::new(format!(
            "rootsift-u8/2;layers={};sigma={};contrast={};edge={};upsample={}{}",
            options.layers,
            options.sigma,
            options.contrast_threshold,
            options.edge_threshold,
            match options.upsample {
                Upsample::Always => "true".to_owned(),
                Upsample::Never => "false".to_owned(),
                Upsample::UpTo(side) => side.to_string(),
            },
            if options.upright { ";upright" } else { "" },
        ));
        Self {
            options,
            model,
            simd: Simd::widest(),
            team: Team::default(),
            pool: Pool::default(),
        }
    }

    /// Uses up to `threads` threads for one picture, at least 1 and at most 64. It starts the
    /// threads besides the caller's now; they live as long as the extractor and its clones, which
    /// share them. With many pictures, one thread a picture has the higher throughput.
    pub fn threads(mut self, threads: usize) -> Self {
        self.team = Team::new(threads);
        self
    }

    /// Uses these instructions instead of the widest that the processor has.
    pub fn simd(mut self, simd: Simd) -> Self {
        self.simd = simd;
        self
    }

    /// The settings, in range.
    pub fn options(&self) -> &SiftOptions {
        &self.options
    }

    /// Features of a grey picture of any size, strongest first. Pictures too small for one octave
    /// have none.
    pub fn extract_gray(&self, image: &GrayImage) -> LocalFeatures {
        self.extract_view(image.view()).0
    }

    /// As [`Self::extract_gray`] for borrowed pixels, with the duration of each stage.
    pub fn extract_view(&self, view: GrayView<'_>) -> (LocalFeatures, StageTimes) {
        let extraction = Extraction {
            options: &self.options,
            simd: self.simd,
            team: &self.team,
        };
        let mut pyramid = self.pool.take();
        let features_and_times = extraction.run(view, &mut pyramid);
        self.pool.give_back(pyramid);
        features_and_times
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

    fn is_repeatable(&self) -> bool {
        true
    }

    /// With a quarter of the contrast threshold.
    fn sensitive(&self) -> Option<Arc<dyn LocalExtractor>> {
        let mut sensitive = self.clone();
        sensitive.options.contrast_threshold *= 0.25;
        Some(Arc::new(sensitive))
    }

    fn spread(&self, times: usize) -> Option<Arc<dyn LocalExtractor>> {
        let mut spread = self.clone();
        spread.options.max_features = spread.options.max_features.saturating_mul(times);
        spread.options.selection = Selection::Spread;
        Some(Arc::new(spread))
    }

    fn mirrored(&self, features: &LocalFeatures, width: u32) -> Option<LocalFeatures> {
        variants::mirrored(features, width, self.options.upright)
    }

    fn inverted(&self, features: &LocalFeatures) -> Option<LocalFeatures> {
        variants::inverted(features, self.options.upright)
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
