//! From a file's bytes to a decoded picture with its local features.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_decode::{decode, fit_within};
use resight_vision::{Fault, Image, LocalExtractor, LocalFeatures};

use crate::error::EngineError;
use crate::options::EngineOptions;

/// A decoded picture with its features in pixels of the upright full-size picture.
pub(crate) struct Described {
    pub(crate) image: Image,
    pub(crate) media_type: &'static str,
    pub(crate) features: LocalFeatures,
}

/// Time after which an extractor that cannot serve is given up.
const RETRY_TIME: Duration = Duration::from_secs(120);
/// Shortest and longest pause between two tries.
const PAUSE: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

/// Decodes a file and describes it as [`describe_image`] does.
pub(crate) fn describe(
    bytes: &[u8],
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    retry: Option<&AtomicBool>,
) -> Result<Described, EngineError> {
    let decoded = decode(bytes, &options.decode)?;
    let features = describe_image(&decoded.image, options, extractor, retry)?;
    Ok(Described {
        image: decoded.image,
        media_type: decoded.media_type,
        features,
    })
}

/// Scales a picture down to [`EngineOptions::max_side`], extracts its features, and maps their places
/// back to `image`. With `retry`, an extractor that cannot serve at present is asked again, for two
/// minutes or until `retry` is set.
pub(crate) fn describe_image(
    image: &Image,
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    retry: Option<&AtomicBool>,
) -> Result<LocalFeatures, EngineError> {
    let mut features = match fit_within(image, options.max_side) {
        Some(smaller) => {
            let mut features = extract(extractor, &smaller, retry)?;
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
        None => extract(extractor, image, retry)?,
    };
    features.truncate(options.max_features);
    Ok(features)
}

fn extract(
    extractor: &dyn LocalExtractor,
    image: &Image,
    retry: Option<&AtomicBool>,
) -> Result<LocalFeatures, EngineError> {
    let until = Instant::now() + RETRY_TIME;
    loop {
        let error = match extract_once(extractor, image) {
            Err(EngineError::Extract(error)) => error,
            other => return other,
        };
        match retry {
            Some(cancel) if error.fault == Fault::Passing && Instant::now() < until => {
                if cancel.load(Ordering::Relaxed) {
                    return Err(EngineError::Cancelled);
                }
                let [least, most] = PAUSE;
                std::thread::sleep(error.retry_after.unwrap_or(most).clamp(least, most));
            }
            _ => return Err(error.into()),
        }
    }
}

/// An extractor may be foreign code: its features are checked, and its panic is an error.
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

/// The local features of a picture file, as they would be stored or searched by, and the picture's width
/// and height in pixels.
pub fn local_features(
    bytes: &[u8],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Result<(LocalFeatures, [u32; 2]), EngineError> {
    let described = describe(bytes, options, extractor, None)?;
    let size = [described.image.width(), described.image.height()];
    Ok((described.features, size))
}
