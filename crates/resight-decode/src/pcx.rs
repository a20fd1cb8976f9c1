//! PCX, as PC Paintbrush and fax programs write it (ZSoft, PCX Technical Reference Manual, 1991).

use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::refused::Refused;
use crate::upright::upright;

/// Bytes before the rows.
const HEADER: usize = 128;
/// A palette of 256 colours at the end of a file, with the byte before it.
const PALETTE: usize = 769;
const BEFORE_PALETTE: u8 = 12;

/// Bytes beyond its samples that a row may have.
const MOST_PADDING: usize = 64;

/// What the header says.
struct Header<'a> {
    width: usize,
    height: usize,
    /// Bits of a sample in a plane.
    bits: u8,
    planes: usize,
    /// Bytes of a row of one plane.
    row: usize,
    is_packed: bool,
    /// Colours of up to 16 indices.
    palette: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.get(..HEADER)?;
        let number = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let side = |from: usize, to: usize| Some(number(to).checked_sub(number(from))? + 1);
        Some(Self {
            width: side(4, 8)?,
            height: side(6, 10)?,
            bits: head[3],
            planes: usize::from(head[65]),
            row: number(66),
            is_packed: head[2] == 1,
            palette: &head[16..64],
        })
    }

    /// Whether samples of this form have a meaning, and a row has room for them.
    fn is_known(&self) -> bool {
        let form = matches!(
            (self.bits, self.planes),
            (1, 1..=4) | (2 | 4, 1) | (8, 1 | 3 | 4)
        );
        let needed = (self.width * usize::from(self.bits)).div_ceil(8);
        form && (needed..=needed + MOST_PADDING).contains(&self.row)
    }
}

/// Whether the bytes begin like a PCX: it has no magic number beyond its first byte.
pub(crate) fn is_pcx(bytes: &[u8]) -> bool {
    let begins = matches!(bytes, [0x0a, 0 | 2..=5, 0 | 1, ..]) && bytes.get(64) == Some(&0);
    begins && Header::read(bytes).is_some_and(|header| header.is_known())
}

/// Decodes a picture, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let damaged = || Refused::broken("the PCX data is damaged");
    let header = Header::read(bytes)
        .filter(Header::is_known)
        .ok_or_else(damaged)?;
    let size = [header.width, header.height].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    limits.check_size(size[0], size[1])?;
    let length = header.row * header.planes * header.height;
    let pixels = header.width * header.height;
    let _share = limits
        .memory
        .take((length + 6 * pixels) as u64 + (1 << 16))?;
    let data = &bytes[HEADER..];
    let rows = match header.is_packed {
        true => unpacked(data, length),
        false => data.get(..length).map(<[u8]>::to_vec),
    };
    let rows = rows.ok_or_else(|| Refused::broken("the PCX data ends early"))?;
    let colours = (header.bits, header.planes) == (8, 1);
    let colours = colours.then(|| own_palette(data)).flatten();
    let mut rgb = Vec::with_capacity(3 * pixels);
    for row in rows.chunks_exact(header.row * header.planes) {
        for x in 0..header.width {
            rgb.extend_from_slice(&pixel(&header, row, x, colours));
        }
    }
    let depth = header.bits;
    Ok((upright(size[0], size[1], rgb, &[])?, depth))
}

/// The colours behind the rows.
fn own_palette(data: &[u8]) -> Option<&[u8]> {
    let tail = data.get(data.len().checked_sub(PALETTE)?..)?;
    tail.strip_prefix(&[BEFORE_PALETTE])
}

/// A byte with its two highest bits set says how often the next one is repeated.
fn unpacked(mut data: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut all = Vec::with_capacity(length);
    while all.len() < length {
        let (&first, rest) = data.split_first()?;
        if first < 0xc0 {
            all.push(first);
            data = rest;
            continue;
        }
        let (&repeated, rest) = rest.split_first()?;
        let count = usize::from(first & 0x3f).min(length - all.len());
        all.resize(all.len() + count, repeated);
        data = rest;
    }
    Some(all)
}

fn pixel(header: &Header<'_>, row: &[u8], x: usize, colours: Option<&[u8]>) -> [u8; 3] {
    let sample = |plane: usize| {
        let bits = usize::from(header.bits);
        let byte = row[plane * header.row + x * bits / 8];
        let shift = 8 - bits - x * bits % 8;
        usize::from(byte >> shift) & ((1 << bits) - 1)
    };
    let colour = |palette: &[u8], index: usize| {
        let of_index = palette.get(3 * index..).and_then(<[u8]>::first_chunk::<3>);
        of_index.copied().unwrap_or_default()
    };
    match (header.bits, header.planes) {
        (8, 1) => match colours {
            Some(palette) => colour(palette, sample(0)),
            None => [sample(0) as u8; 3],
        },
        (8, _) => [0, 1, 2].map(|plane| sample(plane) as u8),
        // The palette of one with two tones is often left empty.
        (1, 1) => [255 * sample(0) as u8; 3],
        (1, planes) => {
            let index = (0..planes).map(|plane| sample(plane) << plane).sum();
            colour(header.palette, index)
        }
        _ => colour(header.palette, sample(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of these forms, its rows packed.
    fn file([width, height]: [u16; 2], (bits, planes): (u8, u8), row: u16, rows: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..4].copy_from_slice(&[0x0a, 5, 1, bits]);
        bytes[8..10].copy_from_slice(&(width - 1).to_le_bytes());
        bytes[10..12].copy_from_slice(&(height - 1).to_le_bytes());
        for index in 0..16_u8 {
            let at = 16 + 3 * usize::from(index);
            bytes[at..at + 3].copy_from_slice(&[16 * index, 255 - index, index]);
        }
        bytes[65] = planes;
        bytes[66..68].copy_from_slice(&row.to_le_bytes());
        for byte in rows {
            // Runs of one, so that each value can be written.
            bytes.extend([0xc1, *byte]);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Image {
        assert!(is_pcx(bytes));
        let limits = DecodeLimits {
            min_side: 1,
            ..DecodeLimits::default()
        };
        decode(bytes, &limits).unwrap().0
    }

    #[test]
    fn planes_indices_and_tones_are_read() {
        let colours = read(&file(
            [2, 2],
            (8, 3),
            2,
            &[1, 2, 11, 12, 21, 22, 3, 4, 13, 14, 23, 24],
        ));
        assert_eq!(colours.rgb(), [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24]);
        let grey = read(&file([3, 1], (8, 1), 4, &[7, 8, 9, 0]));
        assert_eq!(grey.rgb(), [7, 7, 7, 8, 8, 8, 9, 9, 9]);
        let mut indexed = file([2, 1], (8, 1), 2, &[0, 255]);
        indexed.push(BEFORE_PALETTE);
        indexed.extend((0..768).map(|at| (at / 3) as u8));
        assert_eq!(read(&indexed).rgb(), [0, 0, 0, 255, 255, 255]);
        let two = read(&file([10, 1], (1, 1), 2, &[0b1010_0000, 0b0100_0000]));
        let white: Vec<bool> = two.rgb().chunks(3).map(|pixel| pixel == [255; 3]).collect();
        assert_eq!(
            (white[0], white[1], white[2], white[9]),
            (true, false, true, true)
        );
        let sixteen = read(&file([2, 1], (1, 4), 1, &[0x80, 0x40, 0x80, 0x40]));
        assert_eq!(sixteen.rgb(), [16 * 5, 250, 5, 16 * 10, 245, 10]);
        let packed = read(&file([2, 1], (4, 1), 1, &[0x3f]));
        assert_eq!(packed.rgb(), [48, 252, 3, 240, 240, 15]);
    }

    #[test]
    fn runs_and_plain_rows_are_read() {
        let mut runs = file([40, 2], (8, 1), 40, &[]);
        runs.extend([0xc0 | 40, 0x55, 0xc0 | 20, 9, 0xc0 | 63, 0xff]);
        let image = read(&runs);
        let row: Vec<u8> = image.rgb().iter().step_by(3).copied().collect();
        assert_eq!(row, [vec![0x55; 40], vec![9; 20], vec![0xff; 20]].concat());
        let mut plain = file([2, 1], (8, 1), 2, &[]);
        plain[2] = 0;
        plain.extend([200, 201]);
        assert_eq!(read(&plain).rgb(), [200, 200, 200, 201, 201, 201]);
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let whole = file([20, 20], (8, 3), 20, &[9; 1200]);
        let limits = DecodeLimits::default();
        assert!(decode(&whole, &limits).is_ok());
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut], &limits).is_err(), "{cut}");
        }
        let narrow = file([20, 20], (8, 3), 19, &[9; 1200]);
        assert!(!is_pcx(&narrow) && decode(&narrow, &limits).is_err());
        assert!(!is_pcx(b"\nA text that begins with an empty line, and goes on for more than the head of a picture has: one, two, three, four, five, six, seven."));
        for at in 0..HEADER {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let few = DecodeLimits {
                    max_pixels: 1 << 20,
                    ..DecodeLimits::default()
                };
                let _no_panic = decode(&changed, &few);
            }
        }
    }
}
