//! What a picture may cost.

use crate::memory::MemoryBudget;
use crate::place::Place;
use crate::refused::{Refused, RefusedCode};
use crate::video::Videos;

/// The most that a picture may cost; [`crate::decode`] refuses what exceeds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longest encoded picture, in bytes. Default 64 MiB.
    pub max_bytes: u64,
    /// Most pixels (width times height) the header may announce. Default 100,000,000.
    pub max_pixels: u64,
    /// Shortest side, in pixels. A shorter one has too little to describe. Default 16.
    pub min_side: u32,
    /// What decoders may use at once, beside others; clones of these limits share it. Default without a bound.
    pub memory: MemoryBudget,
    /// Where decoders run. Default in the caller's process.
    pub place: Place,
    /// What reads videos. Default nothing.
    pub videos: Videos,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_pixels: 100_000_000,
            min_side: 16,
            memory: MemoryBudget::default(),
            place: Place::default(),
            videos: Videos::default(),
        }
    }
}

impl DecodeLimits {
    /// Refuses a size outside the limits. Call it before memory for the pixels is allocated.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), Refused> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            let detail = format!(
                "the picture is {width} × {height} = {pixels} pixels, the limit is {}",
                self.max_pixels
            );
            return Err(Refused::new(RefusedCode::TooManyPixels, detail));
        }
        // A side of 0 is no picture, whatever the limit says.
        if width.min(height) < self.min_side.max(1) {
            let detail = format!(
                "the picture is {width} × {height} pixels, both sides must have at least {}",
                self.min_side.max(1)
            );
            return Err(Refused::new(RefusedCode::TooSmall, detail));
        }
        Ok(())
    }
}
