//! Where in a result the query is seen: the best place, and every other one.

use resight_index::Vocabulary;
use resight_vision::{
    Evidence, Lookers, Match, Transform, VerifyOptions, squared_distances, verify_others,
};

use crate::examine::{Sought, evidence};
use crate::geometry;
use crate::picture::Picture;
use crate::stored_features::StoredFeatures;

/// Instances told of one result at most.
pub(crate) const MOST_INSTANCES: usize = 8;

/// The nearest query feature is believed when its distance is below this share of the second's.
const RATIO: f64 = 0.85;

/// One place in a result where the query is seen, verified by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; lower is surer.
    pub log10_nfa: f64,
    /// Query to result in pixels, row-major 3×3.
    pub transform: [f64; 9],
    /// The query's outline in the result's pixels, clipped to the result: see [`crate::Hit::region`].
    pub region: Option<Vec<[f64; 2]>>,
}

/// The instances of a verified hit beside that of `first`, in the order in which they were found.
pub(crate) fn others(
    query: &Sought<'_>,
    stored: &StoredFeatures,
    picture: &Picture,
    first: &Transform,
    options: &VerifyOptions,
) -> Vec<Instance> {
    let vocabulary = &query.visual.vocabulary;
    let matches = nearest_in_query(&query.lookers, stored, vocabulary);
    let size = [picture.width, picture.height];
    let evidence = Evidence {
        mirrored: query.variant.mirrored,
        ..evidence(query.features, &stored.features, &matches, query.size, size)
    };
    let found = verify_others(&evidence, options, first, MOST_INSTANCES - 1);
    let told = found.into_iter().map(|found| Instance {
        inliers: found.inliers.len(),
        log10_nfa: found.log10_nfa,
        transform: query.in_whole(&found.transform).0,
        region: geometry::region(&found.transform, query.size, size),
    });
    told.collect()
}

/// The nearest query feature of each stored one, where it is clearly the nearest; best first. One
/// query feature may be several stored ones', as it is where the result shows it several times.
fn nearest_in_query(
    lookers: &[Lookers],
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let (mut matches, mut distances, mut first) = (Vec::new(), Vec::new(), 0);
    for (cell, lookers) in lookers.iter().enumerate() {
        let words = vocabulary.cell_words(cell as u32);
        let count = stored.words[first..].partition_point(|&w| w < words.end);
        let looked_at = if lookers.is_empty() { 0 } else { count };
        for i in first..first + looked_at {
            let descriptor = stored.features.descriptors.get(i);
            squared_distances(descriptor, lookers.rows(), &mut distances);
            let (mut nearest, mut second) = ((u32::MAX, u32::MAX), u32::MAX);
            for (&distance, &query) in distances.iter().zip(lookers.queries()) {
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
        first += count;
    }
    matches.sort_unstable_by_key(|m| (m.distance, m.query, m.result));
    matches
}
