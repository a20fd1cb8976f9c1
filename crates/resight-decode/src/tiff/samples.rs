//! The samples of a row: differences added up, bits unpacked, and numbers of every size read.

use super::layout::Layout;
use super::pixel::Kind;

/// Samples of a whole picture, those of a pixel beside each other.
pub(super) enum Samples {
    /// Of at most 8 bits.
    Bytes(Vec<u8>),
    /// Of at most 16 bits.
    Words(Vec<u16>),
    /// Of more, or with a sign or a fraction.
    Numbers(Vec<f32>),
}

impl Samples {
    /// Zeros, in what the samples of `layout` fit.
    pub(super) fn zeros(layout: &Layout) -> Self {
        let count = layout.width * layout.height * layout.channels();
        match bytes_each(layout) {
            1 => Self::Bytes(vec![0; count]),
            2 => Self::Words(vec![0; count]),
            _ => Self::Numbers(vec![0.0; count]),
        }
    }

    fn put(&mut self, at: usize, value: Value) {
        match (self, value) {
            (Self::Bytes(all), Value::Whole(value)) => all[at] = value as u8,
            (Self::Words(all), Value::Whole(value)) => all[at] = value as u16,
            (Self::Numbers(all), Value::Whole(value)) => all[at] = value as f32,
            (Self::Numbers(all), Value::Real(value)) => all[at] = value,
            // Only `Numbers` is made for them.
            (Self::Bytes(_) | Self::Words(_), Value::Real(_)) => {}
        }
    }
}

/// Bytes of a sample of [`Samples`].
pub(super) fn bytes_each(layout: &Layout) -> u64 {
    match (layout.kind, layout.depth()) {
        (Kind::Unsigned, ..=8) => 1,
        (Kind::Unsigned, ..=16) => 2,
        _ => 4,
    }
}

#[derive(Clone, Copy)]
enum Value {
    Whole(i64),
    Real(f32),
}

/// Adds up the differences of which a row consists, `stride` samples apart (TIFF 6.0, section 14; Technical Note 3).
/// Returns whether the row is big-endian then, whatever the file is.
pub(crate) fn undo_predictor(
    row: &mut [u8],
    predictor: u64,
    bits: u8,
    stride: usize,
    big_endian: bool,
) -> bool {
    let size = usize::from(bits) / 8;
    match predictor {
        2 if matches!(bits, 8 | 16 | 32 | 64) => {
            add_up(row, size, stride, big_endian);
            big_endian
        }
        3 if matches!(bits, 16 | 32 | 64) => {
            add_up(row, 1, stride, big_endian);
            // The highest bytes of all samples come first, the lowest last.
            let count = row.len() / size;
            let planes = row.to_vec();
            for (i, sample) in row.chunks_exact_mut(size).enumerate() {
                for (byte, out) in sample.iter_mut().enumerate() {
                    *out = planes[byte * count + i];
                }
            }
            true
        }
        _ => big_endian,
    }
}

fn add_up(row: &mut [u8], size: usize, stride: usize, big_endian: bool) {
    let back = size * stride;
    if size == 1 {
        for i in back..row.len() {
            row[i] = row[i].wrapping_add(row[i - back]);
        }
        return;
    }
    for at in (back..(row.len() / size) * size).step_by(size) {
        let sum = whole(&row[at - back..], size, big_endian).wrapping_add(whole(
            &row[at..],
            size,
            big_endian,
        ));
        let bytes = sum.to_le_bytes();
        let sample = &mut row[at..at + size];
        sample.copy_from_slice(&bytes[..size]);
        if big_endian {
            sample.reverse();
        }
    }
}

/// An unsigned number of `size` bytes, at most 8.
fn whole(bytes: &[u8], size: usize, big_endian: bool) -> u64 {
    let step = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
    let bytes = &bytes[..size.min(bytes.len())];
    match big_endian {
        true => bytes.iter().fold(0, step),
        false => bytes.iter().rev().fold(0, step),
    }
}

/// A row of a strip or tile.
pub(super) struct Row<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
    /// Pixels of it that lie in the picture.
    pub(super) visible: usize,
    /// Which sample of a pixel the row has, where it has only one of several.
    pub(super) plane: Option<usize>,
}

/// Copies a row into the picture, from the pixel with this number on.
pub(super) fn place(layout: &Layout, row: &Row<'_>, into: &mut Samples, pixel: usize) {
    let channels = layout.channels();
    if let (Samples::Bytes(all), None) = (&mut *into, row.plane)
        && channels == layout.bits.len()
        && layout.bits.iter().all(|bits| *bits == 8)
    {
        let count = row.visible * channels;
        all[pixel * channels..][..count].copy_from_slice(&row.bytes[..count]);
        return;
    }
    let mut bit = 0;
    for x in 0..row.visible {
        let samples = match row.plane {
            Some(plane) => plane..plane + 1,
            None => 0..layout.bits.len(),
        };
        for sample in samples {
            let bits = layout.bits[sample];
            if let Some(channel) = layout.channel(sample) {
                let value = value(layout, row, bit, bits);
                into.put((pixel + x) * channels + channel, value);
            }
            bit += usize::from(bits);
        }
    }
}

/// The sample at a bit of a row.
fn value(layout: &Layout, row: &Row<'_>, bit: usize, bits: u8) -> Value {
    let number = match bits {
        8 | 16 | 24 | 32 | 64 => {
            let size = usize::from(bits) / 8;
            whole(
                row.bytes.get(bit / 8..).unwrap_or_default(),
                size,
                row.big_endian,
            )
        }
        // Packed from the highest bit on.
        _ => {
            let three = |i| u64::from(row.bytes.get(bit / 8 + i).copied().unwrap_or(0));
            let word = three(0) << 16 | three(1) << 8 | three(2);
            (word >> (24 - bit % 8 - usize::from(bits))) & ((1 << bits) - 1)
        }
    };
    match layout.kind {
        Kind::Float => Value::Real(match bits {
            16 => half(number as u16),
            32 => f32::from_bits(number as u32),
            _ => f64::from_bits(number) as f32,
        }),
        Kind::Signed => {
            let unused = 64 - u32::from(bits);
            Value::Whole(((number << unused) as i64) >> unused)
        }
        Kind::Unsigned => {
            // Of samples of several depths, which have at most 8 bits, each is brought to 8.
            let is_mixed = layout.bits.iter().any(|one| *one != layout.bits[0]);
            let number = match is_mixed {
                true => number * 255 / ((1 << bits) - 1),
                false => number,
            };
            if bits == 64 {
                Value::Real(number as f32)
            } else {
                Value::Whole(number as i64)
            }
        }
    }
}

/// A floating-point number of 16 bits (IEEE 754, binary16).
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    let magnitude = match exponent {
        // Below the normal numbers: so many times 2 to the power of −24.
        0 => return f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (bits, expected) in [
            (0, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(half(bits), expected, "{bits:#x}");
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn differences_add_up() {
        let mut row = [1, 2, 3, 1, 1, 255];
        undo_predictor(&mut row, 2, 8, 3, false);
        assert_eq!(row, [1, 2, 3, 2, 3, 2]);
        let mut row = [0, 255, 0, 1, 1, 0];
        undo_predictor(&mut row, 2, 16, 1, true);
        assert_eq!(row, [0, 255, 1, 0, 2, 0]);
        // 1.0 and 2.0: the bytes 3f 40, 80 00, 00 00, 00 00 as differences.
        let mut row = [0x3f, 1, 0x40, 0x80, 0, 0, 0, 0];
        assert!(undo_predictor(&mut row, 3, 32, 1, false));
        assert_eq!(row, [0x3f, 0x80, 0, 0, 0x40, 0, 0, 0]);
    }
}
