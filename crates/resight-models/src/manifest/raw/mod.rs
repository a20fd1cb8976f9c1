//! A manifest as it is written. Every key that is not known is refused by name.

use serde::Deserialize;

use super::settings::{
    Colour, Coordinates, Element, Filter, Fit, GlobalOutput, Input, Layout, LocalOutput, Pooling,
};
use super::{Manifest, Output};
use crate::hash::FileHash;

/// The longest side of an input, in pixels.
const MAX_SIDE: u32 = 4096;
/// What `--extractor` calls the features that need no model.
const OURS: &str = "sift";
/// Values in a vector or a descriptor at most.
const MAX_DIMENSION: usize = 65_536;
/// Values in a local descriptor at most: squared distances of bytes stay far within 32 bits.
const MAX_LOCAL_DIMENSION: usize = 4096;

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
    input: RawInput,
    #[serde(default)]
    output: RawOutput,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Global,
    Local,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    name: Option<String>,
    fit: RawFit,
    /// Width and height of `stretch` and `crop`.
    size: Option<[u32; 2]>,
    /// Of `short` and `crop`.
    short: Option<u32>,
    /// Of `within`.
    long: Option<u32>,
    /// Of `short` and `within`.
    multiple: Option<u32>,
    filter: Option<RawFilter>,
    colour: Option<RawColour>,
    layout: Option<RawLayout>,
    element: Option<RawElement>,
    range: Option<f32>,
    mean: Option<Vec<f32>>,
    std: Option<Vec<f32>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawFit {
    Stretch,
    Crop,
    Short,
    Within,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawFilter {
    Bilinear,
    Bicubic,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawColour {
    Rgb,
    Bgr,
    Gray,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawLayout {
    Nchw,
    Nhwc,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawElement {
    Uint8,
    Float32,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawPooling {
    None,
    Mean,
    Gem,
    Cls,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawNormalise {
    L2,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RawCoordinates {
    Pixels,
    Centred,
    Unit,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawOutput {
    name: Option<String>,
    pooling: Option<RawPooling>,
    gem_p: Option<f32>,
    normalise: Option<RawNormalise>,
    dimension: Option<usize>,
    keypoints: Option<String>,
    scores: Option<String>,
    descriptors: Option<String>,
    scales: Option<String>,
    angles: Option<String>,
    coordinates: Option<RawCoordinates>,
    range: Option<f32>,
    scale: Option<f32>,
    min_score: Option<f32>,
}

impl Raw {
    pub(super) fn check(self) -> Result<Manifest, String> {
        name(&self.name)?;
        line("version", &self.version)?;
        line("licence", &self.licence)?;
        line("source", &self.source)?;
        file(&self.file)?;
        let hash = match (&self.sha256, &self.blake3) {
            (Some(_), Some(_)) => return Err("give sha256 or blake3, not both".into()),
            (Some(hex), None) => Some(FileHash::sha256(hex)?),
            (None, Some(hex)) => Some(FileHash::blake3(hex)?),
            (None, None) => None,
        };
        let input = self.input.check()?;
        if self.kind == Kind::Local && matches!(input.fit, Fit::Crop { .. }) {
            return Err(
                "fit = \"crop\" would hide a part of the picture from a model of kind \"local\""
                    .into(),
            );
        }
        Ok(Manifest {
            name: self.name,
            version: self.version,
            file: self.file,
            hash,
            licence: self.licence,
            source: self.source,
            notes: self.notes,
            input,
            output: match self.kind {
                Kind::Global => Output::Global(self.output.global()?),
                Kind::Local => Output::Local(self.output.local()?),
            },
        })
    }
}

impl RawInput {
    fn check(self) -> Result<Input, String> {
        let fit = self.fit()?;
        let colour = match self.colour {
            None | Some(RawColour::Rgb) => Colour::Rgb,
            Some(RawColour::Bgr) => Colour::Bgr,
            Some(RawColour::Gray) => Colour::Gray,
        };
        let element = self.element(colour)?;
        Ok(Input {
            fit,
            filter: match self.filter {
                None | Some(RawFilter::Bilinear) => Filter::Bilinear,
                Some(RawFilter::Bicubic) => Filter::Bicubic,
            },
            colour,
            layout: match self.layout {
                None | Some(RawLayout::Nchw) => Layout::Nchw,
                Some(RawLayout::Nhwc) => Layout::Nhwc,
            },
            element,
            name: self.name,
        })
    }

    fn fit(&self) -> Result<Fit, String> {
        let (takes, name): (&[&str], _) = match self.fit {
            RawFit::Stretch => (&["size"], "stretch"),
            RawFit::Crop => (&["size", "short"], "crop"),
            RawFit::Short => (&["short", "multiple"], "short"),
            RawFit::Within => (&["long", "multiple"], "within"),
        };
        let given = [
            ("size", self.size.is_some()),
            ("short", self.short.is_some()),
            ("long", self.long.is_some()),
            ("multiple", self.multiple.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, is)| *is && !takes.contains(key)) {
            return Err(format!("fit = \"{name}\" takes no {key}"));
        }
        let need = |key: &str| format!("fit = \"{name}\" needs {key}");
        let size = || {
            let [w, h] = self.size.ok_or_else(|| need("size = [width, height]"))?;
            Ok::<_, String>((side("size", w)?, side("size", h)?))
        };
        let multiple = self.multiple.unwrap_or(1);
        if !(1..=256).contains(&multiple) {
            return Err(format!("multiple = {multiple} is not from 1 to 256"));
        }
        Ok(match self.fit {
            RawFit::Stretch => {
                let (width, height) = size()?;
                Fit::Stretch { width, height }
            }
            RawFit::Crop => {
                let (width, height) = size()?;
                let short = side("short", self.short.unwrap_or(width.max(height)))?;
                if short < width.max(height) {
                    return Err("short is less than size: there would be nothing to cut".into());
                }
                Fit::Crop {
                    width,
                    height,
                    short,
                }
            }
            RawFit::Short => Fit::Short {
                short: at_least("short", self.short.ok_or_else(|| need("short"))?, multiple)?,
                multiple,
            },
            RawFit::Within => Fit::Within {
                long: at_least("long", self.long.ok_or_else(|| need("long"))?, multiple)?,
                multiple,
            },
        })
    }

    fn element(&self, colour: Colour) -> Result<Element, String> {
        let has_numbers = self.range.is_some() || self.mean.is_some() || self.std.is_some();
        if let Some(RawElement::Uint8) = self.element {
            return match has_numbers {
                true => Err(
                    "element = \"uint8\" takes no range, mean or std: bytes go in as they are"
                        .into(),
                ),
                false => Ok(Element::Byte),
            };
        }
        let range = self.range.unwrap_or(1.0);
        let mean = channels("mean", self.mean.as_deref(), 0.0, colour)?;
        let std = channels("std", self.std.as_deref(), 1.0, colour)?;
        if !(range.is_finite() && range > 0.0) {
            return Err(format!("range = {range} is not above 0"));
        }
        if let Some(bad) = std.iter().find(|v| **v <= 0.0) {
            return Err(format!("std has {bad}, which is not above 0"));
        }
        Ok(Element::Float { range, mean, std })
    }
}

impl RawOutput {
    fn global(self) -> Result<GlobalOutput, String> {
        let local = [
            ("keypoints", self.keypoints.is_some()),
            ("scores", self.scores.is_some()),
            ("descriptors", self.descriptors.is_some()),
            ("scales", self.scales.is_some()),
            ("angles", self.angles.is_some()),
            ("coordinates", self.coordinates.is_some()),
            ("range", self.range.is_some()),
            ("scale", self.scale.is_some()),
            ("min_score", self.min_score.is_some()),
        ];
        if let Some((key, _)) = local.iter().find(|(_, is)| *is) {
            return Err(format!("output.{key} belongs to models of kind \"local\""));
        }
        let pooling = match self.pooling {
            None | Some(RawPooling::None) => Pooling::None,
            Some(RawPooling::Mean) => Pooling::Mean,
            Some(RawPooling::Cls) => Pooling::Cls,
            Some(RawPooling::Gem) => Pooling::Gem {
                p: self.gem_p.unwrap_or(3.0),
            },
        };
        match (pooling, self.gem_p) {
            (Pooling::Gem { p }, _) if !(1.0..=100.0).contains(&p) => {
                return Err(format!("gem_p = {p} is not from 1 to 100"));
            }
            (Pooling::Gem { .. }, _) | (_, None) => {}
            (_, Some(_)) => return Err("gem_p belongs to pooling = \"gem\"".into()),
        }
        // Vectors are always brought to length 1, so the key only says it.
        let _ = self.normalise;
        if let Some(d) = self.dimension {
            dimension(d, MAX_DIMENSION)?;
        }
        Ok(GlobalOutput {
            name: self.name,
            pooling,
            dimension: self.dimension,
        })
    }

    fn local(self) -> Result<LocalOutput, String> {
        let global = [
            ("name", self.name.is_some()),
            ("pooling", self.pooling.is_some()),
            ("gem_p", self.gem_p.is_some()),
            ("normalise", self.normalise.is_some()),
        ];
        if let Some((key, _)) = global.iter().find(|(_, is)| *is) {
            return Err(format!("output.{key} belongs to models of kind \"global\""));
        }
        let need = |key: &str| format!("models of kind \"local\" need output.{key}");
        let positive = |key: &str, value: f32| match value.is_finite() && value > 0.0 {
            true => Ok(value),
            false => Err(format!("output.{key} = {value} is not above 0")),
        };
        let min_score = self.min_score.unwrap_or(0.0);
        if !min_score.is_finite() {
            return Err(format!("output.min_score = {min_score} is no number"));
        }
        Ok(LocalOutput {
            keypoints: self.keypoints.ok_or_else(|| need("keypoints"))?,
            scores: self.scores.ok_or_else(|| need("scores"))?,
            descriptors: self.descriptors.ok_or_else(|| need("descriptors"))?,
            scales: self.scales,
            angles: self.angles,
            coordinates: match self.coordinates {
                None | Some(RawCoordinates::Pixels) => Coordinates::Pixels,
                Some(RawCoordinates::Centred) => Coordinates::Centred,
                Some(RawCoordinates::Unit) => Coordinates::Unit,
            },
            dimension: dimension(
                self.dimension.ok_or_else(|| need("dimension"))?,
                MAX_LOCAL_DIMENSION,
            )?,
            range: positive("range", self.range.unwrap_or(0.5))?,
            scale: positive("scale", self.scale.unwrap_or(4.0))?,
            min_score,
        })
    }
}

fn name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    match first && name.len() <= 64 && name.chars().all(fits) {
        true if name == OURS => Err(format!(
            "name = {name:?} is what our own features are called"
        )),
        true => Ok(()),
        false => Err(format!(
            "name = {name:?}: take 1 to 64 lower-case letters, digits, -, _ and ., a letter or digit first"
        )),
    }
}

/// One line that can stand in a model's name and in a table.
fn line(key: &str, value: &str) -> Result<(), String> {
    match !value.trim().is_empty() && value.len() <= 500 && !value.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(format!("{key} has to be one line of 1 to 500 bytes")),
    }
}

/// A file of the manifest's own folder, never a path that leads elsewhere.
fn file(name: &str) -> Result<(), String> {
    let plain = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control)
        && name != super::FILE_NAME;
    match plain {
        true => Ok(()),
        false => Err(format!(
            "file = {name:?}: give the name of a file beside model.toml, without a folder"
        )),
    }
}

fn side(key: &str, value: u32) -> Result<u32, String> {
    at_least(key, value, 1)
}

fn at_least(key: &str, value: u32, least: u32) -> Result<u32, String> {
    match (least.max(8)..=MAX_SIDE).contains(&value) {
        true => Ok(value),
        false => Err(format!(
            "{key} = {value} is not from {} to {MAX_SIDE}",
            least.max(8)
        )),
    }
}

fn dimension(value: usize, most: usize) -> Result<usize, String> {
    match (1..=most).contains(&value) {
        true => Ok(value),
        false => Err(format!(
            "output.dimension = {value} is not from 1 to {most}"
        )),
    }
}

/// One number a channel; of grey, the same thrice.
fn channels(
    key: &str,
    given: Option<&[f32]>,
    default: f32,
    colour: Colour,
) -> Result<[f32; 3], String> {
    let values = match (given, colour.channels()) {
        (None, _) => return Ok([default; 3]),
        (Some(&[one]), 1) => [one; 3],
        (Some(&[a, b, c]), 3) => [a, b, c],
        (Some(values), n) => {
            return Err(format!(
                "{key} has {} numbers; there are {n} channels",
                values.len()
            ));
        }
    };
    match values.iter().all(|v| v.is_finite()) {
        true => Ok(values),
        false => Err(format!("{key} holds what is no number")),
    }
}
