//! `embed` behind the trait of global extractors.

use std::sync::Arc;

use resight_vision::{ExtractError, Fault, GlobalExtractor, Image, ModelId};

use super::{bad_result, current, identity, offered, sample};
use crate::call::{Call, CallOptions};
use crate::error::PluginError;
use crate::manifest::Role;
use crate::plugin::Plugin;
use crate::reply::Reply;

/// A plug-in's `embed`. It normalises the vectors.
pub struct PythonGlobalExtractor {
    plugin: Arc<Plugin>,
    function: String,
    model: ModelId,
    dimension: usize,
}

impl PythonGlobalExtractor {
    /// Waits until the plug-in is ready and calls it with a sample picture for the length of its
    /// vectors.
    pub fn new(plugin: Arc<Plugin>) -> Result<Self, PluginError> {
        let manifest = plugin.wait_ready(plugin.config().start_limit)?;
        let function = offered(&manifest, Role::Embed)?;
        let name = &function.name;
        let picture = &sample::textured()[0];
        let dimension = match plugin.call(Call::of(function.clone()).picture(picture))? {
            Reply::Vector(vector) => vector.len(),
            _ => 0,
        };
        if let Some(declared) = function.dimension.filter(|d| *d != dimension) {
            let detail = format!("{name} declares dimension {declared} and returned {dimension}");
            return Err(bad_result(name, detail));
        }
        let identity = identity(&plugin, &manifest, Some(&function));
        Ok(Self {
            plugin,
            function: name.clone(),
            model: ModelId::new(format!("{identity};kind=vector;d={dimension}")),
            dimension,
        })
    }

    fn run(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, PluginError> {
        let function = current(&self.plugin, &self.function, &self.model)?;
        let call = |image| Call::of(function.clone()).picture(image);
        if let [image] = images {
            return Ok(vec![self.unit(self.plugin.call(call(image))?)?]);
        }
        // Half of the queue stays free for other callers.
        let room = (self.plugin.config().queue / 2).max(1);
        let mut vectors = Vec::with_capacity(images.len());
        for chunk in images.chunks(room) {
            let submit = |image| {
                let call = call(image).into_owned();
                self.plugin.submit(call, CallOptions::default())
            };
            let pending: Vec<_> = chunk.iter().map(submit).collect();
            for reply in pending {
                vectors.push(self.unit(reply.wait()?)?);
            }
        }
        Ok(vectors)
    }

    /// The vector in `reply`, of length 1.
    fn unit(&self, reply: Reply) -> Result<Vec<f32>, PluginError> {
        let bad = |detail| {
            bad_result(
                &self.function,
                format!("{} returned {detail}", self.function),
            )
        };
        let Reply::Vector(mut vector) = reply else {
            return Err(bad("no vector".into()));
        };
        let (found, expected) = (vector.len(), self.dimension);
        if found != expected {
            return Err(bad(format!(
                "a vector of length {found}; its model has {expected}"
            )));
        }
        let squares: f64 = vector.iter().map(|v| f64::from(*v).powi(2)).sum();
        let length = squares.sqrt();
        if length == 0.0 {
            return Err(bad(
                "a vector of zeros; expected one with a direction".into()
            ));
        }
        vector
            .iter_mut()
            .for_each(|v| *v = (f64::from(*v) / length) as f32);
        Ok(vector)
    }
}

impl GlobalExtractor for PythonGlobalExtractor {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    /// What ended a worker or was not answered in time may be served another time, or by a mended file: the
    /// pictures wait for that, and only one that the function itself refuses goes without a vector.
    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.run(images).map_err(|error| {
            let is_refused = matches!(
                error,
                PluginError::Raised { .. }
                    | PluginError::Answered { .. }
                    | PluginError::BadResult { .. }
            );
            let mut error = ExtractError::from(error);
            if error.fault == Fault::Picture && !is_refused {
                error.fault = Fault::Passing;
            }
            error
        })
    }
}
