//! Generated pictures for trial runs of extractors.

use crate::image::Image;

/// Overlapping squares of random colours, which have corners and edges at several scales. Each
/// `seed` always gives the same picture. `None` where a side is 0.
pub fn blocks(width: u32, height: u32, seed: u64) -> Option<Image> {
    let (w, h) = (width as usize, height as usize);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut rgb = vec![90u8; w * h * 3];
    for _ in 0..300 {
        let size = 4 + next(w.min(h) / 6);
        let (x, y) = (next(w), next(h));
        let colour = [next(256) as u8, next(256) as u8, next(256) as u8];
        for row in y..(y + size).min(h) {
            for column in x..(x + size).min(w) {
                rgb[(row * w + column) * 3..][..3].copy_from_slice(&colour);
            }
        }
    }
    Image::from_rgb(width, height, rgb)
}
