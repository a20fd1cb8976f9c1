//! Pairing, verifying, copying and describing as jobs.

use std::path::Path;
use std::sync::atomic::Ordering;

use resight_engine::{Duplicates, EngineError, GlobalModels, path_of_text};

use super::recorder::Recorder;
use super::task::BackupTask;
use super::workshop::Workshop;
use crate::backup::{BackupOptions, backup};
use crate::{AppError, data_folder};

/// Pairs all pictures that were not paired yet.
pub(super) fn duplicates(
    workshop: &Workshop,
    recorder: &mut Recorder<'_>,
) -> Result<bool, AppError> {
    let name = &recorder.job.new.collection;
    let (lease, closing) = workshop.collections.lease_for_work(name)?;
    recorder.closing = closing;
    let library = lease.shared();
    let (cancel, closing) = (recorder.cancel, recorder.closing.clone());
    let stop = || cancel.load(Ordering::Relaxed) || closing.load(Ordering::Relaxed);
    let pairing = workshop.collections.pairing();
    let threads = workshop.threads.get()?;
    let mut done = 0;
    loop {
        let step = {
            // The search in the background pairs as well, a step at a time.
            let _alone = pairing.lock();
            let pair = || Duplicates::new(library.clone()).update_some(&stop);
            threads.install(pair)?
        };
        if step.done == 0 {
            return Ok(true);
        }
        done += step.done;
        recorder.add("pairs", step.pairs);
        recorder.add("pictures", step.done);
        recorder.reach(done, done + step.left);
    }
}

/// Reads everything that the collection stores.
pub(super) fn verify(workshop: &Workshop, recorder: &mut Recorder<'_>) -> Result<bool, AppError> {
    let config = workshop.config.of_collection(&recorder.job.new.collection);
    let cancel = recorder.cancel;
    let found = data_folder::verify(&config, cancel, &mut |done, total| {
        recorder.reach(done, total);
    })?;
    for (name, number) in [
        ("pictures", found.pictures),
        ("originals", found.originals),
        ("thumbnails", found.thumbnails),
        ("sources", found.sources),
        ("sources_away", found.sources_away),
        ("without_checksums", found.without_checksums),
        ("findings", found.findings.len() as u64),
    ] {
        recorder.set(name, number);
    }
    for finding in found.findings {
        recorder.refuse(finding.thing, finding.kind.as_str(), finding.detail);
    }
    Ok(true)
}

/// Copies the data folder.
pub(super) fn copy(
    workshop: &Workshop,
    task: &BackupTask,
    recorder: &mut Recorder<'_>,
) -> Result<bool, AppError> {
    let target = path_of_text(&task.folder);
    let options = BackupOptions {
        check: task.check,
        replace: false,
    };
    let cancel = recorder.cancel;
    let target: &Path = &target;
    let made = backup(
        &workshop.config,
        target,
        options,
        cancel,
        &mut |done, total| {
            recorder.reach(done, total);
        },
    )?;
    for (name, number) in [
        ("collections", made.collections),
        ("pictures", made.pictures),
        ("files", made.files),
        ("copied", made.copied),
        ("copied_bytes", made.copied_bytes),
        ("deleted", made.deleted),
    ] {
        recorder.set(name, number);
    }
    Ok(true)
}

/// Describes pictures that lack a vector of a global model in use.
pub(super) fn embed(workshop: &Workshop, recorder: &mut Recorder<'_>) -> Result<bool, AppError> {
    let name = &recorder.job.new.collection;
    let (lease, closing) = workshop.collections.lease_for_work(name)?;
    recorder.closing = closing;
    let models = GlobalModels::new(lease.shared());
    let cancel = recorder.cancel;
    let described = workshop.threads.get()?.install(|| {
        models.embed_missing(cancel, &mut |step| {
            let model = format!("model {}", step.name);
            recorder.set(&model, step.done);
            recorder.reach(step.done, step.total);
        })
    });
    match described {
        Err(EngineError::Cancelled) => Ok(false),
        described => {
            described?;
            Ok(true)
        }
    }
}
