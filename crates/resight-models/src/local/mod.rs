//! Models of kind `local`, which are keypoint networks, as [`LocalExtractor`]s.

mod lists;
mod maps;
mod places;

use resight_vision::sample::blocks;
use resight_vision::{ExtractError, Image, LocalExtractor, LocalFeatures, ModelId};

use crate::error::ModelError;
use crate::identity::same_model;
use crate::loaded::LoadedModel;
use crate::manifest::{Coordinates, LocalOutput, Manifest, MapOutput, Output};
use crate::runtime::Runtime;
use places::Places;

/// A network that computes keypoints, scores and descriptors.
pub struct LocalModel {
    loaded: LoadedModel,
    form: Form,
    /// Most keypoints kept.
    most: usize,
}

/// The form of a network's outputs.
enum Form {
    Lists(LocalOutput),
    Maps(MapOutput),
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
        let (form, names) = match &manifest.output {
            Output::Local(output) => (Form::Lists(output.clone()), lists::names(output)),
            Output::Maps(output) => (Form::Maps(output.clone()), maps::names(output)),
            Output::Global(_) => {
                return Err(ModelError::WrongKind {
                    name: manifest.name.clone(),
                    kind: manifest.kind(),
                });
            }
        };
        // `most` is no part of the id: more or fewer features of one kind can be compared.
        let model = Self {
            loaded: LoadedModel::load(manifest, bytes, &names, runtime, at_once)?,
            form,
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
        let places = |coordinates: Coordinates| Places {
            coordinates,
            size: found.size.map(f64::from),
            step: found.step,
        };
        let features = match &self.form {
            Form::Lists(output) => lists::read(found.outputs, output, &places(output.coordinates)),
            Form::Maps(output) => {
                let places = places(Coordinates::Pixels);
                maps::read(found.outputs, output, &places, self.most)
            }
        };
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
        match &self.form {
            Form::Lists(output) => output.dimension,
            Form::Maps(output) => output.dimension,
        }
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        Ok(self.describe(image)?)
    }
}
