//! From a file's bytes to everything that is stored or searched with.

use resight_vision::{Image, LocalExtractor, LocalFeatures};

use crate::decode::{DecodeLimits, decode};
use crate::error::EngineError;
use crate::scale::fit_within;

/// A decoded picture with its features, in pixels of the upright full-size picture.
pub(crate) struct Described {
    pub(crate) image: Image,
    pub(crate) media_type: &'static str,
    pub(crate) features: LocalFeatures,
    pub(crate) decode_ms: f64,
    pub(crate) extract_ms: f64,
}

/// Decodes, scales down to `max_side` where larger, extracts, and maps the places back.
pub(crate) fn describe(
    bytes: &[u8],
    limits: &DecodeLimits,
    max_side: u32,
    extractor: &dyn LocalExtractor,
) -> Result<Described, EngineError> {
    let start = std::time::Instant::now();
    let decoded = decode(bytes, limits)?;
    let decode_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = std::time::Instant::now();
    let image = decoded.image;
    let features = match fit_within(&image, max_side) {
        Some(smaller) => {
            let mut features = extract(extractor, &smaller)?;
            let fx = image.width() as f32 / smaller.width() as f32;
            let fy = image.height() as f32 / smaller.height() as f32;
            for k in &mut features.keypoints {
                // Pixel centres are whole numbers, so the picture's edge lies at -1/2.
                k.x = (k.x + 0.5) * fx - 0.5;
                k.y = (k.y + 0.5) * fy - 0.5;
                k.scale *= (fx * fy).sqrt();
            }
            features
        }
        None => extract(extractor, &image)?,
    };
    Ok(Described {
        image,
        media_type: decoded.media_type,
        features,
        decode_ms,
        extract_ms: start.elapsed().as_secs_f64() * 1e3,
    })
}

/// An extractor may be somebody else's code: what it gives is checked, and its panic is an error.
fn extract(extractor: &dyn LocalExtractor, image: &Image) -> Result<LocalFeatures, EngineError> {
    let run = std::panic::AssertUnwindSafe(|| extractor.extract(image));
    let features = std::panic::catch_unwind(run)
        .map_err(|_| EngineError::Internal("the feature extractor panicked".into()))?
        .map_err(|e| EngineError::Internal(format!("the feature extractor failed: {e}")))?;
    let sound = features.len() == features.descriptors.len()
        && (features.is_empty() || features.descriptors.dimension() == extractor.dimension())
        && features
            .keypoints
            .iter()
            .all(|k| [k.x, k.y, k.scale, k.angle].iter().all(|v| v.is_finite()) && k.scale > 0.0);
    if !sound {
        return Err(EngineError::Internal(
            "the feature extractor gave keypoints and descriptors that do not fit together".into(),
        ));
    }
    Ok(features)
}
