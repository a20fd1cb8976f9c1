//! Files with more than one picture in them.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, ImageFormat, RgbImage, RgbaImage};

use crate::{encode, jpeg};

/// One directory of a TIFF file: its tags with LONG values, its pixel data, and the directory below it.
#[derive(Clone, Debug, Default)]
pub struct TiffDirectory {
    /// Tags and their values. The offset of the data is added where none is named.
    pub tags: Vec<(u16, Vec<u32>)>,
    /// The only strip.
    pub data: Vec<u8>,
    /// A directory that the tag SubIFDs names.
    pub below: Option<Box<TiffDirectory>>,
}

impl TiffDirectory {
    /// Uncompressed RGB.
    pub fn rgb(picture: &RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let data = picture.as_raw().clone();
        let tags = vec![
            (256, vec![width]),
            (257, vec![height]),
            (258, vec![8; 3]),
            (259, vec![1]),
            (262, vec![2]),
            (277, vec![3]),
            (278, vec![height]),
            (279, vec![data.len() as u32]),
        ];
        Self {
            tags,
            data,
            below: None,
        }
    }

    /// With one more tag.
    #[must_use]
    pub fn with(mut self, tag: u16, value: u32) -> Self {
        self.tags.push((tag, vec![value]));
        self
    }

    /// Appends it to a little-endian file and returns where it begins.
    fn write(&self, file: &mut Vec<u8>, next: u32) -> u32 {
        let below = self.below.as_ref().map(|below| below.write(file, 0));
        let mut tags = self.tags.clone();
        if tags.iter().all(|(tag, _)| !matches!(tag, 273 | 324)) {
            tags.push((273, vec![file.len() as u32]));
        }
        tags.extend(below.map(|at| (330, vec![at])));
        tags.sort();
        file.extend(&self.data);
        let mut entries = Vec::new();
        for (tag, values) in &tags {
            entries.extend(tag.to_le_bytes());
            entries.extend([4, 0]);
            entries.extend((values.len() as u32).to_le_bytes());
            if let [value] = values[..] {
                entries.extend(value.to_le_bytes());
            } else {
                entries.extend((file.len() as u32).to_le_bytes());
                file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        let at = file.len() as u32;
        file.extend((tags.len() as u16).to_le_bytes());
        file.extend(entries);
        file.extend(next.to_le_bytes());
        at
    }
}

/// A TIFF file of these directories.
pub fn tiff(directories: &[TiffDirectory]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    // From the last to the first, because each names the next.
    let first = directories
        .iter()
        .rev()
        .fold(0, |next, directory| directory.write(&mut file, next));
    file[4..8].copy_from_slice(&first.to_le_bytes());
    file
}

/// A TIFF file with these pages.
pub fn tiff_pages(pages: &[RgbImage]) -> Vec<u8> {
    tiff(&pages.iter().map(TiffDirectory::rgb).collect::<Vec<_>>())
}

/// An animated GIF.
pub fn animated_gif(frames: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for frame in frames {
        let rgba: RgbaImage = image::DynamicImage::from(frame.clone()).into_rgba8();
        let delay = Delay::from_numer_denom_ms(80, 1);
        encoder
            .encode_frame(Frame::from_parts(rgba, 0, 0, delay))
            .unwrap();
    }
    drop(encoder);
    bytes
}

/// An animated lossless WebP, every frame of which is whole (RFC 9649, section 2.7).
pub fn animated_webp(frames: &[RgbImage]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let mut out = [&kind[..], &(content.len() as u32).to_le_bytes(), content].concat();
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let three = |value: u32| value.to_le_bytes()[..3].to_vec();
    let size =
        |picture: &RgbImage| [three(picture.width() - 1), three(picture.height() - 1)].concat();
    let mut content = b"WEBP".to_vec();
    // The flag says that there is an animation.
    content.extend(chunk(
        b"VP8X",
        &[&[2, 0, 0, 0][..], &size(&frames[0])].concat(),
    ));
    content.extend(chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]));
    for frame in frames {
        let still = encode(frame, ImageFormat::WebP);
        // Behind the header of the file: the chunk with the pixels.
        let parts = [&[0; 6][..], &size(frame), &three(80), &[2], &still[12..]];
        content.extend(chunk(b"ANMF", &parts.concat()));
    }
    chunk(b"RIFF", &content)
}

/// A DNG whose first directory is a small `thumbnail`, with the sensor's size and a JPEG of `preview` below it.
pub fn dng(thumbnail: &RgbImage, sensor: [u32; 2], preview: Option<&RgbImage>) -> Vec<u8> {
    let sensor = TiffDirectory {
        tags: vec![
            (254, vec![0]),
            (256, vec![sensor[0]]),
            (257, vec![sensor[1]]),
            (258, vec![14]),
            (259, vec![1]),
            (262, vec![32_803]),
            (279, vec![16]),
        ],
        data: vec![0; 16],
        below: None,
    };
    let below = match preview {
        None => sensor,
        Some(preview) => {
            let data = jpeg(preview, 92);
            let tags = vec![
                (254, vec![1]),
                (256, vec![preview.width()]),
                (257, vec![preview.height()]),
                (259, vec![7]),
                (262, vec![6]),
                (279, vec![data.len() as u32]),
            ];
            TiffDirectory {
                tags,
                data,
                below: Some(Box::new(sensor)),
            }
        }
    };
    let mut first = TiffDirectory::rgb(thumbnail)
        .with(254, 1)
        .with(50_706, 0x401);
    first.below = Some(Box::new(below));
    tiff(&[first])
}

/// An animated PNG whose first frame is also its default picture.
pub fn animated_png(frames: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = frames[0].dimensions();
    let mut encoder = png::Encoder::new(Cursor::new(&mut bytes), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames.len() as u32, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for frame in frames {
        writer.write_image_data(frame.as_raw()).unwrap();
    }
    writer.finish().unwrap();
    bytes
}
