//! Colour profiles of RGB by three primaries and curves (ICC.1:2022, 8.3), such as Display P3 and Adobe RGB, to sRGB;
//! others are in `profile_table.rs`.
//!
//! `moxcms` reads the profile. Its conversions use other instructions on other processors, so that pixels would differ
//! by one; the few operations that it takes are done here in one order.

use std::sync::LazyLock;

use moxcms::{ColorProfile, DataColorSpace, ToneReprCurve, Xyzd};

use crate::colour_spaces::encoded;
use crate::profile_table::ProfileTable;

/// Entries of the table from linear light to eight bits.
const STEPS: usize = 4096;
/// From XYZ of the white of print (D50) to the linear light of sRGB (Bradford).
const TO_LINEAR: [[f64; 3]; 3] = [
    [3.133_856, -1.616_867, -0.490_615],
    [-0.978_768, 1.916_142, 0.033_454],
    [0.071_945, -0.228_991, 1.405_243],
];

/// How to convert pixels.
pub(crate) enum Conversion {
    Primaries(Primaries),
    Table(ProfileTable),
}

impl Conversion {
    /// `None` for profiles of another kind, those that are damaged, and those of which nothing is to be seen.
    pub(crate) fn of(profile: &[u8]) -> Option<Self> {
        let primaries = Primaries::of(profile).map(Self::Primaries);
        primaries.or_else(|| ProfileTable::of(profile, 3).map(Self::Table))
    }

    /// Converts RGB of eight bits.
    pub(crate) fn apply(&self, rgb: &mut [u8]) {
        match self {
            Self::Primaries(primaries) => primaries.apply(rgb),
            Self::Table(table) => table.apply(rgb),
        }
    }
}

/// Three primaries and curves.
pub(crate) struct Primaries {
    /// Linear light of each value, of each channel.
    linear: [Vec<f32>; 3],
    matrix: [[f32; 3]; 3],
}

/// Linear light in the encoding of sRGB.
static ENCODED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let steps = 0..=STEPS;
    steps
        .map(|step| encoded(step as f32 / STEPS as f32))
        .collect()
});

impl Primaries {
    /// `None` for profiles of another kind, those that are damaged, and those of which nothing is to be seen.
    fn of(profile: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        // A table says more than primaries, and is another kind of profile.
        if profile.color_space != DataColorSpace::Rgb || profile.lut_a_to_b_perceptual.is_some() {
            return None;
        }
        let columns = [
            profile.red_colorant,
            profile.green_colorant,
            profile.blue_colorant,
        ];
        let columns = columns.map(|Xyzd { x, y, z }| [x, y, z]);
        let cell = |row: usize, column: usize| -> f64 {
            (0..3).map(|i| TO_LINEAR[row][i] * columns[column][i]).sum()
        };
        let matrix = [0, 1, 2].map(|row| [0, 1, 2].map(|column| cell(row, column) as f32));
        let linear = |curve: &Option<ToneReprCurve>| {
            let curve = curve.as_ref()?.make_linear_evaluator().ok()?;
            let value = |v: u8| curve.evaluate_value(f32::from(v) / 255.0).clamp(0.0, 1.0);
            Some((0..=255).map(value).collect::<Vec<f32>>())
        };
        let red = linear(&profile.red_trc)?;
        // Of most profiles all three are the same.
        let other = |curve: &Option<ToneReprCurve>| match *curve == profile.red_trc {
            true => Some(red.clone()),
            false => linear(curve),
        };
        let (green, blue) = (other(&profile.green_trc)?, other(&profile.blue_trc)?);
        let conversion = Self {
            linear: [red, green, blue],
            matrix,
        };
        let is_finite = conversion
            .matrix
            .iter()
            .flatten()
            .all(|value| value.is_finite());
        (is_finite && conversion.is_seen()).then_some(conversion)
    }

    /// Whether it changes colours of the whole range by more than rounding.
    fn is_seen(&self) -> bool {
        const SAMPLES: [u8; 5] = [0, 64, 128, 192, 255];
        SAMPLES.iter().any(|&r| {
            let pairs = SAMPLES.iter().flat_map(|&g| SAMPLES.map(|b| [r, g, b]));
            let mut pairs = pairs.map(|pixel| (pixel, self.pixel(pixel)));
            pairs.any(|(from, to)| from.iter().zip(to).any(|(a, b)| a.abs_diff(b) > 3))
        })
    }

    fn pixel(&self, pixel: [u8; 3]) -> [u8; 3] {
        let light = [0, 1, 2].map(|i| self.linear[i][usize::from(pixel[i])]);
        self.matrix.map(|row| {
            let value = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
            let step = value.clamp(0.0, 1.0) * STEPS as f32 + 0.5;
            ENCODED[(step as usize).min(STEPS)]
        })
    }

    fn apply(&self, rgb: &mut [u8]) {
        for pixel in rgb.as_chunks_mut::<3>().0 {
            *pixel = self.pixel(*pixel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_srgb_are_left_out_and_wide_ones_are_applied() {
        let of = |profile: ColorProfile| Primaries::of(&profile.encode().unwrap());
        assert!(of(ColorProfile::new_srgb()).is_none());
        assert!(Conversion::of(b"no profile").is_none());
        let p3 = of(ColorProfile::new_display_p3()).unwrap();
        for (from, to) in [
            ([255, 255, 255], [255, 255, 255]),
            ([0, 0, 0], [0, 0, 0]),
            ([128, 128, 128], [128, 128, 128]),
            // More than sRGB has is clamped.
            ([255, 0, 0], [255, 0, 0]),
            ([200, 100, 50], [215, 93, 31]),
        ] {
            let got = p3.pixel(from);
            let apart = got.iter().zip(to).map(|(a, b)| a.abs_diff(b)).max();
            assert!(apart <= Some(2), "{from:?}: {got:?}, not {to:?}");
        }
        let mut rgb = [200, 100, 50, 255, 255, 255, 7];
        of(ColorProfile::new_adobe_rgb()).unwrap().apply(&mut rgb);
        assert!(rgb[0] > 215 && rgb[3..] == [255, 255, 255, 7], "{rgb:?}");
    }
}
