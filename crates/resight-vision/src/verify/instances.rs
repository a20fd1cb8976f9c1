//! Further instances of the query in one result: sequential estimation removes the matches that a
//! transform explains and verifies the rest (as Lowe 2004 §7.4 does for several objects).

use super::bounds::Bounds;
use super::evidence::{Evidence, VerifyOptions};
use super::pairs::Pairs;
use super::refine;
use super::transform::Transform;
use super::verification::Verification;
use crate::dispatch::Simd;

/// A transform explains matches with residuals up to this many times the tolerance, so that the
/// rest of a bent or deep object does not become another instance.
const EXPLAINED: f64 = 2.0;
/// Least distance between the points of an instance and where earlier transforms map them, in
/// units of the points' spread.
const APART: f64 = 0.5;

/// Finds at most `most` further instances of the query in the result beside `first`. Each is
/// verified on its own. The order is that of estimation.
///
/// The matches may, and should, pair one keypoint of the query with several of the result: of two
/// equal copies in one picture, both are equally near to a query keypoint. Other planes of a deep
/// scene are not instances: those lie at least half their own size apart.
pub fn verify_others(
    evidence: &Evidence<'_>,
    options: &VerifyOptions,
    first: &Transform,
    most: usize,
) -> Vec<Verification> {
    let all = Pairs::of(evidence);
    let bounds = Bounds::of(evidence, options);
    let mut newest = if evidence.mirrored {
        Transform::flip(evidence.query_size[0].into()).then(first)
    } else {
        *first
    };
    let limit = (EXPLAINED * bounds.tolerance).powi(2);
    let mut known = vec![newest];
    let mut unexplained: Vec<usize> = (0..all.len()).collect();
    let mut instances = Vec::new();
    // Each round explains some matches, and rounds without a new instance are few.
    while instances.len() < most && known.len() <= 2 * most {
        unexplained.retain(|&i| all.residual(i, &newest, limit).is_none());
        let Some(mut model) = refine::best(&all.subset(&unexplained), &bounds, Simd::widest())
        else {
            break;
        };
        for i in &mut model.inliers {
            *i = unexplained[*i];
        }
        newest = model.transform;
        let is_new = known
            .iter()
            .all(|k| are_apart(&all, &model.inliers, k, &newest, &bounds));
        let verification = Verification::of(model, evidence, options);
        if !verification.verified {
            break;
        }
        known.push(newest);
        if is_new {
            instances.push(verification);
        }
    }
    instances
}

/// Whether `known` maps most of the inliers of `new` to another place than `new` does.
fn are_apart(
    all: &Pairs,
    inliers: &[usize],
    known: &Transform,
    new: &Transform,
    bounds: &Bounds<'_>,
) -> bool {
    let n = inliers.len().max(1) as f64;
    let (mut x, mut y, mut squares) = (0.0, 0.0, 0.0);
    let mut distances = Vec::with_capacity(inliers.len());
    for &i in inliers {
        let (from, to) = all.at(i);
        x += to[0];
        y += to[1];
        squares += to[0] * to[0] + to[1] * to[1];
        distances.push(match known.apply(from).zip(new.apply(from)) {
            Some((a, b)) => (a[0] - b[0]).hypot(a[1] - b[1]),
            None => f64::INFINITY,
        });
    }
    let spread = ((squares - (x * x + y * y) / n) / n).max(0.0).sqrt();
    distances.sort_by(f64::total_cmp);
    distances
        .get(distances.len() / 2)
        .is_some_and(|&middle| middle > (APART * spread).max(4.0 * bounds.tolerance))
}
