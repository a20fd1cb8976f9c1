//! `embed` behind the trait of global extractors.

use std::sync::Arc;

use resight_vision::{ExtractError, GlobalExtractor, Image, ModelId};

use crate::error::PluginError;
use crate::manifest::Role;
use crate::plugin::Plugin;
use crate::role::{self, bad};
use crate::sample;
use crate::ticket::CallOptions;
use crate::value::{Call, Reply};

/// A plug-in's `embed`. Vectors are brought to length 1 here; an author need not.
pub struct PythonGlobalExtractor {
    plugin: Arc<Plugin>,
    function: String,
    model: ModelId,
    dimension: usize,
}

impl PythonGlobalExtractor {
    /// Asks the plug-in how long its vectors are.
    pub fn new(plugin: Arc<Plugin>) -> Result<Self, PluginError> {
        let manifest = plugin.wait_ready(plugin.config().start_limit)?;
        let function = role::offered(&manifest, Role::Embed)?;
        let name = function.name.clone();
        let picture = &sample::textured()[0];
        let dimension = match plugin.call(Call::new(&*name).picture(picture))? {
            Reply::Vector(vector) => vector.len(),
            _ => 0,
        };
        if let Some(declared) = function.dimension.filter(|d| *d != dimension) {
            let detail = format!("{name} declares dimension {declared} and returned {dimension}");
            return Err(bad(&name, detail));
        }
        let identity = role::identity(&plugin, &manifest, &name);
        Ok(Self {
            plugin,
            function: name,
            model: ModelId::new(format!("{identity};kind=vector;d={dimension}")),
            dimension,
        })
    }

    fn run(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, PluginError> {
        role::unchanged(&self.plugin, &self.function, &self.model)?;
        let call = |image| Call::new(self.function.clone()).picture(image);
        if let [image] = images {
            return Ok(vec![self.unit(self.plugin.call(call(image))?)?]);
        }
        // Never more at once than the queue takes from one caller.
        let room = (self.plugin.config().queue / 2).max(1);
        let mut vectors = Vec::with_capacity(images.len());
        for chunk in images.chunks(room) {
            let tickets: Vec<_> = chunk
                .iter()
                .map(|image| {
                    self.plugin
                        .submit(call(image).into_owned(), CallOptions::default())
                })
                .collect();
            for ticket in tickets {
                vectors.push(self.unit(ticket.wait()?)?);
            }
        }
        Ok(vectors)
    }

    fn unit(&self, reply: Reply) -> Result<Vec<f32>, PluginError> {
        let bad = |detail| bad(&self.function, detail);
        let Reply::Vector(mut vector) = reply else {
            return Err(bad("no vector came".into()));
        };
        if vector.len() != self.dimension {
            let (came, expected) = (vector.len(), self.dimension);
            return Err(bad(format!(
                "{} returned a vector of length {came}; its model has {expected}",
                self.function
            )));
        }
        let squares: f64 = vector.iter().map(|v| f64::from(*v).powi(2)).sum();
        let length = squares.sqrt();
        if length == 0.0 {
            return Err(bad(format!(
                "{} returned a vector of zeros; expected one with a direction",
                self.function
            )));
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

    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        Ok(self.run(images)?)
    }
}
