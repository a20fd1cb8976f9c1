//! What is stored of a picture's pages and frames, as far as it can be read.

use std::collections::BTreeSet;

use resight_store::{Catalogue, StoreError};

use super::damage::if_readable;
use super::stored_features::from_bytes;
use crate::options::MOST_VIEWS;

/// The pages or frames that are stored of a picture beside the first.
pub(crate) struct StoredPages {
    /// The numbers of those whose record and features can be read.
    pub(crate) sound: BTreeSet<u32>,
    /// Whether something of the picture or of its pages cannot be read.
    pub(crate) is_damaged: bool,
}

impl StoredPages {
    /// Those of the picture with this key.
    pub(crate) fn of(catalogue: &dyn Catalogue, picture: u64) -> Result<Self, StoreError> {
        let mut stored = Self {
            sound: BTreeSet::new(),
            is_damaged: false,
        };
        stored.look_at(catalogue, picture, None)?;
        let views = match if_readable(catalogue.views_of(picture))? {
            Ok(views) => views,
            // One record hides the others. They have the keys above the picture's.
            Err(_) => {
                stored.is_damaged = true;
                let mut views = Vec::new();
                for key in picture + 1..=picture + u64::from(MOST_VIEWS) {
                    match if_readable(catalogue.views(&[key]))?.map(|mut one| one.pop().flatten()) {
                        Ok(Some(view)) => views.push(view),
                        Ok(None) => break,
                        Err(_) => {}
                    }
                }
                views
            }
        };
        for view in views.iter().filter(|view| view.picture == picture) {
            stored.look_at(catalogue, view.key, Some(view.number))?;
        }
        Ok(stored)
    }

    fn look_at(
        &mut self,
        catalogue: &dyn Catalogue,
        key: u64,
        number: Option<u32>,
    ) -> Result<(), StoreError> {
        let features = if_readable(catalogue.features(&[key]))?.ok();
        let features = features.and_then(|mut one| one.pop()).flatten();
        match features.and_then(|bytes| from_bytes(&bytes)) {
            Some(_) => self.sound.extend(number),
            None => self.is_damaged = true,
        }
        Ok(())
    }

    /// Whether some of these pages, which cannot be read from the file now, can be searched by what is stored.
    pub(crate) fn have_one_of(&self, unread: &[u32]) -> bool {
        unread.iter().any(|number| self.sound.contains(number))
    }
}
