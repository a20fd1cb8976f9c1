//! Decodes a worker's reply. Every value is checked before it is used.

use resight_vision::{Image, Keypoint};

use super::memory::SharedMemory;
use super::wire::{Described, ReplyMeta};
use crate::call::{Call, Content};
use crate::error::PluginError;
use crate::reply::{Local, Reply, Rows};

const MAX_FEATURES: usize = 1_000_000;
const MAX_DIMENSION: usize = 65_536;
/// How far outside of the picture a keypoint may lie, in pixels: refinement moves keypoints.
const MARGIN: f32 = 2.0;

/// Whose fault it is that a reply cannot be used, and why.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The worker broke the protocol.
    Protocol(String),
    /// The author's function returned a wrong value.
    Author(String),
}

fn garbled(what: &str) -> Fault {
    Fault::Protocol(format!("a reply that contradicts itself: {what}"))
}

/// The parts of a reply, from the frame's body or from shared memory; at most `limit` bytes.
pub(crate) fn parts(
    meta: &ReplyMeta,
    body: Vec<u8>,
    memory: Option<&SharedMemory>,
    limit: u64,
) -> Result<Vec<Vec<u8>>, Fault> {
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
) -> Result<Vec<Reply>, Fault> {
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
                Reply::Json(serde_json::from_slice(&take(*p)?).map_err(|e| {
                    Fault::Author(format!(
                        "{name} returned a value that JSON cannot carry: {e}"
                    ))
                })?)
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
                    return Err(Fault::Author(format!(
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
) -> Result<Local, Fault> {
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
        check(name, i, &k, row, size).map_err(Fault::Author)?;
        keypoints.push(k);
    }
    let rows = if item == 1 {
        Rows::Bytes(rows)
    } else {
        let values = floats(&rows);
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(Fault::Author(format!(
                "{name} returned a descriptor with {} at row {}, column {}; expected finite numbers",
                values[i],
                i / dimension,
                i % dimension
            )));
        }
        Rows::Float(values)
    };
    Ok(Local {
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
