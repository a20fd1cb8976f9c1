//! Two pictures side by side, with the points that match.

use image::RgbImage;
use image::imageops;
use resight_engine::Comparison;
use resight_vision::Image;
use tiny_skia::{
    Color, FillRule, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8,
    Rect, Stroke, Transform,
};

/// Room between the two pictures, in pixels of the drawing.
pub(crate) const GAP: u32 = 12;
/// No drawing is higher than this many times its greatest width.
const HIGHEST: u32 = 2;
/// Radius of a point, in pixels of the drawing.
const RADIUS: f32 = 2.5;

/// Why there is no drawing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrawError {
    /// No room for two pictures.
    #[error("a drawing {0} pixels wide has no room for two pictures")]
    TooNarrow(u32),
    /// The pixels could not be had or written.
    #[error("the drawing could not be made: {0}")]
    Failed(String),
}

/// Draws `a` on the left and `b` on the right as a PNG at most `max_width` pixels wide: a line
/// and two points for each pair of `points`, and the outline of A in B.
///
/// Both pictures are drawn at one scale, never above their own size. Coordinates of the
/// comparison are pixels of the full pictures, the centre of the top-left one being (0, 0).
pub(crate) fn matches_png(
    comparison: &Comparison,
    [a, b]: &[Image; 2],
    max_width: u32,
) -> Result<Vec<u8>, DrawError> {
    let room = max_width.saturating_sub(GAP);
    if room < 2 {
        return Err(DrawError::TooNarrow(max_width));
    }
    let across = f64::from(a.width()) + f64::from(b.width());
    let highest = f64::from(a.height().max(b.height()));
    let scale = (f64::from(room) / across)
        .min(f64::from(max_width) * f64::from(HIGHEST) / highest)
        .min(1.0);
    // Rounded down, so that the two and the gap fit.
    let length = |pixels: u32| ((f64::from(pixels) * scale) as u32).max(1);
    let (wa, ha, wb, hb) = (
        length(a.width()),
        length(a.height()),
        length(b.width()),
        length(b.height()),
    );

    let mut canvas = Pixmap::new(wa + GAP + wb, ha.max(hb)).ok_or_else(|| failed("no memory"))?;
    canvas.fill(Color::from_rgba8(32, 32, 36, 255));
    place(&mut canvas, a, wa, ha, 0)?;
    place(&mut canvas, b, wb, hb, wa + GAP)?;

    let left = |x: f64, y: f64| (((x + 0.5) * scale) as f32, ((y + 0.5) * scale) as f32);
    let shift = (wa + GAP) as f32;
    let right = |x: f64, y: f64| {
        let (x, y) = left(x, y);
        (x + shift, y)
    };
    for (i, [ax, ay, bx, by]) in comparison.points.iter().enumerate() {
        let colour = colour(i);
        let (from, to) = (left(*ax, *ay), right(*bx, *by));
        stroke(&mut canvas, line(from, to), colour, 120, 1.0, None);
        for (x, y) in [from, to] {
            let mut circle = PathBuilder::new();
            circle.push_circle(x, y, RADIUS);
            fill(&mut canvas, circle.finish(), colour);
        }
    }
    if let Some(region) = comparison.region {
        // What lies outside B would seem to be drawn on A.
        let inside = panel(&canvas, shift, wb, hb);
        let outline = polygon(region.map(|[x, y]| right(x, y)));
        // Dark below light: seen on any picture.
        stroke(
            &mut canvas,
            outline.clone(),
            [0, 0, 0],
            200,
            5.0,
            inside.as_ref(),
        );
        stroke(
            &mut canvas,
            outline,
            [255, 214, 10],
            255,
            2.5,
            inside.as_ref(),
        );
    }
    canvas
        .encode_png()
        .map_err(|error| failed(&error.to_string()))
}

/// Puts `image` at the top of the canvas, `width` x `height` large, `x` from the left.
fn place(
    canvas: &mut Pixmap,
    image: &Image,
    width: u32,
    height: u32,
    x: u32,
) -> Result<(), DrawError> {
    let scaled;
    let rgb: &[u8] = if (image.width(), image.height()) == (width, height) {
        image.rgb()
    } else {
        // The type wants an owned buffer; it is dropped before the next picture is placed.
        let full = RgbImage::from_raw(image.width(), image.height(), image.rgb().to_vec())
            .ok_or_else(|| failed("a picture has a wrong size"))?;
        scaled = imageops::thumbnail(&full, width, height);
        scaled.as_raw()
    };
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed("no memory"))?;
    for (to, from) in pixels.pixels_mut().iter_mut().zip(rgb.chunks_exact(3)) {
        // Opaque, so premultiplied is the same; `None` is for colours above their alpha.
        if let Some(pixel) = PremultipliedColorU8::from_rgba(from[0], from[1], from[2], 255) {
            *to = pixel;
        }
    }
    let left = i32::try_from(x).map_err(|_| failed("it would be too wide"))?;
    canvas.draw_pixmap(
        left,
        0,
        pixels.as_ref(),
        &PixmapPaint::default(),
        Transform::identity(),
        None,
    );
    Ok(())
}

/// The part of the canvas that a picture of this size takes, `x` from the left.
fn panel(canvas: &Pixmap, x: f32, width: u32, height: u32) -> Option<Mask> {
    let mut mask = Mask::new(canvas.width(), canvas.height())?;
    let area = Rect::from_xywh(x, 0.0, width as f32, height as f32)?;
    let area = PathBuilder::from_rect(area);
    mask.fill_path(&area, FillRule::Winding, false, Transform::identity());
    Some(mask)
}

fn line(from: (f32, f32), to: (f32, f32)) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(from.0, from.1);
    path.line_to(to.0, to.1);
    path.finish()
}

fn polygon(corners: [(f32, f32); 4]) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(corners[0].0, corners[0].1);
    for (x, y) in &corners[1..] {
        path.line_to(*x, *y);
    }
    path.close();
    path.finish()
}

/// A path that has no extent, or numbers that are none, is `None` and is not drawn.
fn stroke(
    canvas: &mut Pixmap,
    path: Option<Path>,
    [r, g, b]: [u8; 3],
    alpha: u8,
    width: f32,
    inside: Option<&Mask>,
) {
    if let Some(path) = path {
        let stroke = Stroke {
            width,
            ..Stroke::default()
        };
        canvas.stroke_path(
            &path,
            &paint([r, g, b], alpha),
            &stroke,
            Transform::identity(),
            inside,
        );
    }
}

fn fill(canvas: &mut Pixmap, path: Option<Path>, colour: [u8; 3]) {
    if let Some(path) = path {
        canvas.fill_path(
            &path,
            &paint(colour, 255),
            FillRule::Winding,
            Transform::identity(),
            None,
        );
    }
}

fn paint([r, g, b]: [u8; 3], alpha: u8) -> Paint<'static> {
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    paint.set_color_rgba8(r, g, b, alpha);
    paint
}

/// Neighbouring lines differ in colour, so that the eye can follow one.
fn colour(i: usize) -> [u8; 3] {
    const COLOURS: [[u8; 3]; 6] = [
        [64, 220, 120],
        [80, 170, 255],
        [255, 110, 110],
        [230, 130, 255],
        [70, 225, 225],
        [255, 165, 60],
    ];
    COLOURS[i % COLOURS.len()]
}

fn failed(why: &str) -> DrawError {
    DrawError::Failed(why.to_owned())
}

#[cfg(test)]
mod tests {
    use resight_engine::QueryFacts;

    use super::*;

    fn grey(width: u32, height: u32) -> Image {
        Image::from_rgb(width, height, vec![128; (width * height * 3) as usize]).unwrap()
    }

    fn nothing() -> Comparison {
        let side = QueryFacts {
            id: None,
            width: 1,
            height: 1,
            region: None,
            features: 0,
        };
        Comparison {
            evidence: None,
            pages: [None, None],
            a: side.clone(),
            b: side,
            identical: false,
            by_pixels: false,
            matches: 0,
            verified: false,
            inliers: 0,
            log10_nfa: None,
            coverage_a: 0.0,
            coverage_b: 0.0,
            variant: Default::default(),
            transform: None,
            region: None,
            points: Vec::new(),
        }
    }

    fn drawn(comparison: &Comparison, images: [Image; 2], max_width: u32) -> RgbImage {
        let png = matches_png(comparison, &images, max_width).unwrap();
        image::load_from_memory(&png).unwrap().to_rgb8()
    }

    #[test]
    fn small_pictures_keep_their_size() {
        let drawing = drawn(&nothing(), [grey(40, 30), grey(20, 50)], 1800);
        assert_eq!(drawing.dimensions(), (40 + GAP + 20, 50));
        assert_eq!(drawing.get_pixel(5, 5).0, [128; 3]);
        assert_eq!(
            drawing.get_pixel(40 + GAP, 49).0,
            [128; 3],
            "B begins after the gap"
        );
        assert_ne!(drawing.get_pixel(5, 45).0, [128; 3], "nothing below A");
    }

    #[test]
    fn large_pictures_are_scaled_down_together() {
        let drawing = drawn(&nothing(), [grey(600, 100), grey(300, 200)], 312);
        assert_eq!(drawing.dimensions(), (200 + GAP + 100, 66));
        let tall = drawn(&nothing(), [grey(10, 4000), grey(10, 40)], 100);
        assert_eq!(tall.height(), 200);
    }

    #[test]
    fn points_lines_and_outline_leave_their_marks() {
        let mut comparison = nothing();
        let both = || [grey(100, 80), grey(100, 80)];
        let plain = drawn(&comparison, both(), 1800);
        comparison.points = vec![[20.0, 30.0, 70.0, 50.0]];
        let pair = drawn(&comparison, both(), 1800);
        for (x, y) in [(20, 30), (100 + GAP + 70, 50)] {
            assert_ne!(
                pair.get_pixel(x, y),
                plain.get_pixel(x, y),
                "point at {x}, {y}"
            );
        }
        // Half way along the line from (20, 30) to (182, 50).
        assert_ne!(pair.get_pixel(101, 40), plain.get_pixel(101, 40), "line");
        comparison.points.clear();
        comparison.region = Some([[10.0, 10.0], [90.0, 10.0], [90.0, 70.0], [10.0, 70.0]]);
        let outlined = drawn(&comparison, both(), 1800);
        assert_ne!(outlined.get_pixel(100 + GAP + 50, 10).0, [128; 3]);
        assert_eq!(outlined.get_pixel(50, 10).0, [128; 3], "only in B");
    }

    #[test]
    fn wild_numbers_are_drawn_over() {
        let mut comparison = nothing();
        let both = || [grey(30, 30), grey(30, 30)];
        comparison.points = vec![[f64::NAN, 0.0, 1.0, 1.0], [1e30, -1e30, 5.0, 5.0]];
        comparison.region = Some([[f64::INFINITY, 0.0], [1e12, 0.0], [0.0, 0.0], [0.0, 1.0]]);
        assert_eq!(
            drawn(&comparison, both(), 1800).dimensions(),
            (60 + GAP, 30)
        );
        assert!(matches_png(&comparison, &both(), GAP + 1).is_err());
    }
}
