//! Extrema of the difference of Gaussians, and their place to a fraction of a pixel
//! (Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", IJCV 2004, §3–4).

use super::SiftOptions;
use super::blur::Plane;

/// An extremum inside one octave, in that octave's pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremum {
    /// Octave it belongs to: an index into the pyramid.
    pub(crate) octave: usize,
    /// Gaussian layer nearest to its scale, 1 ..= layers.
    pub(crate) layer: usize,
    /// Refined column.
    pub(crate) x: f32,
    /// Refined row.
    pub(crate) y: f32,
    /// Refined layer, a real number.
    pub(crate) s: f32,
    /// |D| at the refined place, for grey values in 0..1.
    pub(crate) response: f32,
}

/// No extremum is looked for nearer to the border than this: its neighbourhood would be made up.
const BORDER: usize = 5;
/// Steps to a neighbouring sample before the refinement gives up (Lowe §4).
const MAX_STEPS: usize = 5;

/// Finds the extrema of one octave; `dog` has `layers + 2` planes of one size.
pub(crate) fn find(dog: &[Plane], octave: usize, options: &SiftOptions, found: &mut Vec<Extremum>) {
    let layers = dog.len() - 2;
    let (w, h) = (dog[0].width, dog[0].height);
    if w <= 2 * BORDER || h <= 2 * BORDER {
        return;
    }
    let threshold = options.contrast_threshold / layers as f32;
    // Coarse samples lie below the peak they belong to, so a lower bar comes first.
    let coarse = 0.5 * threshold;
    let start = found.len();
    for layer in 1..=layers {
        let planes = [&dog[layer - 1], &dog[layer], &dog[layer + 1]];
        for y in BORDER..h - BORDER {
            let row = planes[1].row(y);
            for (x, &v) in row.iter().enumerate().take(w - BORDER).skip(BORDER) {
                if v.abs() > coarse
                    && is_extremum(&planes, x, y, v)
                    && let Some(e) = refine(dog, octave, layer, x, y, threshold, options)
                {
                    found.push(e);
                }
            }
        }
    }
    // Neighbouring samples may slide to the same place: keep one of each.
    let cell = |e: &Extremum| (e.layer, (e.y * 2.0) as u32, (e.x * 2.0) as u32);
    found[start..].sort_by(|a, b| {
        cell(a)
            .cmp(&cell(b))
            .then(b.response.total_cmp(&a.response))
    });
    let mut kept = start;
    for i in start..found.len() {
        if kept == start || cell(&found[i]) != cell(&found[kept - 1]) {
            found[kept] = found[i];
            kept += 1;
        }
    }
    found.truncate(kept);
}

/// Whether `v` is above, or below, all 26 neighbours (ties lose, so that plateaus give nothing).
#[inline(always)]
fn is_extremum(planes: &[&Plane; 3], x: usize, y: usize, v: f32) -> bool {
    let sign = if v > 0.0 { 1.0 } else { -1.0 };
    let v = v * sign;
    // The plane's own neighbours reject most samples, so they come first.
    for (i, plane) in [planes[1], planes[0], planes[2]].into_iter().enumerate() {
        for yy in y - 1..=y + 1 {
            let n = &plane.row(yy)[x - 1..x + 2];
            let centre = i == 0 && yy == y;
            if n[0] * sign >= v || n[2] * sign >= v || (!centre && n[1] * sign >= v) {
                return false;
            }
        }
    }
    true
}

/// Fits a parabola through the 3×3×3 neighbourhood, moving to the neighbour it points to until
/// the peak lies within the sample; refuses weak ones and those on edges.
fn refine(
    dog: &[Plane],
    octave: usize,
    layer: usize,
    x: usize,
    y: usize,
    threshold: f32,
    options: &SiftOptions,
) -> Option<Extremum> {
    let layers = dog.len() - 2;
    let (w, h) = (dog[0].width, dog[0].height);
    let (mut x, mut y, mut s) = (x, y, layer);
    for _ in 0..MAX_STEPS {
        let d = |ds: isize, dy: isize, dx: isize| {
            f64::from(
                dog[s.wrapping_add_signed(ds)]
                    .at(x.wrapping_add_signed(dx), y.wrapping_add_signed(dy)),
            )
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
        if det.abs() < 1e-18 {
            return None;
        }
        let ox = -(gx * c0 + gy * c1 + gs * c2) / det;
        let oy = -(gx * c1 + gy * (xx * ss - xs * xs) + gs * (xy * xs - xx * ys)) / det;
        let os = -(gx * c2 + gy * (xy * xs - xx * ys) + gs * (xx * yy - xy * xy)) / det;
        if ox.abs() <= 0.6 && oy.abs() <= 0.6 && os.abs() <= 0.6 {
            let peak = d(0, 0, 0) + 0.5 * (gx * ox + gy * oy + gs * os);
            let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
            let r = f64::from(options.edge_threshold);
            let is_edge =
                determinant <= 0.0 || trace * trace * r >= (r + 1.0) * (r + 1.0) * determinant;
            if peak.abs() < f64::from(threshold) || is_edge {
                return None;
            }
            let refined = s as f64 + os;
            return Some(Extremum {
                octave,
                layer: (refined.round() as usize).clamp(1, layers),
                x: (x as f64 + ox) as f32,
                y: (y as f64 + oy) as f32,
                s: refined as f32,
                response: peak.abs() as f32,
            });
        }
        let step = |at: usize, offset: f64, low: usize, high: usize| {
            let offset = if offset > 0.6 {
                1
            } else if offset < -0.6 {
                -1
            } else {
                0
            };
            let to = at.wrapping_add_signed(offset);
            (low..=high).contains(&to).then_some(to)
        };
        x = step(x, ox, BORDER, w - 1 - BORDER)?;
        y = step(y, oy, BORDER, h - 1 - BORDER)?;
        s = step(s, os, 1, layers)?;
    }
    None
}
