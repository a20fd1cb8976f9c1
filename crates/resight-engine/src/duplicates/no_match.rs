//! Pairs of which a user said that they are no match.

use std::collections::HashSet;

use resight_store::{PictureId, read_all};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::picture::Picture;

/// Two pictures that are no match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuted {
    /// The lower id, and its picture where it is held.
    pub a: (PictureId, Option<Picture>),
    /// The higher id, and its picture where it is held.
    pub b: (PictureId, Option<Picture>),
    /// When it was said, in milliseconds since 1970 (UTC).
    pub decided_ms: i64,
}

/// Some of them, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefutedPage {
    /// Number of all.
    pub total: u64,
    /// Those asked for.
    pub pairs: Vec<Refuted>,
}

impl Engine {
    /// Notes that two pictures are no match: neither is found by the other any more, and no group
    /// holds both. It holds for their content, so also after a removal. Says whether it is new.
    ///
    /// Errors: `same_picture`, `unknown_picture` unless both are held, and the store's.
    pub fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        self.picture(a)?;
        self.picture(b)?;
        if a == b {
            return Err(EngineError::SamePicture(a.clone()));
        }
        Ok(self.parts.catalogue.add_not_a_match(a, b)?)
    }

    /// Takes that back, whether or not they are held. Says whether it had been said.
    pub fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        Ok(self.parts.catalogue.drop_not_a_match(a, b)?)
    }

    /// What was said so far.
    pub fn not_matches(&self, offset: u64, limit: u64) -> Result<RefutedPage, EngineError> {
        let catalogue = &*self.parts.catalogue;
        let found = catalogue.not_matches(offset, limit)?;
        let with_picture = |id: PictureId| {
            let record = catalogue.picture(&id)?;
            Ok::<_, EngineError>((id, record.map(Picture::from)))
        };
        let pairs = found.into_iter().map(|said| {
            Ok(Refuted {
                a: with_picture(said.a)?,
                b: with_picture(said.b)?,
                decided_ms: said.decided_ms,
            })
        });
        Ok(RefutedPage {
            total: catalogue.not_match_count()?,
            pairs: pairs.collect::<Result<_, EngineError>>()?,
        })
    }

    /// Keys that a search by these pictures leaves out, their own aside.
    pub(crate) fn refuted<'a>(
        &self,
        ids: impl Iterator<Item = &'a PictureId>,
    ) -> Result<HashSet<u64>, EngineError> {
        let catalogue = &self.parts.catalogue;
        let mut keys = HashSet::new();
        for id in ids {
            let page = |after, limit| catalogue.not_matches_of_after(id, after, limit);
            keys.extend(read_all(|key| *key, page)?);
        }
        Ok(keys)
    }
}
