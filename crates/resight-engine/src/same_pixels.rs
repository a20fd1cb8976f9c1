//! Whether two pictures show the same pixels in the same frame, apart from size and compression.
//!
//! It verifies what local features cannot: flat logos, icons, blurred pictures.

use resight_decode::resized;
use resight_vision::Image;

/// Longer side in pixels at which two pictures are compared, at most.
const SIDE: u32 = 512;
/// Blocks along the longer side.
const BLOCKS: usize = 32;
/// Sides of a block in pixels, least and most.
const BLOCK: [usize; 2] = [4, 8];
// Copies of 40 generated logos of 256 and 32 pixels, as JPEG of quality 75 and 50 and at 0.5 to 1 times
// their size, stay below these limits in all but one in twenty; two different logos differ by at least
// 98 levels in one block, and correlate with at most 0.91. `bench/hard_to_find.py` counts both on others.
/// Difference in levels of the lightest and the darkest block below which a picture shows nothing to
/// agree on.
const LEAST_CONTRAST: f64 = 6.0;
/// That difference from which on the tolerances hold in full. Below it they shrink with it: of faint
/// pictures a few levels are all there is.
const FULL_CONTRAST: f64 = 128.0;
/// Largest difference in levels of the means of two even blocks…
const EVEN: f64 = 14.0;
/// …and of two blocks with an edge, which compression and another size change more.
const UNEVEN: f64 = 40.0;
/// Range of the levels in a block from which on it has an edge, as a share of the contrast.
const EDGE: f64 = 0.15;
/// Mean difference in levels of the means of all blocks, at most.
const MEAN: f64 = 6.0;
/// Correlation of the blocks' means, at least.
const CORRELATION: f64 = 0.95;
/// The least of these limits in levels: rounding alone changes that much.
const LEAST: f64 = 1.0;

/// Whether `a` and `b` have the same frame and, block by block, the same colours. Pictures of one colour
/// agree on nothing, so they are not the same.
pub(crate) fn same_pixels(a: &Image, b: &Image) -> bool {
    let Some(size) = shared_size(a, b) else {
        return false;
    };
    let (Some(a), Some(b)) = (Blocks::of(a, size), Blocks::of(b, size)) else {
        return false;
    };
    let contrast = a.contrast().min(b.contrast());
    if contrast < LEAST_CONTRAST {
        return false;
    }
    let strictness = (contrast / FULL_CONTRAST).min(1.0);
    let mut sum = 0.0;
    for (a, b) in a.blocks.iter().zip(&b.blocks) {
        let is_even = a.range.max(b.range) < EDGE * contrast;
        let limit = strictness * if is_even { EVEN } else { UNEVEN };
        for (x, y) in a.mean.iter().zip(b.mean) {
            let difference = (x - y).abs();
            if difference > limit.max(LEAST) {
                return false;
            }
            sum += difference;
        }
    }
    let mean = sum / (3 * a.blocks.len()) as f64;
    mean <= (strictness * MEAN).max(LEAST) && correlation(&a, &b) >= CORRELATION
}

/// The size at which both are compared: that of the smaller one. `None` where their frames differ by more
/// than rounding.
fn shared_size(a: &Image, b: &Image) -> Option<[u32; 2]> {
    let (small, large) = if a.width() <= b.width() {
        (a, b)
    } else {
        (b, a)
    };
    let scale = f64::from(small.width()) / f64::from(large.width());
    let height = f64::from(large.height()) * scale;
    if (height - f64::from(small.height())).abs() > 1.0 {
        return None;
    }
    let fit = (f64::from(SIDE) / f64::from(small.width().max(small.height()))).min(1.0);
    Some(
        [small.width(), small.height()].map(|side| ((f64::from(side) * fit).round() as u32).max(1)),
    )
}

struct Block {
    /// Of each channel.
    mean: [f64; 3],
    /// Difference of the lightest and the darkest level, in the channel where it is largest.
    range: f64,
}

struct Blocks {
    blocks: Vec<Block>,
}

impl Blocks {
    fn of(image: &Image, size: [u32; 2]) -> Option<Self> {
        let image = resized(image, size)?;
        let (w, h) = (size[0] as usize, size[1] as usize);
        let side = (w.max(h) / BLOCKS).clamp(BLOCK[0], BLOCK[1]);
        let mut blocks = Vec::new();
        for top in (0..h).step_by(side) {
            for left in (0..w).step_by(side) {
                let rows = top..(top + side).min(h);
                let columns = left..(left + side).min(w);
                let pixels = rows.flat_map(|y| columns.clone().map(move |x| 3 * (y * w + x)));
                let (mut sum, mut count) = ([0u32; 3], 0u32);
                let (mut least, mut most) = ([255u8; 3], [0u8; 3]);
                for at in pixels {
                    count += 1;
                    for c in 0..3 {
                        let value = image.rgb()[at + c];
                        sum[c] += u32::from(value);
                        least[c] = least[c].min(value);
                        most[c] = most[c].max(value);
                    }
                }
                let range = (0..3).map(|c| most[c] - least[c]).max().unwrap_or(0);
                blocks.push(Block {
                    mean: sum.map(|sum| f64::from(sum) / f64::from(count.max(1))),
                    range: range.into(),
                });
            }
        }
        Some(Self { blocks })
    }

    fn means(&self) -> impl Iterator<Item = f64> {
        self.blocks.iter().flat_map(|block| block.mean)
    }

    /// The mean of each channel over all blocks.
    fn centre(&self) -> [f64; 3] {
        let n = self.blocks.len().max(1) as f64;
        [0, 1, 2].map(|c| self.blocks.iter().map(|block| block.mean[c]).sum::<f64>() / n)
    }

    /// Difference of the lightest and the darkest block, in the channel where it is largest.
    fn contrast(&self) -> f64 {
        let range = |c: usize| {
            let of_all = || self.blocks.iter().map(|block| block.mean[c]);
            of_all().fold(0.0, f64::max) - of_all().fold(255.0, f64::min)
        };
        (0..3).map(range).fold(0.0, f64::max)
    }
}

/// Correlation of the blocks' means of all channels, each around its own centre.
fn correlation(a: &Blocks, b: &Blocks) -> f64 {
    let (ca, cb) = (a.centre(), b.centre());
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (i, (x, y)) in a.means().zip(b.means()).enumerate() {
        let (x, y) = (x - ca[i % 3], y - cb[i % 3]);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    ab / (aa * bb).sqrt().max(1e-9)
}
