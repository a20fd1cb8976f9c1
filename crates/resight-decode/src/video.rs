//! Videos: their containers are told here, and a program beside this one reads their frames.

use std::fmt;
use std::sync::Arc;

use crate::memory::MemoryBudget;
use crate::page::{Images, Pixels};
use crate::refused::Refused;

/// What holds a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4 and its kin.
    Mp4,
    /// Apple's MP4.
    M4v,
    /// MP4 of phones.
    ThreeGp,
    /// QuickTime (`.mov`).
    QuickTime,
    /// Matroska (`.mkv`).
    Matroska,
    /// WebM.
    WebM,
    /// AVI.
    Avi,
}

impl Container {
    /// From the first bytes; `None` where they begin no video that is read. To be asked after the pictures that have the
    /// same boxes.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk::<4>();
        match (word(0)?, word(4)?) {
            (_, b"ftyp") => of_brand(word(8)?),
            // Files of QuickTime from before it named brands.
            (_, b"moov" | b"mdat") => Some(Self::QuickTime),
            (_, b"wide" | b"free" | b"skip") if word(12) == Some(b"mdat") => Some(Self::QuickTime),
            ([0x1a, 0x45, 0xdf, 0xa3], _) => {
                let head = &bytes[..bytes.len().min(256)];
                let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
                match (has(b"webm"), has(b"matroska")) {
                    (true, _) => Some(Self::WebM),
                    (false, true) => Some(Self::Matroska),
                    (false, false) => None,
                }
            }
            (b"RIFF", _) if word(8) == Some(b"AVI ") => Some(Self::Avi),
            _ => None,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4 video",
            Self::M4v => "M4V video",
            Self::ThreeGp => "3GP video",
            Self::QuickTime => "QuickTime video",
            Self::Matroska => "Matroska video",
            Self::WebM => "WebM video",
            Self::Avi => "AVI video",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::M4v => "video/x-m4v",
            Self::ThreeGp => "video/3gpp",
            Self::QuickTime => "video/quicktime",
            Self::Matroska => "video/x-matroska",
            Self::WebM => "video/webm",
            Self::Avi => "video/x-msvideo",
        }
    }
}

fn of_brand(brand: &[u8; 4]) -> Option<Container> {
    match brand {
        b"qt  " => Some(Container::QuickTime),
        [b'M', b'4', b'V', _] => Some(Container::M4v),
        [b'3', b'g', ..] => Some(Container::ThreeGp),
        // Sound, and pictures of a codec that is not read.
        [b'M', b'4', b'A' | b'B' | b'P', _] | b"avci" | b"avcs" => None,
        _ => Some(Container::Mp4),
    }
}

/// Whether a file of this media type is a video: its frames are samples of it, each decoded by itself.
pub fn is_video(media_type: &str) -> bool {
    media_type.starts_with("video/")
}

/// A video to be read. The length of its file was checked.
#[derive(Clone, Copy)]
pub struct VideoJob<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Most pixels of a frame.
    pub max_pixels: u64,
    /// What the memory for it is taken from.
    pub memory: &'a MemoryBudget,
    /// What it begins as.
    pub container: Container,
}

/// Reads samples of videos, spread over their length, in another program.
pub trait VideoReader: Send + Sync {
    /// The first sample, and how many there are.
    fn first(&self, job: VideoJob<'_>) -> Result<Pixels, Refused>;

    /// All samples, each read when it is asked for. After one that cannot be read others may follow.
    fn samples<'a>(&'a self, job: VideoJob<'a>) -> Result<Images<'a>, Refused>;
}

/// What reads videos. The default reads none.
#[derive(Clone, Default)]
pub struct Videos(Option<Arc<dyn VideoReader>>);

impl Videos {
    /// Videos are read by `reader`.
    pub fn read_by(reader: Arc<dyn VideoReader>) -> Self {
        Self(Some(reader))
    }

    /// The reader.
    ///
    /// # Errors
    /// [`crate::RefusedCode::FormatNotSupported`] where there is none.
    pub(crate) fn reader(&self, container: Container) -> Result<&dyn VideoReader, Refused> {
        self.0.as_deref().ok_or_else(|| {
            Refused::not_supported(format!(
                "a {} is read by ffmpeg, which was not found; install it, or name it with --ffmpeg",
                container.name()
            ))
        })
    }
}

impl fmt::Debug for Videos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Videos").field(&self.0.is_some()).finish()
    }
}

/// Equal are those that read videos, and those that do not.
impl PartialEq for Videos {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl Eq for Videos {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        let matroska = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska";
        let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm";
        let cases: [(&[u8], Option<Container>); 14] = [
            (b"\0\0\0\x18ftypisom\0\0\0\0", Some(Container::Mp4)),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", Some(Container::Mp4)),
            (b"\0\0\0\x18ftypM4V \0\0\0\0", Some(Container::M4v)),
            (b"\0\0\0\x18ftyp3gp5\0\0\0\0", Some(Container::ThreeGp)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", Some(Container::QuickTime)),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Some(Container::QuickTime)),
            (b"\0\0\x10\x00moov\0\0\0\0", Some(Container::QuickTime)),
            (b"\0\0\0\x18ftypM4A \0\0\0\0", None),
            (matroska, Some(Container::Matroska)),
            (webm, Some(Container::WebM)),
            (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88other", None),
            (b"RIFF\0\0\0\0AVI LIST", Some(Container::Avi)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"#EXTM3U\nfile:///etc/passwd\n", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Container::of(bytes), expected, "{bytes:?}");
        }
        for cut in 0..webm.len() {
            let _no_panic = Container::of(&webm[..cut]);
        }
    }
}
