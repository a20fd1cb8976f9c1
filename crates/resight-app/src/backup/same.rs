//! Whether a backup that is there may give way to one of a data folder.

use resight_store::CollectionName;

use super::manifest::Reader;
use super::{BackupFolder, COLLECTIONS};
use crate::AppError;
use crate::components;
use crate::config::Config;

/// Fails where the data folder has no file of a picture that the backup has, or no collection of a kind that it has:
/// it is another one, or a disk is not mounted. Goes through all files of `before`.
pub(super) fn check(
    folder: &BackupFolder,
    before: &mut Reader,
    config: &Config,
    names: &[CollectionName],
) -> Result<(), AppError> {
    let (mut has_default, mut has_named) = (false, false);
    for name in names {
        let has = components::has_catalogue(&config.of_collection(name))?;
        *if name.is_default() {
            &mut has_default
        } else {
            &mut has_named
        } |= has;
    }
    let (mut had_any, mut has_one) = (false, false);
    while let Some(entry) = before.next()? {
        let is_named = entry.path.starts_with(COLLECTIONS);
        if is_named && !has_named {
            return Err(other(folder, "the data folder has no named collection"));
        }
        if !is_named && entry.key.is_some() && !has_default {
            return Err(other(folder, "the data folder has no default collection"));
        }
        if entry.key.is_some() && !has_one {
            had_any = true;
            has_one = config.root.join(&entry.path).exists();
        }
    }
    if had_any && !has_one {
        return Err(other(
            folder,
            "the data folder has no picture that the backup has",
        ));
    }
    Ok(())
}

/// Fails where all pictures are gone.
pub(super) fn check_count(
    folder: &BackupFolder,
    before: u64,
    pictures: u64,
) -> Result<(), AppError> {
    if before > 0 && pictures == 0 {
        let why = format!("the data folder has no pictures, and the backup has {before}");
        return Err(other(folder, &why));
    }
    Ok(())
}

fn other(folder: &BackupFolder, why: &str) -> AppError {
    AppError::BackupOfAnother {
        path: folder.path.clone(),
        why: why.to_owned(),
    }
}
