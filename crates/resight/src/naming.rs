//! Pictures as the user names them, and as they are shown.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use resight_app::{Code, printable};
use resight_engine::{Library, Picture, PictureId, path_of_text, path_text};

use crate::error::CliError;

/// Pictures were named that are not stored.
pub(crate) fn not_stored(named: &[String]) -> CliError {
    let names: Vec<String> = named.iter().map(|name| printable(name)).collect();
    CliError::Failure {
        code: Code::UnknownPicture,
        detail: format!("not stored: {}", names.join(", ")),
        next_step: "See `resight list` for what is stored.".into(),
    }
}

/// The picture that `named` means: an id, or the path of an indexed file as given, made absolute,
/// or with the links in its folder followed.
pub(crate) fn find(library: &Library, named: &OsString) -> Result<Option<PictureId>, CliError> {
    if let Some(id) = named.to_str().and_then(PictureId::parse) {
        return Ok(Some(id));
    }
    for path in spellings(Path::new(named)) {
        if let Some(id) = library.find_by_path(&path)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether `named` is an id and no path.
pub(crate) fn is_id(named: &OsString) -> bool {
    named.to_str().and_then(PictureId::parse).is_some()
}

/// Those of a picture's paths that `named` spells; where it spells none, the one to which it leads.
pub(crate) fn named_sources<'s>(sources: &'s [String], named: &OsString) -> Vec<&'s str> {
    let path = Path::new(named);
    let among = |spelled: &[PathBuf]| -> Vec<&'s str> {
        let is_spelled =
            |source: &&String| spelled.iter().any(|path| *path == path_of_text(source));
        let found = sources.iter().filter(is_spelled);
        found.map(String::as_str).collect()
    };
    let spelled = among(&spellings(path));
    match path.canonicalize() {
        Ok(real) if spelled.is_empty() => among(&[real]),
        _ => spelled,
    }
}

/// A path as it is stored and written as JSON.
pub(crate) fn text_of(path: &Path) -> String {
    path_text(path).unwrap_or_else(|| path.to_string_lossy().into_owned())
}

fn spellings(path: &Path) -> Vec<PathBuf> {
    let mut spellings = vec![path.to_path_buf()];
    // As commands write it in JSON.
    spellings.extend(path.to_str().map(path_of_text));
    if let Ok(absolute) = std::path::absolute(path) {
        // Only the folder: indexing does not follow the link that a file itself may be.
        if let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name())
            && let Ok(real) = folder.canonicalize()
        {
            spellings.push(real.join(name));
        }
        spellings.push(absolute);
    }
    spellings.dedup();
    spellings
}

/// Where the picture lies, or its name when it was uploaded.
pub(crate) fn place(picture: &Picture) -> String {
    printable(picture.sources.first().unwrap_or(&picture.name))
}
