//! Features of pictures that were searched for, bounded in bytes. A client that asks for the next page of the answer
//! or changes a filter sends the same picture again.

use std::sync::Arc;

use resight_store::PictureId;
use resight_vision::{Image, LocalFeatures};

use super::shared_cache::{Owned, SharedCache, Weight};
use crate::search::request::Region;

/// A picture that was sent, and the part of it that counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AskedPicture {
    /// The id of its bytes.
    content: PictureId,
    /// Whether the region is in percent, and its numbers as bits.
    region: Option<(bool, [u64; 4])>,
}

/// What was computed of it.
pub(crate) struct AskedFeatures {
    pub(crate) features: LocalFeatures,
    /// Width and height of the whole picture.
    pub(crate) size: [u32; 2],
    /// A small copy of it.
    pub(crate) small: Image,
}

impl Weight for AskedFeatures {
    fn bytes(&self) -> u64 {
        let keypoints = 20 * self.features.len();
        let bytes = self.features.descriptors.as_bytes().len() + self.small.rgb().len();
        (256 + keypoints + bytes) as u64
    }
}

/// The pictures that one library was searched for last, in a memory that several libraries share. The
/// library's extractor and options do not change, so no entry goes stale.
pub(crate) struct AskedPictures(SharedCache<AskedPicture, AskedFeatures>);

/// A picture weighs about this much.
const TYPICAL: u64 = 400_000;

impl AskedPictures {
    pub(crate) fn new(bytes: u64) -> Self {
        Self(SharedCache::new(bytes, TYPICAL, 4..=10_000))
    }

    /// Those of another library in the same memory.
    pub(crate) fn beside(&self) -> Self {
        Self(self.0.beside())
    }

    /// The name of a picture, or of a region of it, among those of this library.
    pub(crate) fn name(&self, content: PictureId, region: Option<Region>) -> Owned<AskedPicture> {
        let region = region.map(|region| match region {
            Region::Pixels(v) => (false, v.map(f64::to_bits)),
            Region::Percent(v) => (true, v.map(f64::to_bits)),
        });
        self.0.key(AskedPicture { content, region })
    }

    pub(crate) fn get(&self, picture: &Owned<AskedPicture>) -> Option<Arc<AskedFeatures>> {
        self.0.get(picture)
    }

    pub(crate) fn keep(&self, picture: Owned<AskedPicture>, found: AskedFeatures) {
        self.0.insert(picture, Arc::new(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(n: usize) -> AskedFeatures {
        AskedFeatures {
            features: LocalFeatures::default(),
            size: [n as u32; 2],
            small: Image::from_rgb(100, 100, vec![0; 30_000]).unwrap(),
        }
    }

    #[test]
    fn pictures_of_other_libraries_and_other_regions_are_others_and_memory_is_bounded() {
        let first = AskedPictures::new(1_000_000);
        let second = first.beside();
        let id = |n: usize| PictureId::parse(&format!("{n:032x}")).unwrap();
        let numbers = [1.0, 2.0, 30.0, 40.0];
        let all = |asked: &AskedPictures| {
            let regions = [
                None,
                Some(Region::Pixels(numbers)),
                Some(Region::Percent(numbers)),
            ];
            regions.map(|region| asked.name(id(7), region))
        };
        let six = all(&first).into_iter().chain(all(&second));
        for (n, name) in six.clone().enumerate() {
            assert!(first.get(&name).is_none());
            first.keep(name, found(n));
        }
        for (n, name) in six.enumerate() {
            assert_eq!(second.get(&name).unwrap().size, [n as u32; 2]);
        }
        for n in 0..100 {
            first.keep(first.name(id(n), None), found(n));
        }
        let held = (0..100).filter(|&n| first.get(&first.name(id(n), None)).is_some());
        let held = held.count();
        assert!((10..=33).contains(&held), "{held}");
    }
}
