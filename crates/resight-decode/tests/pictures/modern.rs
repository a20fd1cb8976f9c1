//! Formats after JPEG and PNG, and Photoshop's.

use image::{ImageFormat, Rgb, RgbImage};
use resight_decode::{DecodeLimits, RefusedCode, decode};
use resight_test_support::encode;
use resight_vision::Image;

/// What the files show.
fn picture() -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        Rgb([(4 * x) as u8, (5 * y) as u8, (2 * (x + y)) as u8])
    })
}

/// Files with their media types, and the largest difference of a channel.
pub(crate) const FILES: &[(&str, &[u8], u8)] = &[
    #[cfg(feature = "jxl")]
    ("image/jxl", include_bytes!("files/lossless.jxl"), 0),
    #[cfg(feature = "jxl")]
    ("image/jxl", include_bytes!("files/lossy.jxl"), 32),
    #[cfg(feature = "jp2")]
    ("image/jp2", include_bytes!("files/lossless.jp2"), 0),
    #[cfg(feature = "heif")]
    ("image/heic", include_bytes!("files/photo.heic"), 32),
];

fn worst(image: &Image, expected: &RgbImage) -> u8 {
    assert_eq!((image.width(), image.height()), expected.dimensions());
    let pairs = image.rgb().iter().zip(expected.as_raw());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn files_of_other_encoders_show_their_picture() {
    for &(media_type, bytes, tolerance) in FILES {
        let decoded = decode(bytes, &DecodeLimits::default()).unwrap();
        assert_eq!(decoded.media_type, media_type);
        let differs = worst(&decoded.image, &picture());
        assert!(differs <= tolerance, "{media_type}: {differs}");
        assert_eq!((decoded.depth, decoded.pages), (8, 1), "{media_type}");
        // The same again: nothing depends on what was decoded before.
        assert_eq!(decode(bytes, &DecodeLimits::default()).unwrap(), decoded);
    }
}

#[cfg(all(feature = "jp2", feature = "jxl"))]
#[test]
fn transparency_and_grey() {
    let limits = DecodeLimits::default();
    let clear = decode(include_bytes!("files/alpha.jxl"), &limits)
        .unwrap()
        .image;
    let expected = RgbImage::from_fn(64, 48, |x, y| match x {
        0..32 => *picture().get_pixel(x, y),
        _ => Rgb([255; 3]),
    });
    assert_eq!(worst(&clear, &expected), 0);
    let grey = decode(include_bytes!("files/grey.j2k"), &limits)
        .unwrap()
        .image;
    assert!(
        grey.rgb()
            .as_chunks::<3>()
            .0
            .iter()
            .all(|[r, g, b]| r == g && g == b)
    );
}

#[test]
fn limits_and_cut_files() {
    for &(media_type, bytes, _) in FILES {
        let few = DecodeLimits {
            max_pixels: 64 * 48 - 1,
            ..DecodeLimits::default()
        };
        let refused = decode(bytes, &few).unwrap_err();
        assert_eq!(refused.code, RefusedCode::TooManyPixels, "{media_type}");
        let cut = decode(&bytes[..bytes.len() / 3], &DecodeLimits::default());
        assert_eq!(
            cut.map_err(|r| r.code),
            Err(RefusedCode::Broken),
            "{media_type}"
        );
    }
}

#[test]
fn builds_without_a_decoder_refuse_its_format_by_name() {
    for (is_built, bytes, name) in [
        (
            cfg!(feature = "heif"),
            &include_bytes!("files/photo.heic")[..],
            "HEIC",
        ),
        (
            cfg!(feature = "jxl"),
            include_bytes!("files/lossless.jxl"),
            "JPEG XL",
        ),
        (
            cfg!(feature = "jp2"),
            include_bytes!("files/lossless.jp2"),
            "JPEG 2000",
        ),
        (
            cfg!(feature = "svg"),
            b"<svg xmlns='http://www.w3.org/2000/svg' width='20' height='20'/>",
            "SVG",
        ),
    ] {
        match decode(bytes, &DecodeLimits::default()) {
            Ok(_) => assert!(is_built, "{name}"),
            Err(refused) => {
                assert!(!is_built, "{refused}");
                assert_eq!(refused.code, RefusedCode::FormatNotSupported);
                assert!(refused.detail.contains(name), "{refused}");
            }
        }
    }
}

/// An icon of two pictures, of which the second is the larger one and a PNG without transparency.
#[test]
fn the_largest_picture_of_an_icon() {
    let small = encode(&RgbImage::new(20, 20), ImageFormat::Png);
    let large = encode(&picture(), ImageFormat::Png);
    let mut bytes = b"\0\0\x01\0\x02\0".to_vec();
    let mut begin = 6 + 2 * 16;
    for (file, [width, height]) in [(&small, [20, 20]), (&large, [64, 48])] {
        bytes.extend([width, height, 0, 0, 1, 0, 24, 0]);
        bytes.extend((file.len() as u32).to_le_bytes());
        bytes.extend((begin as u32).to_le_bytes());
        begin += file.len();
    }
    bytes.extend([small, large].concat());
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!(worst(&image, &picture()), 0);
}

/// A Photoshop file of planes, without layers.
fn photoshop(
    (version, depth, mode): (u16, u16, u16),
    planes: &[Vec<u8>],
    method: u16,
    (palette, resources): (&[u8], &[u8]),
) -> Vec<u8> {
    let mut out = b"8BPS".to_vec();
    out.extend(version.to_be_bytes());
    out.extend([0; 6]);
    out.extend((planes.len() as u16).to_be_bytes());
    out.extend(48_u32.to_be_bytes());
    out.extend(64_u32.to_be_bytes());
    out.extend(depth.to_be_bytes());
    out.extend(mode.to_be_bytes());
    for part in [palette, resources] {
        out.extend((part.len() as u32).to_be_bytes());
        out.extend(part);
    }
    let is_large = version == 2;
    out.extend(if is_large { vec![0; 8] } else { vec![0; 4] });
    out.extend(method.to_be_bytes());
    if method == 1 {
        let rows: Vec<Vec<u8>> = planes
            .iter()
            .flat_map(|plane| plane.chunks(plane.len() / 48))
            .map(|row| {
                row.chunks(128)
                    .flat_map(|run| [&[run.len() as u8 - 1], run].concat())
                    .collect()
            })
            .collect();
        for row in &rows {
            let length = (row.len() as u32).to_be_bytes();
            out.extend(if is_large { &length[..] } else { &length[2..] });
        }
        out.extend(rows.concat());
    } else {
        out.extend(planes.concat());
    }
    out
}

fn planes() -> Vec<Vec<u8>> {
    let picture = picture();
    (0..3)
        .map(|c| picture.pixels().map(|p| p.0[c]).collect())
        .collect()
}

#[test]
fn the_merged_picture_of_photoshop() {
    let limits = DecodeLimits::default();
    let rgb = planes();
    let wide: Vec<Vec<u8>> = rgb
        .iter()
        .map(|plane| plane.iter().flat_map(|v| [*v, *v]).collect())
        .collect();
    let with_mask = [&rgb[..], &[vec![7; 64 * 48]]].concat();
    let inks = [&rgb[..], &[vec![255; 64 * 48]]].concat();
    for (name, kind, planes) in [
        ("PSD", (1, 8, 3), &rgb),
        ("PSB", (2, 8, 3), &rgb),
        ("16 bits", (1, 16, 3), &wide),
        ("a further channel", (1, 8, 3), &with_mask),
        ("four inks", (1, 8, 4), &inks),
    ] {
        for method in [0, 1] {
            let bytes = photoshop(kind, planes, method, (&[], &[]));
            let decoded = decode(&bytes, &limits).unwrap();
            assert_eq!(worst(&decoded.image, &picture()), 0, "{name} {method}");
            assert_eq!(decoded.media_type, "image/vnd.adobe.photoshop");
            let cut = decode(&bytes[..bytes.len() / 2], &limits).unwrap_err();
            assert_eq!(cut.code, RefusedCode::Broken, "{name} {method}");
        }
    }
    let palette: Vec<u8> = (0..768_u32).map(|i| (i * 7 % 256) as u8).collect();
    let bytes = photoshop((1, 8, 2), &rgb[..1], 1, (&palette, &[]));
    let first = decode(&bytes, &limits).unwrap().image.rgb()[3..6].to_vec();
    assert_eq!(first, [palette[4], palette[260], palette[516]]);
}

#[test]
fn photoshop_without_a_merged_picture_is_refused() {
    let info = |has: u8| {
        let mut out = b"8BIM".to_vec();
        // The id 1057, no name, six bytes.
        out.extend([4, 0x21, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1, has, 0]);
        out
    };
    let limits = DecodeLimits::default();
    let file = |has| photoshop((1, 8, 3), &planes(), 0, (&[], &info(has)));
    assert!(decode(&file(1), &limits).is_ok());
    let refused = decode(&file(0), &limits).unwrap_err();
    assert_eq!(refused.code, RefusedCode::FormatNotSupported);
    assert!(refused.detail.contains("compatibility"), "{refused}");
}

/// A small file of each way to decode.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = FILES.iter().map(|(_, bytes, _)| bytes.to_vec()).collect();
    files.push(photoshop((1, 8, 3), &planes(), 1, (&[], &[])));
    files.push(photoshop(
        (2, 8, 4),
        &[&planes()[..], &planes()[..1]].concat(),
        0,
        (&[], &[]),
    ));
    files
}
