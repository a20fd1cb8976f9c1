//! Local features as the catalogue stores them: what verification needs of a picture.
//!
//! Little-endian: version (1 byte), dimension (u16), count n (u32), then n times x, y, scale and angle
//! each (f32), and n descriptors. The response is not stored. Version 1 had n words (u32) before the
//! keypoints; they are skipped, as words are stored apart and change with the vocabulary.

use resight_index::{PictureWords, Posting};
use resight_vision::{Descriptors, Keypoint, LocalFeatures};

const VERSION: u8 = 2;
const WITH_WORDS: u8 = 1;
const HEADER: usize = 7;

/// The features of one picture, ascending by word, so that the features of one vocabulary cell are
/// adjacent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredFeatures {
    pub(crate) words: Vec<u32>,
    pub(crate) features: LocalFeatures,
}

impl StoredFeatures {
    /// Sorts features by `words`, which are in the order of `features`.
    pub(crate) fn new(features: LocalFeatures, words: Vec<u32>) -> Self {
        // As they are stored, unless these are words of another vocabulary.
        if features.len() == words.len() && words.is_sorted() {
            return Self { words, features };
        }
        let mut order: Vec<usize> = (0..features.len().min(words.len())).collect();
        order.sort_by_key(|&i| words[i]);
        Self {
            words: order.iter().map(|&i| words[i]).collect(),
            features: select(&features, &order),
        }
    }
}

/// Features and postings of a new picture in the order in which both are stored: by posting.
pub(crate) fn in_order(
    features: &LocalFeatures,
    postings: &[Posting],
) -> (LocalFeatures, PictureWords) {
    let mut order: Vec<usize> = (0..features.len().min(postings.len())).collect();
    order.sort_by_key(|&i| postings[i]);
    let words = PictureWords::new(order.iter().map(|&i| postings[i]).collect());
    (select(features, &order), words)
}

/// The features of these numbers, in this order.
pub(crate) fn select(features: &LocalFeatures, order: &[usize]) -> LocalFeatures {
    let mut bytes = Vec::with_capacity(features.descriptors.as_bytes().len());
    for &i in order {
        bytes.extend_from_slice(features.descriptors.get(i));
    }
    let dimension = features.descriptors.dimension();
    LocalFeatures {
        keypoints: order.iter().map(|&i| features.keypoints[i]).collect(),
        descriptors: Descriptors::from_bytes(dimension, bytes).unwrap_or_default(),
    }
}

pub(crate) fn to_bytes(features: &LocalFeatures) -> Vec<u8> {
    let descriptors = &features.descriptors;
    let n = features.len();
    let mut out = Vec::with_capacity(HEADER + 16 * n + descriptors.as_bytes().len());
    out.push(VERSION);
    out.extend_from_slice(&(descriptors.dimension() as u16).to_le_bytes());
    out.extend_from_slice(&(n as u32).to_le_bytes());
    let fields: [fn(&Keypoint) -> f32; 4] = [|k| k.x, |k| k.y, |k| k.scale, |k| k.angle];
    for field in fields {
        let keypoints = features.keypoints.iter();
        out.extend(keypoints.flat_map(|k| field(k).to_le_bytes()));
    }
    out.extend_from_slice(descriptors.as_bytes());
    out
}

/// `None` when the bytes are damaged or of a later version.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<LocalFeatures> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let dimension = usize::from(u16::from_le_bytes([header[1], header[2]]));
    let n = u32::from_le_bytes([header[3], header[4], header[5], header[6]]) as usize;
    let words = match header[0] {
        VERSION => 0,
        WITH_WORDS => n.checked_mul(4)?,
        _ => return None,
    };
    let (_, rest) = rest.split_at_checked(words)?;
    if rest.len() != n.checked_mul(16 + dimension)? {
        return None;
    }
    let (places, descriptors) = rest.split_at(16 * n);
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
    Some(LocalFeatures {
        keypoints,
        descriptors,
    })
}

#[cfg(test)]
mod tests {
    use resight_index::Place;

    use super::*;

    fn example() -> LocalFeatures {
        let keypoints = (0..3u8)
            .map(|i| Keypoint {
                x: f32::from(i),
                y: 2.5,
                scale: 1.5 + f32::from(i),
                angle: 0.5,
                response: 0.0,
            })
            .collect();
        LocalFeatures {
            keypoints,
            descriptors: Descriptors::from_bytes(2, vec![1, 2, 3, 4, 5, 6]).unwrap(),
        }
    }

    #[test]
    fn stored_by_posting_and_searched_by_word() {
        let postings = [9, 4, 7].map(|word| Posting {
            word,
            signature: 1,
            place: Place::default(),
        });
        let (features, words) = in_order(&example(), &postings);
        let words: Vec<u32> = words.postings().iter().map(|p| p.word).collect();
        assert_eq!(words, [4, 7, 9]);
        assert_eq!(features.keypoints[0].x, 1.0);
        assert_eq!(features.descriptors.get(2), [1, 2]);
        // Other words, another order.
        let stored = StoredFeatures::new(features, vec![5, 1, 3]);
        assert_eq!(stored.words, [1, 3, 5]);
        assert_eq!(stored.features.descriptors.as_bytes(), [5, 6, 1, 2, 3, 4]);
    }

    #[test]
    fn bytes_of_both_versions_are_read_and_damage_is_detected() {
        let bytes = to_bytes(&example());
        assert_eq!(from_bytes(&bytes), Some(example()));
        for cut in 0..bytes.len() {
            assert_eq!(from_bytes(&bytes[..cut]), None);
        }
        let mut old = bytes.clone();
        old[0] = 1;
        assert_eq!(from_bytes(&old), None, "lacks the words");
        old.splice(7..7, [9; 12]);
        assert_eq!(from_bytes(&old), Some(example()));
        old[0] = 3;
        assert_eq!(from_bytes(&old), None);
    }
}
