//! A picture's words and signatures, as the catalogue keeps them for rebuilding the index.

use crate::vocabulary::AssignedFeature;

/// The assigned features of one picture, sorted by word.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PictureWords {
    features: Vec<AssignedFeature>,
}

/// Stored words that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored visual words of a picture are damaged")]
pub struct WordsError;

/// First byte of the encoding: its version.
const VERSION: u8 = 1;

impl PictureWords {
    /// Sorts `features` by word. The picture's stored features are kept in the same order.
    pub fn new(mut features: Vec<AssignedFeature>) -> Self {
        features.sort_unstable();
        Self { features }
    }

    /// The features, by ascending word.
    pub fn features(&self) -> &[AssignedFeature] {
        &self.features
    }

    /// Bytes: a version byte, then 12 bytes a feature, word and signature little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + 12 * self.features.len());
        out.push(VERSION);
        for f in &self.features {
            out.extend_from_slice(&f.word.to_le_bytes());
            out.extend_from_slice(&f.signature.to_le_bytes());
        }
        out
    }

    /// Reads what [`PictureWords::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WordsError> {
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(WordsError);
        };
        let (chunks, []) = rest.as_chunks::<12>() else {
            return Err(WordsError);
        };
        let features: Vec<AssignedFeature> = chunks
            .iter()
            .map(|&[a, b, c, d, s @ ..]| AssignedFeature {
                word: u32::from_le_bytes([a, b, c, d]),
                signature: u64::from_le_bytes(s),
            })
            .collect();
        if !features.is_sorted() {
            return Err(WordsError);
        }
        Ok(Self { features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let words = PictureWords::new(
            [(7, 3), (2, u64::MAX), (7, 1)]
                .map(|(word, signature)| AssignedFeature { word, signature })
                .to_vec(),
        );
        let bytes = words.to_bytes();
        assert_eq!(bytes.len(), 37);
        assert_eq!(PictureWords::from_bytes(&bytes), Ok(words));
        assert_eq!(PictureWords::from_bytes(&[1]), Ok(PictureWords::default()));
        for bad in [&bytes[..36], &[][..], &[2][..], &[1, 0][..]] {
            assert_eq!(PictureWords::from_bytes(bad), Err(WordsError));
        }
    }
}
