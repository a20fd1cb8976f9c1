//! JPEGs that end early, or have no end marker, or something in its place.

use image::ImageFormat;
use resight_decode::{DecodeLimits, RefusedCode, decode};
use resight_test_support::{encode, textured};
use resight_vision::Image;

pub(crate) const FILES: [(&str, &[u8]); 4] = [
    ("grey", include_bytes!("files/grey.jpg")),
    ("restarts", include_bytes!("files/restarts.jpg")),
    ("progressive", include_bytes!("files/progressive.jpg")),
    (
        "progressive restarts",
        include_bytes!("files/progressive_restarts.jpg"),
    ),
];

fn difference(a: &Image, b: &Image) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.rgb().iter().zip(b.rgb());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb().len() as f64
}

fn is_broken(bytes: &[u8]) -> bool {
    match decode(bytes, &DecodeLimits::default()) {
        Ok(_) => false,
        Err(refused) => {
            assert_eq!(refused.code, RefusedCode::Broken, "{refused}");
            true
        }
    }
}

#[test]
fn the_end_marker_may_be_missing() {
    let limits = DecodeLimits::default();
    let own = encode(&textured(200, 160, 3), ImageFormat::Jpeg);
    for (name, bytes) in FILES.into_iter().chain([("own", &own[..])]) {
        let whole = decode(bytes, &limits).unwrap().image;
        let unmarked = &bytes[..bytes.len() - 2];
        let end = [0xff, 0xd9];
        for behind in [
            &[][..],
            &[0],
            &[0; 512],
            &[0xff],
            &[0xff; 16],
            b"\r\n",
            b"\0\0\0\0junk of another file\xff\x10 and more of it",
            &[0xff, 0xff, 0xd9],
            &[&end, &[0; 700][..]].concat(),
            &[&end, bytes].concat(),
        ] {
            let changed = [unmarked, behind].concat();
            let read = decode(&changed, &limits);
            let read = read.unwrap_or_else(|refused| panic!("{name} {behind:?}: {refused}"));
            let differs = difference(&whole, &read.image);
            // The last scan of a progressive picture refines it and may lose its last bits.
            assert!(differs < 0.1, "{name} {behind:?}: {differs}");
        }
    }
}

#[test]
fn a_picture_without_its_last_rows_is_broken() {
    for (name, bytes) in &FILES[..2] {
        for percent in [40, 60, 80] {
            let cut = &bytes[..bytes.len() * percent / 100];
            assert!(is_broken(cut), "{name} {percent}");
            assert!(
                is_broken(&[cut, &[0; 4000]].concat()),
                "{name} {percent}, zeros"
            );
            assert!(
                is_broken(&[cut, &[0xff; 400]].concat()),
                "{name} {percent}, ones"
            );
            assert!(
                is_broken(&[cut, &[0xff, 0xd9]].concat()),
                "{name} {percent}, marked"
            );
        }
    }
}

#[test]
fn a_progressive_picture_needs_its_first_scan() {
    let limits = DecodeLimits::default();
    for (name, bytes) in &FILES[2..] {
        let whole = decode(bytes, &limits).unwrap().image;
        let scans: Vec<usize> = bytes
            .windows(2)
            .enumerate()
            .filter_map(|(at, pair)| (pair == [0xff, 0xda]).then_some(at))
            .collect();
        assert!(is_broken(&bytes[..(scans[0] + scans[1]) / 2]), "{name}");
        // Coarse, but all of it; with each scan and each part of one it gets nearer.
        let mut least = 40.0;
        for &at in &scans[1..] {
            for zeros in [0, 100] {
                let cut = [&bytes[..at], &vec![0; zeros]].concat();
                let differs = difference(&whole, &decode(&cut, &limits).unwrap().image);
                assert!(
                    differs < least + 0.5,
                    "{name} {at} {zeros}: {differs} {least}"
                );
                least = differs.min(least);
            }
        }
        for at in (scans[1]..bytes.len()).step_by(97) {
            let differs = difference(&whole, &decode(&bytes[..at], &limits).unwrap().image);
            assert!(differs < 40.0, "{name} {at}: {differs}");
        }
    }
}

#[test]
fn damage_before_a_restart_costs_no_rows() {
    let (_, bytes) = FILES[1];
    let mut changed = bytes.to_vec();
    let scan = bytes
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap();
    changed[scan + 200] ^= 0x55;
    assert!(!is_broken(&changed));
    assert!(!is_broken(&changed[..changed.len() - 2]));
}
