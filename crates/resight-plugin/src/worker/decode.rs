//! Decodes a worker's reply. Every value is checked before it is used.

use resight_vision::{Image, Keypoint};

use super::memory::SharedMemory;
use super::wire::{Described, ReplyMeta};
use crate::call::{Call, Content};
use crate::error::PluginError;
use crate::reply::{ExtractedFeatures, HttpAnswer, JsonText, Reply, Rows};

const MAX_FEATURES: usize = 1_000_000;
const MAX_DIMENSION: usize = 65_536;
/// How far outside of the picture a keypoint may lie, in pixels: refinement moves keypoints.
const MARGIN: f32 = 2.0;

/// Whose fault it is that a reply cannot be used, and why.
#[derive(Debug)]
pub(crate) enum BadReply {
    /// The worker broke the protocol.
    Protocol(String),
    /// The author's function returned a wrong value.
    Author(String),
}

fn garbled(what: &str) -> BadReply {
    BadReply::Protocol(format!("a reply that contradicts itself: {what}"))
}

/// The parts of a reply, from the frame's body or from shared memory; at most `limit` bytes.
pub(crate) fn parts(
    meta: &ReplyMeta,
    body: Vec<u8>,
    memory: Option<&SharedMemory>,
    limit: u64,
) -> Result<Vec<Vec<u8>>, BadReply> {
    let total = meta.p.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
    let total = total
        .filter(|t| *t <= limit)
        .ok_or_else(|| garbled("its length"))?;
    if !meta.slot {
        if total != body.len() as u64 {
            return Err(garbled("its length"));
        }
        if let [_] = meta.p[..] {
            return Ok(vec![body]);
        }
    }
    let mut at = 0u64;
    let mut parts = Vec::with_capacity(meta.p.len());
    for length in &meta.p {
        let part = if meta.slot {
            memory
                .filter(|m| at + length <= m.size)
                .and_then(|m| m.read(at, *length as usize).ok())
                .ok_or_else(|| garbled("a part outside of its memory"))?
        } else {
            body[at as usize..(at + length) as usize].to_vec()
        };
        parts.push(part);
        at += length;
    }
    Ok(parts)
}

/// One reply for each of `calls`.
pub(crate) fn replies(
    meta: &ReplyMeta,
    mut parts: Vec<Vec<u8>>,
    calls: &[&Call<'_>],
) -> Result<Vec<Reply>, BadReply> {
    if meta.r.len() != calls.len() {
        return Err(garbled("the number of results"));
    }
    let mut take = |i: usize| {
        parts
            .get_mut(i)
            .map(std::mem::take)
            .ok_or_else(|| garbled("a part is missing"))
    };
    let mut replies = Vec::with_capacity(calls.len());
    for (described, call) in meta.r.iter().zip(calls) {
        let name = &call.function;
        replies.push(match described {
            Described::Json { p } => {
                let text = JsonText::checked(take(*p)?).map_err(|why| {
                    BadReply::Author(format!("{name} returned a value that is no JSON: {why}"))
                })?;
                Reply::Json(text)
            }
            Described::Bytes { p, c } => Reply::Bytes {
                content_type: content_type(c),
                bytes: take(*p)?,
            },
            Described::Picture { p, w, h } => Reply::Picture(
                Image::from_rgb(*w, *h, take(*p)?).ok_or_else(|| garbled("a picture's size"))?,
            ),
            Described::Vector { p, d } => {
                let values = floats(&take(*p)?);
                if values.len() != *d || *d == 0 || *d > MAX_DIMENSION {
                    return Err(garbled("a vector's length"));
                }
                if let Some(i) = values.iter().position(|v| !v.is_finite()) {
                    return Err(BadReply::Author(format!(
                        "{name} returned a vector with {} at index {i}; expected finite numbers",
                        values[i]
                    )));
                }
                Reply::Vector(values)
            }
            Described::Local { n, w, d, y, p, q } => Reply::Local(local(
                name,
                (*n, *w, *d, y),
                (take(*p)?, take(*q)?),
                picture_size(call),
            )?),
        });
    }
    Ok(replies)
}

fn picture_size(call: &Call<'_>) -> Option<(u32, u32)> {
    call.attachments.iter().find_map(|a| match a.content {
        Content::Picture { width, height, .. } => Some((width, height)),
        Content::Bytes(_) => None,
    })
}

/// `declared`, if it cannot smuggle another header into an HTTP answer.
fn content_type(declared: &str) -> String {
    let is_safe = declared.len() <= 200
        && declared.contains('/')
        && declared.bytes().all(|b| (0x20..0x7f).contains(&b));
    if is_safe {
        declared.into()
    } else {
        "application/octet-stream".into()
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|c| f32::from_ne_bytes([c[0], c[1], c[2], c[3]]))
        .collect()
}

fn local(
    name: &str,
    (count, width, dimension, dtype): (usize, usize, usize, &str),
    (points, rows): (Vec<u8>, Vec<u8>),
    size: Option<(u32, u32)>,
) -> Result<ExtractedFeatures, BadReply> {
    let item = match dtype {
        "float32" => 4,
        "uint8" => 1,
        _ => return Err(garbled("a descriptor's type")),
    };
    let sizes_agree = count <= MAX_FEATURES
        && dimension <= MAX_DIMENSION
        && points.len() == count * width.min(8) * 4
        && rows.len() == count * dimension * item;
    if !sizes_agree || (count > 0 && (!(4..=5).contains(&width) || dimension == 0)) {
        return Err(garbled("the number of features"));
    }
    let numbers = floats(&points);
    let mut keypoints = Vec::with_capacity(count);
    for (i, row) in numbers.chunks_exact(width.max(1)).enumerate() {
        // Without a response, earlier keypoints are the stronger ones.
        let response = row.get(4).copied().unwrap_or(1.0 - i as f32 / count as f32);
        let k = Keypoint {
            x: row[0],
            y: row[1],
            scale: row[2],
            angle: full_turn(row[3]),
            response,
        };
        check(name, i, &k, row, size).map_err(BadReply::Author)?;
        keypoints.push(k);
    }
    let rows = if item == 1 {
        Rows::Bytes(rows)
    } else {
        let values = floats(&rows);
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(BadReply::Author(format!(
                "{name} returned a descriptor with {} at row {}, column {}; expected finite numbers",
                values[i],
                i / dimension,
                i % dimension
            )));
        }
        Rows::Float(values)
    };
    Ok(ExtractedFeatures {
        keypoints,
        dimension,
        rows,
    })
}

fn check(
    name: &str,
    i: usize,
    k: &Keypoint,
    row: &[f32],
    size: Option<(u32, u32)>,
) -> Result<(), String> {
    let columns = ["x", "y", "scale", "angle", "response"];
    if let Some(c) = row.iter().position(|v| !v.is_finite()) {
        return Err(format!(
            "{name} returned a keypoint whose {} is {} (row {i}); expected finite numbers",
            columns[c], row[c]
        ));
    }
    if k.scale <= 0.0 {
        return Err(format!(
            "{name} returned a keypoint of scale {} (row {i}); expected a scale above 0",
            k.scale
        ));
    }
    let Some((width, height)) = size else {
        return Ok(());
    };
    let inside = |v: f32, side: u32| v >= -MARGIN && v <= side as f32 - 1.0 + MARGIN;
    if !inside(k.x, width) || !inside(k.y, height) {
        return Err(format!(
            "{name} returned a keypoint at ({}, {}) (row {i}), outside of the picture of {width} × \
             {height}; expected x, y in pixels of the picture it was given",
            k.x, k.y
        ));
    }
    Ok(())
}

/// The same angle in [0, 2π).
fn full_turn(angle: f32) -> f32 {
    let angle = angle.rem_euclid(std::f32::consts::TAU);
    if angle >= std::f32::consts::TAU {
        0.0
    } else {
        angle
    }
}

/// The error for an exception that the author's file raised while it was loaded or warmed up.
pub(crate) fn not_loaded(meta: ReplyMeta, file: &str) -> PluginError {
    let line = meta
        .line
        .map_or_else(String::new, |l| format!(", line {l}"));
    PluginError::StartFailed {
        reason: format!("{}: {} ({file}{line})", meta.kind, meta.message),
        traceback: meta.traceback,
    }
}

/// The error for an exception that the author's function raised.
pub(crate) fn raised(meta: ReplyMeta, function: &str, file: &str) -> PluginError {
    PluginError::Raised {
        function: function.into(),
        kind: meta.kind,
        message: meta.message,
        traceback: meta.traceback.into(),
        file: file.into(),
        line: meta.line,
    }
}

/// The error for an exception that is an answer of HTTP. Its only part is its detail.
pub(crate) fn answered(
    meta: ReplyMeta,
    parts: Vec<Vec<u8>>,
    function: &str,
) -> Result<PluginError, BadReply> {
    if !(400..=599).contains(&meta.status) {
        return Err(garbled("the status of an answer"));
    }
    let detail = parts.into_iter().next();
    let detail = detail.ok_or_else(|| garbled("a part is missing"))?;
    let detail = JsonText::checked(detail).map_err(|_| garbled("an answer that is no JSON"))?;
    let answer = HttpAnswer {
        status: meta.status,
        detail,
        headers: meta.headers,
    };
    Ok(PluginError::Answered {
        function: function.into(),
        answer: Box::new(answer),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Decodes a reply of which `described` is the only result, with `data` as its parts.
    fn reply(
        described: serde_json::Value,
        data: &[&[u8]],
        call: &Call<'_>,
    ) -> Result<Reply, BadReply> {
        let lengths: Vec<usize> = data.iter().map(|part| part.len()).collect();
        let meta = json!({"r": [described], "p": lengths});
        let meta: ReplyMeta = serde_json::from_value(meta).unwrap();
        let parts = parts(&meta, data.concat(), None, 1000)?;
        replies(&meta, parts, &[call]).map(|mut replies| replies.remove(0))
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }

    #[test]
    fn every_kind_of_result_is_decoded() {
        let call = Call::new("f");
        let json_reply = reply(json!({"t": "json", "p": 0}), &[b"[1]"], &call);
        assert_eq!(json_reply.unwrap(), Reply::Json(json!([1]).into()));
        let vector = reply(
            json!({"t": "vector", "p": 0, "d": 2}),
            &[&bytes(&[0.5, 2.0])],
            &call,
        );
        assert_eq!(vector.unwrap(), Reply::Vector(vec![0.5, 2.0]));
        let picture = reply(
            json!({"t": "picture", "p": 0, "w": 1, "h": 2}),
            &[&[9; 6]],
            &call,
        );
        assert!(matches!(picture, Ok(Reply::Picture(image)) if image.height() == 2));
        for (declared, expected) in [
            ("image/png", "image/png"),
            ("no slash", "application/octet-stream"),
            ("text/plain\r\nX: y", "application/octet-stream"),
        ] {
            let file = reply(
                json!({"t": "bytes", "p": 0, "c": declared}),
                &[b"ab"],
                &call,
            );
            let content_type = expected.to_owned();
            let bytes = b"ab".to_vec();
            assert_eq!(
                file.unwrap(),
                Reply::Bytes {
                    content_type,
                    bytes
                }
            );
        }
    }

    #[test]
    fn keypoints_get_a_full_turn_and_a_response() {
        let local = json!({"t": "local", "n": 2, "w": 4, "d": 1, "y": "uint8", "p": 0, "q": 1});
        let points = bytes(&[1.0, 2.0, 3.0, -1.0, 4.0, 5.0, 6.0, 0.0]);
        let decoded = reply(local, &[&points, &[7, 8]], &Call::new("f"));
        let Ok(Reply::Local(local)) = decoded else {
            panic!("no features");
        };
        assert!((local.keypoints[0].angle - (std::f32::consts::TAU - 1.0)).abs() < 1e-6);
        let responses: Vec<f32> = local.keypoints.iter().map(|k| k.response).collect();
        assert_eq!(responses, [1.0, 0.5], "the first is the strongest");
        assert_eq!((local.dimension, local.rows), (1, Rows::Bytes(vec![7, 8])));
    }

    #[test]
    fn a_reply_that_contradicts_itself_is_the_workers_fault() {
        let numbers = bytes(&[1.0; 4]);
        for (described, data) in [
            (json!({"t": "json", "p": 1}), vec![&b"1"[..]]),
            (json!({"t": "vector", "p": 0, "d": 3}), vec![&*numbers]),
            (
                json!({"t": "picture", "p": 0, "w": 2, "h": 2}),
                vec![&[0; 11][..]],
            ),
            (
                json!({"t": "local", "n": 1, "w": 4, "d": 2, "y": "uint8", "p": 0, "q": 1}),
                vec![&*numbers, &[0; 3]],
            ),
            (
                json!({"t": "local", "n": 1, "w": 4, "d": 1, "y": "int64", "p": 0, "q": 1}),
                vec![&*numbers, &[0; 8]],
            ),
            (
                json!({"t": "local", "n": usize::MAX, "w": 4, "d": 1, "y": "uint8", "p": 0, "q": 1}),
                vec![&*numbers, &[0]],
            ),
        ] {
            let error = reply(described.clone(), &data, &Call::new("f")).unwrap_err();
            assert!(
                matches!(error, BadReply::Protocol(_)),
                "{described}: {error:?}"
            );
        }
        for (p, body, limit) in [
            (vec![1, 1], 3, 10),
            (vec![11], 11, 10),
            (vec![u64::MAX, 1], 0, u64::MAX),
        ] {
            let meta = ReplyMeta {
                p,
                ..ReplyMeta::default()
            };
            assert!(parts(&meta, vec![0; body], None, limit).is_err());
            let shared = ReplyMeta { slot: true, ..meta };
            assert!(
                parts(&shared, Vec::new(), None, limit).is_err(),
                "there is no memory"
            );
        }
    }

    #[test]
    fn an_answer_has_a_status_of_failures_and_json() {
        let meta = |status| ReplyMeta {
            status,
            headers: vec![("Retry-After".into(), "7".into())],
            ..ReplyMeta::default()
        };
        let error = answered(meta(404), vec![b"{\"a\":1}".to_vec()], "f").unwrap();
        assert_eq!(error.code(), "plugin_answered");
        assert_eq!(error.to_string(), r#"f answered with status 404: {"a":1}"#);
        let gone = answered(meta(410), vec![b"\"no more\"".to_vec()], "f").unwrap();
        assert_eq!(gone.to_string(), "f answered with status 410: no more");
        for (status, data) in [
            (200, vec![b"1".to_vec()]),
            (600, vec![b"1".to_vec()]),
            (404, vec![b"{".to_vec()]),
            (404, vec![]),
        ] {
            let error = answered(meta(status), data, "f").unwrap_err();
            assert!(matches!(error, BadReply::Protocol(_)), "{status}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_used_is_the_authors_fault() {
        let image = Image::from_rgb(10, 10, vec![0; 300]).unwrap();
        let call = Call::new("extract").picture(&image);
        let local = json!({"t": "local", "n": 1, "w": 4, "d": 1, "y": "float32", "p": 0, "q": 1});
        let row = bytes(&[0.5]);
        for (point, row, expected) in [
            ([f32::NAN, 0.0, 1.0, 0.0], &row, "whose x is NaN (row 0)"),
            ([0.0, 0.0, 0.0, 0.0], &row, "of scale 0 (row 0)"),
            (
                [0.0, 12.0, 1.0, 0.0],
                &row,
                "outside of the picture of 10 × 10",
            ),
            (
                [0.0, 0.0, 1.0, 0.0],
                &bytes(&[f32::INFINITY]),
                "inf at row 0, column 0",
            ),
        ] {
            let error = reply(local.clone(), &[&bytes(&point), row], &call).unwrap_err();
            assert!(
                matches!(&error, BadReply::Author(words) if words.contains(expected)),
                "{error:?}"
            );
        }
        let vector = json!({"t": "vector", "p": 0, "d": 1});
        let error = reply(vector, &[&bytes(&[f32::NAN])], &call).unwrap_err();
        assert!(matches!(error, BadReply::Author(_)));
    }
}
