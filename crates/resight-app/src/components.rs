//! The one place that chooses the components of a library: catalogue and blobs, of which `stores` knows where they
//! are, and an index folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_engine::{
    Components, IndexFolder, Library, PictureId, original_name, path_of_text, thumbnail_name,
};
use resight_index::Vocabulary;
use resight_store::{
    Catalogue, CollectionName, FolderGuard, ServiceRecords, SqliteCatalogue, StoreError,
};
use resight_vision::{LocalExtractor, ModelId};

use crate::config::Config;
use crate::global_models::{LoadedModels, ModelAccess};
use crate::provenance::Provenance;
use crate::stores::{self, CollectionPlaces};
use crate::vocabularies::{self, ChosenVocabulary};
use crate::{AppError, extractors};

pub use crate::stores::count_in;
pub(crate) use crate::stores::{
    BLOBS, catalogue_of, has_catalogue, identity_in, lost_catalogue, no_catalogue, open_catalogue,
    read_catalogue, stored_in,
};

/// Folder of the inverted index in the folder of a collection.
const INDEX: &str = "index";

/// Where jobs and registered folders are stored.
pub(crate) type Records = ServiceRecords;

/// Opens the records of jobs and registered folders.
pub(crate) fn open_records(config: &Config) -> Result<Records, AppError> {
    Ok(ServiceRecords::open(&config.root)?)
}

/// Opens them for the process that has the data folder open for changes, also on a full disk. Damaged ones are put
/// aside: no picture depends on them.
pub(crate) fn open_own_records(config: &Config, guard: &FolderGuard) -> Result<Records, AppError> {
    let open = || ServiceRecords::open(&config.root);
    match guard.with_reserve(open) {
        Err(StoreError::Damaged { location, detail }) => {
            tracing::error!(
                "{location} is damaged and put aside: {detail}; jobs are lost, and folders have to be registered again"
            );
            let path = config.root.join(ServiceRecords::FILE_NAME);
            let aside = config.root.join("service.sqlite3.damaged");
            let moved = std::fs::rename(&path, &aside);
            moved.map_err(|error| AppError::unwritable(&aside, error))?;
            for end in ["-wal", "-shm"] {
                // They belong to the file that was put aside; there may be none.
                let _ = std::fs::remove_file(config.root.join(format!("service.sqlite3{end}")));
            }
            Ok(guard.with_reserve(open)?)
        }
        opened => Ok(opened?),
    }
}

/// Copies registered folders and jobs that have ended into a folder; `None` where the data folder never had any.
pub(crate) fn copy_records(config: &Config, into: &Path) -> Result<Option<BlobFile>, AppError> {
    let copied = ServiceRecords::copy(&config.root, into)?;
    let name = ServiceRecords::FILE_NAME.to_owned();
    let file = BlobFile {
        path: into.join(&name),
        name,
        id: None,
    };
    Ok(copied.then_some(file))
}

/// The registered folders of a data folder, of which a copy is read; none where that cannot be done.
pub(crate) fn read_folders(root: &Path) -> Vec<PathBuf> {
    let read = || {
        let copy = tempfile::tempdir().ok()?;
        ServiceRecords::copy(root, copy.path())
            .ok()?
            .then_some(())?;
        Records::open(copy.path()).ok()?.folders().ok()
    };
    let folders = read().unwrap_or_default().into_iter();
    folders
        .map(|folder| path_of_text(&folder.new.path))
        .collect()
}

/// Fails where a data folder has records that cannot be read.
pub(crate) fn check_records(root: &Path) -> Result<(), AppError> {
    if Records::is_in(root) {
        Records::open(root)?.folders()?;
    }
    Ok(())
}

/// A library that may be changed.
pub(crate) struct OpenLibrary {
    pub(crate) library: Arc<Library>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    /// The vocabulary that the stored pictures are yet to be converted to.
    pub(crate) pending: Option<Arc<Vocabulary>>,
}

/// Opens the library on `catalogue` for changes. It shares the memory for features with the library
/// `beside` it, and uses the global models that the collection remembers if `models` are given.
pub(crate) fn open_library(
    config: &Config,
    guard: &Arc<FolderGuard>,
    catalogue: Arc<dyn Catalogue>,
    extractor: Arc<dyn LocalExtractor>,
    chosen: ChosenVocabulary,
    beside: Option<&Library>,
    models: Option<&LoadedModels>,
) -> Result<OpenLibrary, AppError> {
    vocabularies::keep_apart(config, &chosen.vocabulary)?;
    let pending = vocabularies::pending(config, &chosen.vocabulary)?;
    stores::claim_index(config, &*catalogue)?;
    let (blobs, may_have_strays) = stores::open_blobs(config, guard)?;
    let components = Components {
        index: Some(index_folder(config, true)),
        catalogue: catalogue.clone(),
        blobs,
        extractor,
        vocabulary: chosen.vocabulary,
        convert: chosen.convert,
    };
    let options = config.engine_options();
    let library = Arc::new(match beside {
        Some(other) => Library::open_beside(other, components, options)?,
        None => Library::open(components, options)?,
    });
    // Before anything is added, and before uploads without a record are looked for.
    library.finish_removals()?;
    if may_have_strays {
        let deleted = library.delete_stray_thumbnails()?;
        tracing::debug!("{deleted} thumbnails of pictures that were never stored are deleted");
    }
    if let Some(models) = models {
        let access = ModelAccess {
            change: true,
            describe: true,
        };
        models.attach(&library, &catalogue, config, access)?;
    }
    Ok(OpenLibrary {
        library,
        catalogue,
        pending,
    })
}

/// Opens the library on `catalogue` for reading. `describes`: it may have to describe pictures.
pub(crate) fn read_library(
    config: &Config,
    catalogue: Arc<dyn Catalogue>,
    extractor: Arc<dyn LocalExtractor>,
    chosen: ChosenVocabulary,
    models: Option<&LoadedModels>,
    describes: bool,
) -> Result<Arc<Library>, AppError> {
    let blobs = stores::read_blobs(config)?;
    let config = &*stores::with_index_of(config, &*catalogue)?;
    let components = Components {
        index: Some(index_folder(config, false)),
        catalogue: catalogue.clone(),
        blobs,
        extractor,
        vocabulary: chosen.vocabulary,
        // A library that is only read cannot convert: opening it fails where the vocabulary does not fit.
        convert: false,
    };
    let library = Arc::new(Library::open(components, config.engine_options())?);
    if let Some(models) = models {
        let access = ModelAccess {
            change: false,
            describe: describes,
        };
        models.attach(&library, &catalogue, config, access)?;
    }
    Ok(library)
}

/// What the collection consists of, to be checked beside another process.
pub(crate) fn parts_to_read(config: &Config) -> Result<Components, AppError> {
    let catalogue = read_catalogue(config)?;
    let (extractor, chosen) = without_describing(config, &*catalogue)?;
    let blobs = stores::read_blobs(config)?;
    let config = &*stores::with_index_of(config, &*catalogue)?;
    Ok(Components {
        index: Some(index_folder(config, false)),
        blobs,
        catalogue,
        extractor,
        vocabulary: chosen.vocabulary,
        convert: false,
    })
}

/// What the collection consists of, to be repaired.
pub(crate) fn parts_to_repair(
    config: &Config,
    guard: &Arc<FolderGuard>,
    catalogue: Arc<dyn Catalogue>,
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: Arc<Vocabulary>,
) -> Result<Components, AppError> {
    stores::claim_index(config, &*catalogue)?;
    let (blobs, _) = stores::open_blobs(config, guard)?;
    Ok(Components {
        index: Some(index_folder(config, true)),
        catalogue,
        blobs,
        extractor,
        vocabulary,
        convert: false,
    })
}

/// An extractor and a vocabulary that fit the stored pictures and can describe nothing.
pub(crate) fn without_describing(
    config: &Config,
    catalogue: &dyn Catalogue,
) -> Result<(Arc<dyn LocalExtractor>, ChosenVocabulary), AppError> {
    let stored = Provenance::of(catalogue)?;
    let model = match &stored.model {
        Some(stored) => ModelId::new(stored),
        None => extractors::sift(config).model().clone(),
    };
    let chosen = stored
        .choose_vocabulary(config, &model)?
        .ok_or_else(|| vocabularies::missing(&model, true))?;
    let extractor = extractors::absent(model, chosen.vocabulary.dimension(), config);
    Ok((extractor, chosen))
}

fn index_folder(config: &Config, writable: bool) -> IndexFolder {
    IndexFolder {
        path: config.data.join(INDEX),
        writable,
    }
}

/// All collections of the data folder, the default one first.
pub(crate) fn collection_names(config: &Config) -> Result<Vec<CollectionName>, AppError> {
    CollectionPlaces::of(config).names()
}

/// A file of the data folder.
pub(crate) struct BlobFile {
    /// Its path in the folder of the collection, with `/` between the parts.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What its hash begins with, where that is known.
    id: Option<PictureId>,
}

impl BlobFile {
    /// Whether it is right with this hash.
    pub(crate) fn may_have(&self, hash: &blake3::Hash) -> bool {
        let hash = hash.to_hex();
        self.id
            .as_ref()
            .is_none_or(|id| hash.starts_with(id.as_str()))
    }
}

/// The uploaded file of a picture, and its thumbnail; either may be missing.
pub(crate) fn blobs_of(config: &Config, id: &PictureId) -> [BlobFile; 2] {
    let blobs = [
        (original_name(id), Some(id.clone())),
        (thumbnail_name(id), None),
    ];
    blobs.map(|(name, id)| BlobFile {
        path: config.data.join(BLOBS).join(&name),
        name: format!("{BLOBS}/{name}"),
        id,
    })
}

/// Copies one state of the collection's catalogue into a folder. `goes_on` is asked from time to time; returns
/// whether the copy is whole.
pub(crate) fn copy_catalogue(
    config: &Config,
    into: &Path,
    goes_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<bool, AppError> {
    // Only this one can be copied: what is outside is not begun.
    config.stores.refuse_outside("a backup")?;
    match SqliteCatalogue::open_read_only_in(&config.root, &config.data) {
        Ok(catalogue) => Ok(catalogue.copy_to(into, goes_on)?),
        Err(StoreError::Missing { .. }) => Err(no_catalogue(config)),
        Err(error) => Err(error.into()),
    }
}

/// The catalogue that was copied into a folder.
pub(crate) fn open_copy(folder: &Path) -> Result<Arc<dyn Catalogue>, AppError> {
    Ok(Arc::new(SqliteCatalogue::open_read_only(folder)?))
}

/// The same, to be changed.
pub(crate) fn open_copy_to_change(folder: &Path) -> Result<Arc<dyn Catalogue>, AppError> {
    Ok(Arc::new(SqliteCatalogue::open(folder)?))
}

/// The file of the copy, which has all of it while nothing has it open.
pub(crate) fn copied_file(folder: &Path) -> BlobFile {
    let name = SqliteCatalogue::FILE_NAME.to_owned();
    BlobFile {
        path: folder.join(&name),
        name,
        id: None,
    }
}

/// Fails where the copy's file lacks changes that its log has: a log that could not be written back stays.
pub(crate) fn check_copy_is_one_file(folder: &Path) -> Result<(), AppError> {
    let log = folder.join(format!("{}-wal", SqliteCatalogue::FILE_NAME));
    match std::fs::metadata(&log) {
        Ok(log_file) if log_file.len() > 0 => Err(AppError::unwritable(
            &log,
            std::io::Error::other("the log was not written back to the copied catalogue"),
        )),
        _ => Ok(()),
    }
}

/// Deletes the copy.
pub(crate) fn delete_copy(folder: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        // What stays is deleted by the next backup.
        let _ = std::fs::remove_file(folder.join(format!("{}{end}", SqliteCatalogue::FILE_NAME)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_whose_log_was_not_written_back_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        check_copy_is_one_file(folder.path()).unwrap();
        let log = folder.path().join("catalogue.sqlite3-wal");
        std::fs::write(&log, "").unwrap();
        check_copy_is_one_file(folder.path()).unwrap();
        std::fs::write(&log, "changes").unwrap();
        let refused = check_copy_is_one_file(folder.path());
        assert!(matches!(refused, Err(AppError::Unwritable { .. })));
    }
}
