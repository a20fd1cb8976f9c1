//! Indexes in the data folder beside a catalogue that is not: they may be of another one.
//!
//! Invariant: no index is read that was made of another catalogue. Keys alone do not tell two catalogues apart.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use resight_engine::IDENTITY_SETTING;
use resight_store::{Catalogue, StoreError, create_private};

use super::places::remove_folder;
use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::config::Config;
use crate::identity::fresh_identity;

/// The file that names the catalogue of which the indexes beside it were made.
const FILE: &str = "index-of";
/// Folders of indexes, and of words that wait for one.
const INDEXES: [&str; 2] = ["index", "vectors"];

/// Makes the collection's folder one of this catalogue: deletes indexes that were made of another. The data folder must be
/// locked.
pub(crate) fn claim_index(config: &Config, catalogue: &dyn Catalogue) -> Result<(), AppError> {
    if config.stores.catalogue().is_none() {
        return Ok(());
    }
    let identity = match catalogue.setting(IDENTITY_SETTING)? {
        Some(known) => known,
        None => {
            let fresh = fresh_identity()?;
            catalogue.set_setting(IDENTITY_SETTING, &fresh)?;
            fresh
        }
    };
    if claimed(&config.data).as_ref() == Some(&identity) {
        return Ok(());
    }
    for name in INDEXES {
        remove_folder(&config.data.join(name))?;
    }
    let io = |error| StoreError::from_io(&config.data, error);
    create_private(&config.data).map_err(io)?;
    AtomicFile::beside(&file(&config.data))?.write(identity.as_bytes())
}

/// The same configuration, or one with an empty folder where the collection's folder has indexes of another catalogue.
pub(crate) fn with_index_of<'a>(
    config: &'a Config,
    catalogue: &dyn Catalogue,
) -> Result<Cow<'a, Config>, AppError> {
    if config.stores.catalogue().is_none() {
        return Ok(Cow::Borrowed(config));
    }
    let identity = catalogue.setting(IDENTITY_SETTING)?;
    if identity.is_some() && claimed(&config.data) == identity {
        return Ok(Cow::Borrowed(config));
    }
    Ok(Cow::Owned(Config {
        data: config.data.join("none"),
        ..config.clone()
    }))
}

fn claimed(folder: &Path) -> Option<String> {
    fs::read_to_string(file(folder)).ok()
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
