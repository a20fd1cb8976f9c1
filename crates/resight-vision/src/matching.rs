//! Which descriptor of one picture belongs to which of another.

use crate::distance::squared_distances;
use crate::features::Descriptors;

/// Feature `query` of the query picture taken for feature `result` of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index into the query's features.
    pub query: u32,
    /// Index into the result's features.
    pub result: u32,
    /// Squared distance of the two descriptors.
    pub distance: u32,
}

/// When a nearest neighbour is believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchOptions {
    /// Lowe's ratio: the nearest must be closer than this share of the second nearest.
    pub ratio: f32,
    /// Largest squared distance; `u32::MAX` for none.
    pub max_distance: u32,
}

impl Default for MatchOptions {
    fn default() -> Self {
        Self {
            ratio: 0.85,
            max_distance: u32::MAX,
        }
    }
}

/// The two nearest of each query feature and the nearest of each result feature, gathered from
/// any number of partial comparisons.
///
/// Comparing everything with everything is one call of [`Nearest::compare`]; an index that knows
/// which features cannot be alike calls it for the parts that can.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// For each query feature: nearest distance, its result feature, second nearest distance.
    forward: Vec<(u32, u32, u32)>,
    /// For each result feature: nearest distance, its query feature.
    backward: Vec<(u32, u32)>,
    distances: Vec<u32>,
}

impl Nearest {
    /// For a query of `queries` features and a result of `results`.
    pub fn new(queries: usize, results: usize) -> Self {
        Self {
            forward: vec![(u32::MAX, u32::MAX, u32::MAX); queries],
            backward: vec![(u32::MAX, u32::MAX); results],
            distances: Vec::new(),
        }
    }

    /// Compares the query feature `query` with the result features `first ..` whose descriptors
    /// stand end to end in `rows`. A pair must not be offered twice.
    pub fn compare(&mut self, query: u32, descriptor: &[u8], first: u32, rows: &[u8]) {
        squared_distances(descriptor, rows, &mut self.distances);
        let forward = &mut self.forward[query as usize];
        let backward = &mut self.backward[first as usize..];
        for ((result, &d), back) in (first..).zip(&self.distances).zip(backward) {
            // Ties go to the smaller index, so the order of the parts does not matter.
            if (d, result) < (forward.0, forward.1) {
                forward.2 = forward.0;
                forward.0 = d;
                forward.1 = result;
            } else if d < forward.2 {
                forward.2 = d;
            }
            if (d, query) < *back {
                *back = (d, query);
            }
        }
    }

    /// Mutual nearest neighbours that pass the ratio test, closest first.
    pub fn matches(&self, options: &MatchOptions) -> Vec<Match> {
        let ratio = f64::from(options.ratio) * f64::from(options.ratio);
        let mut found: Vec<Match> = self
            .forward
            .iter()
            .enumerate()
            .filter(|&(query, &(d, result, second))| {
                d <= options.max_distance
                    && result != u32::MAX
                    && (second == u32::MAX || f64::from(d) < ratio * f64::from(second))
                    && self.backward[result as usize].1 == query as u32
            })
            .map(|(query, &(distance, result, _))| Match {
                query: query as u32,
                result,
                distance,
            })
            .collect();
        found.sort_by_key(|m| (m.distance, m.query));
        found
    }
}

/// Matches of all features with all: mutual nearest neighbours that pass the ratio test, closest
/// first. Descriptors of different length match nowhere.
pub fn match_all(query: &Descriptors, result: &Descriptors, options: &MatchOptions) -> Vec<Match> {
    if query.dimension() != result.dimension() {
        return Vec::new();
    }
    let mut nearest = Nearest::new(query.len(), result.len());
    for (i, descriptor) in query.iter().enumerate() {
        nearest.compare(i as u32, descriptor, 0, result.as_bytes());
    }
    nearest.matches(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors(rows: &[[u8; 4]]) -> Descriptors {
        Descriptors::from_bytes(4, rows.concat()).unwrap()
    }

    #[test]
    fn the_clear_pair_is_matched_and_the_doubtful_is_not() {
        let a = descriptors(&[[0, 0, 0, 0], [100, 0, 0, 0], [200, 200, 0, 0]]);
        let b = descriptors(&[
            [201, 200, 0, 0],
            [98, 0, 0, 0],
            [102, 0, 0, 0],
            [0, 0, 3, 0],
        ]);
        let found = match_all(&a, &b, &MatchOptions::default());
        let pairs: Vec<_> = found
            .iter()
            .map(|m| (m.query, m.result, m.distance))
            .collect();
        // The middle one has two equally near neighbours.
        assert_eq!(pairs, [(2, 0, 1), (0, 3, 9)]);
    }

    #[test]
    fn one_result_feature_serves_one_query_feature() {
        let a = descriptors(&[[10, 0, 0, 0], [12, 0, 0, 0]]);
        let b = descriptors(&[[11, 0, 0, 0], [200, 0, 0, 0]]);
        assert_eq!(match_all(&a, &b, &MatchOptions::default()).len(), 1);
    }

    #[test]
    fn the_order_of_parts_does_not_matter() {
        let a = descriptors(&[[9, 9, 9, 9]]);
        let b = descriptors(&[[9, 9, 9, 8], [0, 0, 0, 0], [9, 9, 8, 9], [7, 7, 7, 7]]);
        let rows = b.as_bytes();
        let (mut one, mut two) = (Nearest::new(1, 4), Nearest::new(1, 4));
        one.compare(0, a.get(0), 0, &rows[..8]);
        one.compare(0, a.get(0), 2, &rows[8..]);
        two.compare(0, a.get(0), 2, &rows[8..]);
        two.compare(0, a.get(0), 0, &rows[..8]);
        assert_eq!(one.forward[0].0, two.forward[0].0);
        assert_eq!(one.forward, two.forward);
        assert_eq!(one.backward, two.backward);
    }

    #[test]
    fn different_lengths_match_nowhere() {
        let a = descriptors(&[[1, 2, 3, 4]]);
        let b = Descriptors::from_bytes(2, vec![1, 2]).unwrap();
        assert!(match_all(&a, &b, &MatchOptions::default()).is_empty());
    }
}
