//! A described picture made ready for a commit.

use std::sync::atomic::AtomicBool;

use resight_decode::{taken, thumbnail_jpeg};
use resight_index::{PictureWords, Vocabulary};
use resight_store::{Change, NewPicture, NewView, PictureId};
use resight_vision::LocalExtractor;

use super::Library;
use super::files::{THUMBNAIL, thumbnail_name};
use super::stored_features::{from_bytes, in_order, to_bytes};
use crate::describe::Described;
use crate::describe_views::describe_views;
use crate::error::EngineError;
use crate::options::EngineOptions;

/// A picture ready to be committed.
pub(crate) struct PreparedPicture {
    pub(crate) new: NewPicture,
    pub(crate) words: PictureWords,
    /// Words of its views, in their order.
    pub(crate) view_words: Vec<PictureWords>,
    /// Further pages or frames that could not be read.
    pub(crate) unread_pages: Vec<u32>,
    /// Tag of the vocabulary of the words.
    tag: [u8; 4],
    /// Bytes of the file, where they are to be stored.
    pub(crate) original: Option<Vec<u8>>,
}

/// A change waiting to be committed.
pub(crate) enum PendingChange {
    Add(Box<PreparedPicture>),
    /// Gives a stored picture what was described of its file again.
    Retake(Box<PreparedPicture>),
    Other(Box<Change>),
}

impl From<Change> for PendingChange {
    fn from(change: Change) -> Self {
        Self::Other(Box::new(change))
    }
}

impl Library {
    /// Assigns words, writes the thumbnail and describes further pages or frames. `bytes` are the file's. `retry` is
    /// that of [`crate::describe::describe_image`].
    pub(crate) fn prepare(
        &self,
        id: PictureId,
        name: &str,
        bytes: &[u8],
        described: &Described,
        retry: Option<&AtomicBool>,
    ) -> Result<PreparedPicture, EngineError> {
        let thumbnail = thumbnail_jpeg(&described.image, THUMBNAIL.0, THUMBNAIL.1)?;
        // Written here, where pictures are prepared in parallel, and not one by one in `commit`. A
        // thumbnail lost to a removal in between is made again when it is asked for.
        self.blobs().put(&thumbnail_name(&id), &thumbnail)?;
        let with = Preparation {
            vocabulary: &self.vocabulary(),
            options: self.options(),
            extractor: &**self.extractor(),
        };
        with.prepare(id, name, bytes, described, retry)
    }
}

/// What pictures are prepared with.
pub(crate) struct Preparation<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) options: &'a EngineOptions,
    pub(crate) extractor: &'a dyn LocalExtractor,
}

impl Preparation<'_> {
    /// As [`Library::prepare`], and writes nothing.
    pub(crate) fn prepare(
        &self,
        id: PictureId,
        name: &str,
        bytes: &[u8],
        described: &Described,
        retry: Option<&AtomicBool>,
    ) -> Result<PreparedPicture, EngineError> {
        let (vocabulary, options, extractor) = (self.vocabulary, self.options, self.extractor);
        let image = &described.image;
        let size = [image.width(), image.height()];
        let postings = vocabulary.postings(&described.features, size);
        let (features, words) = in_order(&described.features, &postings);
        let (mut views, mut view_words) = (Vec::new(), Vec::new());
        let unread_pages = describe_views(
            bytes,
            &described.into(),
            options,
            extractor,
            [retry, retry],
            &mut |view| {
                let postings = vocabulary.postings(&view.features, view.size);
                let (features, words) = in_order(&view.features, &postings);
                views.push(NewView {
                    number: view.number,
                    time_ms: view.time_ms,
                    width: view.size[0],
                    height: view.size[1],
                    feature_count: features.len() as u32,
                    features: to_bytes(&features),
                    words: words.to_bytes(vocabulary.tag()),
                });
                view_words.push(words);
            },
        )?;
        if !unread_pages.is_empty() {
            let count = unread_pages.len();
            tracing::warn!("{count} further pages or frames of {name} cannot be read");
        }
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
                model: extractor.model().as_str().to_owned(),
                uploaded: false,
                features: to_bytes(&features),
                words: words.to_bytes(vocabulary.tag()),
                source: None,
                views,
            },
            words,
            view_words,
            unread_pages,
            tag: vocabulary.tag(),
            original: None,
        })
    }
}

impl PreparedPicture {
    /// Features of the further page or frame that has most.
    pub(crate) fn most_features(&self) -> u32 {
        let counts = self.new.views.iter().map(|view| view.feature_count);
        counts.max().unwrap_or(0)
    }

    /// Assigns words of `vocabulary` where the picture was prepared with another one.
    pub(crate) fn adopt_vocabulary(&mut self, vocabulary: &Vocabulary) {
        if self.tag == vocabulary.tag() {
            return;
        }
        let size = [self.new.width, self.new.height];
        let Some(words) = words_of(&self.new.features, size, vocabulary) else {
            return;
        };
        self.new.words = words.to_bytes(vocabulary.tag());
        self.words = words;
        for (view, words) in self.new.views.iter_mut().zip(&mut self.view_words) {
            let size = [view.width, view.height];
            if let Some(new) = words_of(&view.features, size, vocabulary) {
                view.words = new.to_bytes(vocabulary.tag());
                *words = new;
            }
        }
        self.tag = vocabulary.tag();
    }

    /// Bytes of encoded features, which are many where a file has many pages.
    pub(crate) fn feature_bytes(&self) -> usize {
        let views = self.new.views.iter().map(|view| view.features.len());
        self.new.features.len() + views.sum::<usize>()
    }
}

/// The words of features that this process has encoded, so decoding does not fail.
fn words_of(features: &[u8], size: [u32; 2], vocabulary: &Vocabulary) -> Option<PictureWords> {
    let features = from_bytes(features)?;
    Some(PictureWords::new(vocabulary.postings(&features, size)))
}
