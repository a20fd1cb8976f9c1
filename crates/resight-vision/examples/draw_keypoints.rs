//! Draws keypoints over a picture: a circle for the scale, a line for the angle.
//!
//! `draw_keypoints [--features N] OUT [PICTURE]`. OUT's extension determines the format. Without a
//! picture it generates one, the same in every run.

use std::f32::consts::TAU;

use resight_test_support::Random;
use resight_vision::{GrayImage, Image, Keypoint, Sift, SiftOptions};
use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Paint, PathBuilder, Pixmap, Point,
    PremultipliedColorU8, RadialGradient, Rect, SpreadMode, Stroke, Transform,
};

type Failure = Box<dyn std::error::Error>;

/// Radius of a circle in scales: about the window of a keypoint's direction.
const RADIUS: f32 = 3.0;

fn main() -> Result<(), Failure> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut options = SiftOptions::default();
    if args.len() >= 2 && args[0] == "--features" {
        options.max_features = args[1].parse()?;
        args.drain(..2);
    }
    let (out, mut canvas) = match &args[..] {
        [out] => (out, generated().ok_or("no memory for the picture")?),
        [out, picture] => (out, load(picture)?),
        _ => return Err("usage: draw_keypoints [--features N] OUT [PICTURE]".into()),
    };
    let features = Sift::new(options).extract_gray(&gray(&canvas)?);
    for keypoint in &features.keypoints {
        draw(&mut canvas, keypoint);
    }
    save(&canvas, out)?;
    println!("{} keypoints", features.len());
    Ok(())
}

fn load(path: &str) -> Result<Pixmap, Failure> {
    let rgb = image::open(path)?.into_rgb8();
    let mut canvas = Pixmap::new(rgb.width(), rgb.height()).ok_or("the picture is empty")?;
    for (to, from) in canvas.pixels_mut().iter_mut().zip(rgb.pixels()) {
        let [r, g, b] = from.0;
        *to = PremultipliedColorU8::from_rgba(r, g, b, 255).ok_or("colour out of range")?;
    }
    Ok(canvas)
}

fn save(canvas: &Pixmap, out: &str) -> Result<(), Failure> {
    let pixels = canvas.pixels().iter();
    let rgb = pixels
        .flat_map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    let picture = image::RgbImage::from_raw(canvas.width(), canvas.height(), rgb);
    Ok(picture.ok_or("the picture is empty")?.save(out)?)
}

fn gray(canvas: &Pixmap) -> Result<GrayImage, Failure> {
    let pixels = canvas.pixels().iter();
    let rgb = pixels
        .flat_map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    let image = Image::from_rgb(canvas.width(), canvas.height(), rgb);
    Ok(image.ok_or("the picture is empty")?.to_gray())
}

/// A bright line on a dark one, visible on any background.
fn draw(canvas: &mut Pixmap, keypoint: &Keypoint) {
    // The canvas has its origin at the corner of a pixel, keypoints at its centre.
    let (x, y) = (keypoint.x + 0.5, keypoint.y + 0.5);
    let radius = RADIUS * keypoint.scale;
    let mut path = PathBuilder::new();
    path.push_circle(x, y, radius);
    path.move_to(x, y);
    path.line_to(
        x + radius * keypoint.angle.cos(),
        y + radius * keypoint.angle.sin(),
    );
    let Some(path) = path.finish() else { return };
    for (colour, width) in [
        (Color::from_rgba8(0, 0, 0, 150), 3.0),
        (Color::from_rgba8(255, 214, 10, 255), 1.4),
    ] {
        let mut paint = Paint::default();
        paint.set_color(colour);
        let stroke = Stroke {
            width,
            ..Stroke::default()
        };
        canvas.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }
}

/// Numbers of 24 random bits between two others.
struct Numbers(Random);

impl Numbers {
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.0.next_u64() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Soft hills, a rotated sheet of tiles, and blobs.
// Long because it draws one thing after the other.
fn generated() -> Option<Pixmap> {
    let (width, height) = (600.0, 360.0);
    let mut canvas = Pixmap::new(width as u32, height as u32)?;
    let mut random = Numbers(Random::new(11));
    let mut paint = Paint {
        anti_alias: true,
        ..Paint::default()
    };
    let rgb = |[r, g, b]: [u8; 3]| Color::from_rgba8(r, g, b, 255);

    paint.shader = LinearGradient::new(
        Point::from_xy(0.0, 0.0),
        Point::from_xy(width, height),
        vec![
            GradientStop::new(0.0, rgb([38, 58, 84])),
            GradientStop::new(0.6, rgb([92, 122, 140])),
            GradientStop::new(1.0, rgb([196, 186, 160])),
        ],
        SpreadMode::Pad,
        Transform::identity(),
    )?;
    canvas.fill_rect(
        Rect::from_xywh(0.0, 0.0, width, height)?,
        &paint,
        Transform::identity(),
        None,
    );

    let palette = [
        [232, 225, 206],
        [49, 74, 96],
        [178, 92, 66],
        [120, 150, 120],
        [24, 34, 48],
    ];
    // Tiles of two sizes on a sheet that is turned and slightly sheared.
    let sheet =
        Transform::from_rotate_at(-14.0, 200.0, 220.0).pre_concat(Transform::from_skew(0.12, 0.0));
    for row in 0..9 {
        for column in 0..9 {
            let colour = palette[random.between(0.0, 5.0) as usize % 5];
            paint.set_color(rgb(colour));
            let (x, y) = (40.0 + 34.0 * column as f32, 60.0 + 34.0 * row as f32);
            let inset = random.between(1.0, 9.0);
            let side = 34.0 - 2.0 * inset;
            let tile = Rect::from_xywh(x + inset, y + inset, side, side)?;
            canvas.fill_rect(tile, &paint, sheet, None);
        }
    }

    // Blobs: discs that are brighter or darker towards the middle, of many sizes.
    for _ in 0..46 {
        let radius = 5.0 * (random.between(0.0, 2.3)).exp();
        let (x, y) = (
            random.between(width * 0.5, width - 20.0),
            random.between(20.0, height - 20.0),
        );
        let [r, g, b] = palette[random.between(0.0, 5.0) as usize % 5];
        paint.shader = RadialGradient::new(
            Point::from_xy(x, y),
            0.0,
            Point::from_xy(x, y),
            radius,
            vec![
                GradientStop::new(0.0, Color::from_rgba8(r, g, b, 255)),
                GradientStop::new(0.55, Color::from_rgba8(r, g, b, 200)),
                GradientStop::new(1.0, Color::from_rgba8(r, g, b, 0)),
            ],
            SpreadMode::Pad,
            Transform::identity(),
        )?;
        let squash = random.between(0.55, 1.0);
        let shape = Transform::from_translate(-x, -y)
            .post_scale(1.0, squash)
            .post_rotate(random.between(0.0, 360.0))
            .post_translate(x, y);
        let disc = PathBuilder::from_circle(x, y, radius)?;
        canvas.fill_path(&disc, &paint, FillRule::Winding, shape, None);
    }

    // A few stars, for corners that are not square.
    for _ in 0..7 {
        let (x, y) = (random.between(360.0, 700.0), random.between(30.0, 390.0));
        let (radius, turn) = (random.between(10.0, 26.0), random.between(0.0, TAU));
        let mut star = PathBuilder::new();
        for i in 0..10 {
            let r = if i % 2 == 0 { radius } else { 0.45 * radius };
            let angle = turn + TAU * i as f32 / 10.0;
            let (px, py) = (x + r * angle.cos(), y + r * angle.sin());
            if i == 0 {
                star.move_to(px, py);
            } else {
                star.line_to(px, py);
            }
        }
        star.close();
        paint.set_color(rgb(palette[random.between(0.0, 5.0) as usize % 5]));
        canvas.fill_path(
            &star.finish()?,
            &paint,
            FillRule::Winding,
            Transform::identity(),
            None,
        );
    }
    Some(canvas)
}
