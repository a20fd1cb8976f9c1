//! What people say about pictures: tags, the object a picture belongs to, metadata.

use std::collections::BTreeSet;
use std::fmt;

/// A word put on pictures: 1 to 100 characters, none of them a control character or a mark that
/// turns the direction of writing, no white space at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// Names the thing that several pictures are of: 1 to 200 characters, of which the same holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl Tag {
    /// Characters of a tag at most.
    pub const MAX_CHARS: usize = 100;
    /// Tags of a picture at most.
    pub const MOST: usize = 64;

    /// `None` for what is not allowed.
    pub fn parse(text: &str) -> Option<Self> {
        is_label(text, Self::MAX_CHARS).then(|| Self(text.to_owned()))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn text(&self) -> &String {
        &self.0
    }
}

impl ObjectId {
    /// Characters of an object's id at most.
    pub const MAX_CHARS: usize = 200;

    /// `None` for what is not allowed.
    pub fn parse(text: &str) -> Option<Self> {
        is_label(text, Self::MAX_CHARS).then(|| Self(text.to_owned()))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn text(&self) -> &String {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(text: &str, most: usize) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= most
        && !text.chars().any(is_unseen)
}

/// Controls, separators of lines, and what turns the writing of all that follows.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whatever the caller keeps beside a picture. The text is opaque here; the entries are what it can
/// be found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    text: String,
    entries: Vec<(String, String)>,
}

impl Metadata {
    /// Bytes of a metadata text at most.
    pub const MAX_BYTES: usize = 16 << 10;

    /// `None` for a text that is too long. Of entries that occur twice one is kept.
    pub fn new(text: String, mut entries: Vec<(String, String)>) -> Option<Self> {
        entries.sort_unstable();
        entries.dedup();
        (text.len() <= Self::MAX_BYTES).then_some(Self { text, entries })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn entries(&self) -> &[(String, String)] {
        &self.entries
    }
}

/// What is said about one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Its tags, ascending.
    pub tags: Vec<Tag>,
    /// The object it belongs to.
    pub object: Option<ObjectId>,
    /// Its metadata's text.
    pub metadata: Option<String>,
}

/// What becomes of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is none afterwards.
    Clear,
    /// This is it afterwards.
    Set(T),
}

/// A change of what is said about a picture. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPatch {
    /// All its tags, before the next two.
    pub tags: Update<Vec<Tag>>,
    /// Tags that it gets beside those it has.
    pub add_tags: Vec<Tag>,
    /// Tags that it loses, where it has them.
    pub remove_tags: Vec<Tag>,
    /// The object it belongs to.
    pub object: Update<ObjectId>,
    /// Its metadata, as a whole.
    pub metadata: Update<Metadata>,
}

impl LabelPatch {
    /// Whether it changes nothing whatever the picture.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The tags of a picture that had those of `before`. They may be more than [`Tag::MOST`], which
    /// no picture gets.
    pub fn tags_after(&self, before: impl IntoIterator<Item = Tag>) -> BTreeSet<Tag> {
        let mut after: BTreeSet<Tag> = match &self.tags {
            Update::Keep => before.into_iter().collect(),
            Update::Clear => BTreeSet::new(),
            Update::Set(tags) => tags.iter().cloned().collect(),
        };
        after.extend(self.add_tags.iter().cloned());
        for tag in &self.remove_tags {
            after.remove(tag);
        }
        after
    }
}

/// Which pictures are meant: those of which all of it holds. The default means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// It has each of these tags.
    pub tags: Vec<Tag>,
    /// It has none of these tags.
    pub not_tags: Vec<Tag>,
    /// It belongs to this object.
    pub object: Option<ObjectId>,
    /// Its metadata has each of these entries.
    pub entries: Vec<(String, String)>,
}

impl Filter {
    /// Tags and entries that a filter asks for at most; each is a part of the catalogue's question.
    pub const MOST: usize = 64;

    /// Tags and entries that it asks for.
    pub fn conditions(&self) -> usize {
        self.tags.len() + self.not_tags.len() + self.entries.len()
    }

    /// Whether it means all pictures.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_can_be_shown() {
        let long = "é".repeat(100);
        for good in ["a", "two words", "日本", "a/b?c", long.as_str()] {
            assert_eq!(Tag::parse(good).map(|t| t.to_string()), Some(good.into()));
        }
        let longer = "é".repeat(101);
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "\u{7f}",
            "a\u{202e}b",
            "\u{2066}a",
            longer.as_str(),
        ] {
            assert_eq!(Tag::parse(bad), None, "{bad:?}");
        }
        assert!(ObjectId::parse(&longer).is_some());
        assert!(ObjectId::parse(&"x".repeat(201)).is_none());
    }

    #[test]
    fn metadata_has_a_bound() {
        let twice = vec![("a".to_owned(), "1".to_owned()); 2];
        let kept = Metadata::new("x".repeat(Metadata::MAX_BYTES), twice).unwrap();
        assert_eq!(kept.entries().len(), 1);
        assert_eq!(
            Metadata::new("x".repeat(Metadata::MAX_BYTES + 1), Vec::new()),
            None
        );
    }
}
