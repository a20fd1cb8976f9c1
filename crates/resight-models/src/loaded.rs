//! A network with everything that it takes to put a picture into it: what both kinds share.

use std::sync::Arc;

use resight_vision::{Image, ModelId};

use crate::error::ModelError;
use crate::identity::identity;
use crate::manifest::{Input, Manifest};
use crate::pixels::prepare;
use crate::runtime::{Network, Runtime, Tensor, Wanted};

pub(crate) struct Loaded {
    /// The model's name in its manifest.
    pub(crate) name: String,
    /// What it makes.
    pub(crate) id: ModelId,
    numerics: &'static str,
    input: Input,
    network: Arc<dyn Network>,
}

/// What a network gave for a picture.
pub(crate) struct Given {
    /// The outputs that it was loaded for, in that order.
    pub(crate) outputs: Vec<Tensor>,
    /// Columns and rows of its input.
    pub(crate) size: [u32; 2],
    /// Pixels of the picture for each of the input, along x and y.
    pub(crate) step: [f64; 2],
}

impl Loaded {
    /// Loads the file's `bytes`, for at most `at_once` runs at a time, and for these outputs; none: the
    /// first.
    pub(crate) fn load(
        manifest: &Manifest,
        bytes: Vec<u8>,
        outputs: &[&str],
        runtime: &Runtime,
        at_once: usize,
    ) -> Result<Self, ModelError> {
        let id = identity(manifest, &bytes, runtime.numerics());
        let network = runtime.load(Wanted {
            model: &manifest.name,
            bytes,
            input: manifest.input.name.as_deref(),
            outputs,
            at_once,
        })?;
        Ok(Self {
            name: manifest.name.clone(),
            id,
            numerics: runtime.numerics(),
            input: manifest.input.clone(),
            network,
        })
    }

    pub(crate) fn run(&self, image: &Image) -> Result<Given, ModelError> {
        let prepared = prepare(image, &self.input)
            .ok_or_else(|| self.failed("the picture could not be resized".into()))?;
        let outputs = self.network.run(prepared.batch);
        Ok(Given {
            outputs: outputs.map_err(|detail| self.failed(detail))?,
            size: prepared.size,
            step: prepared.step,
        })
    }

    /// It cannot describe this picture.
    pub(crate) fn failed(&self, detail: String) -> ModelError {
        ModelError::Run {
            model: self.name.clone(),
            runtime: self.numerics,
            detail,
        }
    }

    /// It is not what its manifest says.
    pub(crate) fn bad(&self, detail: String) -> ModelError {
        ModelError::Output {
            model: self.name.clone(),
            detail,
        }
    }
}
