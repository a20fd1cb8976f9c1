//! Which stores a data folder was used with.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use resight_store::{Collections, SqliteCatalogue};
use serde::{Deserialize, Serialize};

use super::addresses::EMBEDDED;
use super::outside;
use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::config::Config;

/// The file with them in the data folder. A folder that has all in itself needs none.
const FILE: &str = "stores.json";

/// Places of the two, without credentials.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Places {
    catalogue: String,
    blobs: String,
}

impl Places {
    fn of(config: &Config) -> Result<Self, AppError> {
        let catalogue = config.stores.catalogue().map(outside::catalogue_location);
        let blobs = config.stores.blobs().map(outside::blobs_location);
        let or_embedded = |place: Option<String>| place.unwrap_or_else(|| EMBEDDED.to_owned());
        Ok(Self {
            catalogue: or_embedded(catalogue.transpose()?),
            blobs: or_embedded(blobs.transpose()?),
        })
    }

    fn told(&self) -> String {
        format!("catalogue {}, blobs {}", self.catalogue, self.blobs)
    }
}

/// Fails with `other_stores` where the data folder was used with others than the settings name.
pub(crate) fn check(config: &Config) -> Result<(), AppError> {
    let asked = Places::of(config)?;
    let used = match read(&config.root)? {
        Some(used) => used,
        // An embedded one records nothing.
        None if !config.stores.are_outside() => return Ok(()),
        None => Places {
            catalogue: if has_catalogues(&config.root) {
                EMBEDDED.to_owned()
            } else {
                asked.catalogue.clone()
            },
            blobs: if has_blobs(&config.root) {
                EMBEDDED.to_owned()
            } else {
                asked.blobs.clone()
            },
        },
    };
    if used == asked {
        return Ok(());
    }
    Err(AppError::OtherStores {
        folder: config.root.clone(),
        used: used.told(),
        asked: asked.told(),
    })
}

/// Records those of the settings. The folder must be locked, and checked.
pub(super) fn write(config: &Config) -> Result<(), AppError> {
    let asked = Places::of(config)?;
    if !config.stores.are_outside() || read(&config.root)?.as_ref() == Some(&asked) {
        return Ok(());
    }
    let path = config.root.join(FILE);
    let text = serde_json::to_vec_pretty(&asked);
    let text = text.map_err(|error| AppError::unwritable(&path, error.into()))?;
    AtomicFile::beside(&path)?.write(&text)
}

fn read(root: &Path) -> Result<Option<Places>, AppError> {
    let path = root.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => {
            let damaged = |error: serde_json::Error| resight_store::StoreError::Damaged {
                location: path.display().to_string(),
                detail: error.to_string(),
            };
            Ok(Some(serde_json::from_slice(&bytes).map_err(damaged)?))
        }
        // A file in the folder's place is found by who opens it.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(resight_store::StoreError::from_io(&path, error).into()),
    }
}

fn has_catalogues(root: &Path) -> bool {
    let others = Collections::new(root).names();
    SqliteCatalogue::is_in(root) || others.is_ok_and(|names| names.len() > 1)
}

fn has_blobs(root: &Path) -> bool {
    let blobs = root.join("blobs");
    ["originals", "thumbnails"]
        .iter()
        .any(|kind| blobs.join(kind).is_dir())
}
