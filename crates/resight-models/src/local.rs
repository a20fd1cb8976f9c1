//! A model of kind `local`, a keypoint network, behind the extractors' trait.

use resight_vision::sample::blocks;
use resight_vision::{
    Descriptors, ExtractError, Image, Keypoint, LocalExtractor, LocalFeatures, ModelId,
};

use crate::error::ModelError;
use crate::identity::same_model;
use crate::loaded::Loaded;
use crate::manifest::{Coordinates, LocalOutput, Manifest, Output};
use crate::runtime::{Runtime, Tensor};

/// Keypoints may lie so far outside, in pixels of the input: networks refine their places.
const MARGIN: f64 = 2.0;

/// A network that gives keypoints, scores and descriptors.
pub struct LocalModel {
    loaded: Loaded,
    output: LocalOutput,
    /// The strongest keypoints kept.
    most: usize,
}

impl LocalModel {
    /// Loads the file's `bytes`, which the manifest describes, and tries them on a sample picture.
    /// At most `at_once` pictures are described at a time, with at most `most` keypoints each.
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
        // What chooses among features is no part of the id: more or fewer of one kind can be compared.
        let model = Self {
            loaded: Loaded::load(manifest, bytes, &names(output), runtime, at_once)?,
            output: output.clone(),
            most,
        };
        if let Some(sample) = blocks(320, 240, 1) {
            model.describe(&sample)?;
        }
        Ok(model)
    }

    /// Lets what it makes carry the id `stored`, where that is of the same model in another runtime;
    /// tells whether it is.
    pub fn go_on_as(&mut self, stored: &str) -> bool {
        let same = same_model(self.loaded.id.as_str(), stored);
        if same {
            self.loaded.id = ModelId::new(stored);
        }
        same
    }

    fn describe(&self, image: &Image) -> Result<LocalFeatures, ModelError> {
        let given = self.loaded.run(image)?;
        let places = Places {
            coordinates: self.output.coordinates,
            size: given.size.map(f64::from),
            step: given.step,
        };
        let read = read(given.outputs, &self.output, &places);
        let mut features = read.map_err(|detail| self.loaded.bad(detail))?;
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

/// The outputs asked for, in the order that [`read`] takes them.
fn names(output: &LocalOutput) -> Vec<&str> {
    let always = [&output.keypoints, &output.scores, &output.descriptors];
    let sometimes = [&output.scales, &output.angles].into_iter().flatten();
    always
        .into_iter()
        .chain(sometimes)
        .map(String::as_str)
        .collect()
}

/// From what a model calls a place to pixels of the picture.
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

    /// Whether it lies in the picture, or hardly outside.
    fn has(&self, keypoint: &Keypoint) -> bool {
        let inside = |axis: usize, value: f32| {
            let (step, value) = (self.step[axis], f64::from(value));
            (-MARGIN * step..=(self.size[axis] + MARGIN) * step).contains(&value)
        };
        inside(0, keypoint.x) && inside(1, keypoint.y)
    }

    /// A length, by the mean of both axes.
    fn length(&self, value: f32) -> f32 {
        (f64::from(value) * (self.step[0] * self.step[1]).sqrt()) as f32
    }
}

/// Keypoints with their descriptors out of a network's outputs, which are checked against each other.
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
            angle: turn(angles.as_ref().map_or(0.0, |a| a[i])),
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
        // Networks with a fixed number of keypoints fill up with weak ones.
        if keypoint.response < output.min_score {
            continue;
        }
        if !places.has(&keypoint) {
            return Err(format!(
                "keypoint {i} at ({}, {}) lies outside of the picture; see output.coordinates",
                keypoint.x, keypoint.y
            ));
        }
        kept.push(keypoint);
        values.extend_from_slice(&descriptors[i * output.dimension..][..output.dimension]);
    }
    if values.iter().any(|v| v.is_nan()) {
        return Err(format!("{} holds what is no number", output.descriptors));
    }
    let range = output.range;
    let descriptors = Descriptors::from_floats(output.dimension, &values, -range, 2.0 * range);
    Ok(LocalFeatures {
        keypoints: kept,
        descriptors: descriptors.ok_or("descriptors of no length")?,
    })
}

/// The values of `[count, columns]` with any axes of 1 before it; `[count]` will do for one column.
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

/// Into 0 ≤ angle < 2π.
fn turn(angle: f32) -> f32 {
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
    fn what_makes_no_keypoints_is_told() {
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
        assert_eq!(one(1000.0, 0.1, 0.0), Ok(0), "too weak to count");
        // (x, score, value of the descriptor, what is said)
        for (x, score, value, said) in [
            (1000.0, 1.0, 0.0, "outside"),
            (-9.0, 1.0, 0.0, "outside"),
            (f32::NAN, 1.0, 0.0, "not finite"),
            (1.0, f32::INFINITY, 0.0, "not finite"),
            (1.0, 1.0, f32::NAN, "no number"),
        ] {
            let error = one(x, score, value).unwrap_err();
            assert!(error.contains(said), "{error}");
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
