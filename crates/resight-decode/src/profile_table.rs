//! Colour profiles by tables (ICC.1:2022, 10.10 to 10.12): of four inks, and of RGB that primaries do not describe.
//!
//! `moxcms` reads the profile. As for primaries, the few operations that its tables take are done here in one order, so
//! that pixels are the same on every processor. The whole way to sRGB is gone once for each point of a grid; pixels lie
//! between its points.

use moxcms::{ColorProfile, DataColorSpace, LutDataType, LutStore, LutWarehouse, ToneReprCurve};

use crate::colour_spaces::lab_of;

/// Points of the grid along each of four inks…
const OF_INKS: usize = 17;
/// …and along each of three colours.
const OF_COLOURS: usize = 33;
/// Colours that a pixel is made of, at most.
const MOST: usize = 4;

/// sRGB at the points of a grid.
pub(crate) struct ProfileTable {
    grid: Grid,
}

/// Triples at the points of a grid, the last channel's points next to each other.
struct Grid {
    points: Vec<usize>,
    values: Vec<[f32; 3]>,
}

impl ProfileTable {
    /// From a profile of so many channels, by its perceptual table, or else the colorimetric one; `None` for other
    /// profiles, and those that are damaged.
    pub(crate) fn of(profile: &[u8], channels: usize) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        let space = match channels {
            3 => DataColorSpace::Rgb,
            4 => DataColorSpace::Cmyk,
            _ => return None,
        };
        if profile.color_space != space || profile.pcs != DataColorSpace::Lab {
            return None;
        }
        let table = profile.lut_a_to_b_perceptual.as_ref();
        let table = Stages::of(
            table.or(profile.lut_a_to_b_colorimetric.as_ref())?,
            channels,
        )?;
        let points = if channels == 4 { OF_INKS } else { OF_COLOURS };
        let mut values = Vec::with_capacity(points.pow(u32::try_from(channels).ok()?));
        let mut at = [0_usize; MOST];
        loop {
            let place = at.map(|point| point as f32 / (points - 1) as f32);
            let [l, a, b] = table.lab(&place[..channels]);
            let rgb = lab_of(l, a, b).map(f32::from);
            values.push(rgb);
            // The next point, the last channel first.
            let Some(channel) = (0..channels)
                .rev()
                .find(|&channel| at[channel] + 1 < points)
            else {
                break;
            };
            at[channel] += 1;
            at[channel + 1..].fill(0);
        }
        let points = vec![points; channels];
        Some(Self {
            grid: Grid { points, values },
        })
    }

    /// A pixel of as many values as the profile has channels.
    pub(crate) fn pixel(&self, values: &[u8]) -> [u8; 3] {
        let mut place = [0.0; MOST];
        for (to, value) in place.iter_mut().zip(values) {
            *to = f32::from(*value) / 255.0;
        }
        let rgb = self.grid.at(&place[..self.grid.points.len()]);
        rgb.map(|value| (value + 0.5).clamp(0.0, 255.0) as u8)
    }

    /// Converts RGB of eight bits by a profile of three channels.
    pub(crate) fn apply(&self, rgb: &mut [u8]) {
        for pixel in rgb.as_chunks_mut::<3>().0 {
            *pixel = self.pixel(&*pixel);
        }
    }
}

impl Grid {
    /// The value at a place, whose coordinates are from 0 to 1, between the points around it.
    fn at(&self, place: &[f32]) -> [f32; 3] {
        let mut low = [0_usize; MOST];
        let mut share = [0.0_f32; MOST];
        for (channel, points) in self.points.iter().enumerate() {
            let along = place[channel].clamp(0.0, 1.0) * (points - 1) as f32;
            low[channel] = (along as usize).min(points.saturating_sub(2));
            share[channel] = along - low[channel] as f32;
        }
        let mut sum = [0.0_f32; 3];
        for corner in 0..1_usize << self.points.len() {
            let (mut index, mut weight) = (0, 1.0_f32);
            for (channel, points) in self.points.iter().enumerate() {
                let is_high = corner >> channel & 1 == 1;
                weight *= if is_high {
                    share[channel]
                } else {
                    1.0 - share[channel]
                };
                index = index * points + low[channel] + usize::from(is_high);
            }
            // Also where the point beyond is none.
            if weight == 0.0 {
                continue;
            }
            let value = self.values.get(index).copied().unwrap_or_default();
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
        sum
    }
}

/// A curve by equally spaced numbers from 0 to 1.
struct Curve(Vec<f32>);

impl Curve {
    fn at(&self, value: f32) -> f32 {
        let along = value.clamp(0.0, 1.0) * (self.0.len() - 1) as f32;
        let low = (along as usize).min(self.0.len().saturating_sub(2));
        let share = along - low as f32;
        let high = self.0.get(low + 1).copied().unwrap_or(self.0[low]);
        self.0[low] * (1.0 - share) + high * share
    }

    fn of(curve: &ToneReprCurve) -> Option<Self> {
        let curve = curve.make_linear_evaluator().ok()?;
        let values = (0..=1023).map(|i| curve.evaluate_value(i as f32 / 1023.0));
        Some(Self(values.collect()))
    }
}

/// From a profile's colours to L*a*b*.
struct Stages {
    first: Vec<Curve>,
    grid: Grid,
    last: Vec<Curve>,
    encoding: Encoding,
}

/// How numbers from 0 to 1 stand for L*a*b* (ICC.1:2022, 6.3.4.2 and 10.10).
#[derive(Clone, Copy)]
enum Encoding {
    /// That of the tables of sixteen bits of the older kind, whose white is 0xff00.
    Older,
    Newer,
}

impl Stages {
    fn of(table: &LutWarehouse, channels: usize) -> Option<Self> {
        let stages = match table {
            LutWarehouse::Lut(table) => Self::of_older(table, channels)?,
            LutWarehouse::Multidimensional(table) => {
                // Those with a matrix lead from RGB to XYZ.
                if usize::from(table.num_input_channels) != channels || !table.m_curves.is_empty() {
                    return None;
                }
                let curves = |all: &[ToneReprCurve]| -> Option<Vec<Curve>> {
                    all.iter().map(Curve::of).collect()
                };
                let points = table.grid_points[..channels].iter();
                Self {
                    first: curves(&table.a_curves).unwrap_or_default(),
                    grid: Grid {
                        points: points.map(|points| usize::from(*points)).collect(),
                        values: triples(&numbers(table.clut.as_ref()?)),
                    },
                    last: curves(&table.b_curves).unwrap_or_default(),
                    encoding: Encoding::Newer,
                }
            }
        };
        let mut points = stages.grid.points.iter();
        let product = points.try_fold(1_usize, |all, points| all.checked_mul(*points))?;
        let is_whole = stages.first.len() == channels
            && stages.last.len() == 3
            && stages.grid.points.iter().all(|points| *points >= 2)
            && stages.grid.values.len() == product
            && stages.curves().all(|curve| curve.0.len() >= 2)
            && stages
                .curves()
                .all(|curve| curve.0.iter().all(|value| value.is_finite()));
        is_whole.then_some(stages)
    }

    fn of_older(table: &LutDataType, channels: usize) -> Option<Self> {
        let has = (table.num_input_channels, table.num_output_channels);
        if has != (u8::try_from(channels).ok()?, 3) {
            return None;
        }
        let split = |store: &LutStore, entries: u16| -> Vec<Curve> {
            let numbers = numbers(store);
            let each = numbers.chunks_exact(usize::from(entries).max(1));
            each.map(|part| Curve(part.to_vec())).collect()
        };
        let encoding = match table.clut_table {
            LutStore::Store8(_) => Encoding::Newer,
            LutStore::Store16(_) => Encoding::Older,
        };
        Some(Self {
            first: split(&table.input_table, table.num_input_table_entries),
            grid: Grid {
                points: vec![usize::from(table.num_clut_grid_points); channels],
                values: triples(&numbers(&table.clut_table)),
            },
            last: split(&table.output_table, table.num_output_table_entries),
            encoding,
        })
    }

    fn curves(&self) -> impl Iterator<Item = &Curve> {
        self.first.iter().chain(&self.last)
    }

    /// L* from 0 to 100, a* and b*.
    fn lab(&self, place: &[f32]) -> [f32; 3] {
        let mut bent = [0.0; MOST];
        for ((to, value), curve) in bent.iter_mut().zip(place).zip(&self.first) {
            *to = curve.at(*value);
        }
        let found = self.grid.at(&bent[..self.grid.points.len()]);
        let [l, a, b] = [0, 1, 2].map(|i| self.last[i].at(found[i]));
        match self.encoding {
            Encoding::Newer => [100.0 * l, 255.0 * a - 128.0, 255.0 * b - 128.0],
            Encoding::Older => {
                let sign = |value: f32| value * (65535.0 / 256.0) - 128.0;
                [l * (100.0 * 65535.0 / 65280.0), sign(a), sign(b)]
            }
        }
    }
}

/// Numbers of a table, from 0 to 1.
fn numbers(store: &LutStore) -> Vec<f32> {
    match store {
        LutStore::Store8(all) => all.iter().map(|value| f32::from(*value) / 255.0).collect(),
        LutStore::Store16(all) => all
            .iter()
            .map(|value| f32::from(*value) / 65535.0)
            .collect(),
    }
}

fn triples(numbers: &[f32]) -> Vec<[f32; 3]> {
    numbers.as_chunks::<3>().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of four inks by tables of sixteen bits, whose lightness falls with each ink.
    pub(crate) fn made() -> Vec<u8> {
        let points = 3_u8;
        let mut table = b"mft2\0\0\0\0".to_vec();
        table.extend([4, 3, points, 0]);
        for i in 0..9_i32 {
            table.extend((i32::from(i % 4 == 0) << 16).to_be_bytes());
        }
        table.extend([0, 2, 0, 2]);
        let line = [0_u16, 65535].map(u16::to_be_bytes).concat();
        table.extend(line.repeat(4));
        for i in 0..81_u32 {
            let inks: u32 = [27, 9, 3, 1].iter().map(|step| i / step % 3).sum();
            let light = 65280 - inks * 65280 / 8;
            for value in [light, 128 << 8, 128 << 8] {
                table.extend((value as u16).to_be_bytes());
            }
        }
        table.extend(line.repeat(3));
        let length = (128 + 4 + 12 + table.len()) as u32;
        let mut bytes = vec![0; 128];
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
        bytes[12..24].copy_from_slice(b"prtrCMYKLab ");
        bytes[36..40].copy_from_slice(b"acsp");
        for (at, value) in [(68, 0xf6d6_u32), (72, 0x1_0000), (76, 0xd32d)] {
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(b"A2B0");
        bytes.extend(144_u32.to_be_bytes());
        bytes.extend((table.len() as u32).to_be_bytes());
        bytes.extend(table);
        bytes
    }

    #[test]
    fn inks_are_converted_by_the_profile_s_table() {
        let table = ProfileTable::of(&made(), 4).unwrap();
        assert_eq!(table.pixel(&[0; 4]), [255; 3]);
        // Every ink takes a quarter of the lightness: with one, L* is 75, which is 185 in sRGB.
        for inks in [[255, 0, 0, 0], [0, 0, 0, 255], [127, 128, 0, 0]] {
            let pixel = table.pixel(&inks);
            assert!(
                pixel.iter().all(|value| value.abs_diff(185) <= 2),
                "{inks:?}: {pixel:?}"
            );
        }
        assert_eq!(table.pixel(&[255; 4]), [0; 3]);
        assert!(ProfileTable::of(&made(), 3).is_none(), "of other channels");
        assert!(ProfileTable::of(b"no profile", 4).is_none());
    }

    #[test]
    fn damaged_tables_are_no_profile_and_no_panic() {
        let bytes = made();
        for cut in (0..bytes.len()).step_by(7) {
            let _no_panic = ProfileTable::of(&bytes[..cut], 4);
        }
        for at in 128..240 {
            for value in [0, 1, 127, 255] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Some(table) = ProfileTable::of(&changed, 4) {
                    let _no_panic = table.pixel(&[1, 2, 3, 4]);
                }
            }
        }
    }
}
