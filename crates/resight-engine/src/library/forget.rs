//! Forgetting the paths of files and folders that are no more, and keeping their pictures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use parking_lot::MutexGuard;
use resight_store::{Change, PictureId, Refusal, SourceFile, pages};

use super::Library;
use super::prepare::PendingChange;
use crate::error::EngineError;
use crate::stored_path::{path_of_text, path_text};

/// Paths read and forgotten at a time.
const PAGE: usize = 5000;

/// How paths are forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForgetOptions {
    /// Remove pictures that would be left without a path. Uploaded ones stay.
    pub prune: bool,
    /// Only count.
    pub dry_run: bool,
}

/// What was forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Paths of pictures.
    pub paths: u64,
    /// Paths of files that could not be read.
    pub refusals: u64,
    /// Pictures that stay without a path.
    pub kept_without_path: u64,
    /// Pictures that were removed.
    pub removed: u64,
    /// Names at and below which no path was stored.
    pub unknown: Vec<PathBuf>,
}

/// A path and everything below it.
#[derive(Clone, PartialEq, Eq)]
struct Scope {
    at: String,
    /// The path with a separator at its end.
    below: String,
}

impl Scope {
    /// `None` for a path that has no text: no such path is stored.
    fn new(path: &Path) -> Option<Self> {
        Some(Self {
            at: path_text(path)?,
            below: path_text(&path.join(""))?,
        })
    }

    fn has(&self, path: &str) -> bool {
        path == self.at || path.starts_with(&self.below)
    }
}

impl Library {
    /// Forgets the paths of files and folders, whether they exist or not, with everything below them:
    /// sources of pictures and refused files. Pictures keep their ids and labels; those left without a path
    /// stay too, unless `prune` is set.
    pub fn forget_paths(
        &self,
        named: &[PathBuf],
        options: ForgetOptions,
    ) -> Result<Forgotten, EngineError> {
        // No picture gains or loses a path in between.
        let lock = self.lock_changes();
        let mut forgotten = Forgotten::default();
        let mut scopes: Vec<Scope> = Vec::new();
        for path in named {
            match self.scope_of(path)? {
                Some(scope) => scopes.push(scope),
                None => forgotten.unknown.push(path.clone()),
            }
        }
        // Without those that another one has, so that no path counts twice.
        scopes.sort_by(|a, b| a.at.cmp(&b.at));
        scopes.dedup();
        let all = scopes.clone();
        scopes.retain(|scope| {
            !all.iter()
                .any(|other| other != scope && other.has(&scope.at))
        });
        let mut run = Run {
            library: self,
            lock: &lock,
            options,
            scopes: &scopes,
            is_left: HashMap::new(),
            forgotten,
        };
        for scope in &scopes {
            run.forget_sources(scope)?;
            run.forget_refusals(scope)?;
        }
        let mut forgotten = run.forgotten;
        drop(lock);
        if options.prune && !options.dry_run {
            // Pictures whose only file was replaced in an earlier run, and that wait for its end.
            for scope in &scopes {
                forgotten.removed += self.settle_orphans(&scope.below)?;
            }
        }
        Ok(forgotten)
    }

    /// The first spelling of a path at or below which something is stored.
    fn scope_of(&self, path: &Path) -> Result<Option<Scope>, EngineError> {
        for scope in spellings(path).iter().filter_map(|path| Scope::new(path)) {
            let catalogue = self.catalogue();
            let is_known = catalogue.source(&scope.at)?.is_some()
                || !catalogue.sources_under(&scope.below, None, 1)?.is_empty()
                || !catalogue.refusals_under(&scope.below, None, 1)?.is_empty()
                || self.has_refusal(&scope.at)?;
            if is_known {
                return Ok(Some(scope));
            }
        }
        Ok(None)
    }

    fn has_refusal(&self, path: &str) -> Result<bool, EngineError> {
        Ok(self.refusal(path)?.is_some())
    }
}

/// The path made absolute, with the links above it followed, and with all links followed: indexing
/// follows the links above a folder, and keeps those within.
fn spellings(path: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // Without a separator at the end.
    let absolute: PathBuf = absolute.components().collect();
    let above = absolute.ancestors().skip(1).find_map(|above| {
        let real = std::fs::canonicalize(above).ok()?;
        Some(real.join(absolute.strip_prefix(above).ok()?))
    });
    let real = std::fs::canonicalize(&absolute).ok();
    // As its text is written in JSON.
    let from_text = absolute.to_str().map(path_of_text);
    [Some(absolute), above, real, from_text]
        .into_iter()
        .flatten()
        .collect()
}

struct Run<'a> {
    library: &'a Library,
    lock: &'a MutexGuard<'a, ()>,
    options: ForgetOptions,
    scopes: &'a [Scope],
    /// Whether a picture is left without a path, of those seen so far.
    is_left: HashMap<PictureId, bool>,
    forgotten: Forgotten,
}

impl Run<'_> {
    fn forget_sources(&mut self, scope: &Scope) -> Result<(), EngineError> {
        let library = self.library;
        let at = library.catalogue().source(&scope.at)?;
        self.forget_page(at.into_iter().collect())?;
        let all = pages(
            PAGE,
            |(source, _): &(SourceFile, PictureId)| source.path.clone(),
            |after: Option<String>, limit| {
                let catalogue = library.catalogue();
                catalogue.sources_under(&scope.below, after.as_deref(), limit)
            },
        );
        for page in all {
            self.forget_page(page?)?;
        }
        Ok(())
    }

    fn forget_page(&mut self, page: Vec<(SourceFile, PictureId)>) -> Result<(), EngineError> {
        for (_, id) in &page {
            if self.is_left.contains_key(id) {
                continue;
            }
            let is_left = self.is_left_without_path(id)?;
            self.is_left.insert(id.clone(), is_left);
            let counter = if self.options.prune {
                &mut self.forgotten.removed
            } else {
                &mut self.forgotten.kept_without_path
            };
            *counter += u64::from(is_left);
        }
        self.forgotten.paths += page.len() as u64;
        self.commit(page.into_iter().map(|(source, _)| source.path))
    }

    fn is_left_without_path(&self, id: &PictureId) -> Result<bool, EngineError> {
        let record = self.library.catalogue().picture(id)?;
        let goes = |path: &String| self.scopes.iter().any(|scope| scope.has(path));
        Ok(record.is_some_and(|record| !record.uploaded && record.sources.iter().all(goes)))
    }

    fn forget_refusals(&mut self, scope: &Scope) -> Result<(), EngineError> {
        let library = self.library;
        if library.has_refusal(&scope.at)? {
            self.forgotten.refusals += 1;
            self.commit([scope.at.clone()].into_iter())?;
        }
        let all = pages(
            PAGE,
            |refusal: &Refusal| refusal.source.path.clone(),
            |after: Option<String>, limit| {
                let catalogue = library.catalogue();
                catalogue.refusals_under(&scope.below, after.as_deref(), limit)
            },
        );
        for page in all {
            let page = page?;
            self.forgotten.refusals += page.len() as u64;
            self.commit(page.into_iter().map(|refusal| refusal.source.path))?;
        }
        Ok(())
    }

    fn commit(&self, paths: impl Iterator<Item = String>) -> Result<(), EngineError> {
        if self.options.dry_run {
            return Ok(());
        }
        let prune = self.options.prune;
        let changes = paths.map(|path| {
            PendingChange::from(if prune {
                Change::DropSource { path }
            } else {
                Change::ForgetSource { path }
            })
        });
        let changes: Vec<PendingChange> = changes.collect();
        if !changes.is_empty() {
            self.library.commit_locked(self.lock, changes)?;
        }
        Ok(())
    }
}
