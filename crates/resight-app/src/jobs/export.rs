//! Writing an export as a job.

use super::recorder::Recorder;
use super::task::ExportTask;
use super::workshop::Workshop;
use crate::AppError;
use crate::export::{self, ExportError, ExportFile};

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
    let mut file = ExportFile::begin(root, recorder.job.id, task.format, workshop.exports)?;
    let (library, cancel) = (lease.shared(), recorder.cancel);
    let written = export::export(
        &library,
        name,
        task.into(),
        cancel,
        &mut file,
        &mut |done, total| recorder.reach(done, total),
    );
    let exported = match written {
        Ok(exported) => exported,
        Err(ExportError::App(error)) => return Err(error),
        Err(ExportError::Output(error)) => return Err(file.failure(error)),
    };
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
