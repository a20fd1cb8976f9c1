use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use resight_test_support::textured;

use super::*;

/// A baseline JPEG of 4:4:4, as `image` writes them.
fn baseline(width: u32, height: u32) -> Vec<u8> {
    let picture: RgbImage = textured(width, height, 7);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 80)
        .encode(&picture, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

#[test]
fn only_a_scan_without_its_last_rows_is_cut() {
    let whole = baseline(96, 200);
    assert_eq!(reach(&whole), Reach::AllRows(End::Marked));
    let unmarked = whole.len() - 2;
    let expected = Reach::AllRows(End::Unmarked(unmarked));
    assert_eq!(reach(&whole[..unmarked]), expected);
    for behind in [&[0; 2][..], &[0; 5000], b"\xff", b"junk of another file"] {
        let bytes = [&whole[..unmarked], behind].concat();
        assert_eq!(reach(&bytes), expected, "{behind:?}");
    }
    let mut cut = 0;
    for end in 3..unmarked {
        let zeros = [&whole[..end], &[0; 900]].concat();
        let marked = [&whole[..end], &[0xff, END]].concat();
        for bytes in [&whole[..end], &zeros, &marked] {
            match reach(bytes) {
                Reach::AllRows(_) => assert!(end > whole.len() * 9 / 10, "cut at {end}"),
                Reach::Cut => cut += 1,
                Reach::Unknown { .. } => assert!(end < 700, "cut at {end}"),
            }
        }
    }
    assert!(cut > 2 * unmarked, "{cut}");
}

#[test]
fn a_thumbnails_end_does_not_count() {
    let whole = baseline(40, 40);
    let thumbnail = [
        &whole[..2],
        &[0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, END],
        &whole[2..],
    ]
    .concat();
    assert_eq!(reach(&thumbnail), Reach::AllRows(End::Marked));
    let half = &thumbnail[..thumbnail.len() * 3 / 4];
    assert_eq!(reach(half), Reach::Cut);
}

#[test]
fn a_small_picture_has_all_its_blocks() {
    let whole = baseline(64, 24);
    let cut = &whole[..whole.len() - 60];
    assert_eq!(reach(cut), Reach::Cut);
}

#[test]
fn codes_of_every_length_are_found() {
    // One code of each length, of ones and a zero at the end.
    let symbols: Vec<u8> = (0..16).collect();
    let codes = Codes::new(&[1; 16], &symbols).unwrap();
    for length in 1..=16_u32 {
        let next = (0xffff << (17 - length)) & 0xffff;
        assert_eq!(codes.find(next), Some((length as u8 - 1, length)));
    }
    assert_eq!(codes.find(0xffff), None);
    assert!(Codes::new(&[3; 16], &[0; 48]).is_none());
}
