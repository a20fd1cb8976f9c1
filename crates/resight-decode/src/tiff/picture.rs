//! One page of a TIFF file, from its strips or tiles to upright RGB.

use image::metadata::Orientation;
use resight_vision::Image;

use super::compression::{Chunk, Options, decompress};
use super::layout::Layout;
use super::pixel::Colours;
use super::samples::{Row, Samples, bytes_each, place, undo_predictor};
use super::{Tiff, colours, tag};
use crate::limits::DecodeLimits;
use crate::profile::Conversion;
use crate::profile_table::ProfileTable;
use crate::refused::Refused;
use crate::upright::upright;

/// Decodes the page whose directory is at `offset`, and returns the bits a sample of the file.
///
/// # Errors
/// As [`crate::decode`].
pub(crate) fn decode(
    tiff: &Tiff<'_>,
    offset: u64,
    limits: &DecodeLimits,
) -> Result<(Image, u8), Refused> {
    let layout = Layout::of(tiff, offset, limits)?;
    let orientation = tiff.first(offset, tag::ORIENTATION);
    let orientation =
        orientation.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?));
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let is_turned = orientation != Orientation::NoTransforms;
    let _share = limits
        .memory
        .take(bytes_needed(&layout, tiff.bytes.len(), is_turned))?;
    let samples = read(tiff, offset, &layout)?;
    let profile = tiff.bytes_of(offset, tag::PROFILE);
    let inks = profile.filter(|_| layout.colours == Colours::Cmyk);
    let inks = inks.and_then(|profile| ProfileTable::of(profile, 4));
    let mut rgb = colours::rgb(tiff, offset, &layout, samples, inks.as_ref())?;
    let profile = profile.filter(|_| layout.colours == Colours::Rgb);
    if let Some(conversion) = profile.and_then(Conversion::of) {
        conversion.apply(&mut rgb);
    }
    let (width, height) = (layout.width as u32, layout.height as u32);
    Ok((upright(width, height, rgb, &[orientation])?, layout.depth()))
}

/// An estimate of the memory for decoding: the file, samples as they are stored, one strip or tile (decompressed, and
/// as the decompressor keeps it), and the copies that conversions make.
fn bytes_needed(layout: &Layout, file: usize, is_turned: bool) -> u64 {
    let pixels = layout.width as u64 * layout.height as u64;
    let channels = layout.channels() as u64;
    let samples = pixels * channels * bytes_each(layout);
    let chunk = layout.chunk_bytes(0, layout.chunk[1]) as u64;
    // Eight bits a channel, and RGB or RGBA.
    let eight = if bytes_each(layout) > 1 {
        pixels * channels
    } else {
        0
    };
    let own = if layout.alpha.is_some() { 4 } else { 3 };
    let turned = if is_turned { 3 * pixels } else { 0 };
    let parts = [file as u64, samples, 3 * chunk, eight, own * pixels, turned];
    parts.into_iter().fold(2 << 20, u64::saturating_add)
}

/// All samples that are used.
fn read(tiff: &Tiff<'_>, offset: u64, layout: &Layout) -> Result<Samples, Refused> {
    let options = Options {
        tables: tiff.bytes_of(offset, tag::JPEG_TABLES),
        t4: tiff.first(offset, tag::T4_OPTIONS).unwrap_or(0),
    };
    let mut samples = Samples::zeros(layout);
    let [across, down] = layout.grid();
    for (i, &(begin, length)) in layout.places.iter().enumerate() {
        let plane = layout.is_planar.then(|| i / (across * down));
        if plane.is_some_and(|plane| layout.channel(plane).is_none()) {
            continue;
        }
        // What was never written is not in the file, as in sparse tiles.
        if (begin, length) == (0, 0) {
            continue;
        }
        let [column, line] = [i % across, i / across % down].map(|place| place);
        let corner = [column * layout.chunk[0], line * layout.chunk[1]];
        let data = usize::try_from(begin).ok().and_then(|begin| {
            let end = begin.saturating_add(usize::try_from(length).ok()?);
            tiff.bytes.get(begin..end.min(tiff.bytes.len()))
        });
        let data = data.ok_or_else(ends_early)?;
        place_chunk(
            layout,
            &options,
            (data, plane, corner),
            tiff.big_endian,
            &mut samples,
        )?;
    }
    Ok(samples)
}

fn ends_early() -> Refused {
    Refused::broken("the TIFF data ends early")
}

/// Decompresses a strip or tile, given by its data, its plane and its first pixel, and copies what lies in the picture.
fn place_chunk(
    layout: &Layout,
    options: &Options<'_>,
    (data, plane, corner): (&[u8], Option<usize>, [usize; 2]),
    big_endian: bool,
    into: &mut Samples,
) -> Result<(), Refused> {
    let rows = layout.chunk[1].min(layout.height - corner[1]);
    let visible = layout.chunk[0].min(layout.width - corner[0]);
    let needed = layout.chunk_bytes(plane.unwrap_or(0), rows);
    let chunk = Chunk {
        data,
        size: [layout.chunk[0], rows],
        needed,
        samples: layout.interleaved(),
    };
    let mut bytes = decompress(layout, options, &chunk)?;
    if bytes.len() < needed {
        return Err(ends_early());
    }
    if layout.is_subsampled() {
        bytes = colours::shared(&bytes, layout, rows);
    }
    let row_bytes = layout.row_bytes(plane.unwrap_or(0)).max(1);
    let stride = layout.interleaved();
    for (y, row) in bytes.chunks_exact_mut(row_bytes).take(rows).enumerate() {
        let big_endian = undo_predictor(row, layout.predictor, layout.bits[0], stride, big_endian);
        let row = Row {
            bytes: row,
            big_endian,
            visible,
            plane,
        };
        place(
            layout,
            &row,
            into,
            (corner[1] + y) * layout.width + corner[0],
        );
    }
    Ok(())
}

impl Layout {
    /// Whether the colours are RGB already, of a JPEG that was YCbCr.
    pub(super) fn is_converted(&self) -> bool {
        self.colours == Colours::YCbCr && self.compression == super::layout::JPEG
    }
}
