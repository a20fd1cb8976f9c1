//! Another name for a collection, with all that names it: its folder, jobs, registered folders, and keys.
//!
//! Invariant: what is begun is on record until it is whole, and the next process that opens the data folder for changes completes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use resight_store::{CollectionName, Collections as Folders, StoreError};
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::components::open_records;
use crate::config::Config;
use crate::keys::Keys;

/// Where it is on record, in the folder of collections: no collection's name begins so.
const NAME: &str = ".renaming.json";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renaming {
    from: String,
    to: String,
}

/// Renames a collection in which no catalogue is open, in a data folder that this process has locked.
///
/// # Errors
/// `unknown_collection`, `name_taken`, `outside_store`, and that of the default collection.
pub fn rename(config: &Config, from: &CollectionName, to: &CollectionName) -> Result<(), AppError> {
    rename_by(config, from, to, |folders| folders.rename(from, to))
}

/// `rename` gives the folder its new name.
fn rename_by(
    config: &Config,
    from: &CollectionName,
    to: &CollectionName,
    rename: impl FnOnce(&Folders) -> Result<bool, StoreError>,
) -> Result<(), AppError> {
    check(config, from, to)?;
    let folders = Folders::new(&config.root);
    finish(config)?;
    let path = file(config);
    let line = serde_json::to_vec(&Renaming {
        from: from.to_string(),
        to: to.to_string(),
    });
    let line = line.map_err(|error| AppError::unwritable(&path, io::Error::other(error)))?;
    AtomicFile::beside(&path)?.write(&line)?;
    sync(&path)?;
    match rename(&folders) {
        Ok(true) => finish(config),
        // Nothing has happened.
        Ok(false) => {
            forget(&path)?;
            Err(AppError::NameTaken(to.clone()))
        }
        Err(error) if is_begun(&folders, from, to) => {
            // It happened before it failed: it is completed, or stays recorded for the next start.
            tracing::warn!("renaming {from} to {to} is completed after {error}");
            finish(config)
        }
        // On record it would be done later, after all, with the collection in use.
        Err(error) => {
            forget(&path)?;
            Err(error.into())
        }
    }
}

/// Whether a collection may get a name.
///
/// # Errors
/// As those of [`rename`].
pub fn check(config: &Config, from: &CollectionName, to: &CollectionName) -> Result<(), AppError> {
    config
        .stores
        .refuse_outside("giving a collection another name")?;
    let folders = Folders::new(&config.root);
    if from.is_default() {
        return Err(AppError::DefaultCollection);
    }
    if !folders.has(from) {
        return Err(AppError::UnknownCollection(from.clone()));
    }
    if to.is_default() || fs::symlink_metadata(folders.folder(to)).is_ok() {
        return Err(AppError::NameTaken(to.clone()));
    }
    Ok(())
}

/// Whether the folder has its new name, or may have it: both names are looked at.
fn is_begun(folders: &Folders, from: &CollectionName, to: &CollectionName) -> bool {
    let is_there = |name| fs::symlink_metadata(folders.folder(name)).is_ok();
    !is_there(from) || is_there(to)
}

/// Completes what was begun. Doing so again changes nothing.
pub(crate) fn finish(config: &Config) -> Result<(), AppError> {
    let path = file(config);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(AppError::unwritable(&path, error)),
    };
    let names = serde_json::from_slice::<Renaming>(&bytes)
        .ok()
        .and_then(|both| {
            let (from, to) = (
                CollectionName::parse(&both.from)?,
                CollectionName::parse(&both.to)?,
            );
            Some((from, to))
        });
    if let Some((from, to)) = names {
        let folders = Folders::new(&config.root);
        folders.rename(&from, &to)?;
        // With its folder still there it was not begun.
        if !folders.has(&from) && folders.has(&to) {
            open_records(config)?.rename_collection(&from, &to)?;
            Keys::open(&config.root)?.rename_collection(&from, &to)?;
        }
    }
    forget(&path)
}

fn file(config: &Config) -> PathBuf {
    let folder = Folders::new(&config.root).parent();
    folder.join(NAME)
}

fn forget(path: &Path) -> Result<(), AppError> {
    fs::remove_file(path).map_err(|error| AppError::unwritable(path, error))?;
    sync(path)
}

/// Puts what a folder has on the disk.
fn sync(path: &Path) -> Result<(), AppError> {
    let Some(folder) = path.parent().filter(|_| cfg!(unix)) else {
        return Ok(());
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| AppError::unwritable(folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::folders::{Folders as Registered, Rules};
    use crate::jobs::{Jobs, Task};
    use crate::keys::{NewKey, Scope};

    fn named(name: &str) -> CollectionName {
        CollectionName::parse(name).unwrap()
    }

    /// A data folder with a collection, a job, a folder and a key of it.
    fn filled(root: &Path) -> Config {
        let config = Config::new(Settings {
            data: Some(root.join("data")),
            ..Settings::default()
        });
        let config = config.unwrap();
        let jobs = Jobs::create(&config).unwrap();
        Folders::new(&config.root).create(&named("old")).unwrap();
        jobs.add(&named("old"), &Task::Duplicates, None, None)
            .unwrap();
        fs::create_dir(root.join("pictures")).unwrap();
        let registered = Registered::beside(&jobs);
        let added = registered.add(
            &config,
            &root.join("pictures"),
            &named("old"),
            &Rules::default(),
            None,
        );
        added.unwrap();
        let key = NewKey {
            name: "a".into(),
            scopes: vec![Scope::Read],
            collections: Some(vec![named("old"), named("third")]),
            ..NewKey::default()
        };
        Keys::open(&config.root).unwrap().create(key).unwrap();
        config
    }

    fn is_renamed(config: &Config) {
        let folders = Folders::new(&config.root);
        assert!(folders.has(&named("new")) && !folders.has(&named("old")));
        let jobs = Jobs::open(config).unwrap();
        let all = jobs.list(&Default::default(), 9).unwrap();
        assert_eq!(all[0].record.new.collection, named("new"));
        let registered = Registered::beside(&jobs).list().unwrap();
        assert_eq!(registered[0].record.new.collection, named("new"));
        let keys = Keys::open(&config.root).unwrap().list().unwrap();
        let names = keys[0].collections.clone().unwrap();
        assert_eq!(names, [named("new"), named("third")]);
        assert!(!file(config).exists());
    }

    #[test]
    fn all_that_names_a_collection_follows_it() {
        let root = tempfile::tempdir().unwrap();
        let config = filled(root.path());
        rename(&config, &named("old"), &named("new")).unwrap();
        is_renamed(&config);
        Folders::new(&config.root).create(&named("other")).unwrap();
        for (from, to, code) in [
            ("old", "x", "unknown_collection"),
            ("new", "other", "name_taken"),
            ("new", "default", "name_taken"),
            ("new", "new", "name_taken"),
            ("default", "x", "bad_collection_name"),
        ] {
            let error = rename(&config, &named(from), &named(to)).unwrap_err();
            assert_eq!(error.code().as_str(), code, "{from} {to}");
        }
        is_renamed(&config);
    }

    #[test]
    fn a_renaming_that_fails_is_done_at_no_later_time() {
        let root = tempfile::tempdir().unwrap();
        let config = filled(root.path());
        let (old, new) = (named("old"), named("new"));
        let failure = || StoreError::from_io(&config.root, io::ErrorKind::ResourceBusy.into());
        rename_by(&config, &old, &new, |_| Err(failure())).unwrap_err();
        assert!(!file(&config).exists());
        Folders::new(&config.root).create(&named("other")).unwrap();
        rename(&config, &named("other"), &named("another")).unwrap();
        assert!(Folders::new(&config.root).has(&old));
        // It was done, and could not be put on the disk.
        let done = rename_by(&config, &old, &new, |folders| {
            assert!(folders.rename(&old, &new).unwrap());
            Err(failure())
        });
        done.unwrap();
        is_renamed(&config);
    }

    #[test]
    fn what_was_cut_short_anywhere_is_completed() {
        let renaming = r#"{"from":"old","to":"new"}"#;
        type Step = fn(&Config);
        let steps: [(&str, Step); 4] = [
            ("on record", |_| {}),
            ("the folder", |config| {
                let renamed = Folders::new(&config.root).rename(&named("old"), &named("new"));
                assert!(renamed.unwrap());
            }),
            ("jobs", |config| {
                let records = open_records(config).unwrap();
                records
                    .rename_collection(&named("old"), &named("new"))
                    .unwrap();
            }),
            ("keys", |config| {
                let keys = Keys::open(&config.root).unwrap();
                keys.rename_collection(&named("old"), &named("new"))
                    .unwrap();
            }),
        ];
        for count in 1..=steps.len() {
            let root = tempfile::tempdir().unwrap();
            let config = filled(root.path());
            fs::write(file(&config), renaming).unwrap();
            for (_, step) in &steps[..count] {
                step(&config);
            }
            finish(&config).unwrap();
            is_renamed(&config);
            finish(&config).unwrap();
        }
        // A record that was not written whole was not begun.
        let root = tempfile::tempdir().unwrap();
        let config = filled(root.path());
        fs::write(file(&config), "{").unwrap();
        finish(&config).unwrap();
        assert!(Folders::new(&config.root).has(&named("old")));
    }
}
