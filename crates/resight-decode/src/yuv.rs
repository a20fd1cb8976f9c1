//! Converts planes of luma and chroma to RGB.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Picture, PixelLayout, PlanarImageComponent};

use crate::bmff::Nclx;

/// How luma and chroma become RGB.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Matrix {
    /// The planes are G, B, R.
    Identity,
    /// Luma, and green against magenta, orange against teal.
    YCgCo,
    /// Luma and colour differences with these weights of red and blue.
    Weights(f32, f32),
}

impl Matrix {
    /// The matrix with number `code` in ITU-T H.273. Unknown and unspecified ones count as BT.601, as in
    /// other decoders.
    fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Identity,
            1 => Self::Weights(0.2126, 0.0722),
            4 => Self::Weights(0.30, 0.11),
            7 => Self::Weights(0.212, 0.087),
            8 => Self::YCgCo,
            9 | 10 => Self::Weights(0.2627, 0.0593),
            _ => Self::Weights(0.299, 0.114),
        }
    }

    /// RGB from luma in 0..1 and chroma in -0.5..0.5 (for [`Matrix::Identity`] all in 0..1).
    /// Uses plain multiplications and additions only, so the result is the same on every machine.
    fn apply(self, y: f32, u: f32, v: f32) -> [f32; 3] {
        match self {
            Self::Identity => [v, y, u],
            Self::YCgCo => [y - u + v, y + u, y - u - v],
            Self::Weights(red, blue) => {
                let green = 1.0 - red - blue;
                let r = y + 2.0 * (1.0 - red) * v;
                let b = y + 2.0 * (1.0 - blue) * u;
                let g = y - (2.0 * red * (1.0 - red) * v + 2.0 * blue * (1.0 - blue) * u) / green;
                [r, g, b]
            }
        }
    }
}

/// Maps a stored sample to 0..1, or to -0.5..0.5 when it is chroma.
#[derive(Clone, Copy)]
struct Range {
    offset: f32,
    scale: f32,
}

impl Range {
    fn luma(bits: u32, full: bool) -> Self {
        let step = (1u32 << (bits - 8)) as f32;
        let top = ((1u32 << bits) - 1) as f32;
        if full {
            Self {
                offset: 0.0,
                scale: 1.0 / top,
            }
        } else {
            Self {
                offset: 16.0 * step,
                scale: 1.0 / (219.0 * step),
            }
        }
    }

    fn chroma(bits: u32, full: bool) -> Self {
        let step = (1u32 << (bits - 8)) as f32;
        let top = ((1u32 << bits) - 1) as f32;
        let scale = if full {
            1.0 / top
        } else {
            1.0 / (224.0 * step)
        };
        Self {
            offset: 128.0 * step,
            scale,
        }
    }

    fn map(self, sample: u16) -> f32 {
        (f32::from(sample) - self.offset) * self.scale
    }
}

/// The samples of a plane.
#[derive(Clone, Copy)]
struct Plane<'a> {
    bytes: &'a [u8],
    /// Bytes from one row to the next.
    stride: usize,
    wide: bool,
}

impl Plane<'_> {
    fn at(&self, x: usize, y: usize) -> u16 {
        let row = y * self.stride;
        if self.wide {
            let i = row + 2 * x;
            u16::from_ne_bytes([self.bytes[i], self.bytes[i + 1]])
        } else {
            u16::from(self.bytes[row + x])
        }
    }
}

/// RGB of `picture`, three bytes a pixel. Chroma is repeated, not interpolated. `nclx`, from the
/// container, takes precedence over the picture's own colour description.
pub(crate) fn to_rgb(picture: &Picture, nclx: Option<Nclx>) -> Vec<u8> {
    let bits = picture.bits_per_component().map_or(8, |bits| bits.0 as u32);
    let (code, full) = nclx.map_or_else(
        || {
            let full = picture.color_range() == YUVRange::Full;
            (code_of(picture.matrix_coefficients()), full)
        },
        |nclx| (nclx.matrix, nclx.full_range),
    );
    let layout = picture.pixel_layout();
    let (shift_x, shift_y) = match layout {
        PixelLayout::I420 => (1, 1),
        PixelLayout::I422 => (1, 0),
        PixelLayout::I444 | PixelLayout::I400 => (0, 0),
    };
    let mut matrix = Matrix::from_code(code);
    // Only full-resolution colour planes can be G, B, R.
    if matrix == Matrix::Identity && layout != PixelLayout::I444 {
        matrix = Matrix::from_code(2);
    }
    let luma = Range::luma(bits, full);
    let chroma = if matrix == Matrix::Identity {
        luma
    } else {
        Range::chroma(bits, full)
    };

    let planes = if layout == PixelLayout::I400 {
        None
    } else {
        Some((
            picture.plane(PlanarImageComponent::U),
            picture.plane(PlanarImageComponent::V),
        ))
    };
    let y_plane = picture.plane(PlanarImageComponent::Y);
    let plane = |bytes, component| Plane {
        bytes,
        stride: picture.stride(component) as usize,
        wide: bits > 8,
    };
    let ys = plane(y_plane.as_ref(), PlanarImageComponent::Y);
    let uvs = planes.as_ref().map(|(u, v)| {
        (
            plane(u.as_ref(), PlanarImageComponent::U),
            plane(v.as_ref(), PlanarImageComponent::V),
        )
    });

    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let luma = luma.map(ys.at(x, y));
            let rgb = uvs.map_or([luma; 3], |(us, vs)| {
                let (cx, cy) = (x >> shift_x, y >> shift_y);
                matrix.apply(luma, chroma.map(us.at(cx, cy)), chroma.map(vs.at(cx, cy)))
            });
            // Casting clamps to 0..255.
            out.extend(rgb.map(|v| (v * 255.0 + 0.5) as u8));
        }
    }
    out
}

/// The H.273 number of a matrix; 2 means unspecified.
fn code_of(matrix: MatrixCoefficients) -> u16 {
    match matrix {
        MatrixCoefficients::Identity => 0,
        MatrixCoefficients::BT709 => 1,
        MatrixCoefficients::BT470M => 4,
        MatrixCoefficients::ST240M => 7,
        MatrixCoefficients::YCgCo => 8,
        MatrixCoefficients::BT2020NonConstantLuminance
        | MatrixCoefficients::BT2020ConstantLuminance => 9,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight-bit RGB of one sample triple.
    fn rgb(code: u16, bits: u32, full: bool, yuv: [u16; 3]) -> [u8; 3] {
        let matrix = Matrix::from_code(code);
        let luma = Range::luma(bits, full);
        let chroma = if matrix == Matrix::Identity {
            luma
        } else {
            Range::chroma(bits, full)
        };
        matrix
            .apply(luma.map(yuv[0]), chroma.map(yuv[1]), chroma.map(yuv[2]))
            .map(|v| (v * 255.0 + 0.5) as u8)
    }

    #[test]
    fn known_colours() {
        // (matrix, bits, full range, samples, RGB)
        let cases = [
            (1, 8, false, [16, 128, 128], [0, 0, 0]),
            (1, 8, false, [235, 128, 128], [255, 255, 255]),
            (1, 8, false, [63, 102, 240], [255, 1, 0]),
            (6, 8, false, [81, 90, 240], [254, 0, 0]),
            (6, 8, true, [76, 85, 255], [254, 0, 0]),
            (9, 10, false, [940, 512, 512], [255, 255, 255]),
            (9, 12, true, [4095, 2048, 2048], [255, 255, 255]),
            (0, 8, true, [10, 20, 30], [30, 10, 20]),
            (8, 8, true, [128, 128, 128], [128, 128, 128]),
        ];
        for (code, bits, full, yuv, expected) in cases {
            let got = rgb(code, bits, full, yuv);
            let near = got.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
            assert!(near, "matrix {code}, {bits} bits: {got:?} != {expected:?}");
        }
    }
}
