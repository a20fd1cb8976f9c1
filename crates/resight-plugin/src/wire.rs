//! Frames between server and worker. `docs/worker-protocol.md` is the reference.

use serde::{Deserialize, Serialize};

use crate::value::{Call, Content};

/// Spoken by both sides or by neither.
pub(crate) const PROTOCOL: u32 = 1;
pub(crate) const HEADER: usize = 20;
/// Longest description in a frame. Values of the author's travel in the body instead.
pub(crate) const MAX_META: u32 = 4 << 20;
/// Attachments shorter than this together travel in the frame.
pub(crate) const INLINE: usize = 32 * 1024;
/// A frame of this length always fits into an empty socket.
const SHORT: usize = 16 * 1024;
const MAGIC: [u8; 4] = *b"RSG1";

/// What a frame is.
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
            _ => return None,
        })
    }
}

/// The 20 bytes before each frame.
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

    /// A worker's header; says what is wrong with anything else.
    pub(crate) fn from_worker(bytes: &[u8; HEADER], max_body: u64) -> Result<Self, String> {
        let word =
            |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        if bytes[..4] != MAGIC {
            return Err("bytes on the socket that are no frame".into());
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
            return Err("a frame longer than it may be".into());
        }
        Ok(header)
    }
}

#[derive(Serialize)]
pub(crate) struct Hello<'a> {
    pub(crate) protocol: u32,
    pub(crate) file: &'a str,
    /// The process that has to live; 0 where the worker must not look.
    pub(crate) parent: u32,
    pub(crate) limits: serde_json::Map<String, serde_json::Value>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x: Vec<Attached<'a>>,
}

#[derive(Serialize)]
struct Attached<'a> {
    t: &'static str,
    p: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a str>,
    w: u32,
    h: u32,
}

/// Where each attachment of `calls` lies, 64 bytes apart, and how many bytes they take.
pub(crate) fn layout(calls: &[&Call<'_>]) -> (Vec<(usize, usize)>, usize) {
    let mut at = 0usize;
    let mut places = Vec::new();
    for bytes in calls.iter().flat_map(|c| c.contents()) {
        places.push((at, bytes.len()));
        at = (at + bytes.len()).next_multiple_of(64);
    }
    (places, at)
}

/// The same in a frame, where the parts follow each other without gaps.
pub(crate) fn packed(calls: &[&Call<'_>]) -> Vec<(usize, usize)> {
    let mut at = 0;
    let parts = calls.iter().flat_map(|c| c.contents());
    parts
        .map(|part| {
            at += part.len();
            (at - part.len(), part.len())
        })
        .collect()
}

/// A call as it goes into a frame.
pub(crate) struct Order {
    pub(crate) call: Call<'static>,
    pub(crate) meta: Vec<u8>,
}

impl Order {
    /// Writes the call, if all of it is so short that a socket takes it at once; else gives it
    /// back.
    pub(crate) fn short(call: Call<'static>) -> Result<Self, Call<'static>> {
        let parts: usize = call.contents().map(<[u8]>::len).sum();
        if parts > SHORT {
            return Err(call);
        }
        match call_meta(&[&call], packed(&[&call]), false, false) {
            Ok(meta) if meta.len() + parts <= SHORT => Ok(Self { call, meta }),
            _ => Err(call),
        }
    }
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
            Attached { t, p, n, w, h }
        });
        items.push(Item {
            x: attached.collect(),
            a: &call.positional,
            k: &call.named,
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

/// What a worker says with its results.
#[derive(Deserialize, Debug, Default)]
pub(crate) struct ReplyMeta {
    #[serde(default)]
    pub(crate) r: Vec<Described>,
    /// Lengths of the parts, end to end.
    #[serde(default)]
    pub(crate) p: Vec<u64>,
    /// Whether they lie in shared memory.
    #[serde(default)]
    pub(crate) slot: bool,
    /// Whether the author's code still refers to the input.
    #[serde(default)]
    pub(crate) kept: bool,
    #[serde(default)]
    pub(crate) us: u64,
    /// Of an exception or a bad result.
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) traceback: String,
    #[serde(default)]
    pub(crate) line: Option<u32>,
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
