//! Reasons for refusing a picture: a stable code, a sentence about this picture, and the next step.

use std::fmt;

use resight_vision::ExtractError;

/// The kind of a refusal. The text form is stable: it is stored and sent to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedCode {
    /// No bytes at all.
    Empty,
    /// The encoded picture is longer than the limit.
    TooManyBytes,
    /// The picture has more pixels, or needs more memory, than the limit allows.
    TooManyPixels,
    /// A side is shorter than the limit.
    TooSmall,
    /// The data is not a picture.
    NotAnImage,
    /// A picture of a format or variant that this crate does not read.
    FormatNotSupported,
    /// A picture of a supported format whose data is damaged or incomplete.
    Broken,
    /// A video that ffmpeg cannot read: damaged, incomplete, or of a codec that it lacks.
    VideoUnreadable,
    /// A decoder failed by a fault of the program, not of the picture.
    DecoderFailed,
    /// The bytes could not be read at all (used by callers that read files).
    Unreadable,
    /// A picture that the feature extractor failed on (used by callers that describe pictures).
    ExtractorFailed,
}

impl RefusedCode {
    /// Every code, in declaration order.
    pub const ALL: [Self; 11] = [
        Self::Empty,
        Self::TooManyBytes,
        Self::TooManyPixels,
        Self::TooSmall,
        Self::NotAnImage,
        Self::FormatNotSupported,
        Self::Broken,
        Self::VideoUnreadable,
        Self::DecoderFailed,
        Self::Unreadable,
        Self::ExtractorFailed,
    ];

    /// The stable text form, such as `too_small`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooManyBytes => "too_many_bytes",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooSmall => "too_small",
            Self::NotAnImage => "not_an_image",
            Self::FormatNotSupported => "format_not_supported",
            Self::Broken => "broken",
            Self::VideoUnreadable => "video_unreadable",
            Self::DecoderFailed => "decoder_failed",
            Self::Unreadable => "unreadable",
            Self::ExtractorFailed => ExtractError::CODE,
        }
    }

    /// The code whose text form is `text`, or `None`.
    #[allow(
        clippy::should_implement_trait,
        reason = "an unknown code needs no error type of its own"
    )]
    pub fn from_str(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// A sentence that says what the user can do now.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Empty => "Check that the file was written or uploaded completely.",
            Self::TooManyBytes => {
                "Save the picture with stronger compression or fewer pixels, or raise the limit on bytes."
            }
            Self::TooManyPixels => "Scale the picture down, or raise the limit on pixels.",
            Self::TooSmall => "Use a larger version of the picture.",
            Self::NotAnImage => "Send a picture, for example a JPEG or PNG file.",
            Self::FormatNotSupported => "Convert the picture to JPEG or PNG.",
            Self::Broken => {
                "Open the picture in a viewer; if it shows, save it again as JPEG or PNG, otherwise fetch a fresh copy."
            }
            Self::VideoUnreadable => {
                "Play the video; if it plays, save it again as MP4 with H.264, otherwise fetch a fresh copy."
            }
            Self::DecoderFailed => {
                "Save the picture again as JPEG or PNG, and report this one as a fault of the program."
            }
            Self::Unreadable => "Check that the file exists and that it may be read.",
            Self::ExtractorFailed => {
                "Correct what the detail names in the extractor; the next run tries the picture again."
            }
        }
    }
}

impl fmt::Display for RefusedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A picture that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// The kind of refusal.
    pub code: RefusedCode,
    /// A sentence about this picture that a user understands.
    pub detail: String,
}

impl Refused {
    /// A refusal of kind `code`; `detail` is a sentence for the user.
    pub fn new(code: RefusedCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// Shorthand for [`RefusedCode::Broken`].
    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Self::new(RefusedCode::Broken, detail)
    }

    /// Shorthand for [`RefusedCode::FormatNotSupported`].
    pub(crate) fn not_supported(detail: impl Into<String>) -> Self {
        Self::new(RefusedCode::FormatNotSupported, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_texts_pair_up() {
        for code in RefusedCode::ALL {
            assert_eq!(RefusedCode::from_str(code.as_str()), Some(code));
            assert!(code.next_step().ends_with('.'));
        }
        assert_eq!(RefusedCode::from_str("Broken"), None);
    }
}
