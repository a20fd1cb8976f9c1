//! A data folder from a backup.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::EngineError;
use resight_store::FolderLock;

use super::copy;
use super::manifest::{Entry, Reader};
use super::{BackupFolder, MODELS, lie_in_each_other, sync_folder};
use crate::AppError;
use crate::components;
use crate::config::Config;
use crate::models::Models;
use crate::private;

/// What was restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Collections.
    pub collections: u64,
    /// Pictures in all of them.
    pub pictures: u64,
    /// Files of the data folder.
    pub files: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Global models that the collections use and that are not installed here. Their descriptions are in the
    /// folder `restored-models` of the data folder.
    pub missing_models: Vec<String>,
}

/// Makes the data folder of `config` from the backup in `source`. The data folder must not exist, or be empty. It
/// appears at once and as a whole, after every file was read again. `on_step` is called with the number of files done
/// and of all.
///
/// # Errors
/// `outside_store`, `restore_target`, `no_backup`, `backup_busy`, `backup_damaged` where a file does not have its hash, `unwritable`,
/// and `cancelled`; nothing is restored then.
pub fn restore(
    config: &Config,
    source: &Path,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Restored, AppError> {
    // It would be restored into the data folder, where nobody looks for it.
    config.stores.refuse_outside("restoring a backup")?;
    check_place(&config.root, source)?;
    let folder = BackupFolder::to_read(source)?;
    let reader = Reader::open(&folder.manifest())?;
    let reader = reader.ok_or_else(|| AppError::NoBackup {
        path: source.to_owned(),
        why: "it has no list of files".into(),
    })?;
    let staging = staging(&config.root)?;
    check_no_link(&staging)?;
    // What an earlier restoring was killed at is not touched while another process works there.
    private::create_folder(&staging).map_err(|error| AppError::unwritable(&staging, error))?;
    let lock = FolderLock::acquire(&staging)?;
    clear_but_lock(&staging)?;
    let filled = fill(config, &folder, reader, &staging, cancel, on_step);
    let (mut restored, mut models) = filled.inspect_err(|_| {
        // Nobody else is there to delete it.
        let _ = fs::remove_dir_all(&staging);
    })?;
    drop(lock);
    let rename = || {
        // Elsewhere than on Unix an empty folder is in the way.
        match fs::remove_dir(&config.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&staging, &config.root)
    };
    rename().map_err(|error| {
        let _ = fs::remove_dir_all(&staging);
        AppError::unwritable(&config.root, error)
    })?;
    if let Some(parent) = config.root.parent() {
        sync_folder(parent)?;
    }
    let installed = Models::new(config)?;
    models.retain(|name| installed.folder.find(name).is_err());
    restored.missing_models = models;
    Ok(restored)
}

/// Copies all files, checks them and writes them through to the disk. Returns also the models that are described.
fn fill(
    config: &Config,
    folder: &BackupFolder,
    mut reader: Reader,
    staging: &Path,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<(Restored, Vec<String>), AppError> {
    let tail = reader.tail.clone();
    let mut restored = Restored {
        collections: tail.collections,
        pictures: tail.pictures,
        files: tail.files,
        ..Restored::default()
    };
    let mut folders = BTreeSet::from([staging.to_owned()]);
    let mut models = Vec::new();
    let mut done = 0;
    while let Some(entry) = reader.next()? {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled.into());
        }
        restored.bytes += put(folder, staging, &entry, &mut folders)?;
        let model = entry.path.strip_prefix(MODELS);
        let model = model.and_then(|name| name.trim_start_matches('/').strip_suffix(".toml"));
        models.extend(model.map(str::to_owned));
        done += 1;
        on_step(done, tail.files);
    }
    check_counts(config, staging, tail.pictures)?;
    components::check_records(staging)?;
    for folder in folders.iter().rev() {
        sync_folder(folder)?;
    }
    Ok((restored, models))
}

/// Copies one file. Returns its length.
fn put(
    backup: &BackupFolder,
    staging: &Path,
    entry: &Entry,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<u64, AppError> {
    let damaged = |detail: &str| AppError::BackupDamaged {
        path: backup.manifest(),
        detail: format!("{:?} {detail}", entry.path),
    };
    let wanted = entry.content().ok_or_else(|| damaged("has no hash"))?;
    let relative = Path::new(&entry.path);
    let is_plain = |part| matches!(part, Component::Normal(_));
    if entry.path.is_empty() || !relative.components().all(is_plain) {
        return Err(damaged("leads out of the data folder"));
    }
    let target = staging.join(relative);
    let mut above = target.parent().unwrap_or(staging).to_owned();
    private::create_folder(&above).map_err(|error| AppError::unwritable(&above, error))?;
    while above != staging && folders.insert(above.clone()) {
        above.pop();
    }
    let from = backup.file(&wanted.hash);
    let found = copy::copy(&from, &target)?;
    if found != wanted {
        return Err(AppError::BackupDamaged {
            path: from,
            detail: format!("it does not have the hash of {:?}", entry.path),
        });
    }
    Ok(found.length)
}

/// Opens the restored catalogues and counts their pictures.
fn check_counts(config: &Config, staging: &Path, wanted: u64) -> Result<(), AppError> {
    let restored = config.moved_to(staging);
    let mut count = 0;
    for name in components::collection_names(&restored)? {
        count += components::count_in(&restored, &name)?.unwrap_or(0);
    }
    if count == wanted {
        return Ok(());
    }
    Err(AppError::BackupDamaged {
        path: staging.to_owned(),
        detail: format!("the catalogues have {count} pictures, and the backup {wanted}"),
    })
}

/// A folder beside the data folder, on the same disk.
fn staging(root: &Path) -> Result<PathBuf, AppError> {
    let name = root.file_name().ok_or_else(|| AppError::RestoreTarget {
        path: root.to_owned(),
        why: "it has no name".into(),
    })?;
    let parent = root.parent().unwrap_or(Path::new("."));
    private::create_folder(parent).map_err(|error| AppError::unwritable(parent, error))?;
    Ok(parent.join(format!(".{}.restoring", name.to_string_lossy())))
}

/// Fails where a folder that was filled beside `root` could not be renamed to it, before anything is copied.
fn check_place(root: &Path, source: &Path) -> Result<(), AppError> {
    let refused = |why: &str| {
        Err(AppError::RestoreTarget {
            path: root.to_owned(),
            why: why.to_owned(),
        })
    };
    if lie_in_each_other(root, source) {
        return refused("one of it and the backup lies in the other");
    }
    // Without a separator at the end, behind which the system follows the link.
    let itself: PathBuf = root.components().collect();
    let is_link = |found: fs::Metadata| found.file_type().is_symlink();
    if fs::symlink_metadata(itself).is_ok_and(is_link) {
        return refused("it is a link");
    }
    match fs::read_dir(root).map(|mut entries| entries.next().is_none()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => refused("it is no folder that can be read"),
        Ok(false) => refused("it is there already and is not empty"),
        Ok(true) if is_mount_point(root) => refused("it is a mount point"),
        Ok(true) => Ok(()),
    }
}

/// Whether the folder is on another disk than the one that it is in.
#[cfg(unix)]
fn is_mount_point(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    device(folder) != device(&folder.join(".."))
}

#[cfg(not(unix))]
fn is_mount_point(_: &Path) -> bool {
    false
}

/// What is behind a link is nothing that an earlier restoring has left.
fn check_no_link(staging: &Path) -> Result<(), AppError> {
    match fs::symlink_metadata(staging) {
        Ok(found) if !found.is_dir() => {
            let error = io::Error::other("it is in the way, and is no folder");
            Err(AppError::unwritable(staging, error))
        }
        _ => Ok(()),
    }
}

fn clear_but_lock(staging: &Path) -> Result<(), AppError> {
    let unwritable = |error| AppError::unwritable(staging, error);
    for entry in fs::read_dir(staging).map_err(unwritable)? {
        let entry = entry.map_err(unwritable)?;
        let path = entry.path();
        if entry.file_type().map_err(unwritable)?.is_dir() {
            fs::remove_dir_all(&path).map_err(unwritable)?;
        } else if !path.ends_with("lock") {
            fs::remove_file(&path).map_err(unwritable)?;
        }
    }
    Ok(())
}
