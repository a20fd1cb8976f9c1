//! Reading what is stored: pictures, objects, and how much there is of each.

use std::path::Path;

use resight_store::{
    Filter, MediaTypeCount, ObjectCount, ObjectId, Order, PictureId, PictureRecord, Position,
};

use super::Library;
use crate::error::EngineError;
use crate::picture::Picture;
use crate::stored_path::path_text;

/// The name under which the catalogue has a collection's identity.
pub const IDENTITY_SETTING: &str = "identity";

/// Amounts of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Number of pictures.
    pub pictures: u64,
    /// Number of files that could not be read.
    pub refused: u64,
    /// Keypoints and descriptors, in bytes.
    pub feature_bytes: u64,
    /// Words and signatures, in bytes.
    pub word_bytes: u64,
    /// The inverted index, in memory or on disk, in bytes.
    pub index_bytes: u64,
}

impl Library {
    /// A stored picture. Fails with `unknown_picture` where there is none.
    pub fn picture(&self, id: &PictureId) -> Result<Picture, EngineError> {
        let record = self.catalogue().picture(id)?;
        record
            .map(Picture::from)
            .ok_or_else(|| EngineError::UnknownPicture(id.clone()))
    }

    /// A page of all pictures, newest first.
    pub fn pictures(&self, offset: u64, limit: u64) -> Result<Vec<Picture>, EngineError> {
        self.pictures_matching(&Filter::default(), offset, limit)
    }

    /// A page of the pictures that match `filter`, newest first.
    pub fn pictures_matching(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Picture>, EngineError> {
        let records = if filter.is_empty() {
            self.catalogue().list(offset, limit)?
        } else {
            self.catalogue().matching_list(filter, offset, limit)?
        };
        Ok(records.into_iter().map(Picture::from).collect())
    }

    /// At most `limit` of the pictures that match `filter` and come after `after` in an order, each with the place
    /// after it. Pictures that are added or removed between two pages neither repeat nor hide others.
    pub fn pictures_after(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<(Position, Picture)>, EngineError> {
        let records = self
            .catalogue()
            .matching_page(filter, order, after, limit)?;
        Ok(placed(order, records))
    }

    /// A page of the pictures that match `filter`, newest first, each with the place after it.
    pub fn pictures_at(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<(Position, Picture)>, EngineError> {
        let records = self.catalogue().matching_list(filter, offset, limit)?;
        Ok(placed(Order::default(), records))
    }

    /// Number of pictures.
    pub fn count(&self) -> Result<u64, EngineError> {
        Ok(self.catalogue().count()?)
    }

    /// Number of pictures that match `filter`.
    pub fn count_matching(&self, filter: &Filter) -> Result<u64, EngineError> {
        if filter.is_empty() {
            return self.count();
        }
        Ok(self.catalogue().matching_count(filter)?)
    }

    /// The picture that was read from this file.
    pub fn find_by_path(&self, path: &Path) -> Result<Option<PictureId>, EngineError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let resolved = std::fs::canonicalize(&absolute).unwrap_or_else(|_| absolute.clone());
        for path in [resolved, absolute] {
            if let Some(path) = path_text(&path)
                && let Some((_, id)) = self.catalogue().source(&path)?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The media types of the stored files, with the number of their pictures.
    pub fn media_types(&self) -> Result<Vec<MediaTypeCount>, EngineError> {
        Ok(self.catalogue().media_types()?)
    }

    /// Number of objects that pictures belong to, and a page of them by id.
    pub fn objects(&self, offset: u64, limit: u64) -> Result<(u64, Vec<ObjectCount>), EngineError> {
        let catalogue = self.catalogue();
        Ok((catalogue.object_count()?, catalogue.objects(offset, limit)?))
    }

    /// Number of objects, and a page of those after one of them.
    pub fn objects_after(
        &self,
        after: &ObjectId,
        limit: u64,
    ) -> Result<(u64, Vec<ObjectCount>), EngineError> {
        let catalogue = self.catalogue();
        let page = catalogue.objects_after(after, limit)?;
        Ok((catalogue.object_count()?, page))
    }

    /// Number of pictures of an object, and a page of them, newest first. Fails with
    /// `unknown_object` where there are none.
    pub fn object(
        &self,
        id: &ObjectId,
        offset: u64,
        limit: u64,
    ) -> Result<(u64, Vec<Picture>), EngineError> {
        let filter = of_object(id);
        match self.count_matching(&filter)? {
            0 => Err(EngineError::UnknownObject(id.clone())),
            total => Ok((total, self.pictures_matching(&filter, offset, limit)?)),
        }
    }

    /// What tells this collection from every other one: `fresh`, where nothing has done so yet.
    pub fn identity(&self, fresh: &str) -> Result<String, EngineError> {
        let catalogue = self.catalogue();
        if let Some(known) = catalogue.setting(IDENTITY_SETTING)? {
            return Ok(known);
        }
        // Two that ask at once get the same.
        let _lock = self.lock_changes();
        if let Some(known) = catalogue.setting(IDENTITY_SETTING)? {
            return Ok(known);
        }
        catalogue.set_setting(IDENTITY_SETTING, fresh)?;
        Ok(fresh.to_owned())
    }

    /// How much is stored.
    pub fn storage(&self) -> Result<Storage, EngineError> {
        let stored = self.catalogue().stored_bytes()?;
        Ok(Storage {
            pictures: self.count()?,
            refused: self.catalogue().refusal_count()?,
            feature_bytes: stored.features,
            word_bytes: stored.words,
            index_bytes: self.visual().index.snapshot().bytes() as u64,
        })
    }
}

/// Matches the pictures of an object.
pub(crate) fn of_object(id: &ObjectId) -> Filter {
    Filter {
        object: Some(id.clone()),
        ..Filter::default()
    }
}

/// The pictures, each with the place after it in an order.
fn placed(order: Order, records: Vec<PictureRecord>) -> Vec<(Position, Picture)> {
    let placed = records
        .into_iter()
        .map(|record| (order.position(&record), Picture::from(record)));
    placed.collect()
}
