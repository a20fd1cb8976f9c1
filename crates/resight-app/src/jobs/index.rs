//! Indexing a folder as a job.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use resight_engine::{
    FolderEvent, FolderOptions, FolderReport, Indexer, Library, RefusedFile, path_of_text,
    path_text,
};
use resight_store::pages;

use super::recorder::Recorder;
use super::task::IndexTask;
use super::workshop::Workshop;
use crate::AppError;

/// How long a job waits for one that may keep the collection for hours.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it waits for one that reads a few files of it.
const PATIENCE_WITH_FEW: Duration = Duration::from_secs(60);
/// Refused files read at a time.
const PAGE: usize = 1000;

/// Compares the folder with what is stored, and reads what is new. Returns whether it came to its end.
pub(super) fn run(
    workshop: &Workshop,
    task: &IndexTask,
    recorder: &mut Recorder<'_>,
) -> Result<bool, AppError> {
    // A command that made the job need not know of every folder that this server keeps apart.
    workshop.config.check_apart(&[task.path()])?;
    let name = &recorder.job.new.collection;
    let (lease, closing) = workshop.collections.lease_for_work(name)?;
    recorder.closing = closing;
    let library = lease.shared();
    let lock = workshop.collections.indexing(name);
    // A resolution may hold the lock for hours, in which jobs of other collections have their turn.
    let (begun, cancel) = (Instant::now(), recorder.cancel);
    let closing = recorder.closing.clone();
    let is_over = || cancel.load(Ordering::Relaxed) || closing.load(Ordering::Relaxed);
    let alone = loop {
        let alone = lock.try_lock_for(PATIENCE);
        let is_enough = lock.is_kept() || begun.elapsed() > PATIENCE_WITH_FEW;
        if alone.is_some() || is_enough || is_over() {
            break alone;
        }
    };
    let Some(_alone) = alone else {
        lock.want();
        recorder.is_put_back = true;
        return Ok(false);
    };
    let options = FolderOptions {
        retry_refused: task.retry,
        reread: task.reread,
        ..task.rules.options(&workshop.config)?
    };
    let report = Indexer::new(library.clone())
        .on_threads(workshop.threads.get()?)
        .index_folder(&task.path(), &options, cancel, &mut |event| {
            see(recorder, event);
        })?;
    let is_whole = !report.cancelled;
    finish(recorder, &report, task, &library)?;
    if is_whole && let Some(folder) = recorder.job.new.folder {
        recorder
            .shared
            .records
            .note_run(folder, Some(recorder.job.id))?;
    }
    Ok(is_whole)
}

fn see(recorder: &mut Recorder<'_>, event: FolderEvent) {
    match event {
        FolderEvent::Listed {
            files, unchanged, ..
        } => {
            recorder.report.unchanged_at_first.get_or_insert(unchanged);
            let at_first = recorder.report.unchanged_at_first.unwrap_or(unchanged);
            recorder.set("files", files);
            recorder.set("unchanged", at_first.min(unchanged));
            recorder.reach(unchanged, files);
            recorder.begin_rate();
            // Before anything is read: what is unchanged beyond this when the job goes on is its own work.
            recorder.store_or_wait();
        }
        FolderEvent::Indexed { already_there, .. } => {
            let name = match already_there {
                true => "already_there",
                false => "indexed",
            };
            recorder.add(name, 1);
            recorder.step();
        }
        FolderEvent::Refused { path, code, detail } => {
            let path = path_text(&path).unwrap_or_else(|| path.to_string_lossy().into_owned());
            recorder.add("refused", 1);
            recorder.refuse(path, code.as_str(), detail);
            recorder.step();
        }
        FolderEvent::Moved { .. } => recorder.add("moved", 1),
        FolderEvent::Pruned { .. } => recorder.add("pruned", 1),
        FolderEvent::Embedded { .. } => {}
    }
}

/// Completes the report. After a kill it is what one run would have reported: files that an earlier process read
/// and did not come to record count as well.
fn finish(
    recorder: &mut Recorder<'_>,
    now: &FolderReport,
    task: &IndexTask,
    library: &Arc<Library>,
) -> Result<(), AppError> {
    let at_first = recorder.report.unchanged_at_first.unwrap_or(0);
    let unchanged_now = now.unchanged + now.unchanged_refused;
    let read_before = unchanged_now.saturating_sub(at_first);
    if read_before > 0 {
        add_refusals(recorder, task, library)?;
    }
    recorder.store()?;
    let refused = recorder.shared.records.count_refusals(recorder.job.id)?;
    let known = recorder.count_before("already_there") + now.already_there + now.same_bytes;
    let indexed = match read_before {
        0 => now.indexed,
        _ => {
            let read_now = now.indexed + now.already_there + now.same_bytes + now.refused;
            let read = read_before + read_now;
            read.saturating_sub(known + refused).max(now.indexed)
        }
    };
    recorder.set("indexed", indexed);
    recorder.set("already_there", known);
    recorder.set("refused", refused);
    recorder.set("missing", now.missing);
    recorder.set("excluded", now.excluded);
    for (name, number) in [
        ("pruned", now.pruned + now.excluded_pruned),
        ("moved", now.moved),
    ] {
        let before = recorder.count_before(name);
        recorder.set(name, before + number);
    }
    if !now.cancelled {
        recorder.reach(now.files, now.files);
    }
    Ok(())
}

/// Files of the folder that the catalogue recorded as refused since the job began.
fn add_refusals(
    recorder: &mut Recorder<'_>,
    task: &IndexTask,
    library: &Library,
) -> Result<(), AppError> {
    let since = recorder.job.started_ms.unwrap_or(i64::MAX);
    let folder = task.path();
    let path = |file: &RefusedFile| file.path.clone();
    let read = |after: Option<String>, limit| library.refusals(after.as_deref(), limit);
    for page in pages(PAGE, path, read) {
        for file in page? {
            if file.seen_ms >= since && path_of_text(&file.path).starts_with(&folder) {
                recorder.refuse(file.path, &file.code, file.detail);
            }
        }
    }
    Ok(())
}
