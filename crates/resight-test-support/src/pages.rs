//! Pages of text in one made-up typeface.

use image::{GrayImage, Luma};

use crate::Random;

/// Size of a letter in pixels, its gap included.
const LETTER: (u32, u32) = (16, 24);
/// Distance of two lines in pixels.
const LINE: u32 = 36;
const MARGIN: u32 = 60;

/// A page of 900 × 1200 pixels with random words. All pages have one typeface, one vocabulary of 150 words
/// and one layout.
pub fn text_page(seed: u64) -> GrayImage {
    let mut typeface = Random::new(99);
    let letters: Vec<Vec<[f64; 4]>> = (0..26).map(|_| strokes(&mut typeface)).collect();
    let words: Vec<Vec<usize>> = (0..150)
        .map(|_| {
            let length = 2 + typeface.below(7);
            (0..length).map(|_| typeface.below(26)).collect()
        })
        .collect();
    let mut random = Random::new(seed);
    let mut page = GrayImage::from_pixel(900, 1200, Luma([245]));
    let mut y = MARGIN;
    while y + LINE < page.height() - MARGIN {
        let mut x = MARGIN;
        loop {
            // Few words are frequent, as in a language.
            let rank = (150.0 * random.unit() * random.unit()) as usize;
            let word = &words[rank];
            let width = LETTER.0 * word.len() as u32;
            if x + width > page.width() - MARGIN {
                break;
            }
            for &letter in word {
                draw(&mut page, &letters[letter], x, y);
                x += LETTER.0;
            }
            x += LETTER.0;
        }
        y += LINE;
    }
    page
}

/// Three or four strokes of a letter: x and y of both ends, in pixels.
fn strokes(random: &mut Random) -> Vec<[f64; 4]> {
    let count = 3 + random.below(2);
    let mut point = || {
        [
            1.0 + 4.0 * random.below(4) as f64,
            2.0 + 5.0 * random.below(5) as f64,
        ]
    };
    let mut from = point();
    let pairs = (0..count).map(|_| {
        let to = point();
        let stroke = [from[0], from[1], to[0], to[1]];
        from = to;
        stroke
    });
    pairs.collect()
}

/// Draws strokes with soft edges.
fn draw(page: &mut GrayImage, strokes: &[[f64; 4]], left: u32, top: u32) {
    for y in 0..LETTER.1 + 3 {
        for x in 0..LETTER.0 {
            let at = [f64::from(x), f64::from(y)];
            let nearest = strokes.iter().map(|s| distance(at, *s));
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            let ink = (1.8 - nearest).clamp(0.0, 1.0);
            let pixel = page.get_pixel_mut(left + x, top + y);
            pixel.0[0] = (f64::from(pixel.0[0]) * (1.0 - ink) + 25.0 * ink) as u8;
        }
    }
}

/// Distance of a point from a stroke.
fn distance([x, y]: [f64; 2], [ax, ay, bx, by]: [f64; 4]) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}
