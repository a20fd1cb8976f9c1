//! TIFF files: their directories, which of them are pages, and the pixels of a page.
//!
//! Read here and not by the `tiff` crate. It opens no file whose first directory it cannot decode, as of raw files,
//! and no palettes, L*a*b*, subsampled colours, group 3 facsimile, packed samples or samples of different depths.
//! Compression is left to crates.

mod colours;
mod compression;
mod layout;
mod picture;
mod pixel;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

pub(crate) use picture::decode;
pub(crate) use samples::undo_predictor;

/// Directories read of one file, at most.
const MOST_DIRECTORIES: usize = 65_536;

/// Entries read of all directories of one file, at most: directories may overlap, so that a small file could
/// have many times its length in entries.
const MOST_ENTRIES: u64 = 1 << 20;

/// Values read of one tag, at most.
const MOST_VALUES: u64 = 64;

/// Tags (TIFF 6.0, section 8; SubIFDs: TIFF Technical Note 1).
pub(crate) mod tag {
    /// Of Panasonic's raw files.
    pub(crate) const SENSOR_WIDTH: u16 = 2;
    pub(crate) const SENSOR_HEIGHT: u16 = 3;
    pub(crate) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(crate) const SUBFILE_TYPE: u16 = 255;
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const MAKE: u16 = 271;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const ORIENTATION: u16 = 274;
    pub(crate) const STRIP_BYTES: u16 = 279;
    pub(crate) const SUB_IFDS: u16 = 330;
    pub(crate) const JPEG_OFFSET: u16 = 513;
    pub(crate) const JPEG_BYTES: u16 = 514;
    pub(crate) const DNG_VERSION: u16 = 50_706;

    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const T4_OPTIONS: u16 = 292;
    pub(super) const PREDICTOR: u16 = 317;
    pub(super) const COLOUR_MAP: u16 = 320;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_HEIGHT: u16 = 323;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_BYTES: u16 = 325;
    pub(super) const EXTRA_SAMPLES: u16 = 338;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
    pub(super) const JPEG_TABLES: u16 = 347;
    pub(super) const SUBSAMPLING: u16 = 530;
    pub(super) const PROFILE: u16 = 34_675;

    /// Those that all directories are read for.
    pub(super) const READ: [u16; 17] = [
        SENSOR_WIDTH,
        SENSOR_HEIGHT,
        NEW_SUBFILE_TYPE,
        SUBFILE_TYPE,
        WIDTH,
        HEIGHT,
        BITS,
        COMPRESSION,
        PHOTOMETRIC,
        MAKE,
        STRIP_OFFSETS,
        ORIENTATION,
        STRIP_BYTES,
        SUB_IFDS,
        JPEG_OFFSET,
        JPEG_BYTES,
        DNG_VERSION,
    ];
}

/// The first values of each of [`tag::READ`], of those that are unsigned numbers or text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// Where it begins in the file.
    offset: u64,
    tags: BTreeMap<u16, Vec<u64>>,
    /// Where the next one begins; 0 after the last.
    next: u64,
}

impl Directory {
    /// The values of a tag; empty where it is missing.
    pub(crate) fn values(&self, tag: u16) -> &[u64] {
        self.tags.get(&tag).map_or(&[], Vec::as_slice)
    }

    /// The first value of a tag.
    pub(crate) fn value(&self, tag: u16) -> Option<u64> {
        self.values(tag).first().copied()
    }

    /// Whether it is a picture of its own, and not a smaller copy or the mask of another one.
    fn is_page(&self) -> bool {
        const REDUCED: u64 = 1;
        const MASK: u64 = 4;
        let new = self.value(tag::NEW_SUBFILE_TYPE).unwrap_or(0);
        new & (REDUCED | MASK) == 0 && self.value(tag::SUBFILE_TYPE) != Some(2)
    }
}

/// Where the values of a tag are.
struct Field {
    start: u64,
    count: u64,
    /// Bytes of each.
    length: u64,
}

/// An entry of a directory as it stands in the file, in the file's order of bytes.
pub(crate) struct Entry<'a> {
    pub(crate) tag: u16,
    /// The type of its values (TIFF 6.0, section 2).
    pub(crate) kind: u16,
    /// Bytes of each value.
    pub(crate) length: usize,
    /// All values.
    pub(crate) bytes: &'a [u8],
}

/// The structure of a TIFF or BigTIFF file.
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    /// Whether offsets and counts have eight bytes.
    big: bool,
}

impl<'a> Tiff<'a> {
    /// `None` where the header is not that of a TIFF file.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut tiff = Self {
            bytes,
            big_endian,
            big: false,
        };
        tiff.big = match tiff.number(2, 2)? {
            // TIFF, and Olympus and Panasonic, whose raw files differ in this number.
            42 | 0x4f52 | 0x5352 | 0x55 => false,
            43 => true,
            _ => return None,
        };
        Some(tiff)
    }

    /// An unsigned number of `count` bytes, 1 to 8.
    fn number(&self, at: u64, count: u64) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..)?.get(..count as usize)?;
        let step = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
        Some(if self.big_endian {
            bytes.iter().fold(0, step)
        } else {
            bytes.iter().rev().fold(0, step)
        })
    }

    /// Where the header names the first directory, and how many bytes an offset has.
    fn header(&self) -> (u64, u64) {
        if self.big { (8, 8) } else { (4, 4) }
    }

    /// Where the first directory begins; 0 where the file ends before it says so.
    pub(crate) fn first_directory(&self) -> u64 {
        let (at, length) = self.header();
        self.number(at, length).unwrap_or(0)
    }

    /// Bytes of the number of entries, of an entry, and of an offset.
    fn lengths(&self) -> (u64, u64, u64) {
        if self.big { (8, 20, 8) } else { (2, 12, 4) }
    }

    /// `entries` are those that may still be read.
    fn directory(&self, offset: u64, entries_left: &mut u64) -> Option<Directory> {
        let (count_len, entry_len, offset_len) = self.lengths();
        let count = self.number(offset, count_len)?.min(65_535);
        *entries_left = entries_left.checked_sub(count)?;
        let mut found = Directory {
            offset,
            ..Directory::default()
        };
        let entries = offset.checked_add(count_len)?;
        for i in 0..count {
            let at = entries.checked_add(i * entry_len)?;
            let tag = self.number(at, 2)? as u16;
            if !tag::READ.contains(&tag) {
                continue;
            }
            // Of a damaged entry the others are still usable.
            if let Some(values) = self.values(at, offset_len) {
                found.tags.entry(tag).or_insert(values);
            }
        }
        let next = entries.checked_add(count * entry_len)?;
        // Some writers end the file here.
        found.next = self.number(next, offset_len).unwrap_or(0);
        Some(found)
    }

    /// The first values of the entry at `at`.
    fn values(&self, at: u64, offset_len: u64) -> Option<Vec<u64>> {
        let field = self.field(at, offset_len)?;
        (0..field.count.min(MOST_VALUES))
            .map(|i| self.number(field.start.checked_add(i * field.length)?, field.length))
            .collect()
    }

    /// Where the values of the entry at `at` are.
    fn field(&self, at: u64, offset_len: u64) -> Option<Field> {
        // BYTE, ASCII, SHORT, LONG, UNDEFINED, IFD, LONG8 and IFD8.
        let length = match self.number(at + 2, 2)? {
            1 | 2 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        self.placed(at, offset_len, length)
    }

    /// Where the values of the entry at `at` are, each of so many bytes.
    fn placed(&self, at: u64, offset_len: u64, length: u64) -> Option<Field> {
        let count = self.number(at + 4, offset_len)?;
        let field = at + 4 + offset_len;
        let start = if count.checked_mul(length)? <= offset_len {
            field
        } else {
            self.number(field, offset_len)?
        };
        Some(Field {
            start,
            count,
            length,
        })
    }

    /// The first `most` entries of the directory at `offset`, without those that the file does not have as a whole.
    pub(crate) fn entries(&self, offset: u64, most: u64) -> Vec<Entry<'a>> {
        let (count_len, entry_len, offset_len) = self.lengths();
        let count = self.number(offset, count_len).unwrap_or(0).min(most);
        let entry = |i: u64| {
            let at = offset.checked_add(count_len + i * entry_len)?;
            let kind = self.number(at.checked_add(2)?, 2)? as u16;
            let length: u64 = match kind {
                1 | 2 | 6 | 7 => 1,
                3 | 8 => 2,
                4 | 9 | 11 => 4,
                5 | 10 | 12 => 8,
                _ => return None,
            };
            Some(Entry {
                tag: self.number(at, 2)? as u16,
                kind,
                length: length as usize,
                bytes: self.slice(&self.placed(at, offset_len, length)?)?,
            })
        };
        (0..count).filter_map(entry).collect()
    }

    /// Whether its numbers have their greatest byte first.
    pub(crate) fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// The first entry with a tag in the directory at `offset`.
    fn entry(&self, offset: u64, tag: u16) -> Option<Field> {
        let (count_len, entry_len, offset_len) = self.lengths();
        let count = self.number(offset, count_len)?.min(65_535);
        let entries = offset.checked_add(count_len)?;
        let mut places = (0..count).map(|i| entries.saturating_add(i * entry_len));
        let at = places.find(|at| self.number(*at, 2) == Some(u64::from(tag)))?;
        self.field(at, offset_len)
    }

    /// The first value of a tag in the directory at `offset`.
    pub(crate) fn first(&self, offset: u64, tag: u16) -> Option<u64> {
        let field = self.entry(offset, tag).filter(|field| field.count > 0)?;
        self.number(field.start, field.length)
    }

    /// All values of a tag in the directory at `offset`; `None` where some are not in the file.
    fn numbers(&self, offset: u64, tag: u16) -> Option<Vec<u64>> {
        let field = self.entry(offset, tag)?;
        let end = field
            .start
            .checked_add(field.count.checked_mul(field.length)?)?;
        if end > self.bytes.len() as u64 {
            return None;
        }
        (0..field.count)
            .map(|i| self.number(field.start + i * field.length, field.length))
            .collect()
    }

    /// The bytes of a tag in the directory at `offset`.
    pub(crate) fn bytes_of(&self, offset: u64, tag: u16) -> Option<&'a [u8]> {
        let field = self.entry(offset, tag).filter(|field| field.length == 1)?;
        self.slice(&field)
    }

    /// The bytes of all values; `None` where some are not in the file.
    fn slice(&self, field: &Field) -> Option<&'a [u8]> {
        let start = usize::try_from(field.start).ok()?;
        let length = usize::try_from(field.count.checked_mul(field.length)?).ok()?;
        self.bytes.get(start..start.checked_add(length)?)
    }

    /// The directories that the header leads to, in order.
    pub(crate) fn chain(&self) -> Vec<Directory> {
        self.chain_within(&mut HashSet::new(), &mut { MOST_ENTRIES })
    }

    fn chain_within(&self, seen: &mut HashSet<u64>, entries: &mut u64) -> Vec<Directory> {
        let (at, length) = self.header();
        let mut next = self.number(at, length).unwrap_or(0);
        let mut found = Vec::new();
        while next != 0 && found.len() < MOST_DIRECTORIES && seen.insert(next) {
            let Some(directory) = self.directory(next, entries) else {
                break;
            };
            next = directory.next;
            found.push(directory);
        }
        found
    }

    /// The directories of the chain and those below them, two levels deep at most.
    pub(crate) fn all(&self) -> Vec<Directory> {
        let (mut seen, mut entries) = (HashSet::new(), MOST_ENTRIES);
        let mut found = self.chain_within(&mut seen, &mut entries);
        let mut begin = 0;
        for _ in 0..2 {
            let level = begin..found.len();
            begin = found.len();
            let below = found[level].iter().flat_map(|d| d.values(tag::SUB_IFDS));
            let below: Vec<Directory> = below
                .take(MOST_VALUES as usize)
                .filter(|&&offset| seen.insert(offset))
                .filter_map(|&offset| self.directory(offset, &mut entries))
                .collect();
            found.extend(below);
        }
        found
    }

    /// Where the directories of the pages begin. Where the chain has only smaller copies and masks, the pages are below
    /// them. A file without any full picture has its largest directory as its only page.
    pub(crate) fn pages(&self) -> Vec<u64> {
        let pages = |directories: &[Directory]| -> Vec<u64> {
            let pages = directories.iter().filter(|directory| directory.is_page());
            pages.map(|directory| directory.offset).collect()
        };
        let found = pages(&self.chain());
        if !found.is_empty() {
            return found;
        }
        let all = self.all();
        let found = pages(&all);
        if !found.is_empty() {
            return found;
        }
        let area = |directory: &&Directory| {
            let [width, height] = [tag::WIDTH, tag::HEIGHT].map(|tag| directory.value(tag));
            width.unwrap_or(0).saturating_mul(height.unwrap_or(0))
        };
        // Of equals the first.
        let largest = all.iter().rev().max_by_key(area);
        largest
            .map(|directory| directory.offset)
            .into_iter()
            .collect()
    }
}
