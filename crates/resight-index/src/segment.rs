//! An immutable part of the inverted index: for each word, a posting list of the pictures that have
//! it, with signature and place.
//!
//! A segment is one run of bytes, the same in memory and on disk; `docs/index-format.md` has the
//! layout. It has at most 65,536 pictures, so that two bytes number one of them, the votes of a
//! search fit the second-level cache, and several threads share a large index.

pub(crate) mod builder;

use std::io;
use std::ops::Range;

use crate::file_header::{self, HEADER, Header};
use crate::mapped::Bytes;
use crate::segment_file::{Keyed, SegmentFile};

/// A segment has at most this many pictures.
pub(crate) const MAX_PICTURES: usize = 1 << 16;

const MAGIC: [u8; 8] = *b"RSIGHTIX";
const VERSION: u32 = 2;

/// Postings of some pictures, grouped by word.
///
/// Invariant: keys ascend, and so do words, and the pictures within each posting list. So pictures
/// and words are found by binary search.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Bytes,
    layout: Layout,
}

/// Byte range of each part.
#[derive(Clone, Debug)]
struct Layout {
    keys: Range<usize>,
    features: Range<usize>,
    words: Range<usize>,
    frequencies: Range<usize>,
    starts: Range<usize>,
    pictures: Range<usize>,
    signatures: Range<usize>,
    places: Range<usize>,
}

impl Layout {
    /// `None` when the lengths overflow.
    fn of(pictures: usize, words: usize, postings: usize) -> Option<Self> {
        let mut at = HEADER;
        let mut part = |count: usize, size: usize| {
            let length = count.checked_mul(size)?;
            let range = at..at.checked_add(length)?;
            at = range.end.checked_next_multiple_of(8)?;
            Some(range)
        };
        Some(Self {
            keys: part(pictures, 8)?,
            features: part(pictures, 4)?,
            words: part(words, 4)?,
            frequencies: part(words, 4)?,
            starts: part(words.checked_add(1)?, 4)?,
            pictures: part(postings, 2)?,
            signatures: part(postings, 8)?,
            places: part(postings, 4)?,
        })
    }

    fn length(&self) -> usize {
        self.places.end
    }
}

/// Why bytes are refused as a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SegmentError {
    #[error("it is damaged")]
    Damaged,
    #[error("it was made by another version of the format")]
    Version,
    #[error("it was made with another vocabulary")]
    Vocabulary,
}

impl Segment {
    /// Reads a segment that [`Segment::sealed`] wrote for a vocabulary of this id.
    fn open(bytes: Bytes, vocabulary: &[u8; 16]) -> Result<Self, SegmentError> {
        let all = bytes.as_slice();
        let (header, body) = file_header::split(all, &MAGIC).ok_or(SegmentError::Damaged)?;
        if !file_header::has_version(header, VERSION) {
            return Err(SegmentError::Version);
        }
        let count = |offset: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&header[offset..offset + 8]);
            usize::try_from(u64::from_le_bytes(number)).ok()
        };
        let layout = count(16)
            .filter(|n| *n <= MAX_PICTURES)
            .zip(count(24))
            .zip(count(32))
            .and_then(|((n, w), p)| Layout::of(n, w, p))
            .filter(|layout| layout.length() == all.len())
            .ok_or(SegmentError::Damaged)?;
        if header[40..56] != *vocabulary {
            return Err(SegmentError::Vocabulary);
        }
        if !file_header::is_intact(header)
            || !file_header::covers(header, blake3::hash(body).as_bytes())
        {
            return Err(SegmentError::Damaged);
        }
        Ok(Self { bytes, layout })
    }

    /// A header that lets the bytes be opened again, and the bytes behind it.
    fn sealed(&self, vocabulary: &[u8; 16]) -> (Header, &[u8]) {
        let body = &self.bytes.as_slice()[HEADER..];
        let mut header = file_header::new(&MAGIC, VERSION);
        let counts = [
            self.keys().len(),
            self.words().len(),
            self.signatures().len(),
        ];
        for (i, count) in counts.into_iter().enumerate() {
            header[16 + 8 * i..24 + 8 * i].copy_from_slice(&(count as u64).to_le_bytes());
        }
        header[40..56].copy_from_slice(vocabulary);
        file_header::seal(&mut header, blake3::hash(body).as_bytes());
        (header, body)
    }

    fn part<T: bytemuck::Pod>(&self, range: &Range<usize>) -> &[T] {
        // Parts begin at multiples of eight, and so does the memory.
        bytemuck::cast_slice(&self.bytes.as_slice()[range.clone()])
    }

    /// Number of features of each picture.
    pub(crate) fn features(&self) -> &[u32] {
        self.part(&self.layout.features)
    }

    /// Words that occur, ascending.
    pub(crate) fn words(&self) -> &[u32] {
        self.part(&self.layout.words)
    }

    /// Number of pictures that have each of [`Segment::words`].
    pub(crate) fn frequencies(&self) -> &[u32] {
        self.part(&self.layout.frequencies)
    }

    fn pictures(&self) -> &[u16] {
        self.part(&self.layout.pictures)
    }

    fn signatures(&self) -> &[u64] {
        self.part(&self.layout.signatures)
    }

    /// Range of the posting list of the `i`-th word.
    fn range(&self, i: usize) -> Range<usize> {
        let starts: &[u32] = self.part(&self.layout.starts);
        starts[i] as usize..starts[i + 1] as usize
    }

    /// Range of the posting list of `word` among all postings; empty where no picture has it.
    pub(crate) fn find_word(&self, word: u32) -> Range<usize> {
        let words = self.words();
        let Some(&last) = words.last().filter(|last| word <= **last) else {
            return 0..0;
        };
        // Words ascend, so at most as many as the segment lacks are missing below this one. A large
        // segment lacks next to none; a binary search over all words waited for memory longer than
        // any other step.
        let lacking = (last as usize + 1).saturating_sub(words.len());
        let place = word as usize;
        let (from, until) = (place.saturating_sub(lacking), words.len().min(place + 1));
        let found = words[from..until].binary_search(&word);
        found.map_or(0..0, |i| self.range(from + i))
    }

    /// Places of all postings, as [`crate::Place`] packs them.
    pub(crate) fn places(&self) -> &[u32] {
        self.part(&self.layout.places)
    }

    /// The postings of a range that [`Segment::find_word`] returned.
    pub(crate) fn at(&self, range: Range<usize>) -> Postings<'_> {
        Postings {
            pictures: &self.pictures()[range.clone()],
            signatures: &self.signatures()[range.clone()],
            places: &self.places()[range],
        }
    }

    /// Each word with the pictures of its posting list; a picture as often as it has the word.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, &[u16])> {
        let words = self.words().iter().enumerate();
        words.map(|(i, &word)| (word, &self.pictures()[self.range(i)]))
    }

    /// Bytes in memory or on disk.
    pub(crate) fn length(&self) -> usize {
        self.bytes.as_slice().len()
    }
}

impl Keyed for Segment {
    fn keys(&self) -> &[u64] {
        self.part(&self.layout.keys)
    }
}

impl SegmentFile for Segment {
    const EXTENSION: &'static str = ".segment";

    fn open(bytes: Bytes, vocabulary: &[u8; 16]) -> Result<Self, String> {
        Self::open(bytes, vocabulary).map_err(|e| e.to_string())
    }

    fn write(&self, vocabulary: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()> {
        let (header, body) = self.sealed(vocabulary);
        out.write_all(&header)?;
        out.write_all(body)
    }
}

/// A run of postings, as three columns of one length.
#[derive(Clone, Copy)]
pub(crate) struct Postings<'a> {
    /// Ascending within a posting list; a picture as often as it has the word.
    pub(crate) pictures: &'a [u16],
    pub(crate) signatures: &'a [u64],
    pub(crate) places: &'a [u32],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::picture_words::{PictureWords, Posting};
    use crate::place::Place;

    #[test]
    fn a_word_is_found_in_any_set_of_words() {
        for set in 0u32..1 << 9 {
            let words = (0..9).filter(|word| set >> word & 1 == 1);
            let postings = words.clone().map(|word| Posting {
                word,
                signature: u64::from(word),
                place: Place::default(),
            });
            let segment = Segment::build(&[(Key(1), PictureWords::new(postings.collect()))]);
            for word in 0..12 {
                let found = segment.at(segment.find_word(word)).signatures;
                let expected = words.clone().filter(|w| *w == word).map(u64::from);
                assert!(found.iter().copied().eq(expected), "{word} of {set:b}");
            }
        }
    }
}
