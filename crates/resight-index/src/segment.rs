//! An immutable part of the inverted index: for each word, who has it and with which signature.

use crate::Key;
use crate::picture_words::PictureWords;

/// Postings of some pictures, grouped by word.
///
/// Invariant: `keys` ascend, and so do the pictures within each word, so a picture is found by
/// binary search and lists are merged without sorting.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    keys: Vec<Key>,
    /// Features of each picture.
    features: Vec<u32>,
    /// Words that occur, ascending.
    words: Vec<u32>,
    /// Postings of `words[i]` are `starts[i] .. starts[i + 1]`.
    starts: Vec<u32>,
    /// Index into `keys`.
    pictures: Vec<u32>,
    signatures: Vec<u64>,
}

impl Segment {
    /// Builds a segment; `pictures` ascend by key.
    pub(crate) fn build(pictures: &[(Key, PictureWords)]) -> Self {
        debug_assert!(pictures.is_sorted_by_key(|p| p.0));
        let mut postings: Vec<(u32, u32, u64)> = Vec::new();
        for ((_, words), picture) in pictures.iter().zip(0u32..) {
            postings.extend(
                words
                    .features()
                    .iter()
                    .map(|f| (f.word, picture, f.signature)),
            );
        }
        postings.sort_unstable();
        let mut segment = Self {
            keys: pictures.iter().map(|p| p.0).collect(),
            features: pictures
                .iter()
                .map(|p| p.1.features().len() as u32)
                .collect(),
            ..Self::default()
        };
        for (word, picture, signature) in postings {
            segment.push(word, picture, signature);
        }
        segment.starts.push(segment.pictures.len() as u32);
        segment
    }

    /// Postings must come by word, then by picture.
    fn push(&mut self, word: u32, picture: u32, signature: u64) {
        if self.words.last() != Some(&word) {
            self.words.push(word);
            self.starts.push(self.pictures.len() as u32);
        }
        self.pictures.push(picture);
        self.signatures.push(signature);
    }

    /// One segment of two, without the pictures that `keep` refuses; every key of `older` is
    /// below every key of `newer`.
    pub(crate) fn merge(older: &Part<'_>, newer: &Part<'_>) -> Self {
        let (older_postings, newer_postings) =
            (older.segment.pictures.len(), newer.segment.pictures.len());
        let mut merged = Self {
            pictures: Vec::with_capacity(older_postings + newer_postings),
            signatures: Vec::with_capacity(older_postings + newer_postings),
            ..Self::default()
        };
        // Where each picture goes; MAX: dropped.
        let mut places = [Vec::new(), Vec::new()];
        for (part, places) in [older, newer].into_iter().zip(&mut places) {
            for picture in 0..part.segment.keys.len() {
                places.push(if (part.is_live)(picture as u32) {
                    merged.keys.push(part.segment.keys[picture]);
                    merged.features.push(part.segment.features[picture]);
                    merged.keys.len() as u32 - 1
                } else {
                    u32::MAX
                });
            }
        }
        debug_assert!(merged.keys.is_sorted());
        let (a, b) = (older.segment, newer.segment);
        let (mut i, mut j) = (0, 0);
        while i < a.words.len() || j < b.words.len() {
            let word = match (a.words.get(i), b.words.get(j)) {
                (Some(&x), Some(&y)) => x.min(y),
                (Some(&x), None) | (None, Some(&x)) => x,
                (None, None) => break,
            };
            for (segment, places, at) in [(a, &places[0], &mut i), (b, &places[1], &mut j)] {
                if segment.words.get(*at) == Some(&word) {
                    for p in segment.starts[*at] as usize..segment.starts[*at + 1] as usize {
                        let to = places[segment.pictures[p] as usize];
                        if to != u32::MAX {
                            merged.push(word, to, segment.signatures[p]);
                        }
                    }
                    *at += 1;
                }
            }
        }
        merged.starts.push(merged.pictures.len() as u32);
        merged
    }

    /// Pictures and signatures of `word`.
    pub(crate) fn postings(&self, word: u32) -> (&[u32], &[u64]) {
        match self.words.binary_search(&word) {
            Ok(i) => {
                let range = self.starts[i] as usize..self.starts[i + 1] as usize;
                (&self.pictures[range.clone()], &self.signatures[range])
            }
            Err(_) => (&[], &[]),
        }
    }

    /// Each word with the pictures that have it (a picture as often as it has it).
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, &[u32])> {
        self.words
            .iter()
            .zip(self.starts.windows(2))
            .map(|(&w, s)| (w, &self.pictures[s[0] as usize..s[1] as usize]))
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Number of features of a picture.
    pub(crate) fn feature_count(&self, picture: u32) -> u32 {
        self.features[picture as usize]
    }

    /// The picture with this key.
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        self.keys.binary_search(&key).ok().map(|i| i as u32)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.len() * 12 + self.words.len() * 8 + self.pictures.len() * 12
    }
}

/// A segment and which of its pictures still count.
pub(crate) struct Part<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) is_live: &'a dyn Fn(u32) -> bool,
}
