//! Local features as the catalogue keeps them: what verification needs of a stored picture.
//!
//! Little-endian: version (1 byte), dimension (u16), count n (u32), then n words (u32), n times
//! x, y, scale and angle each (f32), and n descriptors. Features ascend by word, so those of one
//! cell of the vocabulary stand together. The response is not kept.

use resight_index::{PictureWords, Posting};
use resight_vision::{Descriptors, Keypoint, LocalFeatures};

const VERSION: u8 = 1;
const HEADER: usize = 7;

/// The features of one picture, ascending by word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredFeatures {
    pub(crate) words: Vec<u32>,
    pub(crate) features: LocalFeatures,
}

impl StoredFeatures {
    /// Sorts features by their word; the second value has the same order.
    pub(crate) fn new(features: &LocalFeatures, postings: &[Posting]) -> (Self, PictureWords) {
        let mut order: Vec<usize> = (0..features.len().min(postings.len())).collect();
        order.sort_by_key(|&i| postings[i]);
        let mut bytes = Vec::with_capacity(features.descriptors.as_bytes().len());
        for &i in &order {
            bytes.extend_from_slice(features.descriptors.get(i));
        }
        let stored = Self {
            words: order.iter().map(|&i| postings[i].word).collect(),
            features: LocalFeatures {
                keypoints: order.iter().map(|&i| features.keypoints[i]).collect(),
                descriptors: Descriptors::from_bytes(features.descriptors.dimension(), bytes)
                    .unwrap_or_default(),
            },
        };
        let words = PictureWords::new(order.iter().map(|&i| postings[i]).collect());
        (stored, words)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let n = self.words.len();
        let descriptors = &self.features.descriptors;
        let mut out = Vec::with_capacity(HEADER + 20 * n + descriptors.as_bytes().len());
        out.push(VERSION);
        out.extend_from_slice(&(descriptors.dimension() as u16).to_le_bytes());
        out.extend_from_slice(&(n as u32).to_le_bytes());
        out.extend(self.words.iter().flat_map(|w| w.to_le_bytes()));
        let fields: [fn(&Keypoint) -> f32; 4] = [|k| k.x, |k| k.y, |k| k.scale, |k| k.angle];
        for field in fields {
            out.extend(
                self.features
                    .keypoints
                    .iter()
                    .flat_map(|k| field(k).to_le_bytes()),
            );
        }
        out.extend_from_slice(descriptors.as_bytes());
        out
    }

    /// `None` when the bytes are damaged or of another version.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let dimension = usize::from(u16::from_le_bytes([header[1], header[2]]));
        let n = u32::from_le_bytes([header[3], header[4], header[5], header[6]]) as usize;
        if header[0] != VERSION || rest.len() != n.checked_mul(20 + dimension)? {
            return None;
        }
        let (words, rest) = rest.split_at(4 * n);
        let (places, descriptors) = rest.split_at(16 * n);
        let words: Vec<u32> = words
            .as_chunks()
            .0
            .iter()
            .map(|&c| u32::from_le_bytes(c))
            .collect();
        let field: Vec<f32> = places
            .as_chunks()
            .0
            .iter()
            .map(|&c| f32::from_le_bytes(c))
            .collect();
        let keypoints = (0..n)
            .map(|i| Keypoint {
                x: field[i],
                y: field[n + i],
                scale: field[2 * n + i],
                angle: field[3 * n + i],
                response: 0.0,
            })
            .collect();
        let descriptors = if n == 0 {
            Descriptors::default()
        } else {
            Descriptors::from_bytes(dimension, descriptors.to_vec())?
        };
        words.is_sorted().then_some(Self {
            words,
            features: LocalFeatures {
                keypoints,
                descriptors,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use resight_index::Place;

    use super::*;

    fn example() -> (StoredFeatures, PictureWords) {
        let keypoints = (0..3u8)
            .map(|i| Keypoint {
                x: f32::from(i),
                y: 2.5,
                scale: 1.5 + f32::from(i),
                angle: 0.5,
                response: 0.0,
            })
            .collect();
        let descriptors = Descriptors::from_bytes(2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let postings = [9, 4, 7].map(|word| Posting {
            word,
            signature: 1,
            place: Place::default(),
        });
        StoredFeatures::new(
            &LocalFeatures {
                keypoints,
                descriptors,
            },
            &postings,
        )
    }

    #[test]
    fn sorted_by_word_and_back_from_bytes() {
        let (stored, words) = example();
        assert_eq!(stored.words, [4, 7, 9]);
        assert_eq!(stored.features.keypoints[0].x, 1.0);
        assert_eq!(stored.features.descriptors.get(2), [1, 2]);
        let same: Vec<u32> = words.postings().iter().map(|p| p.word).collect();
        assert_eq!(same, stored.words);
        assert_eq!(StoredFeatures::from_bytes(&stored.to_bytes()), Some(stored));
    }

    #[test]
    fn damage_is_seen() {
        let bytes = example().0.to_bytes();
        for cut in 0..bytes.len() {
            assert_eq!(StoredFeatures::from_bytes(&bytes[..cut]), None);
        }
        let mut other = bytes;
        other[0] = 2;
        assert_eq!(StoredFeatures::from_bytes(&other), None);
    }
}
