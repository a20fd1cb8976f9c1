//! From a file's bytes to everything that is stored or searched with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_vision::{Fault, Image, LocalExtractor, LocalFeatures};

use crate::engine::EngineOptions;
use crate::error::EngineError;
use resight_decode::{decode, fit_within};

/// A decoded picture with its features, in pixels of the upright full-size picture.
pub(crate) struct Described {
    pub(crate) image: Image,
    pub(crate) media_type: &'static str,
    pub(crate) features: LocalFeatures,
}

/// For how long an extractor that is busy or broken is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bounds of the time between two tries.
const BETWEEN: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

/// Decodes, scales down where larger than the options say, extracts, and maps the places back. With
/// `wait`, an extractor that cannot serve at present is asked again, until `wait` is set.
pub(crate) fn describe(
    bytes: &[u8],
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    wait: Option<&AtomicBool>,
) -> Result<Described, EngineError> {
    let decoded = decode(bytes, &options.decode)?;
    let features = describe_image(&decoded.image, options, extractor, wait)?;
    Ok(Described {
        image: decoded.image,
        media_type: decoded.media_type,
        features,
    })
}

/// The same from pixels; places are those of `image`.
pub(crate) fn describe_image(
    image: &Image,
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    wait: Option<&AtomicBool>,
) -> Result<LocalFeatures, EngineError> {
    let mut features = match fit_within(image, options.max_side) {
        Some(smaller) => {
            let mut features = extract(extractor, &smaller, wait)?;
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
        None => extract(extractor, image, wait)?,
    };
    features.truncate(options.max_features);
    Ok(features)
}

fn extract(
    extractor: &dyn LocalExtractor,
    image: &Image,
    wait: Option<&AtomicBool>,
) -> Result<LocalFeatures, EngineError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match extract_once(extractor, image) {
            Err(EngineError::Extract(error)) => error,
            other => return other,
        };
        match wait {
            Some(cancel) if error.fault == Fault::Passing && Instant::now() < until => {
                if cancel.load(Ordering::Relaxed) {
                    return Err(EngineError::Cancelled);
                }
                let [least, most] = BETWEEN;
                std::thread::sleep(error.retry_after.unwrap_or(most).clamp(least, most));
            }
            _ => return Err(error.into()),
        }
    }
}

/// An extractor may be somebody else's code: what it gives is checked, and its panic is an error.
fn extract_once(
    extractor: &dyn LocalExtractor,
    image: &Image,
) -> Result<LocalFeatures, EngineError> {
    let run = std::panic::AssertUnwindSafe(|| extractor.extract(image));
    let features = std::panic::catch_unwind(run)
        .map_err(|_| EngineError::Internal("the feature extractor panicked".into()))??;
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
