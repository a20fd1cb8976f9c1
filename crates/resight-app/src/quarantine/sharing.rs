//! Files that belong to pictures of several collections.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_engine::{Library, path_of_text, path_text};
use resight_store::{Catalogue, CollectionName, StoreError};

use super::planning::Refusal;
use super::{Group, ResolveOptions};
use crate::{AppError, Code};

/// Other collections that stay open for a request; the rest are opened each time. Each takes three descriptors and some
/// memory.
pub(super) const MOST_OPEN: usize = 32;

/// The other collections, of which at most [`MOST_OPEN`] stay open for a request.
#[derive(Default)]
pub(super) struct Others {
    pub(super) open: HashMap<CollectionName, Opened>,
}

/// A collection that is only read.
pub(super) struct Opened {
    pub(super) catalogue: Arc<dyn Catalogue>,
    /// What was at its place before it was opened. While it is open no other file has this number.
    file: Option<(u64, u64)>,
}

impl Others {
    /// Those paths of pictures that are to be removed, as stored text, at which another collection has pictures too, at
    /// this moment. Moving such a file would take it from somebody who has not been asked, and whose labels nothing keeps.
    ///
    /// # Errors
    /// What is told where a collection cannot be read.
    pub(super) fn known(
        &mut self,
        library: &Library,
        groups: &[Group],
        options: &ResolveOptions<'_>,
    ) -> Result<HashSet<String>, Refusal> {
        let pictures = groups.iter().flat_map(|group| &group.remove);
        // What cannot be read is told as the picture is looked at.
        let sources = pictures
            .filter_map(|id| library.picture(id).ok())
            .flat_map(|picture| picture.sources);
        let sources: Vec<[String; 2]> = sources.map(|source| [real(&source), source]).collect();
        self.look_in_all(options, &sources)
    }

    /// Looks for `sources`, the real path and the stored one of each, in all collections but the request's own.
    fn look_in_all(
        &mut self,
        options: &ResolveOptions<'_>,
        sources: &[[String; 2]],
    ) -> Result<HashSet<String>, Refusal> {
        let (own, collections) = (options.collection.0, options.collections);
        let names = || {
            let names = collections.names();
            names.map_err(|error| (error.code(), error.to_string()))
        };
        let file = |name: &CollectionName| {
            let path = collections.catalogue_file(name)?;
            number(&path)
        };
        let (mut known, mut seen) = (HashSet::new(), HashSet::new());
        let mut present = names()?;
        loop {
            self.open
                .retain(|name, opened| present.contains(name) && opened.file == file(name));
            let not_own = present.iter().filter(|name| *name != own);
            for name in not_own {
                let at = file(name);
                // Another one may have been given the name of one that was removed.
                if at.is_some() && seen.contains(&(name.clone(), at)) {
                    continue;
                }
                let opened = match self.open.remove(name) {
                    Some(opened) => opened,
                    None => {
                        let found = collections.catalogue_of(name);
                        // One that is not whole yet, or is being removed, has nothing.
                        match found.map_err(|error| unreadable(name, &error))? {
                            Some(catalogue) => Opened {
                                catalogue,
                                file: at,
                            },
                            None => continue,
                        }
                    }
                };
                let has = opened.has(sources);
                known.extend(has.map_err(|error| unreadable(name, &error.into()))?);
                seen.insert((name.clone(), opened.file));
                // One that cannot be told from a later one is closed, so that it can be removed meanwhile.
                if opened.file.is_some() && self.open.len() < MOST_OPEN {
                    self.open.insert(name.clone(), opened);
                }
            }
            // One that was given another name meanwhile is read by that.
            let now = names()?;
            if now == present {
                return Ok(known);
            }
            present = now;
        }
    }
}

impl Opened {
    /// The stored paths of those `sources` at which it has a picture.
    fn has(&self, sources: &[[String; 2]]) -> Result<Vec<String>, StoreError> {
        let mut known = Vec::new();
        for paths in sources {
            for path in paths {
                if self.catalogue.source(path)?.is_some() {
                    known.push(paths[1].clone());
                }
            }
        }
        Ok(known)
    }
}

/// The name is told to admins of the whole server alone.
fn unreadable(name: &CollectionName, error: &AppError) -> Refusal {
    tracing::error!(collection = %name, %error, "files of duplicates are not moved");
    let why = format!("the collection {name} cannot be read, and may have the file, too: {error}");
    (Code::CollectionUnreadable, why)
}

/// Tells a file from others.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a collection is opened each time.
#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The path by which a collection knows the file that has indexed its real folder.
fn real(source: &str) -> String {
    let path = path_of_text(source);
    let real = || -> Option<PathBuf> {
        let above = fs::canonicalize(path.parent()?).ok()?;
        Some(above.join(path.file_name()?))
    };
    let text = real().and_then(|real| path_text(&real));
    text.unwrap_or_else(|| source.to_owned())
}
