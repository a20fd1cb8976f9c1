//! SVG, drawn by `resvg` without fonts, files, links or scripts.
//!
//! A small file can be as much work as its author likes: it may use parts of itself again and again, each time larger.
//! What it would draw is counted before it is drawn, first in elements and then in pixels.

mod cost;

use std::sync::Arc;

use image::{DynamicImage, ImageReader, RgbaImage};
use resight_vision::Image;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree, roxmltree};

use crate::deep_stack::on_a_deep_stack;
use crate::limits::DecodeLimits;
use crate::refused::Refused;
use crate::rgb::to_rgb;
use crate::upright::upright;

/// The longer side is drawn with at least and at most so many pixels.
const SIDES: [f32; 2] = [512.0, 2048.0];
/// Longest document.
const MOST_BYTES: usize = 16 << 20;
/// Memory beside pixels: elements with their attributes and paths.
const BESIDE: u64 = 96 << 20;
/// Pixmaps of the size of the picture that are in use at once, at most, as groups within groups need them.
const LAYERS: u64 = 8;
/// Most pixels of a picture that is embedded.
const MOST_EMBEDDED: u64 = 16 << 20;
/// Filters are shadows and glows, and can be any amount of work.
const NO_FILTERS: &str = "* { filter: none !important }";
/// Where a style sheet refers to what is drawn for others, that refers to nothing further.
const NOT_WITHIN: &str = "pattern *, mask *, clipPath *, marker * { mask: none !important; \
    clip-path: none !important; marker-start: none !important; marker-mid: none !important; \
    marker-end: none !important }";

/// Draws an SVG, over white where it is transparent.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let pixels = (SIDES[1] * SIDES[1]) as u64;
    let _share = limits.memory.take(BESIDE + pixels * 4 * LAYERS)?;
    on_a_deep_stack(|| draw(bytes, limits))
}

fn draw(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let damaged =
        |error: &dyn std::fmt::Display| Refused::broken(format!("the SVG is damaged: {error}"));
    if bytes.len() > MOST_BYTES {
        return Err(cost::too_much());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| damaged(&error))?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: 1 << 20,
        ..roxmltree::ParsingOptions::default()
    };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| damaged(&error))?;
    let sheet = match cost::check_elements(&document)? {
        cost::Styles::Plain => NO_FILTERS.to_owned(),
        cost::Styles::Drawn => format!("{NO_FILTERS} {NOT_WITHIN}"),
    };
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, data, _| embedded(data)),
            resolve_string: Box::new(|_, _| None),
        },
        style_sheet: Some(sheet),
        ..Options::default()
    };
    let tree = Tree::from_xmltree(&document, &options).map_err(|error| damaged(&error))?;
    drop(document);
    let (width, height) = (tree.size().width(), tree.size().height());
    let long = width.max(height);
    let scale = long.clamp(SIDES[0], SIDES[1]) / long;
    let side = |side: f32| (side * scale).round().max(1.0) as u32;
    let (columns, rows) = (side(width), side(height));
    limits.check_size(columns, rows)?;
    cost::check_pixels(&tree, scale)?;
    let mut pixmap = Pixmap::new(columns, rows).ok_or_else(|| damaged(&"it has no size"))?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    let rgba = pixmap.pixels().iter().flat_map(|pixel| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    });
    let rgba = RgbaImage::from_raw(columns, rows, rgba.collect());
    let rgba = rgba.ok_or_else(|| damaged(&"pixels are missing"))?;
    let rgb = to_rgb(DynamicImage::ImageRgba8(rgba));
    Ok((upright(columns, rows, rgb, &[])?, 8))
}

/// A picture within the document. Documents within it, and what is too large, are left out.
fn embedded(data: Arc<Vec<u8>>) -> Option<ImageKind> {
    let reader = ImageReader::new(std::io::Cursor::new(data.as_slice()));
    let reader = reader.with_guessed_format().ok()?;
    let format = reader.format()?;
    let (width, height) = reader.into_dimensions().ok()?;
    if u64::from(width) * u64::from(height) > MOST_EMBEDDED {
        return None;
    }
    match format {
        image::ImageFormat::Jpeg => Some(ImageKind::JPEG(data)),
        image::ImageFormat::Png => Some(ImageKind::PNG(data)),
        image::ImageFormat::Gif => Some(ImageKind::GIF(data)),
        image::ImageFormat::WebP => Some(ImageKind::WEBP(data)),
        _ => None,
    }
}
