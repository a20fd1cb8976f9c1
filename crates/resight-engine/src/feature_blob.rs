//! Local features encoded for another program: extracted in one place, searched with in another.
//!
//! Little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | `RSIGHTFT` |
//! | 8–9 | version: 1 |
//! | 10–11 | length *m* of the model's id |
//! | 12–15 | width of the picture in pixels |
//! | 16–19 | height of the picture in pixels |
//! | 20–35 | the first 16 bytes of BLAKE3 of everything else |
//! | *m* | the model's id, UTF-8 |
//! | rest | features as the catalogue stores them (`stored_features.rs`) |

use resight_vision::{LocalExtractor, LocalFeatures, ModelId};

use crate::describe::describe;
use crate::error::EngineError;
use crate::library::stored_features;
use crate::options::EngineOptions;

const MAGIC: &[u8; 8] = b"RSIGHTFT";
const VERSION: u16 = 1;
const HEADER: usize = 36;
/// The longest side that is accepted, in pixels.
const LONGEST_SIDE: u32 = 1 << 20;

/// The features of a picture file encoded as bytes to search with later ([`crate::Query::Features`]), and
/// their number. Any process with the same extractor can search with them. They are smaller than most
/// pictures, and do not show the picture.
pub fn features_blob(
    bytes: &[u8],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Result<(Vec<u8>, usize), EngineError> {
    let described = describe(bytes, options, extractor, None)?;
    let size = [described.image.width(), described.image.height()];
    let blob = write(&described.features, size, extractor.model())?;
    Ok((blob, described.features.len()))
}

/// Whether these bytes begin as a blob of features does.
pub fn is_features_blob(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(crate) fn write(
    features: &LocalFeatures,
    size: [u32; 2],
    model: &ModelId,
) -> Result<Vec<u8>, EngineError> {
    let model = model.as_str();
    let length = u16::try_from(model.len())
        .map_err(|_| EngineError::Internal("the model's name is too long".into()))?;
    let mut body = model.as_bytes().to_vec();
    body.extend_from_slice(&stored_features::to_bytes(features));
    let mut out = Vec::with_capacity(HEADER + body.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&size[0].to_le_bytes());
    out.extend_from_slice(&size[1].to_le_bytes());
    let hash = hash(&out, &body);
    out.extend_from_slice(&hash);
    out.extend_from_slice(&body);
    Ok(out)
}

fn hash(start: &[u8], body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(start).update(body);
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    first
}

/// The features in a blob, and their picture's width and height. Everything in it is checked: it may come
/// from anybody.
pub(crate) fn read(
    blob: &[u8],
    extractor: &dyn LocalExtractor,
) -> Result<(LocalFeatures, [u32; 2]), EngineError> {
    read_as(blob, extractor.model(), extractor.dimension())
}

pub(crate) fn read_as(
    blob: &[u8],
    current: &ModelId,
    dimension: usize,
) -> Result<(LocalFeatures, [u32; 2]), EngineError> {
    let bad = |detail: &str| EngineError::BadFeatures(detail.to_owned());
    let Some((header, body)) = blob.split_at_checked(HEADER) else {
        return Err(bad("they end too soon"));
    };
    let u16_at = |i: usize| u16::from_le_bytes([header[i], header[i + 1]]);
    let u32_at =
        |i: usize| u32::from_le_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
    if &header[..8] != MAGIC {
        return Err(bad("they do not begin as encoded features do"));
    }
    if u16_at(8) != VERSION {
        let detail = format!(
            "they are of version {}, and this program reads version {VERSION}",
            u16_at(8)
        );
        return Err(EngineError::BadFeatures(detail));
    }
    if header[20..36] != hash(&header[..20], body) {
        return Err(bad("they were damaged in transit"));
    }
    let (model, features) = body
        .split_at_checked(usize::from(u16_at(10)))
        .ok_or_else(|| bad("they end too soon"))?;
    if model != current.as_str().as_bytes() {
        return Err(EngineError::BadFeatures(format!(
            "they were made by {}, and these pictures were described by {current}",
            String::from_utf8_lossy(model)
        )));
    }
    let size = [u32_at(12), u32_at(16)];
    if !size.iter().all(|side| (1..=LONGEST_SIDE).contains(side)) {
        return Err(bad("the picture's size is impossible"));
    }
    let features =
        stored_features::from_bytes(features).ok_or_else(|| bad("they do not fit together"))?;
    let found = features.descriptors.dimension();
    if !features.is_empty() && found != dimension {
        return Err(EngineError::BadFeatures(format!(
            "a descriptor has {found} bytes, and those of {current} have {dimension}"
        )));
    }
    let sound = features.keypoints.iter().all(|k| {
        let numbers = [k.x, k.y, k.scale, k.angle];
        numbers.iter().all(|v| v.is_finite() && v.abs() < 1e7) && k.scale > 0.0
    });
    if !sound {
        return Err(bad("a keypoint lies at an impossible place"));
    }
    Ok((features, size))
}

#[cfg(test)]
mod tests {
    use resight_vision::{Descriptors, Keypoint};

    use super::*;

    fn example(x: f32) -> LocalFeatures {
        let keypoint = Keypoint {
            x,
            y: 4.0,
            scale: 2.0,
            angle: 0.5,
            response: 0.0,
        };
        LocalFeatures {
            keypoints: vec![keypoint],
            descriptors: Descriptors::from_bytes(2, vec![1, 2]).unwrap(),
        }
    }

    #[test]
    fn what_was_written_is_read_and_damage_is_detected() {
        let model = ModelId::new("a/1");
        let blob = write(&example(3.0), [40, 30], &model).unwrap();
        assert!(is_features_blob(&blob));
        assert_eq!(read_as(&blob, &model, 2).unwrap(), (example(3.0), [40, 30]));
        for cut in 0..blob.len() {
            assert!(read_as(&blob[..cut], &model, 2).is_err(), "{cut}");
        }
        for at in 0..blob.len() {
            let mut damaged = blob.clone();
            damaged[at] ^= 0x40;
            assert!(read_as(&damaged, &model, 2).is_err(), "{at}");
        }
        let other = read_as(&blob, &ModelId::new("b/1"), 2).unwrap_err();
        assert!(other.to_string().contains("a/1"), "{other}");
        let nowhere = write(&example(f32::NAN), [40, 30], &model).unwrap();
        assert!(read_as(&nowhere, &model, 2).is_err());
        let empty = write(&example(3.0), [0, 30], &model).unwrap();
        assert!(read_as(&empty, &model, 2).is_err());
        let long = read_as(&blob, &model, 3).unwrap_err();
        let wanted = "a descriptor has 2 bytes, and those of a/1 have 3";
        assert!(long.to_string().contains(wanted), "{long}");
        let none = write(&LocalFeatures::default(), [40, 30], &model).unwrap();
        assert!(read_as(&none, &model, 3).is_ok());
    }
}
