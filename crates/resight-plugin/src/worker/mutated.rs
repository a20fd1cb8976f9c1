//! Frames of workers changed at random: each is decoded into values that can be used, or refused as the worker's or
//! the author's fault. `RESIGHT_FUZZ_FACTOR` multiplies their number.

use resight_test_support::fuzz_reader;
use serde_json::json;

use super::wire::{Header, Kind};
use crate::fuzzing;

/// A whole frame with results `described`, whose parts are `data`.
fn frame(kind: Kind, described: &[serde_json::Value], data: &[&[u8]]) -> Vec<u8> {
    let lengths: Vec<usize> = data.iter().map(|part| part.len()).collect();
    let meta = json!({
        "r": described, "p": lengths, "slot": false, "us": 12, "message": "no", "type": "ValueError", "line": 3,
        "status": 404, "headers": [["Retry-After", "7"]],
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
        frame(Kind::Answered, &[], &[b"{\"why\": [1]}"]),
        frame(Kind::Failed, &[], &[]),
        frame(Kind::Need, &[], &[]),
    ]
}

#[test]
fn a_changed_frame_is_decoded_or_refused() {
    let (good, refused) = fuzz_reader("frame", 20_000, corpus(), fuzzing::frame);
    assert!(good > 100 && refused > 1000, "{good} {refused}");
}

#[test]
fn a_changed_handshake_is_read_or_refused() {
    let made = r#"{"protocol": 1, "python": "3.13.0", "implementation": "CPython", "gil": true,
        "functions": [{"name": "f", "role": "function", "signature": "(x: int)", "parameters":
        [{"name": "x", "kind": "keyword_only", "required": true, "takes": "picture"}],
        "batch": {"max": 4, "wait_ms": 5}}, {"name": "e", "role": "embed", "signature": "(p)",
        "dimension": 3, "kind": "float"}]}"#;
    assert!(fuzzing::handshake(made.as_bytes()));
    let made = vec![made.as_bytes().to_vec()];
    let (good, refused) = fuzz_reader("handshake", 10_000, made, fuzzing::handshake);
    assert!(good > 50 && refused > 1000, "{good} {refused}");
}
