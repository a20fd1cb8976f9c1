//! SIFT: keypoints at extrema of the difference of Gaussians, RootSIFT descriptors in bytes
//! (Lowe, IJCV 2004; Arandjelović & Zisserman, CVPR 2012).
//!
//! Useful for textured, rigid things seen again under rotation, scale, crop and moderate change
//! of view; not useful for plain surfaces, or for likeness of meaning.

mod blur;
mod buffers;
mod descriptor;
mod extrema;
mod gather;
mod octave;
mod orientation;
mod patch;
mod pyramid;
mod rows;
mod selection;
mod taps;
mod team;
mod trig;
mod variants;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use selection::Selection;

use buffers::{Buffers, Pool};
use extrema::Extremum;
use orientation::Directions;
use team::Team;

use crate::dispatch::Simd;
use crate::features::{
    Descriptors, ExtractError, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};
use crate::image::{GrayImage, GrayView, Image};

/// What changes SIFT's output. The defaults are Lowe's but for the contrast threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct SiftOptions {
    /// The most features kept, counted with their orientations.
    pub max_features: usize,
    /// Which are kept when there are more.
    pub selection: Selection,
    /// Keypoints are ranked by response times their scale, in the picture's pixels, to this power:
    /// large ones are found again more often, small ones are placed more exactly. 0 ranks by
    /// response alone; `bench/results/sift.md` has what each choice gives. -4 to 4.
    pub scale_preference: f32,
    /// Scales an octave, 1 to 16.
    pub layers: usize,
    /// Blur of the first layer of each octave, in pixels, 0.5 to 8.
    pub sigma: f32,
    /// Lowest |D| times the number of layers, for grey values in 0..1. Lowe and OpenCV take
    /// 0.04; half of that leaves soft pictures with enough to be found by, and `max_features`
    /// bounds the rest. 0 to 1.
    pub contrast_threshold: f32,
    /// Largest ratio of principal curvatures, 1 to 10⁶.
    pub edge_threshold: f32,
    /// Whether to begin with the picture at twice its size, which finds the small keypoints.
    pub upsample: Upsample,
    /// Gives every keypoint the angle 0: for pictures known to be upright. Features then match
    /// better, and not at all once turned.
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
    fn in_range(mut self) -> Self {
        let usual = Self::default();
        let within = |value: f32, least: f32, most: f32, usual: f32| match value.is_nan() {
            true => usual,
            false => value.clamp(least, most),
        };
        self.layers = self.layers.clamp(1, 16);
        self.sigma = within(self.sigma, 0.5, 8.0, usual.sigma);
        let preference = self.scale_preference;
        self.scale_preference = within(preference, -4.0, 4.0, usual.scale_preference);
        let contrast = self.contrast_threshold;
        self.contrast_threshold = within(contrast, 0.0, 1.0, usual.contrast_threshold);
        let edge = self.edge_threshold;
        self.edge_threshold = within(edge, 1.0, 1e6, usual.edge_threshold);
        self
    }
}

/// When a picture is doubled before its first octave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsample {
    /// Every picture.
    Always,
    /// None: three quarters of the work are saved, and the smallest keypoints lost.
    Never,
    /// Pictures whose longer side has no more pixels than this.
    UpTo(usize),
}

impl Upsample {
    fn applies(self, width: usize, height: usize) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::UpTo(side) => width.max(height) <= side,
        }
    }
}

/// What one thread writes while it works at keypoints.
#[derive(Default)]
struct Scratch {
    orientation: orientation::Scratch,
    descriptor: descriptor::Scratch,
}

/// Where the time of one extraction went. Blur and extrema are summed over the threads; the others
/// are wall time.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Doubling, converting and blurring.
    pub blur: Duration,
    /// Differences, extrema and their refinement.
    pub extrema: Duration,
    /// Sorting, and choosing the keypoints.
    pub selection: Duration,
    /// Finding directions.
    pub orientation: Duration,
    /// Describing.
    pub description: Duration,
}

/// Our SIFT as a [`LocalExtractor`].
///
/// Buffers are kept from picture to picture and shared by clones, so one extractor should serve
/// all threads. Results depend on the options alone, not on threads or instruction sets.
#[derive(Clone, Debug)]
pub struct Sift {
    options: SiftOptions,
    model: ModelId,
    simd: Simd,
    team: Team,
    pool: Pool,
}

impl Sift {
    /// An extractor with these settings, working in the caller's thread. A setting outside its
    /// range is brought to the nearest end, one that is not a number to its default;
    /// [`Sift::options`] tells what became of it.
    pub fn new(options: SiftOptions) -> Self {
        let options = options.in_range();
        // What chooses among features is left out: more or fewer of one kind can be compared.
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

    /// The same with up to `threads` threads at one picture; 0 counts as 1, more than 64 as 64. The others are
    /// started here, live as long as the extractor and its clones, and serve all of them: when
    /// many pictures wait, one thread a picture does more.
    pub fn threads(mut self, threads: usize) -> Self {
        self.team = Team::new(threads);
        self
    }

    /// The same on these instructions; by default the widest there are.
    pub fn simd(mut self, simd: Simd) -> Self {
        self.simd = simd;
        self
    }

    /// Its settings.
    pub fn options(&self) -> &SiftOptions {
        &self.options
    }

    /// Features of a grey picture, strongest first. Any size is accepted; pictures too small
    /// for one octave give none.
    pub fn extract_gray(&self, image: &GrayImage) -> LocalFeatures {
        self.extract_view(image.view()).0
    }

    /// The same of pixels that stand elsewhere, with the time each stage took.
    pub fn extract_view(&self, view: GrayView<'_>) -> (LocalFeatures, StageTimes) {
        let mut buffers = self.pool.take();
        let found = self.extract_with(view, &mut buffers);
        self.pool.give_back(buffers);
        found
    }

    fn extract_with(
        &self,
        view: GrayView<'_>,
        buffers: &mut Buffers,
    ) -> (LocalFeatures, StageTimes) {
        let options = &self.options;
        let pyramid = &mut buffers.pyramid;
        pyramid.build(self.simd, &self.team, view, options);
        let (blur, extrema) = pyramid.times();
        let mut times = StageTimes {
            blur,
            extrema,
            ..StageTimes::default()
        };

        let start = Instant::now();
        let mut chosen = std::mem::take(&mut pyramid.extrema);
        let pyramid = &*pyramid;
        if options.scale_preference != 0.0 {
            for e in &mut chosen {
                let scale = self.octave_sigma(e) * pyramid.factor(e.octave);
                e.response *= libm::powf(scale, options.scale_preference);
            }
        }
        // Sorted as far as is likely to be needed.
        let mut sorted = chosen.len();
        if options.selection == Selection::Strongest && sorted / 2 > options.max_features {
            sorted = options.max_features;
            chosen.select_nth_unstable_by(sorted, selection::by_strength);
        }
        chosen[..sorted].sort_unstable_by(selection::by_strength);
        if options.selection == Selection::Spread {
            let size = (view.width(), view.height());
            selection::spread(&mut chosen, options.max_features, size, |e| {
                let factor = pyramid.factor(e.octave);
                (e.x * factor, e.y * factor)
            });
        }
        times.selection = start.elapsed();

        let start = Instant::now();
        // An extremum seldom has no direction: as many as are wanted are nearly always enough.
        let mut oriented: Vec<(Extremum, f32)> = Vec::new();
        let mut at = 0;
        while at < chosen.len() && oriented.len() < options.max_features {
            if at == sorted {
                chosen[at..].sort_unstable_by(selection::by_strength);
                sorted = chosen.len();
            }
            let more = options.max_features - oriented.len();
            let next = &chosen[at..sorted.min(at + more)];
            at += next.len();
            let expect = |e: &Extremum| {
                let reach = orientation::reach(self.octave_sigma(e));
                pyramid.layer(e).expect(e.x, e.y, reach);
            };
            let directions = self.share(
                next,
                |e| *e,
                expect,
                Directions::default(),
                |e, scratch| {
                    if options.upright {
                        return Directions::upright();
                    }
                    let sigma = self.octave_sigma(e);
                    orientation::directions(
                        self.simd,
                        pyramid.layer(e),
                        e.x,
                        e.y,
                        sigma,
                        &mut scratch.orientation,
                    )
                },
            );
            for (e, directions) in next.iter().zip(&directions) {
                oriented.extend(directions.as_slice().iter().map(|&angle| (*e, angle)));
            }
        }
        oriented.truncate(options.max_features);
        times.orientation = start.elapsed();

        let start = Instant::now();
        let expect = |(e, _): &(Extremum, f32)| {
            let reach = descriptor::reach(self.octave_sigma(e));
            pyramid.layer(e).expect(e.x, e.y, reach);
        };
        let empty = [0; descriptor::LENGTH];
        let bytes = self.share(
            &oriented,
            |o| o.0,
            expect,
            empty,
            |(e, angle), scratch| {
                let sigma = self.octave_sigma(e);
                descriptor::describe(
                    self.simd,
                    pyramid.layer(e),
                    (e.x, e.y),
                    sigma,
                    *angle,
                    &mut scratch.descriptor,
                )
            },
        );
        let keypoints = oriented
            .iter()
            .map(|&(e, angle)| {
                let factor = pyramid.factor(e.octave);
                Keypoint {
                    x: e.x * factor,
                    y: e.y * factor,
                    scale: self.octave_sigma(&e) * factor,
                    angle,
                    response: e.response,
                }
            })
            .collect();
        let descriptors =
            Descriptors::from_bytes(descriptor::LENGTH, bytes.into_flattened()).unwrap_or_default();
        times.description = start.elapsed();
        buffers.pyramid.extrema = chosen;
        let features = LocalFeatures {
            keypoints,
            descriptors,
        };
        (features, times)
    }

    /// Scale of an extremum in its octave's own pixels.
    fn octave_sigma(&self, e: &Extremum) -> f32 {
        self.options.sigma * libm::exp2f(e.s / self.options.layers as f32)
    }

    /// `work` on each of `items`, in as many threads as this extractor may use; results stand in
    /// the order of the items, whatever the order of the work. `expect` is told of each item a
    /// little before its turn.
    fn share<T: Sync, R: Send + Clone>(
        &self,
        items: &[T],
        place: impl Fn(&T) -> Extremum,
        expect: impl Fn(&T) + Sync,
        empty: R,
        work: impl Fn(&T, &mut Scratch) -> R + Sync,
    ) -> Vec<R> {
        /// What a thread takes at a time; fewer are not worth a thread.
        const HANDFUL: usize = 64;
        // Neighbours share cache lines; by strength each item would wait for memory anew.
        let mut order: Vec<(u64, u32)> = (items.iter().zip(0u32..))
            .map(|(item, i)| (place(item).place_key(), i))
            .collect();
        order.sort_unstable();
        let mut results = vec![empty; items.len()];
        // Keypoints take unequal time, so threads take them by handfuls and not by halves.
        let threads = self.team.size().min(order.len().div_ceil(HANDFUL)).max(1);
        let taken = AtomicUsize::new(0);
        let run = |done: &mut Vec<(u32, R)>| {
            let mut scratch = Box::<Scratch>::default();
            loop {
                let start = taken.fetch_add(HANDFUL, Ordering::Relaxed);
                let Some(rest) = order.get(start..).filter(|rest| !rest.is_empty()) else {
                    return;
                };
                let part = &rest[..HANDFUL.min(rest.len())];
                let next = part[1..].iter().map(Some).chain([None]);
                for (&(_, i), next) in part.iter().zip(next) {
                    if let Some(&(_, next)) = next {
                        expect(&items[next as usize]);
                    }
                    done.push((i, work(&items[i as usize], &mut scratch)));
                }
            }
        };
        let room = order.len() / threads + HANDFUL;
        let mut parts: Vec<_> = (0..threads).map(|_| Vec::with_capacity(room)).collect();
        self.team.each(&mut parts, run);
        for (i, result) in parts.into_iter().flatten() {
            results[i as usize] = result;
        }
        results
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

    fn mirrored(&self, features: &LocalFeatures, width: u32) -> Option<LocalFeatures> {
        variants::mirrored(features, width, self.options.upright)
    }

    fn inverted(&self, features: &LocalFeatures) -> Option<LocalFeatures> {
        variants::inverted(features, self.options.upright)
    }
}

#[cfg(test)]
mod tests;
