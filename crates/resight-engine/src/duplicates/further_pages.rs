//! Whether the further pages or frames of two files are the same as well.

use resight_decode::{MemoryBudget, pages};
use resight_vision::Image;

use super::kind::{Compared, PairKind, kind_of};
use super::pair_up::memory_to_compare;
use super::pixels::compare_pixels;
use crate::geometry;
use crate::library::Library;
use crate::picture::Picture;

/// Pages or frames that are compared, at most. Files with more are not taken to be the same.
const MOST_PAGES: usize = 256;

/// Whether all pages or frames of two files show the same pixels in the same frame, in the same order. A page
/// that cannot be read is not the same as another.
///
/// After a cancellation they are not; the caller drops what it found.
pub(super) fn further_pages_are_same(
    library: &Library,
    [a, b]: [&Picture; 2],
    is_cancelled: &dyn Fn() -> bool,
) -> bool {
    let limits = &library.options().decode;
    let (Ok(a), Ok(b)) = (library.file(&a.id), library.file(&b.id)) else {
        return false;
    };
    let (Ok(mut a), Ok(mut b)) = (pages(&a.bytes, limits), pages(&b.bytes, limits)) else {
        return false;
    };
    // Once more, to see that both have ended.
    for _ in 0..=MOST_PAGES {
        if is_cancelled() {
            return false;
        }
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(Ok(a)), Some(Ok(b))) if is_same_page(&a.image, &b.image, &limits.memory) => {}
            _ => return false,
        }
    }
    false
}

fn is_same_page(a: &Image, b: &Image, memory: &MemoryBudget) -> bool {
    let sizes = [a, b].map(|image| [image.width(), image.height()]);
    let onto = geometry::same_frame(sizes[0], sizes[1]);
    let _share = memory_to_compare(memory, a, b);
    let Some(pixels) = compare_pixels(a, b, &onto, false) else {
        return false;
    };
    let kind = kind_of(&Compared {
        sizes,
        inverted: false,
        whole: true,
        pixels: &pixels,
    });
    kind == PairKind::ReEncoded
}
