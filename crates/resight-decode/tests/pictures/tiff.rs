//! TIFF as scanners, offices, cameras and microscopes write it: each variant beside the same picture read otherwise.

use std::io::Write;

use image::{Rgb, RgbImage};
use resight_decode::{DecodeLimits, Refused, RefusedCode, decode};
use resight_test_support::{TiffDirectory, jpeg, textured, tiff};

pub(crate) const WIDTH: usize = 52;
pub(crate) const HEIGHT: usize = 40;

pub(crate) fn picture() -> RgbImage {
    textured(WIDTH as u32, HEIGHT as u32, 11)
}

/// A directory of the picture's size with these tags beside its own.
fn directory(tags: &[(u16, &[u32])], data: Vec<u8>) -> TiffDirectory {
    let length = data.len() as u32;
    let own: [(u16, &[u32]); 7] = [
        (256, &[WIDTH as u32]),
        (257, &[HEIGHT as u32]),
        (258, &[8, 8, 8]),
        (259, &[1]),
        (262, &[2]),
        (277, &[3]),
        (279, &[length]),
    ];
    let others = own
        .iter()
        .filter(|(tag, _)| tags.iter().all(|(t, _)| t != tag));
    let all = others
        .chain(tags)
        .map(|(tag, values)| (*tag, values.to_vec()));
    TiffDirectory {
        tags: all.collect(),
        data,
        below: None,
    }
}

pub(crate) fn read(tags: &[(u16, &[u32])], data: Vec<u8>) -> Result<RgbImage, Refused> {
    let bytes = tiff(&[directory(tags, data)]);
    let image = decode(&bytes, &DecodeLimits::default())?.image;
    let (width, height) = (image.width(), image.height());
    Ok(RgbImage::from_raw(width, height, image.into_rgb()).unwrap())
}

/// The largest difference of a channel.
pub(crate) fn worst(a: &RgbImage, b: &RgbImage) -> u8 {
    assert_eq!(a.dimensions(), b.dimensions());
    let pairs = a.as_raw().iter().zip(b.as_raw());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// The red channel as grey.
pub(crate) fn grey() -> (Vec<u8>, RgbImage) {
    let picture = picture();
    let shown = RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        Rgb([picture.get_pixel(x, y).0[0]; 3])
    });
    (picture.pixels().map(|p| p.0[0]).collect(), shown)
}

const GREY: [(u16, &[u32]); 3] = [(258, &[8]), (262, &[1]), (277, &[1])];

/// Reads grey samples.
pub(crate) fn read_grey(tags: &[(u16, &[u32])], data: Vec<u8>) -> Result<RgbImage, Refused> {
    let own = GREY
        .iter()
        .filter(|(tag, _)| tags.iter().all(|(t, _)| t != tag));
    read(&own.chain(tags).copied().collect::<Vec<_>>(), data)
}

/// Rows of samples of so many bits, each row from a byte on.
pub(crate) fn packed(samples: &[u32], bits: u32, in_row: usize) -> Vec<u8> {
    let row = |row: &[u32]| {
        let mut out = vec![0_u8; (row.len() * bits as usize).div_ceil(8)];
        for (i, sample) in row.iter().enumerate() {
            for bit in 0..bits as usize {
                let at = i * bits as usize + bit;
                out[at / 8] |= ((sample >> (bits as usize - 1 - bit) & 1) as u8) << (7 - at % 8);
            }
        }
        out
    };
    samples.chunks(in_row).flat_map(row).collect()
}

#[test]
fn grey_of_every_depth() {
    let (samples, shown) = grey();
    for bits in [1, 2, 4, 6, 10, 12, 14] {
        let most = (1_u32 << bits) - 1;
        let values: Vec<u32> = samples
            .iter()
            .map(|v| (u32::from(*v) * most + 127) / 255)
            .collect();
        let inverted: Vec<u32> = values.iter().map(|value| most - value).collect();
        let step = (255 / most.min(255)) as u8;
        for (photometric, values) in [(1, &values), (0, &inverted)] {
            let data = packed(values, bits, WIDTH);
            let got = read_grey(&[(258, &[bits]), (262, &[photometric])], data).unwrap();
            assert!(worst(&got, &shown) <= step, "{bits} {photometric}");
        }
    }
}

/// With horizontal differences.
fn differences(data: &[u8], stride: usize, row: usize) -> Vec<u8> {
    let one = |row: &[u8]| -> Vec<u8> {
        let before = |i: usize| if i < stride { 0 } else { row[i - stride] };
        (0..row.len())
            .map(|i| row[i].wrapping_sub(before(i)))
            .collect()
    };
    data.chunks(row).flat_map(one).collect()
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressions_and_predictors() {
    let picture = picture();
    let raw = picture.as_raw();
    let different = differences(raw, 3, 3 * WIDTH);
    let lzw = |data: &[u8]| {
        let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
        encoder.encode(data).unwrap()
    };
    let old_lzw = |data: &[u8]| {
        weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8)
            .encode(data)
            .unwrap()
    };
    let packbits = |data: &[u8]| {
        let runs = data
            .chunks(100)
            .map(|run| [&[run.len() as u8 - 1], run].concat());
        runs.collect::<Vec<_>>().concat()
    };
    let zstd = |data: &[u8]| {
        ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
    };
    let mut webp = Vec::new();
    image_webp::WebPEncoder::new(&mut webp)
        .encode(
            raw,
            WIDTH as u32,
            HEIGHT as u32,
            image_webp::ColorType::Rgb8,
        )
        .unwrap();
    for (method, predictor, data) in [
        (5, 1, lzw(raw)),
        (5, 2, lzw(&different)),
        (5, 1, old_lzw(raw)),
        (8, 1, zlib(raw)),
        (8, 2, zlib(&different)),
        (32_946, 1, zlib(raw)),
        (32_773, 1, packbits(raw)),
        (50_000, 1, zstd(raw)),
        (50_000, 2, zstd(&different)),
        (50_001, 1, webp),
    ] {
        let tags: [(u16, &[u32]); 2] = [(259, &[method]), (317, &[predictor])];
        let got = read(&tags, data.clone());
        assert_eq!(got, Ok(picture.clone()), "{method} {predictor}");
        let cut = read(&tags, data[..data.len() / 2].to_vec()).unwrap_err();
        assert_eq!(cut.code, RefusedCode::Broken, "{method} {predictor}");
    }
    for (method, name) in [
        (6, "old-style JPEG"),
        (34_887, "LERC"),
        (7777, "method 7777"),
    ] {
        let refused = read(&[(259, &[method])], vec![0; 99]).unwrap_err();
        assert_eq!(refused.code, RefusedCode::FormatNotSupported);
        assert!(refused.detail.contains(name), "{refused}");
    }
}

#[test]
fn facsimile_of_group_3_and_4() {
    let limits = DecodeLimits::default();
    let files: [(&str, &[u8]); 5] = [
        ("group 3", include_bytes!("files/group3.tif")),
        (
            "group 3, two dimensions",
            include_bytes!("files/group3_2d.tif"),
        ),
        ("run lengths", include_bytes!("files/run_lengths.tif")),
        ("group 4", include_bytes!("files/group4.tif")),
        ("plain", include_bytes!("files/bilevel.tif")),
    ];
    let expected = decode(files[4].1, &limits).unwrap().image;
    let ink = expected.rgb().iter().filter(|value| **value == 0).count();
    assert!(ink > 300 && expected.rgb().iter().all(|value| matches!(value, 0 | 255)));
    for (name, bytes) in files {
        assert_eq!(decode(bytes, &limits).unwrap().image, expected, "{name}");
    }
}

#[test]
fn planes_tiles_and_reversed_bits() {
    let picture = picture();
    let raw = picture.as_raw();
    let planes: Vec<u8> = (0..3)
        .flat_map(|c| raw.iter().skip(c).step_by(3).copied())
        .collect();
    let plane = (WIDTH * HEIGHT) as u32;
    // The offsets of the second and third plane follow from the place of the data, behind the header.
    let tags: [(u16, &[u32]); 3] = [
        (284, &[2]),
        (273, &[8, 8 + plane, 8 + 2 * plane]),
        (279, &[plane; 3]),
    ];
    assert_eq!(read(&tags, planes).unwrap(), picture);
    // Tiles of 32 × 16, padded with white.
    let (mut tiles, mut offsets) = (Vec::new(), Vec::new());
    for top in (0..HEIGHT as u32).step_by(16) {
        for left in (0..WIDTH as u32).step_by(32) {
            offsets.push(8 + tiles.len() as u32);
            for (y, x) in (0..16).flat_map(|y| (0..32).map(move |x| (top + y, left + x))) {
                let inside = x < WIDTH as u32 && y < HEIGHT as u32;
                tiles.extend(if inside {
                    picture.get_pixel(x, y).0
                } else {
                    [255; 3]
                });
            }
        }
    }
    let lengths = vec![32 * 16 * 3; offsets.len()];
    let tags: [(u16, &[u32]); 4] = [(322, &[32]), (323, &[16]), (324, &offsets), (325, &lengths)];
    assert_eq!(read(&tags, tiles).unwrap(), picture);
    let reversed = raw.iter().map(|byte| byte.reverse_bits()).collect();
    assert_eq!(read(&[(266, &[2])], reversed).unwrap(), picture);
}

#[test]
fn jpeg_with_tables_of_its_own_or_shared() {
    let picture = picture();
    let whole = jpeg(&picture, 90);
    let expected = decode(&whole, &DecodeLimits::default()).unwrap().image;
    let expected = RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, expected.into_rgb()).unwrap();
    let tags: [(u16, &[u32]); 2] = [(259, &[7]), (262, &[6])];
    assert_eq!(read(&tags, whole.clone()).unwrap(), expected);
    // Without its end marker.
    assert_eq!(
        read(&tags, whole[..whole.len() - 2].to_vec()).unwrap(),
        expected
    );
    assert!(read(&tags, whole[..whole.len() / 2].to_vec()).is_err());
    // The tables of quantisation and of codes go into a tag.
    let (mut tables, mut rest) = (whole[..2].to_vec(), whole[..2].to_vec());
    let mut at = 2;
    while whole[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]])) + 2;
        let segment = &whole[at..at + length];
        match segment[1] {
            0xdb | 0xc4 => tables.extend(segment),
            0xe0..=0xef => {}
            _ => rest.extend(segment),
        }
        at += length;
    }
    tables.extend([0xff, 0xd9]);
    rest.extend(&whole[at..]);
    // The tables stand behind the header, and the strip behind them.
    let begin = 8 + tables.len() as u32;
    let mut bytes = tiff(&[directory(
        &[
            (259, &[7]),
            (262, &[6]),
            (273, &[begin]),
            (279, &[rest.len() as u32]),
            (347, &[8, tables.len() as u32]),
        ],
        [&tables[..], &rest].concat(),
    )]);
    as_bytes(&mut bytes, 347, 8, tables.len() as u32);
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!(image.rgb(), expected.as_raw());
}

/// Makes an entry one of bytes at an offset.
fn as_bytes(file: &mut [u8], tag: u16, offset: u32, count: u32) {
    let key = [&tag.to_le_bytes()[..], &[4, 0]].concat();
    let at = file.windows(4).rposition(|window| window == key).unwrap();
    file[at + 2] = 7;
    file[at + 4..at + 8].copy_from_slice(&count.to_le_bytes());
    file[at + 8..at + 12].copy_from_slice(&offset.to_le_bytes());
}

#[test]
fn numbers_of_every_kind() {
    let (samples, shown) = grey();
    let half = |v: u8| match v {
        0 => 0_u16,
        v => {
            // Of v / 256: the highest bit and those below it.
            let high = 7 - v.leading_zeros() as u16;
            (high + 7) << 10 | ((u16::from(v) << (10 - high)) & 1023)
        }
    };
    let f32s = |scale: f32| {
        samples
            .iter()
            .flat_map(|v| (f32::from(*v) * scale).to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let f64s = samples
        .iter()
        .flat_map(|v| (f64::from(*v) / 255.0).to_le_bytes())
        .collect();
    let f16s = samples
        .iter()
        .flat_map(|v| half(*v).to_le_bytes())
        .collect();
    let u32s = samples
        .iter()
        .flat_map(|v| (u32::from(*v) * 0x0101_0101).to_le_bytes())
        .collect();
    let i16s = samples
        .iter()
        .flat_map(|v| (i16::from(*v) * 9 - 1000).to_le_bytes())
        .collect();
    for (kind, bits, data, bound) in [
        (3, 16, f16s, 1),
        (3, 32, f32s(1.0 / 255.0), 0),
        (3, 32, f32s(1.0), 0),
        (3, 32, f32s(257.0), 0),
        (3, 64, f64s, 0),
        (1, 32, u32s, 0),
        (2, 16, i16s, 1),
    ] {
        let got = read_grey(&[(258, &[bits]), (339, &[kind])], data).unwrap();
        // Those with a sign are shown over the range that they use.
        let (least, most) = (samples.iter().min().unwrap(), samples.iter().max().unwrap());
        let stretched =
            |v: u8| (f32::from(v - least) * 255.0 / f32::from(most - least)).round() as u8;
        let shown = match kind {
            2 => RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
                Rgb(shown.get_pixel(x, y).0.map(stretched))
            }),
            _ => shown.clone(),
        };
        assert!(
            worst(&got, &shown) <= bound,
            "{kind} {bits}: {}",
            worst(&got, &shown)
        );
    }
}

#[test]
fn a_reduced_picture_is_never_the_picture() {
    let picture = picture();
    let small = textured(26, 20, 4);
    let reduced = || TiffDirectory::rgb(&small).with(254, 1);
    let full = TiffDirectory::rgb(&picture);
    let mut above = reduced();
    above.below = Some(Box::new(full.clone()));
    for (name, file) in [
        ("first", tiff(&[reduced(), full.clone()])),
        ("above", tiff(&[above])),
        (
            "mask",
            tiff(&[TiffDirectory::rgb(&small).with(254, 4), full]),
        ),
    ] {
        let decoded = decode(&file, &DecodeLimits::default()).unwrap();
        assert_eq!(decoded.image.rgb(), picture.as_raw(), "{name}");
        assert_eq!(decoded.pages, 1, "{name}");
    }
}

/// A small file of each way to decode.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let rgb = picture().into_raw();
    let (samples, _) = grey();
    let map: Vec<u32> = (0..768).collect();
    let wide: Vec<u8> = rgb.iter().flat_map(|v| [0, *v]).collect();
    let floats: Vec<u8> = samples
        .iter()
        .flat_map(|v| f32::from(*v).to_le_bytes())
        .collect();
    let zstd =
        ruzstd::encoding::compress_to_vec(&rgb[..], ruzstd::encoding::CompressionLevel::Fastest);
    let lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(&rgb);
    let grey = |tags: &[(u16, &[u32])], data: &[u8]| {
        let own = GREY
            .iter()
            .filter(|(tag, _)| tags.iter().all(|(t, _)| t != tag));
        directory(&own.chain(tags).copied().collect::<Vec<_>>(), data.to_vec())
    };
    let files = [
        grey(&[(262, &[3]), (320, &map)], &samples),
        grey(
            &[(258, &[12])],
            &packed(&vec![900; WIDTH * HEIGHT], 12, WIDTH),
        ),
        grey(&[(258, &[32]), (339, &[3])], &floats),
        grey(
            &[(258, &[32]), (339, &[3]), (317, &[3]), (259, &[8])],
            &zlib(&floats),
        ),
        directory(&[(259, &[5]), (317, &[2])], lzw.unwrap()),
        directory(
            &[(259, &[8]), (317, &[2]), (322, &[32]), (323, &[16])],
            zlib(&rgb),
        ),
        directory(&[(259, &[50_000])], zstd),
        directory(&[(259, &[7]), (262, &[6])], jpeg(&picture(), 60)),
        directory(&[(262, &[6]), (530, &[2, 1])], rgb.clone()),
        directory(&[(262, &[8]), (258, &[16; 3])], wide),
        directory(
            &[(262, &[5]), (258, &[8; 4]), (277, &[4])],
            [&rgb[..], &rgb].concat(),
        ),
        directory(&[(258, &[5, 6, 5])], rgb),
    ];
    let files = files.into_iter().map(|file| tiff(&[file]));
    let fax: [&[u8]; 3] = [
        include_bytes!("files/group3_2d.tif"),
        include_bytes!("files/run_lengths.tif"),
        include_bytes!("files/group4.tif"),
    ];
    files.chain(fax.map(<[u8]>::to_vec)).collect()
}
