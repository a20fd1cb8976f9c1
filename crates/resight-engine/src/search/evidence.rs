//! Matching a query with a stored picture, and the evidence that verification is given.

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
    /// The query's features packed by vocabulary cell.
    pub(crate) packed: &'a [PackedQueries],
    pub(crate) query_size: [u32; 2],
    /// Whether the query is mirrored.
    pub(crate) mirrored: bool,
    pub(crate) stored: &'a StoredFeatures,
    pub(crate) stored_size: [u32; 2],
}

impl Sides<'_> {
    /// The matches and what they agree on; `None` where no three agree. Features are matched within the
    /// vocabulary's cells. Where that comes near to being verified, they are matched all with all, as a
    /// comparison of two pictures matches them, and the surer of the two results is returned.
    pub(crate) fn verify(
        &self,
        vocabulary: &Vocabulary,
        options: &VerifyOptions,
    ) -> Option<(Vec<Match>, Verification)> {
        let within = match_within_cells(self.query, self.packed, self.stored, vocabulary);
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

/// Matches each stored feature with the query features that look into its cell only. With 12 of 256
/// cells that is a twentieth of the comparisons, and few true matches lie elsewhere.
pub(crate) fn match_within_cells(
    query: &LocalFeatures,
    packed: &[PackedQueries],
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let descriptors = &stored.features.descriptors;
    let dimension = descriptors.dimension();
    let mut nearest = Nearest::new(query.len(), stored.features.len());
    for (features, packed) in cells(packed, stored, vocabulary) {
        if !features.is_empty() && dimension == query.descriptors.dimension() {
            let (first, until) = (features.start, features.end);
            let rows = &descriptors.as_bytes()[first * dimension..until * dimension];
            nearest.compare_run(first as u32, rows, packed);
        }
    }
    nearest.matches(&MatchOptions::default())
}

/// The cells in which query features look for matches: the stored features of each, as a range, and the
/// query's.
pub(crate) fn cells<'a>(
    packed: &'a [PackedQueries],
    stored: &'a StoredFeatures,
    vocabulary: &'a Vocabulary,
) -> impl Iterator<Item = (std::ops::Range<usize>, &'a PackedQueries)> {
    let mut first = 0;
    packed.iter().zip(0u32..).filter_map(move |(packed, cell)| {
        let words = vocabulary.cell_words(cell);
        // Few in each cell.
        let here = stored.words[first..]
            .iter()
            .take_while(|word| **word < words.end);
        let until = first + here.count();
        let features = first..until;
        first = until;
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
