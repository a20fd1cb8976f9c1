//! Decisions that two pictures are no match.

use resight_store::{NotAMatch, PictureId};

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
        let is_new = self.library.catalogue().add_not_a_match(a, b)?;
        self.library.pairs_changed();
        Ok(is_new)
    }

    /// Takes a decision back, whether or not the pictures are stored. Returns whether there was one.
    pub fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        let existed = self.library.catalogue().drop_not_a_match(a, b)?;
        self.library.pairs_changed();
        Ok(existed)
    }

    /// A page of the decisions.
    pub fn not_matches(&self, offset: u64, limit: u64) -> Result<RefutedPage, EngineError> {
        let decisions = self.library.catalogue().not_matches(offset, limit)?;
        self.refuted(decisions)
    }

    /// The page of the decisions after one of them, which may have been taken back meanwhile.
    pub fn not_matches_after(
        &self,
        after: &NotAMatch,
        limit: u64,
    ) -> Result<RefutedPage, EngineError> {
        let decisions = self.library.catalogue().not_matches_after(after, limit)?;
        self.refuted(decisions)
    }

    /// At most `limit` decisions by their ids, above `after`, without their pictures: to read all of them.
    pub fn decisions_by_id(
        &self,
        after: Option<&NotAMatch>,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, EngineError> {
        let after = after.map(|decision| (&decision.a, &decision.b));
        Ok(self.library.catalogue().not_matches_by_id(after, limit)?)
    }

    fn refuted(&self, decisions: Vec<NotAMatch>) -> Result<RefutedPage, EngineError> {
        let catalogue = self.library.catalogue();
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
