//! A picture's words, signatures and places, as the catalogue stores them. The index is rebuilt from
//! them.

use crate::place::Place;

/// A feature of a stored picture in the inverted index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// The nearest visual word.
    pub word: u32,
    /// Where in the word's cell the descriptor lies, one bit a direction.
    pub signature: u64,
    /// Where in the picture the keypoint lies.
    pub place: Place,
}

/// The postings of one picture, in the order in which its features are stored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PictureWords {
    postings: Vec<Posting>,
}

/// Why stored words cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// They are not what [`PictureWords::to_bytes`] wrote.
    #[error("the stored visual words of a picture are damaged")]
    Damaged,
    /// They are of a version without places: [`PictureWords::from_bytes_and_places`] reads them.
    #[error("the stored visual words of a picture are of an earlier version")]
    NoPlaces,
    /// They are of another vocabulary.
    #[error("the stored visual words of a picture are of another vocabulary")]
    OtherVocabulary,
}

/// Version of the encoding, its first byte.
const VERSION: u8 = 2;
/// Bytes before the postings: version and tag of the vocabulary.
const HEADER: usize = 5;
/// The version without places and tag.
const WITHOUT_PLACES: u8 = 1;

impl PictureWords {
    /// Postings of a picture's features, in their order.
    pub fn new(postings: Vec<Posting>) -> Self {
        Self { postings }
    }

    /// One posting for each feature, in their order.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// Bytes: a version byte, the four of [`Vocabulary::tag`], then 16 bytes a feature, word, signature
    /// and place little-endian.
    ///
    /// [`Vocabulary::tag`]: crate::Vocabulary::tag
    pub fn to_bytes(&self, tag: [u8; 4]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 16 * self.postings.len());
        out.push(VERSION);
        out.extend_from_slice(&tag);
        for p in &self.postings {
            out.extend_from_slice(&p.word.to_le_bytes());
            out.extend_from_slice(&p.signature.to_le_bytes());
            out.extend_from_slice(&p.place.0.to_le_bytes());
        }
        out
    }

    /// Reads what [`PictureWords::to_bytes`] wrote for the vocabulary with this tag.
    pub fn from_bytes(bytes: &[u8], tag: [u8; 4]) -> Result<Self, WordsError> {
        match bytes.split_at_checked(HEADER) {
            Some(([VERSION, of @ ..], rest)) => match rest.as_chunks::<16>() {
                _ if *of != tag => Err(WordsError::OtherVocabulary),
                (chunks, []) => {
                    let chunks = chunks.iter();
                    let postings = chunks.map(|&[a, b, c, d, s @ .., e, f, g, h]| {
                        posting([a, b, c, d], s, Place(u32::from_le_bytes([e, f, g, h])))
                    });
                    Ok(Self::new(postings.collect()))
                }
                _ => Err(WordsError::Damaged),
            },
            _ if bytes.first() == Some(&WITHOUT_PLACES) => Err(WordsError::NoPlaces),
            _ => Err(WordsError::Damaged),
        }
    }

    /// Reads words of the version without places, whose features lie at `places`, in their order.
    /// That version does not name a vocabulary.
    pub fn from_bytes_and_places(bytes: &[u8], places: &[Place]) -> Result<Self, WordsError> {
        let Some((&WITHOUT_PLACES, rest)) = bytes.split_first() else {
            return Err(WordsError::Damaged);
        };
        match rest.as_chunks::<12>() {
            (chunks, []) if chunks.len() == places.len() => {
                let postings = chunks.iter().zip(places);
                let postings =
                    postings.map(|(&[a, b, c, d, s @ ..], p)| posting([a, b, c, d], s, *p));
                Ok(Self::new(postings.collect()))
            }
            _ => Err(WordsError::Damaged),
        }
    }
}

fn posting(word: [u8; 4], signature: [u8; 8], place: Place) -> Posting {
    Posting {
        word: u32::from_le_bytes(word),
        signature: u64::from_le_bytes(signature),
        place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let words = PictureWords::new(
            [(7, 3, 9), (2, u64::MAX, 8), (7, 1, 7)]
                .map(|(word, signature, place)| Posting {
                    word,
                    signature,
                    place: Place(place),
                })
                .to_vec(),
        );
        let tag = *b"abcd";
        let bytes = words.to_bytes(tag);
        assert_eq!(bytes.len(), 53);
        assert_eq!(PictureWords::from_bytes(&bytes, tag), Ok(words));
        let other = PictureWords::from_bytes(&bytes, *b"abce");
        assert_eq!(other, Err(WordsError::OtherVocabulary));
        let none = PictureWords::from_bytes(&bytes[..5], tag);
        assert_eq!(none, Ok(PictureWords::default()));
        for bad in [&bytes[..52], &[][..], &[3, 1, 1, 1, 1][..], &[2, 0][..]] {
            assert_eq!(PictureWords::from_bytes(bad, tag), Err(WordsError::Damaged));
        }
    }

    #[test]
    fn words_without_places_are_read_with_them() {
        let mut bytes = vec![1];
        for (word, signature) in [(2u32, 5u64), (7, 1)] {
            bytes.extend_from_slice(&word.to_le_bytes());
            bytes.extend_from_slice(&signature.to_le_bytes());
        }
        let alone = PictureWords::from_bytes(&bytes, *b"abcd");
        assert_eq!(alone, Err(WordsError::NoPlaces));
        let places = [Place(4), Place(3)];
        let words = PictureWords::from_bytes_and_places(&bytes, &places).unwrap();
        let last = words.postings()[1];
        assert_eq!((last.word, last.signature, last.place), (7, 1, Place(3)));
        let few = PictureWords::from_bytes_and_places(&bytes, &places[1..]);
        assert_eq!(few, Err(WordsError::Damaged));
    }
}
