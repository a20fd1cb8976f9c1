//! The files of a folder, in path order.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use resight_store::SourceFile;

use resight_decode::{Refused, RefusedCode};

/// A file to be read.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) path: PathBuf,
    pub(crate) source: SourceFile,
}

/// All files below `root` in path order, except hidden files and folders and the folder `skip`, links
/// followed. A file or folder that cannot be looked at comes with the reason.
pub(crate) fn list(
    root: &Path,
    skip: Option<&Path>,
) -> impl Iterator<Item = Result<Task, (Task, Refused)>> {
    let skip = skip.and_then(|path| std::fs::canonicalize(path).ok());
    let wanted = move |entry: &walkdir::DirEntry| {
        let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
        let skipped = entry.file_type().is_dir()
            && skip.is_some()
            && std::fs::canonicalize(entry.path()).ok() == skip;
        !hidden && !skipped
    };
    walkdir::WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(wanted)
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => Some(look_at(entry.into_path())),
            // A link back to a folder above is no file and no failure.
            Err(error) if error.loop_ancestor().is_some() => None,
            Err(error) => {
                let path = error.path().map(Path::to_owned).unwrap_or_default();
                Some(refuse(path, format!("it cannot be read: {error}")))
            }
        })
}

fn look_at(path: PathBuf) -> Result<Task, (Task, Refused)> {
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => return refuse(path, format!("it cannot be read: {error}")),
    };
    // Reading a pipe or a device may block for ever.
    if !metadata.is_file() {
        return refuse(path, "it is not a regular file".into());
    }
    let Some(name) = path.to_str().map(str::to_owned) else {
        return refuse(path, "its name is not valid UTF-8; rename it".into());
    };
    let modified = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    Ok(Task {
        source: SourceFile {
            path: name,
            byte_len: metadata.len(),
            modified_ns: modified.map_or(0, |d| d.as_nanos() as i64),
        },
        path,
    })
}

fn refuse(path: PathBuf, detail: String) -> Result<Task, (Task, Refused)> {
    let source = SourceFile {
        path: path.to_string_lossy().into_owned(),
        byte_len: 0,
        modified_ns: 0,
    };
    let code = RefusedCode::Unreadable;
    Err((Task { path, source }, Refused { code, detail }))
}
