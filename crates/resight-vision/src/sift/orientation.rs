//! Dominant gradient directions around a keypoint (Lowe 2004, §5).

use std::f32::consts::TAU;

use super::blur::Plane;
use super::trig;
use crate::dispatch::widest;

const BINS: usize = 36;
/// A second direction counts when its peak reaches this share of the highest.
const SECOND_PEAK: f32 = 0.8;

/// Directions at (x, y) of `layer`, `sigma` being the keypoint's scale in that plane's pixels;
/// strongest first, at most four, radians in [0, 2π).
pub(crate) fn directions(layer: &Plane, x: f32, y: f32, sigma: f32) -> Vec<f32> {
    let histogram = smooth(gradient_histogram(layer, x, y, 1.5 * sigma));
    let highest = histogram.iter().fold(0.0f32, |a, &b| a.max(b));
    if highest <= 0.0 {
        return Vec::new();
    }
    let mut peaks: Vec<(f32, f32)> = Vec::new();
    for i in 0..BINS {
        let (l, c, r) = (
            histogram[(i + BINS - 1) % BINS],
            histogram[i],
            histogram[(i + 1) % BINS],
        );
        if c > l && c >= r && c >= SECOND_PEAK * highest {
            let offset = 0.5 * (l - r) / (l - 2.0 * c + r);
            let angle = (i as f32 + offset) * (TAU / BINS as f32);
            peaks.push((c, wrap(angle)));
        }
    }
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
    peaks.truncate(4);
    peaks.into_iter().map(|(_, angle)| angle).collect()
}

fn wrap(angle: f32) -> f32 {
    let angle = if angle < 0.0 { angle + TAU } else { angle };
    if angle >= TAU { angle - TAU } else { angle }
}

/// Six passes of a box of three, as VLFeat does: close to a Gaussian.
fn smooth(mut histogram: [f32; BINS]) -> [f32; BINS] {
    for _ in 0..6 {
        let before = histogram;
        for i in 0..BINS {
            histogram[i] =
                (before[(i + BINS - 1) % BINS] + before[i] + before[(i + 1) % BINS]) * (1.0 / 3.0);
        }
    }
    histogram
}

#[inline(always)]
fn gradient_histogram_body(layer: &Plane, x: f32, y: f32, sigma: f32) -> [f32; BINS] {
    let mut histogram = [0.0f32; BINS];
    let radius = (3.0 * sigma + 0.5) as isize;
    let (cx, cy) = ((x + 0.5) as isize, (y + 0.5) as isize);
    let x0 = (cx - radius).max(1);
    let x1 = (cx + radius).min(layer.width as isize - 2);
    let y0 = (cy - radius).max(1);
    let y1 = (cy + radius).min(layer.height as isize - 2);
    if x1 < x0 || y1 < y0 {
        return histogram;
    }
    let n = (x1 - x0 + 1) as usize;
    let x0 = x0 as usize;
    let mut weight = vec![0.0f32; n];
    let mut angle = vec![0.0f32; n];
    let scale = -1.0 / (2.0 * sigma * sigma);
    let reach = (radius as f32 + 0.6) * (radius as f32 + 0.6);
    for yy in y0 as usize..=y1 as usize {
        let above = &layer.row(yy - 1)[x0..x0 + n];
        let below = &layer.row(yy + 1)[x0..x0 + n];
        let left = &layer.row(yy)[x0 - 1..x0 - 1 + n];
        let right = &layer.row(yy)[x0 + 1..x0 + 1 + n];
        let dy = yy as f32 - y;
        for i in 0..n {
            let gx = right[i] - left[i];
            let gy = below[i] - above[i];
            let dx = (x0 + i) as f32 - x;
            let r2 = dx * dx + dy * dy;
            let w = if r2 < reach {
                trig::exp(r2 * scale)
            } else {
                0.0
            };
            weight[i] = w * (gx * gx + gy * gy).sqrt();
            angle[i] = trig::atan2(gy, gx) * (BINS as f32 / TAU);
        }
        for i in 0..n {
            // Shared between the two nearest bins. Bin 0 is centred on +x, so that the upright edges
            // of drawings and print fall into one bin and not between two.
            let low = angle[i].floor();
            let share = angle[i] - low;
            let b = low as usize % BINS;
            histogram[b] += (1.0 - share) * weight[i];
            histogram[(b + 1) % BINS] += share * weight[i];
        }
    }
    histogram
}

widest! {
    fn gradient_histogram(layer: &Plane, x: f32, y: f32, sigma: f32) -> [f32; BINS] = gradient_histogram_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_the_direction_of_its_slope() {
        for degrees in [0.0f32, 30.0, 95.0, 181.0, 300.0] {
            let a = degrees.to_radians();
            let mut p = Plane::new(40, 40);
            for y in 0..40 {
                for x in 0..40 {
                    p.data[y * 40 + x] = 0.01 * (x as f32 * a.cos() + y as f32 * a.sin());
                }
            }
            let got = directions(&p, 20.0, 20.0, 2.0);
            assert_eq!(got.len(), 1);
            assert!((got[0] - a).abs() < 0.01, "{} for {a}", got[0]);
            let wide = gradient_histogram(&p, 20.0, 20.0, 3.0);
            assert_eq!(wide, gradient_histogram_body(&p, 20.0, 20.0, 3.0));
        }
    }

    #[test]
    fn nothing_on_a_flat_picture() {
        assert!(directions(&Plane::new(30, 30), 15.0, 15.0, 2.0).is_empty());
    }
}
