//! Dominant gradient directions of a keypoint (Lowe 2004, §5).

use std::f32::consts::TAU;
use std::sync::LazyLock;

use super::patch::{self, Frame, Grid};
use super::rows::Plane;
use super::trig;
use crate::dispatch::{Simd, widest};

/// Bins of the histogram of directions.
const BINS: usize = 36;
/// Least height of a further peak, as a share of the highest.
const SECOND_PEAK: f32 = 0.8;
/// Most directions of one keypoint.
const MOST: usize = 4;
/// Samples a side of the grid; all but the outermost have gradients.
const SIDE: usize = 16;
/// Samples of the grid.
const SAMPLES: usize = SIDE * SIDE;
/// Distance of neighbouring samples in units of the keypoint's scale.
const SPACING: f32 = 0.7;
/// Standard deviation of the Gaussian window in the same unit (Lowe §5), cut off at three times it.
const WINDOW: f32 = 1.5;

/// The grid and its weights, the same for every keypoint.
struct Layout {
    grid: Grid<SAMPLES>,
    window: [f32; SAMPLES],
    /// The samples inside the window.
    inner: Vec<u8>,
}

/// Buffers that all keypoints of a thread share.
pub(super) struct Scratch {
    patch: patch::Scratch<SAMPLES>,
    first: [f32; SAMPLES],
    second: [f32; SAMPLES],
    bin: [u32; SAMPLES],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            patch: patch::Scratch::default(),
            first: [0.0; SAMPLES],
            second: [0.0; SAMPLES],
            bin: [0; SAMPLES],
        }
    }
}

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let sigma = f64::from(WINDOW);
    let place = |i: usize| (i as f64 - (SIDE - 1) as f64 / 2.0) * f64::from(SPACING);
    let window: [f32; SAMPLES] = std::array::from_fn(|p| {
        let (i, j) = (p % SIDE, p / SIDE);
        let r2 = place(i) * place(i) + place(j) * place(j);
        let outermost = [i, j].iter().any(|&k| k == 0 || k == SIDE - 1);
        if outermost || r2 > 9.0 * sigma * sigma {
            0.0
        } else {
            libm::exp(-r2 / (2.0 * sigma * sigma)) as f32
        }
    });
    Layout {
        grid: Grid::square(SIDE),
        window,
        inner: (0..=u8::MAX)
            .filter(|&p| window[usize::from(p)] > 0.0)
            .collect(),
    }
});

/// Directions of one keypoint, strongest first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Directions {
    angles: [f32; MOST],
    len: usize,
}

impl Directions {
    /// The single direction 0.
    pub(super) fn upright() -> Self {
        Self {
            len: 1,
            ..Self::default()
        }
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        &self.angles[..self.len]
    }
}

/// Directions at (x, y) of `layer`, in radians in [0, 2π). `sigma` is the keypoint's scale in the
/// layer's pixels.
pub(super) fn directions(
    simd: Simd,
    layer: &Plane,
    x: f32,
    y: f32,
    sigma: f32,
    scratch: &mut Scratch,
) -> Directions {
    let histogram = smooth(gradient_histogram(
        simd, layer, x, y, sigma, &LAYOUT, scratch,
    ));
    let highest = histogram.iter().fold(0.0f32, |a, &b| a.max(b));
    let mut peaks = [(0.0f32, 0.0f32); MOST];
    let mut len = 0;
    if highest <= 0.0 {
        return Directions::default();
    }
    for i in 0..BINS {
        let (l, c, r) = (
            histogram[(i + BINS - 1) % BINS],
            histogram[i],
            histogram[(i + 1) % BINS],
        );
        if c > l && c >= r && c >= SECOND_PEAK * highest && len < MOST {
            let offset = 0.5 * (l - r) / (l - 2.0 * c + r);
            let angle = (i as f32 + offset) * (TAU / BINS as f32);
            peaks[len] = (c, wrap(angle));
            len += 1;
        }
    }
    let peaks = &mut peaks[..len];
    peaks.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
    let mut found = Directions {
        len,
        ..Directions::default()
    };
    for (to, &(_, angle)) in found.angles.iter_mut().zip(peaks.iter()) {
        *to = angle;
    }
    found
}

/// Largest distance from a keypoint of this scale at which the layer is read, in pixels.
pub(super) fn reach(sigma: f32) -> f32 {
    SPACING * sigma * (SIDE - 1) as f32 / 2.0 + 1.0
}

fn wrap(angle: f32) -> f32 {
    let angle = if angle < 0.0 { angle + TAU } else { angle };
    if angle >= TAU { angle - TAU } else { angle }
}

/// Six passes of a box filter of three bins, as in VLFeat: close to a Gaussian.
fn smooth(mut histogram: [f32; BINS]) -> [f32; BINS] {
    for _ in 0..6 {
        let before = histogram;
        for i in 1..BINS - 1 {
            histogram[i] = (before[i - 1] + before[i] + before[i + 1]) * (1.0 / 3.0);
        }
        histogram[0] = (before[BINS - 1] + before[0] + before[1]) * (1.0 / 3.0);
        histogram[BINS - 1] = (before[BINS - 2] + before[BINS - 1] + before[0]) * (1.0 / 3.0);
    }
    histogram
}

#[inline(always)]
fn gradient_histogram_body(
    layer: &Plane,
    x: f32,
    y: f32,
    sigma: f32,
    layout: &Layout,
    scratch: &mut Scratch,
) -> [f32; BINS] {
    let frame = Frame {
        x,
        y,
        step: (SPACING * sigma, 0.0),
    };
    layout.grid.sample(layer, &frame, &mut scratch.patch);
    let Scratch {
        first, second, bin, ..
    } = scratch;
    let patch = &scratch.patch.samples;
    // Differences across the ends of rows are meaningless; the window is 0 there.
    for p in SIDE..SAMPLES - SIDE {
        let gx = patch[p + 1] - patch[p - 1];
        let gy = patch[p + SIDE] - patch[p - SIDE];
        // Shared between the two nearest bins. Bin 0 is centred on +x, so that the vertical edges
        // of drawings and print fall into one bin, not between two.
        let (length, low, share) = trig::direction(gx, gy, BINS);
        let weight = layout.window[p] * length;
        second[p] = share * weight;
        first[p] = weight - second[p];
        bin[p] = low;
    }
    // Two histograms, so that neighbouring samples of one bin do not wait for each other. They have
    // more bins than are used, so that the compiler drops bounds checks.
    let mut histograms = [[0.0f32; 64]; 2];
    for (i, &p) in layout.inner.iter().enumerate() {
        let p = usize::from(p);
        let low = (bin[p] as usize).min(62);
        let histogram = &mut histograms[i % 2];
        histogram[low] += first[p];
        histogram[low + 1] += second[p];
    }
    let mut histogram = [0.0f32; BINS];
    for (i, out) in histogram.iter_mut().enumerate() {
        *out = histograms[0][i] + histograms[1][i];
    }
    // Bins past the last wrap round to the first.
    for extra in [BINS, BINS + 1] {
        histogram[extra - BINS] += histograms[0][extra] + histograms[1][extra];
    }
    histogram
}

widest! {
    fn gradient_histogram(
        layer: &Plane, x: f32, y: f32, sigma: f32, layout: &Layout,
        scratch: &mut Scratch,
    ) -> [f32; BINS] = gradient_histogram_body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(w: usize, h: usize, value: impl Fn(f32, f32) -> f32) -> Plane {
        let data = (0..w * h)
            .map(|i| value((i % w) as f32, (i / w) as f32) as i16)
            .collect();
        Plane {
            width: w,
            height: h,
            data,
        }
    }

    #[test]
    fn a_ramp_has_the_direction_of_its_slope() {
        for degrees in [0.0f32, 30.0, 95.0, 181.0, 300.0] {
            let a = degrees.to_radians();
            let p = plane(40, 40, |x, y| 200.0 * (x * a.cos() + y * a.sin()));
            for &simd in Simd::available() {
                let found = directions(simd, &p, 20.0, 20.0, 2.0, &mut Scratch::default());
                let [got] = found.as_slice() else {
                    panic!("{found:?}");
                };
                assert!((got - a).abs() < 0.01, "{got} for {a}");
                assert_eq!(
                    gradient_histogram(simd, &p, 20.3, 19.1, 2.3, &LAYOUT, &mut Scratch::default()),
                    gradient_histogram_body(&p, 20.3, 19.1, 2.3, &LAYOUT, &mut Scratch::default())
                );
            }
        }
    }

    #[test]
    fn nothing_on_a_flat_picture() {
        let p = plane(30, 30, |_, _| 7.0);
        assert!(
            directions(Simd::widest(), &p, 15.0, 15.0, 2.0, &mut Scratch::default())
                .as_slice()
                .is_empty()
        );
    }
}
