//! What is black and what is white where samples have more bits than they use, or no natural range.

/// Depths, in bits, of the sensors whose samples are stored in 16 bits as they are.
const DEPTHS: [u32; 4] = [8, 10, 12, 14];
/// Largest values to which floating-point samples are usually scaled.
const SCALES: [f32; 3] = [1.0, 255.0, 65_535.0];

/// What numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Fraction,
    Signed,
    /// Of so many bits.
    Unsigned(u32),
}

/// Values that become black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) least: f32,
    pub(crate) most: f32,
}

impl Range {
    /// A value in eight bits; below and above the range it is clamped, and what is no number is black.
    pub(crate) fn eight_bits(self, value: f32) -> u8 {
        let part = (value - self.least) / (self.most - self.least);
        (part.clamp(0.0, 1.0) * 255.0).round() as u8
    }

    /// Whether values from `least` to `most` use less than half of it.
    fn is_little_used(self, least: f32, most: f32) -> bool {
        2.0 * (most - least) < self.most - self.least
    }
}

/// All that so many bits can be.
pub(crate) fn whole(depth: u32) -> Range {
    let most = (2_f64.powi(depth as i32) - 1.0) as f32;
    Range { least: 0.0, most }
}

/// The range of samples of `depth` bits, of which the first `colours` of each `channels` count.
///
/// Where none reaches the upper half, they may be those of a sensor of fewer bits, which are stored as they are. Of
/// 12 bits in 16, 4,095 is white. Where they use less than half of those as well, as microscopes write them, the range
/// is what is in use.
pub(crate) fn of_words(samples: &[u16], channels: usize, colours: usize, depth: u32) -> Range {
    let (least, most) = extremes(samples, channels, colours, |value| f32::from(*value));
    let own = whole(depth);
    if 2.0 * most > own.most || most <= least {
        return own;
    }
    let mut fitting = DEPTHS.into_iter().filter(|bits| *bits < depth).map(whole);
    let fitting = fitting.find(|range| most <= range.most);
    match fitting {
        Some(range) if range.is_little_used(least, most) => Range { least, most },
        Some(range) => range,
        // A dark picture.
        None => own,
    }
}

/// The range of numbers that have a sign, more than 16 bits, or a fraction.
///
/// Those with a fraction are from 0 to 1, and may exceed that a little; then it is clamped. Or they are from 0 to 255
/// or 65,535. Those without a sign may use the upper half of all that their bits can be. Of all others the
/// range is what is in use.
pub(crate) fn of_numbers(samples: &[f32], channels: usize, colours: usize, kind: Numbers) -> Range {
    let is_float = kind == Numbers::Fraction;
    let (least, most) = extremes(samples, channels, colours, |value| *value);
    let one = Range {
        least: 0.0,
        most: 1.0,
    };
    if most <= least {
        let scale = SCALES.into_iter().find(|scale| most <= *scale);
        return Range {
            least: 0.0,
            most: scale.unwrap_or(most).max(1.0),
        };
    }
    if is_float && 2.0 * most > 1.0 {
        let counted = samples
            .chunks_exact(channels)
            .flat_map(|pixel| &pixel[..colours]);
        let counted = counted.filter(|value| value.is_finite());
        let (within, all) = counted.fold((0_usize, 0_usize), |(within, all), value| {
            (within + usize::from((0.0..=1.0).contains(value)), all + 1)
        });
        if 10 * within >= 9 * all {
            return one;
        }
    }
    if let Numbers::Unsigned(depth) = kind
        && 2.0 * most > whole(depth).most
    {
        return whole(depth);
    }
    let fitting = SCALES.into_iter().find(|scale| most <= *scale);
    match fitting {
        Some(scale) if is_float && least >= 0.0 && 2.0 * most > scale => Range {
            least: 0.0,
            most: scale,
        },
        _ => Range { least, most },
    }
}

/// The least and the largest of the samples that count and are finite.
fn extremes<T>(
    samples: &[T],
    channels: usize,
    colours: usize,
    value: impl Fn(&T) -> f32,
) -> (f32, f32) {
    let counted = samples
        .chunks_exact(channels)
        .flat_map(|pixel| &pixel[..colours]);
    let counted = counted.map(value).filter(|value| value.is_finite());
    let ends = counted.fold(
        (f32::INFINITY, f32::NEG_INFINITY),
        |(least, most), value| (least.min(value), most.max(value)),
    );
    if ends.0 <= ends.1 { ends } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(samples: &[u16]) -> (f32, f32) {
        let range = of_words(samples, 1, 1, 16);
        (range.least, range.most)
    }

    #[test]
    fn samples_of_a_sensor_fill_the_range() {
        for (samples, expected) in [
            ([0, 128, 255], (0.0, 255.0)),
            ([0, 512, 1023], (0.0, 1023.0)),
            ([176, 2048, 3952], (0.0, 4095.0)),
            ([0, 8192, 16383], (0.0, 16383.0)),
            ([0, 16384, 32768], (0.0, 65535.0)),
            ([0, 0, 0], (0.0, 65535.0)),
            // Of 12 bits a tenth.
            ([1100, 1200, 1500], (1100.0, 1500.0)),
            ([0, 16384, 32767], (0.0, 65535.0)),
        ] {
            assert_eq!(words(&samples), expected, "{samples:?}");
        }
    }

    #[test]
    fn alpha_does_not_count() {
        let range = of_words(&[7, 65535, 4000, 65535], 2, 1, 16);
        assert_eq!(range, whole(12));
    }

    #[test]
    fn numbers_have_the_range_that_is_usual_or_in_use() {
        let of = |samples: &[f32], kind| {
            let range = of_numbers(samples, 1, 1, kind);
            (range.least, range.most)
        };
        assert_eq!(of(&[0.1, 0.2, 0.9], Numbers::Fraction), (0.0, 1.0));
        assert_eq!(of(&[0.0, 13.0, 250.0], Numbers::Fraction), (0.0, 255.0));
        assert_eq!(
            of(&[0.0, 400.0, 60_000.0], Numbers::Fraction),
            (0.0, 65_535.0)
        );
        assert_eq!(of(&[0.01, 0.02, f32::NAN], Numbers::Fraction), (0.01, 0.02));
        assert_eq!(
            of(&[-1000.0, 0.0, 400.0], Numbers::Signed),
            (-1000.0, 400.0)
        );
        let mut bright = vec![0.5; 99];
        bright.push(7.0);
        assert_eq!(of(&bright, Numbers::Fraction), (0.0, 1.0));
    }
}
