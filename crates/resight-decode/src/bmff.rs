//! Reads what a plain AVIF picture needs from its HEIF container (ISO/IEC 23008-12): the primary
//! item's bytes and the properties that change how it is shown.
//!
//! Not read: grids and other derived items, and auxiliary items such as alpha. `avif_sequence.rs` reads tracks.

use image::metadata::Orientation;

use crate::refused::Refused;

/// The primary item of a file.
#[derive(Debug)]
pub(crate) struct Primary {
    /// The coded picture, its extents joined.
    pub(crate) data: Vec<u8>,
    /// Width and height that the container announces.
    pub(crate) announced: Option<(u32, u32)>,
    /// Colour description. Without one the coded picture's own applies.
    pub(crate) nclx: Option<Nclx>,
    /// Rotations and mirrorings in the order of application, at most four.
    pub(crate) transforms: Vec<Orientation>,
}

/// The fields of a colour description that matter for YUV to RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nclx {
    /// Matrix coefficients as numbered by ITU-T H.273.
    pub(crate) matrix: u16,
    /// Whether samples use the whole range of values.
    pub(crate) full_range: bool,
}

/// Reads the primary item of `file`.
///
/// # Errors
/// [`crate::RefusedCode::Broken`] when the boxes do not fit together,
/// [`crate::RefusedCode::FormatNotSupported`] for what this module does not read.
pub(crate) fn primary(file: &[u8]) -> Result<Primary, Refused> {
    let meta = find(file, b"meta")
        .ok_or_else(|| Refused::not_supported("this AVIF holds a video and no still picture"))?;
    // A full box: four bytes of version and flags come before its children.
    let meta = meta.get(4..).ok_or_else(damaged)?;
    let (version, mut pitm) = full_box(meta, b"pitm")?;
    let id = pitm.item_id(version > 0)?;
    let kind = item_type(meta, id)?;
    if kind != *b"av01" {
        let kind = kind.escape_ascii().to_string();
        return Err(Refused::not_supported(format!(
            "this AVIF is put together from parts (\"{kind}\"), which is not supported; convert to JPEG or PNG"
        )));
    }
    let mut item = Primary {
        data: item_data(file, meta, id)?,
        announced: None,
        nclx: None,
        transforms: Vec::new(),
    };
    properties(meta, id, &mut item)?;
    Ok(item)
}

/// Frames of the longest track; `None` for a file without one (ISO/IEC 14496-12, 8.7.3).
pub(crate) fn frames(file: &[u8]) -> Option<u32> {
    let mut moov = Reader(find(file, b"moov")?);
    let tracks = std::iter::from_fn(|| moov.next_box()).filter(|(kind, _)| kind == b"trak");
    let counts = tracks.filter_map(|(_, track)| {
        let path = [b"mdia", b"minf", b"stbl"];
        let table = path
            .iter()
            .try_fold(track, |within, kind| find(within, kind))?;
        let (_, mut sizes) = full_box(table, b"stsz").ok()?;
        let of_each = sizes.number(4).ok()?;
        let count = sizes.number(4).ok()?;
        // Without one size for all of them, each has its own in the table.
        let listed = sizes.0.len() as u64 / 4;
        Some(if of_each == 0 {
            count.min(listed)
        } else {
            count.min(file.len() as u64)
        })
    });
    counts.max().and_then(|count| u32::try_from(count).ok())
}

fn damaged() -> Refused {
    Refused::broken("the AVIF container is damaged")
}

/// A big-endian reader. Reading past the end is an error.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Refused> {
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(head)
    }

    /// An unsigned number of `count` bytes, 0 to 8.
    pub(crate) fn number(&mut self, count: usize) -> Result<u64, Refused> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn item_id(&mut self, wide: bool) -> Result<u64, Refused> {
        self.number(if wide { 4 } else { 2 })
    }

    /// Type and content of the next box. `None` at the end and where a box is malformed.
    pub(crate) fn next_box(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let all = self.0;
        let size = self.number(4).ok()?;
        let kind = *self.take(4).ok()?.first_chunk()?;
        let size = match size {
            0 => all.len() as u64,
            1 => self.number(8).ok()?,
            size => size,
        };
        let header = all.len() - self.0.len();
        let content = usize::try_from(size).ok()?.checked_sub(header)?;
        // Of a truncated file the beginning of the last box is still usable.
        let content = self.take(content.min(self.0.len())).ok()?;
        Some((kind, content))
    }
}

/// The content of the first box of type `kind`.
pub(crate) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(|| reader.next_box())
        .find_map(|(k, content)| (k == *kind).then_some(content))
}

/// Version of a full box, and a reader positioned after its version and flags.
pub(crate) fn full_box<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<(u8, Reader<'a>), Refused> {
    let mut reader = Reader(find(bytes, kind).ok_or_else(damaged)?);
    let version = reader.take(4)?[0];
    Ok((version, reader))
}

fn item_type(meta: &[u8], id: u64) -> Result<[u8; 4], Refused> {
    let (version, mut iinf) = full_box(meta, b"iinf")?;
    iinf.number(if version == 0 { 2 } else { 4 })?;
    while let Some((kind, content)) = iinf.next_box() {
        let mut infe = Reader(content);
        if kind != *b"infe" {
            continue;
        }
        let version = infe.take(4)?[0];
        if version < 2 || infe.item_id(version > 2)? != id {
            continue;
        }
        infe.take(2)?;
        return infe.take(4)?.first_chunk().copied().ok_or_else(damaged);
    }
    Err(damaged())
}

fn item_data(file: &[u8], meta: &[u8], id: u64) -> Result<Vec<u8>, Refused> {
    let (version, mut iloc) = full_box(meta, b"iloc")?;
    let sizes = iloc.take(2)?;
    let nibble = |byte: u8| match byte {
        0 | 4 | 8 => Ok(usize::from(byte)),
        _ => Err(damaged()),
    };
    let offset_size = nibble(sizes[0] >> 4)?;
    let length_size = nibble(sizes[0] & 15)?;
    let base_size = nibble(sizes[1] >> 4)?;
    let index_size = if version == 0 {
        0
    } else {
        nibble(sizes[1] & 15)?
    };
    let items = iloc.item_id(version > 1)?;
    for _ in 0..items {
        let this = iloc.item_id(version > 1)?;
        let method = if version == 0 {
            0
        } else {
            iloc.number(2)? & 15
        };
        iloc.take(2)?;
        let base = iloc.number(base_size)?;
        let extents = iloc.number(2)?;
        let source = match method {
            0 => file,
            1 => find(meta, b"idat").unwrap_or_default(),
            _ => &[],
        };
        let mut data = Vec::new();
        for _ in 0..extents {
            iloc.take(index_size)?;
            let offset = iloc.number(offset_size)?;
            let length = iloc.number(length_size)?;
            if this != id {
                continue;
            }
            let start = base.checked_add(offset).ok_or_else(damaged)?;
            let start = usize::try_from(start).map_err(|_| damaged())?;
            let rest = source.get(start..).ok_or_else(ends_early)?;
            // A length of zero means everything that follows.
            let length = match usize::try_from(length).map_err(|_| damaged())? {
                0 => rest.len(),
                length => length,
            };
            data.extend_from_slice(rest.get(..length).ok_or_else(ends_early)?);
            // Extents may overlap; without this bound a small file could allocate much memory.
            if data.len() > file.len() {
                return Err(damaged());
            }
        }
        if this == id {
            return Ok(data);
        }
    }
    Err(damaged())
}

fn ends_early() -> Refused {
    Refused::broken("the AVIF data ends early")
}

fn properties(meta: &[u8], id: u64, item: &mut Primary) -> Result<(), Refused> {
    let Some(iprp) = find(meta, b"iprp") else {
        return Ok(());
    };
    let mut ipco = Reader(find(iprp, b"ipco").ok_or_else(damaged)?);
    let known: Vec<_> = std::iter::from_fn(|| ipco.next_box()).collect();
    let mut reader = Reader(iprp);
    while let Some((kind, content)) = reader.next_box() {
        if kind != *b"ipma" {
            continue;
        }
        let mut ipma = Reader(content);
        let head = ipma.take(4)?;
        let (version, wide_index) = (head[0], head[3] & 1 == 1);
        let entries = ipma.number(4)?;
        for _ in 0..entries {
            let this = ipma.item_id(version > 0)?;
            let count = ipma.number(1)?;
            for _ in 0..count {
                // The top bit marks a property as essential.
                let index = if wide_index {
                    ipma.number(2)? & 0x7fff
                } else {
                    ipma.number(1)? & 0x7f
                };
                let property = (index as usize).checked_sub(1).and_then(|i| known.get(i));
                if let (true, Some((kind, content))) = (this == id, property) {
                    property_of(*kind, content, item)?;
                }
            }
        }
    }
    Ok(())
}

/// The colour description in a box `colr`, if it has one of numbers.
pub(crate) fn nclx_of(content: &[u8]) -> Option<Nclx> {
    let mut reader = Reader(content.strip_prefix(b"nclx")?);
    reader.take(4).ok()?;
    Some(Nclx {
        matrix: reader.number(2).ok()? as u16,
        full_range: reader.number(1).ok()? & 0x80 != 0,
    })
}

/// Whether a file has a still picture.
pub(crate) fn has_still(file: &[u8]) -> bool {
    find(file, b"meta").is_some()
}

fn property_of(kind: [u8; 4], content: &[u8], item: &mut Primary) -> Result<(), Refused> {
    let mut reader = Reader(content);
    match &kind {
        b"ispe" => {
            reader.take(4)?;
            let (width, height) = (reader.number(4)? as u32, reader.number(4)? as u32);
            item.announced = Some((width, height));
        }
        b"colr" if content.starts_with(b"nclx") => {
            item.nclx = Some(nclx_of(content).ok_or_else(damaged)?);
        }
        b"irot" => {
            // Quarter turns against the clock.
            let turn = match reader.number(1)? & 3 {
                0 => Orientation::NoTransforms,
                1 => Orientation::Rotate270,
                2 => Orientation::Rotate180,
                _ => Orientation::Rotate90,
            };
            item.transforms.push(turn);
        }
        b"imir" => item.transforms.push(match reader.number(1)? & 1 {
            0 => Orientation::FlipVertical,
            _ => Orientation::FlipHorizontal,
        }),
        _ => {}
    }
    // The standard allows one of each; more would only take time.
    if item.transforms.len() > 4 {
        return Err(damaged());
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::refused::RefusedCode;

    fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let size = content.len() as u32 + 8;
        [&size.to_be_bytes()[..], kind, &content].concat()
    }

    fn full(kind: &[u8; 4], version: u8, parts: &[&[u8]]) -> Vec<u8> {
        boxed(kind, &[&[version, 0, 0, 0], &parts.concat()])
    }

    /// A file whose primary item 1 is of type `item` and has these `properties`. Its data is found by
    /// `extents` (offset, length) in the file (`method` 0) or in the box `idat` (1), which holds `abcdef`.
    fn file(item: &[u8; 4], method: u8, extents: &[[u8; 2]], properties: &[Vec<u8>]) -> Vec<u8> {
        let pitm = full(b"pitm", 0, &[&[0, 1]]);
        let infe = full(b"infe", 2, &[&[0, 1, 0, 0], item]);
        let iinf = full(b"iinf", 0, &[&[0, 1], &infe]);
        let mut entry = vec![0, 1, 0, method, 0, 0, 0, extents.len() as u8];
        for [offset, length] in extents {
            entry.extend([0, 0, 0, *offset, 0, 0, 0, *length]);
        }
        let iloc = full(b"iloc", 1, &[&[0x44, 0, 0, 1], &entry]);
        let indices: Vec<u8> = (1..=properties.len() as u8).collect();
        let ipma = [0, 0, 0, 1, 0, 1, properties.len() as u8];
        let ipma = full(b"ipma", 0, &[&ipma, &indices]);
        let iprp = boxed(b"iprp", &[&boxed(b"ipco", &[&properties.concat()]), &ipma]);
        let idat = boxed(b"idat", &[b"abcdef"]);
        full(b"meta", 0, &[&pitm, &iinf, &iloc, &iprp, &idat])
    }

    /// Containers of several forms.
    pub(crate) fn corpus() -> Vec<Vec<u8>> {
        let properties = [
            full(b"ispe", 0, &[&[0, 0, 1, 0, 0, 0, 0, 9]]),
            boxed(b"colr", &[b"nclx", &[0, 1, 0, 13, 0, 9, 0x80]]),
            boxed(b"irot", &[&[1]]),
            boxed(b"imir", &[&[1]]),
        ];
        vec![
            file(b"av01", 1, &[[0, 3]], &[]),
            file(b"av01", 1, &[[4, 2], [0, 2]], &properties),
            file(b"av01", 0, &[[4, 4]], &properties[..2]),
            file(b"grid", 1, &[[0, 6]], &properties),
        ]
    }

    #[test]
    fn extents_of_the_primary_item_are_joined() {
        let cases: [(&[[u8; 2]], &str); 3] = [
            (&[[0, 3]], "abc"),
            (&[[4, 2], [0, 2]], "efab"),
            (&[[2, 0]], "cdef"),
        ];
        for (extents, expected) in cases {
            let item = primary(&file(b"av01", 1, extents, &[])).unwrap();
            assert_eq!(item.data, expected.as_bytes(), "{extents:?}");
        }
        for outside in [[2, 5], [7, 1]] {
            let refused = primary(&file(b"av01", 1, &[outside], &[])).unwrap_err();
            assert_eq!(refused.code, RefusedCode::Broken, "{outside:?}");
        }
        let bytes = file(b"av01", 0, &[[4, 4]], &[]);
        assert_eq!(primary(&bytes).unwrap().data, b"meta");
    }

    #[test]
    fn overlapping_extents_cannot_outgrow_the_file() {
        let refused = primary(&file(b"av01", 0, &[[0, 250]; 200], &[])).unwrap_err();
        assert_eq!(refused.code, RefusedCode::Broken);
    }

    #[test]
    fn properties_are_read_in_order() {
        let properties = [
            full(b"ispe", 0, &[&[0, 0, 1, 0, 0, 0, 0, 9]]),
            boxed(b"colr", &[b"nclx", &[0, 1, 0, 13, 0, 9, 0x80]]),
            boxed(b"irot", &[&[1]]),
            boxed(b"imir", &[&[1]]),
            boxed(b"free", &[&[7]]),
        ];
        let item = primary(&file(b"av01", 1, &[[0, 6]], &properties)).unwrap();
        assert_eq!(item.announced, Some((256, 9)));
        let nclx = Nclx {
            matrix: 9,
            full_range: true,
        };
        assert_eq!(item.nclx, Some(nclx));
        let turned = [Orientation::Rotate270, Orientation::FlipHorizontal];
        assert_eq!(item.transforms, turned);
    }

    #[test]
    fn rotations_and_mirrorings_have_the_meaning_of_the_standard() {
        use Orientation::{FlipHorizontal, FlipVertical, NoTransforms};
        use Orientation::{Rotate90, Rotate180, Rotate270};
        let cases = [
            (b"irot", 0, NoTransforms),
            (b"irot", 1, Rotate270),
            (b"irot", 2, Rotate180),
            (b"irot", 3, Rotate90),
            (b"imir", 0, FlipVertical),
            (b"imir", 1, FlipHorizontal),
        ];
        for (kind, value, expected) in cases {
            let property = boxed(kind, &[&[value]]);
            let item = primary(&file(b"av01", 1, &[[0, 6]], &[property])).unwrap();
            assert_eq!(item.transforms, [expected], "{kind:?} {value}");
        }
        let many = vec![boxed(b"irot", &[&[1]]); 5];
        let refused = primary(&file(b"av01", 1, &[[0, 6]], &many)).unwrap_err();
        assert_eq!(refused.code, RefusedCode::Broken);
    }

    #[test]
    fn videos_and_derived_items_are_refused_by_name() {
        let grid = primary(&file(b"grid", 1, &[[0, 6]], &[])).unwrap_err();
        assert_eq!(grid.code, RefusedCode::FormatNotSupported);
        assert!(grid.detail.contains("\"grid\""), "{grid}");
        let video = primary(&boxed(b"moov", &[])).unwrap_err();
        assert_eq!(video.code, RefusedCode::FormatNotSupported);
    }

    #[test]
    fn a_truncated_container_is_refused() {
        let whole = file(b"av01", 1, &[[0, 6]], &[boxed(b"irot", &[&[1]])]);
        for length in 0..whole.len() {
            assert!(primary(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
