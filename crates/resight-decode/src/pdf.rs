//! PDF: pages drawn by `hayro`, in fonts of its own where the document brings none, and without anything outside of
//! the document.

use std::sync::Arc;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use resight_vision::Image;

use crate::deep_stack::on_a_deep_stack;
use crate::limits::DecodeLimits;
use crate::page::Images;
use crate::pages::Independent;
use crate::refused::{Refused, RefusedCode};
use crate::upright::upright;

/// The longer side of a page, in pixels.
const SIDE: f32 = 2048.0;
/// Most pages of a document.
const MOST_PAGES: usize = 10_000;
/// Pixmaps of the size of a page that are in use at once, as groups within groups need them.
const LAYERS: u64 = 8;
/// Memory beside pixels: objects, fonts and the pictures on a page.
const BESIDE: u64 = 48 << 20;

/// Draws the first page, and returns the number of pages.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u32), Refused> {
    let _share = limits.memory.take(needed(bytes))?;
    on_a_deep_stack(|| {
        let pdf = open(bytes)?;
        let image = draw(&pdf, 0, limits)?;
        Ok((image, u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX)))
    })
}

/// All pages. The document is read again for each: nothing of it is in memory between two.
pub(crate) fn pages<'a>(bytes: &'a [u8], limits: &'a DecodeLimits) -> Result<Images<'a>, Refused> {
    let count = {
        let _share = limits.memory.take(needed(bytes))?;
        on_a_deep_stack(|| Ok(open(bytes)?.pages().len()))?
    };
    Ok(Box::new(Independent {
        places: 0..count,
        decode: move |number| {
            let _share = limits.memory.take(needed(bytes))?;
            on_a_deep_stack(|| Ok(draw(&open(bytes)?, number, limits)?.into()))
        },
    }))
}

/// The document is copied, and its streams are longer than in the file.
fn needed(bytes: &[u8]) -> u64 {
    let pixels = (SIDE * SIDE) as u64;
    BESIDE + 2 * bytes.len() as u64 + pixels * 4 * LAYERS
}

fn open(bytes: &[u8]) -> Result<Pdf, Refused> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refused::not_supported(
            "the PDF is encrypted, and opens with a password only; save it without one",
        ),
        LoadPdfError::Decryption(_) => Refused::not_supported(
            "the PDF is encrypted in a way that is not supported; save it without encryption",
        ),
        LoadPdfError::Invalid => Refused::broken("the PDF is damaged"),
    })?;
    let count = pdf.pages().len();
    if count > MOST_PAGES {
        let detail = format!("the PDF has {count} pages, the limit is {MOST_PAGES}");
        return Err(Refused::new(RefusedCode::TooManyPixels, detail));
    }
    Ok(pdf)
}

/// Draws a page over white, turned as the document says.
fn draw(pdf: &Pdf, number: usize, limits: &DecodeLimits) -> Result<Image, Refused> {
    let page = pdf.pages().get(number);
    let page: &Page<'_> = page.ok_or_else(|| Refused::broken("the PDF has no page"))?;
    let (width, height) = page.render_dimensions();
    let long = width.max(height);
    if !(width.min(height) > 0.0 && long.is_finite()) {
        return Err(Refused::broken("a page of the PDF has no size"));
    }
    let scale = SIDE / long;
    // As the renderer rounds them.
    let [columns, rows] = [width, height].map(|side| (side * scale) as u32);
    limits.check_size(columns, rows)?;
    let settings = InterpreterSettings {
        warning_sink: Arc::new(|_| {}),
        ..InterpreterSettings::default()
    };
    let pixmap = hayro::render(
        page,
        &RenderCache::new(),
        &settings,
        &RenderSettings::default(),
        &PixmapSettings {
            x_scale: scale,
            y_scale: scale,
            bg_color: WHITE,
        },
    );
    let (columns, rows) = (pixmap.width(), pixmap.height());
    // Nothing shows through white.
    let pixels = pixmap.data().iter();
    let rgb = pixels
        .flat_map(|pixel| [pixel.r, pixel.g, pixel.b])
        .collect();
    upright(columns.into(), rows.into(), rgb, &[])
}
