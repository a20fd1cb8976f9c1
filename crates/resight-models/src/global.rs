//! Models of kind `global`, as [`GlobalExtractor`]s.

use rayon::prelude::*;
use resight_vision::sample::blocks;
use resight_vision::{ExtractError, GlobalExtractor, Image, ModelId};

use crate::error::ModelError;
use crate::loaded::LoadedModel;
use crate::manifest::{GlobalOutput, Manifest, Output, Pooling};
use crate::runtime::Runtime;
use crate::runtime::network::Tensor;

/// Vectors shorter than this have no direction.
const SHORTEST: f64 = 1e-12;

/// A network that computes one vector for each picture.
pub struct GlobalModel {
    loaded: LoadedModel,
    output: GlobalOutput,
    dimension: usize,
}

impl GlobalModel {
    /// Loads the file's `bytes`, which `manifest` describes, and runs them on a sample picture. The
    /// model describes at most `at_once` pictures concurrently.
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] for a model of kind `local`, [`ModelError::Load`] where the runtime
    /// refuses the file, [`ModelError::Output`] where the output does not agree with the manifest.
    pub fn load(
        manifest: &Manifest,
        bytes: Vec<u8>,
        runtime: &Runtime,
        at_once: usize,
    ) -> Result<Self, ModelError> {
        let Output::Global(output) = &manifest.output else {
            return Err(ModelError::WrongKind {
                name: manifest.name.clone(),
                kind: manifest.kind(),
            });
        };
        let outputs: Vec<&str> = output.name.as_deref().into_iter().collect();
        let mut model = Self {
            loaded: LoadedModel::load(manifest, bytes, &outputs, runtime, at_once)?,
            output: output.clone(),
            dimension: 0,
        };
        if let Some(sample) = blocks(320, 240, 1) {
            model.dimension = model.pooled(&sample)?.len();
        }
        match output.dimension {
            Some(expected) if expected != model.dimension => Err(model.loaded.mismatch(format!(
                "a vector of {} values; output.dimension is {expected}",
                model.dimension
            ))),
            _ => Ok(model),
        }
    }

    /// The model's name in its manifest.
    pub fn name(&self) -> &str {
        &self.loaded.name
    }

    fn describe(&self, image: &Image) -> Result<Vec<f32>, ModelError> {
        let vector = self.pooled(image)?;
        if vector.len() != self.dimension {
            return Err(self.loaded.mismatch(format!(
                "a vector of {} values; it gave {} before",
                vector.len(),
                self.dimension
            )));
        }
        unit(vector).map_err(|detail| self.loaded.failed(detail))
    }

    fn pooled(&self, image: &Image) -> Result<Vec<f32>, ModelError> {
        let first = self.loaded.run(image)?.outputs.into_iter().next();
        let output = first.ok_or_else(|| self.loaded.mismatch("no output".into()))?;
        pool(output, self.output.pooling).map_err(|detail| self.loaded.mismatch(detail))
    }
}

impl GlobalExtractor for GlobalModel {
    fn model(&self) -> &ModelId {
        &self.loaded.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn licence(&self) -> Option<&str> {
        Some(&self.loaded.licence)
    }

    /// One run for each picture, so that its vector does not depend on the others. Runs are
    /// concurrent on the caller's `rayon` pool.
    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        if let [image] = images {
            return Ok(vec![self.describe(image)?]);
        }
        let all: Result<_, ModelError> = images.par_iter().map(|i| self.describe(i)).collect();
        Ok(all?)
    }
}

/// Scales a vector to Euclidean length 1.
fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>, String> {
    let squares: f64 = vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let length = squares.sqrt();
    if !length.is_finite() || length < SHORTEST {
        return Err(format!("the vector has length {length} and no direction"));
    }
    for value in &mut vector {
        *value = (f64::from(*value) / length) as f32;
    }
    Ok(vector)
}

/// Reduces an output to one vector.
fn pool(output: Tensor, pooling: Pooling) -> Result<Vec<f32>, String> {
    let Tensor { shape, values } = output;
    let shown = || format!("an output of shape {shape:?}");
    match (pooling, &shape[..]) {
        (Pooling::None, _) if shape.iter().filter(|side| **side != 1).count() <= 1 => Ok(values),
        (Pooling::None, _) => Err(format!(
            "{}; with pooling = \"none\" it has to be one vector",
            shown()
        )),
        (Pooling::Mean, [1, tokens, d]) if *tokens > 0 => {
            let mean = |i: usize| mean(values[i..].iter().step_by(*d).map(|v| f64::from(*v)));
            Ok((0..*d).map(mean).collect())
        }
        (Pooling::Mean, [1, _, h, w]) if h * w > 0 => Ok(values
            .chunks_exact(h * w)
            .map(|plane| mean(plane.iter().map(|v| f64::from(*v))))
            .collect()),
        (Pooling::Mean, _) => Err(format!(
            "{}; pooling = \"mean\" needs [1, C, H, W] or [1, T, D]",
            shown()
        )),
        (Pooling::Gem { p }, [1, _, h, w]) if h * w > 0 => Ok(values
            .chunks_exact(h * w)
            .map(|plane| {
                let p = f64::from(p);
                let powers = plane.iter().map(|v| libm::pow(f64::from(v.max(1e-6)), p));
                libm::pow(f64::from(mean(powers)), 1.0 / p) as f32
            })
            .collect()),
        (Pooling::Gem { .. }, _) => {
            Err(format!("{}; pooling = \"gem\" needs [1, C, H, W]", shown()))
        }
        (Pooling::Cls, [1, tokens, d]) if *tokens > 0 => Ok(values[..*d].to_vec()),
        (Pooling::Cls, _) => Err(format!("{}; pooling = \"cls\" needs [1, T, D]", shown())),
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f32 {
    let count = values.len() as f64;
    (values.sum::<f64>() / count) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor {
            shape: shape.to_vec(),
            values: (0..shape.iter().product()).map(|v| v as f32).collect(),
        }
    }

    #[test]
    fn pooling_by_hand() {
        // (shape, pooling, vector)
        for (shape, pooling, expected) in [
            (&[1, 3][..], Pooling::None, vec![0.0, 1.0, 2.0]),
            (&[1, 3, 1, 1], Pooling::None, vec![0.0, 1.0, 2.0]),
            (&[1, 2, 1, 2], Pooling::Mean, vec![0.5, 2.5]),
            (&[1, 2, 2], Pooling::Mean, vec![1.0, 2.0]),
            (&[1, 2, 3], Pooling::Cls, vec![0.0, 1.0, 2.0]),
            (&[1, 2, 1, 1], Pooling::Gem { p: 3.0 }, vec![1e-6, 1.0]),
        ] {
            let vector = pool(tensor(shape), pooling).unwrap();
            let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(
                vector.iter().zip(&expected).all(near),
                "{shape:?} {pooling:?} {vector:?}"
            );
            assert_eq!(vector.len(), expected.len());
        }
        let cubes = pool(tensor(&[1, 1, 1, 3]), Pooling::Gem { p: 3.0 }).unwrap();
        assert!((cubes[0] - 3f32.powf(1.0 / 3.0)).abs() < 1e-6, "{cubes:?}");
    }

    #[test]
    fn vectors_are_scaled_to_length_1_unless_they_have_no_direction() {
        assert_eq!(unit(vec![3.0, 0.0, -4.0]), Ok(vec![0.6, 0.0, -0.8]));
        let huge = unit(vec![f32::MAX, f32::MAX]).unwrap();
        assert!((huge[0] - 0.5f32.sqrt()).abs() < 1e-6, "{huge:?}");
        for vector in [
            vec![],
            vec![0.0, 0.0],
            vec![1e-13, 0.0],
            vec![f32::NAN, 1.0],
            vec![f32::INFINITY, 1.0],
        ] {
            assert!(unit(vector.clone()).is_err(), "{vector:?}");
        }
    }

    #[test]
    fn outputs_of_other_shapes_are_refused() {
        for (shape, pooling) in [
            (&[1, 3, 2, 2][..], Pooling::None),
            (&[2, 3], Pooling::None),
            (&[1, 3], Pooling::Mean),
            (&[1, 0, 3], Pooling::Mean),
            (&[1, 3, 0, 2], Pooling::Gem { p: 3.0 }),
            (&[1, 0, 3], Pooling::Cls),
            (&[2, 2, 3], Pooling::Cls),
            (&[2, 3, 2, 2], Pooling::Mean),
            (&[], Pooling::Gem { p: 3.0 }),
        ] {
            assert!(
                pool(tensor(shape), pooling).is_err(),
                "{shape:?} {pooling:?}"
            );
        }
    }
}
