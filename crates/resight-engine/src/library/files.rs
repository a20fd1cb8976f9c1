//! Files of stored pictures: thumbnails, uploaded bytes, and files in indexed folders.

use std::path::Path;

use resight_decode::{Decoded, RefusedCode, decode, read_bounded, thumbnail_jpeg};
use resight_store::PictureId;

use super::Library;
use crate::error::EngineError;
use crate::picture::{Picture, PictureFile, id_of};
use resight_vision::Image;

/// Longer side of a thumbnail in pixels, and its JPEG quality.
pub(crate) const THUMBNAIL: (u32, u8) = (320, 80);

impl Library {
    /// A small JPEG of the picture. Made from the picture's file where none is stored.
    pub fn thumbnail(&self, id: &PictureId) -> Result<Vec<u8>, EngineError> {
        self.picture(id)?;
        if let Some(bytes) = self.blobs().get(&thumbnail_name(id))? {
            return Ok(bytes);
        }
        let image = self.image(id)?;
        Ok(thumbnail_jpeg(&image, THUMBNAIL.0, THUMBNAIL.1)?)
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
            match read_bounded(Path::new(path), picture.byte_len) {
                Ok(bytes) if id_of(&bytes) == *id => return Ok(file_of(picture, bytes)),
                Err(refused) if refused.code == RefusedCode::Unreadable => {
                    reason = format!("{path}: {}", refused.detail);
                }
                _ => reason = format!("{path} has changed since it was indexed"),
            }
        }
        Err(EngineError::FileGone {
            id: id.clone(),
            reason,
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
        self.image(id).ok().or_else(|| self.stored_thumbnail(id))
    }

    /// The pixels of the picture's stored thumbnail, where there is one.
    pub(crate) fn stored_thumbnail(&self, id: &PictureId) -> Option<Image> {
        let bytes = self.blobs().get(&thumbnail_name(id)).ok()??;
        let decoded = decode(&bytes, &self.options().decode).ok()?;
        Some(decoded.image)
    }
}

fn file_of(picture: Picture, bytes: Vec<u8>) -> PictureFile {
    PictureFile {
        bytes,
        media_type: picture.media_type,
        name: picture.name,
    }
}

pub(crate) fn thumbnail_name(id: &PictureId) -> String {
    format!("thumbnails/{}/{id}.jpg", &id.as_str()[..2])
}

pub(crate) fn original_name(id: &PictureId) -> String {
    format!("originals/{}/{id}", &id.as_str()[..2])
}
