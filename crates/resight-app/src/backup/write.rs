//! Writing a backup.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use resight_engine::EngineError;
use resight_store::{Change, CollectionName, PictureRecord, StoreError, pages};

use super::copy::Content;
use super::manifest::{Entry, Reader, Writer};
use super::pool::Pool;
use super::read::Previous;
use super::same;
use super::{BackupFolder, COLLECTIONS, lie_in_each_other};
use crate::AppError;
use crate::components;
use crate::config::Config;
use crate::keys;
use crate::models::Models;
use crate::webhooks;
use crate::{provenance, vocabularies};

/// Times that a collection is copied again because its vocabulary was exchanged meanwhile.
const RETRIES: usize = 5;
/// Rows that are read together.
const TOGETHER: usize = 64;

/// How a backup is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// Reads also the files that earlier backups copied, and copies those again that lost their content.
    pub check: bool,
    /// Takes the place also of a backup that seems to be of another data folder.
    pub replace: bool,
}

/// What a backup has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Collections.
    pub collections: u64,
    /// Pictures in all of them.
    pub pictures: u64,
    /// Files of the data folder.
    pub files: u64,
    /// Files whose content the folder did not have before.
    pub copied: u64,
    /// Their length in bytes.
    pub copied_bytes: u64,
    /// Files that the folder had, and which no picture has any more.
    pub deleted: u64,
}

/// Writes a backup of the whole data folder into the folder `target`, or brings the one that is there up to date,
/// also while a server uses the data folder. Each collection is copied as it was at one moment, and what was copied is
/// read again. Where it fails or is killed, the backup before stays. `on_step` is called with the number of pictures
/// done and of all in the present collection.
///
/// # Errors
/// `outside_store`, `backup_target`, `backup_of_another`, `backup_busy`, `unwritable`, `backup_damaged` where something does not read as it was written,
/// `picture_damaged` and `store_damaged` where the data folder itself is damaged, and `cancelled`.
pub fn backup(
    config: &Config,
    target: &Path,
    options: BackupOptions,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport, AppError> {
    // Before anything is looked at: what lies outside is no part of the data folder.
    config.stores.refuse_outside("a backup")?;
    check_apart(config, target)?;
    let names = components::collection_names(config)?;
    let mut has_any = false;
    for name in &names {
        has_any |= components::has_catalogue(&config.of_collection(name))?;
    }
    if !has_any {
        // Before anything is made.
        return Err(components::no_catalogue(
            &config.of_collection(&CollectionName::default()),
        ));
    }
    let folder = BackupFolder::to_write(target)?;
    // One that is damaged is replaced, and nothing of it is believed.
    let mut previous = Reader::open(&folder.manifest()).ok().flatten();
    if !options.replace
        && let Some(before) = &mut previous
    {
        same::check(&folder, before, config, &names)?;
        before.rewind()?;
    }
    let pool = Pool::begin(&folder)?;
    let before = previous.as_ref().map_or(0, |list| list.tail.pictures);
    let mut run = Run {
        manifest: Writer::begin(&folder.manifest())?,
        pool,
        options,
        cancel,
        on_step,
        previous: Previous::new(previous),
        report: BackupReport::default(),
        models: BTreeSet::new(),
    };
    for name in names {
        let config = config.of_collection(&name);
        let done = run.collection(&config);
        done.map_err(|error| of_source(&config, error))?;
    }
    if !options.replace {
        same::check_count(&folder, before, run.report.pictures)?;
    }
    run.models(config)?;
    run.keys(config)?;
    run.webhooks(config)?;
    run.records(config)?;
    run.pool.sync()?;
    let Run {
        manifest,
        pool,
        mut report,
        ..
    } = run;
    report.files = manifest.finish(report.collections, report.pictures)?;
    report.deleted = pool.delete_others();
    (report.copied, report.copied_bytes) = (pool.copied, pool.copied_bytes);
    Ok(report)
}

struct Run<'a> {
    pool: Pool<'a>,
    manifest: Writer,
    options: BackupOptions,
    cancel: &'a AtomicBool,
    on_step: &'a mut dyn FnMut(u64, u64),
    previous: Previous,
    report: BackupReport,
    /// Names of global models in use.
    models: BTreeSet<String>,
}

impl Run<'_> {
    fn collection(&mut self, config: &Config) -> Result<(), AppError> {
        let unfinished = self.pool.unfinished();
        let mut tries = 0;
        let vocabularies = loop {
            let before = vocabularies::files_of(config)?;
            if !self.copy_catalogue(config, &unfinished)? {
                return Ok(());
            }
            // One that is exchanged meanwhile might be another than that of the copied words.
            let after = vocabularies::files_of(config)?;
            if before == after {
                break after;
            }
            tries += 1;
            if tries > RETRIES {
                return Err(AppError::BackupBusy {
                    path: config.data.clone(),
                });
            }
            components::delete_copy(&unfinished);
        };
        let prefix = prefix(config);
        let mark = self.manifest.mark()?;
        let pictures = match self.pictures(config, &unfinished, &prefix) {
            Err(error) if is_gone(&error) => {
                components::delete_copy(&unfinished);
                return self.manifest.back_to(mark);
            }
            pictures => pictures?,
        };
        components::check_copy_is_one_file(&unfinished)?;
        self.report.collections += 1;
        self.report.pictures += pictures;
        let file = components::copied_file(&unfinished);
        let content = Content::of_file(&file.path);
        let content = content.map_err(|error| AppError::unwritable(&file.path, error))?;
        fs::File::open(&file.path)
            .and_then(|copied| copied.sync_all())
            .map_err(|error| AppError::unwritable(&file.path, error))?;
        self.pool.take(&file.path, content)?;
        components::delete_copy(&unfinished);
        self.manifest
            .add(&Entry::new(format!("{prefix}{}", file.name), content))?;
        for (name, bytes) in vocabularies {
            self.put(format!("{prefix}{name}"), &bytes)?;
        }
        Ok(())
    }

    /// Copies one state of the catalogue. `false` where the collection is gone.
    fn copy_catalogue(&self, config: &Config, into: &Path) -> Result<bool, AppError> {
        let mut goes_on = |_, _| !self.cancel.load(Ordering::Relaxed);
        match components::copy_catalogue(config, into, &mut goes_on) {
            Ok(true) => Ok(true),
            Ok(false) => Err(EngineError::Cancelled.into()),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Goes through the pictures that the copied catalogue has, and takes over their files. Reads also all rows of
    /// them that have checksums: a backup must not take the place of one that was whole. Pictures that were removed
    /// since, together with their files, are removed from the copy. Returns the number of the others.
    fn pictures(&mut self, config: &Config, copied: &Path, prefix: &str) -> Result<u64, AppError> {
        let copy = components::open_copy(copied)?;
        if let Some(wrong) = copy.check_structure()?.into_iter().next() {
            return Err(damaged_source(config, wrong));
        }
        self.models.extend(provenance::remembered(&*copy)?);
        let total = copy.count()?;
        let models = copy.vector_counts()?;
        let mut pictures = 0;
        let mut removed = Vec::new();
        for page in pages(
            TOGETHER,
            |row: &(u64, u32)| row.0,
            |a, n| copy.keys_after(a, n),
        ) {
            let keys: Vec<u64> = page?.into_iter().map(|(key, _)| key).collect();
            copy.features(&keys)?;
            copy.words(&keys)?;
            for model in &models {
                copy.vectors(&model.model, &keys)?;
            }
            for record in copy.pictures(&keys)?.into_iter().flatten() {
                self.check_cancelled()?;
                if self.files_of(config, prefix, &record)? {
                    pictures += 1;
                } else {
                    removed.push(record.id);
                }
                (self.on_step)(pictures, total);
            }
        }
        drop(copy);
        if removed.is_empty() {
            return Ok(pictures);
        }
        let live = components::read_catalogue(config)?;
        for id in &removed {
            if live.picture(id)?.is_some() {
                let wrong = format!("the uploaded picture {id} has no file");
                return Err(damaged_source(config, wrong));
            }
        }
        let copy = components::open_copy_to_change(copied)?;
        copy.commit(removed.into_iter().map(Change::Remove).collect())?;
        Ok(pictures)
    }

    /// Takes over the files of a picture. `false` where it was uploaded and has no file.
    fn files_of(
        &mut self,
        config: &Config,
        prefix: &str,
        record: &PictureRecord,
    ) -> Result<bool, AppError> {
        let [original, thumbnail] = components::blobs_of(config, &record.id);
        if record.uploaded && !self.blob(config, record.key, &original, prefix)? {
            return Ok(false);
        }
        // One that is missing is rebuilt when it is asked for.
        self.blob(config, record.key, &thumbnail, prefix)?;
        Ok(true)
    }

    /// Takes over one file of the picture with this key; `false` where it does not exist.
    fn blob(
        &mut self,
        config: &Config,
        key: u64,
        blob: &components::BlobFile,
        prefix: &str,
    ) -> Result<bool, AppError> {
        let path = format!("{prefix}{}", blob.name);
        let unreadable = |error: io::Error| {
            let wrong = format!("{}: {error}", blob.path.display());
            damaged_source(config, wrong)
        };
        let metadata = match fs::metadata(&blob.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unreadable(error)),
        };
        let modified = modified_ns(&metadata);
        let known = self.previous.find(&path, key, modified, metadata.len())?;
        if let Some(entry) = known
            && let Some(content) = entry.content()
            && match self.options.check {
                true => self.pool.is_whole(content),
                false => self.pool.has(content),
            }
        {
            self.pool.refer(content);
            self.manifest.add(&entry)?;
            return Ok(true);
        }
        let bytes = match fs::read(&blob.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unreadable(error)),
        };
        let content = Content::of(&bytes);
        if !blob.may_have(&content.hash) {
            return Err(unreadable(io::Error::other(
                "its bytes are not those that were uploaded",
            )));
        }
        self.pool.store(&bytes, content)?;
        self.manifest.add(&Entry {
            key: Some(key),
            modified_ns: Some(modified),
            ..Entry::new(path, content)
        })?;
        Ok(true)
    }

    /// Descriptions of the global models in use, by which they can be installed again.
    fn models(&mut self, config: &Config) -> Result<(), AppError> {
        if self.models.is_empty() {
            return Ok(());
        }
        let installed = Models::new(config)?;
        for name in std::mem::take(&mut self.models) {
            // One that is no longer installed has none.
            let description = installed.folder.path().join(&name).join("model.toml");
            if let Ok(bytes) = fs::read(description) {
                self.put(format!("{}/{name}.toml", super::MODELS), &bytes)?;
            }
        }
        Ok(())
    }

    /// The API keys, with the hashes of their secrets. One that is damaged must not take the place of a whole one.
    fn keys(&mut self, config: &Config) -> Result<(), AppError> {
        match keys::bytes_of(&config.root)? {
            Some(bytes) => self.put(keys::NAME.to_owned(), &bytes),
            None => Ok(()),
        }
    }

    /// Addresses that are told of jobs, with the secrets that messages are signed with.
    fn webhooks(&mut self, config: &Config) -> Result<(), AppError> {
        match webhooks::bytes_of(&config.root)? {
            Some(bytes) => self.put(webhooks::NAME.to_owned(), &bytes),
            None => Ok(()),
        }
    }

    /// Registered folders, and jobs that have ended. Damaged ones must not take the place of whole ones.
    fn records(&mut self, config: &Config) -> Result<(), AppError> {
        let copied = components::copy_records(config, &self.pool.unfinished());
        let copied = copied.map_err(|error| match error {
            AppError::Store(StoreError::Damaged { location, detail }) => {
                damaged_source(config, format!("{location}: {detail}"))
            }
            other => other,
        })?;
        let Some(file) = copied else {
            return Ok(());
        };
        let content = Content::of_file(&file.path)
            .and_then(|content| fs::File::open(&file.path)?.sync_all().map(|()| content));
        let content = content.map_err(|error| AppError::unwritable(&file.path, error))?;
        self.pool.take(&file.path, content)?;
        self.manifest.add(&Entry::new(file.name, content))
    }

    fn put(&mut self, path: String, bytes: &[u8]) -> Result<(), AppError> {
        let content = Content::of(bytes);
        self.pool.store(bytes, content)?;
        self.manifest.add(&Entry::new(path, content))
    }

    fn check_cancelled(&self) -> Result<(), AppError> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(EngineError::Cancelled.into()),
            false => Ok(()),
        }
    }
}

/// Whether nothing was ever put in the collection, or it was removed since the collections were listed.
fn is_gone(error: &AppError) -> bool {
    matches!(
        error,
        AppError::UnknownCollection(_) | AppError::NothingIndexed { .. }
    )
}

/// Where the files of a collection stand in the data folder.
fn prefix(config: &Config) -> String {
    match config.collection.is_default() {
        true => String::new(),
        false => format!("{COLLECTIONS}{}/", config.collection),
    }
}

fn modified_ns(metadata: &Metadata) -> u64 {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// Neither folder may lie in the other one.
fn check_apart(config: &Config, target: &Path) -> Result<(), AppError> {
    if lie_in_each_other(&config.root, target) {
        return Err(AppError::BackupTarget {
            path: target.to_owned(),
            why: "one of it and the data folder lies in the other".into(),
        });
    }
    Ok(())
}

/// Names the data folder in place of the copy of its catalogue.
fn of_source(config: &Config, error: AppError) -> AppError {
    match error {
        AppError::Store(StoreError::PictureDamaged { picture, what, .. }) => {
            StoreError::PictureDamaged {
                location: config.data.display().to_string(),
                picture,
                what,
            }
            .into()
        }
        other => other,
    }
}

fn damaged_source(config: &Config, detail: String) -> AppError {
    AppError::BackupSource {
        path: config.data.clone(),
        detail,
    }
}
