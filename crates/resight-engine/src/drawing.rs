//! A part of a stored picture, drawn at another size, for viewers.

use resight_decode::{Refused, RefusedCode, resized, turned};
use resight_store::PictureId;
use resight_vision::Image;

use crate::error::EngineError;
use crate::library::Library;

/// What is drawn of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Columns and rows of the whole picture.
    pub of: [u32; 2],
    /// Left, top, width and height of the part, which lies within the picture.
    pub region: [u32; 4],
    /// Columns and rows that it is scaled to, before it is turned.
    pub size: [u32; 2],
    /// Whether left and right are exchanged, before it is turned.
    pub mirrored: bool,
    /// By how many quarters it is turned clockwise.
    pub quarter_turns: u8,
    /// Its colours.
    pub tone: Tone,
}

/// The colours of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As they are.
    #[default]
    Colour,
    /// Grey.
    Grey,
    /// Black and white alone.
    TwoTone,
}

impl Library {
    /// Draws a part of a stored picture. Memory for its pixels comes from the budget of the decoders, for which this
    /// waits.
    ///
    /// # Errors
    /// `unknown_picture`, `file_gone`, `too_many_pixels` where the budget can never have them, and those of the
    /// decoders.
    pub fn draw(&self, id: &PictureId, drawing: &Drawing) -> Result<Image, EngineError> {
        let whole = self.image(id)?;
        let pixels = |[width, height]: [u32; 2]| u64::from(width) * u64::from(height);
        let [_, _, width, height] = drawing.region;
        // The part twice at most, and the drawing twice while it is turned.
        let bytes =
            3 * (pixels(drawing.of) + 2 * pixels([width, height]) + 2 * pixels(drawing.size));
        let _share = self.options().decode.memory.take(bytes)?;
        drawn(whole, drawing).ok_or_else(|| {
            let detail = "the picture does not have the size that it was stored with";
            Refused::new(RefusedCode::Broken, detail).into()
        })
    }
}

/// `None` where the picture has another size, or the drawing leaves it.
fn drawn(whole: Image, drawing: &Drawing) -> Option<Image> {
    if [whole.width(), whole.height()] != drawing.of {
        return None;
    }
    let part = part_of(whole, drawing.region)?;
    let scaled = match [part.width(), part.height()] == drawing.size {
        true => part,
        false => resized(&part, drawing.size)?,
    };
    let toned = toned(scaled, drawing.tone)?;
    turned(toned, drawing.mirrored, drawing.quarter_turns)
}

fn part_of(whole: Image, part: [u32; 4]) -> Option<Image> {
    match part == [0, 0, whole.width(), whole.height()] {
        true => Some(whole),
        false => cropped(&whole, part),
    }
}

/// A part of a picture: left, top, width, height; `None` where it does not lie inside.
pub(crate) fn cropped(image: &Image, [left, top, width, height]: [u32; 4]) -> Option<Image> {
    let row = 3 * image.width() as usize;
    let (from, bytes) = (3 * left as usize, 3 * width as usize);
    let rows = image.rgb().chunks_exact(row).skip(top as usize);
    let mut rgb = Vec::with_capacity(bytes * height as usize);
    for pixels in rows.take(height as usize) {
        rgb.extend_from_slice(pixels.get(from..from + bytes)?);
    }
    Image::from_rgb(width, height, rgb)
}

fn toned(image: Image, tone: Tone) -> Option<Image> {
    let (width, height) = (image.width(), image.height());
    let grey = match tone {
        Tone::Colour => return Some(image),
        Tone::Grey | Tone::TwoTone => image.to_gray(),
    };
    let value = |grey: &u8| match tone {
        Tone::TwoTone if *grey < 128 => [0; 3],
        Tone::TwoTone => [255; 3],
        Tone::Colour | Tone::Grey => [*grey; 3],
    };
    Image::from_rgb(
        width,
        height,
        grey.pixels().iter().flat_map(value).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three columns and two rows; each pixel has its number as its red.
    fn six() -> Image {
        let rgb = (0..6).flat_map(|n| [n, 100, 200]).collect();
        Image::from_rgb(3, 2, rgb).unwrap()
    }

    const WHOLE: Drawing = Drawing {
        of: [3, 2],
        region: [0, 0, 3, 2],
        size: [3, 2],
        mirrored: false,
        quarter_turns: 0,
        tone: Tone::Colour,
    };

    fn reds(drawing: &Drawing) -> (u32, Vec<u8>) {
        let image = drawn(six(), drawing).unwrap();
        let reds = image.rgb().chunks_exact(3).map(|pixel| pixel[0]);
        (image.width(), reds.collect())
    }

    #[test]
    fn a_part_is_cut_out_mirrored_and_turned_clockwise() {
        assert_eq!(reds(&WHOLE), (3, vec![0, 1, 2, 3, 4, 5]));
        let part = Drawing {
            region: [1, 0, 2, 2],
            size: [2, 2],
            ..WHOLE
        };
        assert_eq!(reds(&part), (2, vec![1, 2, 4, 5]));
        for (mirrored, quarter_turns, width, expected) in [
            (false, 1, 2, [3, 0, 4, 1, 5, 2]),
            (false, 2, 3, [5, 4, 3, 2, 1, 0]),
            (false, 3, 2, [2, 5, 1, 4, 0, 3]),
            (true, 0, 3, [2, 1, 0, 5, 4, 3]),
            (true, 1, 2, [5, 2, 4, 1, 3, 0]),
        ] {
            let drawing = Drawing {
                mirrored,
                quarter_turns,
                ..WHOLE
            };
            assert_eq!(reds(&drawing), (width, expected.to_vec()), "{drawing:?}");
        }
    }

    #[test]
    fn tones_are_those_of_the_pixels() {
        let rgb = vec![255, 0, 0, 255, 255, 0];
        let two = Image::from_rgb(2, 1, rgb).unwrap();
        let grey = toned(two.clone(), Tone::Grey).unwrap();
        assert_eq!(grey.rgb(), [76, 76, 76, 226, 226, 226]);
        let two_tone = toned(two, Tone::TwoTone).unwrap();
        assert_eq!(two_tone.rgb(), [0, 0, 0, 255, 255, 255]);
    }

    #[test]
    fn what_leaves_the_picture_is_not_drawn() {
        for drawing in [
            Drawing {
                of: [2, 2],
                ..WHOLE
            },
            Drawing {
                region: [2, 0, 2, 2],
                ..WHOLE
            },
            Drawing {
                region: [u32::MAX, 0, 2, 2],
                ..WHOLE
            },
        ] {
            assert_eq!(drawn(six(), &drawing), None, "{drawing:?}");
        }
    }
}
