//! What a model is and how it wants its pictures: `model.toml`, read raw ([`raw`]), then checked.

mod raw;
mod settings;

use std::path::Path;

use crate::error::ModelError;
use crate::hash::FileHash;

pub use settings::{
    Colour, Coordinates, Element, Filter, Fit, GlobalOutput, Input, Layout, LocalOutput, Pooling,
};

/// The name of a manifest's file.
pub const FILE_NAME: &str = "model.toml";

/// A model's description, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What it is called: 1 to 64 lower-case letters, digits, `-`, `_` and `.`, a letter or digit first.
    pub name: String,
    /// Which one of that name.
    pub version: String,
    /// The name of the ONNX file, beside the manifest.
    pub file: String,
    /// Of the file's bytes. `None` in a description of a model that the user brings; once
    /// installed every model has it.
    pub hash: Option<FileHash>,
    /// Under which terms the weights may be used.
    pub licence: String,
    /// Where the file comes from.
    pub source: String,
    /// What else there is to know.
    pub notes: Option<String>,
    /// How pictures become its input.
    pub input: Input,
    /// What its output is.
    pub output: Output,
}

/// What a model gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// One vector a picture.
    Global(GlobalOutput),
    /// Keypoints and their descriptors.
    Local(LocalOutput),
}

impl Manifest {
    /// Reads the text of a `model.toml`; `file` is named in errors.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ModelError> {
        let wrong = |detail: String| ModelError::Manifest {
            file: file.to_owned(),
            detail,
        };
        let raw: raw::Raw = toml::from_str(text).map_err(|error| wrong(one_line(&error)))?;
        raw.check().map_err(wrong)
    }

    /// `global` or `local`.
    pub fn kind(&self) -> &'static str {
        match self.output {
            Output::Global(_) => "global",
            Output::Local(_) => "local",
        }
    }

    /// Everything that changes what the model gives, besides its file: the same settings give the
    /// same text.
    pub(crate) fn settings(&self) -> String {
        format!("{:?};{:?}", self.input, self.output)
    }
}

/// The parser's message without the drawing of the line: where it is and what is wrong.
fn one_line(error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', " ");
    match error.span() {
        Some(span) => format!("{message} (at byte {})", span.start),
        None => message,
    }
}

#[cfg(test)]
mod tests;
