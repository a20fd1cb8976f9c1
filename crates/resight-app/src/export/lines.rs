//! An export as JSON: an object a line, of which `record` says what it is.

use std::io::{self, Write};

use resight_engine::{DuplicateGroup, Picture, Tag};
use resight_store::{CollectionName, NotAMatch, now_ms};
use serde::Serialize;
use serde_json::Value;

use super::{Exported, Form, moment};

/// The number of this form; it grows when a field changes its meaning.
const VERSION: u32 = 1;

pub(super) struct Lines<W> {
    out: W,
}

#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    Export {
        version: u32,
        program: &'static str,
        collection: &'a str,
        made: String,
    },
    Picture(PictureLine<'a>),
    Group {
        group: u64,
        kind: &'static str,
        images: Vec<&'a str>,
        pairs: Vec<PairLine<'a>>,
    },
    NotAMatch {
        a: &'a str,
        b: &'a str,
        decided: String,
    },
    End(&'a Exported),
}

#[derive(Serialize)]
struct PictureLine<'a> {
    id: &'a str,
    name: &'a str,
    media_type: &'a str,
    bytes: u64,
    width: u32,
    height: u32,
    added: String,
    taken: Option<String>,
    tags: Vec<&'a str>,
    object: Option<&'a str>,
    metadata: Option<Value>,
    uploaded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<&'a [String]>,
}

#[derive(Serialize)]
struct PairLine<'a> {
    a: &'a str,
    b: &'a str,
    kind: &'static str,
    nfa_log10: f64,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Form for Lines<W> {
    fn begin(&mut self, collection: &CollectionName) -> io::Result<()> {
        self.line(&Line::Export {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION"),
            collection: collection.as_str(),
            made: moment(now_ms()),
        })
    }

    fn picture(&mut self, picture: &Picture, paths: bool) -> io::Result<()> {
        let labels = &picture.labels;
        let object = labels.object.as_ref();
        // It was stored from JSON.
        let metadata = labels.metadata.as_deref();
        let metadata = metadata.and_then(|text| serde_json::from_str(text).ok());
        self.line(&Line::Picture(PictureLine {
            id: picture.id.as_str(),
            name: &picture.name,
            media_type: &picture.media_type,
            bytes: picture.byte_len,
            width: picture.width,
            height: picture.height,
            added: moment(picture.added_ms),
            taken: picture.taken_ms.map(moment),
            tags: labels.tags.iter().map(Tag::as_str).collect(),
            object: object.map(resight_engine::ObjectId::as_str),
            metadata,
            uploaded: picture.uploaded,
            paths: paths.then_some(&picture.sources),
        }))
    }

    fn group(&mut self, number: u64, group: &DuplicateGroup) -> io::Result<()> {
        let images = group.members.iter().map(|one| one.picture.id.as_str());
        let pairs = group.pairs.iter().map(|pair| PairLine {
            a: pair.a.as_str(),
            b: pair.b.as_str(),
            kind: pair.kind.as_str(),
            nfa_log10: pair.log10_nfa,
        });
        self.line(&Line::Group {
            group: number,
            kind: group.kind.as_str(),
            images: images.collect(),
            pairs: pairs.collect(),
        })
    }

    fn decision(&mut self, decision: &NotAMatch) -> io::Result<()> {
        self.line(&Line::NotAMatch {
            a: decision.a.as_str(),
            b: decision.b.as_str(),
            decided: moment(decision.decided_ms),
        })
    }

    fn end(&mut self, exported: &Exported) -> io::Result<()> {
        self.line(&Line::End(exported))
    }
}
