//! The part of the HEIF container (ISO/IEC 23008-12) that a plain AVIF picture needs: the
//! primary item's bytes and the properties that change how it is shown.
//!
//! Not here: grids and other derived items, sequences without a primary item, and auxiliary
//! items such as alpha.

use image::metadata::Orientation;

use crate::Refused;

/// The primary item of a file.
#[derive(Debug)]
pub(crate) struct Primary {
    /// The coded picture, its extents joined.
    pub(crate) data: Vec<u8>,
    /// Width and height that the container announces.
    pub(crate) announced: Option<(u32, u32)>,
    /// Colour description; the coded picture's own counts when absent.
    pub(crate) nclx: Option<Nclx>,
    /// Rotations and mirrorings in the order they are applied; four at most.
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
/// Broken when the boxes do not fit together, format-not-supported for what is left out above.
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

fn damaged() -> Refused {
    Refused::broken("the AVIF container is damaged")
}

/// A big-endian reader that fails at the end of its bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refused> {
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(head)
    }

    /// An unsigned number of `count` bytes, 0 to 8.
    fn number(&mut self, count: usize) -> Result<u64, Refused> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn item_id(&mut self, wide: bool) -> Result<u64, Refused> {
        self.number(if wide { 4 } else { 2 })
    }

    /// The next box: its type and content. `None` at the end or where the bytes make no sense.
    fn next_box(&mut self) -> Option<([u8; 4], &'a [u8])> {
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
        // A file cut short still has a usable beginning of its last box.
        let content = self.take(content.min(self.0.len())).ok()?;
        Some((kind, content))
    }
}

/// The content of the first box of type `kind`.
fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(|| reader.next_box())
        .find_map(|(k, content)| (k == *kind).then_some(content))
}

/// The version of a full box and a reader behind its version and flags.
fn full_box<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<(u8, Reader<'a>), Refused> {
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
            // Extents may overlap; without this a small file could ask for much memory.
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

fn property_of(kind: [u8; 4], content: &[u8], item: &mut Primary) -> Result<(), Refused> {
    let mut reader = Reader(content);
    match &kind {
        b"ispe" => {
            reader.take(4)?;
            let (width, height) = (reader.number(4)? as u32, reader.number(4)? as u32);
            item.announced = Some((width, height));
        }
        b"colr" if reader.take(4)? == b"nclx" => {
            reader.take(4)?;
            item.nclx = Some(Nclx {
                matrix: reader.number(2)? as u16,
                full_range: reader.number(1)? & 0x80 != 0,
            });
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
    // The standard allows one of each; a long list would only cost time.
    if item.transforms.len() > 4 {
        return Err(damaged());
    }
    Ok(())
}
