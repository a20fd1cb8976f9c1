//! The pixels of the pictures that one step of pairing compares, decoded once each.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use resight_decode::fit_within;
use resight_store::PictureId;
use resight_vision::Image;

use crate::library::Library;
use crate::picture::Picture;

/// Pixels of a picture about, as a hint for the cache's first allocation.
const TYPICAL: u64 = 4 << 20;

/// Longer side in pixels of a picture that is compared; a larger one is scaled down.
const MOST_SIDE: u32 = 8192;

#[derive(Clone)]
struct Bytes;

impl Weighter<PictureId, Option<Arc<Pixels>>> for Bytes {
    fn weight(&self, _: &PictureId, value: &Option<Arc<Pixels>>) -> u64 {
        let bytes = value.as_ref().map_or(0, |v| v.image.rgb().len());
        64 + bytes as u64
    }
}

/// A picture's pixels.
pub(crate) struct Pixels {
    pub(crate) image: Image,
    /// Whether they are those of its file, and not of its thumbnail.
    pub(crate) whole: bool,
    /// Pages or frames of its file, of which `image` is the first; 1 for a thumbnail.
    pub(crate) pages: u32,
    /// Bits a sample of its file; `None` for a thumbnail.
    pub(crate) depth: Option<u8>,
}

/// Pixels by picture, bounded in bytes.
pub(crate) struct DecodedPictures<'a> {
    library: &'a Library,
    entries: Cache<PictureId, Option<Arc<Pixels>>, Bytes>,
}

impl<'a> DecodedPictures<'a> {
    pub(crate) fn new(library: &'a Library) -> Self {
        // Pixels that are kept for the next pair.
        let memory = library.options().decode.memory.for_pairing();
        let number = (memory / TYPICAL).max(1) as usize;
        Self {
            library,
            entries: Cache::with_weighter(number, memory, Bytes),
        }
    }

    /// Of its file, or where that is away of its thumbnail; `None` where neither can be read: one picture
    /// must not stop the pairing of all others.
    pub(crate) fn get(&self, picture: &Picture) -> Option<Arc<Pixels>> {
        let decoded = self.entries.get_or_insert_with(&picture.id, || {
            Ok::<_, std::convert::Infallible>(self.decode(picture))
        });
        let Ok(pixels) = decoded;
        pixels
    }

    fn decode(&self, picture: &Picture) -> Option<Arc<Pixels>> {
        let (image, whole, pages, depth) = match self.library.decoded(&picture.id) {
            Ok(decoded) => (decoded.image, true, decoded.pages, Some(decoded.depth)),
            Err(error) => {
                tracing::warn!("{} is compared by its thumbnail: {error}", picture.name);
                (
                    self.library.stored_thumbnail_image(&picture.id)?,
                    false,
                    1,
                    None,
                )
            }
        };
        let image = fit_within(&image, MOST_SIDE).unwrap_or(image);
        Some(Arc::new(Pixels {
            image,
            whole,
            pages,
            depth,
        }))
    }
}
