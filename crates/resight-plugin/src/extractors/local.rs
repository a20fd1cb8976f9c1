//! `extract` behind the trait of local extractors.

use std::sync::Arc;

use resight_vision::{Descriptors, ExtractError, Image, LocalExtractor, LocalFeatures, ModelId};

use super::{bad_result, current, identity, offered, sample};
use crate::call::Call;
use crate::error::PluginError;
use crate::manifest::{DeclaredKind, Function, FunctionRef, Role};
use crate::plugin::Plugin;
use crate::reply::{ExtractedFeatures, Reply, Rows};

/// Most bytes of a descriptor, with one byte a bit; squared distances stay far within 32 bits.
const MAX_DIMENSION: usize = 4096;

/// How an author's descriptors become bytes, which are stored and compared by squared distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// Bytes, unchanged.
    Bytes,
    /// Floats in `-range..range` or `0..range`, mapped to 0..255. One scale for all dimensions keeps
    /// the order of distances up to rounding.
    Quantised {
        /// Whether values may be negative.
        signed: bool,
        /// A power of two, so that it does not depend on the last digits of the samples' values.
        range: f32,
    },
    /// Packed bits, each stored as a byte of 0 or 255: the squared distance is 255² times the Hamming
    /// distance.
    Bits,
}

/// A plug-in's `extract`. The decorator, or else what it returns for sample pictures, fixes the kind,
/// length and scale of its descriptors, which are part of its model's name.
pub struct PythonLocalExtractor {
    plugin: Arc<Plugin>,
    function: String,
    model: ModelId,
    encoding: Encoding,
    /// Values in a row that the author returns.
    given: usize,
}

impl PythonLocalExtractor {
    /// Waits until the plug-in is ready and calls it with sample pictures for the kind of its
    /// descriptors.
    pub fn new(plugin: Arc<Plugin>) -> Result<Self, PluginError> {
        let manifest = plugin.wait_ready(plugin.config().start_limit)?;
        let function = offered(&manifest, Role::Extract)?;
        let (encoding, given) = try_samples(&plugin, &function)?;
        check_declared(&function, encoding, given)?;
        let identity = identity(&plugin, &manifest, Some(&function));
        Ok(Self {
            plugin,
            function: function.name.clone(),
            model: ModelId::new(format!("{identity};{}", describe(encoding, given))),
            encoding,
            given,
        })
    }

    /// How descriptors are stored.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn run(&self, image: &Image) -> Result<LocalFeatures, PluginError> {
        let function = current(&self.plugin, &self.function, &self.model)?;
        let call = Call::of(function).picture(image);
        let Reply::Local(local) = self.plugin.call(call)? else {
            let detail = format!("{} returned no local features", self.function);
            return Err(bad_result(&self.function, detail));
        };
        if local.keypoints.is_empty() {
            return Ok(LocalFeatures::default());
        }
        let fits = local.dimension == self.given
            && matches!(
                (&local.rows, self.encoding),
                (Rows::Float(_), Encoding::Quantised { .. })
                    | (Rows::Bytes(_), Encoding::Bytes | Encoding::Bits)
            );
        if !fits {
            let kind = match local.rows {
                Rows::Float(_) => "float32",
                Rows::Bytes(_) => "uint8",
            };
            let detail = format!(
                "{} returned descriptors of dimension {}, dtype {kind}; its model is {}",
                self.function, local.dimension, self.model
            );
            return Err(bad_result(&self.function, detail));
        }
        let bytes = encode(local.rows, self.encoding);
        let descriptors = Descriptors::from_bytes(self.dimension(), bytes)
            .ok_or_else(|| bad_result(&self.function, "descriptors without values".into()))?;
        Ok(LocalFeatures {
            keypoints: local.keypoints,
            descriptors,
        })
    }
}

impl LocalExtractor for PythonLocalExtractor {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        stored_dimension(self.encoding, self.given)
    }

    fn extract(&self, image: &Image) -> Result<LocalFeatures, ExtractError> {
        let mut features = self.run(image)?;
        // The trait promises this order, which an author need not keep.
        features.sort_strongest_first();
        Ok(features)
    }
}

/// Calls `extract` with sample pictures. Returns an encoding for the descriptors of all of them, and
/// the number of values in a row.
fn try_samples(plugin: &Plugin, function: &FunctionRef) -> Result<(Encoding, usize), PluginError> {
    let name = &function.name;
    let mut seen: Option<(Encoding, usize)> = None;
    for picture in sample::textured() {
        let call = Call::of(function.clone()).picture(&picture);
        let Reply::Local(local) = plugin.call(call)? else {
            continue;
        };
        if local.keypoints.is_empty() {
            continue;
        }
        let encoding = encoding_of(&local, function.kind);
        let dimension = local.dimension;
        seen = match seen {
            Some((_, other)) if other != dimension => {
                let detail = format!(
                    "{name} returned descriptors of dimension {other} for one picture and \
                     {dimension} for another; expected the same D for all"
                );
                return Err(bad_result(name, detail));
            }
            Some((other, _)) => Some((wider(other, encoding), dimension)),
            None => Some((encoding, dimension)),
        };
    }
    seen.ok_or_else(|| {
        let detail = format!(
            "{name} found nothing on any sample picture, so its descriptors are unknown; it has to \
             find features in pictures with texture"
        );
        bad_result(name, detail)
    })
}

/// Compares what the samples showed with what the decorator declares, and with the limits.
fn check_declared(
    function: &Function,
    encoding: Encoding,
    given: usize,
) -> Result<(), PluginError> {
    let name = &function.name;
    let dimension = stored_dimension(encoding, given);
    let detail = if let Some(declared) = function.dimension.filter(|d| *d != given) {
        format!("{name} declares dimension {declared} and returned {given}")
    } else if function.kind == Some(DeclaredKind::Binary) && encoding != Encoding::Bits {
        format!("{name} declares kind \"binary\" and returned floats; expected uint8")
    } else if dimension > MAX_DIMENSION {
        format!(
            "{name} returned descriptors of {dimension} values; at most {MAX_DIMENSION} are allowed"
        )
    } else {
        return Ok(());
    };
    Err(bad_result(name, detail))
}

/// Bytes in a descriptor as it is stored.
fn stored_dimension(encoding: Encoding, given: usize) -> usize {
    match encoding {
        Encoding::Bits => given * 8,
        Encoding::Bytes | Encoding::Quantised { .. } => given,
    }
}

/// The encoding in a model's name.
fn describe(encoding: Encoding, given: usize) -> String {
    let d = stored_dimension(encoding, given);
    match encoding {
        Encoding::Bytes => format!("kind=uint8;d={d}"),
        Encoding::Bits => format!("kind=binary;d={d}"),
        Encoding::Quantised { signed, range } => {
            let low = if signed { -range } else { 0.0 };
            format!("kind=float;d={d};range={low}..{range}")
        }
    }
}

fn encoding_of(local: &ExtractedFeatures, declared: Option<DeclaredKind>) -> Encoding {
    match &local.rows {
        Rows::Bytes(_) if declared == Some(DeclaredKind::Binary) => Encoding::Bits,
        Rows::Bytes(_) => Encoding::Bytes,
        Rows::Float(values) => {
            let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            // A quarter more, for values that the samples did not show.
            let mut range = f32::MIN_POSITIVE;
            while range < largest * 1.25 && range < f32::MAX / 4.0 {
                range *= 2.0;
            }
            Encoding::Quantised {
                signed: values.iter().any(|v| *v < 0.0),
                range,
            }
        }
    }
}

/// The encoding that serves the values of both.
fn wider(a: Encoding, b: Encoding) -> Encoding {
    match (a, b) {
        (
            Encoding::Quantised { signed, range },
            Encoding::Quantised {
                signed: s,
                range: r,
            },
        ) => Encoding::Quantised {
            signed: signed || s,
            range: range.max(r),
        },
        (a, _) => a,
    }
}

fn encode(rows: Rows, encoding: Encoding) -> Vec<u8> {
    match (rows, encoding) {
        (Rows::Bytes(bytes), Encoding::Bits) => bytes
            .iter()
            .flat_map(|byte| {
                (0..8)
                    .rev()
                    .map(move |bit| if byte >> bit & 1 == 1 { 255 } else { 0 })
            })
            .collect(),
        (Rows::Bytes(bytes), _) => bytes,
        (Rows::Float(values), Encoding::Quantised { signed, range }) => {
            let (low, width) = if signed {
                (-range, range * 2.0)
            } else {
                (0.0, range)
            };
            Descriptors::from_floats(1, &values, low, width)
                .map(Descriptors::into_bytes)
                .unwrap_or_default()
        }
        (Rows::Float(values), _) => values.iter().map(|v| v.round() as u8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squared(a: &[u8], b: &[u8]) -> u32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2))
            .sum()
    }

    #[test]
    fn bits_keep_the_hamming_distance() {
        let rows = [[0b1010_0001u8, 0xFF], [0b0010_0011, 0x0F]];
        let [a, b] = rows.map(|r| encode(Rows::Bytes(r.to_vec()), Encoding::Bits));
        let hamming: u32 = rows[0]
            .iter()
            .zip(&rows[1])
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        assert_eq!(squared(&a, &b), 255 * 255 * hamming);
    }

    #[test]
    fn one_scale_serves_all_values_and_is_a_power_of_two() {
        let local = ExtractedFeatures {
            keypoints: vec![],
            dimension: 2,
            rows: Rows::Float(vec![-0.3, 0.1]),
        };
        let encoding = encoding_of(&local, None);
        assert_eq!(
            encoding,
            Encoding::Quantised {
                signed: true,
                range: 0.5
            }
        );
        let bytes = encode(Rows::Float(vec![-0.5, 0.0, 0.5, 9.0, -9.0]), encoding);
        assert_eq!(bytes, [0, 128, 255, 255, 0]);
        assert_eq!(describe(encoding, 2), "kind=float;d=2;range=-0.5..0.5");
    }
}
