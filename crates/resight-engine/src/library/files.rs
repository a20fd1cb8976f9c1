//! Files of stored pictures: thumbnails, uploaded bytes, and files in indexed folders.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use resight_decode::{
    DecodeLimits, Decoded, ExifField, Refused, RefusedCode, decode, exif_fields, open_bounded,
    read_bounded, thumbnail_jpeg,
};
use resight_store::PictureId;

use super::Library;
use crate::describe_views::page;
use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::picture::{OpenFile, Picture, PictureFile, id_of};
use crate::stored_path::{path_of_text, readable};
use resight_vision::Image;

/// Longer side of a thumbnail in pixels, and its JPEG quality.
pub(crate) const THUMBNAIL: (u32, u8) = (320, 80);

/// The pixels of a thumbnail, which may be smaller than pictures are accepted.
pub(crate) fn thumbnail_pixels(bytes: &[u8], options: &EngineOptions) -> Result<Image, Refused> {
    let limits = DecodeLimits {
        min_side: 1,
        ..options.decode.clone()
    };
    Ok(decode(bytes, &limits)?.image)
}

impl Library {
    /// A small JPEG of the picture. Rebuilt from the picture's file where none is stored.
    pub fn thumbnail(&self, id: &PictureId) -> Result<Vec<u8>, EngineError> {
        match self.stored_thumbnail(id)? {
            Some(stored) => Ok(stored),
            None => self.rebuild_thumbnail(id),
        }
    }

    /// The stored thumbnail of the picture; `None` where there is none that can be decoded.
    pub fn stored_thumbnail(&self, id: &PictureId) -> Result<Option<Vec<u8>>, EngineError> {
        self.picture(id)?;
        let Some(bytes) = self.blobs().get(&thumbnail_name(id))? else {
            return Ok(None);
        };
        let decodes = || self.small(&bytes).map(drop);
        let sound = self.sound_thumbnails.check(id, &bytes, decodes);
        Ok(sound
            .map_err(|refused| damaged(id, &refused))
            .ok()
            .map(|()| bytes))
    }

    /// Rebuilds the thumbnail from the picture's file and stores it.
    pub fn rebuild_thumbnail(&self, id: &PictureId) -> Result<Vec<u8>, EngineError> {
        let bytes = self.new_thumbnail(id)?;
        // A removal in between would leave a thumbnail of no picture.
        let _changes = self.lock_changes();
        self.picture(id)?;
        // Without it, it is rebuilt another time.
        if let Err(error) = self.blobs().put(&thumbnail_name(id), &bytes) {
            tracing::warn!("the rebuilt thumbnail of {id} is not stored: {error}");
        }
        Ok(bytes)
    }

    /// A small JPEG of a page or frame of the picture's file, drawn when it is asked for.
    ///
    /// # Errors
    /// As [`Library::file`]; `bad_query` where the file has no such page, or none that can be read.
    pub fn page_thumbnail(&self, id: &PictureId, number: u32) -> Result<Vec<u8>, EngineError> {
        let file = self.file(id)?;
        let drawn = match page(&file.bytes, number, self.options()) {
            Some(page) => page.image,
            // The only picture of a file is its first page.
            None if number == 1 => decode(&file.bytes, &self.options().decode)?.image,
            None => {
                return Err(EngineError::BadQuery(format!(
                    "the file of picture {id} has no page or frame {number} that can be read"
                )));
            }
        };
        Ok(thumbnail_jpeg(&drawn, THUMBNAIL.0, THUMBNAIL.1)?)
    }

    fn new_thumbnail(&self, id: &PictureId) -> Result<Vec<u8>, EngineError> {
        let image = self.image(id)?;
        Ok(thumbnail_jpeg(&image, THUMBNAIL.0, THUMBNAIL.1)?)
    }

    /// Stores the bytes of an uploaded picture again where its file is missing or damaged.
    pub(crate) fn restore_original(&self, id: &PictureId, bytes: &[u8]) -> Result<(), EngineError> {
        let name = original_name(id);
        let stored = self.blobs().get(&name)?;
        if stored.is_some_and(|stored| stored == bytes) {
            return Ok(());
        }
        // A removal in between would leave a file of no picture.
        let _changes = self.lock_changes();
        if self.catalogue().picture(id)?.is_some() {
            self.blobs().put(&name, bytes)?;
            tracing::warn!(
                "the file of the uploaded picture {id} was missing or damaged, and is stored again"
            );
        }
        Ok(())
    }

    /// The pixels of the picture's thumbnail, made from the picture's file where none is stored. That one is not
    /// stored: a worker of the thread pool may not wait for the lock of changes, whose owner may wait for workers.
    pub(crate) fn thumbnail_image(&self, id: &PictureId) -> Result<Image, EngineError> {
        match self.readable_thumbnail(id)? {
            Some(pixels) => Ok(pixels),
            None => Ok(self.small(&self.new_thumbnail(id)?)?),
        }
    }

    /// The pixels of the picture's stored thumbnail, where there is one.
    pub(crate) fn stored_thumbnail_image(&self, id: &PictureId) -> Option<Image> {
        self.readable_thumbnail(id).ok()?
    }

    /// The pixels of the stored thumbnail. One that cannot be decoded counts as lost.
    fn readable_thumbnail(&self, id: &PictureId) -> Result<Option<Image>, EngineError> {
        let Some(bytes) = self.blobs().get(&thumbnail_name(id))? else {
            return Ok(None);
        };
        let pixels = self.small(&bytes);
        Ok(pixels.map_err(|refused| damaged(id, &refused)).ok())
    }

    /// The pixels of a thumbnail, whose shorter side may have one pixel.
    fn small(&self, bytes: &[u8]) -> Result<Image, Refused> {
        thumbnail_pixels(bytes, self.options())
    }

    /// Opens the picture's file without reading it into memory.
    ///
    /// # Errors
    /// As [`Library::file`]; where the bytes are stored it does not look whether they are there.
    pub fn open_file(&self, id: &PictureId) -> Result<(Picture, OpenFile), EngineError> {
        let picture = self.picture(id)?;
        if picture.uploaded {
            return Ok((picture, OpenFile::Stored));
        }
        let mut reason = "it has no file".to_owned();
        for source in &picture.sources {
            match self.open_source(id, &path_of_text(source), picture.byte_len) {
                Ok(Some(file)) => return Ok((picture, OpenFile::InFolder(file))),
                Ok(None) => {
                    reason = format!("{} has changed since it was indexed", readable(source))
                }
                Err(why) => reason = format!("{}: {why}", readable(source)),
            }
        }
        Err(EngineError::FileGone {
            id: id.clone(),
            reason,
        })
    }

    /// Opens a file where it has the picture's bytes; the error says why it cannot be read.
    fn open_source(
        &self,
        id: &PictureId,
        path: &Path,
        length: u64,
    ) -> Result<Option<File>, String> {
        let mut file = match open_bounded(path, length) {
            Ok((file, found)) if found == length => file,
            Err(refused) if refused.code == RefusedCode::Unreadable => return Err(refused.detail),
            _ => return Ok(None),
        };
        match self.checked_files.has_content_of(id, path, &mut file) {
            Ok(has) => Ok(has.then_some(file)),
            Err(error) => Err(format!("the file cannot be read: {error}")),
        }
    }

    /// The picture's file as it was added: the stored bytes of an upload, or the file in its folder.
    ///
    /// # Errors
    /// `unknown_picture`; `file_gone` where no file has the picture's bytes any more.
    pub fn file(&self, id: &PictureId) -> Result<PictureFile, EngineError> {
        let picture = self.picture(id)?;
        if let Some(bytes) = self.blobs().get(&original_name(id))? {
            return Ok(file_of(picture, bytes));
        }
        let mut reason = "it has no file".to_owned();
        for path in &picture.sources {
            match read_bounded(&path_of_text(path), picture.byte_len) {
                Ok(bytes) if id_of(&bytes) == *id => return Ok(file_of(picture, bytes)),
                Err(refused) if refused.code == RefusedCode::Unreadable => {
                    reason = format!("{}: {}", readable(path), refused.detail);
                }
                _ => reason = format!("{} has changed since it was indexed", readable(path)),
            }
        }
        Err(EngineError::FileGone {
            id: id.clone(),
            reason,
        })
    }

    /// The Exif of the picture's file.
    ///
    /// # Errors
    /// Those of [`Library::file`].
    pub fn exif(&self, id: &PictureId) -> Result<Vec<ExifField>, EngineError> {
        Ok(exif_fields(&self.file(id)?.bytes))
    }

    /// A part of the bytes of an uploaded picture, without reading the rest.
    ///
    /// # Errors
    /// `file_gone` where they are not stored.
    pub fn stored_part(&self, id: &PictureId, range: Range<u64>) -> Result<Vec<u8>, EngineError> {
        let part = self.blobs().part(&original_name(id), range)?;
        part.ok_or_else(|| EngineError::FileGone {
            id: id.clone(),
            reason: "its bytes are not stored any more".to_owned(),
        })
    }

    /// The picture's file, decoded.
    pub(crate) fn decoded(&self, id: &PictureId) -> Result<Decoded, EngineError> {
        let file = self.file(id)?;
        Ok(decode(&file.bytes, &self.options().decode)?)
    }

    /// The pixels of the picture's file.
    pub(crate) fn image(&self, id: &PictureId) -> Result<Image, EngineError> {
        Ok(self.decoded(id)?.image)
    }

    /// The pixels of the picture's file, or of its stored thumbnail where the file is away.
    pub(crate) fn image_or_thumbnail(&self, id: &PictureId) -> Option<Image> {
        self.image(id)
            .ok()
            .or_else(|| self.stored_thumbnail_image(id))
    }
}

fn damaged(id: &PictureId, why: &Refused) {
    tracing::warn!("the stored thumbnail of {id} is damaged: {}", why.detail);
}

fn file_of(picture: Picture, bytes: Vec<u8>) -> PictureFile {
    PictureFile {
        bytes,
        media_type: picture.media_type,
        name: picture.name,
    }
}

/// Name of the blob with the thumbnail of a picture.
pub fn thumbnail_name(id: &PictureId) -> String {
    format!("thumbnails/{}/{id}.jpg", &id.as_str()[..2])
}

/// Name of the blob with the bytes of an uploaded picture.
pub fn original_name(id: &PictureId) -> String {
    format!("originals/{}/{id}", &id.as_str()[..2])
}
