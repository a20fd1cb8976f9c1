//! Labels of pictures: tags, the object a picture belongs to, metadata.

use std::collections::BTreeSet;
use std::fmt;

/// A tag of pictures: 1 to 100 characters, none of them a control character or a mark that changes
/// the direction of writing, no white space at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// Id of the object that several pictures show: 1 to 200 characters, with the same rules as a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl Tag {
    /// The most characters of a tag.
    pub const MAX_CHARS: usize = 100;
    /// The most tags of a picture.
    pub const MOST: usize = 64;

    /// `None` for text that breaks the rules.
    pub fn parse(text: &str) -> Option<Self> {
        is_label(text, Self::MAX_CHARS).then(|| Self(text.to_owned()))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ObjectId {
    /// The most characters of an object's id.
    pub const MAX_CHARS: usize = 200;

    /// `None` for text that breaks the rules.
    pub fn parse(text: &str) -> Option<Self> {
        is_label(text, Self::MAX_CHARS).then(|| Self(text.to_owned()))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
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

/// Control characters, line separators, and marks that change the direction of the text after them.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Free data beside a picture. The store does not interpret the text; a [`crate::Filter`] finds the
/// picture by the entries, which the caller takes from the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    text: String,
    entries: Vec<(String, String)>,
}

impl Metadata {
    /// The most bytes of a metadata text.
    pub const MAX_BYTES: usize = 16 << 10;

    /// `None` for a text that is too long. Sorts the entries and drops repeated ones.
    pub fn new(text: String, mut entries: Vec<(String, String)>) -> Option<Self> {
        entries.sort_unstable();
        entries.dedup();
        (text.len() <= Self::MAX_BYTES).then_some(Self { text, entries })
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names and values, ascending, without repetition.
    pub fn entries(&self) -> &[(String, String)] {
        &self.entries
    }
}

/// The labels of one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Its tags, ascending.
    pub tags: Vec<Tag>,
    /// The object it belongs to.
    pub object: Option<ObjectId>,
    /// The text of its metadata.
    pub metadata: Option<String>,
}

/// How a patch changes a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update<T> {
    /// Leaves it as it is.
    #[default]
    Keep,
    /// Removes it.
    Clear,
    /// Replaces it.
    Set(T),
}

/// A change of a picture's labels. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPatch {
    /// All tags; applied before the next two fields.
    pub tags: Update<Vec<Tag>>,
    /// Tags to add.
    pub add_tags: Vec<Tag>,
    /// Tags to remove; those it does not have are ignored.
    pub remove_tags: Vec<Tag>,
    /// The object it belongs to.
    pub object: Update<ObjectId>,
    /// Its metadata, text and entries together.
    pub metadata: Update<Metadata>,
}

impl LabelPatch {
    /// Whether it changes nothing of any picture.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The tags after the patch of a picture with the tags `before`. They may be more than
    /// [`Tag::MOST`]; [`crate::Changes::commit`] refuses such a patch.
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
