//! Files of exports that jobs have made, in the folder `exports` of the data folder.
//!
//! Invariant: a file with a job's number as its name is whole; one that is being written has another name.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::ExportFormat;
use crate::AppError;
use crate::private;

const FOLDER: &str = "exports";
/// How long a file is kept at least, unless its job is forgotten before.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The file of the job with this number.
pub fn file_of(root: &Path, job: u64, format: ExportFormat) -> PathBuf {
    root.join(FOLDER).join(format!("{job}.{}", format.as_str()))
}

/// Makes the folder.
pub(crate) fn prepare(root: &Path) -> Result<(), AppError> {
    let folder = root.join(FOLDER);
    private::create_folder(&folder).map_err(|error| AppError::unwritable(&folder, error))
}

/// Deletes what a killed process was writing. For the one process that runs jobs, before it begins.
pub(crate) fn delete_unfinished(root: &Path) {
    for (path, job, _) in files(root) {
        if job.is_none() {
            // What stays is deleted by the next process.
            let _ = fs::remove_file(path);
        }
    }
}

/// Deletes files that are old, and those whose jobs are forgotten. Returns their number.
pub(crate) fn sweep(root: &Path, is_kept: &mut dyn FnMut(u64) -> bool) -> usize {
    let mut deleted = 0;
    for (path, job, modified) in files(root) {
        let Some(job) = job else {
            continue;
        };
        let age = modified.elapsed().unwrap_or_default();
        if (age > KEPT || !is_kept(job)) && fs::remove_file(path).is_ok() {
            deleted += 1;
        }
    }
    deleted
}

/// The files of the folder: path, the job's number if it is a whole export, and when it was written.
fn files(root: &Path) -> Vec<(PathBuf, Option<u64>, SystemTime)> {
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten();
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok()?;
        let path = entry.path();
        let name = entry.file_name();
        let parts = name.to_str().and_then(|name| name.split_once('.'));
        let whole = parts.filter(|(_, ending)| ExportFormat::parse(ending).is_some());
        let job = whole.and_then(|(number, _)| number.parse().ok());
        let modified = metadata.modified().ok()?;
        metadata.is_file().then_some((path, job, modified))
    };
    entries.flatten().filter_map(file).collect()
}
