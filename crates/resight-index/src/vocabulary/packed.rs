//! Medians as they are packed into a vocabulary's file: each as its difference from the projection of its word,
//! near which most of the word's features lie. One byte has all but a few of the differences; the file of 65,536
//! words is a quarter smaller for it, and reading it takes one projection of the words.
//!
//! A difference d is stored as 2d, or −2d − 1 where it is negative. [`ESCAPE`] stands for one that does not fit, and the
//! median itself is in a list of such medians, in their order.

use super::assign::{SIGNATURE_BITS, Vocabulary};

const ESCAPE: u8 = u8::MAX;

/// Differences of a vocabulary's medians.
pub(super) struct Differences {
    /// `words * 64`.
    pub(super) bytes: Vec<u8>,
    /// The medians for which `bytes` has [`ESCAPE`].
    pub(super) escaped: Vec<i16>,
}

/// Words that are projected together.
const AT_ONCE: usize = 1024;

impl Differences {
    pub(super) fn of(vocabulary: &Vocabulary) -> Self {
        let mut bytes = Vec::with_capacity(vocabulary.medians.len());
        let mut escaped = Vec::new();
        let medians = vocabulary.medians.chunks(SIGNATURE_BITS * AT_ONCE);
        let rows = vocabulary.words.chunks(vocabulary.dimension * AT_ONCE);
        for (medians, rows) in medians.zip(rows) {
            let projected = vocabulary.project_all(rows);
            for (&median, &near) in medians.iter().zip(projected.as_flattened()) {
                let difference = i32::from(median) - i32::from(near);
                let folded = (difference << 1) ^ (difference >> 31);
                match u8::try_from(folded) {
                    Ok(byte) if byte != ESCAPE => bytes.push(byte),
                    _ => {
                        bytes.push(ESCAPE);
                        escaped.push(median);
                    }
                }
            }
        }
        Self { bytes, escaped }
    }

    /// The medians of `vocabulary`, which has all but these; None where the lists do not fit each other.
    pub(super) fn medians(&self, vocabulary: &Vocabulary) -> Option<Vec<i16>> {
        let mut medians = Vec::with_capacity(self.bytes.len());
        let mut escaped = self.escaped.iter();
        let bytes = self.bytes.chunks(SIGNATURE_BITS * AT_ONCE);
        let rows = vocabulary.words.chunks(vocabulary.dimension * AT_ONCE);
        for (bytes, rows) in bytes.zip(rows) {
            let first = medians.len();
            let projected = vocabulary.project_all(rows);
            let pairs = bytes.iter().zip(projected.as_flattened());
            medians.extend(pairs.map(|(&byte, &near)| {
                let byte = i16::from(byte);
                near.wrapping_add((byte >> 1) ^ -(byte & 1))
            }));
            // Few, so the loop above has no branch for them.
            let known = medians[first..].iter_mut().zip(bytes);
            for (median, _) in known.filter(|(_, byte)| **byte == ESCAPE) {
                *median = *escaped.next()?;
            }
        }
        let fits = medians.len() == self.bytes.len() && escaped.next().is_none();
        fits.then_some(medians)
    }
}
