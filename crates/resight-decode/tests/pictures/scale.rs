//! Smaller copies.

use resight_decode::{DecodeLimits, decode, fit_within, thumbnail_jpeg};
use resight_vision::Image;

/// A busy picture that any difference in arithmetic would show on.
fn busy(width: u32, height: u32) -> Image {
    let mut state = 0x9e37_79b9_u32;
    let rgb = (0..width * height * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Image::from_rgb(width, height, rgb.collect()).unwrap()
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn sizes() {
    let cases = [
        ((100, 50), 100, None),
        ((100, 50), 99, Some((99, 50))),
        ((100, 50), 10, Some((10, 5))),
        ((50, 100), 10, Some((5, 10))),
        ((1000, 2), 100, Some((100, 1))),
        ((30, 20), 0, Some((1, 1))),
    ];
    for ((width, height), max_side, expected) in cases {
        let out = fit_within(&busy(width, height), max_side);
        let size = out.map(|image| (image.width(), image.height()));
        assert_eq!(size, expected, "{width} × {height} within {max_side}");
    }
}

/// The expected values were computed with the CPU's extensions switched off.
#[test]
fn the_same_bits_on_every_cpu() {
    for (width, height, max_side, expected) in GOLDEN {
        let out = fit_within(&busy(width, height), max_side).unwrap();
        let got = fingerprint(out.rgb());
        assert_eq!(
            got, expected,
            "{width} × {height} within {max_side}: {got:#018x}"
        );
    }
}

const GOLDEN: [(u32, u32, u32, u64); 4] = [
    (641, 479, 320, 0x708b_8b3c_0ec2_6419),
    (333, 777, 100, 0x9816_d68f_c1a5_8800),
    (1024, 31, 1000, 0x1e72_93bb_256b_e404),
    (100, 100, 7, 0x1cc9_d5dd_e280_d3e1),
];

#[test]
fn fine_patterns_fade_to_grey() {
    let rgb = (0..256 * 256).flat_map(|i| [if (i + i / 256) % 2 == 0 { 255 } else { 0 }; 3]);
    let board = Image::from_rgb(256, 256, rgb.collect()).unwrap();
    let out = fit_within(&board, 60).unwrap();
    assert!(out.rgb().iter().all(|v| v.abs_diff(128) < 6));
}

#[test]
fn thumbnails_are_jpeg() {
    for quality in [0, 80, 255] {
        let bytes = thumbnail_jpeg(&busy(200, 100), 64, quality).unwrap();
        let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
        assert_eq!(decoded.media_type, "image/jpeg");
        assert_eq!((decoded.image.width(), decoded.image.height()), (64, 32));
    }
}
