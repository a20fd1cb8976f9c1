//! Every place in a result that shows the query.

use resight_index::Vocabulary;
use resight_vision::{
    Evidence, Match, PackedQueries, Transform, VerifyOptions, squared_distances, verify_others,
};

use super::answer::Instance;
use super::evidence::{cells, evidence};
use super::prepared::PreparedQuery;
use crate::geometry;
use crate::library::stored_features::StoredFeatures;

/// Instances of one result, at most.
const MOST_INSTANCES: usize = 8;

/// Ratio of the distances of the nearest and the second query feature below which the nearest is taken.
const RATIO: f64 = 0.85;

/// The instances beside the one of `first`, in the order in which they were found. `size` is the
/// result's width and height in pixels.
pub(crate) fn other_instances(
    query: &PreparedQuery<'_>,
    vocabulary: &Vocabulary,
    stored: &StoredFeatures,
    size: [u32; 2],
    first: &Transform,
    options: &VerifyOptions,
) -> Vec<Instance> {
    let matches = nearest_in_query(&query.packed, stored, vocabulary);
    let evidence = Evidence {
        mirrored: query.variant.mirrored,
        ..evidence(query.features, &stored.features, &matches, query.size, size)
    };
    let others = verify_others(&evidence, options, first, MOST_INSTANCES - 1);
    let instances = others.into_iter().map(|other| Instance {
        inliers: other.inliers.len(),
        log10_nfa: other.log10_nfa,
        transform: query.of_whole(&other.transform).0,
        region: geometry::region(&other.transform, query.size, size),
    });
    instances.collect()
}

/// The nearest query feature of each stored one, where it is clearly the nearest; best first. A query
/// feature may be the nearest of several stored ones, as where the result shows it several times.
fn nearest_in_query(
    packed: &[PackedQueries],
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let (mut matches, mut distances) = (Vec::new(), Vec::new());
    for (features, packed) in cells(packed, stored, vocabulary) {
        for i in features {
            let descriptor = stored.features.descriptors.get(i);
            squared_distances(descriptor, packed.rows(), &mut distances);
            let (mut nearest, mut second) = ((u32::MAX, u32::MAX), u32::MAX);
            for (&distance, &query) in distances.iter().zip(packed.queries()) {
                if (distance, query) < nearest {
                    second = nearest.0;
                    nearest = (distance, query);
                } else if distance < second {
                    second = distance;
                }
            }
            if f64::from(nearest.0) < RATIO * RATIO * f64::from(second) {
                matches.push(Match {
                    query: nearest.1,
                    result: i as u32,
                    distance: nearest.0,
                });
            }
        }
    }
    matches.sort_unstable_by_key(|m| (m.distance, m.query, m.result));
    matches
}
