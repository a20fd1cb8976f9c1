//! One octave of the scale space in one pass over its rows.
//!
//! Each row is blurred stage by stage, and a stage keeps only the rows within the radius of its
//! kernel. When the last stage has made a row, its differences of Gaussians are computed, searched
//! for extrema, and dropped. Only the layers that keypoints are described in are written out. For
//! pictures of usual width the working set fits the second-level cache.
//!
//! A *band* is a range of rows that is processed on its own; it reads further rows within the
//! radius of the kernels. Results do not depend on where bands begin and end, so each thread may
//! take one.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::blur::{self, ROWS};
use super::extrema::{Criteria, Extremum, Search};
use super::rows::{Ring, Source, columns};
use super::taps::Taps;
use crate::dispatch::Simd;

/// Rows on each side of a band that its search for extrema reads.
const SEARCH_REACH: usize = 4;

/// The blurs of an octave: from its source to layer 0, unless the source is layer 0, then from
/// each layer to the next.
pub(super) struct Chain<'a> {
    pub(super) first: Option<&'a Taps>,
    pub(super) steps: &'a [Taps],
}

impl Chain<'_> {
    fn stages(&self) -> Vec<&Taps> {
        self.first.into_iter().chain(self.steps).collect()
    }
}

/// Buffers of one thread, for any octave of any picture.
#[derive(Default)]
pub(super) struct Workspace {
    /// `rings[0]` holds the source's rows, `rings[i]` the output of stage `i - 1`.
    rings: Vec<Ring>,
    stages: Vec<Stage>,
    search: Search,
    pub(super) clock: Clock,
}

/// Time spent on the present picture.
#[derive(Default)]
pub(super) struct Clock {
    pub(super) blur: Duration,
    pub(super) search: Duration,
}

impl Clock {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// One blur, with the rows that it has filtered along x.
#[derive(Default)]
struct Stage {
    /// Pairs of filtered rows. Pair k of all pairs so far lies in slot k mod `slots`.
    pairs: Vec<i16>,
    slots: usize,
    /// The rows that this stage makes.
    range: Range<usize>,
    /// Rows filtered along x so far; the first lies `radius` above `range.start`.
    pushed: usize,
    /// The next row to make. May exceed `range.end` by up to three.
    next: usize,
}

impl Workspace {
    /// Blurs and searches the rows `band` of an octave. Writes those rows of layer i + 1, each of
    /// the octave's width, to `layers[i]`, and appends extrema to `found`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn run(
        &mut self,
        simd: Simd,
        source: &Source<'_>,
        chain: &Chain<'_>,
        criteria: &Criteria,
        band: Range<usize>,
        layers: &mut [&mut [i16]],
        found: &mut Vec<Extremum>,
    ) {
        let taps = chain.stages();
        let needed = self.prepare(source, &taps, &band);
        let (width, _) = source.size();
        // Index of layer 0's ring.
        let base = usize::from(chain.first.is_some());
        let mut read = needed.start;
        let mut finished = false;
        // Each round reads four rows and every stage makes at most four, so that no stage reads a
        // row that its ring no longer holds.
        let mut begun = Instant::now();
        while !finished {
            let until = (read + ROWS).min(needed.end);
            for y in read..until {
                source.read(simd, y, self.rings[0].row_mut(y));
                self.rings[0].repeat_edges(y);
            }
            read = until;
            let mut input = needed.start..read;
            finished = read == needed.end;
            for (i, taps) in taps.iter().enumerate() {
                let made = self.advance(simd, i, taps, &input, finished);
                let stage = &self.stages[i];
                if let Some(layer) = (i + 1)
                    .checked_sub(base + 1)
                    .and_then(|l| layers.get_mut(l))
                {
                    let own = made.start.max(band.start)..made.end.min(band.end);
                    for y in own {
                        let at = (y - band.start) * width;
                        layer[at..at + width].copy_from_slice(&self.rings[i + 1].row(y)[..width]);
                    }
                }
                finished = stage.next >= stage.range.end;
                input = stage.range.start..stage.next.min(stage.range.end);
            }
            let blurred = Instant::now();
            self.clock.blur += blurred - begun;
            self.search
                .advance(simd, criteria, &self.rings[base..], input.end, found);
            begun = Instant::now();
            self.clock.search += begun - blurred;
        }
    }

    /// Sizes every buffer, and returns the range of source rows to read.
    fn prepare(
        &mut self,
        source: &Source<'_>,
        taps: &[&Taps],
        band: &Range<usize>,
    ) -> Range<usize> {
        let (width, height) = source.size();
        let pad = taps.iter().map(|t| t.radius).max().unwrap_or(0);
        self.rings.resize_with(taps.len() + 1, Ring::default);
        self.stages.resize_with(taps.len(), Stage::default);
        let widen = |r: &Range<usize>, by| r.start.saturating_sub(by)..(r.end + by).min(height);
        let mut range = widen(band, SEARCH_REACH);
        let searched = range.start;
        // Each ring keeps a row until the last stage has reached it.
        let mut lag = 4 * ROWS;
        for (i, taps) in taps.iter().enumerate().rev() {
            self.rings[i + 1].reshape(width, pad, lag);
            self.stages[i].reshape(columns(width), taps.radius, range.clone());
            range = widen(&range, taps.radius);
            lag += taps.radius + ROWS;
        }
        self.rings[0].reshape(width, pad, lag);
        self.search.begin(width, height, band.clone(), searched);
        range
    }

    /// Runs stage `i` until it has made four rows or needs more than `input`. Returns the rows
    /// that it made.
    fn advance(
        &mut self,
        simd: Simd,
        i: usize,
        taps: &Taps,
        input: &Range<usize>,
        finished: bool,
    ) -> Range<usize> {
        let (before, after) = self.rings.split_at_mut(i + 1);
        let (from, to, stage) = (&before[i], &mut after[0], &mut self.stages[i]);
        let start = stage.next;
        while stage.next == start && start < stage.range.end && !input.is_empty() {
            // The edge rows are repeated beyond the picture. So is the last row of a band's input,
            // which affects no row of the band.
            let first = stage.range.start as isize - taps.radius as isize + stage.pushed as isize;
            if first + 1 >= input.end as isize && !finished {
                break;
            }
            let [a, b] = [first, first + 1]
                .map(|y| y.clamp(input.start as isize, input.end as isize - 1) as usize);
            let (a, b) = (from.padded(a, taps.radius), from.padded(b, taps.radius));
            let slot = stage.slot(stage.pushed / 2);
            blur::along(simd, a, b, taps, &mut stage.pairs[slot]);
            stage.pushed += 2;
            if stage.pushed == stage.next - stage.range.start + ROWS + 2 * taps.radius {
                stage.make(simd, taps, to);
            }
        }
        start..stage.next
    }
}

impl Stage {
    fn reshape(&mut self, columns: usize, radius: usize, range: Range<usize>) {
        self.slots = radius + ROWS / 2;
        self.pairs.resize(self.slots * 2 * columns, 0);
        self.pushed = 0;
        self.next = range.start;
        self.range = range;
    }

    fn slot(&self, pair: usize) -> Range<usize> {
        let length = self.pairs.len() / self.slots;
        let at = (pair % self.slots) * length;
        at..at + length
    }

    /// Makes the next four rows. All their pairs must have been filtered.
    fn make(&mut self, simd: Simd, taps: &Taps, to: &mut Ring) {
        let first = self.pushed / 2 - self.slots;
        let pairs: Vec<&[i16]> = (first..first + self.slots)
            .map(|k| &self.pairs[self.slot(k)])
            .collect();
        if let Some(out) = to.four_mut(self.next) {
            blur::down(simd, &pairs, taps, out);
        }
        for y in self.next..self.next + ROWS {
            to.repeat_edges(y);
        }
        self.next += ROWS;
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::super::SiftOptions;
    use super::super::taps::unpack;
    use super::*;
    use crate::GrayImage;

    /// Black and white pixels without order.
    fn noise(w: usize, h: usize) -> GrayImage {
        let bits = Random::new(11).bytes(w * h, 1);
        GrayImage::new(w, h, bits.iter().map(|bit| bit * 255).collect()).unwrap()
    }

    /// The definition: a whole picture blurred along its rows, then down its columns.
    fn whole(picture: &[Vec<i16>], taps: &Taps) -> Vec<Vec<i16>> {
        let full: Vec<i32> = (taps.along.iter())
            .flat_map(|p| <[i32; 2]>::from(unpack(p[0])))
            .collect();
        let r = taps.radius as isize;
        let filter = |n: usize, at: &dyn Fn(usize) -> i16, x: usize| {
            let sum: i32 = (-r..=r)
                .map(|j| {
                    let from = (x as isize + j).clamp(0, n as isize - 1) as usize;
                    full[(j + r) as usize] * i32::from(at(from))
                })
                .sum();
            ((sum + (1 << 14)) >> 15) as i16
        };
        let (h, w) = (picture.len(), picture[0].len());
        let rows: Vec<Vec<i16>> = picture
            .iter()
            .map(|row| (0..w).map(|x| filter(w, &|i| row[i], x)).collect())
            .collect();
        (0..h)
            .map(|y| (0..w).map(|x| filter(h, &|i| rows[i][x], y)).collect())
            .collect()
    }

    #[test]
    fn every_band_gives_the_rows_of_the_whole() {
        let steps = [1.2f32, 1.5, 1.9, 2.4, 3.1].map(Taps::gaussian);
        let first = Taps::gaussian(1.25);
        let mut extrema = 0;
        for (w, h) in [(40, 150), (33, 13), (1, 40), (90, 1), (64, 61)] {
            let image = noise(w, h);
            let source = Source::Picture(image.view());
            let mut layer: Vec<Vec<i16>> = (0..h)
                .map(|y| {
                    let mut row = vec![0; w];
                    source.read(Simd::PLAIN, y, &mut row);
                    row
                })
                .collect();
            layer = whole(&layer, &first);
            let want: Vec<Vec<i16>> = steps[..3]
                .iter()
                .map(|taps| {
                    layer = whole(&layer, taps);
                    layer.concat()
                })
                .collect();
            let options = SiftOptions::default();
            let criteria = Criteria::new(0, &options);
            let chain = Chain {
                first: Some(&first),
                steps: &steps,
            };
            let mut space = Workspace::default();
            for &simd in Simd::available() {
                let mut all = Vec::new();
                for bands in [1, 2, 3, 7] {
                    let mut found = Vec::new();
                    for band in 0..bands {
                        let rows = h * band / bands..h * (band + 1) / bands;
                        let mut own = vec![vec![0i16; rows.len() * w]; 3];
                        let mut layers: Vec<&mut [i16]> =
                            own.iter_mut().map(|l| &mut l[..]).collect();
                        space.run(
                            simd,
                            &source,
                            &chain,
                            &criteria,
                            rows.clone(),
                            &mut layers,
                            &mut found,
                        );
                        for (own, want) in own.iter().zip(&want) {
                            assert_eq!(
                                own[..],
                                want[rows.start * w..rows.end * w],
                                "{w}×{h} {rows:?}"
                            );
                        }
                    }
                    all.push(found);
                }
                extrema += all[0].len();
                assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{w}×{h}");
            }
        }
        assert!(extrema > 0);
    }
}
