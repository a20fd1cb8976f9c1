//! A model's manifest, `model.toml`: parsed ([`raw`]), then checked.

mod raw;
mod settings;

use std::path::Path;

use crate::error::ModelError;

pub use settings::{
    Colour, Coordinates, Element, FILE_NAME, Filter, Fit, GlobalOutput, Input, Layout, LocalOutput,
    Manifest, MapOutput, Output, Pooling,
};

impl Manifest {
    /// Parses and checks the text of a `model.toml`. Errors name `file`.
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
            Output::Local(_) | Output::Maps(_) => "local",
        }
    }

    /// A text of all settings that change the output. It is part of stored ids, through its hash, so
    /// it must never change for the same settings.
    pub(crate) fn settings(&self) -> String {
        format!("{:?};{:?}", self.input, self.output)
    }
}

/// The parser's message and position, without its quotation of the line.
fn one_line(error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', " ");
    match error.span() {
        Some(span) => format!("{message} (at byte {})", span.start),
        None => message,
    }
}

#[cfg(test)]
mod tests;
