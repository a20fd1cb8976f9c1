//! What chance does in these two pictures, estimated from the matches that contradict a transform.
//!
//! A uniform chance model holds for unrelated photographs. It does not hold where pictures are made of
//! the same signs: in two pages of one typeface every letter has the size and the direction of its match,
//! letters stand on lines, and words recur as a whole. Matches that contradict the transform show how far
//! that goes, because they are chance themselves.

use super::bounds::Bounds;
use super::pairs::{ANGLE_AGREEMENT, Pairs, SCALE_AGREEMENT};
use super::places::{are_distinct_in_query, distinct_places, squared};
use super::transform::Transform;

/// A match contradicts a transform from this residual on, as a share of the result's diagonal. Nearer
/// ones may belong to another plane of the same thing.
const FAR: f64 = 0.1;
/// Places within this share of the query's diagonal are neighbours.
const NEIGHBOURHOOD: f64 = 0.05;
/// Weights of the uniform model among the estimates, in matches.
const PRIOR_OF_AGREEMENT: f64 = 20.0;
const PRIOR_OF_COHERENCE: f64 = 3.0;
/// How often the neighbours of a match by chance agree with it in the uniform model.
const COHERENCE: f64 = 0.003;
/// How far a neighbour may lie from where a match's scale and angle put it, as a share of its distance.
const SLACK: f64 = 0.15;
/// Residual, in tolerances, up to which a neighbour of an inlier does not contradict the transform.
const LOOSE: f64 = 4.0;
/// Share of the places near inliers that agree where both pictures show the same thing, and where not.
const AGREEING: f64 = 0.6;
const AGREEING_BY_CHANCE: f64 = 0.3;

/// The chance model of two pictures and a transform.
pub(super) struct Background {
    /// How often a match by chance agrees with the transform in scale and angle.
    pub(super) agreement: f64,
    /// How often a neighbour of a match by chance agrees with that match.
    pub(super) coherence: f64,
    /// Density of the result's keypoints where the inliers lie, as a multiple of the mean; at least 1.
    pub(super) density: f64,
    /// log10 of the likelihood ratio of the places around the inliers; at most 0.
    pub(super) contradiction: f64,
}

/// How often a match by chance agrees in scale and angle, in the uniform model.
pub(super) fn uniform_agreement() -> f64 {
    let angle = ANGLE_AGREEMENT / std::f64::consts::PI;
    let scale = libm::log(SCALE_AGREEMENT) / libm::log(16.0);
    angle * scale
}

/// Largest distance of neighbours in the query, in pixels.
pub(super) fn neighbourhood(bounds: &Bounds<'_>) -> f64 {
    NEIGHBOURHOOD * bounds.diagonals[0]
}

impl Background {
    /// `places` are the inliers at distinct places.
    pub(super) fn of(
        pairs: &Pairs,
        transform: &Transform,
        inliers: &[usize],
        places: &[usize],
        bounds: &Bounds<'_>,
    ) -> Self {
        let mut is_inlier = vec![false; pairs.len()];
        for &i in inliers {
            is_inlier[i] = true;
        }
        // Squared residual, and whether scale and angle agree.
        let fits: Vec<(f64, bool)> = (0..pairs.len()).map(|i| pairs.fit(i, transform)).collect();
        let far = (FAR * bounds.diagonals[1]).powi(2);
        let chance: Vec<usize> = (0..pairs.len())
            .filter(|&i| !is_inlier[i] && fits[i].0 > far)
            .collect();
        let agreeing = chance.iter().filter(|&&i| fits[i].1).count();
        let uniform = uniform_agreement();
        let agreement = (agreeing as f64 + PRIOR_OF_AGREEMENT * uniform)
            / (chance.len() as f64 + PRIOR_OF_AGREEMENT);
        Self {
            agreement: agreement.max(uniform),
            coherence: coherence(pairs, &chance, bounds),
            density: density(pairs, transform, places, bounds),
            contradiction: contradiction(pairs, &fits, places, bounds),
        }
    }
}

/// How often the neighbours of a match in `chance` agree with it: the mean over all that have neighbours
/// at distinct places.
fn coherence(pairs: &Pairs, chance: &[usize], bounds: &Bounds<'_>) -> f64 {
    let reach = neighbourhood(bounds).powi(2);
    let (mut matches, mut sum) = (0.0, 0.0);
    for &i in chance {
        let (mut near, mut coherent) = (0u32, 0u32);
        for &j in chance {
            if i == j || squared(pairs.at(i).0, pairs.at(j).0) > reach {
                continue;
            }
            if are_distinct_in_query(pairs, i, j, bounds) {
                near += 1;
                coherent += u32::from(pairs.is_coherent(i, j, bounds.tolerance, SLACK));
            }
        }
        if near > 0 {
            matches += 1.0;
            sum += f64::from(coherent) / f64::from(near);
        }
    }
    (sum + PRIOR_OF_COHERENCE * COHERENCE) / (matches + PRIOR_OF_COHERENCE)
}

/// The mean number of the result's keypoints around the places, as a multiple of what it would be if
/// they were spread evenly; at least 1.
fn density(pairs: &Pairs, transform: &Transform, places: &[usize], bounds: &Bounds<'_>) -> f64 {
    let limit = (2.0 * bounds.tolerance).powi(2);
    let predicted = places
        .iter()
        .filter_map(|&i| transform.apply(pairs.at(i).0));
    let (mut count, mut sum) = (0.0, 0.0);
    for place in predicted {
        let near = |k: &&crate::features::Keypoint| {
            squared([f64::from(k.x), f64::from(k.y)], place) <= limit
        };
        count += 1.0;
        sum += bounds.result.iter().filter(near).count() as f64;
    }
    let even = bounds.result.len() as f64 * std::f64::consts::PI * limit / bounds.area;
    if count == 0.0 || even <= 0.0 {
        return 1.0;
    }
    (sum / count / even).max(1.0)
}

/// log10 of how much likelier the places around the inliers are where both show the same thing than
/// where not, at most 0: around letters that agree by chance stand many that contradict.
fn contradiction(
    pairs: &Pairs,
    fits: &[(f64, bool)],
    places: &[usize],
    bounds: &Bounds<'_>,
) -> f64 {
    let limit = (LOOSE * bounds.tolerance).powi(2);
    let reach = neighbourhood(bounds).powi(2);
    let is_near = |i: usize| {
        let place = pairs.at(i).0;
        places
            .iter()
            .any(|&p| squared(place, pairs.at(p).0) <= reach)
    };
    let (agreeing, others): (Vec<usize>, Vec<usize>) =
        (0..pairs.len()).partition(|&i| fits[i].0 <= limit && fits[i].1);
    let contradicting: Vec<usize> = others.into_iter().filter(|&i| is_near(i)).collect();
    let agreeing = distinct_places(pairs, &agreeing, bounds).len() as f64;
    let contradicting = distinct_places(pairs, &contradicting, bounds).len() as f64;
    let ratio = agreeing * libm::log10(AGREEING / AGREEING_BY_CHANCE)
        + contradicting * libm::log10((1.0 - AGREEING) / (1.0 - AGREEING_BY_CHANCE));
    ratio.min(0.0)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use image::imageops::{FilterType, crop_imm, resize};
    use resight_test_support::text_page;

    use super::super::evidence::{Evidence, VerifyOptions};
    use super::super::verification::Verification;
    use super::super::verify;
    use crate::features::{LocalExtractor, LocalFeatures};
    use crate::matching::{MatchOptions, match_all};
    use crate::{Image, Sift};

    fn described(picture: &GrayImage) -> (LocalFeatures, [f32; 2]) {
        let rgb = picture.pixels().flat_map(|p| [p.0[0]; 3]).collect();
        let image = Image::from_rgb(picture.width(), picture.height(), rgb).unwrap();
        let size = [picture.width() as f32, picture.height() as f32];
        (Sift::default().extract(&image).unwrap(), size)
    }

    fn verified(
        query: &(LocalFeatures, [f32; 2]),
        result: &(LocalFeatures, [f32; 2]),
    ) -> Option<Verification> {
        let options = MatchOptions::default();
        let matches = match_all(&query.0.descriptors, &result.0.descriptors, &options);
        let evidence = Evidence {
            query: &query.0.keypoints,
            result: &result.0.keypoints,
            matches: &matches,
            query_size: query.1,
            result_size: result.1,
            mirrored: false,
        };
        verify(&evidence, &VerifyOptions::default()).filter(|found| found.verified)
    }

    #[test]
    fn other_pages_of_one_typeface_are_not_verified() {
        let pages: Vec<_> = (0..8).map(|seed| described(&text_page(seed))).collect();
        for (i, query) in pages.iter().enumerate() {
            for result in &pages[i + 1..] {
                assert_eq!(verified(query, result), None);
            }
        }
    }

    #[test]
    fn the_same_page_is_verified_smaller_and_in_part() {
        let page = text_page(3);
        let query = described(&page);
        let smaller = resize(&page, 630, 840, FilterType::Triangle);
        assert!(verified(&query, &described(&smaller)).is_some());
        // A quarter of the page.
        let part = crop_imm(&page, 300, 400, 450, 600).to_image();
        assert!(verified(&query, &described(&part)).is_some());
        assert!(verified(&described(&part), &query).is_some());
    }
}
