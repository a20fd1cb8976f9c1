//! Two small pictures laid over each other by the transform that was found between them: whether
//! their pixels agree as well, and by how much they differ.

use resight_vision::{Image, Transform};

use resight_decode::fit_within;

/// What both show is compared at this many pixels on its longer side: coarse enough that
/// compression and half a pixel of misplacement do not count.
const SIDE: f64 = 96.0;

/// Pixels on a side of a block.
const BLOCK: usize = 8;

/// Blocks that at least must be comparable.
const LEAST_BLOCKS: usize = 6;

/// A block with less deviation of brightness than this, in grey levels, shows nothing to correlate.
const FLAT: f64 = 3.0;

/// Normalised correlation from which on two blocks show the same.
const CORRELATED: f64 = 0.75;

/// How the pixels of two aligned pictures compare, block by block, in grey levels of 0..255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// Share of the blocks that show the same, whatever their brightness and contrast, 0..1.
    pub(crate) alike: f64,
    /// Root of the mean squared difference of brightness within a block: the median block's.
    pub(crate) typical: f64,
    /// The same of the block that 95 in 100 do not exceed.
    pub(crate) worst: f64,
    /// Difference of the mean colour of a block, the channel that differs most: the median block's.
    pub(crate) colour: f64,
    /// What a change of brightness and contrast of the whole picture explains: the root of the mean
    /// squared difference that it makes to the blocks' means, the channel where that is most.
    pub(crate) tone: f64,
}

/// A small picture and the full size, in pixels, that transforms are about.
#[derive(Clone, Copy)]
pub(crate) struct Small<'a> {
    pub(crate) image: &'a Image,
    pub(crate) full: [u32; 2],
}

/// Compares what `a` and `b` both show; `transform` takes pixels of the full-size `a` to those of `b`.
/// `None` where that is too little to compare.
pub(crate) fn likeness(a: Small<'_>, b: Small<'_>, transform: &Transform) -> Option<Likeness> {
    let back = transform.inverse()?;
    let forth = in_small(&a, &b, transform);
    // Pixels of one are averaged onto those of the coarser, never the other way round.
    let middle = [
        0.5 * f64::from(a.image.width()),
        0.5 * f64::from(a.image.height()),
    ];
    let scale = scale_at(&forth, middle)?;
    match scale >= 1.0 {
        true => compare(a, b, transform),
        false => compare(b, a, &back),
    }
}

/// `coarse` shows what both show with the fewer pixels.
fn compare(coarse: Small<'_>, fine: Small<'_>, transform: &Transform) -> Option<Likeness> {
    let side = shared_side(coarse, fine, transform)?;
    let coarse_image = shrunk(coarse.image, SIDE / side);
    let coarse = Small {
        image: coarse_image.as_ref().unwrap_or(coarse.image),
        ..coarse
    };
    let onto = in_small(&coarse, &fine, transform);
    let (w, h) = (
        coarse.image.width() as usize,
        coarse.image.height() as usize,
    );
    let scale = scale_at(&onto, [0.5 * w as f64, 0.5 * h as f64])?;
    let fine_image = shrunk(fine.image, 1.0 / scale);
    let fine = Small {
        image: fine_image.as_ref().unwrap_or(fine.image),
        ..fine
    };
    let onto = in_small(&coarse, &fine, transform);

    let mut blocks = Vec::new();
    for top in (0..h).step_by(BLOCK) {
        for left in (0..w).step_by(BLOCK) {
            let mut block = Block::default();
            for y in top..(top + BLOCK).min(h) {
                for x in left..(left + BLOCK).min(w) {
                    let there = onto.apply([x as f64, y as f64]);
                    if let Some(q) = there.and_then(|at| sample(fine.image, at)) {
                        block.add(pixel(coarse.image, x, y), q);
                    }
                }
            }
            // Those that lie half outside say little.
            if block.n >= 0.7 * (BLOCK * BLOCK) as f64 {
                blocks.push(block);
            }
        }
    }
    if blocks.len() < LEAST_BLOCKS {
        return None;
    }
    let n = blocks.len();
    // A change of brightness of the whole picture is none of its content.
    let shift = at_rank(blocks.iter().map(|b| b.shift()), n / 2);
    let alike = blocks.iter().filter(|b| b.is_alike(shift)).count();
    Some(Likeness {
        alike: alike as f64 / n as f64,
        typical: at_rank(blocks.iter().map(|b| b.difference()), n / 2),
        worst: at_rank(blocks.iter().map(|b| b.difference()), (n - 1) * 95 / 100),
        colour: at_rank(blocks.iter().map(|b| b.colour()), n / 2),
        tone: tone(&blocks),
    })
}

/// [`Likeness::tone`], by a straight line of the means of the second on those of the first.
fn tone(blocks: &[Block]) -> f64 {
    let n = blocks.len() as f64;
    let of_channel = |c: usize| {
        let means = || {
            blocks
                .iter()
                .map(move |b| (b.first[c] / b.n, b.second[c] / b.n))
        };
        let (sx, sy) = means().fold((0.0, 0.0), |s, (x, y)| (s.0 + x, s.1 + y));
        let (mx, my) = (sx / n, sy / n);
        let (xx, xy) = means().fold((0.0, 0.0), |s, (x, y)| {
            (s.0 + (x - mx) * (x - mx), s.1 + (x - mx) * (y - my))
        });
        // Where all blocks are of one brightness, a shift is all there is to see.
        let slope = if xx > n { xy / xx } else { 1.0 };
        let squares = means().map(|(x, _)| {
            let change = (slope - 1.0) * (x - mx) + my - mx;
            change * change
        });
        (squares.sum::<f64>() / n).sqrt()
    };
    (0..3).map(of_channel).fold(0.0, f64::max)
}

/// The value with so many below it; there must be that many.
fn at_rank(values: impl Iterator<Item = f64>, rank: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[rank]
}

/// A transform between full sizes as one between the small pictures.
fn in_small(a: &Small<'_>, b: &Small<'_>, transform: &Transform) -> Transform {
    let ratio = |small: u32, full: u32| f64::from(full) / f64::from(small);
    // Pixel centres are whole numbers, so the edges lie at -1/2.
    let stretch = |x: f64, y: f64| {
        let (dx, dy) = (0.5 * x - 0.5, 0.5 * y - 0.5);
        Transform([x, 0.0, dx, 0.0, y, dy, 0.0, 0.0, 1.0])
    };
    let enter = stretch(
        ratio(a.image.width(), a.full[0]),
        ratio(a.image.height(), a.full[1]),
    );
    let leave = stretch(
        1.0 / ratio(b.image.width(), b.full[0]),
        1.0 / ratio(b.image.height(), b.full[1]),
    );
    enter.then(transform).then(&leave)
}

/// By how much lengths grow there.
fn scale_at(transform: &Transform, at: [f64; 2]) -> Option<f64> {
    let [a, b, c, d] = transform.jacobian(at)?;
    let scale = (a * d - b * c).abs().sqrt();
    (scale.is_finite() && scale > 1e-6).then_some(scale)
}

/// The longer side, in pixels of `coarse`, of the box around what lies in both.
fn shared_side(coarse: Small<'_>, fine: Small<'_>, transform: &Transform) -> Option<f64> {
    let onto = in_small(&coarse, &fine, transform);
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    // Every fourth pixel is near enough.
    for y in (0..coarse.image.height()).step_by(4) {
        for x in (0..coarse.image.width()).step_by(4) {
            let at = [f64::from(x), f64::from(y)];
            if onto.apply(at).is_some_and(|p| is_inside(fine.image, p)) {
                for i in 0..2 {
                    low[i] = low[i].min(at[i]);
                    high[i] = high[i].max(at[i]);
                }
            }
        }
    }
    let side = (high[0] - low[0]).max(high[1] - low[1]);
    (side > 0.0).then_some(side + 4.0)
}

fn is_inside(image: &Image, [x, y]: [f64; 2]) -> bool {
    (0.0..=f64::from(image.width() - 1)).contains(&x)
        && (0.0..=f64::from(image.height() - 1)).contains(&y)
}

/// The picture at `factor` of its size; `None` where that is no smaller.
fn shrunk(image: &Image, factor: f64) -> Option<Image> {
    let long = f64::from(image.width().max(image.height()));
    fit_within(image, (long * factor).round().clamp(1.0, 65_535.0) as u32)
}

fn pixel(image: &Image, x: usize, y: usize) -> [f64; 3] {
    let at = 3 * (y * image.width() as usize + x);
    let rgb = &image.rgb()[at..at + 3];
    [rgb[0].into(), rgb[1].into(), rgb[2].into()]
}

/// Between the four pixels around; `None` outside.
fn sample(image: &Image, at: [f64; 2]) -> Option<[f64; 3]> {
    if !is_inside(image, at) {
        return None;
    }
    let (x0, y0) = (at[0].floor() as usize, at[1].floor() as usize);
    let (x1, y1) = (
        (x0 + 1).min(image.width() as usize - 1),
        (y0 + 1).min(image.height() as usize - 1),
    );
    let (fx, fy) = (at[0] - x0 as f64, at[1] - y0 as f64);
    let corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| pixel(image, x, y));
    let weights = [
        (1.0 - fx) * (1.0 - fy),
        fx * (1.0 - fy),
        (1.0 - fx) * fy,
        fx * fy,
    ];
    let channel = |c: usize| {
        let products = corners.iter().zip(weights).map(|(p, w)| p[c] * w);
        products.sum()
    };
    Some([channel(0), channel(1), channel(2)])
}

/// Sums over the pixels of one block that both pictures have.
#[derive(Clone, Copy, Default)]
struct Block {
    n: f64,
    p: f64,
    q: f64,
    pp: f64,
    qq: f64,
    pq: f64,
    /// Red, green and blue of the first and of the second.
    first: [f64; 3],
    second: [f64; 3],
}

impl Block {
    fn add(&mut self, p: [f64; 3], q: [f64; 3]) {
        for c in 0..3 {
            self.first[c] += p[c];
            self.second[c] += q[c];
        }
        let grey = |v: [f64; 3]| 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
        let (p, q) = (grey(p), grey(q));
        self.n += 1.0;
        self.p += p;
        self.q += q;
        self.pp += p * p;
        self.qq += q * q;
        self.pq += p * q;
    }

    /// By how much the second is brighter.
    fn shift(&self) -> f64 {
        (self.q - self.p) / self.n
    }

    fn difference(&self) -> f64 {
        ((self.pp - 2.0 * self.pq + self.qq) / self.n)
            .max(0.0)
            .sqrt()
    }

    fn colour(&self) -> f64 {
        let differences = self
            .first
            .iter()
            .zip(self.second)
            .map(|(p, q)| (p - q).abs());
        let largest = differences.fold(0.0, f64::max);
        largest / self.n
    }

    fn is_alike(&self, shift: f64) -> bool {
        let (p, q) = (self.p / self.n, self.q / self.n);
        let variance = [self.pp / self.n - p * p, self.qq / self.n - q * q];
        let [sp, sq] = variance.map(|v| v.max(0.0).sqrt());
        if sp < FLAT && sq < FLAT {
            return (self.shift() - shift).abs() < 4.0 * FLAT;
        }
        // One is flat and the other is not: still alike where the other nearly is.
        let covariance = self.pq / self.n - p * q;
        covariance >= CORRELATED * sp.max(1.0) * sq.max(1.0)
    }
}
