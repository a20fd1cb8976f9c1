//! Models of kind `local`, which are keypoint networks, as [`LocalExtractor`]s.

use resight_vision::sample::blocks;
use resight_vision::{
    Descriptors, ExtractError, Image, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};

use crate::error::ModelError;
use crate::identity::same_model;
use crate::loaded::LoadedModel;
use crate::manifest::{Coordinates, LocalOutput, Manifest, Output};
use crate::runtime::Runtime;
use crate::runtime::network::Tensor;

/// Largest distance of a keypoint outside of the picture, in pixels of the input: networks refine
/// places beyond the border.
const MARGIN: f64 = 2.0;

/// A network that computes keypoints, scores and descriptors.
pub struct LocalModel {
    loaded: LoadedModel,
    output: LocalOutput,
    /// Most keypoints kept.
    most: usize,
}

impl LocalModel {
    /// Loads the file's `bytes`, which `manifest` describes, and runs them on a sample picture. The
    /// model describes at most `at_once` pictures concurrently, and keeps the `most` strongest
    /// keypoints of each.
    ///
    /// # Errors
    /// As [`GlobalModel::load`](crate::GlobalModel::load), for the other kind.
    pub fn load(
        manifest: &Manifest,
        bytes: Vec<u8>,
        runtime: &Runtime,
        at_once: usize,
        most: usize,
    ) -> Result<Self, ModelError> {
        let Output::Local(output) = &manifest.output else {
            return Err(ModelError::WrongKind {
                name: manifest.name.clone(),
                kind: manifest.kind(),
            });
        };
        // `most` is no part of the id: more or fewer features of one kind can be compared.
        let model = Self {
            loaded: LoadedModel::load(manifest, bytes, &names(output), runtime, at_once)?,
            output: output.clone(),
            most,
        };
        if let Some(sample) = blocks(320, 240, 1) {
            model.describe(&sample)?;
        }
        Ok(model)
    }

    /// Uses the id `stored` for further output if it is of the same model in any runtime. Returns
    /// whether it is.
    pub fn adopt_id(&mut self, stored: &str) -> bool {
        let same = same_model(self.loaded.id.as_str(), stored);
        if same {
            self.loaded.id = ModelId::new(stored);
        }
        same
    }

    fn describe(&self, image: &Image) -> Result<LocalFeatures, ModelError> {
        let found = self.loaded.run(image)?;
        let places = Places {
            coordinates: self.output.coordinates,
            size: found.size.map(f64::from),
            step: found.step,
        };
        let features = read(found.outputs, &self.output, &places);
        let mut features = features.map_err(|detail| self.loaded.mismatch(detail))?;
        features.sort_strongest_first();
        features.truncate(self.most);
        Ok(features)
    }
}

impl LocalExtractor for LocalModel {
    fn model(&self) -> &ModelId {
        &self.loaded.id
    }

    fn dimension(&self) -> usize {
        self.output.dimension
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        Ok(self.describe(image)?)
    }
}

/// The names of the outputs, in the order in which [`read`] takes them.
fn names(output: &LocalOutput) -> Vec<&str> {
    let always = [&output.keypoints, &output.scores, &output.descriptors];
    let sometimes = [&output.scales, &output.angles].into_iter().flatten();
    always
        .into_iter()
        .chain(sometimes)
        .map(String::as_str)
        .collect()
}

/// Converts a model's coordinates to pixels of the picture.
struct Places {
    coordinates: Coordinates,
    /// Columns and rows of the input.
    size: [f64; 2],
    /// Pixels of the picture for each of the input.
    step: [f64; 2],
}

impl Places {
    fn pixel(&self, axis: usize, value: f32) -> f32 {
        let (value, side) = (f64::from(value), self.size[axis]);
        let of_input = match self.coordinates {
            Coordinates::Pixels => value,
            Coordinates::Centred => (value + 1.0) / 2.0 * (side - 1.0),
            Coordinates::Unit => value * side - 0.5,
        };
        // Centres of pixels are whole numbers, so edges lie half a pixel before them.
        ((of_input + 0.5) * self.step[axis] - 0.5) as f32
    }

    /// Whether a keypoint lies in the picture, or within [`MARGIN`] of it.
    fn contain(&self, keypoint: &Keypoint) -> bool {
        let inside = |axis: usize, value: f32| {
            let (step, value) = (self.step[axis], f64::from(value));
            (-MARGIN * step..=(self.size[axis] + MARGIN) * step).contains(&value)
        };
        inside(0, keypoint.x) && inside(1, keypoint.y)
    }

    /// A length in pixels of the picture, by the geometric mean of both axes.
    fn length(&self, value: f32) -> f32 {
        (f64::from(value) * (self.step[0] * self.step[1]).sqrt()) as f32
    }
}

/// Reads keypoints and descriptors from a network's outputs.
///
/// # Errors
/// Where the outputs' shapes do not agree, numbers are not finite, or places lie outside of the
/// picture.
fn read(
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

    #[test]
    fn places_are_pixels_of_the_picture() {
        let mut places = Places {
            coordinates: Coordinates::Pixels,
            size: [100.0, 50.0],
            step: [2.0, 1.0],
        };
        // (coordinates, first pixel of the input, last pixel)
        for (coordinates, first, last) in [
            (Coordinates::Pixels, 0.0, 99.0),
            (Coordinates::Centred, -1.0, 1.0),
            (Coordinates::Unit, 0.005, 0.995),
        ] {
            places.coordinates = coordinates;
            assert!(
                (places.pixel(0, first) - 0.5).abs() < 1e-4,
                "{coordinates:?}"
            );
            assert!(
                (places.pixel(0, last) - 198.5).abs() < 1e-4,
                "{coordinates:?}"
            );
        }
        assert_eq!(places.pixel(1, 1.0), 49.5);
    }

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
