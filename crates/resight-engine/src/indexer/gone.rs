//! What a run does with stored files that it did not find, and with those that are left out now.

use std::collections::HashSet;

use resight_store::{Change, Labels, PictureId, SourceFile, StoreError};

use super::listing::Task;
use super::report::FolderEvent;
use super::run::{PAGE, Run};
use crate::error::EngineError;
use crate::library::prepare::PendingChange;
use crate::stored_path::path_of_text;

impl Run<'_> {
    /// Records what the system tells of unchanged files and an earlier version did not record.
    pub(super) fn record(&self, files: &[(SourceFile, PictureId)]) -> Result<(), EngineError> {
        for files in files.chunks(PAGE) {
            let changes = files.iter().map(|(file, id)| add_source(id, file));
            self.library.commit(changes.collect())?;
        }
        Ok(())
    }

    /// Drops the refusals of files that are gone. No picture depends on them.
    pub(super) fn drop_refusals(&self, gone: &[String]) -> Result<(), EngineError> {
        for paths in gone.chunks(PAGE) {
            self.library
                .commit(paths.iter().map(|path| drop_source(path)).collect())?;
        }
        Ok(())
    }

    /// Counts the files that are gone, and removes their pictures where `prune` is set.
    pub(super) fn drop_sources(&mut self, gone: &[String], prune: bool) -> Result<(), EngineError> {
        self.report.missing = gone.len() as u64;
        if prune {
            self.prune(gone)?;
            self.report.pruned = gone.len() as u64;
        }
        Ok(())
    }

    /// Counts the files that are there and are left out now. Where `prune` is set, forgets those without which
    /// no labels are lost: patterns that are given by mistake must not cost what somebody has typed.
    pub(super) fn drop_excluded(
        &mut self,
        excluded: &[&(SourceFile, PictureId)],
        prune: bool,
    ) -> Result<(), EngineError> {
        self.report.excluded = excluded.len() as u64;
        if !prune {
            return Ok(());
        }
        let paths: HashSet<&String> = excluded.iter().map(|(file, _)| &file.path).collect();
        let mut dropped = Vec::new();
        for (file, id) in excluded {
            let record = match self.library.catalogue().picture(id) {
                // Nobody can tell whether it has labels.
                Err(StoreError::PictureDamaged { .. }) => continue,
                read => read?,
            };
            let keeps = record.is_some_and(|record| {
                record.labels != Labels::default()
                    && record.sources.iter().all(|path| paths.contains(path))
            });
            if !keeps {
                dropped.push(file.path.clone());
            }
        }
        self.report.excluded_pruned = dropped.len() as u64;
        self.prune(&dropped)
    }

    fn prune(&mut self, paths: &[String]) -> Result<(), EngineError> {
        for paths in paths.chunks(PAGE) {
            self.library
                .commit(paths.iter().map(|path| drop_source(path)).collect())?;
            for path in paths {
                (self.on_event)(FolderEvent::Pruned { path: path.clone() });
            }
        }
        Ok(())
    }
}

fn add_source(id: &PictureId, source: &SourceFile) -> PendingChange {
    PendingChange::from(Change::AddSource {
        id: id.clone(),
        source: source.clone(),
    })
}

fn drop_source(path: &str) -> PendingChange {
    let path = path.to_owned();
    PendingChange::from(Change::DropSource { path })
}

/// Whether `path` lies in a folder that could not be listed.
pub(super) fn is_below(path: &str, task: &Task) -> bool {
    path_of_text(path).starts_with(&task.path)
}
