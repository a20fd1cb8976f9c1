//! Which stored thumbnails were decoded once, so that one is not decoded each time it is sent.

use std::collections::HashMap;

use parking_lot::Mutex;
use resight_store::PictureId;

/// Thumbnails remembered at most; beyond it all are forgotten.
const MOST: usize = 1 << 16;

/// A hash of the bytes of each thumbnail that could be decoded.
#[derive(Default)]
pub(super) struct SoundThumbnails(Mutex<HashMap<PictureId, blake3::Hash>>);

impl SoundThumbnails {
    /// Fails as `decodes` does, which is asked once whether the thumbnail of `id` with these bytes decodes.
    pub(super) fn check<E>(
        &self,
        id: &PictureId,
        bytes: &[u8],
        decodes: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let hash = blake3::hash(bytes);
        if self.0.lock().get(id) == Some(&hash) {
            return Ok(());
        }
        decodes()?;
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(id.clone(), hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_decoded_once_and_again_when_it_changes() {
        let id = PictureId::parse(&"a".repeat(32)).unwrap();
        let (sound, mut decoded) = (SoundThumbnails::default(), 0);
        let mut ask = |bytes: &[u8], decodes: bool| {
            let outcome = sound.check(&id, bytes, || {
                decoded += 1;
                decodes.then_some(()).ok_or("damaged")
            });
            (outcome.is_ok(), decoded)
        };
        assert_eq!(ask(b"whole", true), (true, 1));
        assert_eq!(ask(b"whole", true), (true, 1));
        assert_eq!(ask(b"damaged", false), (false, 2));
        assert_eq!(ask(b"damaged", false), (false, 3));
        assert_eq!(ask(b"whole", true), (true, 3));
    }
}
