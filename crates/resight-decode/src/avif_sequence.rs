//! Sequences in AVIF: the frames of a track (ISO/IEC 14496-12), each made of those before it.

use std::ops::Range;

use image::metadata::Orientation;
use re_rav1d::dav1d::Picture;
use resight_vision::Image;

use crate::av1::Frames;
use crate::bmff::{Nclx, Reader, find, full_box, nclx_of};
use crate::limits::DecodeLimits;
use crate::page::{Images, Page};
use crate::pages::most_frames;
use crate::refused::{Refused, RefusedCode};
use crate::upright::upright;
use crate::yuv;

/// Memory of a frame: as of a picture, and the eight frames that a decoder may keep to make others of.
const BYTES_A_PIXEL: u64 = 18 + 8 * 6;
/// Frames whose places are read at most: those of the smallest size that are gone through.
const MOST_FRAMES: usize = 1 << 17;
/// What precedes the boxes of a visual sample entry, and where its width is.
const ENTRY_HEAD: usize = 78;
const ENTRY_WIDTH: usize = 24;

/// The track of pictures.
struct Track {
    /// Where the frames lie in the file, with their times in milliseconds.
    samples: Vec<(Range<usize>, u64)>,
    announced: (u32, u32),
    nclx: Option<Nclx>,
    turned: Orientation,
}

/// The frames of a sequence, one after another.
pub(crate) fn pages<'a>(file: &'a [u8], limits: &'a DecodeLimits) -> Result<Images<'a>, Refused> {
    let track = track(file).ok_or_else(|| Refused::not_supported("this AVIF has no sequence"))?;
    let (width, height) = track.announced;
    limits.check_size(width, height)?;
    Ok(Box::new(Sequence {
        file,
        needed: u64::from(width) * u64::from(height) * BYTES_A_PIXEL + (1 << 20),
        left: most_frames(width, height),
        decoder: Frames::new(limits)?,
        track,
        next: 0,
        limits,
    }))
}

/// The first frame of a file that has a sequence alone, and the bits a sample.
pub(crate) fn first(file: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let track = track(file)
        .ok_or_else(|| Refused::not_supported("this AVIF holds neither a picture nor frames"))?;
    let (width, height) = track.announced;
    limits.check_size(width, height)?;
    let needed = u64::from(width) * u64::from(height) * BYTES_A_PIXEL + (1 << 20);
    let _share = limits.memory.take(needed)?;
    let (place, _) = track.samples.first().ok_or_else(ends_early)?;
    let bytes = file.get(place.clone()).ok_or_else(ends_early)?;
    let frame = Frames::new(limits)?.next(bytes.to_vec())?;
    let depth = u8::try_from(frame.bit_depth()).unwrap_or(u8::MAX);
    Ok((shown(frame, &track, limits)?, depth))
}

struct Sequence<'a> {
    file: &'a [u8],
    track: Track,
    decoder: Frames,
    /// Number of the next frame, from 0.
    next: usize,
    /// Frames that may still be read.
    left: u32,
    needed: u64,
    limits: &'a DecodeLimits,
}

impl Sequence<'_> {
    fn read(&mut self, skipped: usize) -> Result<Option<Page>, Refused> {
        // Returned with the frame, as of other animations.
        let _share = self.limits.memory.take(self.needed)?;
        for _ in 0..skipped {
            if self.frame()?.is_none() {
                return Ok(None);
            }
        }
        let Some((frame, time_ms)) = self.frame()? else {
            return Ok(None);
        };
        let image = shown(frame, &self.track, self.limits)?;
        Ok(Some(Page {
            image,
            time_ms: Some(time_ms),
        }))
    }

    fn frame(&mut self) -> Result<Option<(Picture, u64)>, Refused> {
        let Some((place, time_ms)) = self.track.samples.get(self.next) else {
            return Ok(None);
        };
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let detail = "the animation has more frames of its size than are read";
            Refused::new(RefusedCode::TooManyPixels, detail)
        })?;
        self.next += 1;
        let bytes = self.file.get(place.clone()).ok_or_else(ends_early)?;
        Ok(Some((self.decoder.next(bytes.to_vec())?, *time_ms)))
    }
}

impl Iterator for Sequence<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        self.read(skipped).transpose()
    }
}

fn shown(frame: Picture, track: &Track, limits: &DecodeLimits) -> Result<Image, Refused> {
    let (width, height) = (frame.width(), frame.height());
    // The container may announce another size than the coded frames have.
    limits.check_size(width, height)?;
    let rgb = yuv::to_rgb(&frame, track.nclx);
    drop(frame);
    upright(width, height, rgb, &[track.turned])
}

fn ends_early() -> Refused {
    Refused::broken("the AVIF data ends early")
}

/// The track of pictures with the most frames; transparency and thumbnails have tracks of other kinds.
fn track(file: &[u8]) -> Option<Track> {
    let mut moov = Reader(find(file, b"moov")?);
    let tracks = std::iter::from_fn(|| moov.next_box()).filter(|(kind, _)| kind == b"trak");
    let read = tracks.filter_map(|(_, trak)| track_of(trak, file.len()));
    read.max_by_key(|track| track.samples.len())
}

fn track_of(trak: &[u8], file_length: usize) -> Option<Track> {
    let mdia = find(trak, b"mdia")?;
    let (_, mut hdlr) = full_box(mdia, b"hdlr").ok()?;
    hdlr.take(4).ok()?;
    if !matches!(hdlr.take(4).ok()?, b"pict" | b"vide") {
        return None;
    }
    let stbl = find(find(mdia, b"minf")?, b"stbl")?;
    let (_, mut stsd) = full_box(stbl, b"stsd").ok()?;
    stsd.number(4).ok()?;
    let (kind, entry) = stsd.next_box()?;
    if kind != *b"av01" {
        return None;
    }
    let mut size = Reader(entry.get(ENTRY_WIDTH..)?);
    let announced = (size.number(2).ok()? as u32, size.number(2).ok()? as u32);
    let colours = entry.get(ENTRY_HEAD..).and_then(|rest| find(rest, b"colr"));
    let places = places(stbl, file_length)?;
    let times = times(mdia, stbl, places.len()).unwrap_or_default();
    let times = times.into_iter().chain(std::iter::repeat(0));
    Some(Track {
        samples: places.into_iter().zip(times).collect(),
        announced,
        nclx: colours.and_then(nclx_of),
        turned: turned(trak),
    })
}

/// Where the samples lie: chunks of them by their offsets, and each by its length.
fn places(stbl: &[u8], file_length: usize) -> Option<Vec<Range<usize>>> {
    let (_, mut stsz) = full_box(stbl, b"stsz").ok()?;
    let of_each = usize::try_from(stsz.number(4).ok()?).ok()?;
    let count = usize::try_from(stsz.number(4).ok()?).ok()?;
    let count = count.min(MOST_FRAMES).min(file_length);
    let (mut offsets, width) = match full_box(stbl, b"stco") {
        Ok((_, offsets)) => (offsets, 4),
        Err(_) => (full_box(stbl, b"co64").ok()?.1, 8),
    };
    offsets.number(4).ok()?;
    let (_, mut stsc) = full_box(stbl, b"stsc").ok()?;
    stsc.number(4).ok()?;
    let run = |stsc: &mut Reader<'_>| {
        let first = stsc.number(4).ok()?;
        let samples = stsc.number(4).ok()?;
        stsc.number(4).ok()?;
        Some((first, samples))
    };
    let (_, mut samples) = run(&mut stsc)?;
    let mut following = run(&mut stsc);
    let mut places = Vec::new();
    let mut chunk = 1;
    while places.len() < count {
        if let Some((first, of_run)) = following
            && chunk >= first
        {
            samples = of_run;
            following = run(&mut stsc);
        }
        // Of a damaged table those that are there count.
        let Ok(offset) = offsets.number(width) else {
            break;
        };
        let mut at = usize::try_from(offset).ok()?;
        for _ in 0..samples {
            if places.len() >= count {
                break;
            }
            let length = match of_each {
                0 => usize::try_from(stsz.number(4).ok()?).ok()?,
                length => length,
            };
            let end = at.checked_add(length)?;
            places.push(at..end);
            at = end;
        }
        chunk += 1;
    }
    Some(places)
}

/// When the samples begin, in milliseconds.
fn times(mdia: &[u8], stbl: &[u8], count: usize) -> Option<Vec<u64>> {
    let (version, mut mdhd) = full_box(mdia, b"mdhd").ok()?;
    mdhd.take(if version == 1 { 16 } else { 8 }).ok()?;
    let a_second = mdhd.number(4).ok()?.max(1);
    let (_, mut stts) = full_box(stbl, b"stts").ok()?;
    let runs = stts.number(4).ok()?;
    let (mut times, mut at) = (Vec::new(), 0_u64);
    for _ in 0..runs {
        let (samples, length) = (stts.number(4).ok()?, stts.number(4).ok()?);
        for _ in 0..samples {
            if times.len() >= count {
                return Some(times);
            }
            times.push(at.saturating_mul(1000) / a_second);
            at = at.saturating_add(length);
        }
    }
    Some(times)
}

/// How the track's matrix turns its frames: quarter turns alone are known.
fn turned(trak: &[u8]) -> Orientation {
    let matrix = || {
        let (version, mut tkhd) = full_box(trak, b"tkhd").ok()?;
        tkhd.take(if version == 1 { 32 } else { 20 }).ok()?;
        tkhd.take(16).ok()?;
        let mut numbers = [0; 5];
        for number in &mut numbers {
            *number = tkhd.number(4).ok()? as u32 as i32;
        }
        let [a, b, _, c, d] = numbers.map(i32::signum);
        Some([a, b, c, d])
    };
    match matrix() {
        Some([0, 1, -1, 0]) => Orientation::Rotate90,
        Some([-1, 0, 0, -1]) => Orientation::Rotate180,
        Some([0, -1, 1, 0]) => Orientation::Rotate270,
        _ => Orientation::NoTransforms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = include_bytes!("../tests/pictures/files/sequence.avif");

    #[test]
    fn places_and_times_are_those_of_the_track() {
        let track = track(WHOLE).unwrap();
        assert_eq!(
            (track.announced, track.turned),
            ((64, 48), Orientation::NoTransforms)
        );
        let times: Vec<u64> = track.samples.iter().map(|(_, time)| *time).collect();
        assert_eq!(times, [0, 100, 180, 300]);
        assert!(
            track
                .samples
                .iter()
                .all(|(place, _)| place.end <= WHOLE.len())
        );
        assert!(
            track
                .samples
                .is_sorted_by(|(a, _), (b, _)| a.end <= b.start)
        );
    }

    #[test]
    fn damaged_tables_cost_no_more_than_the_file() {
        let at = WHOLE.windows(4).position(|name| name == b"moov").unwrap();
        let mut read = 0;
        for (place, value) in (at..WHOLE.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|v| (at, v))) {
            let mut bytes = WHOLE.to_vec();
            bytes[place] = value;
            if let Some(track) = track(&bytes) {
                assert!(track.samples.len() <= bytes.len());
                read += 1;
            }
        }
        assert!(read > 1000, "{read}");
        for cut in 0..WHOLE.len() {
            let _no_panic = track(&WHOLE[..cut]);
        }
    }
}
