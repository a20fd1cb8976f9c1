//! Generated pictures to try a plug-in on. They are always the same.

use resight_vision::Image;
use resight_vision::sample::blocks;

/// Pictures with corners, blobs and edges at several scales.
pub(crate) fn textured() -> Vec<Image> {
    [(320, 240, 1), (256, 384, 2), (400, 400, 3)]
        .into_iter()
        .filter_map(|(width, height, seed)| blocks(width, height, seed))
        .collect()
}

/// Pictures of awkward sizes and contents that a plug-in must bear, with their names.
pub(crate) fn awkward() -> Vec<(&'static str, Image)> {
    let all = [
        ("textured 320 × 240", blocks(320, 240, 1)),
        ("one pixel", Image::from_rgb(1, 1, vec![128; 3])),
        (
            "even grey 64 × 64",
            Image::from_rgb(64, 64, vec![128; 64 * 64 * 3]),
        ),
        ("one row 500 × 1", Image::from_rgb(500, 1, vec![9; 1500])),
        ("large 3000 × 2000", blocks(3000, 2000, 4)),
    ];
    let made = all
        .into_iter()
        .filter_map(|(name, image)| Some((name, image?)));
    made.collect()
}
