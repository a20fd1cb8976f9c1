//! The header Range: which part of a file a request asks for (RFC 9110, 14.1.2 and 14.2).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;

use super::problem::Problem;

/// The most parts that are looked at; a request for more gets the whole file.
const MOST_PARTS: usize = 100;

/// What is sent of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: nothing else was asked for, or several parts that do not touch, which a server may answer so.
    Whole,
    /// These bytes, of which there is one at least.
    Part(Range<u64>),
    /// Nothing: what was asked for lies beyond its end.
    Beyond,
}

impl Asked {
    /// What a request asks for of a file of `length` bytes that `tag` names.
    pub(crate) fn of(method: &Method, headers: &HeaderMap, length: u64, tag: &str) -> Self {
        // It is defined for this method alone.
        if method != Method::GET {
            return Self::Whole;
        }
        let text = |name| headers.get(name).map(HeaderValue::to_str);
        if text(header::IF_RANGE).is_some_and(|known| known.ok() != Some(tag)) {
            return Self::Whole;
        }
        let mut given = headers.get_all(header::RANGE).iter();
        let (Some(Ok(range)), None) = (given.next().map(HeaderValue::to_str), given.next()) else {
            return Self::Whole;
        };
        // What is not well formed counts as not given.
        parts(range, length).map_or(Self::Whole, |parts| joined(parts, length))
    }
}

/// The parts of a header that are there; `None` where it is not well formed.
fn parts(header: &str, length: u64) -> Option<Vec<Range<u64>>> {
    let (unit, list) = header.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") || list.split(',').count() > MOST_PARTS {
        return None;
    }
    let mut found = Vec::new();
    let mut is_empty = true;
    // Empty elements of a list count for nothing (RFC 9110, 5.6.1).
    for spec in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        is_empty = false;
        let (first, last) = spec.split_once('-')?;
        let range = match (first, last) {
            ("", many) => length.saturating_sub(number(many)?)..length,
            (first, "") => number(first)?..length,
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None;
                }
                first..last.saturating_add(1).min(length)
            }
        };
        // All of an empty file is a part that no Content-Range can name.
        if length == 0 && spec.starts_with('-') && number(last)? > 0 {
            return None;
        }
        if range.start < range.end {
            found.push(range);
        }
    }
    (!is_empty).then_some(found)
}

/// Digits alone; a number beyond all lengths is as large as can be.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Parts that touch or overlap as one.
fn joined(mut parts: Vec<Range<u64>>, length: u64) -> Asked {
    parts.sort_unstable_by_key(|part| part.start);
    let mut parts = parts.into_iter();
    let Some(mut all) = parts.next() else {
        return Asked::Beyond;
    };
    for part in parts {
        if part.start > all.end {
            return Asked::Whole;
        }
        all.end = all.end.max(part.end);
    }
    debug_assert!(all.end <= length);
    Asked::Part(all)
}

/// The answer to a request for what lies beyond the end of a file.
pub(crate) fn beyond_end(length: u64) -> Response {
    let detail = format!("The file has {length} bytes.");
    let mut response = Problem::new(Code::RangeBeyondEnd, detail).into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// The header, as the fuzzers call its parser.
#[cfg(any(test, fuzzing))]
pub fn range(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let headers = HeaderMap::from_iter([(header::RANGE, value)]);
    let mut read = false;
    for length in [0, 1, 10, u64::MAX] {
        match Asked::of(&Method::GET, &headers, length, "\"a\"") {
            Asked::Whole => {}
            Asked::Part(part) => {
                assert!(part.start < part.end && part.end <= length, "{part:?}");
                read = true;
            }
            Asked::Beyond => read = true,
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, length: u64) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, text.parse().unwrap());
        let plain = Asked::of(&Method::GET, &headers, length, "\"a\"");
        assert_eq!(
            Asked::of(&Method::HEAD, &headers, length, "\"a\""),
            Asked::Whole
        );
        headers.insert(header::IF_RANGE, "\"a\"".parse().unwrap());
        assert_eq!(Asked::of(&Method::GET, &headers, length, "\"a\""), plain);
        let other = Asked::of(&Method::GET, &headers, length, "\"b\"");
        assert_eq!(other, Asked::Whole, "{text}");
        plain
    }

    #[test]
    fn parts_of_a_file_are_found_or_lie_beyond_its_end() {
        let beyond_all = "bytes=99999999999999999999999-";
        for (text, expected) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("Bytes=0-0", Asked::Part(0..1)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=8-99", Asked::Part(8..10)),
            ("bytes=8-99999999999999999999999", Asked::Part(8..10)),
            ("bytes=0-1, 2-5,", Asked::Part(0..6)),
            ("bytes=4-5,0-4", Asked::Part(0..6)),
            ("bytes=0-1,20-30", Asked::Part(0..2)),
            ("bytes=0-1,4-5", Asked::Whole),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-12,-0", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            (beyond_all, Asked::Beyond),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=,", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=1-2-3", Asked::Whole),
            ("bytes 1-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ] {
            assert_eq!(asked(text, 10), expected, "{text}");
        }
        for (text, expected) in [
            ("bytes=0-", Asked::Beyond),
            ("bytes=0-0", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=-1", Asked::Whole),
        ] {
            assert_eq!(asked(text, 0), expected, "{text}");
        }
        let many = format!("bytes={}", vec!["0-1"; MOST_PARTS + 1].join(","));
        assert_eq!(asked(&many, 10), Asked::Whole);
    }
}
