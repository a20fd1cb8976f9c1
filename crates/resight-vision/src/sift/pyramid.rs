//! The scale space of a picture: each octave is computed from a layer of the one before.

use std::time::Duration;

use super::extrema::{Criteria, Extremum, keep_distinct};
use super::octave::{Chain, Workspace};
use super::options::SiftOptions;
use super::rows::{Plane, Source};
use super::taps::Taps;
use super::team::Team;
use crate::dispatch::Simd;
use crate::image::GrayView;

/// Assumed blur of a camera picture, in its own pixels (Lowe §3.3).
const CAMERA_BLUR: f32 = 0.5;
/// Smallest side of an octave.
const SMALLEST_SIDE: usize = 12;
/// Fewest rows of a band, where several threads share an octave.
const ROWS_A_THREAD: usize = 96;

/// The layers that keypoints are described in, and all extrema. The next picture reuses the
/// buffers.
#[derive(Default)]
pub(super) struct Pyramid {
    /// `octaves[o][i]` is layer i + 1. Octaves from `depth` on are left from a larger picture.
    octaves: Vec<Vec<Plane>>,
    depth: usize,
    doubled: bool,
    pub(super) extrema: Vec<Extremum>,
    workspaces: Vec<Workspace>,
}

impl Pyramid {
    pub(super) fn build(
        &mut self,
        simd: Simd,
        team: &Team,
        view: GrayView<'_>,
        options: &SiftOptions,
    ) {
        let layers = options.layers.max(1);
        self.doubled = options.upsample.applies(view.width(), view.height());
        let blurred = if self.doubled {
            2.0 * CAMERA_BLUR
        } else {
            CAMERA_BLUR
        };
        let missing = (options.sigma * options.sigma - blurred * blurred)
            .max(0.01)
            .sqrt();
        let first = Taps::gaussian(missing);
        // Each layer is the one before with additional blur, to 2^(1/layers) times its blur.
        let step = libm::exp2f(1.0 / layers as f32);
        let steps: Vec<Taps> = (0..layers + 2)
            .map(|i| {
                let before = options.sigma * libm::powf(step, i as f32);
                Taps::gaussian(before * (step * step - 1.0).sqrt())
            })
            .collect();
        self.extrema.clear();
        self.depth = 0;
        for workspace in &mut self.workspaces {
            workspace.clock.reset();
        }
        loop {
            let (done, rest) = self.octaves.split_at_mut(self.depth);
            let source = match done.last().and_then(|o| o.last()) {
                Some(layer) => Source::Halved(layer),
                None if self.doubled => Source::Doubled(view),
                None => Source::Picture(view),
            };
            let (width, height) = source.size();
            if width.min(height) < SMALLEST_SIDE {
                break;
            }
            let chain = Chain {
                first: done.is_empty().then_some(&first),
                steps: &steps,
            };
            if rest.is_empty() {
                self.octaves.push(Vec::new());
                continue;
            }
            let planes = &mut rest[0];
            planes.resize_with(layers, Plane::default);
            for plane in planes.iter_mut() {
                plane.reshape(width, height);
            }
            let bands = team.size().min(height / ROWS_A_THREAD).max(1);
            self.workspaces
                .resize_with(self.workspaces.len().max(bands), Workspace::default);
            let criteria = Criteria::new(self.depth, options);
            let start = self.extrema.len();
            let work = Work {
                simd,
                source,
                chain,
                criteria,
            };
            let spaces = &mut self.workspaces[..bands];
            work.run(team, planes, spaces, &mut self.extrema);
            let mut found = self.extrema.split_off(start);
            keep_distinct(&mut found);
            self.extrema.append(&mut found);
            self.depth += 1;
        }
    }

    /// The layer that an extremum is described in.
    pub(super) fn layer(&self, extremum: &Extremum) -> &Plane {
        &self.octaves[extremum.octave][extremum.layer - 1]
    }

    /// Side of an octave's pixel in pixels of the picture.
    pub(super) fn factor(&self, octave: usize) -> f32 {
        let factor = (1u64 << octave) as f32;
        if self.doubled { 0.5 * factor } else { factor }
    }

    /// Time spent blurring and searching, over all threads.
    pub(super) fn times(&self) -> (Duration, Duration) {
        let sum = |of: fn(&Workspace) -> Duration| self.workspaces.iter().map(of).sum();
        (sum(|w| w.clock.blur), sum(|w| w.clock.search))
    }

    /// Bytes of its largest buffers.
    pub(super) fn capacity(&self) -> usize {
        let planes: usize = self
            .octaves
            .iter()
            .flatten()
            .map(|p| p.data.capacity())
            .sum();
        2 * planes
    }
}

/// What the bands of one octave share.
struct Work<'a> {
    simd: Simd,
    source: Source<'a>,
    chain: Chain<'a>,
    criteria: Criteria,
}

impl Work<'_> {
    /// Processes one band for each workspace.
    fn run(
        &self,
        team: &Team,
        planes: &mut [Plane],
        spaces: &mut [Workspace],
        extrema: &mut Vec<Extremum>,
    ) {
        let (width, height) = self.source.size();
        let bands = spaces.len();
        let edge = |band: usize| height * band / bands;
        let mut slices: Vec<&mut [i16]> = planes.iter_mut().map(|p| &mut p.data[..]).collect();
        let mut parts = Vec::with_capacity(bands);
        for (band, space) in spaces.iter_mut().enumerate() {
            let rows = edge(band)..edge(band + 1);
            let own: Vec<&mut [i16]> = slices
                .iter_mut()
                .map(|slice| {
                    let (own, rest) = std::mem::take(slice).split_at_mut(rows.len() * width);
                    *slice = rest;
                    own
                })
                .collect();
            parts.push((space, rows, own, Vec::new()));
        }
        team.each(&mut parts, |(space, rows, own, found)| {
            let (source, chain, criteria) = (&self.source, &self.chain, &self.criteria);
            space.run(self.simd, source, chain, criteria, rows.clone(), own, found);
        });
        for (_, _, _, mut found) in parts {
            extrema.append(&mut found);
        }
    }
}
