//! Features of pictures that were searched for, bounded in bytes. A client that asks for the next page of the answer
//! or changes a filter sends the same picture again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use resight_store::PictureId;
use resight_vision::{Image, LocalFeatures};

use crate::search::request::Region;

/// A picture that was sent, and the part of it that counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AskedPicture {
    owner: u64,
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

/// The pictures that one library was searched for last, in a memory that several libraries share. The
/// library's extractor and options do not change, so no entry goes stale.
pub(crate) struct AskedPictures {
    memory: Arc<SharedMemory>,
    /// Separates the pictures of this library from those of others.
    owner: u64,
}

struct SharedMemory {
    entries: Cache<AskedPicture, Arc<AskedFeatures>, Bytes>,
    owners: AtomicU64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<AskedPicture, Arc<AskedFeatures>> for Bytes {
    fn weight(&self, _: &AskedPicture, value: &Arc<AskedFeatures>) -> u64 {
        let AskedFeatures {
            features, small, ..
        } = &**value;
        let keypoints = 20 * features.len();
        let bytes = features.descriptors.as_bytes().len() + small.rgb().len();
        (256 + keypoints + bytes) as u64
    }
}

/// A picture weighs about this much; only a hint for the first allocation.
const TYPICAL: u64 = 400_000;

impl AskedPictures {
    pub(crate) fn new(bytes: u64) -> Self {
        let items = (bytes / TYPICAL).clamp(4, 10_000) as usize;
        let memory = SharedMemory {
            entries: Cache::with_weighter(items, bytes, Bytes),
            owners: AtomicU64::new(1),
        };
        Self {
            memory: Arc::new(memory),
            owner: 0,
        }
    }

    /// Those of another library in the same memory.
    pub(crate) fn beside(&self) -> Self {
        Self {
            memory: self.memory.clone(),
            owner: self.memory.owners.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The name of a picture, or of a region of it, among those of this library.
    pub(crate) fn name(&self, content: PictureId, region: Option<Region>) -> AskedPicture {
        let region = region.map(|region| match region {
            Region::Pixels(v) => (false, v.map(f64::to_bits)),
            Region::Percent(v) => (true, v.map(f64::to_bits)),
        });
        AskedPicture {
            owner: self.owner,
            content,
            region,
        }
    }

    pub(crate) fn get(&self, picture: &AskedPicture) -> Option<Arc<AskedFeatures>> {
        self.memory.entries.get(picture)
    }

    pub(crate) fn keep(&self, picture: AskedPicture, found: AskedFeatures) {
        self.memory.entries.insert(picture, Arc::new(found));
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
