use resight_test_support::Random;

use super::*;
use crate::features::Keypoint;
use crate::matching::Match;

const SIZE: [f32; 2] = [640.0, 480.0];
/// A view with rotation, shear, scale and perspective.
const PERSPECTIVE: Transform = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 2e-4, 1e-4, 1.0]);

/// Matches between two pictures of [`SIZE`].
#[derive(Clone, Default)]
pub(super) struct Scene {
    query: Vec<Keypoint>,
    result: Vec<Keypoint>,
    matches: Vec<Match>,
    mirrored: bool,
}

fn keypoint([x, y]: [f64; 2], scale: f64, angle: f64) -> Keypoint {
    Keypoint {
        x: x as f32,
        y: y as f32,
        scale: scale as f32,
        angle: angle as f32,
        response: 1.0,
    }
}

impl Scene {
    /// `inliers` matches that obey `t` within about a pixel, then `outliers` that obey nothing.
    pub(super) fn of(t: &Transform, inliers: usize, outliers: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut scene = Self::default();
        for i in 0..inliers + outliers {
            let from = [random.between(0.0, 640.0), random.between(0.0, 480.0)];
            let angle = random.between(0.0, std::f64::consts::TAU);
            let scale = random.between(2.0, 5.0);
            let to = if i < inliers {
                let at = t.apply(from).unwrap();
                let [a, b, c, d] = t.jacobian(from).unwrap();
                let noisy = at.map(|v| v + random.between(-0.5, 0.5));
                let size = scale * (a * d - b * c).sqrt() * random.between(0.9, 1.1);
                keypoint(noisy, size, angle + (c - b).atan2(a + d))
            } else {
                keypoint(
                    [random.between(0.0, 640.0), random.between(0.0, 480.0)],
                    random.between(2.0, 8.0),
                    random.between(0.0, std::f64::consts::TAU),
                )
            };
            scene.push(keypoint(from, scale, angle), to);
        }
        scene
    }

    fn push(&mut self, from: Keypoint, to: Keypoint) {
        let i = self.query.len() as u32;
        self.query.push(from);
        self.result.push(to);
        self.matches.push(Match {
            query: i,
            result: i,
            distance: i,
        });
    }

    fn append(&mut self, other: &Self) {
        for (from, to) in other.query.iter().zip(&other.result) {
            self.push(*from, *to);
        }
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            query: &self.query,
            result: &self.result,
            matches: &self.matches,
            query_size: SIZE,
            result_size: SIZE,
            mirrored: self.mirrored,
        }
    }

    fn verify(&self) -> Option<Verification> {
        verify(&self.evidence(), &VerifyOptions::default())
    }

    fn is_verified(&self) -> bool {
        self.verify().is_some_and(|v| v.verified)
    }
}

/// Largest distance between the images of the corners of [`SIZE`].
fn corner_error(found: &Transform, truth: &Transform) -> f64 {
    let corners = [[0.0, 0.0], [640.0, 0.0], [640.0, 480.0], [0.0, 480.0]];
    let errors = corners.map(|corner| {
        let (got, want) = (found.apply(corner).unwrap(), truth.apply(corner).unwrap());
        (got[0] - want[0]).hypot(got[1] - want[1])
    });
    errors.into_iter().fold(0.0, f64::max)
}

#[test]
fn a_perspective_view_is_recovered_among_outliers() {
    for seed in 1..20 {
        let found = Scene::of(&PERSPECTIVE, 40, 160, seed).verify().unwrap();
        assert!(found.verified);
        let right = found.inliers.iter().filter(|&&i| i < 40).count();
        assert!(
            right >= 36 && found.inliers.len() <= right + 4,
            "{right} of {}",
            found.inliers.len()
        );
        assert!(corner_error(&found.transform, &PERSPECTIVE) < 4.0);
    }
}

#[test]
fn every_kind_of_view_is_recovered() {
    let (c, s) = (1.1f64.cos(), 1.1f64.sin());
    // (what, transform)
    for (what, t) in [
        ("identity", Transform::IDENTITY),
        ("translation", Transform::translation([120.0, -60.0])),
        (
            "rotation",
            Transform([c, -s, 320.0, s, c, -100.0, 0.0, 0.0, 1.0]),
        ),
        (
            "smaller",
            Transform([0.25, 0.0, 50.0, 0.0, 0.25, 300.0, 0.0, 0.0, 1.0]),
        ),
        (
            "larger",
            Transform([3.0, 0.0, -700.0, 0.0, 3.0, -500.0, 0.0, 0.0, 1.0]),
        ),
        (
            "shear",
            Transform([1.0, 0.5, -60.0, 0.1, 0.9, 10.0, 0.0, 0.0, 1.0]),
        ),
        ("perspective", PERSPECTIVE),
    ] {
        let found = Scene::of(&t, 80, 80, 11).verify().unwrap();
        assert!(found.verified, "{what}");
        assert!(corner_error(&found.transform, &t) < 4.0, "{what}");
        assert!(found.inliers.is_sorted() && found.places <= found.inliers.len());
    }
}

#[test]
fn more_inliers_are_surer() {
    let nfas: Vec<f64> = [15, 30, 60, 120]
        .map(|inliers| Scene::of(&PERSPECTIVE, inliers, 100, 12))
        .iter()
        .map(|scene| scene.verify().unwrap().log10_nfa)
        .collect();
    assert!(nfas.windows(2).all(|pair| pair[1] < pair[0]), "{nfas:?}");
}

#[test]
fn thresholds_are_inclusive() {
    let scene = Scene::of(&PERSPECTIVE, 20, 50, 13);
    let found = scene.verify().unwrap();
    let verified = |min_inliers, max_log10_nfa| {
        let options = VerifyOptions {
            min_inliers,
            max_log10_nfa,
            ..VerifyOptions::default()
        };
        verify(&scene.evidence(), &options).unwrap().verified
    };
    assert!(verified(found.places, found.log10_nfa));
    assert!(!verified(found.places + 1, found.log10_nfa));
    assert!(!verified(found.places, found.log10_nfa - 1e-6));
}

#[test]
fn chance_is_not_verified() {
    for seed in 1..200 {
        let scene = Scene::of(&Transform::IDENTITY, 0, 150, seed);
        assert!(!scene.is_verified(), "seed {seed}");
    }
}

#[test]
fn places_without_agreeing_scales_or_angles_are_not_verified() {
    let scene = Scene::of(&Transform::IDENTITY, 60, 0, 14);
    assert!(scene.is_verified());
    let mut turned = scene.clone();
    turned.result.iter_mut().for_each(|k| k.angle += 1.0);
    assert!(!turned.is_verified());
    let mut grown = scene;
    grown.result.iter_mut().for_each(|k| k.scale *= 3.0);
    assert!(!grown.is_verified());
}

#[test]
fn a_mirrored_view_is_not_taken_for_an_upright_one() {
    let mut scene = Scene::of(&Transform::IDENTITY, 60, 0, 3);
    for (q, r) in scene.query.iter().zip(&mut scene.result) {
        (r.x, r.y) = (640.0 - q.x, q.y);
    }
    assert!(!scene.is_verified());
}

#[test]
fn the_mirrored_query_gives_the_transform_of_the_query_as_it_is() {
    let scene = Scene {
        mirrored: true,
        ..Scene::of(&PERSPECTIVE, 60, 60, 4)
    };
    let found = scene.verify().unwrap();
    assert!(found.verified);
    // What lies at x in the mirrored query lies at 639 - x in the query.
    let unmirrored = Transform::flip(640.0).then(&found.transform);
    assert!(corner_error(&unmirrored, &PERSPECTIVE) < 4.0);
    let [a, b, c, d] = found.transform.jacobian([300.0, 200.0]).unwrap();
    assert!(a * d - b * c < 0.0);
}

#[test]
fn each_instance_is_found_once() {
    let views = [
        Transform([0.4, 0.0, 10.0, 0.0, 0.4, 10.0, 0.0, 0.0, 1.0]),
        Transform([0.0, -0.35, 600.0, 0.35, 0.0, 20.0, 0.0, 0.0, 1.0]),
        Transform([0.3, 0.0, 40.0, 0.0, 0.3, 300.0, 0.0, 0.0, 1.0]),
    ];
    let mut scene = Scene::default();
    for (seed, view) in (1..).zip(&views) {
        scene.append(&Scene::of(view, 30, 20, seed));
    }
    for mirrored in [false, true] {
        scene.mirrored = mirrored;
        let evidence = scene.evidence();
        let options = VerifyOptions::default();
        let first = verify(&evidence, &options).unwrap();
        let others = verify_others(&evidence, &options, &first.transform, 8);
        assert_eq!(others.len(), 2);
        let all: Vec<&Verification> = std::iter::once(&first).chain(&others).collect();
        for view in &views {
            let truth = if mirrored {
                Transform::flip(640.0).then(view)
            } else {
                *view
            };
            let close = all
                .iter()
                .filter(|v| corner_error(&v.transform, &truth) < 4.0);
            let sizes: Vec<usize> = close.map(|v| v.inliers.len()).collect();
            assert!(sizes.len() == 1 && sizes[0] >= 27, "{sizes:?}");
        }
        for most in [0, 1] {
            let found = verify_others(&evidence, &options, &first.transform, most);
            assert_eq!(found, others[..most]);
        }
    }
}

#[test]
fn another_plane_of_one_object_is_no_other_instance() {
    // The right half of the query moves 30 px further than the left.
    let left = Transform([0.8, 0.0, 20.0, 0.0, 0.8, 20.0, 0.0, 0.0, 1.0]);
    let mut scene = Scene::of(&left, 120, 20, 6);
    for (q, r) in scene.query.iter().zip(&mut scene.result).take(120) {
        r.x += if q.x > 320.0 { 30.0 } else { 0.0 };
    }
    let first = scene.verify().unwrap();
    assert!(first.verified);
    let options = VerifyOptions::default();
    assert!(verify_others(&scene.evidence(), &options, &first.transform, 8).is_empty());
}

#[test]
fn many_keypoints_of_one_corner_are_one_piece_of_evidence() {
    let mut scene = Scene::of(&Transform::IDENTITY, 14, 60, 8);
    for i in 0..14 {
        // All inliers crowd into a few pixels.
        let (dx, dy) = ((i % 4) as f32, (i / 4) as f32);
        (scene.query[i].x, scene.query[i].y) = (100.0 + dx, 200.0 + dy);
        (scene.result[i].x, scene.result[i].y) = (300.0 + dx, 90.0 + dy);
    }
    assert!(!scene.is_verified());
}

#[test]
fn the_same_answer_every_time() {
    let scene = Scene::of(&PERSPECTIVE, 30, 100, 9);
    assert_eq!(scene.verify(), scene.verify());
}

#[test]
fn few_or_no_matches_give_nothing() {
    assert!(Scene::default().verify().is_none());
    for matches in 1..3 {
        assert!(
            Scene::of(&Transform::IDENTITY, matches, 0, 5)
                .verify()
                .is_none()
        );
    }
}

#[test]
fn degenerate_matches_are_not_verified() {
    let scene = Scene::of(&Transform::IDENTITY, 40, 0, 15);
    let spoilt = |spoil: fn(usize, &mut Keypoint, &mut Keypoint)| {
        let mut spoilt = scene.clone();
        let keypoints = spoilt.query.iter_mut().zip(&mut spoilt.result);
        for (i, (q, r)) in keypoints.enumerate() {
            spoil(i, q, r);
        }
        spoilt.is_verified()
    };
    assert!(!spoilt(
        |_, q, r| (q.x, q.y, r.x, r.y) = (5.0, 5.0, 7.0, 7.0)
    ));
    assert!(!spoilt(
        |i, q, r| (q.x, q.y, r.x, r.y) = (i as f32, 9.0, i as f32, 9.0)
    ));
    assert!(!spoilt(|_, _, r| r.scale = 0.0));
    assert!(!spoilt(|_, q, r| (q.scale, r.scale) = (0.0, 0.0)));
    assert!(!spoilt(|_, _, r| r.x = f32::NAN));
    assert!(!spoilt(|_, q, _| q.y = f32::INFINITY));
    assert!(!spoilt(|_, q, _| q.angle = f32::NAN));
    assert!(!spoilt(|_, _, r| r.scale = f32::INFINITY));
}
