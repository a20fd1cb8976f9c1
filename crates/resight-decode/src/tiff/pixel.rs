//! What the samples of a pixel are.

use super::{Tiff, tag};
use crate::refused::Refused;

/// Most samples of a pixel. Files of more are measurements of a spectrum, which nobody sees as a picture.
const MOST_SAMPLES: u64 = 64;

/// The compressions of facsimile, whose pixels are black on white unless a file says otherwise.
pub(super) const FAX: std::ops::RangeInclusive<u16> = 2..=4;

/// What samples are (TIFF 6.0, section 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
}

/// What the first samples of a pixel mean (TIFF 6.0, sections 4 and 20 to 23; Technical Note on ICC L*a*b*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    /// Grey, with the least value white.
    WhiteIsZero,
    /// Grey, with the least value black.
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    /// L*a*b* with signed a* and b*.
    Lab,
    /// L*a*b* with a* and b* shifted to be positive.
    IccLab,
}

impl Colours {
    /// Samples of a pixel that are its colour.
    pub(super) fn samples(self) -> usize {
        match self {
            Self::WhiteIsZero | Self::BlackIsZero | Self::Palette => 1,
            Self::Cmyk => 4,
            Self::Rgb | Self::YCbCr | Self::Lab | Self::IccLab => 3,
        }
    }
}

/// A sample that says how opaque a pixel is (TIFF 6.0, section 18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alpha {
    /// Which of the samples.
    pub(super) sample: usize,
    /// Whether the colours are multiplied by it.
    pub(super) is_multiplied: bool,
}

/// Bits of each sample of a pixel.
pub(super) fn bits(tiff: &Tiff<'_>, offset: u64) -> Result<Vec<u8>, Refused> {
    let damaged = |what| Refused::broken(format!("the TIFF data is damaged: {what}"));
    let listed = tiff.numbers(offset, tag::BITS).unwrap_or_else(|| vec![1]);
    let otherwise = if tiff.first(offset, tag::PHOTOMETRIC) == Some(2) {
        listed.len() as u64
    } else {
        1
    };
    let samples = tiff.first(offset, tag::SAMPLES).unwrap_or(otherwise);
    if !(1..=MOST_SAMPLES).contains(&samples) {
        return Err(Refused::not_supported(format!(
            "TIFF pictures with {samples} samples a pixel are not supported"
        )));
    }
    let samples = samples as usize;
    // Some writers state one number for all of them.
    let first = *listed
        .first()
        .ok_or_else(|| damaged("the bits of a sample are missing"))?;
    let all = (0..samples).map(|i| match listed.len() >= samples {
        true => listed[i],
        false => first,
    });
    let all = all.map(|bits| match bits {
        1..=16 | 24 | 32 | 64 => Ok(bits as u8),
        _ => Err(Refused::not_supported(format!(
            "TIFF samples of {bits} bits are not supported"
        ))),
    });
    all.collect()
}

pub(super) fn colours(
    photometric: Option<u64>,
    samples: usize,
    compression: u16,
) -> Result<Colours, Refused> {
    Ok(match photometric {
        Some(0) => Colours::WhiteIsZero,
        // A mask is a picture where a file has nothing else.
        Some(1 | 4) => Colours::BlackIsZero,
        Some(2) => Colours::Rgb,
        Some(3) => Colours::Palette,
        Some(5) => Colours::Cmyk,
        Some(6) => Colours::YCbCr,
        Some(8) => Colours::Lab,
        Some(9) => Colours::IccLab,
        None if samples >= 3 => Colours::Rgb,
        None if FAX.contains(&compression) => Colours::WhiteIsZero,
        None => Colours::BlackIsZero,
        Some(other) => {
            let name = match other {
                10 => "ITU L*a*b*",
                32_803 | 34_892 => "the data of a sensor",
                32_844 => "LogL",
                32_845 => "LogLuv",
                _ => "unknown",
            };
            let detail =
                format!("TIFF pictures whose colours are {name} ({other}) are not supported");
            return Err(Refused::not_supported(detail));
        }
    })
}

/// Which sample is alpha. Without a word about further samples one more than the colours need is, as writers mean it.
pub(super) fn alpha(extra: Option<Vec<u64>>, colours: Colours, samples: usize) -> Option<Alpha> {
    let first = colours.samples();
    let Some(extra) = extra else {
        let is_usual =
            matches!(colours, Colours::Rgb | Colours::BlackIsZero) && samples == first + 1;
        return is_usual.then_some(Alpha {
            sample: first,
            is_multiplied: false,
        });
    };
    let at = extra.iter().position(|kind| matches!(kind, 1 | 2))?;
    (first + at < samples).then(|| Alpha {
        sample: first + at,
        is_multiplied: extra[at] == 1,
    })
}
