//! Decodes the formats that the `image` crate reads.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use resight_vision::Image;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use crate::jpeg::Segments;
use crate::jpeg_inks;
use crate::limits::DecodeLimits;
use crate::pages::is_animated_webp;
use crate::profile::Conversion;
use crate::profile_table::ProfileTable;
use crate::refused::{Refused, RefusedCode};
use crate::rgb::to_rgb;
use crate::scan::{self, End, Reach};
use crate::sniff::raster_name;
use crate::upright::upright;

/// Decodes the first picture in `bytes`, which are of `format`, and returns the bits a sample of the file.
pub(crate) fn decode(
    bytes: &[u8],
    format: ImageFormat,
    limits: &DecodeLimits,
) -> Result<(Image, u8), Refused> {
    if format == ImageFormat::Jpeg {
        return decode_jpeg(bytes, None, limits);
    }
    decode_turned(bytes, format, None, limits)
}

/// Decodes a JPEG, turned by `orientation` where it has none of its own. Returns also the bits a sample.
pub(crate) fn decode_jpeg(
    bytes: &[u8],
    orientation: Option<Orientation>,
    limits: &DecodeLimits,
) -> Result<(Image, u8), Refused> {
    let end = match scan::reach(bytes) {
        Reach::AllRows(end) => end,
        Reach::Unknown { is_marked: true } => End::Marked,
        Reach::Unknown { is_marked: false } => {
            let detail = "the JPEG data is damaged, and its end marker is missing";
            return Err(Refused::broken(detail));
        }
        Reach::Cut => {
            let detail = "the JPEG data ends early: rows of the picture are missing";
            return Err(Refused::broken(detail));
        }
    };
    let whole = scan::completed(bytes, end);
    decode_turned(&whole, ImageFormat::Jpeg, orientation, limits)
}

fn decode_turned(
    bytes: &[u8],
    format: ImageFormat,
    otherwise: Option<Orientation>,
    limits: &DecodeLimits,
) -> Result<(Image, u8), Refused> {
    let explain = |error| explain(error, format, limits);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(opening_limits(format, limits));
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    let metadata = match format {
        ImageFormat::Jpeg => Metadata::of_jpeg(bytes),
        _ => Metadata::of(&mut decoder),
    };
    let own = metadata.orientation();
    let own = own.unwrap_or(Orientation::NoTransforms);
    let orientation = otherwise.filter(|_| own == Orientation::NoTransforms);
    let orientation = orientation.unwrap_or(own);
    let colour = decoder.original_color_type();
    let depth = colour.bits_per_pixel() / u16::from(colour.channel_count()).max(1);
    let needed = bytes_needed(bytes, format, &decoder, orientation);
    let profile = metadata.profile.as_deref();
    if let Some(inks) = profile.and_then(|profile| metadata.inks(profile)) {
        // Four values a pixel in place of three.
        let pixels = u64::from(width) * u64::from(height);
        let _share = limits.memory.take(needed.saturating_add(pixels))?;
        let rgb = jpeg_inks::rgb(bytes, &inks)?;
        let image = upright(width, height, rgb, &[orientation])?;
        return Ok((image, 8));
    }
    let conversion = profile.and_then(Conversion::of);
    let _share = limits.memory.take(needed)?;
    let pixels = DynamicImage::from_decoder(decoder).map_err(explain)?;
    let (width, height) = (pixels.width(), pixels.height());
    let mut rgb = to_rgb(pixels);
    if let Some(conversion) = conversion {
        conversion.apply(&mut rgb);
    }
    let image = upright(width, height, rgb, &[orientation])?;
    Ok((image, u8::try_from(depth).unwrap_or(u8::MAX)))
}

/// What a file says of its pixels. Broken metadata does not make the pixels worthless.
#[derive(Default)]
struct Metadata {
    exif: Option<Vec<u8>>,
    xmp: Option<Vec<u8>>,
    profile: Option<Vec<u8>>,
    /// Whether it is a JPEG of four inks.
    has_inks: bool,
}

impl Metadata {
    fn of(decoder: &mut impl ImageDecoder) -> Self {
        Self {
            exif: decoder.exif_metadata().ok().flatten(),
            xmp: decoder.xmp_metadata().ok().flatten(),
            profile: decoder.icc_profile().ok().flatten(),
            has_inks: false,
        }
    }

    /// As `image` reads each of them, which reads the headers again for each.
    fn of_jpeg(bytes: &[u8]) -> Self {
        let mut headers = JpegDecoder::new_with_options(ZCursor::new(bytes), jpeg_inks::options());
        match headers.decode_headers() {
            Ok(()) => Self {
                exif: headers.exif().cloned(),
                xmp: headers.xmp().cloned(),
                profile: headers.icc_profile(),
                has_inks: jpeg_inks::has_inks(&headers),
            },
            Err(_) => Self::default(),
        }
    }

    /// The profile's table, of a JPEG of four inks.
    fn inks(&self, profile: &[u8]) -> Option<ProfileTable> {
        self.has_inks
            .then(|| ProfileTable::of(profile, 4))
            .flatten()
    }

    /// Of Exif, or where that says nothing, of XMP.
    fn orientation(&self) -> Option<Orientation> {
        let exif = self.exif.as_deref();
        let exif = exif.and_then(Orientation::from_exif_chunk);
        exif.or_else(|| xmp_orientation(self.xmp.as_deref()?))
    }
}

/// The property `tiff:Orientation` of an XMP packet, as an attribute or as an element (XMP specification, part 2, 2.4).
fn xmp_orientation(packet: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    let at = packet.windows(NAME.len()).position(|name| name == NAME)?;
    let after = packet.get(at + NAME.len()..)?;
    let is_between =
        |byte: &&u8| matches!(byte, b'=' | b'>' | b'"' | b'\'') || byte.is_ascii_whitespace();
    let between = after.iter().take_while(is_between).count();
    match after.get(between..)? {
        [value @ b'1'..=b'8', end, ..] if !end.is_ascii_digit() => {
            Orientation::from_exif(value - b'0')
        }
        _ => None,
    }
}

/// An estimate of the memory for decoding: the decoder's output, its working space, and the copies that
/// [`to_rgb`] and [`upright`] make.
fn bytes_needed(
    bytes: &[u8],
    format: ImageFormat,
    decoder: &impl ImageDecoder,
    orientation: Orientation,
) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let output = decoder.total_bytes();
    let working = match format {
        // Coefficients of 16 bits.
        ImageFormat::Jpeg => 2 * progressive_components(bytes) * pixels,
        // The canvas and the frame, which is decoded in two parts where it has transparency.
        ImageFormat::WebP if is_animated_webp(bytes) => 8 * pixels,
        ImageFormat::Gif | ImageFormat::WebP => 4 * pixels,
        _ => 0,
    };
    let is_rgb = decoder.color_type() == ColorType::Rgb8;
    let converted = if is_rgb { 0 } else { 4 * pixels };
    let is_turned = orientation != Orientation::NoTransforms;
    let turned = if is_turned { 3 * pixels } else { 0 };
    // A JPEG without its end marker is copied to get one.
    let file = if format == ImageFormat::Jpeg { 2 } else { 1 } * bytes.len() as u64;
    let parts = [output, working, converted, turned, file];
    parts.into_iter().fold(2 << 20, u64::saturating_add)
}

/// Components of a JPEG whose first frame is progressive (ITU-T T.81, B.2.2); 0 of others.
fn progressive_components(bytes: &[u8]) -> u64 {
    match Segments::of(bytes).frame_or_end() {
        Some((0xc2, frame)) => u64::from(frame.get(7).copied().unwrap_or(4)),
        _ => 0,
    }
}

/// Limits for `image`: eight bytes a pixel (16-bit RGBA) plus working space.
pub(crate) fn decoder_limits(limits: &DecodeLimits) -> Limits {
    let side = limits.max_pixels / u64::from(limits.min_side.max(1));
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut out = Limits::default();
    out.max_image_width = Some(side);
    out.max_image_height = Some(side);
    let pixels = limits.max_pixels.saturating_mul(8);
    out.max_alloc = Some(pixels.saturating_add(BESIDE_PIXELS));
    out
}

/// Limits with which a file is opened, and its first picture decoded.
pub(crate) fn opening_limits(format: ImageFormat, limits: &DecodeLimits) -> Limits {
    let mut out = decoder_limits(limits);
    // A PNG is decoded row by row; what it needs beside are chunks such as a colour profile, which may inflate to
    // a thousand times their length.
    if format == ImageFormat::Png {
        out.max_alloc = Some(BESIDE_PIXELS);
    }
    out
}

/// Bytes that a decoder may need beside the pixels.
const BESIDE_PIXELS: u64 = 64 << 20;

/// Turns a decoder's error into a refusal.
pub(crate) fn explain(error: ImageError, format: ImageFormat, limits: &DecodeLimits) -> Refused {
    let name = raster_name(format);
    match error {
        ImageError::Limits(limit) => {
            let detail = match limit.kind() {
                LimitErrorKind::DimensionError => format!(
                    "a side of the {name} picture is too long for the limit of {} pixels",
                    limits.max_pixels
                ),
                _ => format!("decoding the {name} picture would need too much memory"),
            };
            Refused::new(RefusedCode::TooManyPixels, detail)
        }
        ImageError::Unsupported(error) => Refused::not_supported(format!(
            "this kind of {name} is not supported, convert to JPEG or plain PNG: {}",
            sentence(&error)
        )),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Refused::broken(format!("the {name} data ends early"))
        }
        error => Refused::broken(format!("the {name} data is damaged: {}", sentence(&error))),
    }
}

/// The error as one line of at most 200 characters: decoders quote the data they failed on.
fn sentence(error: &dyn std::error::Error) -> String {
    // The wrapper's own text repeats the format; its source says what was wrong.
    let text = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xmp_says_the_orientation_as_an_attribute_or_as_an_element() {
        let of = |packet: &str| xmp_orientation(packet.as_bytes()).map(Orientation::to_exif);
        assert_eq!(of("<rdf:Description tiff:Orientation=\"6\"/>"), Some(6));
        assert_eq!(of("<x tiff:Make='a' tiff:Orientation = '3' />"), Some(3));
        assert_eq!(of("<tiff:Orientation>8</tiff:Orientation>"), Some(8));
        for packet in [
            "",
            "tiff:Orientation",
            "tiff:Orientation=\"9\"",
            "tiff:Orientation=\"12\"",
        ] {
            assert_eq!(of(packet), None, "{packet}");
        }
    }

    #[test]
    fn components_count_where_their_coefficients_are_kept() {
        // The start of a picture, a comment, and a frame of four components.
        let mut bytes = b"\xff\xd8\xff\xfe\0\x04ab\xff\xc2\0\x14\x08\0\x30\0\x40\x04".to_vec();
        assert_eq!(progressive_components(&bytes), 4);
        bytes[9] = 0xc0;
        assert_eq!(progressive_components(&bytes), 0);
        assert_eq!(progressive_components(&bytes[..9]), 0);
    }

    #[test]
    fn a_colour_profile_that_inflates_beyond_bounds_is_not_read() {
        let profile = |length: usize| {
            let mut bytes = Vec::new();
            let mut info = png::Info::with_size(32, 32);
            info.color_type = png::ColorType::Rgb;
            info.icc_profile = Some(vec![0; length].into());
            let encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[90; 3 * 32 * 32]).unwrap();
            writer.finish().unwrap();
            let limits = DecodeLimits::default();
            assert!(decode(&bytes, ImageFormat::Png, &limits).is_ok());
            let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
            reader.limits(opening_limits(ImageFormat::Png, &limits));
            reader.into_decoder().unwrap().icc_profile().unwrap()
        };
        assert_eq!(profile(1 << 20).map(|bytes| bytes.len()), Some(1 << 20));
        assert_eq!(profile(70 << 20), None);
    }
}
