//! The Exif of a file as names and values that a person reads: what the camera and the person behind it recorded.
//!
//! Source: CIPA DC-008, Exif 3.0, section 4.6, as `kamadak-exif` reads and words it.

use std::io::Cursor;

use exif::{Error, Exif, Field, In, Reader, Tag, Value};

/// Fields of one file, at most.
const MOST_FIELDS: usize = 256;
/// Characters of a value, at most; a longer one is cut.
const MOST_CHARS: usize = 300;
/// Bytes of a value of no stated kind that are still shown.
const MOST_OPAQUE: usize = 16;
/// Numbers of a value, at most: longer ones are tables for programs.
const MOST_NUMBERS: usize = 32;
/// What only programs read.
const FOR_PROGRAMS: [Tag; 4] = [
    Tag::MakerNote,
    Tag::StripOffsets,
    Tag::StripByteCounts,
    Tag::TileOffsets,
];

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExifField {
    /// The name that Exif gives it, as `ExposureTime`.
    pub name: String,
    /// The value with its unit, as `1/125 s`; at most 300 characters.
    pub value: String,
}

/// The fields of a JPEG, PNG, WebP, HEIF, AVIF, TIFF or a raw file built like a TIFF, in the order of the file and at most 256;
/// none of a file without Exif, or of another format. Of a damaged one those that can be read. Left out are the fields of the
/// thumbnail, notes of the maker in a form of its own, and tables.
pub fn exif_fields(bytes: &[u8]) -> Vec<ExifField> {
    let read = Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes));
    let exif = match read {
        Ok(exif) => exif,
        Err(Error::PartialResult(partial)) => partial.into_inner().0,
        Err(_) => return Vec::new(),
    };
    let fields = exif.fields().filter(|field| is_for_people(field));
    let fields = fields.filter_map(|field| shown(field, &exif));
    fields.take(MOST_FIELDS).collect()
}

fn is_for_people(field: &Field) -> bool {
    let is_short = match &field.value {
        Value::Undefined(bytes, _) => bytes.len() <= MOST_OPAQUE || field.tag == Tag::UserComment,
        Value::Ascii(_) => true,
        Value::Byte(numbers) => numbers.len() <= MOST_NUMBERS,
        Value::Short(numbers) => numbers.len() <= MOST_NUMBERS,
        Value::Rational(numbers) => numbers.len() <= MOST_NUMBERS,
        Value::SRational(numbers) => numbers.len() <= MOST_NUMBERS,
        _ => field.value.get_uint(MOST_NUMBERS).is_none(),
    };
    field.ifd_num == In::PRIMARY
        && is_short
        && !FOR_PROGRAMS.contains(&field.tag)
        // Unknown tags have numbers for names.
        && field.tag.description().is_some()
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
    std::str::from_utf8(text).ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use exif::Rational;
    use exif::experimental::Writer;

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

    #[test]
    fn mutated_exif_is_read_as_far_as_it_goes() {
        let mut read = 0;
        resight_test_support::fuzz("exif", 5000, &of_a_camera(), |bytes| {
            let fields = exif_fields(bytes);
            assert!(fields.len() <= MOST_FIELDS);
            read += usize::from(!fields.is_empty());
        });
        assert!(read > 0, "no changed file has a field");
    }
}
