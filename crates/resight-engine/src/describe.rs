//! From a file's bytes to a decoded picture with its local features.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_decode::{decode, enlarge, fit_within};
use resight_vision::{Fault, Image, LocalExtractor, LocalFeatures};

use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::sheet;

/// A decoded picture with its features in pixels of the upright full-size picture.
pub(crate) struct Described {
    pub(crate) image: Image,
    pub(crate) media_type: &'static str,
    /// Pages or frames of the file, of which `image` is the first.
    pub(crate) pages: u32,
    /// Bits a sample of the file.
    pub(crate) depth: u8,
    pub(crate) features: LocalFeatures,
}

/// A picture with fewer features than this is described once more.
const FEW_FEATURES: usize = 150;
/// A picture whose longer side has at most so many pixels is described at twice its size…
const SMALL: u32 = 256;
/// …and at four times its size with at most so many.
const SMALLEST: u32 = 128;
/// Largest difference in levels of two neighbours that count as equal…
const EVEN_STEP: u8 = 2;
/// …and the share of equal neighbours from which on a picture is flat.
const FLAT_SHARE: f64 = 0.6;
/// Tones that are stretched to the full range, at least: fewer are mostly noise.
const LEAST_SPAN: usize = 16;

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
        pages: decoded.pages,
        depth: decoded.depth,
        features,
    })
}

/// Scales a picture down to [`EngineOptions::max_side`], extracts its features, and maps their places
/// back to `image`. With an extractor that has a sensitive form, small pictures are enlarged before, and
/// those with few features are described once more: faint ones with their range of tones stretched, small
/// ones by that form. A sheet of many pictures gets as many more features where the extractor can.
///
/// With `retry`, an extractor that cannot serve at present is asked again, for two minutes or until
/// `retry` is set.
pub(crate) fn describe_image(
    image: &Image,
    options: &EngineOptions,
    extractor: &dyn LocalExtractor,
    retry: Option<&AtomicBool>,
) -> Result<LocalFeatures, EngineError> {
    let sensitive = extractor.sensitive();
    let factor = enlargement(image).filter(|_| sensitive.is_some() && !is_flat(image));
    let scaled = factor.and_then(|factor| enlarge(image, factor));
    let scaled = scaled.or_else(|| fit_within(image, options.max_side));
    let described = scaled.as_ref().unwrap_or(image);
    let spread = sheet::times_features(described).and_then(|times| extractor.spread(times));
    let mut features = extract(spread.as_deref().unwrap_or(extractor), described, retry)?;
    if let Some(sensitive) = sensitive.filter(|_| features.len() < FEW_FEATURES) {
        let faint = match stretched(described) {
            Some(stretched) => extract(extractor, &stretched, retry)?,
            None if factor.is_some() => extract(&*sensitive, described, retry)?,
            None => LocalFeatures::default(),
        };
        if faint.len() > features.len() {
            features = faint;
        }
    }
    if scaled.is_some() {
        let fx = image.width() as f32 / described.width() as f32;
        let fy = image.height() as f32 / described.height() as f32;
        for k in &mut features.keypoints {
            // Pixel centres are whole numbers, so the picture's edge lies at -1/2.
            k.x = (k.x + 0.5) * fx - 0.5;
            k.y = (k.y + 0.5) * fy - 0.5;
            k.scale *= (fx * fy).sqrt();
        }
    }
    features.truncate(options.max_features);
    Ok(features)
}

/// Whether most neighbours in a row are equal, as in logos and drawings. Enlarged, or with a low threshold,
/// SIFT finds many keypoints along their edges, and those of two circles match, whatever is in them.
fn is_flat(image: &Image) -> bool {
    let gray = image.to_gray();
    let rows = gray.pixels().chunks_exact(gray.width().max(1));
    let pairs = rows.flat_map(|row| row.windows(2).map(|w| w[0].abs_diff(w[1])));
    let (even, all) = pairs.fold((0, 0), |(even, all), step| {
        (even + usize::from(step <= EVEN_STEP), all + 1)
    });
    even as f64 > FLAT_SHARE * all as f64
}

/// By how much a small picture is enlarged before it is described; `None` for one that is not small.
fn enlargement(image: &Image) -> Option<u32> {
    let long = image.width().max(image.height());
    if long <= SMALLEST {
        Some(4)
    } else {
        (long <= SMALL).then_some(2)
    }
}

/// `image` with its tones from the darkest to the lightest hundredth stretched to the full range; `None`
/// where they span half of it already.
fn stretched(image: &Image) -> Option<Image> {
    let gray = image.to_gray();
    let mut histogram = [0usize; 256];
    for &value in gray.pixels() {
        histogram[usize::from(value)] += 1;
    }
    let rank = gray.pixels().len() / 100;
    let (mut low, mut below) = (0, histogram[0]);
    while below <= rank && low < 255 {
        low += 1;
        below += histogram[low];
    }
    let (mut high, mut above) = (255, histogram[255]);
    while above <= rank && high > 0 {
        high -= 1;
        above += histogram[high];
    }
    let span = high.saturating_sub(low).max(LEAST_SPAN) as i32;
    if span >= 128 {
        return None;
    }
    let tone = |value: u8| ((i32::from(value) - low as i32) * 255 / span).clamp(0, 255) as u8;
    let tones: Vec<u8> = (0..=255).map(tone).collect();
    let rgb = image.rgb().iter().map(|&value| tones[usize::from(value)]);
    Image::from_rgb(image.width(), image.height(), rgb.collect())
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
