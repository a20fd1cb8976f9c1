//! `extract` behind the trait of local extractors.

use std::sync::Arc;

use resight_vision::{Descriptors, ExtractError, Image, LocalExtractor, LocalFeatures, ModelId};

use crate::error::PluginError;
use crate::manifest::{DeclaredKind, Role};
use crate::plugin::Plugin;
use crate::role::{self, bad};
use crate::sample;
use crate::value::{Call, Local, Reply, Rows};

/// Bytes in a descriptor at most, bits counted as a byte each; distances stay far within 32 bits.
const MAX_DIMENSION: usize = 4096;

/// How an author's descriptors become the bytes that are stored and compared by squared distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// As they are.
    Bytes,
    /// Floats, each `-range..range` or `0..range` onto 0..255: distances keep their order up to
    /// rounding, as one scale serves all dimensions.
    Quantised {
        /// Whether there are negative values.
        signed: bool,
        /// A power of two, so that it does not hang on the last digits of the sample's values.
        range: f32,
    },
    /// Packed bits, one byte 0 or 255 for each: the squared distance is 255² times the Hamming
    /// distance.
    Bits,
}

/// A plug-in's `extract`. The kind of its descriptors, their length and the scale are fixed when
/// it is made, by the decorator or by what it gives for sample pictures, and name its model.
pub struct PythonLocalExtractor {
    plugin: Arc<Plugin>,
    function: String,
    model: ModelId,
    encoding: Encoding,
    /// Values in a row as the author gives it.
    given: usize,
}

impl PythonLocalExtractor {
    /// Asks the plug-in what its features are like. The plug-in has to be ready.
    pub fn new(plugin: Arc<Plugin>) -> Result<Self, PluginError> {
        let manifest = plugin.wait_ready(plugin.config().start_limit)?;
        let function = role::offered(&manifest, Role::Extract)?;
        let name = function.name.clone();
        let mut seen: Option<(Encoding, usize)> = None;
        for picture in sample::textured() {
            let Reply::Local(local) = plugin.call(Call::new(&*name).picture(&picture))? else {
                continue;
            };
            if local.keypoints.is_empty() {
                continue;
            }
            let new = (encoding_of(&local, function.kind), local.dimension);
            seen = Some(match seen {
                None => new,
                Some((_, dimension)) if dimension != new.1 => {
                    return Err(bad(
                        &name,
                        format!(
                            "{name} returned descriptors of dimension {dimension} for one picture and \
                         {} for another; expected the same D for all",
                            new.1
                        ),
                    ));
                }
                Some((old, dimension)) => (wider(old, new.0), dimension),
            });
        }
        let Some((encoding, given)) = seen else {
            return Err(bad(
                &name,
                format!(
                    "{name} found nothing on any sample picture, so its descriptors are unknown; it \
                 has to find features in pictures with texture"
                ),
            ));
        };
        if let Some(declared) = function.dimension.filter(|d| *d != given) {
            let detail = format!("{name} declares dimension {declared} and returned {given}");
            return Err(bad(&name, detail));
        }
        if function.kind == Some(DeclaredKind::Binary) && encoding != Encoding::Bits {
            let detail =
                format!("{name} declares kind \"binary\" and returned floats; expected uint8");
            return Err(bad(&name, detail));
        }
        let dimension = stored_dimension(encoding, given);
        if dimension > MAX_DIMENSION {
            let detail = format!(
                "{name} returned descriptors of {dimension} values; at most {MAX_DIMENSION} are taken"
            );
            return Err(bad(&name, detail));
        }
        let model = ModelId::new(format!(
            "{};{}",
            role::identity(&plugin, &manifest, &name),
            describe(encoding, given)
        ));
        Ok(Self {
            plugin,
            function: name,
            model,
            encoding,
            given,
        })
    }

    /// How descriptors are stored.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn run(&self, image: &Image) -> Result<LocalFeatures, PluginError> {
        role::unchanged(&self.plugin, &self.function, &self.model)?;
        let call = Call::new(&*self.function).picture(image);
        let Reply::Local(local) = self.plugin.call(call)? else {
            return Err(bad(&self.function, "no local features came".into()));
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
            return Err(bad(
                &self.function,
                format!(
                    "{} returned descriptors of dimension {}, dtype {kind}; its model is {}",
                    self.function, local.dimension, self.model
                ),
            ));
        }
        let bytes = encode(local.rows, self.encoding);
        let descriptors = Descriptors::from_bytes(self.dimension(), bytes)
            .ok_or_else(|| bad(&self.function, "descriptors of no length".into()))?;
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
        // The trait promises the order; an author need not.
        features.sort_strongest_first();
        Ok(features)
    }
}

/// Bytes in a descriptor as it is stored.
fn stored_dimension(encoding: Encoding, given: usize) -> usize {
    match encoding {
        Encoding::Bits => given * 8,
        Encoding::Bytes | Encoding::Quantised { .. } => given,
    }
}

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

fn encoding_of(local: &Local, declared: Option<DeclaredKind>) -> Encoding {
    match &local.rows {
        Rows::Bytes(_) if declared == Some(DeclaredKind::Binary) => Encoding::Bits,
        Rows::Bytes(_) => Encoding::Bytes,
        Rows::Float(values) => {
            let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            // A quarter of room for what the samples did not show.
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
        let local = Local {
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
