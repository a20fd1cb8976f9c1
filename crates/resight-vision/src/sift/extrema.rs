//! Extrema of the difference of Gaussians, located to a fraction of a pixel
//! (Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV 2004, §3–4).

use std::collections::VecDeque;
use std::ops::Range;

use super::blur::UNITS;
use super::options::SiftOptions;
use super::rows::Ring;
use crate::dispatch::{Simd, widest};

/// An extremum, in pixels of its octave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extremum {
    /// Index of its octave in the pyramid.
    pub(super) octave: usize,
    /// The Gaussian layer nearest to its scale, 1 ..= layers.
    pub(super) layer: usize,
    /// Refined column.
    pub(super) x: f32,
    /// Refined row.
    pub(super) y: f32,
    /// Refined layer, a real number.
    pub(super) s: f32,
    /// |D| at the refined place, for grey values in 0..1.
    pub(super) response: f32,
}

impl Extremum {
    /// Sorting by this key brings extrema together whose pixels are near in memory.
    pub(super) fn place_key(&self) -> u64 {
        /// Rows in a stripe, so that the rows above and below stay in cache.
        const STRIPE: f32 = 32.0;
        let stripe = (self.y / STRIPE) as u64;
        (self.octave as u64) << 48 | (self.layer as u64) << 40 | stripe << 24 | self.x as u64
    }
}

/// The thresholds of an extremum, in units of the pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Criteria {
    octave: usize,
    layers: usize,
    /// Lowest |D| of a sample. Samples lie below their peak, so this is less than `threshold`.
    coarse: i16,
    /// Lowest |D| of the refined peak.
    threshold: f64,
    edge: f64,
}

impl Criteria {
    pub(super) fn new(octave: usize, options: &SiftOptions) -> Self {
        let threshold = options.contrast_threshold / options.layers as f32 * UNITS;
        Self {
            octave,
            layers: options.layers,
            coarse: (0.5 * threshold) as i16,
            threshold: f64::from(threshold),
            edge: f64::from(options.edge_threshold),
        }
    }
}

/// Least distance of an extremum from the border: it needs all its neighbours.
const BORDER: usize = 1;
/// Most steps to a neighbouring sample during refinement (Lowe §4).
const MAX_STEPS: usize = 5;
/// Most rows between a sample and its refined place.
const MAX_ROWS: usize = 2;
/// Rows of each difference that are stored: those that refinement may read, and one more.
const KEPT: usize = 2 * (MAX_ROWS + 1) + 2;

/// Finds the extrema of one band, row by row.
#[derive(Default)]
pub(super) struct Search {
    width: usize,
    height: usize,
    band: Range<usize>,
    first: usize,
    next: usize,
    /// The last rows of each difference of neighbouring layers.
    differences: Vec<Ring>,
    /// Samples whose refinement needs rows that are still to come, in order of their rows.
    pending: VecDeque<Sample>,
    columns: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Sample {
    layer: usize,
    x: usize,
    y: usize,
}

impl Search {
    /// Starts a search for the extrema of the rows `band`. Rows will come from `first` on.
    pub(super) fn begin(&mut self, width: usize, height: usize, band: Range<usize>, first: usize) {
        self.width = width;
        self.height = height;
        self.band = band;
        self.first = first;
        self.next = first;
        self.pending.clear();
    }

    /// Searches the rows before `end` of all layers, of which `gaussians[0]` is the first.
    pub(super) fn advance(
        &mut self,
        simd: Simd,
        criteria: &Criteria,
        gaussians: &[Ring],
        end: usize,
        found: &mut Vec<Extremum>,
    ) {
        self.differences
            .resize_with(gaussians.len() - 1, Ring::default);
        if self.next == self.first {
            for ring in &mut self.differences {
                // The search reads whole vectors, beyond the end of a row.
                ring.reshape(self.width, super::blur::BLOCK, KEPT);
            }
        }
        while self.next < end {
            let y = self.next;
            for (pair, ring) in gaussians.windows(2).zip(&mut self.differences) {
                subtract(simd, pair[1].row(y), pair[0].row(y), ring.row_mut(y));
            }
            self.next += 1;
            if y >= self.first + 2 {
                self.search_row(simd, criteria, y - 1);
            }
            // Refinement may read this many rows further down, where there are any.
            let last = y + 1 == self.height;
            while let Some(&sample) = self.pending.front()
                && (last || sample.y + MAX_ROWS < y)
            {
                self.pending.pop_front();
                found.extend(self.refine(criteria, sample));
            }
        }
    }

    /// Appends the extremal samples of row `y` to `pending`. The rows above and below must be
    /// there.
    fn search_row(&mut self, simd: Simd, criteria: &Criteria, y: usize) {
        let inside = BORDER..self.height.saturating_sub(BORDER);
        if !self.band.contains(&y) || !inside.contains(&y) || self.width <= 2 * BORDER {
            return;
        }
        for layer in 1..=criteria.layers {
            let row = |l: usize, y: usize| self.differences[l].padded(y, 0);
            let rows = [y - 1, y, y + 1].map(|y| row(layer, y));
            let (lower, upper) = (row(layer - 1, y), row(layer + 1, y));
            let end = self.width - BORDER;
            self.columns.clear();
            candidates(
                simd,
                lower,
                rows,
                upper,
                criteria.coarse,
                end,
                &mut self.columns,
            );
            for &x in &self.columns {
                let x = x as usize;
                if x >= BORDER && self.beats_corners(layer, x, y) {
                    self.pending.push_back(Sample { layer, x, y });
                }
            }
        }
    }

    fn at(&self, layer: usize, x: usize, y: usize) -> i16 {
        self.differences[layer].row(y)[x]
    }

    /// Whether the sample is extremal among the sixteen neighbours that [`candidates`] omits, with
    /// the same rule for ties.
    fn beats_corners(&self, layer: usize, x: usize, y: usize) -> bool {
        let v = self.at(layer, x, y);
        for (other, wins_ties) in [(layer - 1, true), (layer + 1, false)] {
            for yy in y - 1..=y + 1 {
                for xx in x - 1..=x + 1 {
                    if xx == x && yy == y {
                        continue;
                    }
                    let n = self.at(other, xx, yy);
                    let beats = if v > 0 { v > n } else { v < n };
                    if !(beats || (wins_ties && v == n)) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Fits a quadratic to the 3×3×3 neighbourhood, and moves to the neighbouring sample until the
    /// peak lies within the sample. `None` for weak peaks and those on edges.
    fn refine(&self, criteria: &Criteria, sample: Sample) -> Option<Extremum> {
        let (w, h) = (self.width, self.height);
        let Sample { layer, x, y } = sample;
        let (mut x, mut y, mut s) = (x, y, layer);
        for _ in 0..MAX_STEPS {
            let rows: [[&[i16]; 3]; 3] = [s - 1, s, s + 1]
                .map(|l| [y - 1, y, y + 1].map(|y| &self.differences[l].row(y)[x - 1..x + 2]));
            let d = |ds: isize, dy: isize, dx: isize| {
                f64::from(rows[(ds + 1) as usize][(dy + 1) as usize][(dx + 1) as usize])
            };
            let v2 = 2.0 * d(0, 0, 0);
            let gx = 0.5 * (d(0, 0, 1) - d(0, 0, -1));
            let gy = 0.5 * (d(0, 1, 0) - d(0, -1, 0));
            let gs = 0.5 * (d(1, 0, 0) - d(-1, 0, 0));
            let xx = d(0, 0, 1) + d(0, 0, -1) - v2;
            let yy = d(0, 1, 0) + d(0, -1, 0) - v2;
            let ss = d(1, 0, 0) + d(-1, 0, 0) - v2;
            let xy = 0.25 * (d(0, 1, 1) - d(0, 1, -1) - d(0, -1, 1) + d(0, -1, -1));
            let xs = 0.25 * (d(1, 0, 1) - d(1, 0, -1) - d(-1, 0, 1) + d(-1, 0, -1));
            let ys = 0.25 * (d(1, 1, 0) - d(1, -1, 0) - d(-1, 1, 0) + d(-1, -1, 0));
            // Cramer's rule for H · offset = -g.
            let c0 = yy * ss - ys * ys;
            let c1 = xs * ys - xy * ss;
            let c2 = xy * ys - yy * xs;
            let det = xx * c0 + xy * c1 + xs * c2;
            // Pixels are whole numbers, and so is 64 times the determinant.
            if det == 0.0 {
                return None;
            }
            let ox = -(gx * c0 + gy * c1 + gs * c2) / det;
            let oy = -(gx * c1 + gy * (xx * ss - xs * xs) + gs * (xy * xs - xx * ys)) / det;
            let os = -(gx * c2 + gy * (xy * xs - xx * ys) + gs * (xx * yy - xy * xy)) / det;
            if ox.abs() <= 0.6 && oy.abs() <= 0.6 && os.abs() <= 0.6 {
                let peak = d(0, 0, 0) + 0.5 * (gx * ox + gy * oy + gs * os);
                let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
                let r = criteria.edge;
                let is_edge =
                    determinant <= 0.0 || trace * trace * r >= (r + 1.0) * (r + 1.0) * determinant;
                if peak.abs() < criteria.threshold || is_edge {
                    return None;
                }
                let refined = s as f64 + os;
                return Some(Extremum {
                    octave: criteria.octave,
                    layer: (refined.round() as usize).clamp(1, criteria.layers),
                    x: (x as f64 + ox) as f32,
                    y: (y as f64 + oy) as f32,
                    s: refined as f32,
                    response: (peak.abs() / f64::from(UNITS)) as f32,
                });
            }
            let step = |at: usize, offset: f64, low: usize, high: usize| {
                let to = if offset > 0.6 {
                    at + 1
                } else if offset < -0.6 {
                    at - 1
                } else {
                    at
                };
                (low..=high).contains(&to).then_some(to)
            };
            x = step(x, ox, BORDER, w - 1 - BORDER)?;
            y = step(y, oy, BORDER, h - 1 - BORDER)?;
            s = step(s, os, 1, criteria.layers)?;
            if y.abs_diff(sample.y) > MAX_ROWS {
                return None;
            }
        }
        None
    }
}

/// Keeps the strongest of the extrema that refinement moved to the same place. The resulting order
/// does not depend on the bands that extrema were found in.
pub(super) fn keep_distinct(found: &mut Vec<Extremum>) {
    let cell = |e: &Extremum| (e.layer, (e.y * 2.0) as u32, (e.x * 2.0) as u32);
    found.sort_unstable_by(|a, b| {
        cell(a)
            .cmp(&cell(b))
            .then(b.response.total_cmp(&a.response))
            .then(a.y.total_cmp(&b.y))
            .then(a.x.total_cmp(&b.x))
            .then(a.s.total_cmp(&b.s))
    });
    found.dedup_by_key(|e| cell(e));
}

#[inline(always)]
fn subtract_body(a: &[i16], b: &[i16], out: &mut [i16]) {
    for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
        // Two pixels differ by at most 32,767.
        *o = a.wrapping_sub(b);
    }
}

widest! { fn subtract(a: &[i16], b: &[i16], out: &mut [i16]) = subtract_body }

/// Samples that one step compares.
const LANES: usize = 32;

#[inline(always)]
fn lanes(row: &[i16], at: usize) -> &[i16; LANES] {
    // The padding of a row makes every block whole.
    row[at..].first_chunk().unwrap_or(&[0; LANES])
}

#[inline(always)]
fn candidates_body(
    lower: &[i16],
    rows: [&[i16]; 3],
    upper: &[i16],
    threshold: i16,
    end: usize,
    out: &mut Vec<u32>,
) {
    let mut x = 1;
    while x < end {
        let v = lanes(rows[1], x);
        let mut strong = 0i16;
        for &v in v {
            strong |= -i16::from((v > threshold) | (v < -threshold));
        }
        if strong != 0 {
            let before = [
                lanes(lower, x),
                lanes(rows[0], x - 1),
                lanes(rows[0], x),
                lanes(rows[0], x + 1),
                lanes(rows[1], x - 1),
            ];
            let after = [
                lanes(rows[1], x + 1),
                lanes(rows[2], x - 1),
                lanes(rows[2], x),
                lanes(rows[2], x + 1),
                lanes(upper, x),
            ];
            let mut flags = [0i16; LANES];
            let mut any = 0i16;
            for i in 0..LANES {
                let mut high = before[0][i];
                let mut low = before[0][i];
                for row in &before[1..] {
                    high = high.max(row[i]);
                    low = low.min(row[i]);
                }
                let mut higher = after[0][i];
                let mut lower = after[0][i];
                for row in &after[1..] {
                    higher = higher.max(row[i]);
                    lower = lower.min(row[i]);
                }
                let v = v[i];
                let top = (v > threshold) & (v >= high) & (v > higher);
                let bottom = (v < -threshold) & (v <= low) & (v < lower);
                flags[i] = -i16::from(top | bottom);
                any |= flags[i];
            }
            if any != 0 {
                for (i, &flag) in flags.iter().enumerate() {
                    if flag != 0 && x + i < end {
                        out.push((x + i) as u32);
                    }
                }
            }
        }
        x += LANES;
    }
}

widest! {
    /// Appends the columns before `end` where the middle row exceeds the threshold and is extremal
    /// among its eight neighbours and the two samples at the same place of `lower` and `upper`. Of
    /// equal neighbours the later one wins, so that a plateau has one extremum.
    fn candidates(
        lower: &[i16], rows: [&[i16]; 3], upper: &[i16], threshold: i16, end: usize,
        out: &mut Vec<u32>,
    ) = candidates_body
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    #[test]
    fn every_level_finds_the_candidates_of_the_definition() {
        let mut random = Random::new(2);
        for end in [1, 2, 31, 32, 33, 100] {
            // Few values, so that many neighbours are equal, and padding behind the end.
            let mut row = || -> Vec<i16> {
                let length = end + 2 * LANES;
                (0..length).map(|_| random.below(9) as i16 - 4).collect()
            };
            let (lower, upper) = (row(), row());
            let rows = [row(), row(), row()];
            let is_candidate = |x: usize| {
                let v = rows[1][x];
                let before = [
                    lower[x],
                    rows[0][x - 1],
                    rows[0][x],
                    rows[0][x + 1],
                    rows[1][x - 1],
                ];
                let after = [
                    rows[1][x + 1],
                    rows[2][x - 1],
                    rows[2][x],
                    rows[2][x + 1],
                    upper[x],
                ];
                let is_top = before.iter().all(|n| v >= *n) && after.iter().all(|n| v > *n);
                let is_bottom = before.iter().all(|n| v <= *n) && after.iter().all(|n| v < *n);
                (v > 1 && is_top) || (v < -1 && is_bottom)
            };
            let expected: Vec<u32> = (1..end)
                .filter(|x| is_candidate(*x))
                .map(|x| x as u32)
                .collect();
            assert!(end < 100 || !expected.is_empty());
            for &simd in Simd::available() {
                let mut found = Vec::new();
                let rows = [&rows[0][..], &rows[1], &rows[2]];
                candidates(simd, &lower, rows, &upper, 1, end, &mut found);
                assert_eq!(found, expected, "{} {end}", simd.name());
            }
        }
    }

    #[test]
    fn the_strongest_extremum_of_a_place_is_kept_whatever_the_order() {
        let at = |x: f32, y: f32, layer: usize, response: f32| Extremum {
            octave: 0,
            layer,
            x,
            y,
            s: layer as f32,
            response,
        };
        let all = [
            at(5.0, 5.0, 1, 0.3),
            at(5.1, 5.1, 1, 0.5),
            at(5.1, 5.1, 2, 0.1),
            at(9.0, 5.0, 1, 0.2),
        ];
        let mut found = all.to_vec();
        keep_distinct(&mut found);
        assert_eq!(found, [all[1], all[3], all[2]]);
        let mut reversed: Vec<Extremum> = all.iter().rev().copied().collect();
        keep_distinct(&mut reversed);
        assert_eq!(reversed, found);
    }

    #[test]
    fn near_extrema_have_near_keys() {
        let at = |octave: usize, layer: usize, x: f32, y: f32| {
            let extremum = Extremum {
                octave,
                layer,
                x,
                y,
                s: 1.0,
                response: 1.0,
            };
            extremum.place_key()
        };
        // Octave, then layer, then stripes of rows, then columns.
        let keys = [
            at(0, 1, 3.0, 5.0),
            at(0, 1, 60_000.0, 31.0),
            at(0, 1, 3.0, 32.0),
            at(0, 2, 1.0, 1.0),
            at(1, 1, 1.0, 1.0),
        ];
        assert!(keys.is_sorted());
        assert_eq!(at(0, 1, 7.0, 0.0), at(0, 1, 7.9, 31.9));
    }
}
