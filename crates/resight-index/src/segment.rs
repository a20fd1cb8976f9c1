//! An immutable part of the inverted index: for each word, who has it, with which signature and
//! where.
//!
//! All of it is one run of bytes, the same in memory and on disk; `docs/index-format.md` says where
//! what stands. A segment holds at most 65,536 pictures, so that two bytes name one of them, the
//! votes of a search fit the second-level cache, and several threads share a large index.

use std::io;
use std::ops::Range;

use crate::Key;
use crate::live::{Filed, Keyed};
use crate::mapped::Bytes;
use crate::picture_words::PictureWords;
use crate::place::Place;
use crate::sealed::{self, HEADER, Header};

/// Pictures that one segment holds at most.
pub(crate) const MOST: usize = 1 << 16;

const MAGIC: [u8; 8] = *b"RSIGHTIX";
const VERSION: u32 = 2;

/// Postings of some pictures, grouped by word.
///
/// Invariant: `keys` ascend, and so do words, and the pictures within each word; a picture is
/// found by binary search and lists are merged without sorting.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Bytes,
    layout: Layout,
}

/// Where each part stands in the bytes.
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
    /// `None` when that many cannot be.
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

/// Bytes that are no segment of this program's, or no longer what was written.
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
    /// Builds a segment of at most [`MOST`] pictures, which ascend by key.
    pub(crate) fn build(pictures: &[(Key, PictureWords)]) -> Self {
        debug_assert!(pictures.is_sorted_by_key(|p| p.0) && pictures.len() <= MOST);
        let mut postings: Vec<(u32, u16, u64, Place)> = Vec::new();
        for ((_, words), picture) in pictures.iter().zip(0u16..=u16::MAX) {
            let words = words.postings().iter();
            postings.extend(words.map(|p| (p.word, picture, p.signature, p.place)));
        }
        postings.sort_unstable();
        let mut builder = Builder {
            keys: pictures.iter().map(|p| p.0.0).collect(),
            features: pictures
                .iter()
                .map(|p| p.1.postings().len() as u32)
                .collect(),
            ..Builder::default()
        };
        builder.reserve(postings.len());
        for (word, picture, signature, place) in postings {
            builder.push(word, picture, signature, place);
        }
        builder.finish()
    }

    /// One segment of several, in order and each key of one below every key of the next, without
    /// the pictures that `is_live` refuses; at most [`MOST`] may be left.
    pub(crate) fn merge(parts: &[Part<'_>]) -> Self {
        let mut builder = Builder::default();
        builder.reserve(parts.iter().map(|p| p.segment.pictures().len()).sum());
        // Where each picture goes.
        let mut moved: Vec<Vec<Option<u16>>> = Vec::with_capacity(parts.len());
        for part in parts {
            let segment = part.segment;
            let kept = segment.keys().iter().zip(segment.features());
            let moved_of = kept.zip(0u32..).map(|((key, features), picture)| {
                (part.is_live)(picture).then(|| {
                    builder.keys.push(*key);
                    builder.features.push(*features);
                    (builder.keys.len() - 1) as u16
                })
            });
            moved.push(moved_of.collect());
        }
        debug_assert!(builder.keys.is_sorted() && builder.keys.len() <= MOST);
        let mut at = vec![0; parts.len()];
        loop {
            let here = parts.iter().zip(&at);
            let words = here.filter_map(|(p, at)| p.segment.words().get(*at));
            let Some(&word) = words.min() else {
                return builder.finish();
            };
            for ((part, moved), at) in parts.iter().zip(&moved).zip(&mut at) {
                if part.segment.words().get(*at) == Some(&word) {
                    let range = part.segment.range(*at);
                    let postings = part.segment.at(range);
                    for (i, &picture) in postings.pictures.iter().enumerate() {
                        if let Some(to) = moved[usize::from(picture)] {
                            let place = Place(postings.places[i]);
                            builder.push(word, to, postings.signatures[i], place);
                        }
                    }
                    *at += 1;
                }
            }
        }
    }

    /// Reads a segment that [`Segment::sealed`] wrote for a vocabulary of this id.
    fn open(bytes: Bytes, vocabulary: &[u8; 16]) -> Result<Self, SegmentError> {
        let all = bytes.as_slice();
        let (header, body) = sealed::split(all, &MAGIC).ok_or(SegmentError::Damaged)?;
        if !sealed::is_of_version(header, VERSION) {
            return Err(SegmentError::Version);
        }
        let count = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&header[at..at + 8]);
            usize::try_from(u64::from_le_bytes(number)).ok()
        };
        let layout = count(16)
            .filter(|n| *n <= MOST)
            .zip(count(24))
            .zip(count(32))
            .and_then(|((n, w), p)| Layout::of(n, w, p))
            .filter(|layout| layout.length() == all.len())
            .ok_or(SegmentError::Damaged)?;
        if header[40..56] != *vocabulary {
            return Err(SegmentError::Vocabulary);
        }
        if !sealed::is_whole(header) || !sealed::is_for(header, blake3::hash(body).as_bytes()) {
            return Err(SegmentError::Damaged);
        }
        Ok(Self { bytes, layout })
    }

    /// The bytes with a header that lets them be opened again.
    fn sealed(&self, vocabulary: &[u8; 16]) -> (Header, &[u8]) {
        let body = &self.bytes.as_slice()[HEADER..];
        let mut header = sealed::begun(&MAGIC, VERSION);
        let counts = [
            self.keys().len(),
            self.words().len(),
            self.signatures().len(),
        ];
        for (i, count) in counts.into_iter().enumerate() {
            header[16 + 8 * i..24 + 8 * i].copy_from_slice(&(count as u64).to_le_bytes());
        }
        header[40..56].copy_from_slice(vocabulary);
        sealed::seal(&mut header, blake3::hash(body).as_bytes());
        (header, body)
    }

    fn part<T: bytemuck::Pod>(&self, range: &Range<usize>) -> &[T] {
        // The parts begin at multiples of eight, of memory that does as well.
        bytemuck::cast_slice(&self.bytes.as_slice()[range.clone()])
    }

    /// Features of each picture.
    pub(crate) fn features(&self) -> &[u32] {
        self.part(&self.layout.features)
    }

    /// Words that occur, ascending.
    pub(crate) fn words(&self) -> &[u32] {
        self.part(&self.layout.words)
    }

    /// Pictures that have each of [`Segment::words`].
    pub(crate) fn frequencies(&self) -> &[u32] {
        self.part(&self.layout.frequencies)
    }

    fn pictures(&self) -> &[u16] {
        self.part(&self.layout.pictures)
    }

    fn signatures(&self) -> &[u64] {
        self.part(&self.layout.signatures)
    }

    /// Postings of the word at `i` of [`Segment::words`].
    fn range(&self, i: usize) -> Range<usize> {
        let starts: &[u32] = self.part(&self.layout.starts);
        starts[i] as usize..starts[i + 1] as usize
    }

    /// Where the postings of `word` stand among all; empty where nothing has it.
    pub(crate) fn find_word(&self, word: u32) -> Range<usize> {
        let words = self.words();
        let Some(&last) = words.last().filter(|last| word <= **last) else {
            return 0..0;
        };
        // Words ascend, so as many as the segment lacks may be missing below this one, and no more. A large
        // segment lacks next to none; a search in all of them waited for memory longer than anything else.
        let lacking = (last as usize + 1).saturating_sub(words.len());
        let place = word as usize;
        let (from, until) = (place.saturating_sub(lacking), words.len().min(place + 1));
        let found = words[from..until].binary_search(&word);
        found.map_or(0..0, |i| self.range(from + i))
    }

    /// Places of all postings.
    pub(crate) fn places(&self) -> &[u32] {
        self.part(&self.layout.places)
    }

    /// The postings of a range, as [`Segment::find_word`] gives it.
    pub(crate) fn at(&self, range: Range<usize>) -> Postings<'_> {
        Postings {
            pictures: &self.pictures()[range.clone()],
            signatures: &self.signatures()[range.clone()],
            places: &self.places()[range],
        }
    }

    /// Each word with the pictures that have it (a picture as often as it has it).
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, &[u16])> {
        let words = self.words().iter().enumerate();
        words.map(|(i, &word)| (word, &self.pictures()[self.range(i)]))
    }

    /// Bytes held, in memory or on disk.
    pub(crate) fn length(&self) -> usize {
        self.bytes.as_slice().len()
    }
}

impl Keyed for Segment {
    fn keys(&self) -> &[u64] {
        self.part(&self.layout.keys)
    }
}

impl Filed for Segment {
    const ENDING: &'static str = ".segment";

    fn open(bytes: Bytes, vocabulary: &[u8; 16]) -> Result<Self, String> {
        Self::open(bytes, vocabulary).map_err(|e| e.to_string())
    }

    fn write(&self, vocabulary: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()> {
        let (header, body) = self.sealed(vocabulary);
        out.write_all(&header)?;
        out.write_all(body)
    }

    /// Keys are added in ascending order.
    fn may_follow(&self, before: &Self) -> bool {
        self.keys().first() > before.keys().last()
    }
}

/// Some postings: as many of each.
#[derive(Clone, Copy)]
pub(crate) struct Postings<'a> {
    /// Ascending within a word; a picture as often as it has the word.
    pub(crate) pictures: &'a [u16],
    pub(crate) signatures: &'a [u64],
    pub(crate) places: &'a [u32],
}

/// A segment and which of its pictures still count.
pub(crate) struct Part<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) is_live: &'a dyn Fn(u32) -> bool,
}

/// The parts of a segment to be.
#[derive(Default)]
struct Builder {
    keys: Vec<u64>,
    features: Vec<u32>,
    words: Vec<u32>,
    frequencies: Vec<u32>,
    starts: Vec<u32>,
    pictures: Vec<u16>,
    signatures: Vec<u64>,
    places: Vec<u32>,
}

impl Builder {
    fn reserve(&mut self, postings: usize) {
        self.pictures.reserve_exact(postings);
        self.signatures.reserve_exact(postings);
        self.places.reserve_exact(postings);
    }

    /// Postings must come by word, then by picture.
    fn push(&mut self, word: u32, picture: u16, signature: u64, place: Place) {
        if self.words.last() != Some(&word) {
            self.words.push(word);
            self.frequencies.push(0);
            self.starts.push(self.pictures.len() as u32);
        }
        let first = self.starts.last().map_or(0, |s| *s as usize);
        let new = self.pictures[first..].last() != Some(&picture);
        if let Some(frequency) = self.frequencies.last_mut() {
            *frequency += u32::from(new);
        }
        self.pictures.push(picture);
        self.signatures.push(signature);
        self.places.push(place.0);
    }

    fn finish(mut self) -> Segment {
        self.starts.push(self.pictures.len() as u32);
        let counts = (self.keys.len(), self.words.len(), self.pictures.len());
        // A sum of lengths of vectors that are all in memory.
        let layout = Layout::of(counts.0, counts.1, counts.2).unwrap_or_else(|| unreachable!());
        let mut words = vec![0u64; layout.length().div_ceil(8)];
        let out: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        // Each is let go once it is copied: all of them would be as large as the segment.
        put(out, &layout.keys, self.keys);
        put(out, &layout.features, self.features);
        put(out, &layout.words, self.words);
        put(out, &layout.frequencies, self.frequencies);
        put(out, &layout.starts, self.starts);
        put(out, &layout.pictures, self.pictures);
        put(out, &layout.signatures, self.signatures);
        put(out, &layout.places, self.places);
        let bytes = Bytes::Owned(words, layout.length());
        Segment { bytes, layout }
    }
}

fn put<T: bytemuck::NoUninit>(out: &mut [u8], range: &Range<usize>, part: Vec<T>) {
    out[range.clone()].copy_from_slice(bytemuck::cast_slice(&part));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture_words::Posting;

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
                let held: &[u64] = match words.clone().any(|w| w == word) {
                    true => &[u64::from(word)],
                    false => &[],
                };
                assert_eq!(found, held, "{word} of {set:b}");
            }
        }
    }
}
