//! What a directory says of its pixels: their size, samples, colours, and where they are.

use super::pixel::{self, Alpha, Colours, FAX, Kind};
use super::{Tiff, compression, tag};
use crate::limits::DecodeLimits;
use crate::refused::Refused;

/// The pixels of a directory.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Of each sample of a pixel, 1 to 64.
    pub(super) bits: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) colours: Colours,
    pub(super) alpha: Option<Alpha>,
    pub(super) compression: u16,
    /// 1, or 2 for differences, or 3 for those of floating-point numbers.
    pub(super) predictor: u64,
    /// Whether the bits of bytes are in reversed order.
    pub(super) is_reversed: bool,
    /// Whether each sample has strips or tiles of its own.
    pub(super) is_planar: bool,
    /// Width and height of a strip or tile.
    pub(super) chunk: [usize; 2],
    /// Begin and length in the file, of all strips or tiles.
    pub(super) places: Vec<(u64, u64)>,
    /// How many pixels share a sample of colour, across and down.
    pub(super) subsampling: [usize; 2],
}

impl Layout {
    /// Strips or tiles across and down.
    pub(super) fn grid(&self) -> [usize; 2] {
        [
            self.width.div_ceil(self.chunk[0]),
            self.height.div_ceil(self.chunk[1]),
        ]
    }

    /// Samples of a pixel within one strip or tile.
    pub(super) fn interleaved(&self) -> usize {
        if self.is_planar { 1 } else { self.bits.len() }
    }

    /// Samples that are used of a pixel: those of its colour, and its alpha.
    pub(super) fn channels(&self) -> usize {
        self.colours.samples() + usize::from(self.alpha.is_some())
    }

    /// Which channel a sample is.
    pub(super) fn channel(&self, sample: usize) -> Option<usize> {
        let colours = self.colours.samples();
        match self.alpha {
            _ if sample < colours => Some(sample),
            Some(alpha) if alpha.sample == sample => Some(colours),
            _ => None,
        }
    }

    /// Bits of the samples.
    pub(super) fn depth(&self) -> u8 {
        self.bits.iter().copied().max().unwrap_or(1)
    }

    /// Whether blocks of pixels share samples of colour in the data as they are decompressed.
    pub(super) fn is_subsampled(&self) -> bool {
        self.colours == Colours::YCbCr && self.subsampling != [1, 1] && self.compression != JPEG
    }

    /// Bytes of a row of a strip or tile, decompressed.
    pub(super) fn row_bytes(&self, sample: usize) -> usize {
        let bits: usize = match self.is_planar {
            true => usize::from(self.bits[sample]),
            false => self.bits.iter().map(|&bits| usize::from(bits)).sum(),
        };
        (self.chunk[0] * bits).div_ceil(8)
    }

    /// Bytes of this many rows of a strip or tile, decompressed.
    pub(super) fn chunk_bytes(&self, sample: usize, rows: usize) -> usize {
        if self.is_subsampled() {
            let [h, v] = self.subsampling;
            return self.chunk[0].div_ceil(h) * rows.div_ceil(v) * (h * v + 2);
        }
        self.row_bytes(sample) * rows
    }
}

/// JPEG as it was specified after TIFF 6.0 (Technical Note 2).
pub(super) const JPEG: u16 = 7;
impl Layout {
    /// Reads the directory at `offset`.
    ///
    /// # Errors
    /// [`crate::RefusedCode::Broken`] where it contradicts itself, [`crate::RefusedCode::FormatNotSupported`] for
    /// colours and samples that are not known, and what `limits` refuse.
    pub(super) fn of(tiff: &Tiff<'_>, offset: u64, limits: &DecodeLimits) -> Result<Self, Refused> {
        let value = |tag| tiff.first(offset, tag);
        let damaged = |what| Refused::broken(format!("the TIFF data is damaged: {what}"));
        let side = |tag| value(tag).and_then(|side| u32::try_from(side).ok());
        let sides = side(tag::WIDTH).zip(side(tag::HEIGHT));
        let (width, height) = sides.ok_or_else(|| damaged("the size is missing"))?;
        limits.check_size(width, height)?;
        let compression = value(tag::COMPRESSION).unwrap_or(1);
        let compression = u16::try_from(compression).unwrap_or(u16::MAX);
        compression::check(compression)?;
        let bits = pixel::bits(tiff, offset)?;
        if FAX.contains(&compression) && bits != [1] {
            return Err(damaged("facsimile has more than black and white"));
        }
        let colours = pixel::colours(value(tag::PHOTOMETRIC), bits.len(), compression)?;
        if bits.len() < colours.samples() {
            return Err(damaged("a pixel has too few samples"));
        }
        let kind = match value(tag::SAMPLE_FORMAT).unwrap_or(1) {
            // Writers that say so of bytes mean nothing by it: others read them without a sign too.
            2 if bits.iter().all(|bits| *bits == 8) => Kind::Unsigned,
            2 => Kind::Signed,
            3 => Kind::Float,
            5 | 6 => {
                return Err(Refused::not_supported(
                    "TIFF pictures of complex numbers are not supported",
                ));
            }
            _ => Kind::Unsigned,
        };
        let (width, height) = (width as usize, height as usize);
        let is_planar = value(tag::PLANAR).unwrap_or(1) == 2 && bits.len() > 1;
        let subsampling = match tiff.numbers(offset, tag::SUBSAMPLING).as_deref() {
            Some(&[h @ (1 | 2 | 4), v @ (1 | 2 | 4)]) => [h as usize, v as usize],
            None => [2, 2],
            Some(_) => return Err(damaged("the subsampling of colours is not possible")),
        };
        let mut layout = Self {
            width,
            height,
            alpha: pixel::alpha(
                tiff.numbers(offset, tag::EXTRA_SAMPLES),
                colours,
                bits.len(),
            ),
            bits,
            kind,
            colours,
            compression,
            predictor: value(tag::PREDICTOR).unwrap_or(1),
            is_reversed: value(tag::FILL_ORDER) == Some(2),
            is_planar,
            chunk: [width, height],
            places: Vec::new(),
            subsampling,
        };
        layout.find_chunks(tiff, offset, limits)?;
        layout.check(limits)?;
        Ok(layout)
    }

    /// Where strips or tiles are.
    fn find_chunks(
        &mut self,
        tiff: &Tiff<'_>,
        offset: u64,
        limits: &DecodeLimits,
    ) -> Result<(), Refused> {
        let damaged = |what| Refused::broken(format!("the TIFF data is damaged: {what}"));
        let value = |tag| tiff.first(offset, tag);
        let tiles = value(tag::TILE_WIDTH).zip(value(tag::TILE_HEIGHT));
        let tags = match (tiles, tiff.first(offset, tag::TILE_OFFSETS)) {
            (Some((width, height)), _) => {
                let most = limits.max_pixels.max(1 << 20);
                if width == 0 || height == 0 || width.saturating_mul(height) > most {
                    return Err(damaged("the size of a tile is not possible"));
                }
                self.chunk = [width as usize, height as usize];
                // Some writers name them as strips.
                match tiff.first(offset, tag::TILE_OFFSETS) {
                    Some(_) => [tag::TILE_OFFSETS, tag::TILE_BYTES],
                    None => [tag::STRIP_OFFSETS, tag::STRIP_BYTES],
                }
            }
            (None, Some(_)) => return Err(damaged("the size of a tile is missing")),
            (None, None) => {
                let rows = value(tag::ROWS_PER_STRIP).unwrap_or(0);
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                let all = self.height;
                self.chunk[1] = if rows == 0 { all } else { rows.min(all) };
                [tag::STRIP_OFFSETS, tag::STRIP_BYTES]
            }
        };
        let [across, down] = self.grid();
        let planes = if self.is_planar { self.bits.len() } else { 1 };
        let needed = (across * down).saturating_mul(planes);
        let offsets = tiff.numbers(offset, tags[0]).unwrap_or_default();
        if offsets.len() < needed {
            return Err(damaged("strips or tiles are missing"));
        }
        let lengths = tiff.numbers(offset, tags[1]).unwrap_or_default();
        let length_of_file = tiff.bytes.len() as u64;
        let places = offsets.iter().take(needed).enumerate().map(|(i, &begin)| {
            // A length that is missing: up to where the next one begins.
            let next = offsets.get(i + 1).copied().filter(|next| *next > begin);
            let otherwise = || next.unwrap_or(length_of_file).saturating_sub(begin);
            let length = lengths.get(i).copied();
            (begin, length.unwrap_or_else(otherwise))
        });
        self.places = places.collect();
        // One strip without a length, as some writers leave it.
        if let [(begin, length @ 0)] = self.places[..] {
            let _ = length;
            self.places[0].1 = length_of_file.saturating_sub(begin);
        }
        Ok(())
    }

    fn check(&self, limits: &DecodeLimits) -> Result<(), Refused> {
        let unlike = self.bits.iter().any(|bits| *bits != self.bits[0]);
        if unlike && (self.depth() > 8 || self.kind != Kind::Unsigned) {
            return Err(Refused::not_supported(
                "TIFF pictures with samples of different depths are not supported",
            ));
        }
        let is_float = self.kind == Kind::Float;
        if is_float && !matches!(self.bits[0], 16 | 32 | 64) {
            return Err(Refused::not_supported(format!(
                "TIFF pictures with floating-point samples of {} bits are not supported",
                self.bits[0]
            )));
        }
        if self.is_subsampled() && (self.is_planar || self.bits != [8; 3]) {
            return Err(Refused::not_supported(
                "this kind of subsampled TIFF is not supported",
            ));
        }
        // One strip or tile is decompressed at a time.
        let most = limits.max_pixels.saturating_mul(8).max(8 << 20);
        let chunk = (self.chunk[0] as u64).saturating_mul(self.chunk[1] as u64);
        let bits: u64 = self.bits.iter().map(|&bits| u64::from(bits)).sum();
        if chunk.saturating_mul(bits).div_ceil(8) > most {
            return Err(Refused::broken(
                "the TIFF data is damaged: a tile is too large",
            ));
        }
        Ok(())
    }
}
