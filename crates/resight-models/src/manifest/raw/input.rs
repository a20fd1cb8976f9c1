//! The table `[input]`.

use serde::Deserialize;

use super::super::settings::{Colour, Element, Filter, Fit, Input, Layout};
use super::keys::first_given;

/// Longest side of an input, in pixels.
const MAX_SIDE: u32 = 4096;
/// Shortest side of an input, in pixels.
const MIN_SIDE: u32 = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
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
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    colour: Colour,
    #[serde(default)]
    layout: Layout,
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
enum RawElement {
    Uint8,
    Float32,
}

impl RawInput {
    pub(super) fn check(self) -> Result<Input, String> {
        let fit = self.fit()?;
        let element = self.element()?;
        Ok(Input {
            name: self.name,
            fit,
            filter: self.filter,
            colour: self.colour,
            layout: self.layout,
            element,
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
        let others = given.map(|(key, is_given)| (key, is_given && !takes.contains(&key)));
        if let Some(key) = first_given(&others) {
            return Err(format!("fit = \"{name}\" takes no {key}"));
        }
        let need = |key: &str| format!("fit = \"{name}\" needs {key}");
        let size = || {
            let [w, h] = self.size.ok_or_else(|| need("size = [width, height]"))?;
            Ok::<_, String>((side("size", w, MIN_SIDE)?, side("size", h, MIN_SIDE)?))
        };
        let multiple = self.multiple.unwrap_or(1);
        if !(1..=256).contains(&multiple) {
            return Err(format!("multiple = {multiple} is not from 1 to 256"));
        }
        let least = multiple.max(MIN_SIDE);
        Ok(match self.fit {
            RawFit::Stretch => {
                let (width, height) = size()?;
                Fit::Stretch { width, height }
            }
            RawFit::Crop => {
                let (width, height) = size()?;
                let longer = width.max(height);
                let short = side("short", self.short.unwrap_or(longer), MIN_SIDE)?;
                if short < longer {
                    return Err("short is less than size: there would be nothing to cut".into());
                }
                Fit::Crop {
                    width,
                    height,
                    short,
                }
            }
            RawFit::Short => Fit::Short {
                short: side("short", self.short.ok_or_else(|| need("short"))?, least)?,
                multiple,
            },
            RawFit::Within => Fit::Within {
                long: side("long", self.long.ok_or_else(|| need("long"))?, least)?,
                multiple,
            },
        })
    }

    fn element(&self) -> Result<Element, String> {
        let has_numbers = self.range.is_some() || self.mean.is_some() || self.std.is_some();
        if let Some(RawElement::Uint8) = self.element {
            if has_numbers {
                return Err(
                    "element = \"uint8\" takes no range, mean or std: the input is the bytes"
                        .into(),
                );
            }
            return Ok(Element::Byte);
        }
        let range = self.range.unwrap_or(1.0);
        let mean = per_channel("mean", self.mean.as_deref(), 0.0, self.colour)?;
        let std = per_channel("std", self.std.as_deref(), 1.0, self.colour)?;
        if !(range.is_finite() && range > 0.0) {
            return Err(format!("range = {range} is not above 0"));
        }
        if let Some(bad) = std.iter().find(|v| **v <= 0.0) {
            return Err(format!("std has {bad}, which is not above 0"));
        }
        Ok(Element::Float { range, mean, std })
    }
}

fn side(key: &str, value: u32, least: u32) -> Result<u32, String> {
    if !(least..=MAX_SIDE).contains(&value) {
        return Err(format!("{key} = {value} is not from {least} to {MAX_SIDE}"));
    }
    Ok(value)
}

/// One number for each channel; the same three times for grey.
fn per_channel(
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
    if !values.iter().all(|v| v.is_finite()) {
        return Err(format!("{key} has a number that is not finite"));
    }
    Ok(values)
}
