//! Times verification of synthetic matches, and measures the error of its homographies.
//!
//! `verify_speed [--outliers SHARE] [--matches N] [--trials T]` generates scenes and prints one JSON
//! line. `verify_speed --serve FILE` reads the scenes that `bench/verification_beside_opencv.py`
//! wrote, and answers every line `SCENE REPEATS` of its input with one JSON line: thread time of the
//! fastest and the median call in µs, and the homography.
//!
//! A scene file is little-endian: the number of scenes (u32), then for each scene the number of
//! matches (u32), then for each match x, y, scale and angle in the query and in the result (8 × f32).
//! Both pictures are 640 × 480.

use std::io::{BufRead, Write};
use std::time::Duration;

use resight_test_support::Random;
use resight_vision::{Evidence, Keypoint, Match, Transform, Verification, VerifyOptions, verify};

const SIZE: [f32; 2] = [640.0, 480.0];

/// Keypoints of both pictures, the matches, and the truth where it is known.
struct Scene {
    query: Vec<Keypoint>,
    result: Vec<Keypoint>,
    matches: Vec<Match>,
    truth: Option<Transform>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|a| a == name)?;
        args.get(at + 1)
    };
    if let Some(file) = value("--serve") {
        return serve(&read(&std::fs::read(file)?).ok_or("the scene file is cut short")?);
    }
    let outliers: f64 = value("--outliers").map_or(Ok(0.5), |v| v.parse())?;
    let matches: usize = value("--matches").map_or(Ok(300), |v| v.parse())?;
    let trials: u64 = value("--trials").map_or(Ok(200), |v| v.parse())?;
    let (mut times, mut errors, mut failures) = (Vec::new(), Vec::new(), 0);
    for seed in 1..=trials {
        let scene = made(matches, outliers, seed);
        let (found, took) = time(&scene, 5);
        times.push(took.1);
        match found
            .zip(scene.truth)
            .map(|(f, t)| corner_error(&f.transform, &t))
        {
            Some(error) if error <= 10.0 => errors.push(error),
            _ => failures += 1,
        }
    }
    times.sort_by(f64::total_cmp);
    let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
    println!(
        "{{\"matches\":{matches},\"outliers\":{outliers},\"trials\":{trials},\
         \"median_us\":{:.1},\"mean_corner_error_px\":{mean:.3},\"failures\":{failures}}}",
        times.get(times.len() / 2).copied().unwrap_or(0.0),
    );
    Ok(())
}

fn serve(scenes: &[Scene]) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (scene, repeats) = line.split_once(' ').ok_or("a line is SCENE REPEATS")?;
        let scene = scenes.get(scene.parse::<usize>()?).ok_or("no such scene")?;
        let (found, (least, median)) = time(scene, repeats.parse()?);
        let transform = found.map(|f| f.transform.0.map(|v| v.to_string()).join(","));
        let transform = transform.map_or("null".to_owned(), |t| format!("[{t}]"));
        writeln!(
            out,
            "{{\"least_us\":{least:.2},\"median_us\":{median:.2},\"homography\":{transform}}}"
        )?;
        out.flush()?;
    }
    Ok(())
}

/// What is found, and the least and median thread time in µs.
fn time(scene: &Scene, repeats: usize) -> (Option<Verification>, (f64, f64)) {
    let evidence = Evidence {
        query: &scene.query,
        result: &scene.result,
        matches: &scene.matches,
        query_size: SIZE,
        result_size: SIZE,
        mirrored: false,
    };
    let mut found = verify(&evidence, &VerifyOptions::default());
    let mut times: Vec<f64> = (0..repeats.max(1))
        .map(|_| {
            let before = thread_time();
            found = verify(&evidence, &VerifyOptions::default());
            thread_time().saturating_sub(before).as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (found, (times[0], times[times.len() / 2]))
}

fn thread_time() -> Duration {
    cpu_time::ThreadTime::try_now().map_or(Duration::ZERO, |t| t.as_duration())
}

/// Mean distance of the query's four corners, in the result.
fn corner_error(found: &Transform, truth: &Transform) -> f64 {
    let [w, h] = SIZE.map(|v| f64::from(v) - 1.0);
    let off = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(|corner| {
        match found.apply(corner).zip(truth.apply(corner)) {
            Some((a, b)) => (a[0] - b[0]).hypot(a[1] - b[1]),
            None => f64::INFINITY,
        }
    });
    off.iter().sum::<f64>() / 4.0
}

fn read(bytes: &[u8]) -> Option<Vec<Scene>> {
    let mut words = bytes.as_chunks::<4>().0.iter().copied();
    let scenes = u32::from_le_bytes(words.next()?);
    (0..scenes)
        .map(|_| {
            let n = u32::from_le_bytes(words.next()?) as usize;
            let mut rows = Vec::new();
            for _ in 0..n {
                let mut row = [0.0; 8];
                for v in &mut row {
                    *v = f32::from_le_bytes(words.next()?);
                }
                rows.push(row);
            }
            Some(scene(&rows, None))
        })
        .collect()
}

fn scene(rows: &[[f32; 8]], truth: Option<Transform>) -> Scene {
    let keypoint = |v: &[f32]| Keypoint {
        x: v[0],
        y: v[1],
        scale: v[2],
        angle: v[3],
        response: 1.0,
    };
    let matches = (0..rows.len() as u32).map(|i| Match {
        query: i,
        result: i,
        distance: i,
    });
    Scene {
        query: rows.iter().map(|r| keypoint(&r[..4])).collect(),
        result: rows.iter().map(|r| keypoint(&r[4..])).collect(),
        matches: matches.collect(),
        truth,
    }
}

/// A scene as the bench's Python makes it, from other random numbers: a view rotated by any angle,
/// with some perspective; noise of 1 px, of a factor of 2^0.15 in scale and of 8° in angle (standard
/// deviations).
fn made(matches: usize, outliers: f64, seed: u64) -> Scene {
    let mut random = Random::new(seed);
    let [w, h] = SIZE.map(f64::from);
    let turn = random.between(0.0, std::f64::consts::TAU);
    let scale = 0.7 * 2f64.powf(random.unit());
    let (c, s) = (scale * turn.cos(), scale * turn.sin());
    let (g, k) = (random.between(-3e-4, 3e-4), random.between(-3e-4, 3e-4));
    let centre = Transform([1.0, 0.0, -w / 2.0, 0.0, 1.0, -h / 2.0, 0.0, 0.0, 1.0]);
    let view = Transform([c, -s, 0.0, s, c, 0.0, g, k, 1.0]);
    let back = Transform([1.0, 0.0, w / 2.0, 0.0, 1.0, h / 2.0, 0.0, 0.0, 1.0]);
    let truth = centre.then(&view).then(&back);
    let inliers = ((1.0 - outliers) * matches as f64).round() as usize;
    let mut rows = Vec::new();
    while rows.len() < matches {
        let mut place = || [random.between(0.0, w), random.between(0.0, h)];
        let (from, mut to) = (place(), place());
        let mut size_and_angle = || {
            let size = 1.6 * 2f64.powf(random.between(0.0, 3.0));
            (size, random.between(0.0, std::f64::consts::TAU))
        };
        let ((size, angle), mut other) = (size_and_angle(), size_and_angle());
        if rows.len() < inliers {
            let (Some(at), Some([a, b, c, d])) = (truth.apply(from), truth.jacobian(from)) else {
                continue;
            };
            to = at.map(|v| v + random.normal());
            let inside = (0.0..w).contains(&to[0]) && (0.0..h).contains(&to[1]);
            if !inside {
                continue;
            }
            other = (
                size * (a * d - b * c).sqrt() * 2f64.powf(0.15 * random.normal()),
                angle + (c - b).atan2(a + d) + 8f64.to_radians() * random.normal(),
            );
        }
        rows.push(
            [
                from[0], from[1], size, angle, to[0], to[1], other.0, other.1,
            ]
            .map(|v| v as f32),
        );
    }
    scene(&rows, Some(truth))
}
