//! The directories of a TIFF file: which of them are its pages, and where a page begins.
//!
//! Read here and not by the `tiff` crate, which opens no file whose first directory it cannot decode, as of
//! raw files.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

/// Directories read of one file, at most.
const MOST_DIRECTORIES: usize = 65_536;

/// Entries read of all directories of one file, at most: directories may overlap, so that a small file could
/// have many times its length in entries.
const MOST_ENTRIES: u64 = 1 << 20;

/// Values read of one tag, at most.
const MOST_VALUES: u64 = 64;

/// Tags (TIFF 6.0, section 8; SubIFDs: TIFF Technical Note 1).
pub(crate) mod tag {
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

    /// All of the above.
    pub(super) const READ: [u16; 15] = [
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
            42 => false,
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

    /// `entries` are those that may still be read.
    fn directory(&self, offset: u64, entries_left: &mut u64) -> Option<Directory> {
        let (count_len, entry_len, offset_len) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
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

    /// The values of the entry at `at`.
    fn values(&self, at: u64, offset_len: u64) -> Option<Vec<u64>> {
        // BYTE, ASCII, SHORT, LONG, UNDEFINED, IFD, LONG8 and IFD8.
        let length = match self.number(at + 2, 2)? {
            1 | 2 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        let count = self.number(at + 4, offset_len)?;
        let field = at + 4 + offset_len;
        let start = if count.checked_mul(length)? <= offset_len {
            field
        } else {
            self.number(field, offset_len)?
        };
        let values = (0..count.min(MOST_VALUES)).map(|i| {
            let at = start.checked_add(i * length)?;
            self.number(at, length)
        });
        values.collect()
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

    /// Where the directories of the pages begin. A file without any full picture has its first directory as
    /// its only page.
    pub(crate) fn pages(&self) -> Vec<u64> {
        let chain = self.chain();
        let pages = chain.iter().filter(|directory| directory.is_page());
        let pages: Vec<u64> = pages.map(|directory| directory.offset).collect();
        if pages.is_empty() {
            chain
                .first()
                .map(|first| first.offset)
                .into_iter()
                .collect()
        } else {
            pages
        }
    }

    /// The file with the directory at `offset` as its first.
    pub(crate) fn beginning_at(&self, offset: u64) -> Page<'a> {
        let (at, length) = self.header();
        let mut head = [0; HEAD];
        let start = self.bytes.get(..HEAD).unwrap_or(self.bytes);
        head[..start.len()].copy_from_slice(start);
        let value = if self.big_endian {
            offset.to_be_bytes()
        } else {
            offset.to_le_bytes()
        };
        // In little-endian order the low bytes come first.
        let skip = if self.big_endian { 8 - length } else { 0 } as usize;
        let (at, length) = (at as usize, length as usize);
        if let Some(field) = head.get_mut(at..at + length) {
            field.copy_from_slice(&value[skip..skip + length]);
        }
        Page {
            head,
            file: Cursor::new(self.bytes),
        }
    }
}

/// Bytes of the longest header, that of BigTIFF.
const HEAD: usize = 16;

/// A file as it would be with another header, without a copy of it.
pub(crate) struct Page<'a> {
    head: [u8; HEAD],
    file: Cursor<&'a [u8]>,
}

impl<'a> Page<'a> {
    /// The file as it is.
    pub(crate) fn whole(&self) -> &'a [u8] {
        self.file.get_ref()
    }
}

impl BufRead for Page<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let head = HEAD.min(self.whole().len());
        match usize::try_from(self.file.position()) {
            Ok(at) if at < head => Ok(&self.head[at..head]),
            _ => self.file.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.file.consume(amount);
    }
}

impl Read for Page<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Seek for Page<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little-endian TIFF of directories with these tags of one LONG each.
    fn file(directories: &[&[(u16, u32)]]) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        for (i, tags) in directories.iter().enumerate() {
            bytes.extend((tags.len() as u16).to_le_bytes());
            for (tag, value) in *tags {
                bytes.extend(tag.to_le_bytes());
                bytes.extend([4, 0, 1, 0, 0, 0]);
                bytes.extend(value.to_le_bytes());
            }
            let is_last = i + 1 == directories.len();
            let next = if is_last { 0 } else { bytes.len() as u32 + 4 };
            bytes.extend(next.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn smaller_copies_and_masks_are_no_pages() {
        let bytes = file(&[
            &[(tag::NEW_SUBFILE_TYPE, 1), (tag::WIDTH, 9)],
            &[(tag::WIDTH, 90)],
            &[(tag::NEW_SUBFILE_TYPE, 4)],
            &[(tag::SUBFILE_TYPE, 2)],
            &[(tag::NEW_SUBFILE_TYPE, 2), (tag::WIDTH, 91)],
        ]);
        let tiff = Tiff::open(&bytes).unwrap();
        let widths: Vec<_> = tiff
            .pages()
            .iter()
            .map(|&at| tiff.directory(at, &mut 9_999).unwrap().value(tag::WIDTH))
            .collect();
        assert_eq!(widths, [Some(90), Some(91)]);
        let mut second = Vec::new();
        let mut page = tiff.beginning_at(tiff.pages()[1]);
        page.read_to_end(&mut second).unwrap();
        assert_eq!(second.len(), bytes.len());
        assert_eq!(second[8..], bytes[8..]);
        let first = Tiff::open(&second).unwrap().chain().remove(0);
        assert_eq!(first.value(tag::WIDTH), Some(91));
        let only = file(&[&[(tag::NEW_SUBFILE_TYPE, 1)]]);
        assert_eq!(Tiff::open(&only).unwrap().pages(), [8]);
    }

    #[test]
    fn directories_that_overlap_cost_no_more_than_their_bound() {
        // Each begins within the one before, and claims as many entries as there can be.
        let number = 4_000_u32;
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.resize(8 + 2 + 12 * 65_535 + 12 * number as usize + 4, 0);
        for i in 0..number {
            let at = 8 + 12 * i as usize;
            bytes[at..at + 2].copy_from_slice(&[0xff, 0xff]);
            let next = at + 2 + 12 * 65_535;
            bytes[next..next + 4].copy_from_slice(&(at as u32 + 12).to_le_bytes());
        }
        let all = Tiff::open(&bytes).unwrap().all();
        assert!((1..=17).contains(&all.len()), "{}", all.len());
    }

    #[test]
    fn a_circle_of_directories_ends() {
        let mut bytes = file(&[&[(tag::WIDTH, 1)], &[(tag::WIDTH, 2)]]);
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&8_u32.to_le_bytes());
        assert_eq!(Tiff::open(&bytes).unwrap().chain().len(), 2);
    }

    #[test]
    fn any_cut_and_any_byte_are_read_without_a_panic() {
        let whole = file(&[&[(tag::WIDTH, 1), (tag::SUB_IFDS, 8)], &[(tag::WIDTH, 2)]]);
        for at in 0..whole.len() {
            let _ = Tiff::open(&whole[..at]).map(|tiff| tiff.all());
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = Tiff::open(&changed).map(|tiff| (tiff.all(), tiff.pages()));
            }
        }
    }
}
