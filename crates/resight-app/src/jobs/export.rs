//! Writing an export as a job.

use super::recorder::Recorder;
use super::task::ExportTask;
use super::workshop::Workshop;
use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::export::{self, ExportError};

/// Writes labels, groups and decisions of the collection to the job's file. After a kill it begins again: the file
/// appears when it is whole.
pub(super) fn run(
    workshop: &Workshop,
    task: ExportTask,
    recorder: &mut Recorder<'_>,
) -> Result<bool, AppError> {
    let name = &recorder.job.new.collection;
    let (lease, closing) = workshop.collections.lease_for_work(name)?;
    recorder.closing = closing;
    let root = &workshop.config.root;
    export::prepare(root)?;
    let target = export::file_of(root, recorder.job.id, task.format);
    let mut file = AtomicFile::beside(&target)?;
    let (library, cancel) = (lease.shared(), recorder.cancel);
    let written = export::export(
        &library,
        name,
        task.into(),
        cancel,
        file.file(),
        &mut |done, total| recorder.reach(done, total),
    );
    let exported = written.map_err(|error| match error {
        ExportError::App(error) => error,
        ExportError::Output(error) => AppError::unwritable(&target, error),
    })?;
    file.finish()?;
    for (name, number) in [
        ("pictures", exported.pictures),
        ("groups", exported.groups),
        ("decisions", exported.decisions),
    ] {
        recorder.set(name, number);
    }
    Ok(true)
}
