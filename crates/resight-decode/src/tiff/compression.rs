//! The bytes of a strip or tile, decompressed.

use std::borrow::Cow;
use std::io::Read as _;

use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use ruzstd::decoding::StreamingDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::layout::{JPEG, Layout};
use super::pixel::Colours;
use crate::packbits::packbits;
use crate::refused::Refused;
use crate::scan::{self, Reach};

/// What a directory says about its compression beside its number.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    /// Tables of all JPEG strips or tiles.
    pub(super) tables: Option<&'a [u8]>,
    /// Of facsimile, group 3.
    pub(super) t4: u64,
}

/// One strip or tile.
pub(super) struct Chunk<'a> {
    pub(super) data: &'a [u8],
    /// Width and height in pixels.
    pub(super) size: [usize; 2],
    /// Bytes that are needed of it.
    pub(super) needed: usize,
    /// Samples of a pixel.
    pub(super) samples: usize,
}

/// The first `chunk.needed` bytes of a strip or tile; fewer where the data end before.
pub(super) fn decompress(
    layout: &Layout,
    options: &Options<'_>,
    chunk: &Chunk<'_>,
) -> Result<Vec<u8>, Refused> {
    let reversed;
    let data = match layout.is_reversed && !matches!(layout.compression, JPEG | 50_001) {
        true => {
            reversed = chunk
                .data
                .iter()
                .map(|byte| byte.reverse_bits())
                .collect::<Vec<u8>>();
            &reversed
        }
        false => chunk.data,
    };
    let needed = chunk.needed;
    match layout.compression {
        1 => Ok(data[..needed.min(data.len())].to_vec()),
        2..=4 => Ok(fax(data, layout.compression, options.t4, chunk)),
        5 => lzw(data, needed),
        JPEG => jpeg(data, options.tables, layout.colours, chunk),
        8 | 32_946 => read(flate2::read::ZlibDecoder::new(data), needed),
        32_773 => Ok(packbits(data, needed)),
        50_000 => {
            let decoder = StreamingDecoder::new(data).map_err(|error| damaged(&error))?;
            read(decoder, needed)
        }
        50_001 => webp(data, chunk),
        other => check(other).map(|()| Vec::new()),
    }
}

/// Refuses compressions that are not read.
pub(super) fn check(compression: u16) -> Result<(), Refused> {
    if matches!(
        compression,
        1..=5 | JPEG | 8 | 32_773 | 32_946 | 50_000 | 50_001
    ) {
        return Ok(());
    }
    Err(Refused::not_supported(format!(
        "TIFF pictures compressed with {} are not supported",
        name(compression)
    )))
}

fn damaged(error: &dyn std::fmt::Display) -> Refused {
    Refused::broken(format!("the TIFF data is damaged: {error}"))
}

/// Compressions that are not read, as users know them.
fn name(compression: u16) -> String {
    let known = match compression {
        6 => "old-style JPEG",
        32_766 => "NeXT",
        32_771 => "CCITT RLE of 16-bit words",
        32_809 => "ThunderScan",
        33_003..=33_005 | 34_712 => "JPEG 2000",
        34_661 => "JBIG",
        34_676 | 34_677 => "SGILog",
        34_887 => "LERC",
        34_925 => "LZMA",
        50_002 | 52_546 => "JPEG XL",
        _ => return format!("method {compression}"),
    };
    format!("{known} ({compression})")
}

/// Reads at most `needed` bytes. What is damaged after them is not looked at; where less can be read, that is returned.
fn read(decoder: impl std::io::Read, needed: usize) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    match decoder.take(needed as u64).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        // A stream that ends before its end mark has all the same what it has.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(out),
        Err(error) => Err(damaged(&error)),
    }
}

fn lzw(data: &[u8], needed: usize) -> Result<Vec<u8>, Refused> {
    use weezl::{BitOrder, LzwStatus, decode::Configuration};
    // Before TIFF 6.0 codes were written from the lowest bit on.
    let configuration = match data {
        [0, 1, ..] => Configuration::new(BitOrder::Lsb, 8),
        _ => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let mut out = vec![0; needed];
    let (mut read, mut written) = (0, 0);
    while written < needed {
        let step = decoder.decode_bytes(&data[read..], &mut out[written..]);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(damaged(&error)),
        }
    }
    out.truncate(written);
    Ok(out)
}

/// Rows of black and white, a bit a pixel, black 1.
struct Rows {
    out: Vec<u8>,
    row: usize,
    width: usize,
    needed: usize,
}

impl hayro_ccitt::Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.out.len() >= self.needed {
            return;
        }
        let begin = self.out.len();
        self.out.resize(begin + self.row, 0);
        for run in changes.chunks(2) {
            let to = run.get(1).map_or(self.width, |to| *to as usize);
            for x in run[0] as usize..to.min(self.width) {
                self.out[begin + x / 8] |= 0x80 >> (x % 8);
            }
        }
    }
}

/// Facsimile (ITU-T T.4 and T.6). Rows after damage are missing.
fn fax(data: &[u8], compression: u16, t4: u64, chunk: &Chunk<'_>) -> Vec<u8> {
    let [width, height] = chunk.size;
    let encoding = match compression {
        4 => EncodingMode::Group4,
        3 if t4 & 1 != 0 => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    let settings = DecodeSettings {
        columns: width as u32,
        rows: height as u32,
        end_of_block: true,
        end_of_line: compression == 3,
        rows_are_byte_aligned: compression == 2,
        encoding,
        strict: false,
    };
    let mut rows = Rows {
        out: Vec::new(),
        row: width.div_ceil(8),
        width,
        needed: chunk.needed,
    };
    let _ = hayro_ccitt::decode(data, &mut rows, &mut DecoderContext::new(settings));
    rows.out
}

/// A JPEG with the tables of the directory before it. YCbCr becomes RGB; other colours stay as they are.
fn jpeg(
    data: &[u8],
    tables: Option<&[u8]>,
    colours: Colours,
    chunk: &Chunk<'_>,
) -> Result<Vec<u8>, Refused> {
    let joined = match tables {
        // Without the end of the one and the beginning of the other.
        Some(tables) => {
            let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
            Cow::Owned([tables, data.get(2..).unwrap_or_default()].concat())
        }
        None => Cow::Borrowed(data),
    };
    let whole = match scan::reach(&joined) {
        Reach::AllRows(end) => scan::completed(&joined, end),
        Reach::Cut => return Err(Refused::broken("the TIFF data ends early")),
        Reach::Unknown { .. } => Cow::Borrowed(&*joined),
    };
    let [width, height] = chunk.size;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(2 * width + 64)
        .set_max_height(2 * height + 64);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&*whole), options);
    decoder
        .decode_headers()
        .map_err(|error| explained(&error))?;
    let input = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let output = match (colours, input) {
        (Colours::YCbCr, ColorSpace::YCbCr) => ColorSpace::RGB,
        _ => input,
    };
    let size = decoder.dimensions();
    if output.num_components() != chunk.samples || size.is_none_or(|(w, h)| w < width || h == 0) {
        return Err(damaged(
            &"a JPEG in it is of another size or has other colours",
        ));
    }
    decoder.set_options(options.jpeg_set_out_colorspace(output));
    let pixels = decoder.decode().map_err(|error| explained(&error))?;
    let across = size.map_or(width, |(across, _)| across);
    Ok(rows_of(
        &pixels,
        across * chunk.samples,
        width * chunk.samples,
    ))
}

fn explained(error: &zune_jpeg::errors::DecodeErrors) -> Refused {
    match error {
        zune_jpeg::errors::DecodeErrors::Unsupported(kind) => Refused::not_supported(format!(
            "TIFF pictures with this kind of JPEG in them are not supported: {kind:?}"
        )),
        error => damaged(&format!("a JPEG in it: {error:?}")),
    }
}

/// The first `wanted` bytes of each row of `length`.
fn rows_of(pixels: &[u8], length: usize, wanted: usize) -> Vec<u8> {
    let rows = pixels.chunks_exact(length.max(1));
    rows.flat_map(|row| &row[..wanted.min(length)])
        .copied()
        .collect()
}

fn webp(data: &[u8], chunk: &Chunk<'_>) -> Result<Vec<u8>, Refused> {
    let decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(data));
    let mut decoder = decoder.map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions();
    let own = if decoder.has_alpha() { 4 } else { 3 };
    let [across, down] = chunk.size;
    let is_fitting = width as usize == across && height as usize <= 2 * down + 64;
    if !is_fitting || own > chunk.samples || !matches!(chunk.samples, 3 | 4) {
        return Err(damaged(
            &"a WebP in it is of another size or has other colours",
        ));
    }
    let mut pixels = vec![0; width as usize * height as usize * own];
    decoder
        .read_image(&mut pixels)
        .map_err(|error| damaged(&error))?;
    if own < chunk.samples {
        let pixels = pixels.as_chunks::<3>().0.iter();
        return Ok(pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect());
    }
    Ok(pixels)
}
