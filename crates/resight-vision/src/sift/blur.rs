//! Gaussian blur, separable, fused over rows so that each pixel is read and written once.

use crate::dispatch::widest;

/// A grey picture of `f32`, row-major.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<f32>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![0.0; width * height],
        }
    }

    pub(crate) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    #[inline(always)]
    pub(crate) fn at(&self, x: usize, y: usize) -> f32 {
        self.data[y * self.width + x]
    }
}

/// The right half of a normalised Gaussian: `taps[0]` is the centre; cut at 4σ.
pub(crate) fn gaussian_taps(sigma: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    let radius = (4.0 * sigma).ceil().max(1.0) as usize;
    let half: Vec<f64> = (0..=radius)
        .map(|i| libm::exp(-((i * i) as f64) / (2.0 * sigma * sigma)))
        .collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter().map(|w| (w / sum) as f32).collect()
}

/// Blurs `src` with the symmetric kernel `taps`; pixels beyond the border repeat the edge.
///
/// Where `difference` is given it receives `blurred - src`: one layer of the difference of
/// Gaussians, made while both rows are still in cache.
pub(crate) fn blur(src: &Plane, taps: &[f32], difference: Option<&mut Plane>) -> Plane {
    let (w, h) = (src.width, src.height);
    let r = taps.len() - 1;
    let mut out = Plane::new(w, h);
    let mut difference = difference;
    if let Some(d) = difference.as_deref_mut() {
        d.width = w;
        d.height = h;
        d.data.resize(w * h, 0.0);
    }
    // The last 2r + 1 rows after the horizontal pass; row y lives in slot y mod ring.
    let ring = 2 * r + 1;
    let mut filtered = vec![0.0f32; ring * w];
    let mut padded = vec![0.0f32; w + 2 * r];
    let mut done = 0usize;
    for y in 0..h {
        let last = (y + r).min(h - 1);
        while done <= last {
            pad(src.row(done), r, &mut padded);
            let slot = (done % ring) * w;
            filter_row(&padded, taps, &mut filtered[slot..slot + w]);
            done += 1;
        }
        let slot = |row: isize| {
            let row = row.clamp(0, h as isize - 1) as usize;
            let at = (row % ring) * w;
            &filtered[at..at + w]
        };
        let mut pairs: Vec<(&[f32], &[f32])> = Vec::with_capacity(r + 1);
        for j in 0..=r as isize {
            pairs.push((slot(y as isize - j), slot(y as isize + j)));
        }
        let target = &mut out.data[y * w..(y + 1) * w];
        filter_columns(&pairs, taps, target);
        if let Some(d) = difference.as_deref_mut() {
            let d = &mut d.data[y * w..(y + 1) * w];
            for ((d, &o), &s) in d.iter_mut().zip(target.iter()).zip(src.row(y)) {
                *d = o - s;
            }
        }
    }
    out
}

fn pad(row: &[f32], r: usize, padded: &mut [f32]) {
    let w = row.len();
    padded[..r].fill(row[0]);
    padded[r..r + w].copy_from_slice(row);
    padded[r + w..].fill(row[w - 1]);
}

/// Pixels summed at a time: fills the vector registers and leaves some for the taps.
const BLOCK: usize = 32;

#[inline(always)]
fn filter_row_body(padded: &[f32], taps: &[f32], out: &mut [f32]) {
    let r = taps.len() - 1;
    let w = out.len();
    let mut x = 0;
    while x + BLOCK <= w {
        let mut acc = [0.0f32; BLOCK];
        let centre = &padded[x + r..x + r + BLOCK];
        for i in 0..BLOCK {
            acc[i] = taps[0] * centre[i];
        }
        for j in 1..=r {
            let left = &padded[x + r - j..x + r - j + BLOCK];
            let right = &padded[x + r + j..x + r + j + BLOCK];
            for i in 0..BLOCK {
                acc[i] += taps[j] * (left[i] + right[i]);
            }
        }
        out[x..x + BLOCK].copy_from_slice(&acc);
        x += BLOCK;
    }
    for x in x..w {
        let mut acc = taps[0] * padded[x + r];
        for j in 1..=r {
            acc += taps[j] * (padded[x + r - j] + padded[x + r + j]);
        }
        out[x] = acc;
    }
}

#[inline(always)]
fn filter_columns_body(pairs: &[(&[f32], &[f32])], taps: &[f32], out: &mut [f32]) {
    let w = out.len();
    let mut x = 0;
    while x + BLOCK <= w {
        let mut acc = [0.0f32; BLOCK];
        let centre = &pairs[0].0[x..x + BLOCK];
        for i in 0..BLOCK {
            acc[i] = taps[0] * centre[i];
        }
        for (&(up, down), &tap) in pairs.iter().zip(taps).skip(1) {
            let up = &up[x..x + BLOCK];
            let down = &down[x..x + BLOCK];
            for i in 0..BLOCK {
                acc[i] += tap * (up[i] + down[i]);
            }
        }
        out[x..x + BLOCK].copy_from_slice(&acc);
        x += BLOCK;
    }
    for x in x..w {
        let mut acc = taps[0] * pairs[0].0[x];
        for (&(up, down), &tap) in pairs.iter().zip(taps).skip(1) {
            acc += tap * (up[x] + down[x]);
        }
        out[x] = acc;
    }
}

widest! {
    /// `out[x] = taps[0] p[x] + Σ taps[j] (p[x-j] + p[x+j])`, `padded` being r longer at each end.
    fn filter_row(padded: &[f32], taps: &[f32], out: &mut [f32]) = filter_row_body
}
widest! {
    /// The same down the columns; `pairs[j]` holds the rows j above and j below.
    fn filter_columns(pairs: &[(&[f32], &[f32])], taps: &[f32], out: &mut [f32]) = filter_columns_body
}

/// Twice the size: pixel (i, j) moves to (2i, 2j) exactly, those between are the mean of their
/// neighbours, so a place found at (u, v) lies at (u/2, v/2) of the original without an offset.
pub(crate) fn upsample(src: &Plane) -> Plane {
    let (w, h) = (src.width, src.height);
    let mut out = Plane::new(2 * w, 2 * h);
    for y in 0..h {
        let row = src.row(y);
        let below = src.row((y + 1).min(h - 1));
        let (even, odd) = out.data[4 * w * y..4 * w * (y + 1)].split_at_mut(2 * w);
        for x in 0..w {
            let next = (x + 1).min(w - 1);
            let (a, b, c, d) = (row[x], row[next], below[x], below[next]);
            even[2 * x] = a;
            even[2 * x + 1] = 0.5 * (a + b);
            odd[2 * x] = 0.5 * (a + c);
            odd[2 * x + 1] = 0.25 * ((a + b) + (c + d));
        }
    }
    out
}

/// Every second pixel of every second row; (u, v) becomes (u/2, v/2).
pub(crate) fn halve(src: &Plane) -> Plane {
    let (w, h) = (src.width / 2, src.height / 2);
    let mut out = Plane::new(w, h);
    for y in 0..h {
        let row = src.row(2 * y);
        for (x, o) in out.data[y * w..(y + 1) * w].iter_mut().enumerate() {
            *o = row[2 * x];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(w: usize, h: usize) -> Plane {
        let mut p = Plane::new(w, h);
        for (i, v) in p.data.iter_mut().enumerate() {
            // A multiplicative hash: structure at every frequency.
            *v = ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
        }
        p
    }

    #[test]
    fn wide_and_narrow_agree_to_the_bit() {
        for (w, h) in [(1, 1), (3, 50), (31, 7), (33, 33), (64, 20), (100, 41)] {
            let p = ramp(w, h);
            for sigma in [0.6, 1.2, 3.0] {
                let taps = gaussian_taps(sigma);
                let r = taps.len() - 1;
                let mut padded = vec![0.0; w + 2 * r];
                pad(p.row(0), r, &mut padded);
                let (mut a, mut b) = (vec![0.0; w], vec![0.0; w]);
                filter_row(&padded, &taps, &mut a);
                filter_row_body(&padded, &taps, &mut b);
                assert_eq!(a, b);
                let pairs: Vec<_> = (0..=r)
                    .map(|j| (p.row(j % h), p.row((j * 7 + 1) % h)))
                    .collect();
                filter_columns(&pairs, &taps, &mut a);
                filter_columns_body(&pairs, &taps, &mut b);
                assert_eq!(a, b);
            }
        }
    }

    #[test]
    fn blur_matches_the_definition() {
        let p = ramp(37, 23);
        let taps = gaussian_taps(1.3);
        let r = taps.len() as isize - 1;
        let mut d = Plane::default();
        let got = blur(&p, &taps, Some(&mut d));
        for y in 0..23isize {
            for x in 0..37isize {
                let mut want = 0f64;
                for dy in -r..=r {
                    for dx in -r..=r {
                        let v = p.at(
                            (x + dx).clamp(0, 36) as usize,
                            (y + dy).clamp(0, 22) as usize,
                        );
                        want += f64::from(v)
                            * f64::from(taps[dx.unsigned_abs()])
                            * f64::from(taps[dy.unsigned_abs()]);
                    }
                }
                let v = got.at(x as usize, y as usize);
                assert!((f64::from(v) - want).abs() < 1e-5);
                assert_eq!(
                    d.at(x as usize, y as usize),
                    v - p.at(x as usize, y as usize)
                );
            }
        }
    }

    #[test]
    fn upsampling_keeps_places() {
        let p = ramp(9, 5);
        let up = upsample(&p);
        assert_eq!((up.width, up.height), (18, 10));
        for y in 0..5 {
            for x in 0..9 {
                assert_eq!(up.at(2 * x, 2 * y), p.at(x, y));
            }
        }
        assert_eq!(halve(&up).data, p.data);
    }
}
