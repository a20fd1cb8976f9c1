//! A loaded network with the preparation of its input: what both kinds of models share.

use std::sync::Arc;

use resight_vision::{Image, ModelId};

use crate::error::ModelError;
use crate::identity::identity;
use crate::manifest::{Input, Manifest};
use crate::pixels::prepare;
use crate::runtime::Runtime;
use crate::runtime::network::{LoadRequest, Network, Tensor};

pub(crate) struct LoadedModel {
    /// The model's name in its manifest.
    pub(crate) name: String,
    /// The licence of the weights, as the manifest states it.
    pub(crate) licence: String,
    /// The id of its output.
    pub(crate) id: ModelId,
    numerics: &'static str,
    input: Input,
    network: Arc<dyn Network>,
}

/// The outputs of a network for one picture.
pub(crate) struct NetworkOutput {
    /// The requested outputs, in the order of the request.
    pub(crate) outputs: Vec<Tensor>,
    /// Columns and rows of the input.
    pub(crate) size: [u32; 2],
    /// Pixels of the picture for each pixel of the input, along x and y.
    pub(crate) step: [f64; 2],
}

impl LoadedModel {
    /// Loads the file's `bytes`, for at most `at_once` concurrent runs. `outputs` names the outputs
    /// to return; the first one where it is empty.
    pub(crate) fn load(
        manifest: &Manifest,
        bytes: Vec<u8>,
        outputs: &[&str],
        runtime: &Runtime,
        at_once: usize,
    ) -> Result<Self, ModelError> {
        let id = identity(manifest, &bytes, runtime.numerics());
        let network = runtime.load(LoadRequest {
            model: &manifest.name,
            bytes,
            input: manifest.input.name.as_deref(),
            outputs,
            at_once,
        })?;
        Ok(Self {
            name: manifest.name.clone(),
            licence: manifest.licence.clone(),
            id,
            numerics: runtime.numerics(),
            input: manifest.input.clone(),
            network,
        })
    }

    pub(crate) fn run(&self, image: &Image) -> Result<NetworkOutput, ModelError> {
        let prepared = prepare(image, &self.input)
            .ok_or_else(|| self.failed("the picture could not be resized".into()))?;
        let outputs = self.network.run(prepared.batch);
        Ok(NetworkOutput {
            outputs: outputs.map_err(|detail| self.failed(detail))?,
            size: prepared.size,
            step: prepared.step,
        })
    }

    /// The error of a picture that the model cannot describe.
    pub(crate) fn failed(&self, detail: String) -> ModelError {
        ModelError::Run {
            model: self.name.clone(),
            runtime: self.numerics,
            detail,
        }
    }

    /// The error of an output that does not agree with the manifest.
    pub(crate) fn mismatch(&self, detail: String) -> ModelError {
        ModelError::Output {
            model: self.name.clone(),
            detail,
        }
    }
}
