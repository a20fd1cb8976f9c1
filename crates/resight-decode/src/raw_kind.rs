//! Which raw files a TIFF file may be.

use crate::tiff::{Directory, Tiff, tag};

/// Photometric interpretations of sensor data (DNG 1.7, chapter 4; TIFF/EP).
const COLOUR_FILTER_ARRAY: u64 = 32_803;
const LINEAR_RAW: u64 = 34_892;

/// Makers of raw files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawKind {
    Dng,
    Canon,
    /// In an ISO base media file.
    CanonCr3,
    Fujifilm,
    Nikon,
    Olympus,
    Panasonic,
    Sony,
    Other,
}

impl RawKind {
    const ALL: [Self; 9] = [
        Self::Dng,
        Self::Canon,
        Self::CanonCr3,
        Self::Fujifilm,
        Self::Nikon,
        Self::Olympus,
        Self::Panasonic,
        Self::Sony,
        Self::Other,
    ];

    /// The name that users know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dng => "raw (DNG)",
            Self::Canon => "Canon raw (CR2)",
            Self::CanonCr3 => "Canon raw (CR3)",
            Self::Fujifilm => "Fujifilm raw (RAF)",
            Self::Nikon => "Nikon raw (NEF)",
            Self::Olympus => "Olympus raw (ORF)",
            Self::Panasonic => "Panasonic raw (RW2)",
            Self::Sony => "Sony raw (ARW)",
            Self::Other => "raw",
        }
    }

    /// As the shared MIME database of freedesktop.org names them.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Dng => "image/x-adobe-dng",
            Self::Canon => "image/x-canon-cr2",
            Self::CanonCr3 => "image/x-canon-cr3",
            Self::Fujifilm => "image/x-fuji-raf",
            Self::Nikon => "image/x-nikon-nef",
            Self::Olympus => "image/x-olympus-orf",
            Self::Panasonic => "image/x-panasonic-rw2",
            Self::Sony => "image/x-sony-arw",
            Self::Other => "image/x-dcraw",
        }
    }

    /// The kind of a raw file that begins as no other file does.
    pub(crate) fn by_head(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O', b'R', ..] => {
                Some(Self::Olympus)
            }
            [b'I', b'I', b'U', 0, ..] => Some(Self::Panasonic),
            // Sigma and Minolta.
            [b'F', b'O', b'V', b'b', ..] | [0, b'M', b'R', b'M', ..] => Some(Self::Other),
            _ if bytes.starts_with(b"FUJIFILMCCD-RAW ") => Some(Self::Fujifilm),
            _ => None,
        }
    }

    /// The kind of a raw file; `None` for a TIFF file that has no sensor data.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"II*\0\x10\0\0\0CR\x02") {
            return Some(Self::Canon);
        }
        let all = Tiff::open(bytes)?.all();
        let first = all.first()?;
        if first.value(tag::DNG_VERSION).is_some() {
            return Some(Self::Dng);
        }
        if !all.iter().any(is_sensor) {
            return None;
        }
        let maker: Vec<u8> = first.values(tag::MAKE).iter().map(|&v| v as u8).collect();
        let begins = |name: &[u8]| maker.to_ascii_uppercase().starts_with(name);
        Some(if begins(b"NIKON") {
            Self::Nikon
        } else if begins(b"SONY") {
            Self::Sony
        } else {
            Self::Other
        })
    }
}

/// Whether a media type of [`crate::Decoded`] is that of a raw file. Its sensor has more pixels than the JPEG in it
/// that is decoded.
pub fn is_raw(media_type: &str) -> bool {
    RawKind::ALL
        .iter()
        .any(|kind| kind.media_type() == media_type)
}

/// Whether it has the data of a sensor.
pub(crate) fn is_sensor(directory: &Directory) -> bool {
    let photometric = directory.value(tag::PHOTOMETRIC);
    photometric == Some(COLOUR_FILTER_ARRAY) || photometric == Some(LINEAR_RAW)
}
