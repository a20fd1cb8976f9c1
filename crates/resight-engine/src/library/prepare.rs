//! A described picture made ready for a commit.

use resight_decode::{taken, thumbnail_jpeg};
use resight_index::{PictureWords, Vocabulary};
use resight_store::{Change, NewPicture, PictureId};

use super::Library;
use super::files::{THUMBNAIL, thumbnail_name};
use super::stored_features::{from_bytes, in_order, to_bytes};
use crate::describe::Described;
use crate::error::EngineError;

/// A picture ready to be committed.
pub(crate) struct PreparedPicture {
    pub(crate) new: NewPicture,
    pub(crate) words: PictureWords,
    /// Tag of the vocabulary of the words.
    tag: [u8; 4],
    /// Bytes of the file, where they are to be stored.
    pub(crate) original: Option<Vec<u8>>,
}

/// A change waiting to be committed.
pub(crate) enum PendingChange {
    Add(Box<PreparedPicture>),
    Other(Box<Change>),
}

impl From<Change> for PendingChange {
    fn from(change: Change) -> Self {
        Self::Other(Box::new(change))
    }
}

impl Library {
    /// Assigns words and writes the thumbnail. `bytes` are the file's.
    pub(crate) fn prepare(
        &self,
        id: PictureId,
        name: &str,
        bytes: &[u8],
        described: &Described,
    ) -> Result<PreparedPicture, EngineError> {
        let image = &described.image;
        let size = [image.width(), image.height()];
        let vocabulary = self.vocabulary();
        let postings = vocabulary.postings(&described.features, size);
        let (features, words) = in_order(&described.features, &postings);
        // Written here, where pictures are prepared in parallel, and not one by one in `commit`. A
        // thumbnail lost to a removal in between is made again when it is asked for.
        let thumbnail = thumbnail_jpeg(image, THUMBNAIL.0, THUMBNAIL.1)?;
        self.blobs().put(&thumbnail_name(&id), &thumbnail)?;
        Ok(PreparedPicture {
            new: NewPicture {
                id,
                name: name.to_owned(),
                media_type: described.media_type.to_owned(),
                byte_len: bytes.len() as u64,
                width: image.width(),
                height: image.height(),
                pages: described.pages,
                depth: described.depth,
                taken_ms: taken(bytes),
                feature_count: features.len() as u32,
                model: self.model().as_str().to_owned(),
                uploaded: false,
                features: to_bytes(&features),
                words: words.to_bytes(vocabulary.tag()),
                source: None,
                views: Vec::new(),
            },
            words,
            tag: vocabulary.tag(),
            original: None,
        })
    }
}

impl PreparedPicture {
    /// Assigns words of `vocabulary` where the picture was prepared with another one.
    pub(crate) fn adopt_vocabulary(&mut self, vocabulary: &Vocabulary) {
        if self.tag == vocabulary.tag() {
            return;
        }
        // This process has encoded them, so decoding does not fail.
        if let Some(features) = from_bytes(&self.new.features) {
            let size = [self.new.width, self.new.height];
            self.words = PictureWords::new(vocabulary.postings(&features, size));
            self.new.words = self.words.to_bytes(vocabulary.tag());
            self.tag = vocabulary.tag();
        }
    }
}
