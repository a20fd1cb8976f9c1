//! Refining the transform between two pictures of one scale by their pixels.
//!
//! Inverse compositional alignment of a homography (Baker & Matthews, "Lucas-Kanade 20 years on", IJCV
//! 2004, section 3.2) from coarse to fine, on the pixels with the strongest gradients. A gain and an offset of
//! brightness are fitted in each step, and pixels that still differ much weigh less (Huber), so that neither
//! an edit nor another tone moves the rest.

use resight_vision::Transform;

use super::planes::{FROM_HALF, Plane, TO_HALF};

/// Shorter side in pixels below which a level says too little.
const LEAST_SIDE: usize = 48;

/// Levels, the finest included.
const LEVELS: usize = 3;

/// Steps a level, at most.
const STEPS: usize = 12;

/// Pixels that take part, about.
const SAMPLES: usize = 12_000;

/// Step in pixels below which a level is done.
const STILL: f64 = 0.005;

/// Gradient in grey levels a pixel from which on a pixel says where it is.
const LEAST_GRADIENT: f32 = 1.5;

/// Parameters of a homography in [`Sample::steepest`].
type Free = [bool; 8];

/// All of them.
const HOMOGRAPHY: Free = [true; 8];

/// Those that move and stretch along the axes.
const STRAIGHT: Free = [true, false, true, false, true, true, false, false];

/// The most by which a straight transform may fit worse, as a factor and in squared grey levels: what flat
/// pictures say about turns and tilts is mostly noise.
const HARDLY_WORSE: (f64, f64) = (1.03, 0.05);

/// The largest entry off the axes, against those along them, of a transform that may be straight.
const NEARLY_STRAIGHT: f64 = 0.02;

/// The transform from `template` to `other` that agrees with the pixels, near `start`: one that moves and
/// stretches along the axes where that explains them as well as a homography.
pub(super) fn refined(template: &Plane, other: &Plane, start: &Transform) -> Transform {
    let mut pyramid = vec![(template.clone(), other.clone())];
    while pyramid.len() < LEVELS {
        let (a, b) = &pyramid[pyramid.len() - 1];
        let next = (a.halved(), b.halved());
        if next
            .0
            .width
            .min(next.0.height)
            .min(next.1.width)
            .min(next.1.height)
            < LEAST_SIDE
        {
            break;
        }
        pyramid.push(next);
    }
    let free = refined_through(&pyramid, start, HOMOGRAPHY);
    let middle = [template.width, template.height].map(|side| 0.5 * side as f64);
    let Some(straight) = straightened(&free.0, middle) else {
        return free.0;
    };
    let straight = refined_through(&pyramid, &straight, STRAIGHT);
    if straight.1 <= HARDLY_WORSE.0 * free.1 + HARDLY_WORSE.1 {
        straight.0
    } else {
        free.0
    }
}

/// The transform along the axes that does the same in the middle; `None` where the turn or the tilt is more
/// than noise.
fn straightened(transform: &Transform, middle: [f64; 2]) -> Option<Transform> {
    let [a, b, c, d] = transform.jacobian(middle)?;
    if b.abs().max(c.abs()) > NEARLY_STRAIGHT * a.abs().min(d.abs()) {
        return None;
    }
    let [x, y] = transform.apply(middle)?;
    let (dx, dy) = (x - a * middle[0], y - d * middle[1]);
    Some(Transform([a, 0.0, dx, 0.0, d, dy, 0.0, 0.0, 1.0]))
}

/// Refines from the coarsest level to the finest. Returns also the mean robust cost there.
fn refined_through(pyramid: &[(Plane, Plane)], start: &Transform, free: Free) -> (Transform, f64) {
    let mut found = (*start, f64::INFINITY);
    for _ in 1..pyramid.len() {
        found.0 = FROM_HALF.then(&found.0).then(&TO_HALF);
    }
    for (level, (a, b)) in pyramid.iter().enumerate().rev() {
        found = refined_at(a, b, &found.0, free);
        if level > 0 {
            found.0 = TO_HALF.then(&found.0).then(&FROM_HALF);
        }
    }
    found
}

/// A pixel of the template that shows where it is.
struct Sample {
    at: [f64; 2],
    value: f64,
    /// Derivatives of the value by the eight parameters of a homography in normalised coordinates.
    steepest: [f64; 8],
}

fn refined_at(template: &Plane, other: &Plane, start: &Transform, free: Free) -> (Transform, f64) {
    // About the middle and of size about 1, so that all parameters weigh alike.
    let half = 0.5 * template.width.max(template.height) as f64;
    let middle = [0.5 * template.width as f64, 0.5 * template.height as f64];
    let out = Transform([half, 0.0, middle[0], 0.0, half, middle[1], 0.0, 0.0, 1.0]);
    let Some(normalised) = out.inverse() else {
        return (*start, f64::INFINITY);
    };
    let samples = samples(template, &normalised, half);
    let mut transform = *start;
    let mut best = (f64::INFINITY, *start);
    for _ in 0..STEPS {
        let Some(step) = step(&samples, other, &transform, free) else {
            break;
        };
        if step.cost < best.0 {
            best = (step.cost, transform);
        } else if step.cost > 1.1 * best.0 {
            break;
        }
        let p = step.parameters;
        let moved = Transform([
            1.0 + p[0],
            p[1],
            p[2],
            p[3],
            1.0 + p[4],
            p[5],
            p[6],
            p[7],
            1.0,
        ]);
        let Some(back) = moved.inverse() else {
            break;
        };
        transform = normalised.then(&back).then(&out).then(&transform);
        let largest = p.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        if largest * half < STILL {
            break;
        }
    }
    // The last step has not been judged yet.
    match step(&samples, other, &transform, free) {
        Some(last) if last.cost <= best.0 => (transform, last.cost),
        _ => (best.1, best.0),
    }
}

/// In each small square of the template the pixel with the strongest gradient.
fn samples(template: &Plane, normalised: &Transform, half: f64) -> Vec<Sample> {
    let (w, h) = (template.width, template.height);
    let side = ((w * h / SAMPLES) as f64).sqrt().floor().max(1.0) as usize;
    let mut samples = Vec::new();
    for top in (1..h.saturating_sub(1)).step_by(side) {
        for left in (1..w.saturating_sub(1)).step_by(side) {
            let mut best = (LEAST_GRADIENT * LEAST_GRADIENT, None);
            for y in top..(top + side).min(h - 1) {
                for x in left..(left + side).min(w - 1) {
                    let gx = 0.5 * (template.at(x + 1, y) - template.at(x - 1, y));
                    let gy = 0.5 * (template.at(x, y + 1) - template.at(x, y - 1));
                    let squared = gx * gx + gy * gy;
                    if squared > best.0 {
                        best = (squared, Some((x, y, gx, gy)));
                    }
                }
            }
            let Some((x, y, gx, gy)) = best.1 else {
                continue;
            };
            let at = [x as f64, y as f64];
            let Some([u, v]) = normalised.apply(at) else {
                continue;
            };
            // Derivatives by normalised coordinates.
            let (gx, gy) = (f64::from(gx) * half, f64::from(gy) * half);
            let away = gx * u + gy * v;
            samples.push(Sample {
                at,
                value: f64::from(template.at(x, y)),
                steepest: [gx * u, gx * v, gx, gy * u, gy * v, gy, -away * u, -away * v],
            });
        }
    }
    samples
}

struct Step {
    parameters: [f64; 8],
    /// Mean robust cost before the step.
    cost: f64,
}

fn step(samples: &[Sample], other: &Plane, transform: &Transform, free: Free) -> Option<Step> {
    let values = samples.iter().map(|sample| {
        let there = transform.apply(sample.at)?;
        Some(f64::from(other.sample(&other.place(there)?)))
    });
    let values: Vec<Option<f64>> = values.collect();
    let pairs = || {
        samples
            .iter()
            .zip(&values)
            .filter_map(|(s, v)| Some((s, (*v)?)))
    };
    let n = pairs().count();
    if n < 64 {
        return None;
    }
    let (gain, offset) = tone(&mut || pairs().map(|(s, v)| (v, s.value)))?;
    let errors = pairs().map(|(s, v)| gain * v + offset - s.value);
    let errors: Vec<f64> = errors.collect();
    let mut sorted: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    let (_, median, _) = sorted.select_nth_unstable_by(n / 2, f64::total_cmp);
    let bound = 2.0 * median.max(0.5);
    let (mut normal, mut right, mut cost) = ([[0.0; 8]; 8], [0.0; 8], 0.0);
    for ((sample, _), error) in pairs().zip(&errors) {
        let size = error.abs();
        let weight = if size <= bound { 1.0 } else { bound / size };
        cost += weight * size * (2.0 * size - weight * size);
        for i in 0..8 {
            let weighted = weight * sample.steepest[i];
            right[i] += weighted * error;
            for (j, sum) in normal[i].iter_mut().enumerate().take(i + 1) {
                *sum += weighted * sample.steepest[j];
            }
        }
    }
    for (i, _) in free.iter().enumerate().filter(|(_, is_free)| !**is_free) {
        // Its equation becomes: the parameter is 0.
        for j in 0..8 {
            let (low, high) = (i.min(j), i.max(j));
            normal[high][low] = f64::from(u8::from(i == j));
        }
        right[i] = 0.0;
    }
    let parameters = solved(normal, right)?;
    Some(Step {
        parameters,
        cost: cost / n as f64,
    })
}

/// Gain and offset from the first of each two to the second, once more without those that fit badly.
fn tone<'a, I: Iterator<Item = (f64, f64)> + 'a>(
    pairs: &mut dyn FnMut() -> I,
) -> Option<(f64, f64)> {
    let mut fit = (1.0, 0.0);
    let mut bound = f64::INFINITY;
    for _ in 0..2 {
        let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (p, q) in pairs() {
            if (fit.0 * p + fit.1 - q).abs() <= bound {
                n += 1.0;
                x += p;
                y += q;
                xx += p * p;
                xy += p * q;
            }
        }
        let spread = xx - x * x / n;
        if !(n >= 32.0 && spread > 1e-6) {
            return None;
        }
        let gain = ((xy - x * y / n) / spread).clamp(0.2, 5.0);
        fit = (gain, (y - gain * x) / n);
        let misfits = pairs().map(|(p, q)| (fit.0 * p + fit.1 - q).abs());
        let mut misfits: Vec<f64> = misfits.collect();
        let middle = misfits.len() / 2;
        bound = 3.0 * *misfits.select_nth_unstable_by(middle, f64::total_cmp).1;
        bound = bound.max(2.0);
    }
    Some(fit)
}

/// Solves a symmetric positive definite system, of which the lower half is given (Cholesky).
fn solved(mut m: [[f64; 8]; 8], mut right: [f64; 8]) -> Option<[f64; 8]> {
    for i in 0..8 {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| m[i][k] * m[j][k]).sum();
            let left = m[i][j] - known;
            if i == j {
                if left <= 1e-9 * m[i][i].max(1e-9) {
                    return None;
                }
                m[i][i] = left.sqrt();
            } else {
                m[i][j] = left / m[j][j];
            }
        }
    }
    for i in 0..8 {
        let known: f64 = (0..i).map(|k| m[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / m[i][i];
    }
    for i in (0..8).rev() {
        let known: f64 = (i + 1..8).map(|k| m[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / m[i][i];
    }
    right.iter().all(|v| v.is_finite()).then_some(right)
}
