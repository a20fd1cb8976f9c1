//! The text of a manifest as `serde` reads it, and its checks. Unknown keys are refused by name.

mod input;
mod keys;
mod output;

use serde::Deserialize;

use super::settings::{FILE_NAME, Fit, Manifest, Output};
use crate::hash::FileHash;

/// The `--extractor` value of SIFT, which no model may have as its name.
const SIFT: &str = "sift";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: String,
    version: String,
    kind: Kind,
    file: String,
    sha256: Option<String>,
    blake3: Option<String>,
    licence: String,
    source: String,
    notes: Option<String>,
    input: input::RawInput,
    #[serde(default)]
    output: output::RawOutput,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Global,
    Local,
}

impl Raw {
    /// The checked manifest, or what is wrong.
    pub(super) fn check(self) -> Result<Manifest, String> {
        check_name(&self.name)?;
        check_line("version", &self.version)?;
        check_line("licence", &self.licence)?;
        check_line("source", &self.source)?;
        check_file(&self.file)?;
        let hash = match (&self.sha256, &self.blake3) {
            (Some(_), Some(_)) => return Err("give sha256 or blake3, not both".into()),
            (Some(digits), None) => Some(FileHash::sha256(digits)?),
            (None, Some(digits)) => Some(FileHash::blake3(digits)?),
            (None, None) => None,
        };
        let input = self.input.check()?;
        if self.kind == Kind::Local && matches!(input.fit, Fit::Crop { .. }) {
            return Err(
                "fit = \"crop\" would hide a part of the picture from a model of kind \"local\""
                    .into(),
            );
        }
        let output = match self.kind {
            Kind::Global => Output::Global(self.output.global()?),
            Kind::Local => self.output.local()?,
        };
        Ok(Manifest {
            name: self.name,
            version: self.version,
            file: self.file,
            hash,
            licence: self.licence,
            source: self.source,
            notes: self.notes,
            input,
            output,
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name == SIFT {
        return Err(format!("name = {name:?} stands for the built-in features"));
    }
    if !first || name.len() > 64 || !name.chars().all(allowed) {
        return Err(format!(
            "name = {name:?}: use 1 to 64 lower-case letters, digits, -, _ and ., a letter or digit first"
        ));
    }
    Ok(())
}

/// A value that is part of an id or of a table.
fn check_line(key: &str, value: &str) -> Result<(), String> {
    if value.trim().is_empty() || value.len() > 500 || value.chars().any(char::is_control) {
        return Err(format!("{key} has to be one line of 1 to 500 bytes"));
    }
    Ok(())
}

/// The name of a file in the manifest's own folder.
fn check_file(name: &str) -> Result<(), String> {
    if name.is_empty()
        || name.len() > 200
        || name.starts_with('.')
        || name.contains(['/', '\\', ':'])
        || name.chars().any(char::is_control)
        || name == FILE_NAME
    {
        return Err(format!(
            "file = {name:?}: give the name of a file beside model.toml, without a folder"
        ));
    }
    Ok(())
}
