//! Decisions that two pictures are no match.

use resight_store::PictureId;

use super::Duplicates;
use crate::error::EngineError;
use crate::picture::Picture;

/// Two pictures that are no match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuted {
    /// The lower id, and its picture where it is stored.
    pub a: (PictureId, Option<Picture>),
    /// The higher id, and its picture where it is stored.
    pub b: (PictureId, Option<Picture>),
    /// When it was decided, in milliseconds since 1970 (UTC).
    pub decided_ms: i64,
}

/// A page of decisions, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefutedPage {
    /// Number of all decisions.
    pub total: u64,
    /// The requested ones.
    pub pairs: Vec<Refuted>,
}

impl Duplicates {
    /// Records that two pictures are no match: neither finds the other any more, and no group has both.
    /// The decision is about their content, so it outlasts a removal. Returns whether it is new.
    ///
    /// # Errors
    /// `same_picture`, `unknown_picture` unless both are stored, and the store's.
    pub fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        self.library.picture(a)?;
        self.library.picture(b)?;
        if a == b {
            return Err(EngineError::SamePicture(a.clone()));
        }
        Ok(self.library.catalogue().add_not_a_match(a, b)?)
    }

    /// Takes a decision back, whether or not the pictures are stored. Returns whether there was one.
    pub fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        Ok(self.library.catalogue().drop_not_a_match(a, b)?)
    }

    /// A page of the decisions.
    pub fn not_matches(&self, offset: u64, limit: u64) -> Result<RefutedPage, EngineError> {
        let catalogue = self.library.catalogue();
        let decisions = catalogue.not_matches(offset, limit)?;
        let with_picture = |id: PictureId| {
            let record = catalogue.picture(&id)?;
            Ok::<_, EngineError>((id, record.map(Picture::from)))
        };
        let pairs = decisions.into_iter().map(|decision| {
            Ok(Refuted {
                a: with_picture(decision.a)?,
                b: with_picture(decision.b)?,
                decided_ms: decision.decided_ms,
            })
        });
        Ok(RefutedPage {
            total: catalogue.not_match_count()?,
            pairs: pairs.collect::<Result<_, EngineError>>()?,
        })
    }
}
