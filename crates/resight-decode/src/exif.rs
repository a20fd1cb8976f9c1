//! The Exif of a file as names and values that a person reads: what the camera and the person behind it recorded.
//!
//! Source: CIPA DC-008, Exif 3.0, section 4.6, as `kamadak-exif` reads and words it.

use exif::{Exif, Field, Reader, Tag, Value};

use crate::taken::{EXIF, exif_of};
use crate::tiff::{Entry, Tiff};

/// Fields of each directory, at most.
const MOST_FIELDS: u64 = 256;
/// Bytes of a text, at most; a longer one is cut.
const MOST_BYTES: usize = 1024;
/// Characters of a value, at most; a longer one is cut.
const MOST_CHARS: usize = 300;
/// Bytes of a value of no stated kind that are still shown.
const MOST_OPAQUE: usize = 16;
/// Numbers of a value, at most: longer ones are tables for programs.
const MOST_NUMBERS: usize = 32;
/// Names, in the first directory, the one of where the picture was taken.
const GPS: u16 = 0x8825;
/// What leads to other parts of the file: further directories, strips, tiles, a thumbnail.
const PLACES: [u16; 10] = [
    EXIF, GPS, 0xa005, 0x014a, 0x0111, 0x0117, 0x0144, 0x0145, 0x0201, 0x0202,
];
const MAKER_NOTE: u16 = 0x927c;
const COMMENT: u16 = 0x9286;
/// Types of values (TIFF 6.0, section 2).
const TEXT: u16 = 2;
const LONG: u16 = 4;
const OPAQUE: u16 = 7;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExifField {
    /// The name that Exif gives it, as `ExposureTime`.
    pub name: String,
    /// The value with its unit, as `1/125 s`; at most 300 characters.
    pub value: String,
}

/// The fields of a JPEG, PNG, WebP, TIFF or a raw file built like a TIFF: those of its first directory, of Exif and of the place,
/// in the order of the file and at most 256 of each; none of a file without Exif, or of another format. Left out are the fields of
/// the thumbnail, notes of the maker in a form of its own, and tables.
pub fn exif_fields(bytes: &[u8]) -> Vec<ExifField> {
    let Some(tiff) = exif_of(bytes).and_then(Tiff::open) else {
        return Vec::new();
    };
    let Ok(exif) = Reader::new().read_raw(copied(&tiff)) else {
        return Vec::new();
    };
    // Unknown tags have numbers for names.
    let known = exif
        .fields()
        .filter(|field| field.tag.description().is_some());
    known.filter_map(|field| shown(field, &exif)).collect()
}

/// A TIFF file with the fields that are shown, each with bytes of its own. In the file directories and values may overlap without
/// end, so that one of a few kilobytes could have gigabytes of values; the reader of `exif` takes them all into memory.
fn copied(tiff: &Tiff<'_>) -> Vec<u8> {
    let first = tiff.first_directory();
    let fields = |at: u64| {
        let entries = tiff.entries(at, MOST_FIELDS).into_iter();
        entries.filter_map(short).collect::<Vec<_>>()
    };
    let below = [EXIF, GPS].map(|tag| (tag, tiff.first(first, tag).map_or(Vec::new(), fields)));
    let mut copy = Copy {
        bytes: Vec::new(),
        is_big_endian: tiff.is_big_endian(),
    };
    copy.bytes.extend(match copy.is_big_endian {
        true => b"MM",
        false => b"II",
    });
    copy.put(42, 2);
    copy.put(8, 4);
    let first = fields(first);
    // Where the directory after those before begins.
    let mut next = 8 + length(&first) + 12 * below.len();
    let places = below.each_ref().map(|(tag, fields)| {
        let at = next;
        next += length(fields);
        (*tag, at)
    });
    copy.directory(&first, &places);
    for (_, fields) in &below {
        copy.directory(fields, &[]);
    }
    copy.bytes
}

/// The entry as far as it is shown.
fn short(mut entry: Entry<'_>) -> Option<Entry<'_>> {
    let is_text = entry.kind == TEXT || entry.tag == COMMENT;
    let count = entry.bytes.len() / entry.length;
    let is_short = match entry.kind {
        _ if is_text => true,
        OPAQUE => count <= MOST_OPAQUE,
        _ => count <= MOST_NUMBERS,
    };
    if is_text {
        let whole = entry.bytes.len().min(MOST_BYTES) / entry.length * entry.length;
        entry.bytes = &entry.bytes[..whole];
    }
    let is_for_people = !PLACES.contains(&entry.tag) && entry.tag != MAKER_NOTE;
    (is_short && is_for_people).then_some(entry)
}

/// Bytes of a directory with its values.
fn length(fields: &[Entry<'_>]) -> usize {
    let values = fields.iter().map(|field| field.bytes.len());
    let apart = values.filter(|length| *length > 4);
    2 + 12 * fields.len() + 4 + apart.sum::<usize>()
}

/// A TIFF file that is being written.
struct Copy {
    bytes: Vec<u8>,
    is_big_endian: bool,
}

impl Copy {
    /// Puts a number of so many bytes, which it fits.
    fn put(&mut self, number: usize, length: usize) {
        let number = (number as u64).to_be_bytes();
        let bytes = &number[8 - length..];
        match self.is_big_endian {
            true => self.bytes.extend(bytes),
            false => self.bytes.extend(bytes.iter().rev()),
        }
    }

    /// Puts a directory with its fields, and the places of others.
    fn directory(&mut self, fields: &[Entry<'_>], places: &[(u16, usize)]) {
        let count = fields.len() + places.len();
        let mut at = self.bytes.len() + 2 + 12 * count + 4;
        self.put(count, 2);
        for field in fields {
            self.put(field.tag.into(), 2);
            self.put(field.kind.into(), 2);
            self.put(field.bytes.len() / field.length, 4);
            if field.bytes.len() > 4 {
                self.put(at, 4);
                at += field.bytes.len();
            } else {
                self.bytes.extend(field.bytes);
                self.put(0, 4 - field.bytes.len());
            }
        }
        for (tag, at) in places {
            self.put((*tag).into(), 2);
            self.put(LONG.into(), 2);
            self.put(1, 4);
            self.put(*at, 4);
        }
        self.put(0, 4);
        for field in fields.iter().filter(|field| field.bytes.len() > 4) {
            self.bytes.extend(field.bytes);
        }
    }
}

fn shown(field: &Field, exif: &Exif) -> Option<ExifField> {
    let value = match (&field.value, field.tag) {
        (Value::Ascii(texts), _) => {
            let texts = texts.iter().map(|text| String::from_utf8_lossy(text));
            texts.collect::<Vec<_>>().join(" ")
        }
        (Value::Undefined(bytes, _), Tag::UserComment) => comment(bytes)?,
        _ => field.display_value().with_unit(exif).to_string(),
    };
    let value: String = value
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MOST_CHARS)
        .collect();
    let value = value.trim();
    (!value.is_empty()).then(|| ExifField {
        name: field.tag.to_string(),
        value: value.to_owned(),
    })
}

/// A comment begins with eight bytes that name its coding; others than ASCII and UTF-8 are left out.
fn comment(bytes: &[u8]) -> Option<String> {
    let text = bytes
        .strip_prefix(b"ASCII\0\0\0")
        .or_else(|| bytes.strip_prefix(&[0; 8]))?;
    // It may be cut within a letter.
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use exif::experimental::Writer;
    use exif::{In, Rational};

    use super::*;

    fn field(tag: Tag, value: Value) -> Field {
        Field {
            tag,
            ifd_num: In::PRIMARY,
            value,
        }
    }

    /// A TIFF of these fields alone, and a JPEG with it.
    fn files(fields: &[Field]) -> [Vec<u8>; 2] {
        let (mut writer, mut tiff) = (Writer::new(), Cursor::new(Vec::new()));
        for field in fields {
            writer.push_field(field);
        }
        writer.write(&mut tiff, false).unwrap();
        let tiff = tiff.into_inner();
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe1];
        jpeg.extend_from_slice(&(tiff.len() as u16 + 8).to_be_bytes());
        jpeg.extend_from_slice(b"Exif\0\0");
        jpeg.extend_from_slice(&tiff);
        jpeg.extend_from_slice(&[0xff, 0xd9]);
        [tiff, jpeg]
    }

    fn of_a_camera() -> [Vec<u8>; 2] {
        files(&[
            field(
                Tag::Make,
                Value::Ascii(vec![b"Maker\0of\x1b cameras ".to_vec()]),
            ),
            field(Tag::Orientation, Value::Short(vec![6])),
            field(
                Tag::ExposureTime,
                Value::Rational(vec![Rational { num: 1, denom: 125 }]),
            ),
            field(
                Tag::FNumber,
                Value::Rational(vec![Rational { num: 28, denom: 10 }]),
            ),
            field(Tag::MakerNote, Value::Undefined(vec![1, 2, 3], 0)),
            field(
                Tag::UserComment,
                Value::Undefined(b"ASCII\0\0\0of the door".to_vec(), 0),
            ),
            field(Tag::ImageDescription, Value::Ascii(vec![vec![b'x'; 1000]])),
        ])
    }

    #[test]
    fn fields_have_names_and_values_with_units() {
        for bytes in of_a_camera() {
            let fields = exif_fields(&bytes);
            let value = |name: &str| {
                let found = fields.iter().find(|field| field.name == name);
                found.map(|field| field.value.as_str())
            };
            assert_eq!(value("Make"), Some("Maker of cameras"));
            assert_eq!(value("ExposureTime"), Some("1/125 s"));
            assert_eq!(value("FNumber"), Some("f/2.8"));
            assert_eq!(value("UserComment"), Some("of the door"));
            assert_eq!(value("MakerNote"), None);
            assert_eq!(value("ImageDescription").map(str::len), Some(MOST_CHARS));
            assert!(value("Orientation").is_some());
        }
        assert_eq!(exif_fields(b""), []);
        assert_eq!(exif_fields(b"\xff\xd8\xff\xd9"), []);
    }

    /// Each of its entries has the same half of the file for its value: read as they are they would have hundreds of gigabytes.
    #[test]
    fn entries_that_overlap_take_no_more_than_the_file() {
        let (count, value) = (40_000_u32, 1 << 19);
        let mut tiff = b"II*\0\x08\0\0\0".to_vec();
        tiff.extend_from_slice(&(count as u16).to_le_bytes());
        let begin = 8 + 2 + 12 * count + 4;
        for _ in 0..count {
            for number in [0x010e, TEXT] {
                tiff.extend_from_slice(&number.to_le_bytes());
            }
            for number in [value, begin] {
                tiff.extend_from_slice(&number.to_le_bytes());
            }
        }
        tiff.resize((begin + value) as usize, 0);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        png.extend_from_slice(&(tiff.len() as u32).to_be_bytes());
        png.extend_from_slice(b"eXIf");
        png.extend_from_slice(&tiff);
        assert_eq!(exif_fields(&png), []);
        assert_eq!(
            copied(&Tiff::open(&tiff).unwrap()).len(),
            8 + 18 + 24 + 256 * 1036
        );
    }

    #[test]
    fn mutated_exif_is_read_as_far_as_it_goes() {
        let made = of_a_camera().to_vec();
        let reader = crate::fuzzing::exif;
        let (read, _) = resight_test_support::fuzz_reader("exif", 5000, made, reader);
        assert!(read > 0, "no changed file has a field");
    }
}
