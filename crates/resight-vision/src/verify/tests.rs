use super::*;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `inliers` matches that obey `t` within about a pixel and `outliers` that obey nothing.
pub(super) fn scene(
    t: &Transform,
    inliers: usize,
    outliers: usize,
    seed: u64,
) -> (Vec<Keypoint>, Vec<Keypoint>, Vec<Match>) {
    let mut random = Random(seed);
    let (mut query, mut result) = (Vec::new(), Vec::new());
    for i in 0..inliers + outliers {
        let from = [random.next() * 640.0, random.next() * 480.0];
        let angle = random.next() * std::f64::consts::TAU;
        let scale = 2.0 + 3.0 * random.next();
        let keypoint = |[x, y]: [f64; 2], scale: f64, angle: f64| Keypoint {
            x: x as f32,
            y: y as f32,
            scale: scale as f32,
            angle: angle as f32,
            response: 1.0,
        };
        query.push(keypoint(from, scale, angle));
        result.push(if i < inliers {
            let to = t.apply(from).unwrap();
            let [a, b, c, d] = t.jacobian(from).unwrap();
            let noise = [to[0] + random.next() - 0.5, to[1] + random.next() - 0.5];
            keypoint(
                noise,
                scale * (a * d - b * c).sqrt() * (0.9 + 0.2 * random.next()),
                angle + (c - b).atan2(a + d),
            )
        } else {
            keypoint(
                [random.next() * 640.0, random.next() * 480.0],
                2.0 + 6.0 * random.next(),
                random.next() * std::f64::consts::TAU,
            )
        });
    }
    let matches = (0..(inliers + outliers) as u32)
        .map(|i| Match {
            query: i,
            result: i,
            distance: i,
        })
        .collect();
    (query, result, matches)
}

fn run(query: &[Keypoint], result: &[Keypoint], matches: &[Match]) -> Option<Verification> {
    let evidence = Evidence {
        query,
        result,
        matches,
        query_size: [640.0, 480.0],
        result_size: [640.0, 480.0],
        mirrored: false,
    };
    verify(&evidence, &VerifyOptions::default())
}

#[test]
fn a_perspective_view_is_recovered_among_outliers() {
    let t = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 2e-4, 1e-4, 1.0]);
    for seed in 1..20 {
        let (q, r, m) = scene(&t, 40, 160, seed);
        let found = run(&q, &r, &m).unwrap();
        assert!(found.verified);
        let right = found.inliers.iter().filter(|&&i| i < 40).count();
        assert!(
            right >= 36 && found.inliers.len() <= right + 4,
            "{right} of {}",
            found.inliers.len()
        );
        for corner in [[0.0, 0.0], [640.0, 0.0], [640.0, 480.0], [0.0, 480.0]] {
            let (got, want) = (
                found.transform.apply(corner).unwrap(),
                t.apply(corner).unwrap(),
            );
            assert!((got[0] - want[0]).hypot(got[1] - want[1]) < 4.0);
        }
    }
}

#[test]
fn chance_is_not_verified() {
    for seed in 1..200 {
        let (q, r, m) = scene(&Transform::IDENTITY, 0, 150, seed);
        assert!(!run(&q, &r, &m).is_some_and(|v| v.verified), "seed {seed}");
    }
}

#[test]
fn a_mirrored_view_is_not_taken_for_an_upright_one() {
    let t = Transform([-1.0, 0.0, 640.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let (q, mut r, m) = scene(&Transform::IDENTITY, 60, 0, 3);
    for (q, r) in q.iter().zip(&mut r) {
        let [x, y] = t.apply([q.x.into(), q.y.into()]).unwrap();
        (r.x, r.y) = (x as f32, y as f32);
    }
    assert!(!run(&q, &r, &m).is_some_and(|v| v.verified));
}

#[test]
fn the_mirrored_query_gives_the_transform_of_the_query_as_it_is() {
    let seen = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 2e-4, 1e-4, 1.0]);
    let (q, r, m) = scene(&seen, 60, 60, 4);
    let evidence = Evidence {
        query: &q,
        result: &r,
        matches: &m,
        query_size: [640.0, 480.0],
        result_size: [640.0, 480.0],
        mirrored: true,
    };
    let found = verify(&evidence, &VerifyOptions::default()).unwrap();
    assert!(found.verified);
    // What lies at x in the mirrored query lies at 639 - x in the query.
    for [x, y] in [[0.0, 0.0], [300.0, 200.0], [639.0, 479.0]] {
        let want = seen.apply([x, y]).unwrap();
        let got = found.transform.apply([639.0 - x, y]).unwrap();
        assert!((got[0] - want[0]).hypot(got[1] - want[1]) < 3.0);
    }
    let [a, b, c, d] = found.transform.jacobian([300.0, 200.0]).unwrap();
    assert!(a * d - b * c < 0.0);
}

#[test]
fn instances_are_told_one_by_one() {
    let views = [
        Transform([0.4, 0.0, 10.0, 0.0, 0.4, 10.0, 0.0, 0.0, 1.0]),
        Transform([0.0, -0.35, 600.0, 0.35, 0.0, 20.0, 0.0, 0.0, 1.0]),
        Transform([0.3, 0.0, 40.0, 0.0, 0.3, 300.0, 0.0, 0.0, 1.0]),
    ];
    let (mut q, mut r, mut m) = (Vec::new(), Vec::new(), Vec::new());
    for (seed, view) in (1..).zip(&views) {
        let (mut query, mut result, matches) = scene(view, 30, 20, seed);
        let first = q.len() as u32;
        m.extend(matches.iter().map(|m| Match {
            query: first + m.query,
            result: first + m.result,
            distance: m.distance,
        }));
        q.append(&mut query);
        r.append(&mut result);
    }
    let evidence = Evidence {
        query: &q,
        result: &r,
        matches: &m,
        query_size: [640.0, 480.0],
        result_size: [640.0, 480.0],
        mirrored: false,
    };
    let options = VerifyOptions::default();
    let first = verify(&evidence, &options).unwrap();
    let others = verify_others(&evidence, &options, &first.transform, 8);
    assert_eq!(others.len(), 2);
    let all: Vec<&Verification> = std::iter::once(&first).chain(&others).collect();
    for view in &views {
        let want = view.apply([320.0, 240.0]).unwrap();
        let close = |v: &&Verification| {
            let got = v.transform.apply([320.0, 240.0]).unwrap();
            (got[0] - want[0]).hypot(got[1] - want[1]) < 3.0
        };
        assert!(
            all.iter()
                .any(|v| close(v) && v.verified && v.inliers.len() >= 27)
        );
    }
    assert_eq!(
        verify_others(&evidence, &options, &first.transform, 1).len(),
        1
    );
}

#[test]
fn another_plane_of_one_thing_is_no_other_instance() {
    // The right half of the query moves 30 px further than the left.
    let left = Transform([0.8, 0.0, 20.0, 0.0, 0.8, 20.0, 0.0, 0.0, 1.0]);
    let (q, mut r, m) = scene(&left, 120, 20, 6);
    for (q, r) in q.iter().zip(&mut r).take(120) {
        r.x += if q.x > 320.0 { 30.0 } else { 0.0 };
    }
    let evidence = Evidence {
        query: &q,
        result: &r,
        matches: &m,
        query_size: [640.0, 480.0],
        result_size: [640.0, 480.0],
        mirrored: false,
    };
    let options = VerifyOptions::default();
    let first = verify(&evidence, &options).unwrap();
    assert!(first.verified);
    assert!(verify_others(&evidence, &options, &first.transform, 8).is_empty());
}

#[test]
fn many_keypoints_of_one_corner_are_one_piece_of_evidence() {
    let (mut q, mut r, m) = scene(&Transform::IDENTITY, 14, 60, 8);
    for i in 0..14 {
        // All inliers crowd into a few pixels.
        let (dx, dy) = ((i % 4) as f32, (i / 4) as f32);
        (q[i].x, q[i].y, r[i].x, r[i].y) = (100.0 + dx, 200.0 + dy, 300.0 + dx, 90.0 + dy);
    }
    assert!(!run(&q, &r, &m).is_some_and(|v| v.verified));
}

#[test]
fn the_same_answer_every_time() {
    let t = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 0.0, 0.0, 1.0]);
    let (q, r, m) = scene(&t, 30, 100, 9);
    assert_eq!(run(&q, &r, &m), run(&q, &r, &m));
}

#[test]
fn few_or_no_matches_give_nothing() {
    assert!(run(&[], &[], &[]).is_none());
    let (q, r, m) = scene(&Transform::IDENTITY, 2, 0, 5);
    assert!(run(&q, &r, &m).is_none());
}
