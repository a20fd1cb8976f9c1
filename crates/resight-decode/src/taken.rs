//! When a picture was taken, as its Exif states it: in a JPEG, a PNG, a WebP, a TIFF, and raw files built like a TIFF.

use crate::calendar::utc_seconds;
use crate::jpeg::Segments;
use crate::tiff::Tiff;

/// Tags of Exif: its directory, the time of taking and of digitising, and their differences to UTC.
pub(crate) const EXIF: u16 = 0x8769;
const TIMES: [(u16, u16); 2] = [(0x9003, 0x9011), (0x9004, 0x9012)];
/// Chunks of a PNG or a WebP that are looked at.
const MOST_CHUNKS: usize = 1000;

/// When the picture in `bytes` was taken, in milliseconds since 1970; `None` where it does not tell. A time without
/// its difference to UTC counts as UTC. Other formats than those above tell nothing here.
pub fn taken(bytes: &[u8]) -> Option<i64> {
    let tiff = Tiff::open(exif_of(bytes)?)?;
    let first = tiff.first_directory();
    // Some writers put the tags into the first directory.
    let places = [tiff.first(first, EXIF), Some(first)];
    let mut places = places.into_iter().flatten();
    places.find_map(|at| {
        TIMES.iter().find_map(|&(time, difference)| {
            let time = local(tiff.bytes_of(at, time)?)?;
            let difference = tiff.bytes_of(at, difference).and_then(minutes);
            Some((time - difference.unwrap_or(0) * 60) * 1000)
        })
    })
}

/// The bytes that are built as a TIFF file is.
pub(crate) fn exif_of(bytes: &[u8]) -> Option<&[u8]> {
    const JPEG_EXIF: &[u8] = b"Exif\0\0";
    if bytes.starts_with(&[0xff, 0xd8]) {
        let segments = Segments::of(bytes).take_while(|(marker, _)| *marker != 0xda);
        return segments
            .filter(|(marker, _)| *marker == 0xe1)
            .find_map(|(_, rest)| {
                let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
                rest.get(2..length)?.strip_prefix(JPEG_EXIF)
            });
    }
    if let Some(chunks) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        return chunk(chunks, b"eXIf", true);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        let exif = chunk(bytes.get(12..)?, b"EXIF", false)?;
        return Some(exif.strip_prefix(JPEG_EXIF).unwrap_or(exif));
    }
    Some(bytes)
}

/// The chunk named `name`: in a PNG a length, a name and a checksum after it, in a WebP a name, a length and perhaps a
/// byte that fills up.
fn chunk<'a>(mut bytes: &'a [u8], name: &[u8; 4], is_png: bool) -> Option<&'a [u8]> {
    for _ in 0..MOST_CHUNKS {
        let [first, second] = [bytes.get(..4)?, bytes.get(4..8)?];
        let (found, length) = if is_png {
            (second, first)
        } else {
            (first, second)
        };
        let length: [u8; 4] = length.try_into().ok()?;
        let length = match is_png {
            true => u32::from_be_bytes(length),
            false => u32::from_le_bytes(length),
        } as usize;
        let content = bytes.get(8..)?.get(..length)?;
        if found == name {
            return Some(content);
        }
        let after = if is_png {
            length + 4
        } else {
            length + length % 2
        };
        bytes = bytes.get(8..)?.get(after..)?;
    }
    None
}

/// Seconds since 1970 of `2019:07:31 12:34:56` as if it were UTC.
fn local(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text)
        .ok()?
        .trim_end_matches(['\0', ' ']);
    let (date, time) = text.split_once([' ', 'T'])?;
    let [year, month, day] = numbers(date)?;
    let [hour, minute, second] = numbers(time)?;
    utc_seconds([year, month, day], [hour, minute, second])
}

/// Three numbers with colons between them.
fn numbers(text: &str) -> Option<[i64; 3]> {
    let is_digit = |text: &&str| {
        !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())
    };
    let mut parts = text.split([':', '-']);
    let mut next = || parts.next().filter(is_digit)?.parse().ok();
    let found = [next()?, next()?, next()?];
    parts.next().is_none().then_some(found)
}

/// The minutes of `+02:00`.
fn minutes(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text)
        .ok()?
        .trim_end_matches(['\0', ' ']);
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return (text == "Z").then_some(0),
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=15).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little-endian TIFF with a directory of Exif that has these texts.
    fn exif(texts: &[(u16, &str)]) -> Vec<u8> {
        let mut all = b"II*\0\x08\0\0\0\x01\0".to_vec();
        let entry = |tag: u16, kind: u16, count: u32, value: u32| {
            let mut entry = Vec::new();
            entry.extend_from_slice(&tag.to_le_bytes());
            entry.extend_from_slice(&kind.to_le_bytes());
            entry.extend_from_slice(&count.to_le_bytes());
            entry.extend_from_slice(&value.to_le_bytes());
            entry
        };
        all.extend(entry(EXIF, 4, 1, 26));
        all.extend_from_slice(&[0; 4]);
        all.extend_from_slice(&(texts.len() as u16).to_le_bytes());
        let mut at = 26 + 2 + 12 * texts.len() as u32 + 4;
        let mut after = Vec::new();
        for (tag, text) in texts {
            all.extend(entry(*tag, 2, text.len() as u32 + 1, at));
            after.extend_from_slice(text.as_bytes());
            after.push(0);
            at += text.len() as u32 + 1;
        }
        all.extend_from_slice(&[0; 4]);
        all.extend(after);
        all
    }

    fn in_jpeg(exif: &[u8]) -> Vec<u8> {
        let mut all = vec![0xff, 0xd8, 0xff, 0xe1];
        all.extend_from_slice(&(exif.len() as u16 + 8).to_be_bytes());
        all.extend_from_slice(b"Exif\0\0");
        all.extend_from_slice(exif);
        all.extend_from_slice(&[0xff, 0xda]);
        all
    }

    fn in_png(exif: &[u8]) -> Vec<u8> {
        let mut all = b"\x89PNG\r\n\x1a\n\0\0\0\x01IHDRx1234".to_vec();
        all.extend_from_slice(&(exif.len() as u32).to_be_bytes());
        all.extend_from_slice(b"eXIf");
        all.extend_from_slice(exif);
        all
    }

    fn in_webp(exif: &[u8]) -> Vec<u8> {
        let mut all = b"RIFF1234WEBPVP8X\x01\0\0\0x\0EXIF".to_vec();
        all.extend_from_slice(&(exif.len() as u32).to_le_bytes());
        all.extend_from_slice(exif);
        all
    }

    #[test]
    fn the_time_is_found_in_each_format() {
        let exif = exif(&[(0x9003, "2019:07:31 12:34:56"), (0x9011, "+02:00")]);
        let expected = Some(1_564_569_296_000);
        for bytes in [in_jpeg(&exif), in_png(&exif), in_webp(&exif), exif] {
            assert_eq!(taken(&bytes), expected);
        }
    }

    #[test]
    fn times_without_a_difference_are_utc_and_impossible_ones_are_none() {
        let of = |text: &str| taken(&in_jpeg(&exif(&[(0x9003, text)])));
        for (text, seconds) in [
            ("1970:01:01 00:00:00", Some(0)),
            ("1969:12:31 23:59:59", Some(-1)),
            ("2000:02:29 00:00:00", Some(951_782_400)),
            ("2000-02-29T00:00:00", Some(951_782_400)),
            ("1900:02:29 00:00:00", None),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("2000:13:01 00:00:00", None),
            ("2000:01:01 24:00:00", None),
            ("2000:01:01", None),
        ] {
            assert_eq!(
                of(text),
                seconds.map(|seconds: i64| seconds * 1000),
                "{text}"
            );
        }
        let digitised = exif(&[(0x9003, "none"), (0x9004, "1970:01:01 00:00:01")]);
        assert_eq!(taken(&in_jpeg(&digitised)), Some(1000));
        assert_eq!(taken(b""), None);
        assert_eq!(taken(&in_jpeg(b"")), None);
    }

    #[test]
    fn mutated_exif_is_read_or_tells_nothing() {
        let exif = exif(&[(0x9003, "2019:07:31 12:34:56"), (0x9011, "+02:00")]);
        let corpus = [in_jpeg(&exif), in_png(&exif), in_webp(&exif), exif];
        let (told, _) = resight_test_support::fuzz_reader(
            "taken",
            20_000,
            corpus.to_vec(),
            crate::fuzzing::taken,
        );
        assert!(told > 0, "no changed file tells its time");
    }
}
