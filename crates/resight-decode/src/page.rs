//! Decoded pages and frames.

use resight_vision::Image;

use crate::refused::Refused;

/// Pages or frames, as they are decoded. `nth` skips some.
pub type Images<'a> = Box<dyn Iterator<Item = Result<Page, Refused>> + 'a>;

/// A page or frame of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Upright.
    pub image: Image,
    /// When the frame begins, in milliseconds from the first; `None` of a page.
    pub time_ms: Option<u64>,
}

/// A page that has no time.
impl From<Image> for Page {
    fn from(image: Image) -> Self {
        Self {
            image,
            time_ms: None,
        }
    }
}

/// A picture that was decoded elsewhere.
pub struct Pixels {
    /// Upright.
    pub image: Image,
    /// Pages or frames of the file, at least 1.
    pub pages: u32,
    /// Bits a sample of the file.
    pub depth: u8,
    /// When the frame begins, where it is one of several.
    pub time_ms: Option<u64>,
}
