//! Matching a query with a stored picture, and the evidence that verification is given.

use std::ops::Range;

use resight_index::Vocabulary;
use resight_vision::{
    Evidence, LocalFeatures, Match, MatchOptions, Nearest, PackedQueries, Verification,
    VerifyOptions, match_all, verify,
};

use super::answer::EvidenceKind;
use super::request::Variant;
use super::support::{Support, kind_of_evidence, support};
use crate::geometry;
use crate::library::stored_features::StoredFeatures;

/// An unverified pair with a log10 number of false alarms of at most this is matched once more, all
/// features with all.
const NEAR: f64 = 0.0;

/// The largest log10 number of false alarms of a pair that is verified because its descriptors are nearly exact, as those
/// of copies and of printed marks are: that is evidence which the number does not contain.
const MOST_NEARLY_EXACT: f64 = -5.0;

/// A query and a stored picture.
pub(crate) struct Sides<'a> {
    pub(crate) query: &'a LocalFeatures,
    pub(crate) query_size: [u32; 2],
    /// Whether the query is mirrored.
    pub(crate) mirrored: bool,
    pub(crate) stored: &'a StoredFeatures,
    pub(crate) stored_size: [u32; 2],
}

impl Sides<'_> {
    /// The matches and what they agree on; `None` where no three agree. `within` are the matches within the
    /// vocabulary's cells ([`match_within_cells`]). Where these come near to being verified, features are matched all
    /// with all, as a comparison of two pictures matches them, and the surer of the two results is returned.
    pub(crate) fn verify(
        &self,
        within: Vec<Match>,
        options: &VerifyOptions,
    ) -> Option<(Vec<Match>, Verification)> {
        let found = self.agreement(&within, options)?;
        if found.verified || found.log10_nfa > NEAR {
            return Some((within, found));
        }
        let all = match_all(
            &self.query.descriptors,
            &self.stored.features.descriptors,
            &MatchOptions::default(),
        );
        let order = |v: &Verification| (!v.verified, v.log10_nfa);
        match self.agreement(&all, options) {
            Some(surer) if order(&surer) < order(&found) => Some((all, surer)),
            _ => Some((within, found)),
        }
    }

    fn agreement(&self, matches: &[Match], options: &VerifyOptions) -> Option<Verification> {
        let features = [self.query, &self.stored.features];
        let sizes = [self.query_size, self.stored_size];
        agreement(features, sizes, matches, self.mirrored, options)
    }
}

/// What the matches of a query and a result agree on. The query is mirrored where `mirrored` says so, and its
/// features are those of the mirrored query. A pair whose descriptors are exact needs less of the rest.
pub(crate) fn agreement(
    [query, result]: [&LocalFeatures; 2],
    sizes: [[u32; 2]; 2],
    matches: &[Match],
    mirrored: bool,
    options: &VerifyOptions,
) -> Option<Verification> {
    let evidence = Evidence {
        mirrored,
        ..evidence(query, result, matches, sizes[0], sizes[1])
    };
    let mut found = verify(&evidence, options)?;
    let is_near = found.places >= options.min_inliers && found.log10_nfa <= MOST_NEARLY_EXACT;
    if !found.verified && is_near && !mirrored {
        let shared = SharedPart::of(&found, matches, [query, result], sizes);
        found.verified = shared.support().is_nearly_exact();
    }
    Some(found)
}

/// Matches each feature of some stored pictures with the query features that look into its cell only: the matches of
/// each picture. With 12 of 256 cells that is a twentieth of the comparisons, and few true matches lie elsewhere.
///
/// All pictures are compared in one cell before the next: the query's features of a cell stay in the nearest cache, and
/// those of all cells together fit none.
pub(crate) fn match_within_cells(
    query: &LocalFeatures,
    packed: &[PackedQueries],
    pictures: &[&StoredFeatures],
    vocabulary: &Vocabulary,
) -> Vec<Vec<Match>> {
    let dimension = query.descriptors.dimension();
    let started = pictures.iter().map(|stored| {
        let nearest = Nearest::new(query.len(), stored.features.len());
        (*stored, nearest, 0)
    });
    let mut started: Vec<(&StoredFeatures, Nearest, usize)> = started.collect();
    for (packed, cell) in packed.iter().zip(0u32..) {
        let words = vocabulary.cell_words(cell);
        for (stored, nearest, next) in &mut started {
            let features = next_of_cell(stored, *next, words.end);
            *next = features.end;
            let descriptors = &stored.features.descriptors;
            if !packed.is_empty() && !features.is_empty() && descriptors.dimension() == dimension {
                let bytes = features.start * dimension..features.end * dimension;
                let rows = &descriptors.as_bytes()[bytes];
                nearest.compare_run(features.start as u32, rows, packed);
            }
        }
    }
    let matches = started.into_iter().map(|(_, nearest, _)| nearest);
    matches
        .map(|nearest| nearest.matches(&MatchOptions::default()))
        .collect()
}

/// The features from `first` on that have words before `end`.
fn next_of_cell(stored: &StoredFeatures, first: usize, end: u32) -> Range<usize> {
    // Few in each cell.
    let here = stored.words[first..].iter().take_while(|word| **word < end);
    first..first + here.count()
}

/// The cells in which query features look for matches: the stored features of each, as a range, and the
/// query's.
pub(crate) fn cells<'a>(
    packed: &'a [PackedQueries],
    stored: &'a StoredFeatures,
    vocabulary: &'a Vocabulary,
) -> impl Iterator<Item = (Range<usize>, &'a PackedQueries)> {
    let mut first = 0;
    packed.iter().zip(0u32..).filter_map(move |(packed, cell)| {
        let features = next_of_cell(stored, first, vocabulary.cell_words(cell).end);
        first = features.end;
        (!packed.is_empty()).then_some((features, packed))
    })
}

/// Evidence of a picture that is not mirrored.
pub(crate) fn evidence<'a>(
    query: &'a LocalFeatures,
    result: &'a LocalFeatures,
    matches: &'a [Match],
    query_size: [u32; 2],
    result_size: [u32; 2],
) -> Evidence<'a> {
    Evidence {
        query: &query.keypoints,
        result: &result.keypoints,
        matches,
        query_size: query_size.map(|v| v as f32),
        result_size: result_size.map(|v| v as f32),
        mirrored: false,
    }
}

/// What a query and a stored picture share where their matches agree.
pub(crate) struct SharedPart<'a> {
    found: &'a Verification,
    matches: &'a [Match],
    /// Of the query and of the result, as are all pairs here.
    features: [&'a LocalFeatures; 2],
    sizes: [[u32; 2]; 2],
    /// The matched parts, each in its own pixels.
    pub(crate) parts: [Option<Vec<[f64; 2]>>; 2],
    /// The shares of the two pictures that the parts cover, 0..1.
    pub(crate) coverage: [f64; 2],
}

impl<'a> SharedPart<'a> {
    pub(crate) fn of(
        found: &'a Verification,
        matches: &'a [Match],
        features: [&'a LocalFeatures; 2],
        sizes: [[u32; 2]; 2],
    ) -> Self {
        let parts = matched_parts(found, matches, features, sizes);
        let coverage = [0, 1].map(|i| geometry::coverage(parts[i].as_deref(), sizes[i]));
        Self {
            found,
            matches,
            features,
            sizes,
            parts,
            coverage,
        }
    }

    /// How much of what both show agrees; of a query that is neither mirrored nor inverted.
    pub(crate) fn support(&self) -> Support {
        let part = self.parts[0].as_deref();
        support(self.found, self.matches, self.features, part, self.sizes[1])
    }

    /// What a verified pair rests on as far as keypoints say, and whether the pair is exact. A mirrored or
    /// inverted query is never a mark, and not exact.
    pub(crate) fn evidence(&self, variant: Variant) -> (EvidenceKind, bool) {
        if variant == Variant::default() {
            let support = self.support();
            (
                kind_of_evidence(&support, self.coverage),
                support.is_exact(),
            )
        } else {
            (EvidenceKind::Object, false)
        }
    }
}

/// The parts of the query and of the result that the inliers cover, each in its own pixels and within the
/// other picture's frame.
pub(crate) fn matched_parts(
    found: &Verification,
    matches: &[Match],
    features: [&LocalFeatures; 2],
    sizes: [[u32; 2]; 2],
) -> [Option<Vec<[f64; 2]>>; 2] {
    let part = |side: usize, of: &dyn Fn(&Match) -> u32| {
        let keypoints = &features[side].keypoints;
        let points = found.inliers.iter().map(|&i| {
            let k = &keypoints[of(&matches[i]) as usize];
            [k.x.into(), k.y.into(), k.scale.into()]
        });
        geometry::matched_part(&points.collect::<Vec<_>>(), sizes[side])
    };
    let within = |part: Option<Vec<[f64; 2]>>, frame: Option<Vec<[f64; 2]>>| match (part, frame) {
        (Some(part), Some(frame)) => {
            let common = geometry::common(&part, &frame);
            Some(if common.len() < 3 { part } else { common })
        }
        (part, _) => part,
    };
    let back = found.transform.inverse();
    let in_query = back.and_then(|back| geometry::region(&back, sizes[1], sizes[0]));
    let in_result = geometry::region(&found.transform, sizes[0], sizes[1]);
    [
        within(part(0, &|m| m.query), in_query),
        within(part(1, &|m| m.result), in_result),
    ]
}

/// Of each inlier x and y in the query, then x and y in the result.
pub(crate) fn inlier_points(
    verification: &Verification,
    matches: &[Match],
    query: &LocalFeatures,
    result: &LocalFeatures,
) -> Vec<[f64; 4]> {
    let inliers = verification.inliers.iter().map(|&i| {
        let q = &query.keypoints[matches[i].query as usize];
        let r = &result.keypoints[matches[i].result as usize];
        [q.x.into(), q.y.into(), r.x.into(), r.y.into()]
    });
    inliers.collect()
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;
    use resight_vision::{Descriptors, Keypoint};

    use super::super::prepared::PreparedQuery;
    use super::*;

    fn features(random: &mut Random, n: usize) -> LocalFeatures {
        let keypoint = |random: &mut Random| Keypoint {
            x: random.unit() as f32 * 500.0,
            y: random.unit() as f32 * 500.0,
            scale: 3.0,
            angle: 0.0,
            response: 1.0,
        };
        let keypoints = (0..n).map(|_| keypoint(random)).collect();
        let bytes = (0..128 * n).map(|_| random.below(90) as u8).collect();
        LocalFeatures {
            keypoints,
            descriptors: Descriptors::from_bytes(128, bytes).unwrap(),
        }
    }

    #[test]
    fn pictures_together_match_as_each_alone() {
        let (vocabulary, mut random) = (Vocabulary::generic(), Random::new(3));
        let own = features(&mut random, 300);
        let (query, _) = PreparedQuery::new(&own, [500, 500], &vocabulary, 12);
        // The last ones have some of the query's features, one has none at all.
        let stored: Vec<StoredFeatures> = [40, 0, 200, 300, 300]
            .iter()
            .enumerate()
            .map(|(number, &n)| {
                let mut features = features(&mut random, n);
                if number > 2 {
                    features = own.clone();
                    features.truncate(n / number);
                }
                let words = vocabulary.assign(&features.descriptors);
                StoredFeatures::new(features, words.iter().map(|a| a.word).collect())
            })
            .collect();
        let all: Vec<&StoredFeatures> = stored.iter().collect();
        let together = match_within_cells(&own, &query.packed, &all, &vocabulary);
        assert_eq!(together.len(), stored.len());
        for (stored, together) in all.iter().zip(&together) {
            let alone = match_within_cells(&own, &query.packed, &[stored], &vocabulary);
            assert_eq!(alone, std::slice::from_ref(together));
        }
        assert!(together[1].is_empty());
        assert_eq!((together[3].len(), together[4].len()), (100, 75));
    }
}
