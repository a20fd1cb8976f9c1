//! The table `[output]`.

use serde::Deserialize;

use super::super::settings::{Coordinates, GlobalOutput, LocalOutput, MapOutput, Output, Pooling};
use super::keys::first_given;

/// Largest dimension of a vector.
const MAX_DIMENSION: usize = 65_536;
/// Largest dimension of a local descriptor: squared distances of bytes stay far within 32 bits.
const MAX_LOCAL_DIMENSION: usize = 4096;

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

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
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
    coordinates: Option<Coordinates>,
    range: Option<f32>,
    scale: Option<f32>,
    min_score: Option<f32>,
    logits: Option<String>,
    reliability: Option<String>,
    cell: Option<usize>,
    threshold: Option<f32>,
    radius: Option<usize>,
}

impl RawOutput {
    pub(super) fn global(self) -> Result<GlobalOutput, String> {
        let of_local = first_given(&[
            ("keypoints", self.keypoints.is_some()),
            ("scores", self.scores.is_some()),
            ("descriptors", self.descriptors.is_some()),
            ("scales", self.scales.is_some()),
            ("angles", self.angles.is_some()),
            ("coordinates", self.coordinates.is_some()),
            ("range", self.range.is_some()),
            ("scale", self.scale.is_some()),
            ("min_score", self.min_score.is_some()),
            ("logits", self.logits.is_some()),
        ]);
        if let Some(key) = of_local.or(self.first_of_maps()) {
            return Err(format!("output.{key} belongs to models of kind \"local\""));
        }
        if self.gem_p.is_some() && !matches!(self.pooling, Some(RawPooling::Gem)) {
            return Err("gem_p belongs to pooling = \"gem\"".into());
        }
        let p = self.gem_p.unwrap_or(3.0);
        if !(1.0..=100.0).contains(&p) {
            return Err(format!("gem_p = {p} is not from 1 to 100"));
        }
        // Vectors always have length 1, so the key only documents it.
        let _ = self.normalise;
        if let Some(d) = self.dimension {
            dimension(d, MAX_DIMENSION)?;
        }
        Ok(GlobalOutput {
            name: self.name,
            pooling: match self.pooling {
                None | Some(RawPooling::None) => Pooling::None,
                Some(RawPooling::Mean) => Pooling::Mean,
                Some(RawPooling::Cls) => Pooling::Cls,
                Some(RawPooling::Gem) => Pooling::Gem { p },
            },
            dimension: self.dimension,
        })
    }

    pub(super) fn local(self) -> Result<Output, String> {
        let of_global = first_given(&[
            ("name", self.name.is_some()),
            ("pooling", self.pooling.is_some()),
            ("gem_p", self.gem_p.is_some()),
            ("normalise", self.normalise.is_some()),
        ]);
        if let Some(key) = of_global {
            return Err(format!("output.{key} belongs to models of kind \"global\""));
        }
        if self.logits.is_some() {
            return Ok(Output::Maps(self.maps()?));
        }
        if let Some(key) = self.first_of_maps() {
            return Err(format!(
                "output.{key} belongs to models that output maps, which have output.logits"
            ));
        }
        let min_score = self.min_score.unwrap_or(0.0);
        if !min_score.is_finite() {
            return Err(format!("output.min_score = {min_score} is not finite"));
        }
        Ok(Output::Local(LocalOutput {
            keypoints: required("keypoints", self.keypoints)?,
            scores: required("scores", self.scores)?,
            descriptors: required("descriptors", self.descriptors)?,
            scales: self.scales,
            angles: self.angles,
            coordinates: self.coordinates.unwrap_or_default(),
            dimension: dimension(required("dimension", self.dimension)?, MAX_LOCAL_DIMENSION)?,
            range: positive("range", self.range.unwrap_or(0.5))?,
            scale: positive("scale", self.scale.unwrap_or(4.0))?,
            min_score,
        }))
    }

    /// The first key that has a meaning beside `logits` only.
    fn first_of_maps(&self) -> Option<&'static str> {
        first_given(&[
            ("reliability", self.reliability.is_some()),
            ("cell", self.cell.is_some()),
            ("threshold", self.threshold.is_some()),
            ("radius", self.radius.is_some()),
        ])
    }

    fn maps(self) -> Result<MapOutput, String> {
        let of_lists = first_given(&[
            ("keypoints", self.keypoints.is_some()),
            ("scores", self.scores.is_some()),
            ("scales", self.scales.is_some()),
            ("angles", self.angles.is_some()),
            ("coordinates", self.coordinates.is_some()),
            ("min_score", self.min_score.is_some()),
        ]);
        if let Some(key) = of_lists {
            return Err(format!(
                "output.{key} belongs to models that output lists, which have no output.logits"
            ));
        }
        let cell = self.cell.unwrap_or(8);
        if !(2..=32).contains(&cell) {
            return Err(format!("output.cell = {cell} is not from 2 to 32"));
        }
        let radius = self.radius.unwrap_or(2);
        if !(1..=32).contains(&radius) {
            return Err(format!("output.radius = {radius} is not from 1 to 32"));
        }
        let threshold = self.threshold.unwrap_or(0.05);
        if !(0.0..1.0).contains(&threshold) {
            return Err(format!("output.threshold = {threshold} is not from 0 to 1"));
        }
        Ok(MapOutput {
            descriptors: required("descriptors", self.descriptors)?,
            logits: required("logits", self.logits)?,
            reliability: self.reliability,
            dimension: dimension(required("dimension", self.dimension)?, MAX_LOCAL_DIMENSION)?,
            cell,
            threshold,
            radius,
            range: positive("range", self.range.unwrap_or(0.5))?,
            scale: positive("scale", self.scale.unwrap_or(4.0))?,
        })
    }
}

fn required<T>(key: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("models of kind \"local\" need output.{key}"))
}

fn positive(key: &str, value: f32) -> Result<f32, String> {
    if !(value.is_finite() && value > 0.0) {
        return Err(format!("output.{key} = {value} is not above 0"));
    }
    Ok(value)
}

fn dimension(value: usize, most: usize) -> Result<usize, String> {
    if !(1..=most).contains(&value) {
        return Err(format!(
            "output.dimension = {value} is not from 1 to {most}"
        ));
    }
    Ok(value)
}
