//! Makes segments: of pictures, and of other segments.

use std::ops::Range;

use super::{Layout, MAX_PICTURES, Segment};
use crate::Key;
use crate::mapped::Bytes;
use crate::picture_words::PictureWords;
use crate::place::Place;
use crate::segment_file::Keyed;

/// A segment to be merged, and which of its pictures are.
pub(crate) struct MergeInput<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) takes: &'a dyn Fn(u32) -> bool,
}

impl Segment {
    /// Builds a segment of at most [`MAX_PICTURES`], which ascend by key.
    pub(crate) fn build(pictures: &[(Key, PictureWords)]) -> Self {
        debug_assert!(pictures.is_sorted_by_key(|p| p.0) && pictures.len() <= MAX_PICTURES);
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

    /// One segment of the pictures that the inputs take, at most [`MAX_PICTURES`], with different
    /// keys.
    pub(crate) fn merge(inputs: &[MergeInput<'_>]) -> Self {
        let mut builder = Builder::default();
        builder.reserve(inputs.iter().map(|i| i.segment.pictures().len()).sum());
        let (new_numbers, in_order) = builder.number_pictures(inputs);
        // Postings of one word, where pictures of several inputs interleave.
        let mut interleaved: Vec<(u16, u64, Place)> = Vec::new();
        let mut at = vec![0; inputs.len()];
        loop {
            let next_words = inputs.iter().zip(&at);
            let next_words = next_words.filter_map(|(i, at)| i.segment.words().get(*at));
            let Some(&word) = next_words.min() else {
                return builder.finish();
            };
            for ((input, numbers), at) in inputs.iter().zip(&new_numbers).zip(&mut at) {
                if input.segment.words().get(*at) == Some(&word) {
                    let range = input.segment.range(*at);
                    let postings = input.segment.at(range);
                    for (i, &picture) in postings.pictures.iter().enumerate() {
                        if let Some(to) = numbers[usize::from(picture)] {
                            let (signature, place) = (postings.signatures[i], postings.places[i]);
                            if in_order {
                                builder.push(word, to, signature, Place(place));
                            } else {
                                interleaved.push((to, signature, Place(place)));
                            }
                        }
                    }
                    *at += 1;
                }
            }
            // Stable: a picture's postings keep their order.
            interleaved.sort_by_key(|posting| posting.0);
            for (picture, signature, place) in interleaved.drain(..) {
                builder.push(word, picture, signature, place);
            }
        }
    }
}

/// The parts of a segment while it is built.
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

    /// Adds the pictures that `inputs` take, ascending by key. Returns the new number of each
    /// picture of each input, `None` for those left out, and whether new numbers ascend from input
    /// to input: they do where keys were added in ascending order.
    fn number_pictures(&mut self, inputs: &[MergeInput<'_>]) -> (Vec<Vec<Option<u16>>>, bool) {
        let mut taken: Vec<(u64, usize, u32)> = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            let pictures = input.segment.keys().iter().zip(0u32..);
            let pictures = pictures.filter(|(_, picture)| (input.takes)(*picture));
            taken.extend(pictures.map(|(&key, picture)| (key, number, picture)));
        }
        let in_order = taken.is_sorted();
        if !in_order {
            taken.sort_unstable();
        }
        debug_assert!(taken.is_sorted_by(|a, b| a.0 < b.0) && taken.len() <= MAX_PICTURES);
        let lengths = inputs.iter().map(|i| i.segment.keys().len());
        let mut new_numbers: Vec<Vec<Option<u16>>> = lengths.map(|n| vec![None; n]).collect();
        for ((key, input, picture), to) in taken.into_iter().zip(0u16..=u16::MAX) {
            let picture = picture as usize;
            self.keys.push(key);
            self.features
                .push(inputs[input].segment.features()[picture]);
            new_numbers[input][picture] = Some(to);
        }
        (new_numbers, in_order)
    }

    /// Adds a posting. Postings come by word, then by picture.
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
        // Each vector is freed once it is copied: all together are as large as the segment.
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

    /// A picture with two postings of one word and one of another, which follow from its key.
    fn picture(key: u64) -> (Key, PictureWords) {
        let posting = |word: u64, signature: u64| Posting {
            word: word as u32,
            signature,
            place: Place(signature as u32 / 3),
        };
        // Signatures fall, so that a merge must keep the order that building sorted them into.
        let postings = [
            posting(key % 5, 900 - key),
            posting(key % 5, 700 - key),
            posting(10 + key % 3, key),
        ];
        (Key(key), PictureWords::new(postings.to_vec()))
    }

    fn built(keys: impl IntoIterator<Item = u64>) -> Segment {
        Segment::build(&keys.into_iter().map(picture).collect::<Vec<_>>())
    }

    #[test]
    fn merging_gives_the_bytes_of_building_at_once_in_any_order_of_keys() {
        let bytes = |segment: &Segment| segment.bytes.as_slice().to_vec();
        let cases: [&[&[u64]]; 5] = [
            &[&[1, 2, 3], &[4, 5], &[6]],
            &[&[4, 5], &[1, 2, 3], &[6]],
            &[&[1, 4, 6], &[2, 3, 5]],
            &[&[6], &[5], &[4], &[1, 3], &[2]],
            &[&[], &[1, 2, 3, 4, 5, 6], &[]],
        ];
        for case in cases {
            let segments: Vec<Segment> = case.iter().map(|k| built(k.iter().copied())).collect();
            let all = segments.iter().map(|segment| MergeInput {
                segment,
                takes: &|_| true,
            });
            let merged = Segment::merge(&all.collect::<Vec<_>>());
            assert_eq!(bytes(&merged), bytes(&built(1..=6)), "{case:?}");
            // Without the first picture of each.
            let rest = segments.iter().map(|segment| MergeInput {
                segment,
                takes: &|picture| picture > 0,
            });
            let merged = Segment::merge(&rest.collect::<Vec<_>>());
            let mut left: Vec<u64> = case
                .iter()
                .flat_map(|k| k.iter().skip(1).copied())
                .collect();
            left.sort_unstable();
            assert_eq!(bytes(&merged), bytes(&built(left)), "{case:?}");
        }
    }
}
