//! Frames of workers changed at random: each is decoded into values that can be used, or refused as the worker's or
//! the author's fault. `RESIGHT_FUZZ_FACTOR` multiplies their number.

use resight_test_support::fuzz;
use resight_vision::Image;
use serde_json::json;

use super::decode::{BadReply, not_loaded, parts, raised, replies};
use super::wire::{HEADER, Header, Kind, ReplyMeta};
use crate::call::Call;
use crate::reply::{Reply, Rows};

/// Most bytes of a body.
const LIMIT: u64 = 1 << 20;

/// A whole frame with results `described`, whose parts are `data`.
fn frame(kind: Kind, described: &[serde_json::Value], data: &[&[u8]]) -> Vec<u8> {
    let lengths: Vec<usize> = data.iter().map(|part| part.len()).collect();
    let meta = json!({
        "r": described, "p": lengths, "slot": false, "us": 12, "message": "no", "type": "ValueError", "line": 3,
    });
    let (meta, body) = (meta.to_string(), data.concat());
    let header = Header {
        kind,
        id: 7,
        meta: meta.len() as u32,
        body: body.len() as u32,
    };
    [&header.to_bytes()[..], meta.as_bytes(), &body].concat()
}

fn corpus() -> Vec<Vec<u8>> {
    let floats = |values: &[f32]| {
        values
            .iter()
            .flat_map(|v| v.to_ne_bytes())
            .collect::<Vec<u8>>()
    };
    let points = floats(&[1.0, 2.0, 3.0, -1.0, 4.0, 5.0, 6.0, 0.0]);
    let local =
        |rows: &str| json!({"t": "local", "n": 2, "w": 4, "d": 1, "y": rows, "p": 0, "q": 1});
    let one = |described, data: &[&[u8]]| frame(Kind::Result, &[described], data);
    vec![
        one(json!({"t": "json", "p": 0}), &[b"{\"a\": [1, 2.5, null]}"]),
        one(json!({"t": "bytes", "p": 0, "c": "text/html"}), &[b"<b>"]),
        one(json!({"t": "picture", "p": 0, "w": 2, "h": 3}), &[&[9; 18]]),
        one(
            json!({"t": "vector", "p": 0, "d": 2}),
            &[&floats(&[0.5, 2.0])],
        ),
        one(local("uint8"), &[&points, &[7, 8]]),
        one(local("float32"), &[&points, &floats(&[0.5, 0.25])]),
        frame(Kind::Raised, &[], &[]),
        frame(Kind::Failed, &[], &[]),
        frame(Kind::Need, &[], &[]),
    ]
}

/// Decodes a frame as the server does: the kind, and the reply of a result.
fn decoded(bytes: &[u8], call: &Call<'_>) -> Result<Option<Reply>, String> {
    let head = bytes.first_chunk::<HEADER>().ok_or("no header")?;
    let header = Header::from_worker(head, LIMIT)?;
    let rest = &bytes[HEADER..];
    let (meta, rest) = rest.split_at_checked(header.meta as usize).ok_or("short")?;
    let body = rest.get(..header.body as usize).ok_or("short")?;
    let meta: ReplyMeta = serde_json::from_slice(meta).map_err(|e| e.to_string())?;
    let words = |bad: BadReply| match bad {
        BadReply::Protocol(words) | BadReply::Author(words) => words,
    };
    match header.kind {
        Kind::Raised => Err(raised(meta, "f", "mine.py").to_string()),
        Kind::Failed => Err(not_loaded(meta, "mine.py").to_string()),
        Kind::Result => {
            let parts = parts(&meta, body.to_vec(), None, LIMIT).map_err(words)?;
            let mut replies = replies(&meta, parts, &[call]).map_err(words)?;
            Ok(replies.pop())
        }
        _ => Ok(None),
    }
}

fn assert_usable(reply: &Reply) {
    match reply {
        Reply::Json(_) => {}
        Reply::Bytes { content_type, .. } => {
            assert!(content_type.contains('/') && !content_type.contains(['\r', '\n']));
        }
        Reply::Picture(image) => assert!(image.width() > 0 && image.height() > 0),
        Reply::Vector(values) => {
            assert!(!values.is_empty() && values.iter().all(|v| v.is_finite()))
        }
        Reply::Local(local) => {
            let rows = match &local.rows {
                Rows::Bytes(rows) => rows.len(),
                Rows::Float(rows) => {
                    assert!(rows.iter().all(|v| v.is_finite()));
                    rows.len()
                }
            };
            assert_eq!(rows, local.keypoints.len() * local.dimension);
            for point in &local.keypoints {
                assert!(point.x.is_finite() && point.y.is_finite() && point.scale > 0.0);
                assert!((0.0..std::f32::consts::TAU + 1e-3).contains(&point.angle));
            }
        }
    }
}

#[test]
fn a_changed_frame_is_decoded_or_refused() {
    let image = Image::from_rgb(10, 10, vec![0; 300]).unwrap();
    let call = Call::new("f").picture(&image);
    let (mut good, mut refused) = (0, 0);
    fuzz("frames", 20_000, &corpus(), |bytes| {
        match decoded(bytes, &call) {
            Ok(reply) => {
                good += 1;
                reply.iter().for_each(assert_usable);
            }
            Err(words) => {
                refused += 1;
                assert!(!words.is_empty());
            }
        }
    });
    assert!(good > 100 && refused > 1000, "{good} {refused}");
}
