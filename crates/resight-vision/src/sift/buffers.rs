//! Pyramids that outlive a picture, so that the next picture of its size allocates little.

use std::sync::Arc;

use parking_lot::Mutex;

use super::pyramid::Pyramid;

/// Spare pyramids: at most as many as extractions ran at once.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Pyramid>>>);

/// Larger pyramids are dropped, so that one huge picture does not occupy its memory for good.
const MOST_BYTES: usize = 128 << 20;

impl Pool {
    pub(super) fn take(&self) -> Pyramid {
        self.0.lock().pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, pyramid: Pyramid) {
        if pyramid.capacity() <= MOST_BYTES {
            self.0.lock().push(pyramid);
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Simd;
    use crate::image::GrayImage;
    use crate::sift::options::SiftOptions;
    use crate::sift::team::Team;

    fn built(width: usize, height: usize) -> Pyramid {
        let image = GrayImage::new(width, height, vec![0; width * height]).unwrap();
        let mut pyramid = Pyramid::default();
        let (team, options) = (Team::default(), SiftOptions::default());
        pyramid.build(Simd::widest(), &team, image.view(), &options);
        pyramid
    }

    #[test]
    fn small_pyramids_are_reused_and_huge_ones_dropped() {
        let pool = Pool::default();
        let small = built(64, 48);
        let capacity = small.capacity();
        assert!(capacity > 64 * 48);
        pool.give_back(small);
        assert_eq!(pool.clone().take().capacity(), capacity);
        assert_eq!(pool.take().capacity(), 0, "there was one");
        let huge = built(3000, 2000);
        assert!(huge.capacity() > MOST_BYTES);
        pool.give_back(huge);
        assert_eq!(pool.take().capacity(), 0);
    }
}
