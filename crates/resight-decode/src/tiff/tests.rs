use super::*;

/// A little-endian TIFF of directories with these tags of one LONG each.
fn file(directories: &[&[(u16, u32)]]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for (i, tags) in directories.iter().enumerate() {
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in *tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend([4, 0, 1, 0, 0, 0]);
            bytes.extend(value.to_le_bytes());
        }
        let is_last = i + 1 == directories.len();
        let next = if is_last { 0 } else { bytes.len() as u32 + 4 };
        bytes.extend(next.to_le_bytes());
    }
    bytes
}

#[test]
fn smaller_copies_and_masks_are_no_pages() {
    let bytes = file(&[
        &[(tag::NEW_SUBFILE_TYPE, 1), (tag::WIDTH, 9)],
        &[(tag::WIDTH, 90)],
        &[(tag::NEW_SUBFILE_TYPE, 4)],
        &[(tag::SUBFILE_TYPE, 2)],
        &[(tag::NEW_SUBFILE_TYPE, 2), (tag::WIDTH, 91)],
    ]);
    let tiff = Tiff::open(&bytes).unwrap();
    let widths: Vec<_> = tiff
        .pages()
        .iter()
        .map(|&at| tiff.directory(at, &mut 9_999).unwrap().value(tag::WIDTH))
        .collect();
    assert_eq!(widths, [Some(90), Some(91)]);
    let only = file(&[&[(tag::NEW_SUBFILE_TYPE, 1)]]);
    assert_eq!(Tiff::open(&only).unwrap().pages(), [8]);
}

#[test]
fn directories_that_overlap_cost_no_more_than_their_bound() {
    // Each begins within the one before, and claims as many entries as there can be.
    let number = 4_000_u32;
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.resize(8 + 2 + 12 * 65_535 + 12 * number as usize + 4, 0);
    for i in 0..number {
        let at = 8 + 12 * i as usize;
        bytes[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        let next = at + 2 + 12 * 65_535;
        bytes[next..next + 4].copy_from_slice(&(at as u32 + 12).to_le_bytes());
    }
    let all = Tiff::open(&bytes).unwrap().all();
    assert!((1..=17).contains(&all.len()), "{}", all.len());
}

#[test]
fn a_circle_of_directories_ends() {
    let mut bytes = file(&[&[(tag::WIDTH, 1)], &[(tag::WIDTH, 2)]]);
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&8_u32.to_le_bytes());
    assert_eq!(Tiff::open(&bytes).unwrap().chain().len(), 2);
}

#[test]
fn any_cut_and_any_byte_are_read_without_a_panic() {
    let whole = file(&[&[(tag::WIDTH, 1), (tag::SUB_IFDS, 8)], &[(tag::WIDTH, 2)]]);
    for at in 0..whole.len() {
        let _ = Tiff::open(&whole[..at]).map(|tiff| tiff.all());
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            let _ = Tiff::open(&changed).map(|tiff| (tiff.all(), tiff.pages()));
        }
    }
}
