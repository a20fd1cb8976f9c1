//! What is asked and answered, as it crosses the socket.

use resight_engine::{LabelPatch, Metadata, ObjectId, PictureId, Tag, Update};
use serde::{Deserialize, Serialize};

/// The longest line of either side.
pub(super) const MOST_BYTES: u64 = 64 << 20;

/// What a command wants.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// Remove pictures; answered by whether each was there.
    Remove {
        collection: String,
        ids: Vec<String>,
    },
    /// Change the labels of pictures, all at once; answered by whether each is there.
    Label {
        collection: String,
        patches: Vec<(String, Patch)>,
    },
    /// Forget absolute paths.
    Forget {
        collection: String,
        paths: Vec<String>,
        prune: bool,
    },
    /// Say that two pictures are no match, or take it back; answered by whether that changed something.
    NotAMatch {
        collection: String,
        a: String,
        b: String,
        undo: bool,
    },
    /// Make a collection; answered by whether it is new.
    CreateCollection { name: String },
    /// Remove a collection.
    RemoveCollection { name: String },
    /// Give a collection another name.
    RenameCollection { from: String, to: String },
}

/// What the server says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Reply {
    Each {
        done: Vec<bool>,
    },
    One {
        done: bool,
    },
    Forgotten {
        paths: u64,
        refusals: u64,
        kept_without_path: u64,
        removed: u64,
        /// The paths at and below which nothing is stored, as they were sent.
        unknown: Vec<String>,
    },
    Failed {
        code: String,
        detail: String,
        next_step: String,
    },
}

/// A change of labels.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Patch {
    tags: Change<Vec<String>>,
    add_tags: Vec<String>,
    remove_tags: Vec<String>,
    object: Change<String>,
    metadata: Change<(String, Vec<(String, String)>)>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    fn of<U>(update: &Update<U>, text: impl FnOnce(&U) -> T) -> Self {
        match update {
            Update::Keep => Self::Keep,
            Update::Clear => Self::Clear,
            Update::Set(value) => Self::Set(text(value)),
        }
    }

    /// `None` for a text that cannot be the value.
    fn update<U>(self, value: impl FnOnce(T) -> Option<U>) -> Option<Update<U>> {
        Some(match self {
            Self::Keep => Update::Keep,
            Self::Clear => Update::Clear,
            Self::Set(text) => Update::Set(value(text)?),
        })
    }
}

impl Patch {
    pub(super) fn of(patch: &LabelPatch) -> Self {
        let texts = |tags: &Vec<Tag>| tags.iter().map(ToString::to_string).collect();
        Self {
            tags: Change::of(&patch.tags, texts),
            add_tags: texts(&patch.add_tags),
            remove_tags: texts(&patch.remove_tags),
            object: Change::of(&patch.object, ObjectId::to_string),
            metadata: Change::of(&patch.metadata, |metadata| {
                (metadata.text().to_owned(), metadata.entries().to_vec())
            }),
        }
    }

    /// `None` where a text cannot be what it stands for.
    pub(super) fn patch(self) -> Option<LabelPatch> {
        Some(LabelPatch {
            tags: self.tags.update(tags)?,
            add_tags: tags(self.add_tags)?,
            remove_tags: tags(self.remove_tags)?,
            object: self.object.update(|text| ObjectId::parse(&text))?,
            metadata: self
                .metadata
                .update(|(text, entries)| Metadata::new(text, entries))?,
        })
    }
}

fn tags(texts: Vec<String>) -> Option<Vec<Tag>> {
    texts.iter().map(|text| Tag::parse(text)).collect()
}

/// The ids as texts.
pub(super) fn texts(ids: &[PictureId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// `None` where a text is no id.
pub(super) fn ids(texts: &[String]) -> Option<Vec<PictureId>> {
    texts.iter().map(|text| PictureId::parse(text)).collect()
}

/// `None` where a text is no id, or cannot be what it stands for.
pub(super) fn patches_of(sent: Vec<(String, Patch)>) -> Option<Vec<(PictureId, LabelPatch)>> {
    let sent = sent.into_iter();
    sent.map(|(id, patch)| Some((PictureId::parse(&id)?, patch.patch()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_crosses_the_socket_as_it_is() {
        let tag = |text: &str| Tag::parse(text).unwrap();
        let metadata = Metadata::new("{\"a\":1}".into(), vec![("a".into(), "1".into())]);
        for patch in [
            LabelPatch::default(),
            LabelPatch {
                tags: Update::Clear,
                add_tags: vec![tag("a"), tag("b c")],
                remove_tags: vec![tag("d")],
                object: Update::Set(ObjectId::parse("vase 7").unwrap()),
                metadata: Update::Set(metadata.unwrap()),
            },
            LabelPatch {
                tags: Update::Set(vec![tag("é")]),
                object: Update::Clear,
                metadata: Update::Clear,
                ..LabelPatch::default()
            },
        ] {
            let line = serde_json::to_string(&Patch::of(&patch)).unwrap();
            let read: Patch = serde_json::from_str(&line).unwrap();
            assert_eq!(read.patch(), Some(patch));
        }
        let bad = r#"{"tags":"keep","add_tags":[" "],"remove_tags":[],"object":"keep","metadata":"keep"}"#;
        let bad: Patch = serde_json::from_str(bad).unwrap();
        assert_eq!(bad.patch(), None);
    }
}
