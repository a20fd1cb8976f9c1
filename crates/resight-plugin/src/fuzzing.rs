//! What is fed to the readers of what workers send by the tests and by the fuzzers of `fuzz`. Each function returns
//! whether something was read, and panics where a reader is wrong.

use resight_vision::Image;

use crate::call::Call;
use crate::manifest::Manifest;
use crate::reply::{Reply, Rows};
use crate::worker::decode::{BadReply, answered, not_loaded, parts, raised, replies};
use crate::worker::wire::{HEADER, Header, Kind, ReplyMeta};

/// Most bytes of a body.
const LIMIT: u64 = 1 << 20;

/// A whole frame, as a reply to a call with a picture.
pub fn frame(bytes: &[u8]) -> bool {
    let Some(image) = Image::from_rgb(10, 10, vec![0; 300]) else {
        return false;
    };
    let call = Call::new("f").picture(&image);
    match decoded(bytes, &call) {
        Ok(reply) => {
            reply.iter().for_each(assert_usable);
            true
        }
        Err(words) => {
            assert!(!words.is_empty());
            false
        }
    }
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
        Kind::Answered => {
            let parts = parts(&meta, body.to_vec(), None, LIMIT).map_err(words)?;
            Err(answered(meta, parts, "f").map_err(words)?.to_string())
        }
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

/// What a worker says of its file when it begins.
pub fn handshake(bytes: &[u8]) -> bool {
    match Manifest::read(bytes, "hash", 1) {
        Ok(manifest) => {
            for batch in manifest.functions.iter().filter_map(|f| f.batch) {
                assert!((1..=1024).contains(&batch.max));
                assert!((0.0..=10_000.0).contains(&batch.wait_ms));
            }
            true
        }
        Err(words) => {
            assert!(!words.is_empty());
            false
        }
    }
}
