//! What is searched for: a picture sent, held or described already, or a region of one.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use resight_store::PictureId;
use resight_vision::{Descriptors, Image, LocalFeatures};

use crate::describe::describe_image;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::feature_blob;
use crate::search::{Timings, milliseconds};
use crate::stored_features::StoredFeatures;
use crate::visual::Visual;
use resight_decode::decode;

/// Pictures of one search at most.
pub const MOST_QUERIES: usize = 10;

/// Stored features in a region that are enough: with fewer it is described anew, if its file is there.
const ENOUGH_IN_REGION: usize = 300;
/// A region is described with this share of its longer side around it, so that what lies at its rim
/// is seen as it was in the whole picture…
const MARGIN: f64 = 0.1;
/// …and at least this many pixels.
const LEAST_MARGIN: f64 = 16.0;
/// The shortest side of a region in pixels.
const LEAST_SIDE: f64 = 8.0;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// The bytes of a picture file.
    Bytes(&'a [u8]),
    /// A picture held; it is left out of its own results.
    Stored(&'a PictureId),
    /// Features that [`Engine::features_blob`] gave, here or in another process.
    Features(&'a [u8]),
}

/// A query, or a region of it.
#[derive(Clone, Copy, Debug)]
pub struct QueryPicture<'a> {
    /// Which.
    pub query: Query<'a>,
    /// Only what is inside counts; `None` for all of it.
    pub region: Option<Region>,
}

impl<'a> From<Query<'a>> for QueryPicture<'a> {
    fn from(query: Query<'a>) -> Self {
        Self {
            query,
            region: None,
        }
    }
}

/// A rectangle of a picture, upright: x, y, width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Region {
    /// In pixels of the picture.
    Pixels([f64; 4]),
    /// In hundredths of the picture's width and height.
    Percent([f64; 4]),
}

/// The forms of IIIF Image API 3.0, §4.1: `x,y,w,h` and `pct:x,y,w,h`, with decimals.
impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (is_percent, numbers) = match text.strip_prefix("pct:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let parsed: Vec<f64> = numbers.split(',').flat_map(str::parse).collect();
        let sound =
            |v: &[f64; 4]| v.iter().all(|v| v.is_finite() && *v >= 0.0) && v[2] > 0.0 && v[3] > 0.0;
        match <[f64; 4]>::try_from(parsed) {
            Ok(v) if sound(&v) && numbers.split(',').count() == 4 => Ok(match is_percent {
                true => Self::Percent(v),
                false => Self::Pixels(v),
            }),
            _ => Err(format!(
                "must be x,y,width,height in pixels or pct:x,y,width,height in percent, of an area above 0; it is {text:?}"
            )),
        }
    }
}

impl Region {
    /// In pixels of a picture of this size, cut to it: left, top, width, height.
    fn in_pixels(self, [width, height]: [u32; 2]) -> Result<[f64; 4], EngineError> {
        let (w, h) = (f64::from(width), f64::from(height));
        let [x, y, rw, rh] = match self {
            Self::Pixels(v) => v,
            Self::Percent([x, y, rw, rh]) => [x * w, y * h, rw * w, rh * h].map(|v| v / 100.0),
        };
        let (right, bottom) = ((x + rw).min(w), (y + rh).min(h));
        let cut = [x, y, right - x, bottom - y];
        if cut[2] < LEAST_SIDE || cut[3] < LEAST_SIDE {
            return Err(EngineError::BadQuery(format!(
                "the region covers less than {LEAST_SIDE} × {LEAST_SIDE} pixels of the picture, which has {width} × {height}"
            )));
        }
        Ok(cut)
    }
}

/// The facts of one picture of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryFacts {
    /// The picture held that was searched for; `None` for what was sent.
    pub id: Option<PictureId>,
    /// Width of the whole picture in pixels.
    pub width: u32,
    /// Height of the whole picture in pixels.
    pub height: u32,
    /// Left, top, width and height of what counted, in pixels; `None` for all of it.
    pub region: Option<[f64; 4]>,
    /// Features that were searched by.
    pub features: usize,
}

/// A query with its features, in pixels of its region.
pub(crate) struct Resolved {
    pub(crate) facts: QueryFacts,
    /// Of a picture held, to leave it out of its own results.
    pub(crate) key: Option<u64>,
    pub(crate) features: LocalFeatures,
    /// Width and height of the region.
    pub(crate) size: [u32; 2],
    /// Where the region lies in the picture.
    pub(crate) origin: [f64; 2],
    /// The pixels of what counts, where they were asked for and are at hand.
    pub(crate) image: Option<Image>,
}

impl Engine {
    /// The features of one query, and with `pixels` what it looks like; adds to `timings` what it took.
    pub(crate) fn resolve(
        &self,
        asked: &QueryPicture<'_>,
        pixels: bool,
        visual: &Visual,
        timings: &mut Timings,
    ) -> Result<Resolved, EngineError> {
        let (mut id, mut key, mut seen) = (None, None, None);
        let (features, size) = match asked.query {
            Query::Bytes(bytes) => {
                let start = Instant::now();
                let image = decode(bytes, &self.options.decode)?.image;
                timings.decode_ms += milliseconds(start);
                let start = Instant::now();
                let size = [image.width(), image.height()];
                let features = match asked.region {
                    Some(region) => self.described_region(&image, region.in_pixels(size)?)?,
                    None => describe_image(&image, &self.options, &*self.parts.extractor, None)?,
                };
                timings.extract_ms += milliseconds(start);
                seen = pixels.then_some(image);
                (features, size)
            }
            Query::Stored(wanted) => {
                let unknown = || EngineError::UnknownPicture(wanted.clone());
                let record = self.parts.catalogue.picture(wanted)?.ok_or_else(unknown)?;
                let stored = self.fetch(visual, &[record.key])?;
                let stored: Option<Arc<StoredFeatures>> = stored.into_iter().flatten().next();
                let stored = match stored {
                    Some(stored) => stored,
                    // Removed meanwhile, or still there and of no use.
                    None if self.parts.catalogue.picture(wanted)?.is_none() => {
                        return Err(unknown());
                    }
                    None => {
                        let what =
                            format!("the stored features of the picture {wanted} are damaged");
                        return Err(EngineError::Internal(what));
                    }
                };
                let size = [record.width, record.height];
                id = Some(record.id);
                key = Some(record.key);
                let features = match asked.region {
                    Some(region) => {
                        let rectangle = region.in_pixels(size)?;
                        if pixels {
                            seen = self.image_of(wanted).ok();
                        }
                        self.stored_region(wanted, &stored.features, rectangle, timings)
                    }
                    None => stored.features.clone(),
                };
                (features, size)
            }
            Query::Features(blob) => feature_blob::read(blob, self.model())?,
        };
        let region = asked.region.map(|r| r.in_pixels(size)).transpose()?;
        let mut features = match region {
            Some(rectangle) => moved_inside(features, rectangle),
            None => features,
        };
        features.truncate(self.options.max_features);
        let [x, y, w, h] = region.unwrap_or([0.0, 0.0, size[0].into(), size[1].into()]);
        let whole = region.is_none();
        let image = seen.and_then(|image| match whole {
            true => Some(image),
            false => cropped(&image, [x, y, w, h].map(|v| v as u32)),
        });
        Ok(Resolved {
            facts: QueryFacts {
                id,
                width: size[0],
                height: size[1],
                region,
                features: features.len(),
            },
            key,
            features,
            size: [w.ceil() as u32, h.ceil() as u32],
            origin: [x, y],
            image,
        })
    }

    /// Features of a region of a picture held: those stored, or, where these are few and the file is
    /// there, found anew in the region alone, which is then neither scaled down with the rest nor
    /// outdone by it.
    fn stored_region(
        &self,
        id: &PictureId,
        stored: &LocalFeatures,
        rectangle: [f64; 4],
        timings: &mut Timings,
    ) -> LocalFeatures {
        let inside = chosen(stored, |x, y| is_inside(rectangle, x, y));
        if inside.len() >= ENOUGH_IN_REGION {
            return inside;
        }
        let start = Instant::now();
        let image = self.image_of(id);
        let anew = image.and_then(|image| self.described_region(&image, rectangle));
        timings.extract_ms += milliseconds(start);
        // A file that is gone, or an extractor that is not there, leaves what is stored.
        anew.ok()
            .filter(|f| f.len() > inside.len())
            .unwrap_or(inside)
    }

    fn image_of(&self, id: &PictureId) -> Result<Image, EngineError> {
        let file = self.file(id)?;
        Ok(decode(&file.bytes, &self.options.decode)?.image)
    }

    /// Describes a region with its surroundings; places are those of the whole picture.
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
        let mut features = describe_image(&part, &self.options, &*self.parts.extractor, None)?;
        for k in &mut features.keypoints {
            k.x += left as f32;
            k.y += top as f32;
        }
        Ok(features)
    }
}

/// A part of a picture: left, top, width, height; `None` where it does not lie inside.
fn cropped(image: &Image, [left, top, width, height]: [u32; 4]) -> Option<Image> {
    let row = 3 * image.width() as usize;
    let (from, bytes) = (3 * left as usize, 3 * width as usize);
    let rows = image.rgb().chunks_exact(row).skip(top as usize);
    let mut rgb = Vec::with_capacity(bytes * height as usize);
    for pixels in rows.take(height as usize) {
        rgb.extend_from_slice(pixels.get(from..from + bytes)?);
    }
    Image::from_rgb(width, height, rgb)
}

/// Pixel centres are whole numbers, so a picture's edge lies at -1/2.
fn is_inside([x, y, w, h]: [f64; 4], px: f32, py: f32) -> bool {
    let (px, py) = (f64::from(px) + 0.5, f64::from(py) + 0.5);
    (x..=x + w).contains(&px) && (y..=y + h).contains(&py)
}

/// Features inside a rectangle, in its own pixels.
fn moved_inside(features: LocalFeatures, rectangle: [f64; 4]) -> LocalFeatures {
    let mut inside = chosen(&features, |x, y| is_inside(rectangle, x, y));
    for k in &mut inside.keypoints {
        k.x = (f64::from(k.x) - rectangle[0]) as f32;
        k.y = (f64::from(k.y) - rectangle[1]) as f32;
    }
    inside
}

/// The features whose places are wanted.
fn chosen(features: &LocalFeatures, wanted: impl Fn(f32, f32) -> bool) -> LocalFeatures {
    let mut bytes = Vec::new();
    let mut keypoints = Vec::new();
    for (k, row) in features.keypoints.iter().zip(features.descriptors.iter()) {
        if wanted(k.x, k.y) {
            keypoints.push(*k);
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
    use super::*;

    #[test]
    fn regions_are_read_in_both_forms() {
        for (text, read) in [
            ("1,2,30,40", Region::Pixels([1.0, 2.0, 30.0, 40.0])),
            ("0,0,8.5,9", Region::Pixels([0.0, 0.0, 8.5, 9.0])),
            (
                "pct:10,0,50.5,100",
                Region::Percent([10.0, 0.0, 50.5, 100.0]),
            ),
        ] {
            assert_eq!(text.parse(), Ok(read), "{text}");
        }
        for bad in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "1,2,0,4",
            "-1,2,3,4",
            "a,b,c,d",
            "1,2,3,inf",
            "pct:1,2,3",
            "1,2,3,4,x",
            "full",
        ] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_cut_to_the_picture() {
        let pixels = |region: &str, size| {
            let region: Region = region.parse().unwrap();
            region.in_pixels(size).ok()
        };
        assert_eq!(
            pixels("10,20,300,30", [100, 80]),
            Some([10.0, 20.0, 90.0, 30.0])
        );
        assert_eq!(
            pixels("pct:25,50,50,50", [200, 100]),
            Some([50.0, 50.0, 100.0, 50.0])
        );
        assert_eq!(pixels("95,0,50,50", [100, 80]), None, "5 pixels wide");
        assert_eq!(pixels("500,0,50,50", [100, 80]), None);
    }

    #[test]
    fn a_part_of_a_picture() {
        let rgb: Vec<u8> = (0..4 * 3 * 3).collect();
        let image = Image::from_rgb(4, 3, rgb).unwrap();
        let part = cropped(&image, [1, 1, 2, 2]).unwrap();
        assert_eq!(part.rgb(), [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32]);
        assert_eq!(cropped(&image, [3, 0, 2, 1]), None);
        assert_eq!(cropped(&image, [0, 2, 1, 2]), None);
    }
}
