//! Small likenesses of the stored pictures with few features, which words rarely find.

use parking_lot::Mutex;
use rayon::prelude::*;
use resight_decode::resized;
use resight_index::{CandidateFilter, Key};
use resight_store::{Catalogue, PAGE, PictureId, pages};
use resight_vision::Image;

use super::damage::whole_records;
use crate::error::EngineError;

/// A picture with fewer features than this is weak: it is listed for its owner, because next to nothing
/// of it can be found but copies in the same frame.
pub const WEAK_BELOW: u32 = 50;
/// A picture with fewer features than this is plain: words and geometry may miss even its copies.
pub(crate) const FEW_FEATURES: u32 = 200;
/// Features up to which a stored picture is compared with a plain query: compression adds some.
pub(crate) const FEW_STORED: u32 = 2 * FEW_FEATURES;
/// Likenesses kept, of the pictures stored first: 800 bytes each.
const MOST: usize = 50_000;
/// Side of a likeness in pixels.
const SIDE: u32 = 16;
/// Largest mean difference of two likenesses in levels.
const DIFFERENCE: u32 = 20;
/// Largest share by which two frames differ in their ratio of width and height.
const RATIO: f64 = 0.06;

/// Whether the features of two pictures may be too few to verify that one is a copy of the other.
pub(crate) fn is_plain_pair(a: usize, b: usize) -> bool {
    a.min(b) < FEW_FEATURES as usize && a.max(b) < FEW_STORED as usize
}

/// A picture at 16 × 16 pixels.
pub(crate) struct Likeness {
    rgb: Vec<u8>,
    /// Width over height of the picture.
    ratio: f64,
}

impl Likeness {
    pub(crate) fn of(image: &Image) -> Option<Self> {
        let size = [image.width(), image.height()];
        Some(Self {
            rgb: resized(image, [SIDE, SIDE])?.into_rgb(),
            ratio: f64::from(size[0]) / f64::from(size[1].max(1)),
        })
    }

    /// Sum of the absolute differences; `None` where it is too large or the frames differ.
    fn difference(&self, other: &Self) -> Option<u32> {
        if (self.ratio / other.ratio - 1.0).abs() > RATIO {
            return None;
        }
        let pairs = self.rgb.iter().zip(&other.rgb);
        let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        (sum <= DIFFERENCE * self.rgb.len() as u32).then_some(sum)
    }
}

/// The likenesses of plain stored pictures, computed from their thumbnails when they are first needed.
/// Keys are never used twice, so entries of removed pictures do no harm.
#[derive(Default)]
pub(crate) struct PlainPictures {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The last key that was read from the catalogue.
    last: Option<u64>,
    /// Ascending by key.
    likenesses: Vec<(Key, Likeness)>,
}

impl PlainPictures {
    /// The plain stored pictures that are most like `image` in the same frame, at most `limit`, best
    /// first; ties by key. `thumbnail` returns the thumbnail of a stored picture, where it can be read.
    pub(crate) fn like(
        &self,
        image: &Image,
        filter: &CandidateFilter,
        limit: usize,
        catalogue: &dyn Catalogue,
        thumbnail: &(dyn Fn(&PictureId) -> Option<Image> + Sync),
    ) -> Result<Vec<Key>, EngineError> {
        let Some(own) = Likeness::of(image) else {
            return Ok(Vec::new());
        };
        let mut known = self.known.lock();
        known.read_on(catalogue, thumbnail)?;
        let accepted = known
            .likenesses
            .iter()
            .filter(|(key, _)| filter.accepts(*key));
        let near = accepted.filter_map(|(key, other)| Some((own.difference(other)?, *key)));
        let mut near: Vec<(u32, Key)> = near.collect();
        near.sort_unstable_by_key(|(difference, key)| (*difference, key.0));
        Ok(near.into_iter().take(limit).map(|(_, key)| key).collect())
    }
}

impl Known {
    /// Adds the pictures stored since the last time.
    fn read_on(
        &mut self,
        catalogue: &dyn Catalogue,
        thumbnail: &(dyn Fn(&PictureId) -> Option<Image> + Sync),
    ) -> Result<(), EngineError> {
        let start = self.last;
        let all = pages(
            PAGE,
            |(key, _): &(u64, u32)| *key,
            |after, limit| catalogue.keys_after(after.or(start), limit),
        );
        for page in all {
            let page = page?;
            let plain = page.iter().filter(|(_, features)| *features < FEW_STORED);
            let room = MOST.saturating_sub(self.likenesses.len());
            let plain: Vec<u64> = plain.map(|(key, _)| *key).take(room).collect();
            let records = whole_records(catalogue, &plain)?;
            let read = plain.into_par_iter().zip(records);
            // One picture without a readable thumbnail must not stop the search of all others.
            let read = read.filter_map(|(key, record)| {
                Some((Key(key), Likeness::of(&thumbnail(&record?.id)?)?))
            });
            self.likenesses.extend(read.collect::<Vec<_>>());
            self.last = page.last().map(|(key, _)| *key).or(self.last);
        }
        Ok(())
    }
}
