//! The SIFT descriptor (Lowe 2004, §6) in RootSIFT form (Arandjelović & Zisserman, CVPR 2012).
//!
//! Gradients are measured on a grid rotated and scaled with the keypoint (see [`super::patch`]),
//! with [`PER_CELL`] samples a side of a cell. Lowe reads the layer's own pixels instead and shares
//! each among the cells by its place; here the places are the same for all keypoints.

use std::sync::LazyLock;

use super::patch::{self, Frame, Grid};
use super::rows::Plane;
use super::trig;
use crate::dispatch::{Simd, widest};

/// Spatial cells a side.
pub(super) const CELLS: usize = 4;
/// Directions a cell.
pub(super) const DIRECTIONS: usize = 8;
/// Numbers in a descriptor.
pub(super) const LENGTH: usize = CELLS * CELLS * DIRECTIONS;
/// Width of a cell in units of the keypoint's scale.
const CELL_WIDTH: f32 = 3.0;
/// Gradients a side of a cell.
const PER_CELL: usize = 3;
/// Gradients a side. The nearest cells share a sample, so the grid extends half a cell beyond the
/// cells at each end.
const SIDE: usize = (CELLS + 1) * PER_CELL;
/// Samples a side of the grid; gradients are their differences.
const GRID: usize = SIDE + 2;
/// Samples of the grid, rounded up to whole registers.
const SAMPLES: usize = (GRID * GRID).next_multiple_of(16);
/// Largest value of one number before the second normalisation (Lowe §6.1).
const CLAMP: f32 = 0.2;
/// RootSIFT has length 1 and few entries above 1/2: 512 fills a byte.
const QUANTISE: f32 = 512.0;

/// The contribution of one column of samples to each direction, for the cell above and for the
/// cell below. The extra direction at the end wraps round to the first.
type Column = [[f32; 2]; DIRECTIONS + 1];

/// The grid and its weights, the same for every keypoint.
struct Layout {
    grid: Grid<SAMPLES>,
    /// Gaussian with a standard deviation of half the descriptor's width, two cells; 0 in the
    /// outermost samples.
    window: [f32; SAMPLES],
    /// Share of the lower of the two cells that a sample lies between.
    lower: [f32; SAMPLES],
}

/// Buffers that all keypoints of a thread share.
pub(super) struct Scratch {
    patch: patch::Scratch<SAMPLES>,
    shares: [[f32; 4]; SAMPLES],
    directions: [u32; SAMPLES],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            patch: patch::Scratch::default(),
            shares: [[0.0; 4]; SAMPLES],
            directions: [0; SAMPLES],
        }
    }
}

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    // Gradient (i, j) is measured at sample (i + 1, j + 1).
    let gradient = |p: usize| {
        let (i, j) = ((p % GRID).wrapping_sub(1), (p / GRID).wrapping_sub(1));
        (i < SIDE && j < SIDE).then_some((i, j))
    };
    let each = |of: fn(usize, usize) -> f32| {
        std::array::from_fn(|p| gradient(p).map_or(0.0, |(i, j)| of(i, j)))
    };
    Layout {
        grid: Grid::square(GRID),
        window: each(|i, j| {
            let (u, v) = (place(i), place(j));
            libm::exp(-(u * u + v * v) / 8.0) as f32
        }),
        lower: each(|_, j| second_share(j)),
    }
});

/// The place of sample `i` of a side, in cells from the keypoint.
fn place(i: usize) -> f64 {
    (i as f64 + 0.5) / PER_CELL as f64 - (CELLS + 1) as f64 / 2.0
}

/// Share of the second of the two cells between whose centres sample `i` of a side lies.
const fn second_share(i: usize) -> f32 {
    (i % PER_CELL) as f32 / PER_CELL as f32 + 0.5 / PER_CELL as f32
}

/// The descriptor at (x, y) of `layer`, for a keypoint of scale `sigma` in the layer's pixels and
/// direction `angle` in radians.
pub(super) fn describe(
    simd: Simd,
    layer: &Plane,
    (x, y): (f32, f32),
    sigma: f32,
    angle: f32,
    scratch: &mut Scratch,
) -> [u8; LENGTH] {
    let step = CELL_WIDTH * sigma / PER_CELL as f32;
    let frame = Frame {
        x,
        y,
        step: (step * libm::cosf(angle), step * libm::sinf(angle)),
    };
    let mut bytes = [0u8; LENGTH];
    describe_frame(simd, layer, frame, &LAYOUT, scratch, &mut bytes);
    bytes
}

/// Largest distance from a keypoint of this scale at which the layer is read, in pixels.
pub(super) fn reach(sigma: f32) -> f32 {
    let half_side = CELL_WIDTH * sigma / PER_CELL as f32 * (GRID - 1) as f32 / 2.0;
    half_side * std::f32::consts::SQRT_2 + 1.0
}

#[inline(always)]
fn describe_frame_body(
    layer: &Plane,
    frame: Frame,
    layout: &Layout,
    scratch: &mut Scratch,
    out: &mut [u8; LENGTH],
) {
    *out = quantise(histogram(layer, &frame, layout, scratch));
}

widest! {
    fn describe_frame(
        layer: &Plane, frame: Frame, layout: &Layout, scratch: &mut Scratch,
        out: &mut [u8; LENGTH],
    ) = describe_frame_body
}

#[inline(always)]
fn histogram(
    layer: &Plane,
    frame: &Frame,
    layout: &Layout,
    scratch: &mut Scratch,
) -> [f32; LENGTH] {
    layout.grid.sample(layer, frame, &mut scratch.patch);
    let Scratch {
        shares, directions, ..
    } = scratch;
    let patch = &scratch.patch.samples;
    // Differences across the ends of rows are meaningless; the window is 0 there.
    for p in GRID..SAMPLES - GRID {
        let gu = patch[p + 1] - patch[p - 1];
        let gv = patch[p + GRID] - patch[p - GRID];
        let (length, low, share) = trig::direction(gu, gv, DIRECTIONS);
        let weight = layout.window[p] * length;
        let second = share * weight;
        let first = weight - second;
        let (first_lower, second_lower) = (first * layout.lower[p], second * layout.lower[p]);
        shares[p] = [
            first - first_lower,
            first_lower,
            second - second_lower,
            second_lower,
        ];
        directions[p] = low;
    }
    // Sums the rows of samples between the same two rows of cells, then the columns between the
    // same two columns of cells, each with its share.
    let mut bands = [[[0.0f32; 2 * DIRECTIONS]; CELLS + 2]; CELLS + 1];
    let mut columns: [[Column; SIDE]; CELLS + 1] = [[[[0.0; 2]; DIRECTIONS + 1]; SIDE]; CELLS + 1];
    for (band, columns) in columns.iter_mut().enumerate() {
        for k in 0..PER_CELL {
            let at = (band * PER_CELL + k + 1) * GRID + 1;
            let (shares, directions) = (&shares[at..at + SIDE], &directions[at..at + SIDE]);
            for ((column, share), &low) in columns.iter_mut().zip(shares).zip(directions) {
                let two = &mut column.as_flattened_mut()[2 * (low as usize % DIRECTIONS)..][..4];
                for (to, &v) in two.iter_mut().zip(share) {
                    *to += v;
                }
            }
        }
    }
    for (cells, columns) in bands.iter_mut().zip(&mut columns) {
        for (i, column) in columns.iter_mut().enumerate() {
            let wrapped = column[DIRECTIONS];
            column[0][0] += wrapped[0];
            column[0][1] += wrapped[1];
            let (left, right) = (i / PER_CELL, second_share(i));
            let column = &column.as_flattened()[..2 * DIRECTIONS];
            for (o, &v) in column.iter().enumerate() {
                let second = v * right;
                cells[left][o] += v - second;
                cells[left + 1][o] += second;
            }
        }
    }
    let mut out = [0.0f32; LENGTH];
    for (c, to) in out.chunks_exact_mut(DIRECTIONS).enumerate() {
        let (cy, cx) = (c / CELLS, c % CELLS + 1);
        for (o, to) in to.iter_mut().enumerate() {
            *to = bands[cy][cx][2 * o + 1] + bands[cy + 1][cx][2 * o];
        }
    }
    out
}

/// The sum of `term` over `values`, in eight lanes, so that every path adds in the same order.
#[inline(always)]
fn sum(values: &[f32; LENGTH], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; DIRECTIONS];
    for chunk in values.chunks_exact(DIRECTIONS) {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += term(v);
        }
    }
    lanes.iter().sum()
}

/// Normalises, clamps, normalises again, takes square roots, and quantises. The bytes have a
/// Euclidean length near 512.
#[inline(always)]
fn quantise(mut histogram: [f32; LENGTH]) -> [u8; LENGTH] {
    let norm = sum(&histogram, |v| v * v).sqrt();
    if norm > 0.0 {
        let inverse = 1.0 / norm;
        for v in &mut histogram {
            *v = (*v * inverse).min(CLAMP);
        }
    }
    // RootSIFT divides by the L1 norm, so the L2 norm after clamping does not matter.
    let total = sum(&histogram, |v| v);
    let inverse = if total > 0.0 { 1.0 / total } else { 0.0 };
    let mut bytes = [0u8; LENGTH];
    for (byte, v) in bytes.iter_mut().zip(&histogram) {
        *byte = trig::round(((v * inverse).sqrt() * QUANTISE).min(255.0)) as u8;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(w: usize, h: usize) -> Plane {
        let data = (0..w * h)
            .map(|i| {
                let (x, y) = ((i % w) as f32, (i / w) as f32);
                (6000.0 * (x * 0.31).sin() + 6000.0 * (y * 0.23 + x * 0.11).cos()) as i16
            })
            .collect();
        Plane {
            width: w,
            height: h,
            data,
        }
    }

    #[test]
    fn every_path_gives_the_same_bytes() {
        let p = texture(90, 70);
        for (x, y, s, a) in [
            (45.0, 35.0, 2.0, 0.3f32),
            (3.2, 66.0, 1.6, 4.0),
            (88.0, 1.5, 3.1, 6.2),
        ] {
            let want = describe(Simd::PLAIN, &p, (x, y), s, a, &mut Scratch::default());
            for &simd in Simd::available() {
                let got = describe(simd, &p, (x, y), s, a, &mut Scratch::default());
                assert_eq!(got, want, "{}", simd.name());
            }
        }
    }

    #[test]
    fn length_is_about_512() {
        let p = texture(90, 70);
        let bytes = describe(
            Simd::widest(),
            &p,
            (45.0, 35.0),
            2.0,
            0.0,
            &mut Scratch::default(),
        );
        let length = bytes
            .iter()
            .map(|&b| f64::from(b).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((length - 512.0).abs() < 12.0, "length {length}");
    }

    #[test]
    fn a_ramp_fills_one_direction_of_every_cell() {
        let data = (0..80 * 80).map(|i| (i % 80) as i16 * 100).collect();
        let p = Plane {
            width: 80,
            height: 80,
            data,
        };
        let bytes = describe(
            Simd::widest(),
            &p,
            (40.0, 40.0),
            2.0,
            0.0,
            &mut Scratch::default(),
        );
        for cell in bytes.chunks(DIRECTIONS) {
            assert!(
                cell[0] > 100 && cell[1..].iter().all(|&b| b < 3),
                "{cell:?}"
            );
        }
    }

    #[test]
    fn a_flat_place_gives_zeros() {
        let p = Plane {
            width: 60,
            height: 60,
            data: vec![5; 3600],
        };
        let bytes = describe(
            Simd::widest(),
            &p,
            (30.0, 30.0),
            2.0,
            0.0,
            &mut Scratch::default(),
        );
        assert_eq!(bytes, [0; LENGTH]);
    }
}
