//! Files that belong to pictures of several collections.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use resight_engine::{Library, path_of_text, path_text};

use super::{Group, ResolveOptions};
use crate::AppError;

/// Those paths of pictures that are to be removed, as stored text, at which another collection has pictures too. Moving
/// such a file would take it from somebody who has not been asked, and whose labels nothing keeps.
pub(super) fn known_elsewhere(
    library: &Library,
    groups: &[Group],
    options: &ResolveOptions<'_>,
) -> Result<HashSet<String>, AppError> {
    let pictures = groups.iter().flat_map(|group| &group.remove);
    // What cannot be read is told as the picture is looked at.
    let sources = pictures
        .filter_map(|id| library.picture(id).ok())
        .flat_map(|picture| picture.sources);
    let sources: Vec<[String; 2]> = sources.map(|source| [real(&source), source]).collect();
    let mut known = HashSet::new();
    for name in options.collections.names()? {
        if name == *options.collection.0 {
            continue;
        }
        // One that is not whole yet, or is being removed, has nothing.
        let Some(catalogue) = options.collections.catalogue_of(&name)? else {
            continue;
        };
        for paths in &sources {
            for path in paths {
                if catalogue.source(path)?.is_some() {
                    known.insert(paths[1].clone());
                }
            }
        }
    }
    Ok(known)
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
