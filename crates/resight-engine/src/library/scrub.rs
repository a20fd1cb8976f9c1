//! Checking what is stored of one picture after another while the library is in use.

use resight_store::StoreError;

use super::Library;
use super::check_described::{
    Described, check_features, check_views, check_words, is_of_another_vocabulary, length, read_one,
};
use super::damage::{if_readable, name_of};
use super::findings::{Finding, FindingKind, Verification};
use super::verify::{check_blobs, find_record};
use crate::error::EngineError;

/// The catalogue's setting with the key of the picture that was checked last.
const SCRUBBED: &str = "scrubbed_up_to";

/// A picture that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// Its key.
    pub key: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is damaged of it.
    pub findings: Vec<Finding>,
    /// Whether all of it was checked, but for vectors of models that are not attached.
    pub is_complete: bool,
}

impl Library {
    /// Checks the picture after the key `after`, the first one for `None`: its record, features, words, views and
    /// vectors, its uploaded file and its thumbnail. `None` behind the last one.
    pub fn scrub_after(&self, after: Option<u64>) -> Result<Option<Scrubbed>, EngineError> {
        let catalogue = self.catalogue();
        let mut checked = Verification::default();
        let key = match if_readable(catalogue.keys_after(after, 1))? {
            Ok(next) => match next.first() {
                Some(&(key, _)) => key,
                None => return Ok(None),
            },
            Err(error) => {
                let key = self.readable_after(after).ok_or(error)?;
                return Ok(Some(unreadable_up_to(key)));
            }
        };
        let mut bytes = 0;
        let mut is_complete = true;
        let features = read_one(key, |keys| catalogue.features(keys))?;
        let words = read_one(key, |keys| catalogue.words(keys))?;
        bytes += length(&features) + length(&words);
        match read_one(key, |keys| catalogue.pictures(keys))? {
            Ok(Some(record)) => {
                let picture = Described::picture(&record);
                check_features(&picture, features, &mut checked);
                let tag = self.vocabulary().tag();
                if is_of_another_vocabulary(&words, tag) {
                    is_complete = false;
                } else {
                    check_words(tag, &picture, words, &mut checked);
                }
                // Words of another vocabulary are there while a conversion ends.
                let exchanged = || Ok(true);
                let (read, all) = check_views(catalogue, tag, &record, &exchanged, &mut checked)?;
                bytes += read;
                is_complete &= all;
                bytes += check_blobs(self.blobs(), self.options(), &record, &mut checked)?;
            }
            Err(error) => find_record(key, &error, &mut checked),
            // Removed meanwhile.
            Ok(None) => {}
        }
        for model in self.models().list().iter() {
            let vector = read_one(key, |keys| model.vectors.vectors(model.id(), keys))?;
            bytes += length(&vector);
            if let Err(error) = vector {
                let thing = name_of(key, &error);
                checked.find_of(key, FindingKind::VectorDamaged, thing, error);
            }
        }
        // One that is removed while it is checked is not damaged.
        if !checked.findings.is_empty() && !self.is_still_there(key)? {
            checked.findings.clear();
        }
        Ok(Some(Scrubbed {
            key,
            bytes,
            findings: checked.findings,
            is_complete,
        }))
    }

    fn is_still_there(&self, key: u64) -> Result<bool, StoreError> {
        let next = if_readable(self.catalogue().keys_after(Some(key - 1), 1))?;
        // One that cannot be looked for is not known to be gone.
        Ok(next.map_or(true, |next| {
            next.first().is_some_and(|(next, _)| *next == key)
        }))
    }

    /// A key behind rows that cannot be read, behind which others can be: twice as far each time.
    fn readable_after(&self, after: Option<u64>) -> Option<u64> {
        let start = after.unwrap_or(0);
        let keys = (0..62).map(|n| start.saturating_add(1 << n));
        let is_readable = |key: &u64| self.catalogue().keys_after(Some(*key), 1).is_ok();
        keys.into_iter().find(is_readable)
    }

    /// The key up to which an earlier process has checked pictures.
    pub fn scrubbed_up_to(&self) -> Result<Option<u64>, EngineError> {
        let stored = self.catalogue().setting(SCRUBBED)?;
        Ok(stored.and_then(|key| key.parse().ok()))
    }

    /// Remembers up to which key pictures were checked.
    pub fn remember_scrubbed(&self, up_to: u64) -> Result<(), EngineError> {
        Ok(self.catalogue().set_setting(SCRUBBED, &up_to.to_string())?)
    }

    /// Adds the checksums that these pictures lack, which were found whole. Writes nothing where none is lacking.
    pub fn add_checksums(&self, whole: &[u64]) -> Result<(), EngineError> {
        self.catalogue().seal(whole)?;
        Ok(())
    }
}

/// A part of the catalogue that cannot be read.
fn unreadable_up_to(key: u64) -> Scrubbed {
    let mut checked = Verification::default();
    let detail = format!("records up to number {key} cannot be read");
    checked.find(FindingKind::CatalogueDamaged, "catalogue", detail);
    Scrubbed {
        key,
        bytes: 0,
        findings: checked.findings,
        is_complete: false,
    }
}
