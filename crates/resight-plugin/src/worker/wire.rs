//! Frames between server and worker, as `docs/worker-protocol.md` defines them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Content};

pub(crate) const HEADER: usize = 20;
/// Most bytes of a description. The author's values travel in the body instead.
const MAX_META: u32 = 4 << 20;
/// Attachments of at most this many bytes together travel in the frame.
pub(crate) const INLINE: usize = 32 * 1024;
/// Most bytes of a frame that an empty socket always takes at once.
const SHORT: usize = 16 * 1024;
const MAGIC: [u8; 4] = *b"RSG1";

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Hello = 1,
    Call = 2,
    Grant = 3,
    Stop = 4,
    Ping = 5,
    Ready = 16,
    Failed = 17,
    Result = 18,
    Raised = 19,
    BadResult = 20,
    Need = 21,
    Pong = 22,
    BadArgument = 23,
    Answered = 24,
}

impl Kind {
    pub(crate) fn from_worker(byte: u8) -> Option<Self> {
        Some(match byte {
            16 => Self::Ready,
            17 => Self::Failed,
            18 => Self::Result,
            19 => Self::Raised,
            20 => Self::BadResult,
            21 => Self::Need,
            22 => Self::Pong,
            23 => Self::BadArgument,
            24 => Self::Answered,
            _ => return None,
        })
    }
}

/// The 20 bytes at the start of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) id: u32,
    pub(crate) meta: u32,
    pub(crate) body: u32,
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.kind as u8;
        bytes[8..12].copy_from_slice(&self.id.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.meta.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.body.to_le_bytes());
        bytes
    }

    /// Reads a worker's header. The error is a sentence about what is wrong with it.
    pub(crate) fn from_worker(bytes: &[u8; HEADER], max_body: u64) -> Result<Self, String> {
        let word =
            |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        if bytes[..4] != MAGIC {
            return Err("bytes on the socket that are not a frame".into());
        }
        let Some(kind) = Kind::from_worker(bytes[4]) else {
            return Err(format!("a frame of unknown kind {}", bytes[4]));
        };
        let header = Self {
            kind,
            id: word(8),
            meta: word(12),
            body: word(16),
        };
        if bytes[5..8] != [0; 3] || header.meta > MAX_META || u64::from(header.body) > max_body {
            return Err("a frame longer than allowed".into());
        }
        Ok(header)
    }
}

#[derive(Serialize)]
pub(crate) struct Hello<'a> {
    pub(crate) protocol: u32,
    pub(crate) file: &'a str,
    /// The process that the worker must not outlive; 0 where it must not check.
    pub(crate) parent: u32,
    pub(crate) limits: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct CallMeta<'a> {
    f: &'a str,
    i: Vec<Item<'a>>,
    p: Vec<(usize, usize)>,
    #[serde(skip_serializing_if = "is_zero")]
    s: u8,
    #[serde(skip_serializing_if = "is_zero")]
    ni: u8,
}

fn is_zero(flag: &u8) -> bool {
    *flag == 0
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    a: &'a [serde_json::Value],
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    k: &'a serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    t: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    j: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x: Vec<Attached<'a>>,
}

#[derive(Serialize)]
struct Attached<'a> {
    t: &'static str,
    p: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    c: &'a str,
    w: u32,
    h: u32,
}

/// Offset and length of each attachment of `calls`, each at a multiple of `alignment`, and the bytes
/// that all of them take.
pub(crate) fn layout(calls: &[&Call<'_>], alignment: usize) -> (Vec<(usize, usize)>, usize) {
    let mut at = 0usize;
    let mut places = Vec::new();
    for bytes in calls.iter().flat_map(|c| c.contents()) {
        places.push((at, bytes.len()));
        at = (at + bytes.len()).next_multiple_of(alignment);
    }
    (places, at)
}

/// The description of a call whose whole frame an empty socket takes at once; `None` for a longer
/// call.
pub(crate) fn short_meta(call: &Call<'_>) -> Option<Vec<u8>> {
    let (places, body) = layout(&[call], 1);
    if body > SHORT {
        return None;
    }
    let meta = call_meta(&[call], places, false, false).ok()?;
    (meta.len() + body <= SHORT).then_some(meta)
}

/// The description of a call, or of several gathered.
pub(crate) fn call_meta(
    calls: &[&Call<'_>],
    places: Vec<(usize, usize)>,
    shared: bool,
    new_input: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut part = 0;
    let mut items = Vec::with_capacity(calls.len());
    for call in calls {
        let attached = call.attachments.iter().map(|a| {
            let (t, w, h) = match &a.content {
                Content::Picture { width, height, .. } => ("picture", *width, *height),
                Content::Bytes(_) => ("bytes", 0, 0),
            };
            let p = part;
            part += 1;
            let n = a.name.as_deref();
            let (f, c) = (a.file.name.as_deref(), &*a.file.content_type);
            Attached {
                t,
                p,
                n,
                f,
                c,
                w,
                h,
            }
        });
        items.push(Item {
            x: attached.collect(),
            a: &call.positional,
            k: &call.named,
            t: &call.texts,
            j: call.json.as_deref(),
        });
    }
    serde_json::to_vec(&CallMeta {
        f: calls.first().map_or("", |c| &c.function),
        i: items,
        p: places,
        s: shared.into(),
        ni: new_input.into(),
    })
}

/// The description of a worker's reply.
#[derive(Deserialize, Debug, Default)]
pub(crate) struct ReplyMeta {
    #[serde(default)]
    pub(crate) r: Vec<Described>,
    /// Lengths of the parts, which follow each other.
    #[serde(default)]
    pub(crate) p: Vec<u64>,
    /// Whether the parts lie in shared memory.
    #[serde(default)]
    pub(crate) slot: bool,
    /// Whether the author's code still refers to the input.
    #[serde(default)]
    pub(crate) kept: bool,
    /// The function's time in microseconds.
    #[serde(default)]
    pub(crate) us: u64,
    /// This and the rest: of an exception or a bad result.
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) traceback: String,
    #[serde(default)]
    pub(crate) line: Option<u32>,
    /// This and the rest: of an exception that is an answer of HTTP.
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
}

/// One result.
#[derive(Deserialize, Debug)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(crate) enum Described {
    Json {
        p: usize,
    },
    Bytes {
        p: usize,
        c: String,
    },
    Picture {
        p: usize,
        w: u32,
        h: u32,
    },
    Local {
        n: usize,
        w: usize,
        d: usize,
        y: String,
        p: usize,
        q: usize,
    },
    Vector {
        p: usize,
        d: usize,
    },
}

#[derive(Deserialize)]
pub(crate) struct NeedMeta {
    pub(crate) bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_wrong_ones_are_refused() {
        let header = Header {
            kind: Kind::Result,
            id: 7,
            meta: 300,
            body: 70_000,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_worker(&bytes, 70_000), Ok(header));
        let too_long = Header {
            meta: MAX_META + 1,
            ..header
        };
        let of_the_server = Header {
            kind: Kind::Call,
            ..header
        };
        let mut flagged = bytes;
        flagged[6] = 1;
        let mut foreign = bytes;
        foreign[0] = b'X';
        for (bytes, max_body, reason) in [
            (bytes, 69_999, "longer than allowed"),
            (too_long.to_bytes(), 70_000, "longer than allowed"),
            (flagged, 70_000, "longer than allowed"),
            (of_the_server.to_bytes(), 70_000, "unknown kind 2"),
            (foreign, 70_000, "not a frame"),
        ] {
            let error = Header::from_worker(&bytes, max_body).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn attachments_are_aligned_in_shared_memory_and_packed_in_a_frame() {
        let call = Call::new("f").bytes(&[1; 65]).bytes(&[]).bytes(&[2; 3]);
        let (aligned, total) = layout(&[&call, &call], 64);
        let starts: Vec<usize> = aligned.iter().map(|place| place.0).collect();
        assert_eq!(starts, [0, 128, 128, 192, 320, 320]);
        assert_eq!(total, 384);
        let (packed, total) = layout(&[&call], 1);
        assert_eq!((packed, total), (vec![(0, 65), (65, 0), (65, 3)], 68));
    }

    #[test]
    fn a_call_is_described_as_the_protocol_says() {
        let call = Call::new("f").arg(1).with("k", true).bytes(b"ab");
        let meta = short_meta(&call).unwrap();
        let expected = r#"{"f":"f","i":[{"a":[1],"k":{"k":true},"x":[{"t":"bytes","p":0,"w":0,"h":0}]}],"p":[[0,2]]}"#;
        assert_eq!(String::from_utf8(meta).unwrap(), expected);
        let two = [&call, &call];
        let meta = call_meta(&two, layout(&two, 64).0, true, true).unwrap();
        let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
        assert_eq!(meta["i"][1]["x"][0]["p"], 1, "parts are numbered through");
        assert_eq!((&meta["s"], &meta["ni"]), (&1.into(), &1.into()));
    }

    #[test]
    fn only_a_call_that_fits_into_an_empty_socket_is_short() {
        for (bytes, text, is_short) in [
            (SHORT - 200, 0, true),
            (SHORT + 1, 0, false),
            (0, SHORT, false),
        ] {
            let (bytes, text) = (vec![0; bytes], "x".repeat(text));
            let call = Call::new("f").bytes(&bytes).arg(text);
            assert_eq!(short_meta(&call).is_some(), is_short, "{}", bytes.len());
        }
    }
}
