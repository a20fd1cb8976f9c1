//! The SIFT descriptor (Lowe 2004, §6) in RootSIFT form (Arandjelović & Zisserman, CVPR 2012).

use std::f32::consts::TAU;

use super::blur::Plane;
use super::trig;
use crate::dispatch::widest;

/// Spatial cells a side.
const CELLS: usize = 4;
/// Directions a cell.
const DIRECTIONS: usize = 8;
/// Numbers in a descriptor.
pub(crate) const LENGTH: usize = CELLS * CELLS * DIRECTIONS;
/// Width of a cell in units of the keypoint's scale.
const CELL_WIDTH: f32 = 3.0;
/// Largest share of one number before the second normalisation (Lowe §6.1).
const CLAMP: f32 = 0.2;
/// RootSIFT has length 1 and few entries above 1/2: 512 fills a byte.
const QUANTISE: f32 = 512.0;

/// Rows of cells with one more at each end, so that sharing needs no bounds; the same for
/// directions, whose last wraps round.
const PADDED: usize = CELLS + 2;
const PADDED_DIRECTIONS: usize = DIRECTIONS + 1;

/// Gradient samples of one row in the keypoint's frame; reused from row to row.
#[derive(Default)]
pub(crate) struct Scratch {
    weight: Vec<f32>,
    direction: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
}

/// Describes the place (x, y) of `layer` with `sigma` in that plane's pixels, turned by the
/// direction whose cosine and sine are given.
#[inline(always)]
fn histogram_body(
    layer: &Plane,
    x: f32,
    y: f32,
    sigma: f32,
    angle: f32,
    rotation: (f32, f32),
    scratch: &mut Scratch,
) -> [f32; LENGTH] {
    let (cos, sin) = rotation;
    let cell = CELL_WIDTH * sigma;
    let inverse = 1.0 / cell;
    let reach = (CELLS as f32 + 1.0) / 2.0;
    let radius = cell * std::f32::consts::SQRT_2 * reach + 0.5;
    let (w, h) = (layer.width as f32, layer.height as f32);
    let mut cells = [0.0f32; PADDED * PADDED * PADDED_DIRECTIONS];
    let y0 = (y - radius).max(1.0) as usize;
    let y1 = (y + radius).min(h - 2.0) as usize;
    for yy in y0..=y1 {
        let dy = yy as f32 - y;
        // The columns for which both |u| and |v| stay within reach: an interval each.
        let (a0, a1) = interval(cos * inverse, sin * dy * inverse, reach);
        let (b0, b1) = interval(-sin * inverse, cos * dy * inverse, reach);
        let first = (x + a0.max(b0)).max(1.0).ceil();
        let last = (x + a1.min(b1)).min(w - 2.0).floor();
        if last < first {
            continue;
        }
        let x0 = first as usize;
        let n = (last as usize) - x0 + 1;
        let above = &layer.row(yy - 1)[x0..x0 + n];
        let below = &layer.row(yy + 1)[x0..x0 + n];
        let left = &layer.row(yy)[x0 - 1..x0 - 1 + n];
        let right = &layer.row(yy)[x0 + 1..x0 + 1 + n];
        scratch.resize(n);
        let (weight, direction) = (&mut scratch.weight[..n], &mut scratch.direction[..n]);
        let (us, vs) = (&mut scratch.u[..n], &mut scratch.v[..n]);
        for i in 0..n {
            let dx = (x0 + i) as f32 - x;
            let u = (cos * dx + sin * dy) * inverse;
            let v = (cos * dy - sin * dx) * inverse;
            let gx = right[i] - left[i];
            let gy = below[i] - above[i];
            // Gaussian with half the descriptor's width: σ = 2 cells.
            weight[i] = trig::exp((u * u + v * v) * (-1.0 / 8.0)) * (gx * gx + gy * gy).sqrt();
            let turned = trig::atan2(gy, gx) - angle;
            let turned = if turned < 0.0 { turned + TAU } else { turned };
            direction[i] = turned * (DIRECTIONS as f32 / TAU);
            // Cell centres lie at -1.5, -0.5, 0.5, 1.5; padding adds one.
            us[i] = u + (CELLS as f32 / 2.0 + 0.5);
            vs[i] = v + (CELLS as f32 / 2.0 + 0.5);
        }
        for i in 0..n {
            share(&mut cells, us[i], vs[i], direction[i], weight[i]);
        }
    }
    let mut out = [0.0f32; LENGTH];
    for cy in 0..CELLS {
        for cx in 0..CELLS {
            let at = ((cy + 1) * PADDED + cx + 1) * PADDED_DIRECTIONS;
            let to = (cy * CELLS + cx) * DIRECTIONS;
            out[to..to + DIRECTIONS].copy_from_slice(&cells[at..at + DIRECTIONS]);
            out[to] += cells[at + DIRECTIONS];
        }
    }
    out
}

impl Scratch {
    fn resize(&mut self, n: usize) {
        if self.weight.len() < n {
            for buffer in [
                &mut self.weight,
                &mut self.direction,
                &mut self.u,
                &mut self.v,
            ] {
                buffer.resize(n, 0.0);
            }
        }
    }
}

/// Values of dx with |slope · dx + offset| < reach.
#[inline(always)]
fn interval(slope: f32, offset: f32, reach: f32) -> (f32, f32) {
    if slope.abs() < 1e-9 {
        return if offset.abs() < reach {
            (f32::NEG_INFINITY, f32::INFINITY)
        } else {
            (f32::INFINITY, f32::NEG_INFINITY)
        };
    }
    let (a, b) = ((-reach - offset) / slope, (reach - offset) / slope);
    if a < b { (a, b) } else { (b, a) }
}

/// Trilinear: each sample goes to the two nearest cells in each direction.
#[inline(always)]
fn share(
    cells: &mut [f32; PADDED * PADDED * PADDED_DIRECTIONS],
    u: f32,
    v: f32,
    o: f32,
    weight: f32,
) {
    let top = (PADDED - 2) as f32;
    let (iu, iv, io) = (
        u.clamp(0.0, top) as usize,
        v.clamp(0.0, top) as usize,
        o.clamp(0.0, DIRECTIONS as f32 - 1.0) as usize,
    );
    let (fu, fv, fo) = (u - iu as f32, v - iv as f32, o - io as f32);
    let at = (iv * PADDED + iu) * PADDED_DIRECTIONS + io;
    let w1 = weight * fv;
    let w0 = weight - w1;
    let (w01, w11) = (w0 * fu, w1 * fu);
    let (w00, w10) = (w0 - w01, w1 - w11);
    let down = PADDED * PADDED_DIRECTIONS;
    for (base, w) in [
        (at, w00),
        (at + PADDED_DIRECTIONS, w01),
        (at + down, w10),
        (at + down + PADDED_DIRECTIONS, w11),
    ] {
        let second = w * fo;
        cells[base] += w - second;
        cells[base + 1] += second;
    }
}

widest! {
    pub(crate) fn histogram(
        layer: &Plane, x: f32, y: f32, sigma: f32, angle: f32, rotation: (f32, f32),
        scratch: &mut Scratch,
    ) -> [f32; LENGTH] = histogram_body
}

/// Normalise, clamp, normalise, take the root of each share, and quantise: the result's bytes
/// have a Euclidean length near 512.
pub(crate) fn quantise(mut histogram: [f32; LENGTH], out: &mut Vec<u8>) {
    let norm = histogram.iter().map(|v| v * v).sum::<f32>().sqrt();
    if norm > 0.0 {
        let inverse = 1.0 / norm;
        for v in &mut histogram {
            *v = (*v * inverse).min(CLAMP);
        }
    }
    // RootSIFT divides by the L1 norm, so the scale after clamping does not matter.
    let sum: f32 = histogram.iter().sum();
    let inverse = if sum > 0.0 { 1.0 / sum } else { 0.0 };
    out.extend(
        histogram
            .iter()
            .map(|v| ((v * inverse).sqrt() * QUANTISE + 0.5).min(255.0) as u8),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(w: usize, h: usize) -> Plane {
        let mut p = Plane::new(w, h);
        for y in 0..h {
            for x in 0..w {
                let (fx, fy) = (x as f32, y as f32);
                p.data[y * w + x] =
                    0.5 + 0.2 * (fx * 0.31).sin() + 0.2 * (fy * 0.23 + fx * 0.11).cos();
            }
        }
        p
    }

    #[test]
    fn wide_and_narrow_agree_to_the_bit() {
        let p = texture(90, 70);
        for (x, y, s, a) in [
            (45.0, 35.0, 2.0, 0.3f32),
            (3.2, 66.0, 1.6, 4.0),
            (88.0, 1.5, 3.1, 6.2),
        ] {
            let mut scratch = Scratch::default();
            let rotation = (a.cos(), a.sin());
            let wide = histogram(&p, x, y, s, a, rotation, &mut scratch);
            assert_eq!(wide, histogram_body(&p, x, y, s, a, rotation, &mut scratch));
            assert!(wide.iter().all(|v| v.is_finite() && *v >= 0.0));
        }
    }

    #[test]
    fn length_is_about_512() {
        let p = texture(90, 70);
        let mut bytes = Vec::new();
        quantise(
            histogram(
                &p,
                45.0,
                35.0,
                2.0,
                0.0,
                (1.0, 0.0),
                &mut Scratch::default(),
            ),
            &mut bytes,
        );
        let length = bytes
            .iter()
            .map(|&b| f64::from(b).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((length - 512.0).abs() < 12.0, "length {length}");
    }

    #[test]
    fn a_flat_place_gives_zeros() {
        let mut bytes = Vec::new();
        quantise([0.0; LENGTH], &mut bytes);
        assert_eq!(bytes, vec![0; LENGTH]);
    }
}
