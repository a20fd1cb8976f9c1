//! Every place in a result that shows the query.

use resight_index::Vocabulary;
use resight_vision::{
    Evidence, Match, PackedQueries, Transform, Verification, VerifyOptions, squared_distances,
    verify_others,
};

use super::answer::Instance;
use super::evidence::{cells, evidence, matched_parts};
use super::prepared::PreparedQuery;
use crate::geometry;
use crate::library::stored_features::StoredFeatures;

/// Instances of one result, at most.
const MOST_INSTANCES: usize = 8;

/// Largest share of the smaller of two frames that two instances have in common. A façade that agrees
/// with itself one window further is seen once.
const FRAMES_SHARED: f64 = 0.5;
/// Largest share of the smaller of two matched parts that two instances have in common.
const PARTS_SHARED: f64 = 0.3;

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
    let shared = |other: &Verification| {
        let features = [query.own, &stored.features];
        let [_, part] = matched_parts(other, &matches, features, [query.size, size]);
        part
    };
    let instances = others.into_iter().map(|other| Instance {
        inliers: other.inliers.len(),
        log10_nfa: Some(other.log10_nfa),
        transform: query.of_whole(&other.transform).0,
        region: geometry::region(&other.transform, query.size, size),
        shared: shared(&other),
    });
    instances.collect()
}

/// Adds those of `others` that lie apart from all before them: whose frames share at most
/// [`FRAMES_SHARED`] of the smaller one, and whose matched parts at most [`PARTS_SHARED`].
pub(crate) fn add_apart(instances: &mut Vec<Instance>, others: Vec<Instance>) {
    for other in others {
        let is_apart = |known: &Instance| {
            is_within(&known.region, &other.region, FRAMES_SHARED)
                && is_within(&known.shared, &other.shared, PARTS_SHARED)
        };
        if instances.iter().all(is_apart) {
            instances.push(other);
        }
    }
}

/// Whether two polygons share at most `most` of the smaller one; true where one is unknown.
fn is_within(a: &Option<Vec<[f64; 2]>>, b: &Option<Vec<[f64; 2]>>, most: f64) -> bool {
    a.as_deref()
        .zip(b.as_deref())
        .is_none_or(|(a, b)| geometry::overlap(a, b) <= most)
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
