//! The second step of a search: whether a picture's matches agree on one similarity. Each match of two
//! [`Place`]s proposes one, as both have a scale and an angle, and its inliers count (Lowe 2004 §7.2;
//! Philbin et al., CVPR 2007). It is coarse, and fast enough for thousands of pictures; the best are
//! verified with their full features.

use std::sync::OnceLock;

use crate::candidate::RARELY_BY_CHANCE;
use crate::place::{Place, STEPS_IN_OCTAVE};

/// A match of a feature of the query with a posting of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureMatch {
    /// Number of the query's feature.
    pub(crate) feature: u32,
    /// Any number that identifies the posting among those of the picture.
    pub(crate) posting: u32,
    /// Its vote.
    pub(crate) vote: u32,
    pub(crate) query: Place,
    pub(crate) result: Place,
}

/// The inliers of the best similarity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Sum of their votes.
    pub(crate) votes: u64,
    /// Number of matches.
    pub(crate) matches: u32,
}

impl Agreement {
    /// Whether chance rarely gives so many matches, then their votes: few with many votes hide no others.
    fn order(&self) -> (bool, u64) {
        (self.matches >= RARELY_BY_CHANCE, self.votes)
    }
}

/// At most this many matches are used, those with the highest votes.
const MAX_MATCHES: usize = 192;
/// Matches that propose a similarity.
const PROPOSALS: usize = 64;
/// A match agrees with itself.
const MIN_INLIERS: usize = 2;
/// How far from its place an inlier may be, in 1/1024ths of the longer side of the picture: more than
/// verification allows, as scale and angle are those of one keypoint.
const TOLERANCE: f32 = 40.0;
/// A similarity that shrinks must be as exact in the query, down to this factor.
const MIN_TOLERANCE_FACTOR: f32 = 0.25;
/// Scales of inliers differ by at most this, in sixths of an octave.
const SCALE_AGREEMENT: i32 = 6;
/// Angles of inliers differ by at most this, in 1/64ths of a turn.
const ANGLE_AGREEMENT: i32 = 5;

/// Factors of all differences of scale, and cosine and sine of all of angle.
struct Tables {
    factors: [f32; 127],
    turns: [[f32; 2]; 64],
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables {
        factors: std::array::from_fn(|i| libm::exp2f((i as f32 - 63.0) / STEPS_IN_OCTAVE)),
        turns: std::array::from_fn(|i| {
            let angle = i as f32 / 64.0 * std::f32::consts::TAU;
            [libm::cosf(angle), libm::sinf(angle)]
        }),
    })
}

/// Finds the similarity that most matches of a picture agree on. Has buffers that are reused from
/// picture to picture.
#[derive(Default)]
pub(crate) struct AgreementFinder {
    features: Vec<u32>,
    postings: Vec<u32>,
    votes: Vec<u32>,
    from: [Vec<f32>; 2],
    to: [Vec<f32>; 2],
    /// Differences of scale and of angle.
    scales: Vec<i32>,
    angles: Vec<i32>,
}

impl AgreementFinder {
    /// The best similarity among `matches`, which are sorted by falling vote. Of those that share a
    /// feature or a posting, the first counts.
    pub(crate) fn best(&mut self, matches: &[FeatureMatch]) -> Agreement {
        self.take(matches);
        let n = self.votes.len();
        let mut best = Agreement::default();
        if n < MIN_INLIERS {
            return best;
        }
        for proposal in 0..n.min(PROPOSALS) {
            let found = self.count(proposal);
            if found.matches as usize >= MIN_INLIERS && found.order() > best.order() {
                best = found;
            }
        }
        best
    }

    fn take(&mut self, matches: &[FeatureMatch]) {
        self.features.clear();
        self.postings.clear();
        self.votes.clear();
        self.scales.clear();
        self.angles.clear();
        self.from
            .iter_mut()
            .chain(&mut self.to)
            .for_each(Vec::clear);
        for pair in matches {
            if self.votes.len() == MAX_MATCHES {
                break;
            }
            if self.features.contains(&pair.feature) || self.postings.contains(&pair.posting) {
                continue;
            }
            self.features.push(pair.feature);
            self.postings.push(pair.posting);
            self.votes.push(pair.vote);
            self.scales.push(pair.result.scale() - pair.query.scale());
            self.angles
                .push((pair.result.angle() - pair.query.angle()) & 63);
            let (from, to) = (pair.query.position(), pair.result.position());
            for axis in 0..2 {
                self.from[axis].push(from[axis]);
                self.to[axis].push(to[axis]);
            }
        }
    }

    /// The inliers of the similarity that one match proposes.
    fn count(&self, proposal: usize) -> Agreement {
        let tables = tables();
        let (scale, angle) = (self.scales[proposal], self.angles[proposal]);
        let factor = tables.factors[(scale + 63) as usize];
        let [cos, sin] = tables.turns[angle as usize].map(|v| v * factor);
        let [x0, y0] = [self.from[0][proposal], self.from[1][proposal]];
        let dx = self.to[0][proposal] - (cos * x0 - sin * y0);
        let dy = self.to[1][proposal] - (sin * x0 + cos * y0);
        let tolerance = TOLERANCE * factor.clamp(MIN_TOLERANCE_FACTOR, 1.0);
        let limit = tolerance * tolerance;
        let n = self.votes.len();
        // Slices of one length, so that the loop is compiled without checks.
        let (from_x, from_y) = (&self.from[0][..n], &self.from[1][..n]);
        let (to_x, to_y) = (&self.to[0][..n], &self.to[1][..n]);
        let (scales, angles, all) = (&self.scales[..n], &self.angles[..n], &self.votes[..n]);
        let (mut votes, mut matches) = (0u64, 0u32);
        for i in 0..n {
            let x = cos * from_x[i] - sin * from_y[i] + dx - to_x[i];
            let y = sin * from_x[i] + cos * from_y[i] + dy - to_y[i];
            // A difference of angle and half a turn more, from 0 to 63.
            let turned = (angles[i] - angle + 32) & 63;
            let agrees = (x * x + y * y <= limit)
                & ((scales[i] - scale).abs() <= SCALE_AGREEMENT)
                & ((turned - 32).abs() <= ANGLE_AGREEMENT);
            votes += u64::from(if agrees { all[i] } else { 0 });
            matches += u32::from(agrees);
        }
        Agreement { votes, matches }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resight_test_support::Random;
    use resight_vision::Keypoint;

    /// `n` matches under a similarity, then as many without any order.
    fn pairs(n: u32, factor: f32, turn: f32) -> Vec<FeatureMatch> {
        let mut random = Random::new(7);
        let mut next = |below: f32| random.unit() as f32 * below;
        let keypoint = |x, y, scale, angle| Keypoint {
            x,
            y,
            scale,
            angle,
            response: 1.0,
        };
        let place = |k: &Keypoint| Place::of(k, [1024, 1024]);
        (0..2 * n)
            .map(|i| {
                let query = keypoint(next(400.0), next(400.0), 2.0 + next(8.0), next(6.0));
                let (sin, cos) = turn.sin_cos();
                let result = if i < n {
                    let (x, y) = (query.x - 200.0, query.y - 200.0);
                    keypoint(
                        factor * (cos * x - sin * y) + 512.0,
                        factor * (sin * x + cos * y) + 512.0,
                        factor * query.scale,
                        query.angle + turn,
                    )
                } else {
                    keypoint(next(1024.0), next(1024.0), 2.0 + next(8.0), next(6.0))
                };
                FeatureMatch {
                    feature: i,
                    posting: 1000 + i,
                    vote: 5,
                    query: place(&query),
                    result: place(&result),
                }
            })
            .collect()
    }

    #[test]
    fn matches_under_a_similarity_agree_and_others_do_not() {
        let mut finder = AgreementFinder::default();
        for (factor, turn) in [(1.0, 0.0), (0.5, 0.4), (1.2, 3.0), (0.3, -1.0)] {
            let pairs = pairs(40, factor, turn);
            let found = finder.best(&pairs);
            assert!(
                (34..=44).contains(&found.matches),
                "{factor} {turn}: {found:?}"
            );
            assert_eq!(found.votes, 5 * u64::from(found.matches));
            assert!(finder.best(&pairs[40..]).matches <= 4);
        }
    }

    #[test]
    fn two_matches_with_many_votes_hide_no_three() {
        let mut finder = AgreementFinder::default();
        let [two, three] = [pairs(2, 1.0, 0.2), pairs(3, 0.4, 2.0)];
        let two = two[..2]
            .iter()
            .map(|pair| FeatureMatch { vote: 90, ..*pair });
        let three = three[..3].iter().enumerate().map(|(i, pair)| FeatureMatch {
            feature: 50 + i as u32,
            posting: 5000 + i as u32,
            ..*pair
        });
        let all: Vec<FeatureMatch> = two.chain(three).collect();
        let votes = |matches, votes| Agreement { votes, matches };
        assert_eq!(finder.best(&all), votes(3, 15));
        assert_eq!(finder.best(&all[..4]), votes(2, 180));
        assert_eq!(finder.best(&all[1..3]), Agreement::default());
    }

    #[test]
    fn a_feature_counts_once_on_either_side() {
        let mut finder = AgreementFinder::default();
        let mut pairs = pairs(40, 1.0, 0.2);
        pairs.truncate(40);
        let once = finder.best(&pairs);
        let mut twice = pairs.clone();
        twice.extend(pairs.iter().map(|p| FeatureMatch { posting: 1, ..*p }));
        twice.extend(pairs.iter().map(|p| FeatureMatch { feature: 0, ..*p }));
        assert_eq!(finder.best(&twice), once);
        assert_eq!(finder.best(&pairs[..2]).matches, 2);
        assert_eq!(finder.best(&pairs[..1]), Agreement::default());
        assert_eq!(finder.best(&[]), Agreement::default());
    }
}
