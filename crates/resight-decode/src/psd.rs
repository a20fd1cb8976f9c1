//! Photoshop files (PSD, and PSB for large ones): the merged picture behind the layers (Adobe Photoshop File Formats
//! Specification, 2019). The crate `psd` reads RGB of eight bits alone.

use std::io::Read as _;

use resight_vision::Image;

use crate::colour_spaces::{cmyk, lab};
use crate::limits::DecodeLimits;
use crate::packbits::packbits;
use crate::refused::Refused;
use crate::tiff::undo_predictor;
use crate::upright::upright;

/// The resource that says whether there is a merged picture.
const VERSION_INFO: u16 = 1057;

/// Reads big-endian numbers and parts of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Refused> {
        let early = || Refused::broken("the Photoshop data ends early");
        let count = usize::try_from(count).map_err(|_| early())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(early)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: u64) -> Result<u64, Refused> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }
}

/// What the header says.
struct Header<'a> {
    is_large: bool,
    channels: usize,
    width: usize,
    height: usize,
    depth: u8,
    mode: u64,
    palette: &'a [u8],
}

/// Decodes the merged picture, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let mut reader = Reader(bytes);
    let header = header(&mut reader, limits)?;
    let length = reader.number(4)?;
    let has_picture = has_merged(reader.take(length)?);
    let length = reader.number(if header.is_large { 8 } else { 4 })?;
    reader.take(length)?;
    if !has_picture {
        return Err(Refused::not_supported(
            "this Photoshop file was saved without its merged picture; save it with maximum compatibility",
        ));
    }
    let colours = match header.mode {
        0..=2 | 8 => 1,
        3 | 9 => 3,
        4 => 4,
        // Of several inks without a meaning the first.
        _ => 1,
    };
    if header.channels < colours {
        return Err(Refused::broken(
            "the Photoshop data is damaged: channels are missing",
        ));
    }
    let pixels = (header.width * header.height) as u64;
    let size = u64::from(header.depth).div_ceil(8);
    let stored = pixels * size * (header.channels as u64 + 1);
    let _share = limits
        .memory
        .take(bytes.len() as u64 + stored + 8 * pixels + (2 << 20))?;
    let planes = planes(&mut reader, &header, colours)?;
    let mut rgb = Vec::with_capacity(3 * pixels as usize);
    let value_at = |channel: usize, i: usize| planes[channel].get(i).copied().unwrap_or(0);
    for i in 0..pixels as usize {
        let value = |channel: usize| value_at(channel, i);
        rgb.extend(match header.mode {
            2 => [0, 256, 512].map(|at| {
                header
                    .palette
                    .get(at + usize::from(value(0)))
                    .copied()
                    .unwrap_or(0)
            }),
            3 => [value(0), value(1), value(2)],
            // Full ink is 0.
            4 => cmyk([value(0), value(1), value(2), value(3)].map(|ink| 255 - ink)),
            9 => lab(
                value(0),
                f32::from(value(1)) - 128.0,
                f32::from(value(2)) - 128.0,
            ),
            _ => [value(0); 3],
        });
    }
    drop(planes);
    let image = upright(header.width as u32, header.height as u32, rgb, &[])?;
    Ok((image, header.depth))
}

fn header<'a>(reader: &mut Reader<'a>, limits: &DecodeLimits) -> Result<Header<'a>, Refused> {
    reader.take(4)?;
    let version = reader.number(2)?;
    reader.take(6)?;
    let channels = reader.number(2)?;
    let (height, width) = (reader.number(4)? as u32, reader.number(4)? as u32);
    let (depth, mode) = (reader.number(2)?, reader.number(2)?);
    limits.check_size(width, height)?;
    if !matches!(version, 1 | 2)
        || !matches!(depth, 1 | 8 | 16 | 32)
        || !(1..=56).contains(&channels)
    {
        return Err(Refused::broken(
            "the Photoshop data is damaged: the header is not possible",
        ));
    }
    let length = reader.number(4)?;
    Ok(Header {
        is_large: version == 2,
        channels: channels as usize,
        width: width as usize,
        height: height as usize,
        depth: depth as u8,
        mode,
        palette: reader.take(length)?,
    })
}

/// Whether the resources say that there is a merged picture, or nothing about it.
fn has_merged(resources: &[u8]) -> bool {
    let mut reader = Reader(resources);
    let mut one = || -> Result<(u64, &[u8]), Refused> {
        reader.take(4)?;
        let id = reader.number(2)?;
        // A name, padded to an even length with its own length.
        let name = reader.number(1)?;
        reader.take(name + (name + 1) % 2)?;
        let length = reader.number(4)?;
        let content = reader.take(length)?;
        reader.take(length % 2)?;
        Ok((id, content))
    };
    while let Ok((id, content)) = one() {
        if id == u64::from(VERSION_INFO) {
            return content.get(4) != Some(&0);
        }
    }
    true
}

/// The first planes of the merged picture, with eight bits a sample.
fn planes(
    reader: &mut Reader<'_>,
    header: &Header<'_>,
    count: usize,
) -> Result<Vec<Vec<u8>>, Refused> {
    let early = || Refused::broken("the Photoshop data ends early");
    let row = (header.width * usize::from(header.depth)).div_ceil(8);
    let plane = row * header.height;
    let method = reader.number(2)?;
    let mut planes = Vec::new();
    match method {
        0 => {
            for _ in 0..count {
                planes.push(eight_bits(reader.take(plane as u64)?, header, row));
            }
        }
        1 => {
            let width = if header.is_large { 4 } else { 2 };
            let lengths = reader.take((header.channels * header.height) as u64 * width)?;
            let mut lengths = Reader(lengths);
            for _ in 0..count {
                let mut rows = Vec::with_capacity(plane);
                for _ in 0..header.height {
                    let data = reader.take(lengths.number(width)?)?;
                    let unpacked = packbits(data, row);
                    if unpacked.len() < row {
                        return Err(early());
                    }
                    rows.extend(unpacked);
                }
                planes.push(eight_bits(&rows, header, row));
            }
        }
        2 | 3 => {
            let mut decoder = flate2::read::ZlibDecoder::new(reader.0);
            for _ in 0..count {
                let mut rows = vec![0; plane];
                decoder.read_exact(&mut rows).map_err(|_| early())?;
                if method == 3 {
                    let predictor = if header.depth == 32 { 3 } else { 2 };
                    for row in rows.chunks_exact_mut(row.max(1)) {
                        undo_predictor(row, predictor, header.depth, 1, true);
                    }
                }
                planes.push(eight_bits(&rows, header, row));
            }
        }
        other => {
            return Err(Refused::not_supported(format!(
                "Photoshop files compressed with method {other} are not supported"
            )));
        }
    }
    Ok(planes)
}

/// One plane with eight bits a sample.
fn eight_bits(rows: &[u8], header: &Header<'_>, row: usize) -> Vec<u8> {
    match header.depth {
        // 1 is black.
        1 => rows
            .chunks_exact(row.max(1))
            .flat_map(|row| {
                (0..header.width).map(|x| {
                    if row[x / 8] & (0x80 >> (x % 8)) == 0 {
                        255
                    } else {
                        0
                    }
                })
            })
            .collect(),
        8 => rows.to_vec(),
        16 => rows
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| ((u32::from(u16::from_be_bytes(*pair)) + 128) / 257) as u8)
            .collect(),
        // Linear light.
        _ => rows
            .as_chunks::<4>()
            .0
            .iter()
            .map(|four| crate::colour_spaces::encoded(f32::from_be_bytes(*four)))
            .collect(),
    }
}
