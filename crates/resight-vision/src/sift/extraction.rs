//! The stages of one extraction: scale space and extrema, selection, orientation, description.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::extrema::Extremum;
use super::options::{Selection, SiftOptions};
use super::orientation::Directions;
use super::pyramid::Pyramid;
use super::team::Team;
use super::{descriptor, orientation, selection};
use crate::dispatch::Simd;
use crate::features::{Descriptors, Keypoint, LocalFeatures};
use crate::image::GrayView;

/// The duration of each stage of one extraction. Blur and extrema are sums over the threads, the
/// others wall time.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Doubling, conversion and blur.
    pub blur: Duration,
    /// Differences, extrema and their refinement.
    pub extrema: Duration,
    /// Sorting and selection of the keypoints.
    pub selection: Duration,
    /// Orientations.
    pub orientation: Duration,
    /// Descriptors.
    pub description: Duration,
}

/// Buffers of one thread that works on keypoints.
#[derive(Default)]
struct Scratch {
    orientation: orientation::Scratch,
    descriptor: descriptor::Scratch,
}

/// An extremum and one of its directions, in radians.
type Oriented = (Extremum, f32);

/// What the stages of an extraction share.
pub(super) struct Extraction<'a> {
    pub(super) options: &'a SiftOptions,
    pub(super) simd: Simd,
    pub(super) team: &'a Team,
}

impl Extraction<'_> {
    /// Features of `view`, strongest first. `pyramid` lends its buffers; its contents do not
    /// matter.
    pub(super) fn run(
        &self,
        view: GrayView<'_>,
        pyramid: &mut Pyramid,
    ) -> (LocalFeatures, StageTimes) {
        pyramid.build(self.simd, self.team, view, self.options);
        let (blur, extrema) = pyramid.times();
        let mut found = std::mem::take(&mut pyramid.extrema);

        let start = Instant::now();
        let sorted = self.select(pyramid, (view.width(), view.height()), &mut found);
        let selected = Instant::now();
        let oriented = self.orient(pyramid, &mut found, sorted);
        let turned = Instant::now();
        let features = self.describe(pyramid, &oriented);
        let times = StageTimes {
            blur,
            extrema,
            selection: selected - start,
            orientation: turned - selected,
            description: turned.elapsed(),
        };
        pyramid.extrema = found;
        (features, times)
    }

    /// Ranks the extrema. Returns how many of the first are sorted by strength, as many as are
    /// likely to be needed; the others are weaker, in any order.
    fn select(
        &self,
        pyramid: &Pyramid,
        size: (usize, usize),
        extrema: &mut Vec<Extremum>,
    ) -> usize {
        let options = self.options;
        if options.scale_preference != 0.0 {
            for e in &mut *extrema {
                let scale = self.octave_sigma(e) * pyramid.factor(e.octave);
                e.response *= libm::powf(scale, options.scale_preference);
            }
        }
        let mut sorted = extrema.len();
        if options.selection == Selection::Strongest && sorted / 2 > options.max_features {
            sorted = options.max_features;
            extrema.select_nth_unstable_by(sorted, selection::by_strength);
        }
        extrema[..sorted].sort_unstable_by(selection::by_strength);
        if options.selection == Selection::Spread {
            selection::spread(extrema, options.max_features, size, |e| {
                let factor = pyramid.factor(e.octave);
                (e.x * factor, e.y * factor)
            });
        }
        sorted
    }

    /// Directions of the strongest extrema, until there are enough. The first `sorted` extrema
    /// are sorted; the others are sorted when they are needed.
    fn orient(
        &self,
        pyramid: &Pyramid,
        extrema: &mut [Extremum],
        mut sorted: usize,
    ) -> Vec<Oriented> {
        let most = self.options.max_features;
        sorted = sorted.min(extrema.len());
        let prefetch = |e: &Extremum| {
            let reach = orientation::reach(self.octave_sigma(e));
            pyramid.layer(e).prefetch(e.x, e.y, reach);
        };
        let directions = |e: &Extremum, scratch: &mut Scratch| {
            if self.options.upright {
                return Directions::upright();
            }
            orientation::directions(
                self.simd,
                pyramid.layer(e),
                e.x,
                e.y,
                self.octave_sigma(e),
                &mut scratch.orientation,
            )
        };
        // Few extrema have no direction, so one round is nearly always enough.
        let mut oriented: Vec<Oriented> = Vec::new();
        let mut at = 0;
        while at < extrema.len() && oriented.len() < most {
            if at == sorted {
                extrema[at..].sort_unstable_by(selection::by_strength);
                sorted = extrema.len();
            }
            let next = &extrema[at..sorted.min(at + most - oriented.len())];
            at += next.len();
            let found = self.share(next, |e| *e, prefetch, Directions::default(), directions);
            for (e, directions) in next.iter().zip(&found) {
                oriented.extend(directions.as_slice().iter().map(|&angle| (*e, angle)));
            }
        }
        oriented.truncate(most);
        oriented
    }

    fn describe(&self, pyramid: &Pyramid, oriented: &[Oriented]) -> LocalFeatures {
        let prefetch = |(e, _): &Oriented| {
            let reach = descriptor::reach(self.octave_sigma(e));
            pyramid.layer(e).prefetch(e.x, e.y, reach);
        };
        let describe = |(e, angle): &Oriented, scratch: &mut Scratch| {
            descriptor::describe(
                self.simd,
                pyramid.layer(e),
                (e.x, e.y),
                self.octave_sigma(e),
                *angle,
                &mut scratch.descriptor,
            )
        };
        let empty = [0; descriptor::LENGTH];
        let bytes = self.share(oriented, |o| o.0, prefetch, empty, describe);
        let keypoint = |&(e, angle): &Oriented| {
            let factor = pyramid.factor(e.octave);
            Keypoint {
                x: e.x * factor,
                y: e.y * factor,
                scale: self.octave_sigma(&e) * factor,
                angle,
                response: e.response,
            }
        };
        LocalFeatures {
            keypoints: oriented.iter().map(keypoint).collect(),
            descriptors: Descriptors::from_bytes(descriptor::LENGTH, bytes.into_flattened())
                .unwrap_or_default(),
        }
    }

    /// Scale of an extremum in pixels of its octave.
    fn octave_sigma(&self, e: &Extremum) -> f32 {
        self.options.sigma * libm::exp2f(e.s / self.options.layers as f32)
    }

    /// Applies `work` to each of `items`, in as many threads as the team has. Results are in the
    /// order of the items. `prefetch` is called for each item shortly before `work`.
    fn share<T: Sync, R: Send + Clone>(
        &self,
        items: &[T],
        place: impl Fn(&T) -> Extremum,
        prefetch: impl Fn(&T) + Sync,
        empty: R,
        work: impl Fn(&T, &mut Scratch) -> R + Sync,
    ) -> Vec<R> {
        /// Items that a thread takes at a time; fewer are not worth a thread.
        const HANDFUL: usize = 64;
        // Neighbours share cache lines; in order of strength each item would wait for memory.
        let mut order: Vec<(u64, u32)> = (items.iter().zip(0u32..))
            .map(|(item, i)| (place(item).place_key(), i))
            .collect();
        order.sort_unstable();
        let mut results = vec![empty; items.len()];
        // Keypoints take unequal time, so threads take handfuls instead of equal shares.
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
                        prefetch(&items[next as usize]);
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
