//! A vocabulary as bytes. Little-endian:
//!
//! | field | bytes |
//! |---|---|
//! | magic `RSVOCAB1` | 8 |
//! | BLAKE3 of everything after this field, first 16 bytes | 16 |
//! | dimension, cells, words, length of the model's name | 4 × 4 |
//! | the model's name, UTF-8 | as said |
//! | cell starts | 4 × (cells + 1) |
//! | cell centres | cells × dimension |
//! | words | words × dimension |
//! | projection | 64 × dimension |
//! | medians | 2 × 64 × words |
//!
//! A packed one, as the program ships it, has the magic `RSVOCAB3`. Its words are deflated ([`super::deflated`]), and in
//! place of the medians it has:
//!
//! | field | bytes |
//! |---|---|
//! | differences of the medians ([`super::packed`]), 64 a word, deflated | as their streams say |
//! | number of escaped medians | 4 |
//! | escaped medians | 2 each |
//! | the first 16 bytes of BLAKE3 that the vocabulary has unpacked, which are its id | 16 |

use resight_vision::ModelId;

use super::assign::{SIGNATURE_BITS, Vocabulary};
use super::deflated;
use super::packed::Differences;

const MAGIC: &[u8; 8] = b"RSVOCAB1";
const PACKED: &[u8; 8] = b"RSVOCAB3";
const HASH: usize = 16;
/// Bytes that a packed vocabulary may take in memory.
const LARGEST: usize = 1 << 30;

/// Why bytes are not a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// They have another magic.
    #[error("this is not a Resight vocabulary, or one of a format this version does not know")]
    NotAVocabulary,
    /// They were cut off or changed.
    #[error("the vocabulary is damaged: {0}")]
    Damaged(&'static str),
    /// Training had too little to learn from.
    #[error("{found} features were found, and {words} words need at least {needed}")]
    TooFewFeatures {
        /// Number of features.
        found: usize,
        /// Words wanted.
        words: usize,
        /// Features needed.
        needed: usize,
    },
    /// The caller of training cancelled it.
    #[error("training was cancelled")]
    Cancelled,
}

impl Vocabulary {
    /// Reads what [`Vocabulary::to_bytes`] or [`Vocabulary::to_packed`] wrote, checking every length and the
    /// checksum.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VocabularyError> {
        let magic = |magic: &[u8; 8]| bytes.strip_prefix(magic);
        let (rest, is_packed) = match (magic(MAGIC), magic(PACKED)) {
            (Some(rest), _) => (rest, false),
            (_, Some(rest)) => (rest, true),
            _ => return Err(VocabularyError::NotAVocabulary),
        };
        let (hash, body) = rest
            .split_at_checked(HASH)
            .ok_or(VocabularyError::Damaged("it ends inside its header"))?;
        if blake3::hash(body).as_bytes()[..HASH] != *hash {
            return Err(VocabularyError::Damaged(
                "its checksum does not fit its contents",
            ));
        }
        let mut reader = Reader { rest: body };
        let dimension = reader.number()?;
        let cells = reader.number()?;
        let words = reader.number()?;
        let name = reader.number()?;
        let model = std::str::from_utf8(reader.take(name)?)
            .map_err(|_| VocabularyError::Damaged("its model's name is not text"))?;
        if dimension == 0 || cells == 0 || words == 0 {
            return Err(VocabularyError::Damaged("it is empty"));
        }
        let model = ModelId::new(model);
        let starts: Vec<u32> = reader.array(cells.saturating_add(1), u32::from_le_bytes)?;
        let centres = reader.take(product(cells, dimension)?)?.to_vec();
        // Before much is inflated that few bytes may stand for.
        if is_packed && product(words, dimension.saturating_add(3 * SIGNATURE_BITS))? > LARGEST {
            return Err(VocabularyError::Damaged("its sizes make no sense"));
        }
        let word_bytes = if is_packed {
            reader.deflated(words, dimension)?
        } else {
            reader.take(product(words, dimension)?)?.to_vec()
        };
        let projection = reader.array(product(SIGNATURE_BITS, dimension)?, i8::from_le_bytes)?;
        // An empty cell could leave a feature without any word.
        let ordered = starts.windows(2).all(|s| s[0] < s[1]);
        if starts[0] != 0 || starts[cells] as usize != words || !ordered {
            return Err(VocabularyError::Damaged("its cells do not hold its words"));
        }
        let mut vocabulary = Self {
            model,
            dimension,
            centres,
            starts,
            words: word_bytes,
            projection,
            medians: Vec::new(),
            id: hex::encode(hash),
        };
        if is_packed {
            let bytes = reader.deflated(words, SIGNATURE_BITS)?;
            let escaped = reader.number()?;
            let escaped = reader.array(escaped, i16::from_le_bytes)?;
            let packed = Differences { bytes, escaped };
            vocabulary.medians = packed
                .medians(&vocabulary)
                .ok_or(VocabularyError::Damaged("its medians do not fit its words"))?;
            vocabulary.id = hex::encode(reader.take(HASH)?);
        } else {
            let medians = product(SIGNATURE_BITS, words)?;
            vocabulary.medians = reader.array(medians, i16::from_le_bytes)?;
        }
        if !reader.rest.is_empty() {
            return Err(VocabularyError::Damaged("it goes on after its end"));
        }
        Ok(vocabulary)
    }

    /// The bytes, checksummed.
    pub fn to_bytes(&self) -> Vec<u8> {
        checksummed(MAGIC, &self.body())
    }

    /// Two fifths fewer bytes, checksummed, that read as the same vocabulary.
    pub fn to_packed(&self) -> Vec<u8> {
        let mut body = self.body_without_medians(&deflated::deflate(&self.words, self.dimension));
        let packed = Differences::of(self);
        body.extend_from_slice(&deflated::deflate(&packed.bytes, SIGNATURE_BITS));
        body.extend_from_slice(&(packed.escaped.len() as u32).to_le_bytes());
        body.extend(packed.escaped.iter().flat_map(|m| m.to_le_bytes()));
        body.extend_from_slice(&blake3::hash(&self.body()).as_bytes()[..HASH]);
        checksummed(PACKED, &body)
    }

    /// The id follows from the contents.
    pub(super) fn compute_id(&self) -> String {
        hex::encode(&blake3::hash(&self.body()).as_bytes()[..HASH])
    }

    fn body(&self) -> Vec<u8> {
        let mut out = self.body_without_medians(&self.words);
        out.extend(self.medians.iter().flat_map(|m| m.to_le_bytes()));
        out
    }

    fn body_without_medians(&self, words: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let name = self.model.as_str().as_bytes();
        for n in [self.dimension, self.cells(), self.len(), name.len()] {
            out.extend_from_slice(&(n as u32).to_le_bytes());
        }
        out.extend_from_slice(name);
        out.extend(self.starts.iter().flat_map(|s| s.to_le_bytes()));
        out.extend_from_slice(&self.centres);
        out.extend_from_slice(words);
        out.extend(self.projection.iter().flat_map(|p| p.to_le_bytes()));
        out
    }
}

fn checksummed(magic: &[u8; 8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + magic.len() + HASH);
    out.extend_from_slice(magic);
    out.extend_from_slice(&blake3::hash(body).as_bytes()[..HASH]);
    out.extend_from_slice(body);
    out
}

fn product(a: usize, b: usize) -> Result<usize, VocabularyError> {
    a.checked_mul(b)
        .ok_or(VocabularyError::Damaged("its sizes make no sense"))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], VocabularyError> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or(VocabularyError::Damaged("it is cut short"))?;
        self.rest = tail;
        Ok(head)
    }

    fn deflated(&mut self, count: usize, width: usize) -> Result<Vec<u8>, VocabularyError> {
        let (streams, rest) =
            deflated::split(self.rest, width).ok_or(VocabularyError::Damaged("it is cut short"))?;
        self.rest = rest;
        deflated::inflate(&streams, count, width).ok_or(VocabularyError::Damaged(
            "its deflated bytes are not as many as it says",
        ))
    }

    fn number(&mut self) -> Result<usize, VocabularyError> {
        Ok(self.array(1, u32::from_le_bytes)?[0] as usize)
    }

    fn array<const N: usize, T>(
        &mut self,
        n: usize,
        read: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, VocabularyError> {
        let (chunks, _) = self.take(product(n, N)?)?.as_chunks::<N>();
        Ok(chunks.iter().map(|c| read(*c)).collect())
    }
}
