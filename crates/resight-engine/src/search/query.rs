//! The stage that turns queries into features: of a picture that was sent, a stored one, or features made
//! elsewhere; or of a region of these.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;

use resight_decode::{decode, fit_within};
use resight_store::PictureId;
use resight_vision::{Descriptors, Image, LocalFeatures};

use super::answer::{QueryFacts, Stopwatch, Timings};
use super::cancelling::go_on;
use super::request::{Query, QueryPicture};
use crate::describe::describe_image;
use crate::drawing::cropped;
use crate::error::EngineError;
use crate::feature_blob;
use crate::library::Library;
use crate::library::asked_pictures::AskedFeatures;
use crate::library::asked_words::AskedQuery;
use crate::library::files::THUMBNAIL;
use crate::library::plain::FEW_STORED;
use crate::library::visual_index::VisualIndex;
use crate::picture::id_of;

/// Stored features inside a region that are enough. With fewer, the region is described again if the
/// picture's file is there.
const ENOUGH_IN_REGION: usize = 300;
/// Margin around a region that is described, as a share of its longer side, so that features at its rim
/// are those of the whole picture…
const MARGIN: f64 = 0.1;
/// …and the least margin in pixels.
const LEAST_MARGIN: f64 = 16.0;

/// A query with its features, in pixels of its region.
pub(crate) struct ResolvedQuery {
    pub(crate) facts: QueryFacts,
    /// Key of a stored picture, which is not among its own results.
    pub(crate) key: Option<u64>,
    /// Key of the stored picture whose file has the bytes that were sent.
    pub(crate) same_bytes: Option<u64>,
    pub(crate) features: LocalFeatures,
    /// What the features are of, where the same query has the same ones each time.
    pub(crate) asked: Option<AskedQuery>,
    /// Width and height of the region.
    pub(crate) size: [u32; 2],
    /// Where the region lies in the picture.
    pub(crate) origin: [f64; 2],
    /// Pixels of the region, where a model needs them or features are few, and where they are at hand.
    pub(crate) image: Option<Image>,
    /// A small copy of the whole picture that was sent.
    pub(crate) small: Option<Image>,
}

impl ResolvedQuery {
    /// A small copy of the whole picture: of what was sent, or the stored thumbnail. `None` where neither is there.
    pub(crate) fn small_copy(&self, library: &Library) -> Option<Cow<'_, Image>> {
        let thumbnail = || library.stored_thumbnail_image(self.facts.id.as_ref()?);
        let sent = self.small.as_ref().map(Cow::Borrowed);
        sent.or_else(|| thumbnail().map(Cow::Owned))
    }
}

/// A picture at the size of a thumbnail.
pub(crate) fn small_copy(image: &Image) -> Cow<'_, Image> {
    fit_within(image, THUMBNAIL.0).map_or(Cow::Borrowed(image), Cow::Owned)
}

/// A picture's features before its region is cut out.
struct WholePicture {
    id: Option<PictureId>,
    key: Option<u64>,
    same_bytes: Option<u64>,
    features: LocalFeatures,
    asked: Option<AskedQuery>,
    size: [u32; 2],
    image: Option<Image>,
    small: Option<Image>,
}

/// Resolves queries against a library, with the vocabulary of one search.
pub(crate) struct QueryResolver<'a> {
    pub(crate) library: &'a Library,
    pub(crate) visual: &'a VisualIndex,
    /// Whether models need pixels.
    pub(crate) needs_pixels: bool,
    /// Ends the work when it is raised.
    pub(crate) cancel: Option<&'a AtomicBool>,
}

impl QueryResolver<'_> {
    /// The features of each query. Adds the time it took to `timings`.
    pub(crate) fn resolve_all(
        &self,
        queries: &[QueryPicture<'_>],
        timings: &mut Timings,
    ) -> Result<Vec<ResolvedQuery>, EngineError> {
        let resolved = queries.iter().map(|query| self.resolve(query, timings));
        resolved.collect()
    }

    /// The features of one query. Adds the time it took to `timings`.
    pub(crate) fn resolve(
        &self,
        query: &QueryPicture<'_>,
        timings: &mut Timings,
    ) -> Result<ResolvedQuery, EngineError> {
        go_on(self.cancel)?;
        let mut whole = match query.query {
            Query::Bytes(bytes) => self.described(bytes, query, timings)?,
            Query::Stored(id) => self.stored(id, query, timings)?,
            Query::Features(blob) => {
                let (features, size) = feature_blob::read(blob, self.library.extractor().as_ref())?;
                WholePicture {
                    id: None,
                    key: None,
                    same_bytes: None,
                    features,
                    asked: None,
                    size,
                    image: None,
                    small: None,
                }
            }
        };
        let region = query.region.map(|r| r.in_pixels(whole.size)).transpose()?;
        if let Some(rectangle) = region {
            whole.features = moved_inside(&whole.features, rectangle);
            whole.image = whole
                .image
                .and_then(|image| cropped(&image, rectangle.map(|v| v as u32)));
        }
        let mut features = whole.features;
        features.truncate(self.library.options().max_features);
        let [width, height] = whole.size;
        let [x, y, w, h] = region.unwrap_or([0.0, 0.0, width.into(), height.into()]);
        Ok(ResolvedQuery {
            facts: QueryFacts {
                id: whole.id,
                width,
                height,
                region,
                features: features.len(),
            },
            key: whole.key,
            same_bytes: whole.same_bytes,
            features,
            asked: whole.asked,
            size: [w.ceil() as u32, h.ceil() as u32],
            origin: [x, y],
            image: whole.image,
            small: whole.small,
        })
    }

    /// Describes a picture that was sent, or the region of it.
    fn described(
        &self,
        bytes: &[u8],
        query: &QueryPicture<'_>,
        timings: &mut Timings,
    ) -> Result<WholePicture, EngineError> {
        let mut watch = Stopwatch::start();
        let id = id_of(bytes);
        let same_bytes = self.library.catalogue().picture(&id)?;
        let same_bytes = same_bytes.map(|record| record.key);
        let asked = self.library.asked();
        let name = asked.name(id, query.region);
        let known = asked.get(&name);
        let is_repeatable = self.library.extractor().is_repeatable();
        let of_words = is_repeatable.then(|| AskedQuery {
            picture: name.1.clone(),
            is_stored: false,
        });
        let needs_pixels = |features: &LocalFeatures| self.needs_pixels || may_be_plain(features);
        if let Some(known) = known.as_ref().filter(|k| !needs_pixels(&k.features)) {
            return Ok(WholePicture {
                id: None,
                key: None,
                same_bytes,
                size: known.size,
                image: None,
                small: Some(known.small.clone()),
                features: known.features.clone(),
                asked: of_words,
            });
        }
        let image = decode(bytes, &self.library.options().decode)?.image;
        timings.decode_ms += watch.lap();
        go_on(self.cancel)?;
        let size = [image.width(), image.height()];
        let rectangle = query.region.map(|r| r.in_pixels(size)).transpose()?;
        let describe = || match (&known, rectangle) {
            (Some(known), _) => Ok(known.features.clone()),
            (None, Some(rectangle)) => self.described_region(&image, rectangle),
            (None, None) => self.described_image(&image),
        };
        let (features, small) = rayon::join(describe, || small_copy(&image).into_owned());
        let features = features?;
        timings.extract_ms += watch.lap();
        if known.is_none() && is_repeatable {
            let (features, small) = (features.clone(), small.clone());
            asked.keep(
                name,
                AskedFeatures {
                    features,
                    size,
                    small,
                },
            );
        }
        Ok(WholePicture {
            id: None,
            key: None,
            same_bytes,
            size,
            image: needs_pixels(&features).then_some(image),
            small: Some(small),
            features,
            asked: of_words,
        })
    }

    /// Reads the features of a stored picture.
    fn stored(
        &self,
        id: &PictureId,
        query: &QueryPicture<'_>,
        timings: &mut Timings,
    ) -> Result<WholePicture, EngineError> {
        let unknown = || EngineError::UnknownPicture(id.clone());
        let catalogue = self.library.catalogue();
        let record = catalogue.picture(id)?.ok_or_else(unknown)?;
        let stored = self.visual.features(catalogue, &[record.key])?;
        let Some(stored) = stored.into_iter().flatten().next() else {
            // Removed meanwhile.
            return Err(unknown());
        };
        let size = [record.width, record.height];
        // A region may be described by its file, which may be away the next time.
        let asked = query.region.is_none().then(|| AskedQuery {
            picture: self.library.asked().name(id.clone(), None).1,
            is_stored: true,
        });
        let (features, image) = match query.region {
            Some(region) => {
                let rectangle = region.in_pixels(size)?;
                let image = self.needs_pixels.then(|| self.library.image(id).ok());
                let features = self.stored_region(id, &stored.features, rectangle, timings);
                (features, image.flatten())
            }
            None => {
                let plain = may_be_plain(&stored.features);
                let image = plain.then(|| self.library.image_or_thumbnail(id)).flatten();
                (stored.features.clone(), image)
            }
        };
        Ok(WholePicture {
            id: Some(record.id),
            key: Some(record.key),
            same_bytes: None,
            features,
            asked,
            size,
            image,
            small: None,
        })
    }

    /// Features of a region of a stored picture. Where few of the stored ones lie inside and the file is
    /// there, the region is described alone: it is then neither scaled down with the rest nor outdone by
    /// it.
    fn stored_region(
        &self,
        id: &PictureId,
        stored: &LocalFeatures,
        rectangle: [f64; 4],
        timings: &mut Timings,
    ) -> LocalFeatures {
        let inside = selected(stored, |x, y| is_inside(rectangle, x, y));
        if inside.len() >= ENOUGH_IN_REGION {
            return inside;
        }
        let watch = Stopwatch::start();
        let image = self.library.image(id);
        let described = image.and_then(|image| self.described_region(&image, rectangle));
        timings.extract_ms += watch.elapsed();
        // Where the file is gone or the extractor is not there, the stored features remain.
        described
            .ok()
            .filter(|features| features.len() > inside.len())
            .unwrap_or(inside)
    }

    fn described_image(&self, image: &Image) -> Result<LocalFeatures, EngineError> {
        let extractor = &**self.library.extractor();
        describe_image(image, self.library.options(), extractor, None)
    }

    /// Describes a region with its margin, in pixels of the whole picture.
    fn described_region(
        &self,
        image: &Image,
        [x, y, w, h]: [f64; 4],
    ) -> Result<LocalFeatures, EngineError> {
        let margin = (MARGIN * w.max(h)).max(LEAST_MARGIN);
        let from = |v: f64| (v - margin).max(0.0).floor() as u32;
        let to = |v: f64, side: u32| ((v + margin).ceil() as u32).min(side);
        let (left, top) = (from(x), from(y));
        let (right, bottom) = (to(x + w, image.width()), to(y + h, image.height()));
        let part = cropped(image, [left, top, right - left, bottom - top])
            .ok_or_else(|| EngineError::Internal("a region lies outside its picture".into()))?;
        let mut features = self.described_image(&part)?;
        for keypoint in &mut features.keypoints {
            keypoint.x += left as f32;
            keypoint.y += top as f32;
        }
        Ok(features)
    }
}

/// Whether a picture's pixels may have to tell what its features cannot.
fn may_be_plain(features: &LocalFeatures) -> bool {
    features.len() < FEW_STORED as usize
}

/// Whether a place lies in a rectangle. Pixel centres are whole numbers, so a picture's edge lies at
/// -1/2.
fn is_inside([x, y, w, h]: [f64; 4], px: f32, py: f32) -> bool {
    let (px, py) = (f64::from(px) + 0.5, f64::from(py) + 0.5);
    (x..=x + w).contains(&px) && (y..=y + h).contains(&py)
}

/// Features inside a rectangle, in its own pixels.
fn moved_inside(features: &LocalFeatures, rectangle: [f64; 4]) -> LocalFeatures {
    let mut inside = selected(features, |x, y| is_inside(rectangle, x, y));
    for keypoint in &mut inside.keypoints {
        keypoint.x = (f64::from(keypoint.x) - rectangle[0]) as f32;
        keypoint.y = (f64::from(keypoint.y) - rectangle[1]) as f32;
    }
    inside
}

/// The features at places for which `keeps` is true.
fn selected(features: &LocalFeatures, keeps: impl Fn(f32, f32) -> bool) -> LocalFeatures {
    let mut bytes = Vec::new();
    let mut keypoints = Vec::new();
    for (keypoint, row) in features.keypoints.iter().zip(features.descriptors.iter()) {
        if keeps(keypoint.x, keypoint.y) {
            keypoints.push(*keypoint);
            bytes.extend_from_slice(row);
        }
    }
    LocalFeatures {
        keypoints,
        descriptors: Descriptors::from_bytes(features.descriptors.dimension(), bytes)
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use resight_vision::Keypoint;

    use super::*;

    #[test]
    fn a_part_of_a_picture() {
        let rgb: Vec<u8> = (0..4 * 3 * 3).collect();
        let image = Image::from_rgb(4, 3, rgb).unwrap();
        let part = cropped(&image, [1, 1, 2, 2]).unwrap();
        assert_eq!(part.rgb(), [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32]);
        assert_eq!(cropped(&image, [3, 0, 2, 1]), None);
        assert_eq!(cropped(&image, [0, 2, 1, 2]), None);
    }

    #[test]
    fn features_of_a_region_are_in_its_own_pixels() {
        let places = [(9.4, 20.0), (9.5, 20.0), (39.5, 59.5), (39.6, 59.5)];
        let keypoints = places.map(|(x, y)| Keypoint {
            x,
            y,
            scale: 1.0,
            angle: 0.0,
            response: 0.0,
        });
        let features = LocalFeatures {
            keypoints: keypoints.to_vec(),
            descriptors: Descriptors::from_bytes(1, vec![1, 2, 3, 4]).unwrap(),
        };
        let inside = moved_inside(&features, [10.0, 20.0, 30.0, 40.0]);
        let places: Vec<[f32; 2]> = inside.keypoints.iter().map(|k| [k.x, k.y]).collect();
        assert_eq!(places, [[-0.5, 0.0], [29.5, 39.5]]);
        assert_eq!(inside.descriptors.as_bytes(), [2, 3]);
    }
}
