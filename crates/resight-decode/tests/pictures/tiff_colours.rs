//! The colour spaces of TIFF.

use image::{Rgb, RgbImage};

use crate::tiff::{HEIGHT, WIDTH, packed, picture, read, read_grey, worst, zlib};

#[test]
fn other_colours() {
    let picture = picture();
    let cmyk: Vec<u8> = picture
        .pixels()
        .flat_map(|p| [255 - p.0[0], 255 - p.0[1], 255 - p.0[2], 0])
        .collect();
    let tags: [(u16, &[u32]); 3] = [(258, &[8; 4]), (262, &[5]), (277, &[4])];
    assert_eq!(read(&tags, cmyk).unwrap(), picture);
    // Colours of 2 × 2 pixels, of which the picture is made.
    let coarse = RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        *picture.get_pixel(x / 2, y / 2)
    });
    let ycc = |[r, g, b]: [u8; 3]| {
        let [r, g, b] = [r, g, b].map(f32::from);
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        [y, 128.0 + (b - y) / 1.772, 128.0 + (r - y) / 1.402].map(|v| v.round() as u8)
    };
    let mut blocks = Vec::new();
    for (y, x) in (0..HEIGHT as u32 / 2).flat_map(|y| (0..WIDTH as u32 / 2).map(move |x| (y, x))) {
        let [luma, cb, cr] = ycc(coarse.get_pixel(2 * x, 2 * y).0);
        blocks.extend([luma, luma, luma, luma, cb, cr]);
    }
    for data in [blocks.clone(), zlib(&blocks)] {
        let method = if data == blocks { 1 } else { 8 };
        let tags: [(u16, &[u32]); 3] = [(259, &[method]), (262, &[6]), (530, &[2, 2])];
        assert!(worst(&read(&tags, data).unwrap(), &coarse) <= 3);
    }
    // L*a*b*: white, mid grey and red, with and without a sign, of 8 and of 16 bits.
    let lab = |pixels: [[u8; 3]; 3]| {
        (0..WIDTH * HEIGHT)
            .flat_map(move |i| pixels[i % 3])
            .collect::<Vec<u8>>()
    };
    let signed = lab([[255, 0, 0], [137, 0, 0], [138, 81, 70]]);
    let shifted = lab([[255, 128, 128], [137, 128, 128], [138, 209, 198]]);
    let wide = signed.iter().flat_map(|v| [0, *v]).collect::<Vec<u8>>();
    for (photometric, bits, data) in [(8, 8, signed), (9, 8, shifted), (8, 16, wide)] {
        let tags: [(u16, &[u32]); 2] = [(258, &[bits; 3]), (262, &[photometric])];
        let got = read(&tags, data).unwrap();
        for (x, expected) in [[255_u8; 3], [128; 3], [255, 0, 0]].into_iter().enumerate() {
            let pixel = got.get_pixel(x as u32, 0).0;
            let apart = pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
            assert!(
                apart <= Some(4),
                "{photometric} {bits}: {pixel:?} {expected:?}"
            );
        }
    }
}

#[test]
fn palettes_of_every_depth() {
    for bits in [1, 2, 4, 8, 16] {
        let count = 1_usize << bits;
        let colour = |i: usize| [i * 37 % 256, i * 91 % 256, i * 151 % 256].map(|v| v as u8);
        let indices: Vec<u32> = (0..WIDTH * HEIGHT)
            .map(|i| (i * 7 % count) as u32)
            .collect();
        let expected = RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
            Rgb(colour(indices[y as usize * WIDTH + x as usize] as usize))
        });
        for scale in [1, 257] {
            let value = |channel| (0..count).map(move |i| u32::from(colour(i)[channel]) * scale);
            let map: Vec<u32> = value(0).chain(value(1)).chain(value(2)).collect();
            let data = match bits {
                16 => indices
                    .iter()
                    .flat_map(|i| (*i as u16).to_le_bytes())
                    .collect(),
                _ => packed(&indices, bits, WIDTH),
            };
            let tags: [(u16, &[u32]); 3] = [(258, &[bits]), (262, &[3]), (320, &map)];
            assert_eq!(read_grey(&tags, data).unwrap(), expected, "{bits} {scale}");
        }
    }
}
