//! Pixels of other colour spaces as sRGB, without profiles.

/// YCbCr of Rec. 601 and the full range, the default of TIFF 6.0 (section 21).
pub(crate) fn ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0];
    let rgb = [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ];
    rgb.map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// Inks without a profile: each takes its light away.
pub(crate) fn cmyk([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|ink| ((255 - u32::from(ink)) * (255 - u32::from(k)) / 255) as u8)
}

/// CIE L*a*b* of the white of print (D50) to sRGB. `l` is 255 for white.
pub(crate) fn lab(l: u8, a: f32, b: f32) -> [u8; 3] {
    lab_of(f32::from(l) * (100.0 / 255.0), a, b)
}

/// As [`lab`], with L* from 0 to 100.
pub(crate) fn lab_of(l: f32, a: f32, b: f32) -> [u8; 3] {
    let y = (l + 16.0) / 116.0;
    let cube = |t: f32| match t > 6.0 / 29.0 {
        true => t * t * t,
        false => (t - 4.0 / 29.0) * (108.0 / 841.0),
    };
    let [x, y, z] = [
        0.964_22 * cube(y + a / 500.0),
        cube(y),
        0.825_21 * cube(y - b / 200.0),
    ];
    // From D50 to the linear light of sRGB (Bradford).
    let linear = [
        3.133_856 * x - 1.616_867 * y - 0.490_615 * z,
        -0.978_768 * x + 1.916_142 * y + 0.033_454 * z,
        0.071_945 * x - 0.228_991 * y + 1.405_243 * z,
    ];
    linear.map(encoded)
}

/// Linear light in the encoding of sRGB.
pub(crate) fn encoded(value: f32) -> u8 {
    let value = value.clamp(0.0, 1.0);
    let encoded = match value <= 0.003_130_8 {
        true => 12.92 * value,
        false => 1.055 * libm::powf(value, 1.0 / 2.4) - 0.055,
    };
    (encoded * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lab_of_known_colours() {
        assert_eq!(lab(255, 0.0, 0.0), [255; 3]);
        assert_eq!(lab(0, 0.0, 0.0), [0; 3]);
        // sRGB red is L* 54.3, a* 80.8, b* 69.9 under D50.
        let red = lab(138, 80.8, 69.9);
        assert!(red[0] >= 253 && red[1] <= 6 && red[2] <= 6, "{red:?}");
    }

    #[test]
    fn inks_take_light_away() {
        assert_eq!(cmyk([0; 4]), [255; 3]);
        assert_eq!(cmyk([255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(cmyk([0, 0, 0, 128]), [127; 3]);
    }

    #[test]
    fn ycbcr_of_known_colours() {
        assert_eq!(ycbcr([255, 128, 128]), [255; 3]);
        assert_eq!(ycbcr([76, 85, 255]), [254, 0, 0]);
    }
}
