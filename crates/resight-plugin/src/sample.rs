//! Pictures to try a plug-in on, the same every time.

use resight_vision::Image;

/// Pictures with corners, blobs and edges at several scales.
pub(crate) fn textured() -> Vec<Image> {
    [(320, 240, 1), (256, 384, 2), (400, 400, 3)]
        .into_iter()
        .filter_map(|(width, height, seed)| blocks(width, height, seed))
        .collect()
}

/// What a plug-in has to bear: names and pictures.
pub(crate) fn awkward() -> Vec<(&'static str, Option<Image>)> {
    vec![
        ("textured 320 × 240", blocks(320, 240, 1)),
        ("one pixel", Image::from_rgb(1, 1, vec![128; 3])),
        (
            "even grey 64 × 64",
            Image::from_rgb(64, 64, vec![128; 64 * 64 * 3]),
        ),
        ("one row 500 × 1", Image::from_rgb(500, 1, vec![9; 1500])),
        ("large 3000 × 2000", blocks(3000, 2000, 4)),
    ]
}

/// Overlapping rectangles of random colour.
fn blocks(width: u32, height: u32, seed: u64) -> Option<Image> {
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
