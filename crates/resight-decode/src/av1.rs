//! Decodes AV1 pictures to their planes, with bounded work for each.

use re_rav1d::dav1d::{Decoder, Error, Picture, Settings};

use crate::limits::DecodeLimits;
use crate::refused::Refused;

/// Most frames in a picture. A still picture has one and a layered one a few; each takes the time of a
/// picture to decode.
const MAX_FRAMES: usize = 8;

/// Decodes the first shown frame of `data`.
///
/// # Errors
/// Those of [`Frames::next`].
pub(crate) fn decode(data: Vec<u8>, limits: &DecodeLimits) -> Result<Picture, Refused> {
    Frames::new(limits)?.next(data)
}

/// Decodes one picture after another, of which later ones may be made of earlier ones.
pub(crate) struct Frames(Decoder);

impl Frames {
    pub(crate) fn new(limits: &DecodeLimits) -> Result<Self, Refused> {
        let mut settings = Settings::new();
        // One thread: a picture is a unit of work, and callers run many of them at once.
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_apply_grain(false);
        settings.set_frame_size_limit(u32::try_from(limits.max_pixels).unwrap_or(u32::MAX));
        let decoder = Decoder::with_settings(&settings).map_err(|e| explain(&e))?;
        Ok(Self(decoder))
    }

    /// The first shown frame of `data`.
    ///
    /// # Errors
    /// [`crate::RefusedCode::Broken`] when the data is damaged,
    /// [`crate::RefusedCode::FormatNotSupported`] when it has more than [`MAX_FRAMES`] frames or is of a
    /// variant that the decoder does not know.
    pub(crate) fn next(&mut self, data: Vec<u8>) -> Result<Picture, Refused> {
        check_frames(&data)?;
        let decoder = &mut self.0;
        let mut pending = match decoder.send_data(data, None, None, None) {
            Ok(()) => false,
            Err(Error::Again) => true,
            Err(error) => return Err(explain(&error)),
        };
        // Each turn returns a frame or consumes one, so a sound picture never reaches the bound.
        for _ in 0..2 * MAX_FRAMES {
            match decoder.get_picture() {
                Ok(picture) => return Ok(picture),
                Err(Error::Again) if pending => {
                    pending = match decoder.send_pending_data() {
                        Ok(()) => false,
                        Err(Error::Again) => true,
                        Err(error) => return Err(explain(&error)),
                    };
                }
                Err(Error::Again) => {}
                Err(error) => return Err(explain(&error)),
            }
        }
        Err(Refused::broken("the AVIF data has no complete picture"))
    }
}

/// Walks the open bitstream units and refuses more than [`MAX_FRAMES`] frames, shown or hidden.
fn check_frames(mut data: &[u8]) -> Result<(), Refused> {
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let damaged = || Refused::broken("the AVIF picture data is damaged");
    let mut frames = 0;
    while let Some((&header, mut rest)) = data.split_first() {
        let kind = header >> 3 & 15;
        if header & 4 != 0 {
            rest = rest.get(1..).ok_or_else(damaged)?;
        }
        if header & 2 != 0 {
            let (size, after) = leb128(rest).ok_or_else(damaged)?;
            rest = after;
            data = rest.get(size..).ok_or_else(damaged)?;
        } else {
            // A unit without a size reaches to the end.
            data = &[];
        }
        frames += usize::from(matches!(kind, FRAME_HEADER | FRAME));
        if frames > MAX_FRAMES {
            return Err(Refused::not_supported(
                "this AVIF picture is made of many frames, which is not supported; convert to JPEG or PNG",
            ));
        }
    }
    if frames == 0 {
        return Err(damaged());
    }
    Ok(())
}

/// An AV1 variable-length number of at most eight bytes, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[i + 1..]));
        }
    }
    None
}

fn explain(error: &Error) -> Refused {
    match error {
        Error::UnsupportedBitstream => {
            Refused::not_supported("this kind of AVIF is not supported; convert to JPEG or PNG")
        }
        error => Refused::broken(format!("the AVIF picture data is damaged: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refused::RefusedCode;

    #[test]
    fn many_frames_are_refused_before_decoding() {
        let frame = [0b0011_0010_u8, 1, 0];
        assert!(check_frames(&frame.repeat(MAX_FRAMES)).is_ok());
        let refused = check_frames(&frame.repeat(MAX_FRAMES + 1)).unwrap_err();
        assert_eq!(refused.code, RefusedCode::FormatNotSupported);
        for broken in [&[0b0011_0010_u8, 5, 0][..], &[0b0011_0010, 0xff], &[]] {
            let refused = check_frames(broken).unwrap_err();
            assert_eq!(refused.code, RefusedCode::Broken);
        }
    }

    #[test]
    fn numbers_of_several_bytes() {
        assert_eq!(leb128(&[0xe5, 0x8e, 0x26, 9]), Some((624_485, &[9u8][..])));
        assert_eq!(leb128(&[0x80; 9]), None);
    }
}
