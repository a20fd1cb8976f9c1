//! The same thing more than once in one result: what one transform explains is taken out, and the
//! rest is verified again (sequential estimation, as in Lowe 2004 §7.4 for several objects).

use super::pairs::Pairs;
use super::refine::{self, Bounds};
use super::{Evidence, Transform, Verification, VerifyOptions, told};
use crate::dispatch::Simd;

/// Matches this many times the tolerance from where a transform takes them are its as well: what is
/// left of a bent or deep thing must not become another instance.
const BELONGS: f64 = 2.0;
/// Another instance's points lie this many times their own spread from where the ones before would
/// have them.
const APART: f64 = 0.5;

/// Where else in the result the query is seen than at `first`: at most `most`, each verified by
/// itself, in the order in which they were found.
///
/// The matches may give one keypoint of the query to several of the result, and should: of two equal
/// copies in one picture a query keypoint is as near to the one as to the other. Other planes of a
/// deep scene, which one transform does not hold together, are no instances: those lie apart by at
/// least half their own size.
pub fn verify_others(
    evidence: &Evidence<'_>,
    options: &VerifyOptions,
    first: &Transform,
    most: usize,
) -> Vec<Verification> {
    let all = Pairs::of(evidence);
    let bounds = Bounds::of(evidence, options);
    let first = match evidence.mirrored {
        true => Transform::flip(evidence.query_size[0].into()).then(first),
        false => *first,
    };
    let belongs = (BELONGS * bounds.tolerance()).powi(2);
    let mut known = vec![first];
    let mut left: Vec<usize> = (0..all.len()).collect();
    let mut found = Vec::new();
    // Each round explains some matches, and those that bring no instance are few.
    while found.len() < most && known.len() <= 2 * most {
        let explained = known.len() - 1;
        left.retain(|&i| all.residual(i, &known[explained], belongs).is_none());
        let Some(mut model) = refine::best(&all.subset(&left), &bounds, Simd::widest()) else {
            break;
        };
        for i in &mut model.inliers {
            *i = left[*i];
        }
        let t = model.transform;
        let is_new = known
            .iter()
            .all(|k| are_apart(&all, &model.inliers, k, &t, &bounds));
        let verification = told(model, evidence, options);
        if !verification.verified {
            break;
        }
        known.push(t);
        if is_new {
            found.push(verification);
        }
    }
    found
}

/// Whether `known` takes most of what `new` explains to another place than `new` does.
fn are_apart(
    all: &Pairs,
    inliers: &[usize],
    known: &Transform,
    new: &Transform,
    bounds: &Bounds,
) -> bool {
    let n = inliers.len().max(1) as f64;
    let (mut x, mut y, mut squares) = (0.0, 0.0, 0.0);
    let mut off = Vec::with_capacity(inliers.len());
    for &i in inliers {
        let (from, to) = all.at(i);
        x += to[0];
        y += to[1];
        squares += to[0] * to[0] + to[1] * to[1];
        off.push(match known.apply(from).zip(new.apply(from)) {
            Some((a, b)) => (a[0] - b[0]).hypot(a[1] - b[1]),
            None => f64::INFINITY,
        });
    }
    let spread = ((squares - (x * x + y * y) / n) / n).max(0.0).sqrt();
    off.sort_by(f64::total_cmp);
    off.get(off.len() / 2)
        .is_some_and(|&middle| middle > (APART * spread).max(4.0 * bounds.tolerance()))
}
