//! Networks whose outputs are lists: one row for each keypoint.

use resight_vision::{Descriptors, Keypoint, LocalFeatures};

use super::places::Places;
use crate::manifest::LocalOutput;
use crate::runtime::network::Tensor;

/// The names of the outputs, in the order in which [`read`] takes them.
pub(super) fn names(output: &LocalOutput) -> Vec<&str> {
    let always = [&output.keypoints, &output.scores, &output.descriptors];
    let sometimes = [&output.scales, &output.angles].into_iter().flatten();
    always
        .into_iter()
        .chain(sometimes)
        .map(String::as_str)
        .collect()
}

/// Reads keypoints and descriptors from a network's outputs.
///
/// # Errors
/// Where the outputs' shapes do not agree, numbers are not finite, or places lie outside of the
/// picture.
pub(super) fn read(
    outputs: Vec<Tensor>,
    output: &LocalOutput,
    places: &Places,
) -> Result<LocalFeatures, String> {
    let mut outputs = outputs.into_iter();
    let mut next = |name: &str, columns: usize, count: Option<usize>| {
        let tensor = outputs.next().ok_or_else(|| format!("no output {name}"))?;
        rows(tensor, name, columns, count)
    };
    let keypoints = next(&output.keypoints, 2, None)?;
    let count = keypoints.len() / 2;
    let scores = next(&output.scores, 1, Some(count))?;
    let descriptors = next(&output.descriptors, output.dimension, Some(count))?;
    let mut column = |name: &Option<String>| {
        let name = name.as_deref();
        name.map(|name| next(name, 1, Some(count))).transpose()
    };
    let (scales, angles) = (column(&output.scales)?, column(&output.angles)?);
    let mut kept = Vec::new();
    let mut values = Vec::new();
    for i in 0..count {
        let keypoint = Keypoint {
            x: places.pixel(0, keypoints[2 * i]),
            y: places.pixel(1, keypoints[2 * i + 1]),
            scale: places.length(scales.as_ref().map_or(output.scale, |s| s[i])),
            angle: wrapped(angles.as_ref().map_or(0.0, |a| a[i])),
            response: scores[i],
        };
        let numbers = [
            keypoint.x,
            keypoint.y,
            keypoint.scale,
            keypoint.angle,
            keypoint.response,
        ];
        if !numbers.iter().all(|v| v.is_finite()) || keypoint.scale <= 0.0 {
            return Err(format!(
                "keypoint {i} is not finite, or of a scale that is not above 0"
            ));
        }
        // Networks with a fixed number of keypoints fill it up with weak ones, which may lie anywhere.
        if keypoint.response < output.min_score {
            continue;
        }
        if !places.contain(&keypoint) {
            return Err(format!(
                "keypoint {i} at ({}, {}) lies outside of the picture; see output.coordinates",
                keypoint.x, keypoint.y
            ));
        }
        kept.push(keypoint);
        values.extend_from_slice(&descriptors[i * output.dimension..][..output.dimension]);
    }
    if values.iter().any(|v| v.is_nan()) {
        return Err(format!("{} contains NaN", output.descriptors));
    }
    let range = output.range;
    let descriptors = Descriptors::from_floats(output.dimension, &values, -range, 2.0 * range);
    Ok(LocalFeatures {
        keypoints: kept,
        descriptors: descriptors.ok_or("descriptors of no length")?,
    })
}

/// The values of a tensor of shape `[count, columns]`, or `[count]` for one column, with any number
/// of leading axes of length 1.
fn rows(
    tensor: Tensor,
    name: &str,
    columns: usize,
    count: Option<usize>,
) -> Result<Vec<f32>, String> {
    let Tensor { shape, values } = tensor;
    let fits = match &shape[..] {
        [ones @ .., n, c] if *c == columns && ones.iter().all(|side| *side == 1) => Some(*n),
        [ones @ .., n] if columns == 1 && ones.iter().all(|side| *side == 1) => Some(*n),
        _ => None,
    };
    match (fits, count) {
        (Some(n), None) if values.len() == n * columns => Ok(values),
        (Some(n), Some(count)) if n == count && values.len() == n * columns => Ok(values),
        _ => {
            let n = count.map_or_else(|| "N".to_owned(), |n| n.to_string());
            Err(format!(
                "{name} of shape {shape:?}; expected [{n}, {columns}]"
            ))
        }
    }
}

/// The same angle in 0 ≤ angle < 2π.
fn wrapped(angle: f32) -> f32 {
    let angle = angle.rem_euclid(std::f32::consts::TAU);
    if angle < std::f32::consts::TAU {
        angle
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Coordinates;

    #[test]
    fn invalid_keypoints_are_refused_with_a_reason() {
        let places = Places {
            coordinates: Coordinates::Pixels,
            size: [100.0, 50.0],
            step: [2.0, 2.0],
        };
        let output = LocalOutput {
            keypoints: "k".into(),
            scores: "s".into(),
            descriptors: "d".into(),
            scales: None,
            angles: None,
            coordinates: Coordinates::Pixels,
            dimension: 1,
            range: 1.0,
            scale: 4.0,
            min_score: 0.5,
        };
        let one = |x: f32, score: f32, value: f32| {
            let tensor = |shape: &[usize], values: &[f32]| Tensor {
                shape: shape.to_vec(),
                values: values.to_vec(),
            };
            let outputs = vec![
                tensor(&[1, 2], &[x, 3.0]),
                tensor(&[1], &[score]),
                tensor(&[1, 1], &[value]),
            ];
            read(outputs, &output, &places).map(|features| features.len())
        };
        assert_eq!(one(99.0, 1.0, 0.0), Ok(1));
        assert_eq!(one(-1.0, 1.0, 0.0), Ok(1));
        assert_eq!(one(1000.0, 0.1, 0.0), Ok(0), "too weak");
        // (x, score, value of the descriptor, what the error says)
        for (x, score, value, says) in [
            (1000.0, 1.0, 0.0, "outside"),
            (-9.0, 1.0, 0.0, "outside"),
            (f32::NAN, 1.0, 0.0, "not finite"),
            (1.0, f32::INFINITY, 0.0, "not finite"),
            (1.0, 1.0, f32::NAN, "NaN"),
        ] {
            let error = one(x, score, value).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn angles_are_wrapped_to_one_turn() {
        use std::f32::consts::{PI, TAU};
        for (angle, expected) in [
            (0.0, 0.0),
            (PI, PI),
            (TAU, 0.0),
            (-PI, PI),
            (3.0 * PI, PI),
            // Rounds up to a whole turn.
            (-1e-9, 0.0),
        ] {
            let found = wrapped(angle);
            assert!((0.0..TAU).contains(&found), "{angle}: {found}");
            assert!((found - expected).abs() < 1e-5, "{angle}: {found}");
        }
    }

    #[test]
    fn shapes_are_checked_against_each_other() {
        let tensor = |shape: &[usize]| Tensor {
            shape: shape.to_vec(),
            values: vec![0.0; shape.iter().product()],
        };
        // (shape, columns, count, whether it fits)
        for (shape, columns, count, fits) in [
            (&[7, 2][..], 2, None, true),
            (&[1, 7, 2], 2, Some(7), true),
            (&[0, 2], 2, None, true),
            (&[7], 1, Some(7), true),
            (&[1, 7], 1, Some(7), true),
            (&[1, 7, 1], 1, Some(7), true),
            (&[7, 3], 2, None, false),
            (&[2, 7, 2], 2, None, false),
            (&[7, 2], 2, Some(6), false),
            (&[6], 1, Some(7), false),
        ] {
            assert_eq!(
                rows(tensor(shape), "x", columns, count).is_ok(),
                fits,
                "{shape:?} {columns} {count:?}"
            );
        }
    }
}
