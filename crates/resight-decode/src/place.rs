//! Where a picture is decoded: in the caller's process, or in a place that a decoder cannot harm it from.

use std::fmt;
use std::sync::Arc;

use crate::limits::DecodeLimits;
use crate::page::{Images, Pixels};
use crate::refused::Refused;

/// Decodes beside the caller's process, in one that may end instead.
///
/// It answers as [`crate::decode`] and [`crate::pages`] do in this process, to the bit. A decoder that ends its process
/// or takes too much of something is [`crate::RefusedCode::DecoderFailed`].
pub trait Elsewhere: Send + Sync {
    /// Decodes a picture; `None` where it cannot be done elsewhere, and should be done here.
    fn decode(&self, job: Job<'_>) -> Option<Result<Pixels, Refused>>;

    /// The pages or frames of a picture, each decoded when it is asked for; `None` as [`Elsewhere::decode`].
    fn pages<'a>(&self, job: Job<'a>) -> Option<Result<Images<'a>, Refused>>;

    /// What became of the processes so far.
    fn counts(&self) -> Counts;
}

/// Processes that decode, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that were started.
    pub started: u64,
    /// Those that were lost with a picture, which was refused.
    pub lost: u64,
    /// Those that were ended from outside.
    pub killed: u64,
    /// Those that wait for a picture now.
    pub idle: usize,
}

/// A picture to decode. Its length was checked, and its format is supported.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The encoded picture.
    pub bytes: &'a [u8],
    /// What it may cost.
    pub limits: &'a DecodeLimits,
    /// The name of its format, for messages.
    pub format: &'static str,
}

/// Where which formats are decoded. The default decodes all of them in the caller's process.
#[derive(Clone, Default)]
pub struct Place(Option<(Arc<dyn Elsewhere>, Formats)>);

/// Formats that are decoded elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formats {
    /// All but JPEG, PNG and WebP, whose decoders are the most used and tested ones.
    Rare,
    /// All of them.
    Every,
}

impl Place {
    /// Decodes `formats` elsewhere, and the rest in the caller's process.
    pub fn elsewhere(elsewhere: Arc<dyn Elsewhere>, formats: Formats) -> Self {
        Self(Some((elsewhere, formats)))
    }

    /// What became of other processes so far; `None` where there are none.
    pub fn counts(&self) -> Option<Counts> {
        self.0.as_ref().map(|(elsewhere, _)| elsewhere.counts())
    }

    /// Where a picture is decoded whose format is one of the rare ones, or not; `None`: here.
    pub(crate) fn of(&self, is_rare: bool) -> Option<&dyn Elsewhere> {
        let (elsewhere, formats) = self.0.as_ref()?;
        (is_rare || *formats == Formats::Every).then_some(&**elsewhere)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formats = self.0.as_ref().map(|(_, formats)| formats);
        f.debug_tuple("Place").field(&formats).finish()
    }
}

/// Equal are those that decode the same formats elsewhere.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        let formats = |place: &Self| place.0.as_ref().map(|(_, formats)| *formats);
        formats(self) == formats(other)
    }
}

impl Eq for Place {}
