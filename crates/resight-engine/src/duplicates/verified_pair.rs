//! What becomes of one verified hit: the pixels of the two pictures compared, and their kind.

use resight_index::Candidate;
use resight_store::PicturePair;
use resight_vision::{Image, Transform};

use super::aligned::{PixelDifference, Small, compare_aligned};
use super::further_pages::further_pages_are_same;
use super::kind::{Compared, PairKind, kind_of, master_rank, of_whole_files};
use super::pair_up::{Found, Pairing, memory_to_compare};
use super::pixels::{PixelAgreement, compare_pixels};
use crate::geometry;
use crate::picture::Picture;
use crate::search::answer::Hit;

/// Share of the blocks of two thumbnails that must be alike for their pixels to be compared.
const PERHAPS_ALIKE: f64 = 0.25;

impl Pairing<'_> {
    /// A verified hit as a pair; `None` for a transform without an inverse.
    pub(super) fn pair(
        &self,
        found: &Found,
        candidate: Candidate,
        hit: &Hit,
    ) -> Option<PicturePair> {
        let Found { key, later, .. } = found;
        let transform = hit.transform.map(Transform)?.inverse()?;
        let inverted = hit.variant.inverted;
        let small = self.by_thumbnails(found, hit, &transform);
        let may_be_a_copy = small.is_some_and(|small| small.alike >= PERHAPS_ALIKE);
        let compared = may_be_a_copy.then(|| self.by_pixels(later, hit, &transform));
        let compared = compared.flatten();
        let kind = compared
            .as_ref()
            .map_or(PairKind::SameScene, |(_, kind)| *kind);
        tracing::debug!(
            a = hit.picture.name,
            b = later.name,
            kind = kind.as_str(),
            ?small,
            ?compared,
            "a pair"
        );
        let mut pair = PicturePair {
            a: candidate.key.0,
            b: *key,
            kind: kind.number(),
            log10_nfa: hit.log10_nfa.unwrap_or(0.0),
            inliers: u32::try_from(hit.inliers).unwrap_or(u32::MAX),
            coverage_a: hit.coverage_result,
            coverage_b: hit.coverage_query,
            alike: small.map(|small| small.alike),
            transform: transform.0,
            inverted,
            regions: Vec::new(),
        };
        if let Some((pixels, kind)) = compared {
            pair.alike = Some(pixels.agreement.alike[0]);
            if kind.is_copy() {
                pair.transform = pixels.transform.0;
            }
            if kind == PairKind::Edited {
                pair.regions = pixels.regions;
            }
        }
        Some(pair)
    }

    /// Compares the thumbnails, which is enough where they clearly differ.
    fn by_thumbnails(
        &self,
        found: &Found,
        hit: &Hit,
        transform: &Transform,
    ) -> Option<PixelDifference> {
        let (later, thumbnail) = (&found.later, found.thumbnail.as_ref());
        let negative = thumbnail
            .filter(|_| hit.variant.inverted)
            .and_then(negative);
        let earlier = self.thumbnail(&hit.picture)?;
        let a = Small {
            image: &earlier,
            full: [hit.picture.width, hit.picture.height],
        };
        let b = Small {
            image: negative.as_ref().or(thumbnail)?,
            full: [later.width, later.height],
        };
        compare_aligned(a, b, transform)
    }

    /// Compares all pixels; `None` where they cannot be read, or have too little in common.
    fn by_pixels(
        &self,
        later: &Picture,
        hit: &Hit,
        transform: &Transform,
    ) -> Option<(PixelAgreement, PairKind)> {
        let [a, b] = [self.decoded.get(&hit.picture)?, self.decoded.get(later)?];
        let sizes = [&hit.picture, later].map(|picture| [picture.width, picture.height]);
        let inverted = hit.variant.inverted;
        let decoded = [&a, &b].map(|pixels| [pixels.image.width(), pixels.image.height()]);
        // Thumbnails and very large pictures are compared at another size than transforms refer to.
        let enter = geometry::same_frame(decoded[0], sizes[0]);
        let leave = geometry::same_frame(sizes[1], decoded[1]);
        let onto = enter.then(transform).then(&leave);
        let mut pixels = {
            let memory = &self.library.options().decode.memory;
            let _share = memory_to_compare(memory, &a.image, &b.image);
            compare_pixels(&a.image, &b.image, &onto, inverted)?
        };
        let back = [enter.inverse()?, leave.inverse()?];
        pixels.transform = back[0].then(&pixels.transform).then(&back[1]);
        let [x, y] = [0, 1].map(|i| sizes[1][i] as f32 / decoded[1][i] as f32);
        for region in &mut pixels.regions {
            *region = [region[0] * x, region[1] * y, region[2] * x, region[3] * y];
        }
        let kind = kind_of(&Compared {
            sizes,
            inverted,
            whole: a.whole && b.whole,
            pixels: &pixels,
        });
        let kind = of_whole_files(kind, [a.pages, b.pages], || {
            further_pages_are_same(self.library, [&hit.picture, later], self.is_cancelled)
        });
        let of_ranks = [
            master_rank(&hit.picture.media_type, a.depth),
            master_rank(&later.media_type, b.depth),
        ];
        let kind = match kind {
            PairKind::ReEncoded if of_ranks[0] != of_ranks[1] => PairKind::Derivative,
            kind => kind,
        };
        Some((pixels, kind))
    }
}

/// The picture with its tones inverted.
fn negative(image: &Image) -> Option<Image> {
    let rgb = image.rgb().iter().map(|&value| 255 - value).collect();
    Image::from_rgb(image.width(), image.height(), rgb)
}
