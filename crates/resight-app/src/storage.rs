//! How much room a data folder takes, by kind.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use resight_store::{CollectionName, Collections as Folders, StoredBytes, now_ms};
use walkdir::WalkDir;

use crate::collections::{CATALOGUE, Collections};
use crate::components::stored_in;
use crate::config::Config;
use crate::{AppError, Code};

/// How long figures are told again.
const FRESH: Duration = Duration::from_secs(60);
/// How long the thumbnails of a collection count as they are while it has as many pictures: there is a file of each.
const THUMBNAILS_FRESH: Duration = Duration::from_secs(3600);
/// Names in the folder of a collection.
const INDEXES: [&str; 2] = ["index", "vectors"];
const BLOBS: &str = "blobs";
const THUMBNAILS: &str = "blobs/thumbnails";
const ORIGINALS: &str = "blobs/originals";
const COLLECTIONS: &str = "collections";

/// What a data folder takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUse {
    /// When it was measured, in milliseconds since 1970 (UTC).
    pub measured_ms: i64,
    /// The default collection, then the others by name.
    pub collections: Vec<CollectionUse>,
    /// Bytes of what belongs to no collection: jobs, keys, kept answers, exports and such.
    pub service: u64,
    /// Bytes free on its disk; `None` where the system does not tell.
    pub free: Option<u64>,
}

/// What a collection takes, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionUse {
    /// Its name.
    pub name: CollectionName,
    /// What its catalogue tells, or why it cannot be read.
    pub told: Result<CatalogueUse, Code>,
    /// Files of uploads.
    pub originals: u64,
    /// Thumbnails.
    pub thumbnails: u64,
    /// The files of the catalogue, whose greatest parts `told` has.
    pub catalogue: u64,
    /// The files of the index of words and of those of vectors.
    pub index: u64,
}

/// What a catalogue tells of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueUse {
    /// Its number of pictures.
    pub pictures: u64,
    /// Features, words and vectors in the catalogue.
    pub parts: StoredBytes,
}

/// Measures a data folder, not more often than figures change much.
#[derive(Debug, Default)]
pub struct StorageMeter {
    last: Option<(Instant, StorageUse)>,
    /// Of each collection: when its thumbnails were counted, for how many pictures, and their bytes.
    thumbnails: HashMap<CollectionName, (Instant, u64, u64)>,
}

impl StorageMeter {
    /// The figures, at most a minute old.
    pub fn measure(
        &mut self,
        config: &Config,
        collections: &Collections,
    ) -> Result<StorageUse, AppError> {
        if let Some((at, known)) = &self.last
            && at.elapsed() < FRESH
        {
            return Ok(known.clone());
        }
        let folders = Folders::new(&config.root);
        let mut measured = Vec::new();
        for name in collections.names()? {
            let folder = folders.folder(&name);
            let told = match stored_in(config, &name) {
                Ok(Some((pictures, parts))) => Ok(CatalogueUse { pictures, parts }),
                // One that is not whole yet, or is being removed, has nothing.
                Ok(None) => continue,
                // The others can be told, and this one's files are there.
                Err(error) => {
                    tracing::warn!("the catalogue of {name} cannot be measured: {error}");
                    Err(Code::from(&error))
                }
            };
            let pictures = told.map_or(0, |told| told.pictures);
            measured.push(CollectionUse {
                originals: match told {
                    Ok(told) => told.parts.originals,
                    Err(_) => below(&folder.join(ORIGINALS)),
                },
                thumbnails: self.thumbnails(&name, &folder, pictures),
                catalogue: files_beginning(&folder, CATALOGUE),
                index: INDEXES.iter().map(|name| below(&folder.join(name))).sum(),
                told,
                name,
            });
        }
        self.thumbnails
            .retain(|name, _| measured.iter().any(|one| one.name == *name));
        let found = StorageUse {
            measured_ms: now_ms(),
            collections: measured,
            service: of_service(&config.root),
            free: free(&config.root),
        };
        self.last = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    fn thumbnails(&mut self, name: &CollectionName, folder: &Path, pictures: u64) -> u64 {
        if let Some((at, of, bytes)) = self.thumbnails.get(name)
            && *of == pictures
            && at.elapsed() < THUMBNAILS_FRESH
        {
            return *bytes;
        }
        let bytes = below(&folder.join(THUMBNAILS));
        self.thumbnails
            .insert(name.clone(), (Instant::now(), pictures, bytes));
        bytes
    }
}

/// Bytes of the files in a folder and below. What goes away meanwhile counts for nothing.
fn below(folder: &Path) -> u64 {
    let entries = WalkDir::new(folder).into_iter().flatten();
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Bytes of the files of a folder whose names begin so.
fn files_beginning(folder: &Path, name: &str) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(name))
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Bytes in the data folder that belong to no collection.
fn of_service(root: &Path) -> u64 {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut bytes = 0;
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_of_collections = name == COLLECTIONS || name == BLOBS || name.starts_with(CATALOGUE);
        if !is_of_collections && !INDEXES.contains(&&*name) {
            bytes += below(&entry.path());
        }
    }
    bytes
}

/// Bytes free on the disk of a folder; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn free(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn free(_: &Path) -> Option<u64> {
    None
}
