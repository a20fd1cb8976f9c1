//! Finds the format of a picture from its bytes.

use image::ImageFormat;

use crate::pcx::is_pcx;
use crate::raw_kind::RawKind;
use crate::video::Container;

/// A format that this crate decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Decoded by the `image` crate.
    Raster(ImageFormat),
    /// Decoded by our own container parser and an AV1 decoder.
    Avif,
    Heif,
    Jp2,
    Jxl,
    Pcx,
    /// Its first page is the picture.
    Pdf,
    /// The merged picture of Photoshop.
    Psd,
    Svg,
    /// Of a camera: the largest JPEG in it is decoded.
    Raw(RawKind),
    /// Read by another program, where there is one.
    Video(Container),
}

impl Format {
    /// The name that users know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avif => "AVIF",
            Self::Heif => "HEIC/HEIF",
            Self::Jp2 => "JPEG 2000",
            Self::Jxl => "JPEG XL",
            Self::Pcx => "PCX",
            Self::Pdf => "PDF",
            Self::Psd => "Photoshop (PSD)",
            Self::Svg => "SVG",
            Self::Raw(kind) => kind.name(),
            Self::Video(container) => container.name(),
            Self::Raster(format) => raster_name(format),
        }
    }

    /// Whether this build has its decoder.
    fn is_built(self) -> bool {
        match self {
            Self::Heif => cfg!(feature = "heif"),
            Self::Jp2 => cfg!(feature = "jp2"),
            Self::Jxl => cfg!(feature = "jxl"),
            Self::Pdf => cfg!(feature = "pdf"),
            Self::Svg => cfg!(feature = "svg"),
            Self::Avif
            | Self::Pcx
            | Self::Psd
            | Self::Raster(_)
            | Self::Raw(_)
            | Self::Video(_) => true,
        }
    }

    /// Whether its decoder is used and tested less than those of the formats that most pictures have.
    pub(crate) fn is_rare(self) -> bool {
        use ImageFormat::{Jpeg, Png, WebP};
        !matches!(self, Self::Raster(Jpeg | Png | WebP))
    }

    /// The registered media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::Heif => "image/heic",
            Self::Jp2 => "image/jp2",
            Self::Jxl => "image/jxl",
            Self::Pcx => "image/vnd.zbrush.pcx",
            Self::Pdf => "application/pdf",
            Self::Psd => "image/vnd.adobe.photoshop",
            Self::Svg => "image/svg+xml",
            Self::Raw(kind) => kind.media_type(),
            Self::Video(container) => container.media_type(),
            Self::Raster(format) => format.to_mime_type(),
        }
    }
}

/// The name of a raster format that users know.
pub(crate) fn raster_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Ico => "ICO",
        ImageFormat::Qoi => "QOI",
        ImageFormat::Tga => "TGA",
        _ => "picture",
    }
}

/// The format of some bytes, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// A format that this crate decodes.
    Supported(Format),
    /// The name of a format of pictures, documents or videos that this crate does not decode.
    Unsupported(&'static str),
    /// The media type of data that is not a picture.
    NotPicture(&'static str),
    /// Not recognised.
    Unknown,
}

/// Finds the format from the first (for TGA also the last) bytes.
pub(crate) fn sniff(bytes: &[u8]) -> Sniffed {
    if let Some(format) = supported(bytes) {
        return match format.is_built() {
            true => Sniffed::Supported(format),
            false => Sniffed::Unsupported(format.name()),
        };
    }
    if let Some(name) = unsupported(bytes) {
        return Sniffed::Unsupported(name);
    }
    if let Some(container) = Container::of(bytes) {
        return Sniffed::Supported(Format::Video(container));
    }
    let Some(kind) = infer::get(bytes) else {
        return if looks_like_tga(bytes) {
            Sniffed::Supported(Format::Raster(ImageFormat::Tga))
        } else {
            Sniffed::Unknown
        };
    };
    match kind.matcher_type() {
        // `infer` looks at two letters only, and `looks_like_bmp` has refused them.
        infer::MatcherType::Image if kind.mime_type() == "image/bmp" => Sniffed::Unknown,
        infer::MatcherType::Image => Sniffed::Unsupported(kind.mime_type()),
        infer::MatcherType::Video => Sniffed::Unsupported("Video"),
        _ => Sniffed::NotPicture(kind.mime_type()),
    }
}

fn supported(bytes: &[u8]) -> Option<Format> {
    if let Some(kind) = RawKind::by_head(bytes) {
        return Some(Format::Raw(kind));
    }
    use ImageFormat::{Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tiff, WebP};
    let format = match bytes {
        [0xff, 0xd8, 0xff, ..] => Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Gif,
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => WebP,
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => {
            let raw = RawKind::of(bytes).map(Format::Raw);
            return raw.or(Some(Format::Raster(Tiff)));
        }
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n' | b'#', ..] => Pnm,
        [b'B', b'M', ..] if looks_like_bmp(bytes) => Bmp,
        [0, 0, 1, 0, n, 0, ..] if *n > 0 => Ico,
        [b'q', b'o', b'i', b'f', ..] => Qoi,
        [0xff, 0x4f, 0xff, 0x51, ..] => return Some(Format::Jp2),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', 13, 10, 0x87, 10, ..] => return Some(Format::Jp2),
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => return Some(Format::Jxl),
        [b'%', b'P', b'D', b'F', b'-', ..] => return Some(Format::Pdf),
        [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => return Some(Format::Psd),
        [0x0a, ..] if is_pcx(bytes) => return Some(Format::Pcx),
        _ if has_brand(bytes, &[*b"avif", *b"avis"]) => return Some(Format::Avif),
        _ if has_brand(bytes, &[*b"crx "]) => return Some(Format::Raw(RawKind::CanonCr3)),
        _ if looks_like_svg(bytes) => return Some(Format::Svg),
        _ if has_brand(bytes, &HEIC) => return Some(Format::Heif),
        _ => return None,
    };
    Some(Format::Raster(format))
}

/// Brands of HEIF.
const HEIC: [[u8; 4]; 8] = [
    *b"heic", *b"heix", *b"heim", *b"heis", *b"hevc", *b"hevx", *b"mif1", *b"msf1",
];

/// Whether reserved words are zero or the header has a known size: `BM` alone also begins texts.
fn looks_like_bmp(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..18) else {
        return false;
    };
    let known_size = matches!(
        header[14..18],
        [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]
    );
    known_size || header[6..10] == [0; 4]
}

/// Whether an ISO base media file names one of `brands` in its `ftyp` box.
fn has_brand(bytes: &[u8], brands: &[[u8; 4]]) -> bool {
    let Some(&[a, b, c, d, b'f', b't', b'y', b'p']) = bytes.first_chunk() else {
        return false;
    };
    let end = (u32::from_be_bytes([a, b, c, d]) as usize).min(bytes.len());
    let named = bytes.get(8..end).unwrap_or_default();
    // The second word is a version, not a brand.
    let (words, _) = named.as_chunks::<4>();
    words
        .iter()
        .enumerate()
        .any(|(i, word)| i != 1 && brands.contains(word))
}

fn unsupported(bytes: &[u8]) -> Option<&'static str> {
    let name = match bytes {
        [b'I', b'I', 0xbc, ..] => "JPEG XR",
        [0, 0, 2, 0, n, 0, ..] if *n > 0 && !looks_like_tga(bytes) => "CUR",
        [b'P', b'F' | b'f', b'\n' | b'\r' | b' ', ..] => "PFM",
        [b'D', b'D', b'S', b' ', ..] => "DDS",
        [0x76, 0x2f, 0x31, 0x01, ..] => "OpenEXR",
        [b'#', b'?', b'R', b'A' | b'G', ..] => "Radiance HDR",
        [b'f', b'a', b'r', b'b', b'f', b'e', b'l', b'd', ..] => "Farbfeld",
        [b'g', b'i', b'm', b'p', b' ', b'x', b'c', b'f', ..] => "GIMP (XCF)",
        [b'A', b'T', b'&', b'T', b'F', b'O', b'R', b'M', ..] => "DjVu",
        [0x59, 0xa6, 0x6a, 0x95, ..] => "Sun raster",
        [b'i', b'c', b'n', b's', ..] => "Apple icon (ICNS)",
        [b'%', b'!', b'P', b'S', ..] => "PostScript",
        _ => return None,
    };
    Some(name)
}

/// Whether a document has an `svg` element in its first 4 KiB, with or without an XML declaration, and is no page of
/// the web.
fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.trim_ascii_start().starts_with(b"<")
        && text.windows(4).any(|w| w == b"<svg")
        && !text.windows(5).any(|w| w.eq_ignore_ascii_case(b"<html"))
}

/// Whether a TGA footer (version 2) or a plausible TGA header (version 1) is there: TGA has no magic
/// number.
fn looks_like_tga(bytes: &[u8]) -> bool {
    if bytes.ends_with(b"TRUEVISION-XFILE.\0") {
        return true;
    }
    let Some(header) = bytes.get(..18) else {
        return false;
    };
    let (has_map, kind, depth) = (header[1], header[2], header[16]);
    let mapped = matches!(kind, 1 | 9);
    let origin = header[8..12] == [0; 4];
    let sized = header[12..14] != [0, 0] && header[14..16] != [0, 0];
    has_map == u8::from(mapped)
        && matches!(kind, 1 | 2 | 3 | 9 | 10 | 11)
        && matches!(depth, 8 | 15 | 16 | 24 | 32)
        && (mapped || header[3..8] == [0; 5])
        && origin
        && sized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_content() {
        let bmp = *b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0";
        let built = |format: Format| match format.is_built() {
            true => Sniffed::Supported(format),
            false => Sniffed::Unsupported(format.name()),
        };
        let cases: [(&[u8], Sniffed); 17] = [
            (
                b"\xff\xd8\xff\xe0",
                Sniffed::Supported(Format::Raster(ImageFormat::Jpeg)),
            ),
            (&bmp, Sniffed::Supported(Format::Raster(ImageFormat::Bmp))),
            (b"BMW builds cars, not pictures", Sniffed::Unknown),
            (
                b"P6\n2 2\n255\n",
                Sniffed::Supported(Format::Raster(ImageFormat::Pnm)),
            ),
            (
                b"\0\0\0\x14ftypmif1\0\0\0\0avif",
                Sniffed::Supported(Format::Avif),
            ),
            (b"\0\0\0\x0cjP  \r\n\x87\n", built(Format::Jp2)),
            (b"\xff\x0a", built(Format::Jxl)),
            (b"\0\0\0\x14ftypmif1\0\0\0\0heic", built(Format::Heif)),
            (
                b"\0\0\0\x10ftypisomavif",
                Sniffed::Supported(Format::Video(Container::Mp4)),
            ),
            (b"FLV\x01\x05....", Sniffed::Unsupported("Video")),
            (
                b"<?xml version='1.0'?>\n<svg width='3'/>",
                built(Format::Svg),
            ),
            (b"%PDF-1.7", built(Format::Pdf)),
            (
                b"II*\0\x10\0\0\0CR\x02\0",
                Sniffed::Supported(Format::Raw(RawKind::Canon)),
            ),
            (b"8BPS\0\x01", Sniffed::Supported(Format::Psd)),
            (b"PK\x03\x04....", Sniffed::NotPicture("application/zip")),
            (b"hello", Sniffed::Unknown),
            (b"", Sniffed::Unknown),
        ];
        for (bytes, expected) in cases {
            assert_eq!(sniff(bytes), expected, "{bytes:?}");
        }
    }
}
